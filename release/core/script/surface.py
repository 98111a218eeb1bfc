"""The names that a script offers to pages: exports of a module, globals of a classic script, and what these hold.

Read from the syntax, so a name made at run time is not seen, and a global of one or two letters is taken for a
minifier's. It serves to notice that a name went away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from release.core.domains.script import parse
from release.core.script.tree import captured, query

if TYPE_CHECKING:
    from tree_sitter import Node

_GLOBAL_OBJECTS: Final = frozenset({"window", "globalThis"})
_WRAPPING: Final = frozenset({"parenthesized_expression", "unary_expression"})
_FUNCTIONS: Final = frozenset({"function_expression", "arrow_function"})
_ASSIGNED: Final = "(assignment_expression left: (member_expression)) @assigned"
_MOST_NAMES: Final = 10_000
_MINIFIED: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Surface:
    """Names that pages can use. A name inside a global is `Global.name`.

    Attributes:
        exports: of a module; `*` stands for all of another module's.
        globals_: of a classic script, with their members as far as they can be seen.
    """

    exports: frozenset[str] = frozenset()
    globals_: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All of them, an export as `export name`."""
        return frozenset(f"export {name}" for name in self.exports) | self.globals_


def surface(source: bytes) -> Surface:
    """Read the names that a script offers; at most some thousands."""
    root = parse(source).root_node
    exports: set[str] = set()
    globals_: set[str] = set()
    for statement in root.named_children:
        if statement.type == "export_statement":
            exports.update(_exported(statement))
        else:
            globals_.update(_declared_globally(statement))
    if not exports:
        globals_.update(_put_on_the_global(root))
    globals_ = {name for name in globals_ if len(name.partition(".")[0]) > _MINIFIED}
    return Surface(
        exports=frozenset(sorted(exports)[:_MOST_NAMES]),
        globals_=frozenset() if exports else frozenset(sorted(globals_)[:_MOST_NAMES]),
    )


def removed(before: Surface, now: Surface) -> list[str]:
    """Give the names that were offered and no longer are."""
    return sorted(before.names - now.names)


def added(before: Surface, now: Surface) -> list[str]:
    """Give the names that are offered now and were not."""
    return sorted(now.names - before.names)


def _exported(statement: "Node") -> Iterator[str]:
    if any(child.type == "default" for child in statement.children):
        yield "default"
    for child in statement.children:
        match child.type:
            case "export_clause":
                for name in child.named_children:
                    chosen = name.child_by_field_name("alias") or name.child_by_field_name("name") or name
                    yield _text(chosen).strip("\"'")
            case "namespace_export":
                yield _text(child.named_children[0]).strip("\"'") if child.named_children else "*"
            case "*":
                yield "*"
            case _:
                pass
    declaration = statement.child_by_field_name("declaration")
    if declaration is not None:
        yield from _declared(declaration)


def _declared(declaration: "Node") -> Iterator[str]:
    name = declaration.child_by_field_name("name")
    if name is not None:
        yield _text(name)
    for child in declaration.named_children:
        if child.type == "variable_declarator" and (bound := child.child_by_field_name("name")):
            yield from _bound(bound)


def _bound(pattern: "Node") -> Iterator[str]:
    """Give the names that a pattern binds."""
    waiting = [pattern]
    while waiting:
        node = waiting.pop()
        match node.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                yield _text(node)
            case "pair_pattern":
                waiting += [value for value in [node.child_by_field_name("value")] if value]
            case "object_assignment_pattern" | "assignment_pattern":
                waiting += [left for left in [node.child_by_field_name("left")] if left]
            case "object_pattern" | "array_pattern" | "rest_pattern":
                waiting += node.named_children
            case _:
                pass


def _declared_globally(statement: "Node") -> Iterator[str]:
    """Give the globals of a classic script's declaration, and the members of a namespace that a function fills."""
    if statement.type not in {
        "variable_declaration",
        "function_declaration",
        "class_declaration",
        "lexical_declaration",
    }:
        return
    yield from _declared(statement)
    for declarator in statement.named_children:
        name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        if name is not None and value is not None and name.type == "identifier":
            yield from (f"{_text(name)}.{member}" for member in _members(value))


def _put_on_the_global(root: "Node") -> Iterator[str]:
    """Give what is assigned to `window.X` and its like, anywhere."""
    for _, node in captured(query(_ASSIGNED), root):
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        target = left.child_by_field_name("object") if left else None
        name = left.child_by_field_name("property") if left else None
        if target is not None and name is not None and right is not None and _text(target) in _GLOBAL_OBJECTS:
            yield _text(name)
            yield from (f"{_text(name)}.{member}" for member in _members(right))


def _members(value: "Node") -> Iterator[str]:
    """Give the members of an object that is written out, or that a function called at once gets or returns."""
    value = _unwrapped(value)
    if value.type == "object":
        yield from _keys(value)
    if value.type != "call_expression" or (called := value.child_by_field_name("function")) is None:
        return
    called = _unwrapped(called)
    body = called.child_by_field_name("body")
    if called.type not in _FUNCTIONS or body is None:
        return
    returned = [node for node in body.named_children if node.type == "return_statement"]
    given = {_text(_last(node.named_children[0])) for node in returned if node.named_children}
    for node in returned:
        last = _last(node.named_children[0]) if node.named_children else None
        if last is not None and last.type == "object":
            yield from _keys(last)
    for _, node in captured(query(_ASSIGNED), body):
        left = node.child_by_field_name("left")
        target = left.child_by_field_name("object") if left else None
        name = left.child_by_field_name("property") if left else None
        if target is not None and name is not None and _text(target) in given:
            yield _text(name)


def _keys(object_: "Node") -> Iterator[str]:
    for child in object_.named_children:
        key = child.child_by_field_name("key") or child.child_by_field_name("name")
        if key is None and child.type == "shorthand_property_identifier":
            key = child
        if key is not None and key.type != "computed_property_name":
            yield _text(key).strip("\"'")


def _last(node: "Node") -> "Node":
    """Give what a sequence gives: its last expression."""
    while node.type == "sequence_expression" and node.named_children:
        node = node.named_children[-1]
    return node


def _unwrapped(node: "Node") -> "Node":
    while node.type in _WRAPPING and node.named_children:
        node = node.named_children[-1]
    return node


def _text(node: "Node") -> str:
    return (node.text or b"")[:200].decode("utf-8", "replace")
