"""The curve of Ed25519 by its formulas (https://www.rfc-editor.org/rfc/rfc8032#section-5.1), for proofs about it."""

from typing import Final

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
"""The order of the base point (RFC 8032, 5.1)."""

_D: Final = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int]
IDENTITY: Final[Point] = (0, 1)


def add(left: Point, right: Point) -> Point:
    """Add points of -x^2 + y^2 = 1 + d x^2 y^2; the formula is complete, so it needs no exceptions."""
    (x1, y1), (x2, y2) = left, right
    both = _D * x1 * x2 * y1 * y2
    x3 = (x1 * y2 + x2 * y1) * pow(1 + both, -1, P)
    y3 = (y1 * y2 + x1 * x2) * pow(1 - both, -1, P)
    return x3 % P, y3 % P


def multiply(factor: int, point: Point) -> Point:
    result = IDENTITY
    while factor:
        if factor & 1:
            result = add(result, point)
        point, factor = add(point, point), factor >> 1
    return result


def on_curve(point: Point) -> bool:
    x, y = point
    return (-x * x + y * y - 1 - _D * x * x * y * y) % P == 0


def point_at(y: int) -> Point | None:
    """Give a point with this y, if there is one."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    # P is 5 modulo 8, so a root, if there is one, is one of these two.
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * pow(2, (P - 1) // 4, P) % P):
        if x * x % P == square:
            return x, y
    return None


def order(point: Point) -> int:
    """Give the order of a point of small order, or 0."""
    return next((n for n in range(1, 9) if multiply(n, point) == IDENTITY), 0)
