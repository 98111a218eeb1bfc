"""A large JSON text, value by value: compressed or not, in memory that does not grow with it.

Python's own scanner reads each value from a window of the text.
"""

import codecs
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

_PIECE: Final = 256 * 1024
_GZIP: Final = b"\x1f\x8b"
_SPACE: Final = re.compile(r"[ \t\n\r]*")


class DamagedError(Exception):
    """Nothing that follows can be read."""


def _plain(chunks: Iterable[bytes]) -> Iterator[bytes]:
    source = iter(chunks)
    start = b""
    for chunk in source:
        start += chunk
        if len(start) >= len(_GZIP):
            break
    whole = chain([start], source)
    return _gunzipped(whole) if start.startswith(_GZIP) else whole


def _gunzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            left = chunk
            while left:
                if inflater.eof:
                    inflater = zlib.decompressobj(wbits=31)
                yield inflater.decompress(left, _PIECE)
                left = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        while not inflater.eof and (rest := inflater.decompress(b"", _PIECE)):
            yield rest
    except zlib.error as why:
        raise DamagedError(f"it is not gzip as it should be: {why}") from why
    if not inflater.eof:
        raise DamagedError("it is cut off: the gzip stream has no end")


def _bounded(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise DamagedError(f"it holds more than {limit:,} bytes")
        yield chunk


def decoded(chunks: Iterable[bytes], *, limit: int) -> Iterator[str]:
    """Decompress and decode a file, piece by piece.

    Raises:
        DamagedError: it has more than `limit` bytes, is no gzip where it begins as such, or not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for chunk in _bounded(_plain(chunks), limit):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as why:
        raise DamagedError(f"it is not UTF-8: {why.reason}") from why


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name is there twice")
    return table


def _no_constant(text: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{text} is no JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


class Text:
    """A window of the text that moves forwards. Before a value is read, all that it may be is in the window.

    Args:
        pieces: the text.
        longest: how many characters one value may have.
    """

    def __init__(self, pieces: Iterator[str], *, longest: int) -> None:
        self._pieces = pieces
        self._longest = longest
        self._window = ""
        self._at = 0

    def peek(self) -> str:
        """Give the next character that is no white space; empty at the end."""
        while True:
            found = _SPACE.match(self._window, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._window):
                return self._window[self._at]
            piece = next(self._pieces, None)
            if piece is None:
                return ""
            self._window, self._at = piece, 0

    def expect(self, sign: str) -> None:
        """Pass over a sign that must be next.

        Raises:
            DamagedError: it is not.
        """
        found = self.peek()
        if found != sign:
            raise DamagedError(f"it has {found!r} where {sign!r} should be" if found else "it is cut off")
        self._at += 1

    def value(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Read one JSON value.

        Raises:
            DamagedError: there is none, or it is too long, too deep, or has a name twice.
        """
        self.peek()
        if len(self._window) - self._at <= self._longest:
            self._fill()
        try:
            value, end = _DECODER.raw_decode(self._window, self._at)
        except RecursionError as why:
            raise DamagedError("it is nested too deeply") from why
        except ValueError as why:
            rest = len(self._window) - self._at
            reason = why.msg if isinstance(why, json.JSONDecodeError) else str(why)
            longer = f", or is longer than {self._longest:,} characters" if rest > self._longest else ""
            raise DamagedError(f"it is no JSON from here on{longer}: {reason}") from why
        if end - self._at > self._longest:
            raise DamagedError(f"it is longer than {self._longest:,} characters")
        self._at = end
        return value

    def _fill(self) -> None:
        parts = [self._window[self._at :]]
        size = len(parts[0])
        while size <= 2 * self._longest and (piece := next(self._pieces, None)) is not None:
            parts.append(piece)
            size += len(piece)
        self._window, self._at = "".join(parts), 0
