"""The log bucket as the files of a log, for who verifies it there."""

from dataclasses import dataclass

from release.core.changelog_check import FILE
from release.core.tlog import TlogError
from release.effects.slots import Slots
from release.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class LogBucket:
    """A log's files where they are made. The changelog of a copy (`core.changelog_check.FILE`) is not among them."""

    slots: Slots

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes, or None if there certainly is none (TlogError: too large, or not its checksum's)."""
        if path == FILE:
            return None
        try:
            found = self.slots.store.read(f"{self.slots.layout.prefix}{path}", limit=limit)
        except IntegrityError as why:
            raise TlogError(why.message) from why
        return found.body if found else None
