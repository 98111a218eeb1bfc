"""What a watch found: the same thing is said once, with how often and since when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

Kind = Literal["address", "stage", "pipeline", "two-places", "refusals", "identity", "guarded", "unseen", "damaged"]

MOST: Final = 2000
"""Different findings that are kept; more are only counted."""
SHOWN: Final = 200
"""Characters of a name that are kept: what is in a record was chosen by whoever called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that nothing explains. Times are RFC 3339 in UTC.

    Attributes:
        key: whose key, or who did it, or what file.
        what: in words.
        example: the thing that the earliest record is about.
        count: how many records say so.
        first: the time of the earliest.
        last: the time of the latest.
        event: the earliest record's id.
        file: where one of the records is.
    """

    kind: Kind
    key: str
    what: str
    example: str
    count: int
    first: str
    last: str
    event: str
    file: str


@dataclass(kw_only=True, slots=True)
class _Tally:
    count: int
    first: int
    last: int
    example: str
    event: str
    file: str


class Findings:
    """Findings as they come, the same ones counted."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[Kind, str, str], _Tally] = {}
        self.left_out = 0

    def add(
        self, kind: Kind, key: str, what: str, *, at: int, example: str = "", event: str = "", file: str = ""
    ) -> None:
        """Add one."""
        name, example = (kind, key[:SHOWN], what[: 2 * SHOWN]), example[:SHOWN]
        found = self._tallies.get(name)
        if found is None:
            if len(self._tallies) >= MOST:
                self.left_out += 1
                return
            self._tallies[name] = _Tally(count=1, first=at, last=at, example=example, event=event, file=file)
            return
        found.count += 1
        found.last = max(found.last, at)
        if at < found.first:
            found.first, found.example, found.event, found.file = at, example, event, file

    def listed(self) -> tuple[Finding, ...]:
        """Give them by key, then by time."""
        rows = sorted(self._tallies.items(), key=lambda row: (row[0][1], row[1].first, row[0]))
        return tuple(
            Finding(
                kind=kind,
                key=key,
                what=what,
                example=tally.example,
                count=tally.count,
                first=moment(tally.first),
                last=moment(tally.last),
                event=tally.event,
                file=tally.file,
            )
            for (kind, key, what), tally in rows
        )


def moment(at: int) -> str:
    """Write a time; empty if it is 0, which stands for none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
