"""Style sheets: what they load. Escapes are undone first; nothing else of the grammar is needed to find a URL."""

import re
from collections.abc import Iterator
from typing import Final

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\r\n\f]?|(\r\n|[\s\S]))")
_LAST: Final = 0x10FFFF
_LOADS: Final = re.compile(
    r"(?P<name>url|src|image|image-set|-webkit-image-set|@import|@namespace)\s*\(?\s*"
    r"(?:url\(\s*)?(?P<quote>[\"']?)(?P<url>[^\"'()<>\s;{}]*)",
    re.IGNORECASE,
)
_STRINGS: Final = re.compile(r"[\"']([^\"']*)[\"']")


def plain(sheet: str) -> str:
    """Give a style sheet without comments and escapes."""
    return _ESCAPE.sub(_escape, _COMMENT.sub("", sheet))


def _escape(match: "re.Match[str]") -> str:
    if match[1]:
        point = int(match[1], 16)
        return chr(point) if 0 < point <= _LAST and not 0xD800 <= point < 0xE000 else "\ufffd"  # noqa: PLR2004 - surrogates
    return "" if match[2] in {"\n", "\r\n", "\f"} else match[2]


def loads(sheet: str) -> Iterator[tuple[str, str]]:
    """Give what a style sheet without escapes loads: by which rule or function, and the URL."""
    for match in _LOADS.finditer(sheet):
        name = match["name"].lower()
        if name == "@namespace" or (name in {"src", "image"} and "(" not in match[0]):
            continue
        yield name, match["url"]
        if name.endswith("image-set"):
            end = sheet.find(")", match.end())
            for text in _STRINGS.findall(sheet[match.start() : end if end >= 0 else len(sheet)]):
                yield name, text
