"""Checkpoints: a log's size and root, as the text of a signed note (https://c2sp.org/tlog-checkpoint)."""

import base64
import re
from dataclasses import dataclass
from typing import Final

from release.core.tlog import TlogError
from release.core.tlog.merkle import HASH_BYTES, LARGEST_SIZE
from release.core.tlog.note import unbase64

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log. Extension lines are kept but never written: no monitor can audit them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Give the note's text."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


def parse_checkpoint(text: bytes, *, origin: str | None = None) -> Checkpoint:
    """Read the text of a note that was opened.

    Raises:
        TlogError: it is no checkpoint, or one of another log than `origin`.
    """
    try:
        *lines, end = text.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise TlogError("a checkpoint is UTF-8") from None
    if end or len(lines) < 3 or not all(lines):  # noqa: PLR2004 - origin, size, root
        raise TlogError("a checkpoint is an origin, a size and a root hash, each on a line of its own")
    if origin is not None and lines[0] != origin:
        raise TlogError(f"the checkpoint is of the log {lines[0][:200]!r}, not of {origin}")
    root = unbase64(lines[2], what="the checkpoint's root hash")
    if len(root) != HASH_BYTES:
        raise TlogError(f"the checkpoint's root hash has {len(root)} bytes")
    return Checkpoint(lines[0], parse_number(lines[1], what="the checkpoint's size"), root, tuple(lines[3:]))


def parse_number(text: str, *, what: str) -> int:
    """Read a decimal number without leading zeroes, at most 2**63 - 1 (TlogError)."""
    if not _NUMBER.fullmatch(text) or (number := int(text)) > LARGEST_SIZE:
        raise TlogError(f"{what} is no number as it must be written")
    return number
