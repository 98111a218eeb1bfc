"""Properties: of the window, of literals, and of objects that are known by nothing but the property's name."""

from typing import TYPE_CHECKING, Final, Protocol

from release.core.domains.address import PAGE
from release.core.domains.program import place_of
from release.core.domains.value import (
    ANY,
    NOTHING,
    UNKNOWN,
    Atom,
    Value,
    join,
    number,
    only_number,
    ordered,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

    from release.core.domains.program import Program

WINDOWS: Final = frozenset({"window", "self", "globalThis", "top", "parent", "frames", "opener", "global"})
_WINDOW_OF: Final = frozenset({"defaultView", "contentWindow"})
_DOCUMENT_OF: Final = frozenset({"ownerDocument", "contentDocument"})
ELEMENT_OF: Final = frozenset(
    {
        "body",
        "head",
        "documentElement",
        "parentNode",
        "parentElement",
        "firstChild",
        "lastChild",
        "firstElementChild",
        "lastElementChild",
        "nextSibling",
        "previousSibling",
        "nextElementSibling",
        "previousElementSibling",
        "activeElement",
        "shadowRoot",
    }
)
_BASE: Final = f"https://{PAGE}"
_OWN: Final[dict[str, Value]] = {
    "location.origin": text(_BASE),
    "origin": text(_BASE),
    "location.protocol": text("https:"),
    "location.host": text(PAGE),
    "location.hostname": text(PAGE),
    "location.port": text(""),
    "location.pathname": frozenset({("p", "/page")}),
    "location.href": frozenset({("p", f"{_BASE}/")}),
    "document.URL": frozenset({("p", f"{_BASE}/")}),
    "document.documentURI": frozenset({("p", f"{_BASE}/")}),
    "document.baseURI": frozenset({("p", f"{_BASE}/")}),
    "document.domain": text(PAGE),
    "import.meta.url": frozenset({("p", f"{_BASE}/")}),
    "document.currentScript.src": frozenset({("p", f"{_BASE}/")}),
}
MOST_DOTS: Final = 4
MOST_PAIRS: Final = 2_000


class Folding(Protocol):
    """What the rules of properties and calls need of the one that folds."""

    program: "Program"
    nodes: "dict[tuple[int, int], Node]"

    def fold(self, node: "Node | None") -> Value:
        """Give what a node may be."""
        ...

    def field(self, name: str) -> Value:
        """Give what is written anywhere to a property of this name."""
        ...


def of_global(path: str, name: str) -> Value:
    """Give a property of a global; what leads back to the window is the window."""
    if name in _WINDOW_OF or ((name in WINDOWS or name.isdigit()) and not path):
        return frozenset({("g", "")})
    if path == "document" and name == "location":
        return frozenset({("g", "location")})
    if name == "constructor":
        return frozenset({("g", "Function"), ("m", "constructor")}) if path not in {"", "document"} else ANY
    if path == "document" and name in ELEMENT_OF:
        return frozenset({("e", "")})
    full = f"{path}.{name}" if path else name
    if full.count(".") > MOST_DOTS:
        return frozenset({UNKNOWN, ("m", name)})
    return _OWN.get(full, frozenset({("g", full)}))


def of(folding: Folding, held: Value, keys: Value, *, sole: bool) -> Value:
    """Give what a property may be.

    Args:
        folding: who folds.
        held: what the object may be.
        keys: what the name may be.
        sole: nobody else can have written to the object.
    """
    found: list[Value] = []
    for key in ordered(keys):
        name = _name(key)
        if name is None:
            found.append(_any_of(held))
        else:
            found += [_of_atom(folding, atom, name, sole=sole) for atom in ordered(held)]
            own = ("g", "") in held and name in folding.program.fields
            if own or any(atom[0] in "?mecfw" or (atom[0] in "ao" and not sole) for atom in held):
                found.append(folding.field(name))
    return join(found)


def _name(key: Atom) -> str | None:
    if key[0] == "n":
        return str(int(key[1])) if key[1] == key[1] // 1 else None
    return key[1] if key[0] in "sl" else None


def _any_of(held: Value) -> Value:
    """Give what a property may be whose name is not known."""
    found: set[Atom] = {UNKNOWN}
    for atom in held:
        if atom[0] == "a" and len(atom[1]) <= MOST_PAIRS:
            found |= join(atom[1])
        elif atom[0] == "g":
            found.add(("g", f"{atom[1]}.*" if atom[1] else "*"))
    return frozenset(found)


def _of_atom(folding: Folding, atom: Atom, name: str, *, sole: bool) -> Value:
    match atom[0]:
        case "g":
            return of_global(atom[1], name)
        case "s":
            return _of_text(atom[1], name)
        case "a":
            return _of_list(atom[1], name, sole=sole)
        case "o":
            return _of_object(folding, atom[1], name, sole=sole)
        case "n" | "x" | "b" | "f" | "c" | "l" | "w":
            return _of_literal(atom, name)
        case _:
            return _constructor("Function") if atom[1:] == (name,) == ("constructor",) else _of_any(name)


def _of_any(name: str) -> Value:
    if name in _WINDOW_OF:
        return frozenset({("g", ""), UNKNOWN})
    if name in _DOCUMENT_OF:
        return frozenset({("g", "document"), UNKNOWN})
    if name in ELEMENT_OF:
        return frozenset({("e", ""), UNKNOWN})
    return frozenset({("m", name), UNKNOWN})


def _of_text(word: str, name: str) -> Value:
    if name == "length":
        return number(len(word))
    if name.isdigit():
        place = int(name[:9])
        return text(word[place]) if place < len(word) else frozenset({("l", "undefined")})
    return _constructor("String") if name == "constructor" else frozenset({("b", name)})


def _of_list(held: tuple[Value, ...], name: str, *, sole: bool) -> Value:
    if name == "length":
        return number(len(held)) if sole else frozenset({("w",)})
    if name.isdigit():
        place = int(name[:9])
        found = held[place] if place < len(held) else frozenset({("l", "undefined")})
        return found if sole else found | ANY
    return _constructor("Array") if name == "constructor" else frozenset({("b", name)})


def _of_literal(atom: Atom, name: str) -> Value:
    if name == "constructor":
        kinds = {"n": "Number", "x": "RegExp", "b": "Function", "f": "Function", "c": "Function", "l": "Boolean"}
        return _constructor(kinds.get(atom[0], "Object"))
    return frozenset({("b", name)}) if atom[0] in "nxbl" else frozenset({("m", name), UNKNOWN})


def _constructor(name: str) -> Value:
    return frozenset({("g", name)})


def _of_object(folding: Folding, ident: tuple[int, int], name: str, *, sole: bool) -> Value:
    node = folding.nodes[ident]
    found: list[Value] = [] if sole else [ANY]
    if node.named_child_count > MOST_PAIRS:
        return ANY
    for child in reversed(node.named_children):
        match, value = _pair(folding, child, name)
        if match is not False:
            found.append(value)
        if match:
            return join(found)
        if match is None:
            found.append(ANY)
    if name == "constructor":
        return _constructor("Object")
    return join(found) | {("m", name)} if found else frozenset({("l", "undefined"), ("m", name)})


def _pair(folding: Folding, child: "Node", name: str) -> tuple[bool | None, Value]:
    """Tell whether a part of an object literal is a property, None if that is not known; and what it may be."""
    match child.type:
        case "pair":
            matches = _key_is(folding, child.child_by_field_name("key"), name)
            return matches, NOTHING if matches is False else folding.fold(child.child_by_field_name("value"))
        case "shorthand_property_identifier":
            same = folding.program.text(child) == name
            return same, folding.fold(child) if same else NOTHING
        case "method_definition":
            matches = _key_is(folding, child.child_by_field_name("name"), name)
            return matches, NOTHING if matches is False else _method(folding, child)
        case "spread_element":
            return None, folding.field(name)
        case _:
            return False, NOTHING


def _method(folding: Folding, node: "Node") -> Value:
    function = folding.program.functions.get(place_of(node))
    if function is None or not any(part.type == "get" for part in node.children):
        return folding.fold(node)
    return join([ANY, *(folding.fold(given) for given in function.returns)])


def _key_is(folding: Folding, key: "Node | None", name: str) -> bool | None:
    """Tell whether a key of an object literal is a name; None if that is not known."""
    if key is None:
        return None
    if key.type == "computed_property_name":
        keys = folding.fold(key.named_children[0] if key.named_child_count else None)
        names = {_name(atom) for atom in keys}
        return True if names == {name} else None if None in names or name in names else False
    word = folding.program.text(key)
    if key.type == "string":
        return name in {_name(atom) for atom in folding.fold(key)}
    if key.type == "number":
        amount = only_number(folding.fold(key))
        return amount is not None and name == str(int(amount))
    return word == name


def items_of(folding: Folding, value: Value) -> list[Value]:
    """Give the items of a list or the characters of a text; none if they are not known."""
    del folding
    if len(value) != 1:
        return []
    (atom,) = value
    if atom[0] == "a":
        return list(atom[1])
    return [text(char) for char in atom[1]] if atom[0] == "s" else []
