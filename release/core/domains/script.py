"""Scripts: what one loads, sends, injects and runs."""

from typing import TYPE_CHECKING, Final

from release.core.domains.calls import Calls
from release.core.domains.fold import Folder
from release.core.domains.html_signs import signs
from release.core.domains.judge import Judge, Span
from release.core.domains.linking import TooDeepError
from release.core.domains.member import WINDOWS
from release.core.domains.operators import is_sum, summands
from release.core.domains.program import Program
from release.core.domains.properties import is_open, judge_assignments
from release.core.domains.sinks import (
    BY_NAME,
    GUARDED,
    Sink,
)
from release.core.domains.value import ANY, Value, concat, only_text, texts, written
from release.core.domains.walk import read_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node, Tree

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a script that is read: a tree takes some hundred times that much memory."""
LARGEST_INNER: Final = 256 * 1024


def parse(source: bytes) -> "Tree":
    """Parse a script."""
    import tree_sitter  # noqa: PLC0415 - loads a library in C
    import tree_sitter_javascript  # noqa: PLC0415

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_javascript.language())).parse(source)


def judge_script(judge: Judge, source: bytes, span: Span | None = None, depth: int = 0) -> None:
    """Judge a script: the file itself, or with a span a text in it."""
    del depth
    report = judge.report
    whole = span or (0, len(report.body))
    if len(source) > (LARGEST if span is None else LARGEST_INNER):
        report.add(whole, "file", "size", "undecided", f"the script is {len(source)} bytes long, too much to be read")
        return
    tree = parse(source)
    if tree.root_node.has_error:
        at = _error(tree) if span is None else whole
        report.add(at, "file", "syntax", "undecided", "the script does not parse: nobody can tell what it does")
        if span is not None:
            judge.said(span, source.decode("utf-8", "replace"))
            return
    try:
        program = read_program(tree.root_node, source)
    except TooDeepError:
        report.add(whole, "file", "depth", "undecided", "functions within functions, too deep to be read")
        return
    _Script(judge, program, span).judge()


def _error(tree: "Tree") -> Span:
    """Find the first place that does not parse."""
    node = tree.root_node
    while True:
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None or node.is_error:
            return node.start_byte, node.end_byte
        node = inner


class _Script:
    def __init__(self, judge: Judge, program: Program, span: Span | None) -> None:
        self.judging = judge
        self.report = judge.report
        self.program = program
        self.folder = Folder(program)
        self._span = span
        self._calls = Calls(judge, program, self.folder, self.span)

    def span(self, node: "Node") -> Span:
        """Give where a node is in the file."""
        return self._span or (node.start_byte, node.end_byte)

    def judge(self) -> None:
        """Judge all that the walk has kept."""
        kept = self.program.kept
        self._texts()
        for kind in ("call_expression", "new_expression"):
            for node in kept[kind]:
                self._call(node)
        judge_assignments(self.judging, self.program, self.folder, self.span)
        for kind in ("import_statement", "export_statement"):
            for node in kept[kind]:
                source = node.child_by_field_name("source")
                if source is not None:
                    sink = Sink("url", 0, ("script",))
                    self.judging.value(self.span(node), sink, kind.partition("_")[0], self.folder.fold(source))
        for node in kept["subscript_expression"]:
            self._subscript(node)
        self._kept_apart()
        for node in kept["class_heritage"]:
            self._heritage(node)
        self._misread()
        for node in kept["with_statement"]:
            self.report.add(
                self.span(node), "computed", "with", "undecided", "with: nobody can tell what a name means in it"
            )

    def _kept_apart(self) -> None:
        """Find functions that load or run, and the window, put where nobody follows them."""
        kept = self.program.kept
        for kind in ("array", "yield_expression", "throw_statement"):
            for node in kept[kind]:
                self._handed(node.named_children)
        for node in kept["export_statement"]:
            self._handed(_exported(node))
        for function in self.program.functions.values():
            for node in function.returns:
                if node.type in _NAMED:
                    self._calls.handed(node, self.folder.fold(node), window=False)
        for node in kept["pair"]:
            value, key = node.child_by_field_name("value"), node.child_by_field_name("key")
            if value is not None and value.type in _NAMED:
                inherited = key is not None and self.program.text(key).strip("\"'") == "__proto__"
                self._calls.handed(value, self.folder.fold(value), window=inherited)
        for node in kept["shorthand_property_identifier"]:
            self._calls.handed(node, self.folder.fold(node), window=False)

    def _handed(self, nodes: "Iterable[Node]") -> None:
        for node in nodes:
            if node.type in _NAMED:
                self._calls.handed(node, self.folder.fold(node), window=True)

    def _misread(self) -> None:
        """Find what browsers may read otherwise than the parser did."""
        kept, program = self.program.kept, self.program
        module = kept["import_statement"] or kept["export_statement"]
        found: list[tuple[Span, str, str]] = [
            (self.span(node), "comment", "a comment of HTML, which is code in modules") for node in kept["html_comment"]
        ]
        found += [
            (self.span(node), "words", "markup as an expression, which is no JavaScript")
            for node in [*kept["jsx_element"], *kept["jsx_self_closing_element"]]
        ]
        found += [
            (self.span(node), "words", "a word that is a name here, and reads like something else")
            for node in [*program.misread, *([] if module else program.awaited)]
        ]
        found += [
            (self._span or span, "comment", "the sign of an HTML comment: browsers go on reading elsewhere")
            for span in signs(program)
        ]
        for span, sink, message in found:
            self.report.add(span, "file", sink, "undecided", message)

    def _texts(self) -> None:
        """Judge the URLs in every text, put together as far as it is constant."""
        inside: set[int] = set()
        for node in self.program.kept["binary_expression"]:
            if node.id not in inside and is_sum(node):
                self._sum(node, inside)
        for node in self.program.kept["template_string"]:
            if node.id not in inside:
                self._parts(node, self.folder.template_parts(node))
        for node in self.program.kept["string"]:
            if node.id not in inside:
                for word in texts(self.folder.fold(node)):
                    self.judging.said(self.span(node), word)

    def _sum(self, node: "Node", inside: set[int]) -> None:
        at = node
        while at.type == "binary_expression" and is_sum(at):
            inside.add(at.id)
            left, right = at.child_by_field_name("left"), at.child_by_field_name("right")
            if left is None or right is None:
                return
            inside.add(right.id)
            at = left
        inside.add(at.id)
        self._parts(node, [self.folder.fold(part) for part in summands(node)])

    def _parts(self, node: "Node", parts: list[Value]) -> None:
        known = [only_text(part) for part in parts]
        if not any("/" in word or "\\" in word or ":" in word for word in known if word):
            whole = concat(parts) if any(word for word in known) and len(parts) < MOST_JOINED else ANY
        else:
            whole = concat(parts)
        for atom in whole:
            if atom[0] in "sp":
                self.judging.said(self.span(node), atom[1], more=atom[0] == "p")
        run = ""
        first = True
        for place, word in enumerate([*known, None]):
            if word is not None:
                run += word
                continue
            if run and not first:
                self.judging.said(self.span(node), run, more=place < len(known))
            first, run = False, ""

    def _call(self, node: "Node") -> None:
        callee = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        if callee is not None and callee.type == "import":
            args = self.folder.arguments(node)
            self.judging.value(self.span(node), Sink("url", 0, ("script",)), "import()", args[0] if args else ANY)
            return
        self._calls.judge(node)
        for word in texts(self.folder.fold(node)):
            self.judging.said(self.span(node), word)

    def _heritage(self, node: "Node") -> None:
        """Find classes that are made from those that load: what they are given is up to whoever makes one."""
        for atom in self.folder.fold(node.named_children[0] if node.named_child_count else None):
            sink = BY_NAME.get(atom[1].rpartition(".")[2]) if atom[0] == "g" else None
            if sink is not None and sink.way != "timer":
                message = f"a class is made from {atom[1]}: nobody can tell what that is given"
                self.report.add(self.span(node), sink.rule, atom[1], "undecided", message, kinds=sink.kinds)

    def _subscript(self, node: "Node") -> None:
        holder, keys, _ = self.folder.parts(node)
        guarded = [atom[1] for atom in holder if atom[0] == "g" and (atom[1] in GUARDED or atom[1] in WINDOWS)]
        if guarded and any(written(atom) is None and is_open(atom) for atom in keys):
            self._calls.computed(node, guarded[0] or "window")


def _exported(statement: "Node") -> "Iterator[Node]":
    """Give what a module gives to others, as far as it is a name or has one."""
    stack = list(statement.named_children)
    while stack:
        node = stack.pop()
        if node.type in {"export_clause", "lexical_declaration", "variable_declaration"}:
            stack.extend(node.named_children)
        elif node.type in {"export_specifier", "variable_declarator"}:
            inner = node.child_by_field_name("name" if node.type == "export_specifier" else "value")
            stack.extend([inner] if inner is not None else [])
        else:
            yield node


_NAMED: Final = frozenset({"identifier", "member_expression", "subscript_expression", "parenthesized_expression"})
MOST_JOINED: Final = 400


__all__ = ["LARGEST", "judge_script", "parse"]
