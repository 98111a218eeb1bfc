"""Names of a script: which declaration an identifier means, and what is ever written to it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Node

WriteKind = Literal["value", "append", "element", "items", "keys", "returned", "unknown"]


@dataclass(slots=True)
class Write:
    """One write to a name or a property.

    Of what the node gives: the `value`; `element`: the property that `keys` lead to; `items`: one of its items;
    `keys`: one of their names; `append`: it is added to a text; `returned`: what the function gives.
    """

    kind: WriteKind
    node: "Node | None"
    region: int
    keys: "tuple[str | int | Node, ...]" = ()


@dataclass(slots=True, eq=False)
class Binding:
    """A declared name. `reads` counts uses, `plain_reads` those that only look a property up."""

    name: str
    region: int
    writes: list[Write] = field(default_factory=list)
    reads: int = 0
    plain_reads: int = 0
    calls: "list[Node]" = field(default_factory=list)
    parameter: "tuple[Function, int] | None" = None
    top: bool = False


@dataclass(slots=True, eq=False)
class Function:
    """A function: its parameters, what it returns, and the names that it is known by."""

    node: "Node"
    parameters: list[Binding | None] = field(default_factory=list)
    rest: int | None = None
    returns: "list[Node]" = field(default_factory=list)
    calls: "list[Node]" = field(default_factory=list)
    names: list[Binding] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)


class Scope:
    """Where names are declared: a function, a block, or a part that may run never or many times (`region`)."""

    __slots__ = ("depth", "function", "hoist", "names", "outer", "parent", "region")

    def __init__(self, parent: "Scope | None", region: int, function: Function | None, *, hoist: bool) -> None:
        self.parent = parent
        self.region = region
        self.function = function
        self.names: dict[str, Binding] = {}
        self.outer: Scope | None = None
        self.depth = 0
        self.hoist: Scope = self if hoist or parent is None else parent.hoist

    def declare(self, name: str, *, hoisted: bool = False) -> Binding:
        """Declare a name here, or in the function around if it is hoisted."""
        target = self.hoist if hoisted else self
        found = target.names.get(name)
        if found is None:
            found = target.names[name] = Binding(name, self.region, top=target.parent is None)
        return found

    def settle(self) -> None:
        """Remember the nearest scope around that declares anything, once all is declared; outer ones come first."""
        parent = self.parent
        if parent is not None:
            self.outer = parent if parent.names else parent.outer
            self.depth = self.outer.depth + 1 if self.outer is not None else 1

    def find(self, name: str) -> Binding | None:
        """Give what a name means here; None if it is a global."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.outer
        return None
