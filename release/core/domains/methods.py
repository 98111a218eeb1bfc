"""What methods of texts and lists give where everything is constant."""

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote, unquote

from release.core.domains.literals import plain_pattern
from release.core.domains.value import ANY, LONGEST, Atom, Value, concat, number, only_number, only_text, text, written

Args = Sequence[Value]
MOST_ITEMS: Final = 20_000
_LAST_UNIT: Final = 0xFFFF
_LAST_POINT: Final = 0x10FFFF


def of_text(word: str, name: str, args: Args) -> Value | None:
    """Give what a method of a text gives; None if that is not known."""
    first = only_text(args[0]) if args else None
    match name:
        case "slice" | "substring" | "substr" | "at" | "charAt" | "charCodeAt" | "codePointAt" | "repeat":
            numbers = [only_number(arg) for arg in args]
            return None if None in numbers else _by_number(word, name, [int(n) for n in numbers if n is not None])
        case "concat":
            return concat([text(word), *args])
        case "padStart" | "padEnd":
            width = only_number(args[0]) if args else None
            fill = only_text(args[1]) if len(args) > 1 else " "
            return None if width is None else _pad(word, name, int(width), fill)
        case "split":
            return _split(word, args, first)
        case "replace" | "replaceAll":
            return _replace(word, args, everywhere=name == "replaceAll") if len(args) > 1 else None
        case _:
            return text(_SIMPLE[name](word)) if name in _SIMPLE and not args else None


_SIMPLE: Final[dict[str, Callable[[str], str]]] = {
    "toString": str,
    "valueOf": str,
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "toLocaleLowerCase": str.lower,
    "toLocaleUpperCase": str.upper,
    "trim": str.strip,
    "trimStart": str.lstrip,
    "trimEnd": str.rstrip,
    "normalize": str,
}


def _by_number(word: str, name: str, numbers: list[int]) -> Value | None:
    first = numbers[0] if numbers else 0
    second = numbers[1] if len(numbers) > 1 else None
    size = len(word)
    if name == "repeat":
        return text(word * first) if 0 <= first * size <= LONGEST else None
    if name == "slice":
        return text(word[first:second])
    if name == "substring":
        low, high = max(0, min(first, size)), max(0, min(size if second is None else second, size))
        return text(word[min(low, high) : max(low, high)])
    if name == "substr":
        start = max(0, size + first) if first < 0 else first
        return text(word[start : size if second is None else start + max(0, second)])
    place = first + size if name == "at" and first < 0 else first
    if not 0 <= place < size:
        return text("")
    return text(word[place]) if name in {"at", "charAt"} else number(ord(word[place]))


