"""Source maps: where a place of a bundle came from (https://tc39.es/ecma426/). A map is a help, never a proof.

A map that is malformed or lies costs nothing but the source's position: findings keep the place in the bundle.
"""

import json
from typing import Any, Final

from release.core.domains.finding import Origin
from release.core.visible import visible

LARGEST: Final = 64 * 1024 * 1024
MOST_SEGMENTS: Final = 3_000_000
MOST_SOURCES: Final = 50_000
LONGEST: Final = 300
_DIGITS: Final = {
    ord(char): place for place, char in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_MORE: Final = 32
_MOST_SHIFT: Final = 30
_WITH_SOURCE: Final = 4


class MapError(Exception):
    """It is no source map that can be read."""


def read_map(body: bytes, places: set[tuple[int, int]]) -> dict[tuple[int, int], Origin]:
    """Give the origins of places of the bundle, as far as the map names them.

    Args:
        body: the map.
        places: lines and columns, from 1.

    Raises:
        MapError: it is no source map of version 3, or longer than is read.
    """
    sources, mappings = _read(body)
    found: dict[tuple[int, int], Origin] = {}
    wanted: dict[int, list[int]] = {}
    for line, column in places:
        wanted.setdefault(line, []).append(column)
    state = [0, 0, 0]
    left = MOST_SEGMENTS
    for number, segments in enumerate(mappings.split(b";"), start=1):
        columns = sorted(wanted.get(number, ()))
        left -= segments.count(b",") + 1
        if left < 0:
            raise MapError("it has too many segments")
        before: Origin | None = None
        at = 0
        for segment in segments.split(b",") if segments else ():
            fields = _segment(segment)
            at += fields[0]
            while columns and columns[0] - 1 < at:
                _keep(found, (number, columns.pop(0)), before)
            if len(fields) >= _WITH_SOURCE:
                state = [old + new for old, new in zip(state, fields[1:4], strict=True)]
                before = _origin(sources, state)
        for column in columns:
            _keep(found, (number, column), before)
        if number >= max(wanted, default=0):
            break
    return found


def _keep(found: dict[tuple[int, int], Origin], place: tuple[int, int], origin: Origin | None) -> None:
    if origin is not None:
        found[place] = origin


def _read(body: bytes) -> tuple[list[str], bytes]:
    if len(body) > LARGEST:
        raise MapError("it is too large")
    try:
        value: Any = json.loads(body)
        sources, mappings, version = value["sources"], value["mappings"], value["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as why:
        raise MapError("it is no source map") from why
    if version != 3 or not isinstance(mappings, str) or not isinstance(sources, list) or len(sources) > MOST_SOURCES:  # noqa: PLR2004 - the version
        raise MapError("it is no source map of version 3")
    names = [visible(name)[:LONGEST] if isinstance(name, str) else "" for name in sources]
    return names, mappings.encode("ascii", "replace")


def _segment(segment: bytes) -> list[int]:
    fields: list[int] = []
    value = shift = 0
    for char in segment:
        digit = _DIGITS.get(char)
        if digit is None or shift > _MOST_SHIFT:
            raise MapError("its mappings are no Base64 VLQ")
        value |= (digit & 31) << shift
        if digit & _MORE:
            shift += 5
        else:
            fields.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift or len(fields) not in {1, 4, 5}:
        raise MapError("its mappings are no Base64 VLQ")
    return fields


def _origin(sources: list[str], state: list[int]) -> Origin | None:
    source, line, column = state
    if not 0 <= source < len(sources) or line < 0 or column < 0 or not sources[source]:
        return None
    return Origin(file=sources[source], line=line + 1, column=column + 1)
