"""What the release log needs beyond a bucket: its key, and copies of it as files."""

from collections.abc import Sequence
from typing import Protocol

from release.core.tlog.note import Key, Signature


class NoteSigner(Protocol):
    """The log's private key, wherever it is kept; it never comes out."""

    @property
    def key(self) -> Key:
        """The public half."""
        ...

    def sign(self, text: bytes) -> Signature:
        """Sign the text of a note, or what an envelope signs (`core.dsse.pae`)."""
        ...


class Cosigner(Protocol):
    """A witness's private key, wherever it is kept; it never comes out."""

    @property
    def key(self) -> Key:
        """The public half."""
        ...

    def sign(self, text: bytes, *, time: int) -> Signature:
        """Cosign the text of a checkpoint at a time in seconds since 1970."""
        ...


class LogFiles(Protocol):
    """A release log as files, hostile until verified. Paths are relative and POSIX."""

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes, or None if there certainly is none.

        Raises:
            TlogError: it is larger than `limit` bytes, cannot be read, or is no regular file.
        """
        ...

    def names(self, folder: str) -> Sequence[str]:
        """List the files directly below a folder, sorted; an absent folder has none."""
        ...


class LogArchive(Protocol):
    """A copy of a release log, in the making."""

    def add(self, path: str, body: bytes) -> None:
        """Append a file; nothing is added twice."""
        ...
