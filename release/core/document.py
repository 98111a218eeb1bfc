"""Canonical JSON documents: the files that stages, logs and browsers exchange.

Canonical means sorted names, no white space, UTF-8, no floating point: for these values
the bytes are those of RFC 8785, so one value has one digest. Whatever is not canonical,
has a name twice, or is larger than it may be is refused before anything reads it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from release.core.shape import ShapeError, camel, dotted, plain, read
from release.errors import FormatError, ReleaseError

T = TypeVar("T")

DEEPEST: Final = 32
LARGEST_INTEGER: Final = 2**53 - 1

_SIGNS: Final = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)


class _RefusedError(ValueError):
    """Why a JSON text is not taken."""


def canonical(value: object) -> bytes:
    """Give the canonical bytes of a JSON value."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    if text.isascii():
        return text.encode()  # code points and UTF-16 code units are in one order
    return json.dumps(_ordered(value), separators=(",", ":"), ensure_ascii=False).encode()


def _ordered(value: object) -> object:
    """Put names in the order of their UTF-16 code units (RFC 8785, 3.2.3)."""
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return {name: _ordered(value[name]) for name in names}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def encode(instance: object) -> bytes:
    """Give a shape as a canonical JSON document."""
    return canonical(plain(instance, naming=camel))


def decode(
    shape: type[T],
    body: bytes,
    *,
    name: str,
    limit: int,
    error: type[ReleaseError] = FormatError,
) -> T:
    """Read a document that must be canonical and have the shape.

    Args:
        shape: the dataclass to give.
        body: the document's bytes, hostile until now.
        name: what to call it in the error.
        limit: the largest size in bytes that is looked at.
        error: what to raise, FormatError unless said otherwise.

    Raises:
        ReleaseError: of class `error`.
    """
    try:
        return read(shape, _parse_canonical(body, limit), naming=camel)
    except _RefusedError as why:
        raise error(f"{name}: {why}", evidence={"sha256": hashlib.sha256(body).hexdigest()}) from why
    except ShapeError as why:
        first, *rest = why.problems
        more = f" (and {len(rest)} more)" if rest else ""
        raise error(f"{name}: {dotted(first.place)}: {first.message}{more}") from why


def _parse_canonical(body: bytes, limit: int) -> Any:  # noqa: ANN401 - JSON has no narrower type
    value = parse(body, limit=limit)
    try:
        same = canonical(value) == body
    except UnicodeEncodeError as why:
        raise _RefusedError("it has half of a surrogate pair") from why
    if not same:
        raise _RefusedError("it is not canonical JSON")
    return value


def parse(body: bytes, *, limit: int) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Parse JSON strictly.

    Raises:
        ValueError: it is too large or deep, not UTF-8, not JSON, has a name twice, or a number
            that is not an integer of at most 53 bits.
    """
    if len(body) > limit:
        raise _RefusedError(f"it is {len(body)} bytes long, at most {limit} are read")
    _check_depth(body)
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_bounded,
        )
    except _RefusedError:
        raise
    except (ValueError, RecursionError) as why:
        raise _RefusedError(f"it is not JSON: {why}") from why


def _check_depth(body: bytes) -> None:
    """Bound nesting before the recursive parser sees it; brackets in strings are words like others."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    depth, in_text = 0, False
    for match in _SIGNS.finditer(body):
        sign = match[0]
        if sign == b'"':
            in_text = not in_text
        elif not in_text and len(sign) == 1:
            depth += 1 if sign in b"[{" else -1
            if depth > DEEPEST:
                raise _RefusedError(f"it is nested deeper than {DEEPEST} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"it has the name {twice!r} twice")
    return table


def _no_float(text: str) -> Any:  # noqa: ANN401 - never returns
    raise _RefusedError(f"it has the number {text[:32]!r}, only integers are allowed")


def _bounded(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST_INTEGER:  # noqa: PLR2004 - digits and sign of 2**53
        raise _RefusedError("it has an integer of more than 53 bits")
    return int(text)
