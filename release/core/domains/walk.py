"""One walk over the tree of a script, without recursion: names, writes, calls, and what the rules look at."""

from typing import TYPE_CHECKING, Final

from release.core.domains.linking import Found, link
from release.core.domains.literals import unescape
from release.core.domains.patterns import Target, targets
from release.core.domains.program import FUNCTIONS, NAMES, Program, place_of, unwrapped
from release.core.domains.scope import Function, Scope, Write, WriteKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

_BLOCKS: Final = ("statement_block", "switch_body", "class_body", "class_static_block")
_BRANCHES: Final = (
    "if_statement",
    "for_statement",
    "while_statement",
    "do_statement",
    "switch_statement",
    "try_statement",
    "ternary_expression",
)
_KEPT: Final = (
    "call_expression",
    "new_expression",
    "string",
    "template_string",
    "binary_expression",
    "import_statement",
    "export_statement",
    "subscript_expression",
    "with_statement",
    "class_heritage",
    "html_comment",
    "array",
    "pair",
    "shorthand_property_identifier",
    "yield_expression",
    "throw_statement",
    "jsx_element",
    "jsx_self_closing_element",
)
MUTATORS: Final = frozenset(
    {"push", "pop", "shift", "unshift", "splice", "reverse", "sort", "fill", "copyWithin", "set", "delete"}
)
_MEMBERS: Final = frozenset({"member_expression", "subscript_expression"})


def read_program(root: "Node", source: bytes) -> Program:
    """Walk over a tree."""
    return _Walk(Program(source, root, kept={kind: [] for kind in _KEPT})).run()


def _suspends(function: "Node", how: str) -> bool:
    if how == "await_expression":
        return any(child.type == "async" for child in function.children)
    return function.type.startswith("generator_") or any(child.type == "*" for child in function.children)


