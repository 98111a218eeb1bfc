"""The release log's own keys as release.toml names them: the one that signs now, and those that did before."""

from dataclasses import dataclass

from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.note import Key, open_note


@dataclass(frozen=True, kw_only=True, slots=True)
class Former:
    """A key that was retired. It signed the first `entries` entries and no other; None: it may still sign."""

    key: Key
    entries: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogKeys:
    """All keys of one log."""

    current: Key
    retired: tuple[Former, ...] = ()

    @property
    def ever(self) -> tuple[Key, ...]:
        """All of them."""
        return (self.current, *(former.key for former in self.retired))

    def at(self, index: int) -> tuple[Key, ...]:
        """Give those that may sign the entry with this index."""
        former = (f.key for f in self.retired if f.entries is None or index < f.entries)
        return (self.current, *former)

    def checkpoint(self, body: bytes, *, origin: str) -> Checkpoint:
        """Open a checkpoint of this log.

        Raises:
            TlogError: it is malformed, or signed by none of the keys that may sign one of its size.
        """
        opened = open_note(body, self.ever)
        found = parse_checkpoint(opened.text, origin=origin)
        allowed = self.at(max(found.size - 1, 0))
        if not any(key in allowed for key, _ in opened.signed):
            raise TlogError(f"the key that signed it was retired before the log had {found.size} entries")
        return found
