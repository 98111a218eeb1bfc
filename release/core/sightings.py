"""When and from where each key was used: two places at once, and bursts. Records come in no order.

CloudTrail's files are "not an ordered stack trace", so nothing is decided before all are read. What is
kept grows with the length of the period, not with the number of records.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MOST_ADDRESSES: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """A key that was used from two addresses within `seconds`."""

    whose: str
    first: str
    second: str
    at: int
    seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """Refusals of one identity's calls, the most within one window."""

    whose: str
    count: int
    at: int


class Places:
    """From where keys were used.

    Args:
        seconds: how close two uses are at the same time.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        # Of each stretch of `seconds`, the first and the last use: between them nothing else can matter.
        self._uses: dict[tuple[str, str], dict[str, dict[int, tuple[int, int]]]] = defaultdict(dict)

    def saw(self, whose: str, key: str, address: str, at: int) -> None:
        """Remember one use of an identity's key."""
        addresses = self._uses[whose, key]
        if address not in addresses and len(addresses) >= MOST_ADDRESSES:
            return  # by then two places were found long ago
        stretches = addresses.setdefault(address, {})
        first, last = stretches.get(at // self._seconds, (at, at))
        stretches[at // self._seconds] = (min(first, at), max(last, at))

    def together(self) -> Iterator[Together]:
        """Give each key's pairs of addresses once, at the closest moment."""
        for (whose, _), addresses in sorted(self._uses.items()):
            if len(addresses) == 1:
                continue
            uses = sorted((at, place) for place, found in addresses.items() for ends in found.values() for at in ends)
            closest: dict[tuple[str, str], tuple[int, int]] = {}
            for (before, one), (after, other) in pairwise(uses):
                if one != other and after - before <= self._seconds:
                    pair = (min(one, other), max(one, other))
                    closest[pair] = min(closest.get(pair, (after - before, after)), (after - before, after))
            for (one, other), (seconds, at) in sorted(closest.items()):
                yield Together(whose=whose, first=one, second=other, at=at, seconds=seconds)


class Refusals:
    """How often identities were refused.

    Args:
        most: how many refusals within `seconds` are a burst.
        seconds: the window.
    """

    def __init__(self, *, most: int, seconds: int) -> None:
        self._most = most
        self._seconds = seconds
        self._counts: dict[str, Counter[int]] = defaultdict(Counter)

    def saw(self, whose: str, at: int) -> None:
        """Remember one refusal."""
        self._counts[whose][at] += 1

    def bursts(self) -> Iterator[Burst]:
        """Give the worst burst of each identity that had one."""
        for whose, counts in sorted(self._counts.items()):
            times = sorted(counts)
            worst, worst_at, within, first = 0, 0, 0, 0
            for at in times:
                within += counts[at]
                while times[first] < at - self._seconds:
                    within -= counts[times[first]]
                    first += 1
                if within > worst:
                    worst, worst_at = within, times[first]
            if worst >= self._most:
                yield Burst(whose=whose, count=worst, at=worst_at)