class _Walk:
    def __init__(self, program: Program) -> None:
        self.program = program
        self._stack: list[tuple[Node, Scope]] = []
        self._regions = 0
        self.found = Found()
        handlers: dict[str, Callable[[Node, Scope], None]] = dict.fromkeys(FUNCTIONS, self._function)
        handlers |= dict.fromkeys(_BLOCKS, self._block) | dict.fromkeys(_BRANCHES, self._branch)
        handlers |= {
            "identifier": self._identifier,
            "undefined": self._identifier,
            "yield_expression": self._suspended,
            "await_expression": self._suspended,
            "this": self._this,
            "shorthand_property_identifier": self._shorthand,
            "variable_declaration": self._declaration,
            "lexical_declaration": self._declaration,
            "class_declaration": self._class,
            "class": self._class,
            "assignment_expression": self._assignment,
            "augmented_assignment_expression": self._assignment,
            "update_expression": self._update,
            "member_expression": self._member,
            "subscript_expression": self._member,
            "call_expression": self._call,
            "new_expression": self._call,
            "pair": self._pair,
            "field_definition": self._pair,
            "for_in_statement": self._for_in,
            "catch_clause": self._catch,
            "return_statement": self._return,
            "import_statement": self._import,
        }
        self._handlers = handlers

    def run(self) -> Program:
        """Walk, then say what each name means."""
        kept, handlers, stack = self.program.kept, self._handlers, self._stack
        stack.append((self.program.root, self._scope(None, None, hoist=True, branch=True)))
        while stack:
            node, scope = stack.pop()
            kind = node.type
            if kind in kept:
                kept[kind].append(node)
            handler = handlers.get(kind)
            if handler is not None:
                handler(node, scope)
            else:
                for child in reversed(node.named_children):
                    stack.append((child, scope))
        link(self.program, self.found)
        return self.program

    def _scope(self, parent: Scope | None, function: Function | None, *, hoist: bool, branch: bool) -> Scope:
        if branch or parent is None:
            self._regions += 1
        region = self._regions if branch or parent is None else parent.region
        made = Scope(parent, region, function, hoist=hoist)
        self.found.scopes.append(made)
        return made

    def _push(self, node: "Node | None", scope: Scope) -> None:
        if node is not None:
            self._stack.append((node, scope))

    def _children(self, node: "Node", scope: Scope) -> None:
        self._stack.extend((child, scope) for child in reversed(node.named_children))

    def _block(self, node: "Node", scope: Scope) -> None:
        self._children(node, self._scope(scope, scope.function, hoist=False, branch=False))

    def _branch(self, node: "Node", scope: Scope) -> None:
        self._children(node, self._scope(scope, scope.function, hoist=False, branch=True))

    def _identifier(self, node: "Node", scope: Scope) -> None:
        self.found.used.append((node.start_byte, self.program.text(node), scope))

    def _suspended(self, node: "Node", scope: Scope) -> None:
        """Note `yield` and `await` where they are names in a script, and mean something else than they look like."""
        function = scope.function.node if scope.function is not None else None
        if node.type == "await_expression" and function is None:
            self.program.awaited.append(node)
        elif function is None or not _suspends(function, node.type):
            self.program.misread.append(node)
        self._children(node, scope)

    def _this(self, node: "Node", scope: Scope) -> None:
        around: Scope | None = scope
        while around is not None and around.function is not None and around.function.node.type == "arrow_function":
            around = around.parent
        self.program.receivers[node.start_byte] = around.function if around is not None else None

    def _shorthand(self, node: "Node", scope: Scope) -> None:
        self._identifier(node, scope)
        self._field(self.program.text(node), Write("value", node, scope.region))

    def _field(self, name: str, write: Write) -> None:
        self.program.fields.setdefault(name, []).append(write)

    def _function(self, node: "Node", scope: Scope) -> None:
        function = self.program.functions[place_of(node)] = Function(node)
        inner = self._scope(scope, function, hoist=True, branch=True)
        name = node.child_by_field_name("name")
        if node.type == "method_definition" and name is not None:
            if name.type == "computed_property_name":
                self._push(name, scope)
            else:
                getter = any(child.type == "get" for child in node.children)
                self._field(self._word(name), Write("returned" if getter else "value", node, scope.region))
        elif name is not None:
            declared = node.type.endswith("_declaration")
            binding = (scope if declared else inner).declare(self.program.text(name))
            binding.writes.append(Write("value", node, binding.region))
        parameters = node.child_by_field_name("parameters")
        single = node.child_by_field_name("parameter")
        for index, child in enumerate(parameters.named_children if parameters else [single] if single else []):
            self._parameter(child, index, function, inner)
        body = node.child_by_field_name("body")
        if body is not None and body.type != "statement_block":
            function.returns.append(body)
            self._push(body, inner)
        elif body is not None:
            self._children(body, inner)

    def _parameter(self, node: "Node", index: int, function: Function, scope: Scope) -> None:
        function.parameters.append(None)
        left = node.child_by_field_name("left") if node.type == "assignment_pattern" else node
        if left is not None and left.type in NAMES:
            binding = function.parameters[-1] = scope.declare(self.program.text(left))
            binding.parameter = (function, index)
            if left is not node:
                right = node.child_by_field_name("right")
                binding.writes.append(Write("value", right, scope.region))
                self._push(right, scope)
        else:
            self._take(node, None, scope, hoisted=False)

    def _take(self, node: "Node", value: "Node | None", scope: Scope, *, hoisted: bool, declare: bool = True) -> None:
        """Write to every name of a pattern the part of the value that it takes."""
        if value is not None:
            self.program.taken.append((node, value))
        for target in targets(node, value, self.program.text):
            self._taken(target, scope, hoisted=hoisted, declare=declare)

    def _taken(self, target: Target, scope: Scope, *, hoisted: bool, declare: bool) -> None:
        write = Write(target.kind, target.value, scope.region, target.keys)
        node = target.node
        if target.expression:
            self._push(node, scope)
            if node.type in _MEMBERS:
                self.program.assigned.append((node, target.value or node, "pattern"))
        elif declare:
            scope.declare(self.program.text(node), hoisted=hoisted).writes.append(write)
        else:
            self.found.late.append((self.program.text(node), scope, write))

    def _declaration(self, node: "Node", scope: Scope) -> None:
        hoisted = node.type == "variable_declaration"
        for child in reversed(node.named_children):
            if child.type != "variable_declarator":
                continue
            name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
            if name is not None and name.type in NAMES:
                binding = scope.declare(self.program.text(name), hoisted=hoisted)
                if value is not None:
                    binding.writes.append(Write("value", value, scope.region))
            elif name is not None:
                self._take(name, value, scope, hoisted=hoisted)
            self._push(value, scope)

    def _class(self, node: "Node", scope: Scope) -> None:
        name = node.child_by_field_name("name")
        if name is not None:
            scope.declare(self.program.text(name)).writes.append(Write("value", node, scope.region))
        for child in reversed(node.named_children):
            if name is None or child.id != name.id:
                self._push(child, scope)

    def _assignment(self, node: "Node", scope: Scope) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        left = unwrapped(left)
        sign = node.child_by_field_name("operator")
        operator = sign.type if sign is not None else "="
        kind: WriteKind = (
            "append" if operator == "+=" else "value" if operator in {"=", "||=", "??=", "&&="} else "unknown"
        )
        self._push(right, scope)
        if left.type in NAMES:
            self.found.late.append((self.program.text(left), scope, Write(kind, right, scope.region)))
        elif left.type in _MEMBERS:
            self.program.assigned.append((left, right, operator))
            self._mutates(left)
            self._push(left, scope)
            if (word := self._property(left)) is not None:
                self._field(word, Write(kind, right, scope.region))
        else:
            self._take(left, right, scope, hoisted=False, declare=False)

    def _property(self, node: "Node") -> str | None:
        name = node.child_by_field_name("property") or node.child_by_field_name("index")
        if name is None or (node.type == "subscript_expression" and name.type != "string"):
            return None
        return self._word(name)

    def _word(self, node: "Node") -> str:
        return unescape(self.program.text(node).strip("\"'"))

    def _update(self, node: "Node", scope: Scope) -> None:
        inner = node.child_by_field_name("argument")
        if inner is not None and inner.type in NAMES:
            self.found.late.append((self.program.text(inner), scope, Write("unknown", None, scope.region)))
        elif inner is not None and inner.type in _MEMBERS:
            self._mutates(inner)
        self._children(node, scope)

    def _member(self, node: "Node", scope: Scope) -> None:
        held = node.child_by_field_name("object")
        if held is not None and held.type in NAMES:
            self.found.plain.add(held.start_byte)
        self._children(node, scope)

    def _call(self, node: "Node", scope: Scope) -> None:
        called = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        if called is not None:
            called = unwrapped(called)
            if called.type in NAMES:
                self.found.called.append((called.start_byte, node))
            elif called.type in FUNCTIONS:
                self.found.direct.append((place_of(called), node))
            elif called.type in _MEMBERS:
                word = self._property(called)
                if word is None or word in MUTATORS:
                    self._mutates(called)
                if word is not None:
                    self.program.method_calls.setdefault(word, []).append(node)
        self._children(node, scope)

    def _mutates(self, member: "Node") -> None:
        held = member.child_by_field_name("object")
        if held is not None:
            self.found.mutated.add(held.start_byte)

    def _pair(self, node: "Node", scope: Scope) -> None:
        name = node.child_by_field_name("key") or node.child_by_field_name("property")
        value = node.child_by_field_name("value")
        if name is not None and name.type == "computed_property_name":
            self._push(name, scope)
        elif name is not None and value is not None:
            self._field(self._word(name), Write("value", value, scope.region))
        self._push(value, scope)

    def _for_in(self, node: "Node", scope: Scope) -> None:
        inner = self._scope(scope, scope.function, hoist=False, branch=True)
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        kind, sign = node.child_by_field_name("kind"), node.child_by_field_name("operator")
        self._push(node.child_by_field_name("body"), inner)
        self._push(right, scope)
        if left is None:
            return
        write = Write("items" if sign is not None and sign.type == "of" else "keys", right, inner.region)
        if left.type not in NAMES:
            self._take(left, None, inner, hoisted=kind is not None and kind.type == "var", declare=kind is not None)
        elif kind is None:
            self.found.late.append((self.program.text(left), inner, write))
        else:
            inner.declare(self.program.text(left), hoisted=kind.type == "var").writes.append(write)

    def _catch(self, node: "Node", scope: Scope) -> None:
        inner = self._scope(scope, scope.function, hoist=False, branch=True)
        caught = node.child_by_field_name("parameter")
        if caught is not None:
            self._take(caught, None, inner, hoisted=False)
        self._push(node.child_by_field_name("body"), inner)

    def _return(self, node: "Node", scope: Scope) -> None:
        if scope.function is not None and node.named_child_count:
            scope.function.returns.append(node.named_children[0])
        self._children(node, scope)

    def _import(self, node: "Node", scope: Scope) -> None:
        stack = list(node.named_children)
        while stack:
            at = stack.pop()
            if at.type in NAMES:
                scope.declare(self.program.text(at)).writes.append(Write("unknown", None, scope.region))
            elif at.type == "import_specifier":
                stack.append(at.child_by_field_name("alias") or at.named_children[0])
            elif at.type in {"import_clause", "named_imports", "namespace_import"}:
                stack.extend(at.named_children)
            else:
                self._push(at, scope)
