"""A script as the rules see it: what one walk over its tree found."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from release.core.domains.literals import unescape
from release.core.domains.scope import Binding, Function, Write

if TYPE_CHECKING:
    from tree_sitter import Node

_NAMES: Final = frozenset(
    {
        "identifier",
        "property_identifier",
        "private_property_identifier",
        "shorthand_property_identifier",
        "shorthand_property_identifier_pattern",
    }
)
FUNCTIONS: Final = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "function_expression",
        "generator_function",
        "arrow_function",
        "method_definition",
    }
)
NAMES: Final = frozenset({"identifier", "undefined"})
"""Nodes that are names: `undefined` can be a parameter's."""
WRAPPERS: Final = frozenset({"parenthesized_expression", "await_expression"})


@dataclass(slots=True)
class Program:
    """What one walk over the tree of a script finds.

    Attributes:
        kept: nodes by type, in the order of the source.
        assigned: (left, right, operator) of each assignment to a property.
        taken: (pattern, value) of each destructuring.
        fields: what is written to properties of each name, of whatever object.
        identifiers: the declaration of each identifier in use, by where it begins; None for a global.
        functions: by where they stand.
        awaited: `await` outside of all functions, which is one in modules only.
        misread: `yield` and `await` in functions that cannot wait: names, then.
        method_calls: calls of a property of each name.
        receivers: the function that decides what each `this` is, by where it stands; None outside of all.
    """

    source: bytes
    root: "Node"
    kept: "dict[str, list[Node]]" = field(default_factory=dict)
    assigned: "list[tuple[Node, Node, str]]" = field(default_factory=list)
    taken: "list[tuple[Node, Node]]" = field(default_factory=list)
    fields: dict[str, list[Write]] = field(default_factory=dict)
    identifiers: dict[int, Binding | None] = field(default_factory=dict)
    functions: dict[tuple[int, int], Function] = field(default_factory=dict)
    method_calls: "dict[str, list[Node]]" = field(default_factory=dict)
    awaited: "list[Node]" = field(default_factory=list)
    misread: "list[Node]" = field(default_factory=list)
    receivers: dict[int, Function | None] = field(default_factory=dict)
    global_writes: dict[str, list[Write]] = field(default_factory=dict)

    def text(self, node: "Node") -> str:
        """Give a node's source; of a name, what it means without its escapes."""
        word = self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
        return unescape(word) if "\\" in word and node.type in _NAMES else word

    def declared(self, node: "Node") -> Binding | None:
        """Give the declaration that an identifier means; None for a global."""
        return self.identifiers.get(node.start_byte)


def place_of(node: "Node") -> tuple[int, int]:
    """Name a node by where it stands: the same in every run."""
    return node.start_byte, node.end_byte


def unwrapped(node: "Node") -> "Node":
    """Give what parentheses hold; of a sequence, what it gives."""
    while True:
        if node.type in WRAPPERS and node.named_child_count:
            inner = node.named_child(0)
        elif node.type == "sequence_expression":
            inner = node.named_child(node.named_child_count - 1)
        else:
            return node
        if inner is None:
            return node
        node = inner


def arguments_of(call: "Node") -> "list[Node]":
    """Give the arguments of a call; a tagged template's are none."""
    found = call.child_by_field_name("arguments")
    if found is None or found.type != "arguments":
        return []
    return [child for child in found.named_children if child.type != "comment"]
