"""What an expression may give: a small set of atoms. It is complete only without UNKNOWN in it.

An atom is a tuple whose first item says what it is:

    s text      a constant text              n number   a constant number
    l word      true, false, null, undefined w          a number or truth value that is not known
    p text      a text that begins so        g path     a global; "" is the window itself
    e tag       an element; "" is any        m name     the property `name` of some object
    b name      a method of a literal        f id       a function of the script
    o id        an object literal            a items    a list of values
    c id        a class of the script        x text     a regular expression
    ?           anything
"""

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, Final

Atom = tuple[Any, ...]
Value = frozenset[Atom]

UNKNOWN: Final[Atom] = ("?",)
ANY: Final[Value] = frozenset({UNKNOWN})
NUMBER: Final[Value] = frozenset({("w",)})
NOTHING: Final[Value] = frozenset()

LONGEST: Final = 200_000
"""Characters of a folded text; what is longer is known only by its beginning."""
MOST: Final = 24
"""Atoms of a value."""
_KEPT_FIRST: Final = {"?": 0, "g": 1, "e": 1, "m": 2, "f": 2, "o": 2, "c": 2}


def text(word: str) -> Value:
    """Give a constant text."""
    return frozenset({("s", word)}) if len(word) <= LONGEST else frozenset({("p", word[:1000])})


def number(amount: float) -> Value:
    """Give a constant number."""
    return frozenset({("n", amount)})


_ABSENT: Final = frozenset({("l", "undefined"), ("l", "null"), ("l", "false")})
"""What is no text where it may be one: code asks for that before it puts texts together."""


def ordered(value: Value) -> Sequence[Atom]:
    """Give the atoms in an order that is the same in every run: what is followed first may end what comes later."""
    return sorted(value, key=_place) if len(value) > 1 else tuple(value)


def _place(atom: Atom) -> str:
    return repr(atom[:2]) if atom[0] != "a" else f"a{len(atom[1])}{[sorted(map(repr, item)) for item in atom[1][:8]]}"


def join(values: Iterable[Value]) -> Value:
    """Give what any of the values may be; of too many atoms those that can do something are kept."""
    found = frozenset().union(*values)
    if len(found) <= MOST:
        return found
    kept = sorted(found, key=lambda atom: (_KEPT_FIRST.get(atom[0], 3), _place(atom)))
    return frozenset(kept[: MOST - 1]) | ANY


def written(atom: Atom) -> str | None:
    """Give the text that an atom becomes; None if that is not known."""
    match atom[0]:
        case "s" | "l":
            return str(atom[1])
        case "n":
            return number_text(atom[1])
        case "a":
            parts = [_item(item) for item in atom[1]]
            return None if None in parts else ",".join(part for part in parts if part is not None)
        case "b":
            return f"function {atom[1]}() {{ [native code] }}"
        case _:
            return None


def number_text(amount: float) -> str:
    """Write a number as JavaScript does, as far as texts are built from them."""
    if math.isnan(amount):
        return "NaN"
    if math.isinf(amount):
        return "Infinity" if amount > 0 else "-Infinity"
    return str(int(amount)) if amount == int(amount) and abs(amount) < 1e21 else repr(amount)  # noqa: PLR2004 - ECMA-262


def _item(value: Value) -> str | None:
    if len(value) != 1:
        return None
    (atom,) = value
    return "" if atom in {("l", "undefined"), ("l", "null")} else written(atom)


def texts(value: Value) -> list[str]:
    """Give the constant texts that a value may be."""
    return [atom[1] for atom in value if atom[0] == "s"]


def only_text(value: Value) -> str | None:
    """Give the one constant that a value is, as text; None if it may be anything else."""
    if len(value) != 1:
        return None
    (atom,) = value
    return written(atom)


def only_number(value: Value) -> float | None:
    """Give the one number that a value is."""
    if len(value) != 1:
        return None
    (atom,) = value
    if atom[0] == "n":
        return float(atom[1])
    if atom[0] == "s":
        try:
            return float(atom[1].strip() or "0")
        except ValueError:
            return None
    return {"true": 1.0, "false": 0.0, "null": 0.0}.get(atom[1]) if atom[0] == "l" else None


def concat(parts: Sequence[Value]) -> Value:
    """Give the texts that parts make one after the other."""
    beginnings: set[tuple[str, bool]] = {("", True)}
    for part in parts:
        said = part - _ABSENT if len(part) > 1 else part
        pieces = {_piece(atom) for atom in said} or {("", False)}
        following = set()
        for (before, whole), (piece, known) in product(beginnings, pieces):
            following.add((before + piece, known) if whole and len(before) < LONGEST else (before, False))
        beginnings = following
        if len(beginnings) > MOST:
            beginnings = set(sorted(beginnings)[: MOST - 1]) | {("", False)}
    made = [("s", word) if whole and len(word) <= LONGEST else ("p", word[:LONGEST]) for word, whole in beginnings]
    return frozenset(atom if atom != ("p", "") else UNKNOWN for atom in made)


def _piece(atom: Atom) -> tuple[str, bool]:
    if atom[0] == "p":
        return atom[1], False
    word = written(atom)
    return ("", False) if word is None else (word, True)
