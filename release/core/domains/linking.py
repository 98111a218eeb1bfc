"""After the walk: which declaration each name means, what is written to it, and who calls which function."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from release.core.domains.program import Program, arguments_of, place_of, unwrapped
from release.core.domains.scope import Function, Scope, Write

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST: Final = 300
"""Scopes within each other that declare names; what is looked up may have to pass all of them."""


class TooDeepError(Exception):
    """Scopes are nested so deep that nobody means it."""


@dataclass(slots=True)
class Found:
    """What the walk leaves to be linked.

    Attributes:
        scopes: outer ones first.
        used: where a name is used, and in which scope.
        plain: uses that only look a property up; `mutated` those of them that write to it.
        late: writes to names that may be declared later.
        called: calls of a name, by where the name stands.
        direct: calls of a function on the spot.
    """

    scopes: list[Scope] = field(default_factory=list)
    used: list[tuple[int, str, Scope]] = field(default_factory=list)
    plain: set[int] = field(default_factory=set)
    mutated: set[int] = field(default_factory=set)
    late: list[tuple[str, Scope, Write]] = field(default_factory=list)
    called: "list[tuple[int, Node]]" = field(default_factory=list)
    direct: "list[tuple[tuple[int, int], Node]]" = field(default_factory=list)


def link(program: Program, found: Found) -> None:
    """Link what a walk found.

    Raises:
        TooDeepError: scopes are nested too deep.
    """
    _Linking(program, found).resolve()


class _Linking:
    def __init__(self, program: Program, found: Found) -> None:
        self.program = program
        self.found = found

    def resolve(self) -> None:
        """Say what each name means, then who calls which function."""
        program = self.program
        for scope in self.found.scopes:
            scope.settle()
        if any(scope.depth > DEEPEST for scope in self.found.scopes):
            raise TooDeepError
        for place, name, scope in self.found.used:
            binding = program.identifiers[place] = scope.find(name)
            if binding is not None:
                binding.reads += 1
                binding.plain_reads += place in self.found.plain and place not in self.found.mutated
        for name, scope, write in self.found.late:
            written = scope.find(name)
            if written is not None:
                written.writes.append(write)
            else:
                program.global_writes.setdefault(name, []).append(write)
        self._link_calls()
        self._name_functions()
        self._pass_functions()

    def _link_calls(self) -> None:
        program = self.program
        for place, call in self.found.called:
            if (callee := program.identifiers.get(place)) is not None:
                callee.calls.append(call)
        for ident, call in self.found.direct:
            program.functions[ident].calls.append(call)

    def _name_functions(self) -> None:
        for scope in self.found.scopes:
            for binding in scope.names.values():
                binding.writes.sort(key=lambda write: write.node.start_byte if write.node else 0)
                for write in binding.writes:
                    if (function := self._function_of(write)) is not None:
                        function.names.append(binding)
        for name, writes in self.program.fields.items():
            for write in writes:
                if (function := self._function_of(write)) is not None:
                    function.properties.append(name)

    def _function_of(self, write: Write) -> Function | None:
        if write.node is None or write.kind != "value":
            return None
        return self.program.functions.get(place_of(unwrapped(write.node)))

    def _pass_functions(self) -> None:
        """A function that is an argument of a function that is called on the spot is known by the parameter, too."""
        for ident, call in self.found.direct:
            called = self.program.functions[ident]
            for argument, parameter in zip(arguments_of(call), called.parameters, strict=False):
                passed = self.program.functions.get(place_of(unwrapped(argument)))
                if passed is not None and parameter is not None:
                    passed.names.append(parameter)
