"""Literals of JavaScript as the texts and numbers that they stand for (ECMA-262, 12.9)."""

import re
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,8})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-3][0-7]{0,2}|[4-7][0-7]?)|(\r\n|[\s\S]))"
)
_SINGLE: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_LINES: Final = frozenset({"\n", "\r", "\r\n", "\u2028", "\u2029"})
_SURROGATES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LAST: Final = 0x10FFFF


def unescape(inner: str) -> str:
    """Give what the inside of a quoted literal or a template stands for."""
    if "\\" not in inner:
        return inner
    return _SURROGATES.sub(_pair, _ESCAPE.sub(_escape, inner))


def _escape(match: "re.Match[str]") -> str:
    code = match[1] or match[2] or match[3]
    if code:
        point = int(code, 16)
        return chr(point) if point <= _LAST else "\ufffd"
    if match[4]:
        return chr(int(match[4], 8))
    return "" if match[5] in _LINES else _SINGLE.get(match[5], match[5])


def _pair(match: "re.Match[str]") -> str:
    return match[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def read_number(literal: str) -> float | None:
    """Give the number of a numeric literal; None if it is none that is understood."""
    plain = literal.replace("_", "").rstrip("n").lower()
    try:
        if plain[:2] in {"0x", "0o", "0b"}:
            return float(int(plain, 0))
        if re.fullmatch(r"0[0-7]+", plain):
            return float(int(plain, 8))
        return float(plain)
    except (ValueError, OverflowError):
        return None


_PLAIN_REGEX: Final = re.compile(
    r"/((?:[^\\/\[\](){}*+?|.^$]|\\[^\w]|\[\^?(?:[^\\\]\[]|\\[^\w]|\\[dws])+\]|\\[dws]|\.)\+?)/([gimu]*)"
)


def plain_pattern(regex: str) -> "tuple[re.Pattern[str], bool] | None":
    """Give a regular expression of one character or one class, which costs linear time, and whether it is global."""
    found = _PLAIN_REGEX.fullmatch(regex) or re.fullmatch(r"/([\w\-~!@#%&=:;,'\"<> ]+)/([gimu]*)", regex)
    if found is None:
        return None
    try:
        return re.compile(found[1], re.IGNORECASE if "i" in found[2] else 0), "g" in found[2]
    except re.error:
        return None
