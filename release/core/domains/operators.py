"""Operators: sums taken apart, and what operators give on constants."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from release.core.domains.value import Value

if TYPE_CHECKING:
    from tree_sitter import Node

LARGEST_SUM: Final = 20_000


def summands(node: "Node") -> "list[Node]":
    """Take a sum apart from left to right, however long it is."""
    parts: list[Node] = []
    at: Node | None = node
    while at is not None and at.type == "binary_expression" and is_sum(at) and len(parts) < LARGEST_SUM:
        right = at.child_by_field_name("right")
        if right is not None:
            parts.append(right)
        at = at.child_by_field_name("left")
    if at is not None:
        parts.append(at)
    parts.reverse()
    return parts


def is_sum(node: "Node") -> bool:
    """Tell whether a node adds."""
    sign = node.child_by_field_name("operator")
    return sign is not None and sign.type == "+"


_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "-": lambda first, second: first - second,
    "*": lambda first, second: first * second,
    "/": lambda first, second: first / second,
    "%": math.fmod,
    "^": lambda first, second: int(first) ^ int(second),
    "|": lambda first, second: int(first) | int(second),
    "&": lambda first, second: int(first) & int(second),
    "<<": lambda first, second: int(first) << (int(second) & 31),
    ">>": lambda first, second: int(first) >> (int(second) & 31),
    ">>>": lambda first, second: int(first) >> (int(second) & 31),
}


def calculate(operator: str, first: float, second: float) -> float | None:
    """Give the result of an operator on two numbers; None if it has none that is known."""
    work = _OPERATORS.get(operator)
    try:
        return None if work is None else float(work(first, second))
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def as_number(value: Value) -> float | None:
    """Give the number that a value is in a sum of numbers; None if it is none."""
    if len(value) != 1:
        return None
    (atom,) = value
    if atom[0] == "n":
        return float(atom[1])
    return {"true": 1.0, "false": 0.0}.get(atom[1]) if atom[0] == "l" else None


def primitive(value: Value) -> Value:
    """Give what becomes of a value in a sum: an empty object is a text, too."""
    return frozenset({("s", "[object Object]")}) if len(value) == 1 and next(iter(value))[0] == "o" else value


def truth_of(value: Value) -> bool | None:
    """Tell whether a value counts as true; None if that is not known."""
    if len(value) != 1:
        return None
    (atom,) = value
    match atom[0]:
        case "a" | "o" | "f" | "b" | "x":
            return True
        case "s" | "n":
            return bool(atom[1])
        case "l":
            return bool(atom[1] == "true")
        case _:
            return None
