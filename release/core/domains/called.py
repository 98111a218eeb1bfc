"""Calls: who is called with what, through aliases, `call`, `apply`, `bind` and Reflect, and what that gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from release.core.domains import member, methods
from release.core.domains.program import FUNCTIONS, arguments_of, unwrapped
from release.core.domains.value import (
    ANY,
    NOTHING,
    UNKNOWN,
    Atom,
    Value,
    join,
    only_text,
    ordered,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

    from release.core.domains.fold import Folder
    from release.core.domains.scope import Function

_WINDOW: Final = (0, 0)
"""Stands for a function that gives the window."""
MOST_CALLS: Final = 60
LARGEST_BODY: Final = 600
MOST_MAPPED: Final = 3_000
_RETURNS_ELEMENT: Final = frozenset(
    {
        "querySelector",
        "getElementById",
        "closest",
        "cloneNode",
        "item",
        "appendChild",
        "insertBefore",
        "elementFromPoint",
        "attachShadow",
    }
)
_HOSTS: Final = frozenset({"host", "hostname", "protocol", "port", "href"})
_CREATES: Final = {"createElement": 0, "createElementNS": 1}
_ITERATES: Final = frozenset({"forEach", "map", "some", "every", "filter", "find", "flatMap"})


@dataclass(frozen=True, slots=True)
class Call:
    """One way that a call may be understood: the callee, the object it is called on, and the arguments."""

    callee: Atom
    holder: Value
    args: Sequence[Value]
    nodes: "Sequence[Node]" = field(default=())


def understood(folder: "Folder", node: "Node") -> Iterator[Call]:
    """Give every way to understand a call or a `new`."""
    callee = node.child_by_field_name("function") or node.child_by_field_name("constructor")
    if callee is None:
        return
    callee = unwrapped(callee)
    args, nodes = folder.arguments(node), arguments_of(node)
    holder, keys = ANY, NOTHING
    if callee.type in {"member_expression", "subscript_expression"}:
        holder, keys, _ = folder.parts(callee)
    if {("s", "call"), ("s", "apply"), ("s", "bind")} & keys:
        (way,) = {atom[1] for atom in keys if atom[0] == "s"} & {"call", "apply", "bind"} or {"call"}
        yield from _through(folder, callee, way, args, nodes)
    for atom in ordered(folder.fold(callee)):
        if atom[0] == "g" and atom[1] in {"Reflect.apply", "Reflect.construct"} and args:
            given = args[1] if atom[1].endswith("construct") and len(args) > 1 else args[2] if len(args) > 2 else ANY  # noqa: PLR2004 - Reflect.apply(f, this, arguments)
            listed = _listed(given)
            for inner in ordered(args[0]):
                yield Call(inner, args[1] if len(args) > 1 else ANY, listed, nodes)
        yield Call(atom, holder, args, nodes)


def _through(
    folder: "Folder", callee: "Node", way: str, args: Sequence[Value], nodes: "Sequence[Node]"
) -> Iterator[Call]:
    target = callee.child_by_field_name("object")
    holder = args[0] if args else ANY
    given = _listed(args[1]) if way == "apply" and len(args) > 1 else list(args[1:])
    if way == "bind" and not given:
        return
    for atom in ordered(folder.fold(target)):
        if atom[0] in "gmb" and atom[1].rpartition(".")[2] in {"call", "apply"} and given:
            rest = _listed(given[1]) if atom[1].endswith("apply") and len(given) > 1 else given[1:]
            for inner in ordered(holder):
                yield Call(inner, given[0], rest)
            continue
        yield Call(atom, holder, given, nodes[1:] if way != "apply" else ())


def _listed(value: Value) -> list[Value]:
    if len(value) == 1:
        (atom,) = value
        if atom[0] == "a":
            return list(atom[1])
    return [ANY, ANY, ANY]


def result(folder: "Folder", node: "Node") -> Value:
    """Give what a call may give."""
    called = node.child_by_field_name("function")
    if called is None:
        return ANY
    template = node.child_by_field_name("arguments")
    if template is not None and template.type == "template_string":
        return join([ANY, folder.fold(template)])
    inner = unwrapped(called)
    holder, keys = NOTHING, NOTHING
    if inner.type in {"member_expression", "subscript_expression"}:
        holder, keys, sole = folder.parts(inner)
        names = {atom[1] for atom in keys if atom[0] == "s"}
        if names == {"bind"}:
            return folder.fold(inner.child_by_field_name("object"))
        found = _method(folder, holder, names, folder.arguments(node), node)
        if found is not None:
            return found if sole or all(atom[0] != "a" for atom in holder) else found | ANY
    return join(_given(folder, call) for call in understood(folder, node)) or ANY


def _method(folder: "Folder", holder: Value, names: set[str], args: Sequence[Value], node: "Node") -> Value | None:
    """Give what a method of constants gives; None if it is not that."""
    if len(names) != 1 or not holder or any(atom[0] not in "sap" for atom in holder):
        return None
    (name,) = names
    found: list[Value] = [ANY] if name in folder.program.fields else []
    for atom in ordered(holder):
        made = None
        if atom[0] == "s":
            made = methods.of_text(atom[1], name, args)
        elif atom[0] == "a":
            made = methods.of_list(atom[1], name, args)
            if made is None and name in {"map", "reduce"}:
                made = _mapped(folder, atom[1], name, args, node)
        elif name in {"toString", "valueOf"}:
            made = frozenset({atom})
        if made is None:
            return None
        found.append(made)
    return join(found)


def _mapped(folder: "Folder", held: Sequence[Value], name: str, args: Sequence[Value], node: "Node") -> Value | None:
    if not args or len(held) > MOST_MAPPED or len(args[0]) != 1:
        return None
    (callee,) = args[0]
    if name == "map":
        return methods.items([_given(folder, Call(callee, NOTHING, [item])) for item in held])
    if len(args) < 2 and not held:  # noqa: PLR2004 - reduce(f, first)
        return None
    rest = list(held) if len(args) > 1 else list(held[1:])
    total = args[1] if len(args) > 1 else held[0]
    for item in rest:
        total = _given(folder, Call(callee, NOTHING, [total, item]))
    del node
    return total


def _given(folder: "Folder", call: Call) -> Value:
    """Give what one way to understand a call may give."""
    callee, args = call.callee, call.args
    if callee[0] == "f":
        return _run(folder, callee[1], args)
    if callee == ("g", "Reflect.get") and len(args) > 1:
        return member.of(folder, args[0], args[1], sole=False)
    if callee[0] == "g" and callee[1].rpartition(".")[2] == "valueOf":
        return frozenset({("g", callee[1].rpartition(".")[0])})
    if callee[0] == "g":
        changed = callee[1].rpartition(".")[2] in folder.program.fields
        return join([_from_global(callee[1], args), ANY if changed else NOTHING])
    return _from_method(callee[1], args) if callee[0] in "mb" else ANY


def _from_global(path: str, args: Sequence[Value]) -> Value:
    made = methods.of_global(path, args)
    if made is not None:
        return made
    last = path.rpartition(".")[2]
    if path == "Function" and args and (only_text(args[-1]) or "").strip(" ;\n") in {"return this", "return window"}:
        return frozenset({("f", _WINDOW)})
    if path == "eval" and args:
        word = only_text(args[0])
        return frozenset({("g", "" if word in {"this", "window", "self"} else word or "?"), UNKNOWN})
    if path == "URL.createObjectURL":
        return frozenset({("p", "blob:")})
    if path in {"Object.assign", "Object.freeze", "Object.seal", "Object.create", "Reflect.get"} and args:
        return join([args[0], ANY]) if path != "Reflect.get" else ANY
    return _from_method(last, args)


def _from_method(name: str, args: Sequence[Value]) -> Value:
    if name in _CREATES:
        place = _CREATES[name]
        kinds = args[place] if len(args) > place else ANY
        return frozenset({("e", atom[1].lower() if atom[0] == "s" else "") for atom in kinds}) or ANY
    if name in _RETURNS_ELEMENT:
        words = [atom[1] for arg in args[:1] for atom in arg if atom[0] == "s"]
        named = {("e", tag) for tag in ("script", "style") for word in words if tag in word}
        if named:
            return frozenset({*named, UNKNOWN})
        kept = {atom for arg in args[:1] for atom in arg if atom[0] == "e"}
        return frozenset({("e", ""), UNKNOWN}) | kept
    if name == "createTextNode" and args:
        return args[0]
    if name == "decode" and args and len(args[0]) == 1:
        (atom,) = args[0]
        return methods.decode_bytes(atom) if atom[0] == "a" else ANY
    return ANY


def made(folder: "Folder", node: "Node") -> Value:
    """Give what a `new` may give."""
    found: set[Atom] = set()
    for call in understood(folder, node):
        path = call.callee[1] if call.callee[0] in "gm" else ""
        if path in {"Image", "Audio"}:
            found.add(("e", {"Image": "img", "Audio": "audio"}[path]))
        elif path == "URL" and call.args:
            found |= _url(call.args) | (ANY if _HOSTS & folder.program.fields.keys() else NOTHING)
        elif path in {"String", "Uint8Array", "Uint16Array", "Uint32Array", "Array"}:
            found |= methods.of_global(path, call.args) or ANY
        elif path == "Function":
            found |= _from_global(path, call.args)
        else:
            found.add(UNKNOWN)
    return frozenset(found) or ANY


def _url(args: Sequence[Value]) -> Value:
    """Give a URL as the text that it becomes; what is relative to an unknown base is not known."""
    if len(args) == 1:
        return args[0]
    kept = frozenset(atom for atom in args[0] if atom[0] == "s" and "//" in atom[1])
    based = frozenset(("p", atom[1]) for atom in args[1] if atom[0] in "sp")
    relative = frozenset(atom for atom in args[0] if atom[0] == "s" and "//" not in atom[1])
    other = args[0] - kept - relative
    return kept | (based if relative or other else NOTHING) | (ANY if other or (relative and not based) else NOTHING)


def _run(folder: "Folder", ident: tuple[int, int], args: Sequence[Value]) -> Value:
    """Give what a function of the script gives to these arguments."""
    if ident == _WINDOW:
        return frozenset({("g", "")})
    function = folder.function(ident)
    if function is None or not function.returns:
        return ANY if function is None else frozenset({("l", "undefined")})
    small = function.node.end_byte - function.node.start_byte <= LARGEST_BODY
    if small and args and all(_constant(arg) for arg in args):
        return folder.run(function, args)
    return join(folder.fold(node) for node in function.returns[:MOST_CALLS])


def _constant(value: Value) -> bool:
    return len(value) == 1 and next(iter(value))[0] in "snax"


def parameter(folder: "Folder", function: "Function", place: int) -> Value:
    """Give what a parameter may be: what the calls pass that are seen, and anything if there may be others."""
    calls = [*function.calls]
    for binding in function.names:
        calls += binding.calls
    alone = (
        bool(calls)
        and not function.properties
        and all(binding.reads == len(binding.calls) for binding in function.names)
    )
    alone = alone and (bool(function.names) or len(function.calls) == 1)
    for name in function.properties:
        calls += folder.program.method_calls.get(name, [])
    found: list[Value] = [] if alone and len(calls) <= MOST_CALLS else [ANY]
    for call in calls[:MOST_CALLS]:
        given = call.child_by_field_name("arguments")
        if given is not None and given.type == "template_string":
            found.append(ANY)
            continue
        args = folder.arguments(call)
        called = call.child_by_field_name("function")
        shift = _shift(folder, called)
        if shift is None:
            found.append(ANY)
        else:
            found.append(args[place + shift] if place + shift < len(args) else frozenset({("l", "undefined")}))
    found += _iterated(folder, function, place)
    return join(found)


def _shift(folder: "Folder", called: "Node | None") -> int | None:
    """Tell how many arguments of a call are not the function's own; None if they are in a list."""
    if called is None:
        return 0
    del folder
    return 0


def _iterated(folder: "Folder", function: "Function", place: int) -> list[Value]:
    """Give the items of a list of constants whose method the function is an argument of."""
    around = function.node.parent
    call = around.parent if around is not None and around.type == "arguments" else None
    if call is None or call.type != "call_expression" or place != 0 or function.node.type not in FUNCTIONS:
        return []
    called = call.child_by_field_name("function")
    if called is None or called.type != "member_expression":
        return []
    holder, keys, _ = folder.parts(called)
    if not {atom[1] for atom in keys if atom[0] == "s"} & _ITERATES:
        return []
    return [item for atom in ordered(holder) if atom[0] == "a" for item in atom[1][:MOST_CALLS]]


__all__ = ["Call", "made", "parameter", "result", "text", "understood"]
