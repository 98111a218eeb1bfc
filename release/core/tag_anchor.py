"""Git tags as anchors of the release log: a line of a tag's message says what its maker saw of the log.

    Release-Log: <origin> <size> <root hash in base64>

A tag's message is in every clone, so nobody can take it back; if the tag is signed, nobody can put it there either.
What is read here comes from whoever may push a tag.
"""

import base64
import re
from dataclasses import dataclass
from typing import Final

from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_number
from release.core.tlog.merkle import HASH_BYTES
from release.core.tlog.note import unbase64

LARGEST: Final = 64 * 1024
TRAILER: Final = "Release-Log"
NAMESPACE: Final = "git"
"""Of SSH signatures that git makes (gitformat-signature(5), gpg.format=ssh)."""

# The last line that begins as one of these begins the signature (git's parse_signed_buffer, gpg-interface.c).
_SIGNATURE: Final = re.compile(
    rb"^-----BEGIN (SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----", re.MULTILINE
)
_HEADER: Final = re.compile(
    rb"object (?P<object>[0-9a-f]{40}|[0-9a-f]{64})\ntype (?P<kind>[a-z]{1,10})\ntag (?P<name>[^\n]{1,250})(\n[^\n]*)*"
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag object. `signature` is armored, "" if there is none; `signed` is what it is over."""

    name: str
    message: bytes
    signed: bytes
    signature: str


def parse_tag(body: bytes | None, *, name: str) -> Tag:
    """Read a tag object as git stores it (gitformat-signature(5), git-mktag(1)); None is one that was too large.

    Raises:
        TlogError: it is none, too large, or the object of another tag than the one that refers to it.
    """
    if body is None or len(body) > LARGEST:
        raise TlogError(f"it is larger than {LARGEST} bytes")
    head, _, rest = body.partition(b"\n\n")
    match = _HEADER.fullmatch(head)
    if not match:
        raise TlogError("it is no tag object")
    if match["name"] != name.encode():
        raise TlogError(f"it is the object of the tag {match['name'].decode('utf-8', 'replace')[:100]!r}, moved")
    begins = [found.start() for found in _SIGNATURE.finditer(body, len(body) - len(rest))]
    end = begins[-1] if begins else len(body)
    return Tag(name, rest[: end - (len(body) - len(rest))], body[:end], body[end:].decode("utf-8", "replace"))


def trailer(seen: Checkpoint) -> str:
    """Give the line that a tag's message is to have."""
    return f"{TRAILER}: {seen.origin} {seen.size} {base64.b64encode(seen.root).decode()}"


def anchor_of(message: bytes) -> Checkpoint | None:
    """Read the checkpoint that a message names; None if it names none.

    Raises:
        TlogError: it names more than one, or not in the one way to write it.
    """
    start = f"{TRAILER}:".lower().encode()
    lines = [line for line in message.split(b"\n") if line.lstrip().lower().startswith(start)]
    if not lines:
        return None
    if len(lines) > 1:
        raise TlogError(f"its message has {len(lines)} lines {TRAILER}")
    words = lines[0].decode("ascii", "replace").split(" ")
    if len(words) != 4 or words[0] != f"{TRAILER}:":  # noqa: PLR2004 - name, origin, size, root
        raise TlogError(f"its line {TRAILER} is not '{TRAILER}: <origin> <size> <root>'")
    root = unbase64(words[3], what=f"the root in its line {TRAILER}")
    size = parse_number(words[2], what=f"the size in its line {TRAILER}")
    if len(root) != HASH_BYTES or not size or not words[1].isprintable():
        raise TlogError(f"its line {TRAILER} names no checkpoint")
    return Checkpoint(words[1], size, root)
