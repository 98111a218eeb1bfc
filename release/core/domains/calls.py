"""Calls of a script: what is called, as far as that is known, and what that means."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from release.core.domains.called import Call, understood
from release.core.domains.fold import Folder
from release.core.domains.judge import Judge, Span
from release.core.domains.program import NAMES, Program, arguments_of, unwrapped
from release.core.domains.properties import is_open, set_all, set_property
from release.core.domains.sinks import (
    APPENDS,
    ATTRIBUTES,
    BY_NAME,
    BY_PATH,
    CARRIERS,
    CONNECT,
    DESCRIBES,
    HARMLESS,
    NATIVE,
    OF_STYLE,
    OF_TAG,
    OF_TEXT,
    ON_DOCUMENT,
    READS_ALL,
    TOO_COMMON,
    Sink,
    means,
)
from release.core.domains.value import ANY, NOTHING, Atom, Value, only_text, text, texts, written

if TYPE_CHECKING:
    from tree_sitter import Node

_FOLLOWED: Final = 4
_CALLS_OF_ANY: Final = frozenset({"binary_expression", "call_expression", "template_string"})
_KEEPS: Final = frozenset({"push", "unshift", "concat", "of", "from", "fill", "resolve", "set", "add"})
"""Methods that keep what they are given."""
_HOLDERS: Final[dict[str, tuple[tuple[Atom, str], ...]]] = {
    "write": ((("g", "document"), "document.write"),),
    "writeln": ((("g", "document"), "document.write"),),
    "assign": ((("m", "location"), "location.assign"),),
    "replace": ((("m", "location"), "location.assign"),),
    "register": ((("m", "serviceWorker"), "navigator.serviceWorker.register"),),
}
"""Methods that mean something on one object only."""


class Calls:
    """Judges the calls of one script."""

    def __init__(self, judge: Judge, program: Program, folder: Folder, span: "Callable[[Node], Span]") -> None:
        self.judging = judge
        self.report = judge.report
        self.program = program
        self.folder = folder
        self.span = span

    def judge(self, node: "Node") -> None:
        """Judge a call or a `new`, each way that it may be understood."""
        for call in understood(self.folder, node):
            self._understood(node, call)

    def _understood(self, node: "Node", call: Call) -> None:
        kind, name = call.callee[0], call.callee[1] if len(call.callee) > 1 else ""
        if kind != "f":
            self._passed(node, call)
        if kind == "g":
            self._global(node, call, name)
        elif kind == "m" and name not in TOO_COMMON:
            self._method(node, call, name)
        elif kind == "?":
            self._unknown(node)

    def _global(self, node: "Node", call: Call, path: str) -> None:
        last = path.rpartition(".")[2]
        known = path == last or (last not in TOO_COMMON and path.partition(".")[0] not in HARMLESS)
        sink = BY_PATH.get(path) or (BY_NAME.get(last) if known else None)
        if path in READS_ALL and call.args and ("g", "") in call.args[0]:
            self.computed(node, path)
        if last in DESCRIBES and path not in READS_ALL:
            self._describes(node, call.args[-1:])
        elif last in DESCRIBES and len(call.args) > 1:
            self._describes(node, call.args[1:2])
        if path == "Object.assign":
            for given in call.args[1:]:
                set_all(self.judging, self.folder, self.span(node), call.args[0], given)
        if path == "Reflect.set" and len(call.args) > 2:  # noqa: PLR2004 - object, name, value
            self._set(node, call.args[0], call.args[1], call.args[2])
        if last in ON_DOCUMENT and path.endswith("document." + last):
            sink = BY_PATH["document.write"]
        if sink is not None:
            self._sink(node, call, sink, path)
        elif path != last and path.partition(".")[0] not in NATIVE | HARMLESS:
            self._method(node, call, last)

    def _method(self, node: "Node", call: Call, name: str) -> None:
        if name in DESCRIBES:
            self._describes(node, call.args[-1:])
        if name == "setProperty" and len(call.args) > 1:
            self._set_style(node, call)
        sink = self._of_method(call, name)
        if name == "constructor" and node.type == "call_expression" and call.args:
            sink = BY_NAME["Function"]
        if sink is not None:
            self._sink(node, call, sink, name)

    def _describes(self, node: "Node", names: Sequence[Value]) -> None:
        for value in names:
            if any(atom[0] == "s" and means(atom[1]) for atom in value):
                self.computed(node, "a descriptor")

    def _of_method(self, call: Call, name: str) -> Sink | None:
        """Give what a method means, by its name and what is known of its object."""
        holder, more = call.holder, len(call.args) > 1
        if name == "open":
            return Sink("url", 1, CONNECT, "connect") if more and not _only(call.args[1], "nwl") else None
        if name == "postMessage":
            return BY_PATH["postMessage"] if more else None
        if name in APPENDS:
            return next((OF_TEXT[tag] for tag in ("script", "style") if ("e", tag) in holder), None)
        for known, path in _HOLDERS.get(name, ()):
            if known in holder:
                return BY_PATH[path]
        own = name == "fetch" and name in self.program.fields
        return None if own else BY_NAME.get(name)

    def _passed(self, node: "Node", call: Call) -> None:
        into = call.callee[0] in "bmg" and call.callee[1].rpartition(".")[2] in _KEEPS
        for value in call.args:
            self.handed(node, value, window=into)

    def handed(self, node: "Node", value: Value, *, window: bool) -> None:
        """Find a function that loads or runs, or the window, where it is handed to what is not followed."""
        for atom in value:
            if window and atom == ("g", ""):
                self.computed(node, "the window, wherever it is kept,")
            sink = (BY_PATH.get(atom[1]) or BY_NAME.get(atom[1].rpartition(".")[2])) if atom[0] == "g" else None
            known = sink is not None and atom[1].partition(".")[0] not in HARMLESS and atom[1] != "location"
            if known and sink is not None and sink.way in {"url", "code", "markup"}:
                message = f"{atom[1]} is kept or handed on, and nobody can tell what it will be given"
                self.report.add(self.span(node), sink.rule, atom[1], "undecided", message, kinds=sink.kinds)

    def _made(self, node: "Node | None", depth: int = 0) -> bool:
        """Tell whether an expression is put together at run time, by itself or by what a name was given."""
        if node is None or depth > _FOLLOWED:
            return False
        node = unwrapped(node)
        if node.type in _CALLS_OF_ANY:
            return any(atom[0] in "?p" for atom in self.folder.fold(node)) and not _only(self.folder.fold(node), "nw")
        binding = self.program.declared(node) if node.type in NAMES else None
        if binding is None or len(binding.writes) > _FOLLOWED:
            return False
        if any(self._made(write.node, depth + 1) for write in binding.writes if write.kind == "value"):
            return True
        if binding.parameter is None:
            return False
        function, place = binding.parameter
        calls = [*function.calls, *(call for name in function.names for call in name.calls)][:_FOLLOWED]
        passed = [arguments_of(call)[place : place + 1] for call in calls]
        return any(self._made(given, depth + 1) for args in passed for given in args)

    def _unknown(self, node: "Node") -> None:
        callee = node.child_by_field_name("function")
        inner = unwrapped(callee) if callee is not None else None
        binding = self.program.declared(inner) if inner is not None and inner.type in NAMES else None
        if binding is not None and len(binding.writes) == 1 and binding.writes[0].node is not None:
            inner = unwrapped(binding.writes[0].node)
        if inner is None or inner.type != "subscript_expression":
            return
        index = inner.child_by_field_name("index")
        if self._made(index) and any(is_open(atom) for atom in self.folder.fold(index)):
            self.report.add(
                self.span(node),
                "computed",
                "method",
                "undecided",
                "a method is called whose name is made at run time",
            )

    def _sink(self, node: "Node", call: Call, sink: Sink, label: str) -> None:
        args, span = call.args, self.span(node)
        chosen = list(args) if sink.argument < 0 else list(args[sink.argument : sink.argument + 1])
        match sink.way:
            case "attribute":
                if len(args) > sink.argument + 1:
                    self._set_attribute(node, call.holder, args[sink.argument], args[sink.argument + 1])
                return
            case "element":
                self._element(node, chosen[0] if chosen else NOTHING)
                return
            case "peer":
                message = f"{label}: connects to whatever host it is told at run time"
                self.report.add(span, "peer", label, "undecided", message, kinds=sink.kinds)
                return
            case "message":
                self._message(span, chosen[0] if chosen else NOTHING, label)
                return
            case "timer":
                chosen = [self._timer(call, value) for value in chosen]
            case "code":
                chosen = _bodies(chosen) if sink.argument < 0 else chosen
            case _:
                pass
        if label == "eval" and any(only_text(value) not in {None, "this"} for value in chosen):
            message = "eval: runs a text where it stands, which may change every name there"
            self.report.add(span, "code", "eval", "undecided", message)
        for value in chosen if label != "location" else ():
            self.judging.value(span, sink, label, value)

    def _timer(self, call: Call, value: Value) -> Value:
        """Leave out of a timer's first argument what is a function, or may well be one."""
        node = unwrapped(call.nodes[0]) if call.nodes else None
        kept = frozenset(atom for atom in value if atom[0] in "sp")
        made = node is not None and node.type in _CALLS_OF_ANY and ("?",) in value
        if made and node is not None and node.type == "call_expression":
            inner = node.child_by_field_name("function")
            key = inner.child_by_field_name("property") if inner is not None else None
            made = key is None or self.program.text(key) != "bind"
        return kept | (ANY if made and not kept else frozenset())

    def _message(self, span: Span, value: Value, label: str) -> None:
        for word in texts(value):
            if word == "*":
                self.report.add(
                    span, "message", label, "undecided", f"{label}: sends to whoever is there, whatever its origin"
                )
            elif word != "/":
                self.judging.value(span, Sink("url", 1, ("connect", "frame", "navigate"), "message"), label, text(word))
        if any(atom[0] == "p" for atom in value):
            self.judging.value(span, Sink("url", 1, ("connect", "frame", "navigate"), "message"), label, value)

    def _element(self, node: "Node", tags: Value) -> None:
        for atom in tags:
            word = written(atom)
            tag = (word or "").lower().rpartition(":")[2]
            kinds = OF_TAG.get(tag, ())
            if word is None:
                self.report.add(
                    self.span(node),
                    "element",
                    "createElement",
                    "undecided",
                    "makes an element whose name is known at run time only",
                )
            elif tag in CARRIERS and not any(self.report.lists.hosts(kind) for kind in kinds):
                self.report.add(
                    self.span(node),
                    "element",
                    f"createElement({tag})",
                    "undecided",
                    f"makes a {tag} element, and [domains] {' or '.join(kinds)} names no host that it may load from",
                    kinds=kinds,
                )

    def _set_attribute(self, node: "Node", holder: Value, names: Value, value: Value) -> None:
        tags = {atom[1] for atom in holder if atom[0] == "e"}
        tag = tags.pop() if len(tags) == 1 else ""
        for atom in names:
            word = written(atom)
            if word is None:
                if not _only(value, "snwl") and (atom[0] != "p" or means(atom[1], begins=True) or atom[1][:2] == "on"):
                    self.report.add(
                        self.span(node),
                        "attribute",
                        "setAttribute",
                        "undecided",
                        "sets an attribute whose name and value are known at run time only",
                    )
                continue
            name = word.lower()
            sink = Sink("code", 0, (), "code") if name.startswith("on") else ATTRIBUTES.get(name)
            if sink is None or (name == "content" and tag != "meta") or name == "cite":
                continue
            kinds_of = tag if name in {"src", "href", "xlink:href"} else ""
            self.judging.value(self.span(node), sink, f"{name}=", value, tag=kinds_of)

    def _set_style(self, node: "Node", call: Call) -> None:
        for atom in call.args[0]:
            word = written(atom)
            if word is None or word in OF_STYLE:
                self.judging.value(self.span(node), OF_STYLE["cssText"], "setProperty", call.args[1])

    def _set(self, node: "Node", holder: Value, names: Value, value: Value) -> None:
        set_property(self.judging, self.span(node), holder, names, value)

    def computed(self, node: "Node", of: str) -> None:
        """Say that a property is taken by a name that nobody knows before."""
        self.report.add(
            self.span(node),
            "computed",
            of,
            "undecided",
            f"takes a property of {of} whose name is known at run time only",
        )


def _only(value: Value, kinds: str) -> bool:
    return all(atom[0] in kinds for atom in value)


def _bodies(args: list[Value]) -> list[Value]:
    """Give what `Function` is given as scripts: names of parameters, and a body."""
    words = [only_text(value) for value in args]
    known = [word for word in words if word is not None]
    if known and len(known) == len(words):
        return [text(f"(function({','.join(known[:-1])}){{{known[-1]}\n}})")]
    return [value for value in args if only_text(value) is None]