def _pad(word: str, name: str, width: int, fill: str | None) -> Value | None:
    missing = width - len(word)
    if fill is None or not fill or missing > LONGEST:
        return None
    padding = (fill * (max(0, missing) // len(fill) + 1))[: max(0, missing)]
    return text(padding + word if name == "padStart" else word + padding)


def _split(word: str, args: Args, first: str | None) -> Value | None:
    if not args:
        return items([text(word)])
    if first is None:
        pattern = _pattern(args[0])
        parts = pattern[0].split(word) if pattern else None
    else:
        parts = list(word) if first == "" else word.split(first)
    return None if parts is None or len(parts) > MOST_ITEMS else items([text(part or "") for part in parts])


def _replace(word: str, args: Args, *, everywhere: bool) -> Value | None:
    new = only_text(args[1])
    if new is None or "$" in new:
        return None
    old = only_text(args[0])
    if old is not None:
        return text(word.replace(old, new, -1 if everywhere else 1)) if len(word) * max(1, len(new)) < LONGEST else None
    pattern = _pattern(args[0])
    return text(pattern[0].sub(lambda _: new, word, count=0 if pattern[1] else 1)) if pattern else None


def _pattern(value: Value) -> "tuple[re.Pattern[str], bool] | None":
    if len(value) != 1:
        return None
    (atom,) = value
    return plain_pattern(atom[1]) if atom[0] == "x" else None


def items(values: Sequence[Value]) -> Value:
    """Give a list of values."""
    return frozenset({("a", tuple(values))})


def of_list(held: Sequence[Value], name: str, args: Args) -> Value | None:  # noqa: PLR0911 - one for each method
    """Give what a method of a list gives; None if that is not known."""
    match name:
        case "join":
            separator = only_text(args[0]) if args else ","
            return None if separator is None else joined(held, separator)
        case "toString":
            return joined(held, ",")
        case "reverse" | "toReversed":
            return items(list(reversed(held)))
        case "slice":
            return _slice(held, [only_number(arg) for arg in args])
        case "concat":
            return items([*held, *(item for arg in args for item in (_list(arg) or [arg]))])
        case "at":
            place = only_number(args[0]) if args else 0.0
            return held[int(place)] if place is not None and -len(held) <= place < len(held) else None
        case "shift":
            return held[0] if held else None
        case "pop":
            return held[-1] if held else None
        case _:
            return None


def _slice(held: Sequence[Value], numbers: Sequence[float | None]) -> Value | None:
    if None in numbers:
        return None
    first, last = (
        [*(int(number) for number in numbers if number is not None), 0, len(held)][:2] if numbers else (0, None)
    )
    return items(held[first : last if len(numbers) > 1 else None])


def _list(value: Value) -> Sequence[Value] | None:
    if len(value) != 1:
        return None
    (atom,) = value
    found: Sequence[Value] | None = atom[1] if atom[0] == "a" else None
    return found


def joined(held: Sequence[Value], separator: str) -> Value:
    """Give the items as one text."""
    parts: list[Value] = []
    for place, item in enumerate(held):
        if place:
            parts.append(text(separator))
        parts.append(text("") if item in _ABSENT else item)
    return concat(parts)


_ABSENT: Final = (frozenset({("l", "undefined")}), frozenset({("l", "null")}))


def of_global(name: str, args: Args) -> Value | None:  # noqa: PLR0911 - one way out for each function of the language
    """Give what a function of the language gives; None if that is not known."""
    if name in {"String.fromCharCode", "String.fromCodePoint"}:
        return _characters([only_number(arg) for arg in args], whole=name.endswith("Point"))
    if name in {"Array.of", "Array"} and len(args) != 1:
        return items(args)
    if name in {"Array.from", "Object.values", "Uint8Array", "Uint16Array", "Uint32Array", "Array"} and args:
        held = _list(args[0])
        word = only_text(args[0]) if held is None else None
        if held is not None:
            return items(held)
        return items([text(char) for char in word]) if word is not None and name == "Array.from" else None
    word = only_text(args[0]) if args else None
    if word is None or len(word) > LONGEST:
        return None
    if name in {"parseInt", "Number", "parseFloat"}:
        return _parse(word, args, name)
    decode = _DECODERS.get(name)
    return None if decode is None or (made := decode(word)) is None else text(made)


def _characters(numbers: Sequence[float | None], *, whole: bool) -> Value | None:
    known = [n for n in numbers if n is not None and not math.isnan(n) and 0 <= n <= _LAST_POINT]
    codes = [int(n) if whole else int(n) & _LAST_UNIT for n in known]
    return text("".join(map(chr, codes))) if len(codes) == len(numbers) else None


def _parse(word: str, args: Args, name: str) -> Value | None:
    base = only_number(args[1]) if len(args) > 1 else 10.0
    try:
        return number(int(word, int(base or 10)) if name == "parseInt" else float(word))
    except (ValueError, TypeError):
        return None


def decode_base64(word: str) -> str | None:
    """Decode as `atob` does: white space is dropped, padding may be missing (https://infra.spec.whatwg.org/#forgiving-base64)."""
    flat = re.sub(r"[\t\n\f\r ]", "", word).rstrip("=")
    try:
        return base64.b64decode(flat + "=" * (-len(flat) % 4), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return None


def _old_unescape(word: str) -> str:
    return re.sub(r"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), word)


_DECODERS: Final[dict[str, Callable[[str], str | None]]] = {
    "atob": decode_base64,
    "btoa": lambda word: base64.b64encode(word.encode("latin-1", "replace")).decode("ascii"),
    "decodeURIComponent": unquote,
    "decodeURI": unquote,
    "unescape": _old_unescape,
    "encodeURIComponent": lambda word: quote(word, safe="!'()*~"),
    "encodeURI": lambda word: quote(word, safe="!'()*~;/?:@&=+$,#%"),
    "String": str,
    "Object": str,
    "String.raw": str,
}


def decode_bytes(atom: Atom) -> Value:
    """Give the text of a list of bytes, as TextDecoder reads them."""
    numbers = [only_number(item) for item in atom[1]]
    if any(n is None or not 0 <= n <= 255 for n in numbers):  # noqa: PLR2004 - a byte
        return ANY
    return text(bytes(int(n) for n in numbers if n is not None).decode("utf-8", "replace"))


__all__ = ["decode_base64", "decode_bytes", "items", "joined", "of_global", "of_list", "of_text", "written"]
