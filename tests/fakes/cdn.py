"""A CDN in memory: invalidations take as long as a test says."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from release.errors import NotFoundError, NothingToDoError, RefusedError, ReleaseError

MOST_PATHS = 3000


@dataclass(kw_only=True, slots=True)
class Invalidation:
    id: str
    reference: str
    paths: tuple[str, ...]
    polls_left: int


class InMemoryCdn:
    """The Cdn port.

    Attributes:
        calls: how often each method was called.
        journal: ("invalidate", path) for each path asked for, in order; may be shared with other fakes.
        invalidations: what was asked for, in order.
        fails: errors that the next calls raise, first come first; None lets one call through.

    Args:
        polls: how often `finished` says no before it says yes.
        journal: a list to append to, shared with another fake.
    """

    def __init__(self, *, polls: int = 0, journal: list[tuple[str, str]] | None = None) -> None:
        self._polls = polls
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.journal = [] if journal is None else journal
        self.invalidations: list[Invalidation] = []
        self.fails: list[ReleaseError | None] = []

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        with self._lock:
            self._count("invalidate")
            if not paths:
                raise NothingToDoError("there are no paths to invalidate")
            if len(paths) > MOST_PATHS:
                raise RefusedError(f"{len(paths)} paths are too many for one invalidation")
            if any(not path.startswith("/") or "*" in path for path in paths):
                raise RefusedError("a path is not exact or does not begin with a slash")
            for known in self.invalidations:
                if known.reference == reference:
                    if known.paths != tuple(paths):
                        raise RefusedError("an invalidation with this reference exists already, for other paths")
                    return known.id
            number = len(self.invalidations) + 1
            made = Invalidation(id=f"I{number}", reference=reference, paths=tuple(paths), polls_left=self._polls)
            self.invalidations.append(made)
            self.journal.extend(("invalidate", path) for path in paths)
            return made.id

    def finished(self, invalidation: str) -> bool:
        with self._lock:
            self._count("finished")
            for known in self.invalidations:
                if known.id == invalidation:
                    known.polls_left -= 1
                    return known.polls_left < 0
            raise NotFoundError(f"there is no invalidation {invalidation}")

    def _count(self, method: str) -> None:
        self.calls[method] += 1
        error = self.fails.pop(0) if self.fails else None
        if error is not None:
            raise error
