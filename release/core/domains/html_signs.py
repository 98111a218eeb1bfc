"""Signs of HTML comments in scripts: in those that are no modules, each hides the rest of its line.

ECMA-262, B.1.1. The parser takes `<!--` for operators where an expression goes on, and browsers do not.
"""

import re
from collections.abc import Iterator
from typing import Final

from release.core.domains.program import Program

MOST: Final = 300
_SIGN: Final = re.compile(rb"<!--|-->")
_TEXTS: Final = frozenset(
    {
        "string",
        "string_fragment",
        "template_string",
        "escape_sequence",
        "comment",
        "regex",
        "regex_pattern",
        "hash_bang_line",
    }
)
_LINE_ENDS: Final = (b"\n", b"\r", b"\xe2\x80\xa8", b"\xe2\x80\xa9")


def signs(program: Program) -> Iterator[tuple[int, int]]:
    """Give where browsers may see a comment of HTML that is no text; of too many, the rest as one."""
    source = program.source
    for count, match in enumerate(_SIGN.finditer(source)):
        if count >= MOST:
            yield match.start(), len(source)
            return
        if match[0] == b"-->" and not _begins_line(source, match.start()):
            continue
        node = program.root.descendant_for_byte_range(match.start(), match.end())
        if node is None or node.type not in _TEXTS:
            yield match.span()


def _begins_line(source: bytes, at: int) -> bool:
    """Tell whether nothing but white space and comments is before a place in its line."""
    start = max(source.rfind(end, 0, at) for end in _LINE_ENDS)
    before = source[max(start, 0) : at].strip()
    return not before or before.endswith(b"*/") or before in _LINE_ENDS
