"""What an expression may give: constants folded, names and properties followed, as far as that is cheap.

Every node is judged once; depth and steps are bounded, and what is beyond them is UNKNOWN, never left out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from release.core.domains import called, member
from release.core.domains.literals import read_number, unescape
from release.core.domains.operators import as_number, calculate, primitive, summands, truth_of
from release.core.domains.program import FUNCTIONS, NAMES, Program, arguments_of, place_of
from release.core.domains.scope import Binding, Function, Write
from release.core.domains.value import (
    ANY,
    NUMBER,
    UNKNOWN,
    Value,
    concat,
    join,
    number,
    only_number,
    only_text,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST: Final = 60
MOST_RUNS: Final = 1_000
DEEPEST_RUN: Final = 3
"""How often functions of a script are followed with the values of one call."""
MOST_WRITES: Final = 40
_TRUTH: Final = frozenset({"<", ">", "<=", ">=", "==", "!=", "===", "!==", "in", "instanceof"})
_EITHER: Final = frozenset({"||", "&&", "??"})


class Folder:
    """Folds the expressions of one script; with `given`, of one run of a function with these parameters."""

    def __init__(
        self,
        program: Program,
        given: "Mapping[Binding, Value] | None" = None,
        parent: "Folder | None" = None,
        within: "Node | None" = None,
    ) -> None:
        self.program = program
        self._parent = parent
        self._within = (within.start_byte, within.end_byte) if within else (0, 0)
        self.given = dict(given or {})
        self.known_runs: dict[tuple[tuple[int, int], tuple[Value, ...]], Value] = parent.known_runs if parent else {}
        self.nested: int = parent.nested + 1 if parent else 0
        self.nodes: dict[tuple[int, int], Node] = parent.nodes if parent else {}
        self._known: dict[int, Value] = {}
        self._bound: dict[Binding, Value] = {}
        self.known_fields: dict[str, Value] = parent.known_fields if parent else {}
        self.depth: int = parent.depth if parent else 0
        self._by_type: dict[str, Callable[[Node], Value]] = {
            "string": self._string,
            "template_string": self._template,
            "number": self._number,
            "identifier": self._identifier,
            "undefined": self._identifier,
            "shorthand_property_identifier": self._identifier,
            "this": self._this,
            "member_expression": self._member,
            "subscript_expression": self._member,
            "call_expression": self._call,
            "new_expression": self._new,
            "binary_expression": self._binary,
            "unary_expression": self._unary,
            "ternary_expression": self._ternary,
            "sequence_expression": self._last,
            "parenthesized_expression": self._last,
            "await_expression": self._last,
            "assignment_expression": self._assigned,
            "array": self._array,
            "object": self._object,
            "class": self._object,
            "class_declaration": self._object,
        }

    def fold(self, node: "Node | None") -> Value:
        """Give what a node may be."""
        if node is None:
            return ANY
        known = self._known.get(node.id)
        if known is not None:
            return known
        if self._parent is not None and not self._within[0] <= node.start_byte < self._within[1]:
            return self._parent.fold(node)
        if self.depth > DEEPEST:
            return ANY
        self._known[node.id] = ANY
        self.depth += 1
        kind = node.type
        if kind in FUNCTIONS:
            self.nodes[place_of(node)] = node
            found: Value = frozenset({("f", place_of(node))})
        else:
            found = self._by_type.get(kind, _other)(node)
        self.depth -= 1
        self._known[node.id] = found
        return found

    def _string(self, node: "Node") -> Value:
        return text(unescape(self.program.text(node)[1:-1]))

    def _template(self, node: "Node") -> Value:
        return concat(self.template_parts(node))

    def template_parts(self, node: "Node") -> list[Value]:
        """Give the parts of a template, texts and what stands between them."""
        source, at, parts = self.program.source, node.start_byte + 1, []
        for child in node.named_children:
            if child.type == "template_substitution":
                parts.append(text(unescape(source[at : child.start_byte].decode("utf-8", "replace"))))
                parts.append(self.fold(child.named_children[0] if child.named_child_count else None))
                at = child.end_byte
        parts.append(text(unescape(source[at : node.end_byte - 1].decode("utf-8", "replace"))))
        return parts

    def _number(self, node: "Node") -> Value:
        amount = read_number(self.program.text(node))
        return NUMBER if amount is None else number(amount)

    def _identifier(self, node: "Node") -> Value:
        binding = self.program.declared(node)
        if binding is None:
            name = self.program.text(node)
            if name in {"undefined", "NaN", "Infinity"}:
                return frozenset({("l", name)})
            written = self.program.global_writes.get(name, [])[:MOST_WRITES]
            fields = [self.field(name)] if name in self.program.fields else []
            return join([member.of_global("", name), *fields, *(self._write(write) for write in written)])
        return self.binding(binding)

    def binding(self, binding: Binding) -> Value:
        """Give what a declared name may be."""
        if binding in self.given:
            return self.given[binding]
        known = self._bound.get(binding)
        if known is None and self._parent is not None and not self._is_inner(binding):
            return self._parent.binding(binding)
        if known is None:
            self._bound[binding] = ANY
            known = self._bound[binding] = self._written(binding)
        return known

    def _is_inner(self, binding: Binding) -> bool:
        first, last = self._within
        return any(write.node is not None and first <= write.node.start_byte < last for write in binding.writes)

    def _written(self, binding: Binding) -> Value:
        if len(binding.writes) > MOST_WRITES:
            return join([ANY, *(self._write(write) for write in binding.writes[:MOST_WRITES])])
        if binding.top and binding.name in self.program.fields:
            return join([self.field(binding.name), *(self._write(write) for write in binding.writes)])
        plain = [self._write(write) for write in binding.writes if write.kind != "append"]
        if binding.parameter is not None:
            plain.append(called.parameter(self, *binding.parameter))
        appended = [write for write in binding.writes if write.kind == "append"]
        if not appended:
            return join(plain) if plain else frozenset({("l", "undefined")})
        whole = concat([join(plain), *(self.fold(write.node) for write in appended)])
        straight = all(write.region == binding.region for write in binding.writes)
        return whole if straight else join([whole, ANY])

    def _write(self, write: Write) -> Value:
        match write.kind:
            case "value":
                return self.fold(write.node)
            case "element":
                held = self.fold(write.node)
                for key in write.keys:
                    held = member.of(self, held, self._key(key), sole=False)
                return held
            case "items":
                return join([ANY, *member.items_of(self, self.fold(write.node))])
            case "returned":
                function = self.program.functions.get(place_of(write.node)) if write.node else None
                return join([ANY, *(self.fold(node) for node in function.returns)]) if function else ANY
            case _:
                return ANY

    def _key(self, key: "str | int | Node") -> Value:
        if isinstance(key, str):
            return text(key)
        return number(key) if isinstance(key, int) else self.fold(key)

    def field(self, name: str) -> Value:
        """Give what is written anywhere to a property of this name, of whatever object."""
        known = self.known_fields.get(name)
        if known is None:
            self.known_fields[name] = ANY
            writes = self.program.fields.get(name, [])
            found = join([ANY, *(self._write(write) for write in writes[:MOST_WRITES])])
            known = self.known_fields[name] = found
        return known

    def _this(self, node: "Node") -> Value:
        function = self.program.receivers.get(node.start_byte)
        if function is None or (function.node.type != "method_definition" and (function.calls or function.names)):
            return frozenset({("g", ""), UNKNOWN})
        return ANY

    def _member(self, node: "Node") -> Value:
        held, keys, sole = self.parts(node)
        return member.of(self, held, keys, sole=sole)

    def parts(self, node: "Node") -> tuple[Value, Value, bool]:
        """Give the object and the names of a member access, and whether nobody else can write to the object."""
        holder = node.child_by_field_name("object")
        key = node.child_by_field_name("property")
        keys = text(self.program.text(key)) if key is not None else self.fold(node.child_by_field_name("index"))
        return self.fold(holder), keys, self._sole(holder)

    def _sole(self, holder: "Node | None") -> bool:
        if holder is None or holder.type not in NAMES:
            return holder is not None and holder.type not in {"member_expression", "subscript_expression", "this"}
        binding = self.program.declared(holder)
        return (
            binding is not None
            and binding.parameter is None
            and len(binding.writes) == 1
            and binding.reads == binding.plain_reads
        )

    def _call(self, node: "Node") -> Value:
        return called.result(self, node)

    def _new(self, node: "Node") -> Value:
        return called.made(self, node)

    def _binary(self, node: "Node") -> Value:
        sign = node.child_by_field_name("operator")
        operator = sign.type if sign is not None else ""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if operator in _EITHER:
            return join([self.fold(left), self.fold(right)])
        if operator in _TRUTH:
            return NUMBER
        if operator == "+":
            return self._sum([self.fold(part) for part in summands(node)])
        first, second = only_number(self.fold(left)), only_number(self.fold(right))
        if first is None or second is None:
            return NUMBER
        made = calculate(operator, first, second)
        return NUMBER if made is None else number(made)

    def _sum(self, parts: list[Value]) -> Value:
        numbers = [as_number(part) for part in parts]
        known = [amount for amount in numbers if amount is not None]
        if len(known) == len(parts):
            return number(sum(known))
        if len(known) > 1 and None not in numbers[:2]:
            lead = 0
            while numbers[lead] is not None:
                lead += 1
            parts = [number(sum(known[:lead])), *parts[lead:]]
        return NUMBER if all(part == NUMBER for part in parts) else concat([primitive(part) for part in parts])

    def _unary(self, node: "Node") -> Value:
        sign = node.child_by_field_name("operator")
        operator = sign.type if sign is not None else ""
        if operator == "void":
            return frozenset({("l", "undefined")})
        inner = self.fold(node.child_by_field_name("argument"))
        if operator == "!":
            truth = truth_of(inner)
            return NUMBER if truth is None else frozenset({("l", "false" if truth else "true")})
        if operator in {"+", "-", "~"}:
            word = only_text(primitive(inner))
            amount = only_number(text(word)) if word is not None else None
            if inner == frozenset({("l", "true")}):
                amount = 1.0
            if amount is None:
                return number(float("nan")) if word is not None and operator == "+" else NUMBER
            return number(amount if operator == "+" else -amount if operator == "-" else ~int(amount))
        return NUMBER

    def _ternary(self, node: "Node") -> Value:
        return join(self.fold(node.child_by_field_name(name)) for name in ("consequence", "alternative"))

    def _last(self, node: "Node") -> Value:
        return self.fold(node.named_child(node.named_child_count - 1) if node.named_child_count else None)

    def _assigned(self, node: "Node") -> Value:
        return self.fold(node.child_by_field_name("right"))

    def _array(self, node: "Node") -> Value:
        values: list[Value] = []
        for child in node.named_children:
            if child.type == "spread_element":
                held = member.items_of(self, self.fold(child.named_children[0] if child.named_child_count else None))
                values += held or [ANY]
            elif child.type != "comment":
                values.append(self.fold(child))
        return frozenset({("a", tuple(values))})

    def _object(self, node: "Node") -> Value:
        self.nodes[place_of(node)] = node
        return frozenset({("o" if node.type == "object" else "c", place_of(node))})

    def function(self, ident: tuple[int, int]) -> Function | None:
        """Give a function of the script."""
        return self.program.functions.get(ident)

    def run(self, function: Function, args: Sequence[Value]) -> Value:
        """Give what a function gives to these very arguments, if there was not too much of that already."""
        name = (place_of(function.node), tuple(args))
        known = self.known_runs.get(name)
        if known is not None:
            return known
        if len(self.known_runs) >= MOST_RUNS or self.nested >= DEEPEST_RUN:
            return join([ANY, *(self.fold(node) for node in function.returns[:MOST_WRITES])])
        self.known_runs[name] = ANY
        given = {
            parameter: args[place]
            for place, parameter in enumerate(function.parameters)
            if parameter is not None and place < len(args) and not parameter.writes
        }
        inner = Folder(self.program, {**self.given, **given}, self, function.node)
        found = self.known_runs[name] = join(inner.fold(node) for node in function.returns)
        return found

    def arguments(self, call: "Node") -> list[Value]:
        """Give the arguments of a call; a list that is spread is taken apart."""
        found: list[Value] = []
        for node in arguments_of(call):
            if node.type == "spread_element":
                found += member.items_of(self, self.fold(node.named_children[0])) or [ANY, ANY, ANY]
            else:
                found.append(self.fold(node))
        return found


def _other(node: "Node") -> Value:
    match node.type:
        case "true" | "false" | "null":
            return frozenset({("l", node.type)})
        case "regex":
            body = (node.text or b"").decode("utf-8", "replace")
            return frozenset({("x", body)})
        case "update_expression":
            return NUMBER
        case "meta_property":
            return frozenset({("g", "import.meta")})
        case _:
            return ANY
