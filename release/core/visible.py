"""Text of unknown origin, made safe to print: no control or direction character reaches a terminal."""

from typing import Final

_KEPT: Final = "\n\t"


def visible(text: str) -> str:
    r"""Write every character that cannot be printed as `\uXXXX`; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _KEPT else f"\\u{ord(c):04x}" for c in text)
