"""Assignments to properties that load, send, inject or run."""

from typing import TYPE_CHECKING

from release.core.domains.fold import Folder
from release.core.domains.judge import Judge, Span
from release.core.domains.program import Program
from release.core.domains.sinks import GUARDED, OF_ELEMENTS, OF_LOCATION, OF_STYLE, OF_TAG, PROPERTIES, Sink, means
from release.core.domains.value import ANY, Atom, Value, text, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

_CODE = Sink("code", 0, (), "code")
_SHEET = Sink("css", 0, ("style", "img", "font"), "style")
_HOSTS = {"host": "//", "hostname": "//"}
_TEXTS = frozenset({"text", "textContent", "innerText", "innerHTML"})
_UNKNOWN_TEXT = Sink("markup", 0, (), "markup")


def judge_assignments(judge: Judge, program: Program, folder: Folder, span: "Callable[[Node], Span]") -> None:
    """Judge every assignment to a property, and what is taken out of the window by a pattern."""
    for left, right, operator in program.assigned:
        holder, names, _ = folder.parts(left)
        if ("g", "arguments") in holder:
            message = "changes the function's arguments: nobody can tell what they are then"
            judge.report.add(span(left), "computed", "arguments", "undecided", message)
        if _is_attribute(folder, left, names):
            message = "sets the value of an attribute whose name is known at run time only"
            judge.report.add(span(left), "attribute", "attributes", "undecided", message)
        value = folder.fold(right) if operator != "pattern" else ANY
        if operator == "+=":
            value = frozenset({("s", "")} if value == text("") else {("?",)}) if value else ANY
        set_property(judge, (span(left)[0], span(right)[1]), holder, names, value)
    for name, writes in program.global_writes.items():
        if name == "location":
            for write in writes:
                if write.node is not None:
                    judge.value(span(write.node), PROPERTIES["location"], "location", folder.fold(write.node))
    for pattern, taken in program.taken:
        _taken(judge, folder, span, pattern, taken)


def _is_attribute(folder: Folder, left: "Node", names: Value) -> bool:
    inner = left.child_by_field_name("object")
    holder = inner.child_by_field_name("object") if inner is not None else None
    if holder is None or not {atom[1] for atom in names if atom[0] == "s"} & {"value", "nodeValue", "textContent"}:
        return False
    return any(atom[0] in "gm" and atom[1].rpartition(".")[2] == "attributes" for atom in folder.fold(holder))


def set_property(judge: Judge, span: Span, holder: Value, names: Value, value: Value) -> None:
    """Judge one assignment: what the object, the name and the value may be."""
    for atom in names:
        name = written(atom)
        if name is None:
            if is_open(atom) and _is_precious(holder) and not _is_plain(value):
                message = (
                    "sets a property of an element or of the window whose name and value are known at run time only"
                )
                judge.report.add(span, "computed", "property", "undecided", message)
        else:
            _named(judge, span, holder, name, value)


def _named(judge: Judge, span: Span, holder: Value, name: str, value: Value) -> None:
    tags = {atom[1] for atom in holder if atom[0] == "e"}
    tag = tags.pop() if len(tags) == 1 else ""
    if ("g", "location") in holder or ("m", "location") in holder:
        if name in OF_LOCATION:
            _location(judge, span, name, value)
        return
    if tag in {"script", "style"} and name in _TEXTS:
        judge.value(span, _CODE if tag == "script" else _SHEET, f".{name}", value)
        return
    sink = PROPERTIES.get(name)
    if name == "location" and not any(atom[0] == "g" and atom[1] in {"", "document"} for atom in holder):
        sink = None
    if name in _HOSTS and (tag in {"a", "area"} or any(atom[0] == "s" for atom in value)):
        _location(judge, span, name, value)
        return
    if (
        sink is None
        and name in OF_ELEMENTS
        and any(atom[0] == "e" or (atom[0] == "g" and atom[1].startswith("document.")) for atom in holder)
    ):
        sink = OF_ELEMENTS[name]
    if sink is None and name in OF_STYLE and _is_style(holder):
        sink = OF_STYLE[name]
    if sink is not None:
        judge.value(span, sink, f".{name}", value, tag=tag if tag in OF_TAG and name in {"src", "href"} else None)


def _location(judge: Judge, span: Span, name: str, value: Value) -> None:
    if name == "href":
        judge.value(span, PROPERTIES["location"], "location.href", value)
    else:
        changed = frozenset(("s", f"//{atom[1]}/") if atom[0] == "s" and name in _HOSTS else atom for atom in value)
        judge.value(span, PROPERTIES["location"], f"location.{name}", changed)


def set_all(judge: Judge, folder: Folder, span: Span, holder: Value, given: Value) -> None:
    """Judge that every property of an object is set on another one, as Object.assign does."""
    for atom in given:
        if atom[0] != "o":
            if atom[0] not in "snlwa" and any(one[0] == "e" for one in holder):
                set_property(judge, span, holder, ANY, ANY)
            continue
        for child in folder.nodes[atom[1]].named_children:
            key = child.child_by_field_name("key") if child.type == "pair" else child
            if key is None or child.type not in {"pair", "shorthand_property_identifier"}:
                continue
            plain = key.type in {"property_identifier", "shorthand_property_identifier"}
            inner = key.named_children[0] if key.type == "computed_property_name" else key
            names = text(folder.program.text(key)) if plain else folder.fold(inner)
            value = child.child_by_field_name("value") if child.type == "pair" else child
            set_property(judge, span, holder, names, folder.fold(value))


def is_open(atom: Atom) -> bool:
    """Tell whether a name that is not known may be one that matters."""
    return atom[0] != "w" and (atom[0] != "p" or means(atom[1], begins=True))


def _is_style(holder: Value) -> bool:
    return any(atom[0] in "gm" and atom[1].rpartition(".")[2] == "style" for atom in holder)


def _is_precious(holder: Value) -> bool:
    return any(atom[0] == "e" or (atom[0] == "g" and atom[1] in GUARDED) or atom == ("m", "style") for atom in holder)


def _is_plain(value: Value) -> bool:
    """Tell whether a value is nothing that could lead anywhere: what is a constant text is judged where it stands."""
    return all(atom[0] in "snwlfc" for atom in value)


def _taken(judge: Judge, folder: Folder, span: "Callable[[Node], Span]", pattern: "Node", value: "Node") -> None:
    if pattern.type != "object_pattern":
        return
    for child in pattern.named_children:
        key = child.child_by_field_name("key") if child.type == "pair_pattern" else None
        if key is None or key.type != "computed_property_name":
            continue
        names = folder.fold(key.named_children[0])
        if any(written(atom) is None and is_open(atom) for atom in names) and _is_precious(folder.fold(value)):
            judge.report.add(
                span(child),
                "computed",
                "pattern",
                "undecided",
                "takes a property of the window whose name is known at run time only",
            )


__all__ = ["Atom", "judge_assignments", "set_property"]
