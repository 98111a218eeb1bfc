"""The population: one row for every entry of a period, from which an auditor draws a sample.

It is complete because entries are numbered without a gap and the log's signed head counts them: rows are those from
the first entry of the period to its last, with every entry between them, whatever time it claims. What later entries
say of a change (how it ended, whether it was undone, yanked or reviewed) is joined to its row. A cell is empty where
neither the entry nor its evidence says anything; nothing is guessed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final, Literal

from release.core import document
from release.core.csv_text import table
from release.core.entry import Event, leaf_hash
from release.core.manifest import SHA256, digest
from release.core.period import Period
from release.core.population_row import Later, Row, Start, outcome, row_of
from release.core.replay import CLOCK_SLACK
from release.core.shape import rule
from release.core.slot import Invalid, examine
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import Key
from release.errors import ConfigError

CSV: Final = "population.csv"
SIDECAR: Final = "population.json"
LARGEST_SIDECAR: Final = 16 * 1024
LARGEST_CSV: Final = 64 * 1024 * 1024
MOST_ROWS: Final = 20_000
COLUMNS: Final = tuple(column.name for column in fields(Row))


@dataclass(frozen=True, kw_only=True, slots=True)
class Population:
    """`population.json`: what population.csv is the population of.

    Entries `first` to `first + count - 1` of the log of `size` entries with this root, none left out; `first` is absent
    where the period has none.
    """

    type_: Literal["release-population/v1"] = rule("release-population/v1", required=True)
    origin: str = rule(longest=200)
    size: int = rule(minimum=1)
    root: str = rule(pattern=SHA256, means="a SHA-256 in hex")
    from_: str | None = rule(None, longest=10)
    to: str | None = rule(None, longest=10)
    first: int | None = rule(None, minimum=0)
    count: int = rule(minimum=0, maximum=MOST_ROWS)
    csv: str = rule(pattern=SHA256, means="a SHA-256 in hex")


_Taken = tuple[int, str, Event | None, str]


@dataclass(kw_only=True, slots=True)
class Gathering:
    """Takes all entries of a log in order, and keeps those of a period with what later ones say of them.

    Args:
        period: the days that are asked for.
    """

    period: Period
    _rows: list[_Taken] = field(default_factory=list)
    _waiting: list[_Taken] = field(default_factory=list)
    _later: dict[int, Later] = field(default_factory=dict)
    _yanked: dict[str, int] = field(default_factory=dict)
    _starts: dict[int, Start] = field(default_factory=dict)
    _inside: int = 0
    _over: bool = False

    def take(self, index: int, leaf: str, event: Event | None, problem: str = "") -> None:
        """Take the next entry; one that cannot be read has no event, but its problem.

        Raises:
            ConfigError: the period has more entries than one table may have.
        """
        if self._over and event is None:
            return
        if event is None:
            self._unreadable((index, leaf, None, problem))
        else:
            self._link(event)
            self._readable((index, leaf, event, ""), datetime.fromisoformat(event.occurred_at))
        if len(self._rows) + len(self._waiting) > MOST_ROWS:
            raise ConfigError(f"{self.period} has more than {MOST_ROWS} entries", hint="ask for a shorter period")

    def _readable(self, row: _Taken, at: datetime) -> None:
        if self._over or (not self._rows and at < self.period.start):
            self._waiting.clear()
        elif at > self._latest:
            self._over = True
        else:
            self._rows += [*self._waiting, row]
            self._waiting.clear()
            if at <= self.period.end:
                self._inside = len(self._rows)

    def _unreadable(self, row: _Taken) -> None:
        """Take an entry that says no time: it is of the period if one of its neighbours is."""
        if not self._rows and self.period.first is not None:
            self._waiting.append(row)
            return
        self._rows.append(row)
        if self._inside == len(self._rows) - 1:
            self._inside = len(self._rows)

    @property
    def first(self) -> int | None:
        """The number of the first entry of the period; None if it has none."""
        return self._rows[0][0] if self._inside else None

    @property
    def count(self) -> int:
        """How many entries the period has."""
        return self._inside

    def rows(self, blob: Callable[[str], bytes]) -> Iterator[Row]:
        """Give the rows in order.

        Args:
            blob: gives evidence by its SHA-256, proven to be it; LogError or TlogError if it cannot.
        """
        for index, leaf, event, problem in self._rows[: self._inside]:
            if event is None:
                yield Row(entry=str(index), leaf_hash=leaf, problem=problem)
                continue
            change = index if event.outcome_of is None else event.outcome_of
            later = self._later.get(index, Later())
            yield row_of(
                event,
                leaf,
                start=self._starts.get(change, Start(event.occurred_at, event.emergency)),
                later=replace(later, yanked=self._yanked_after(event)),
                blob=blob,
            )

    @property
    def _latest(self) -> datetime:
        """The time from which on nothing of the period is expected any more."""
        return self.period.end if self.period.last is None else self.period.end + CLOCK_SLACK

    def _link(self, event: Event) -> None:
        if event.action == "version.yanked":
            self._yanked.setdefault(event.version, event.index)
        elif event.action.endswith(".authorized"):
            self._starts[event.index] = Start(event.occurred_at, event.emergency)
            if event.before is not None and event.action == "rollback.authorized":
                self._of(event.before.entry, undone=event.index)
        elif event.outcome_of is not None and event.action == "review.completed":
            self._of(event.outcome_of, review=event.index)
        elif event.outcome_of is not None:
            self._of(event.outcome_of, ended=(event.index, event.occurred_at, outcome(event)))

    def _of(self, index: int, **said: Any) -> None:  # noqa: ANN401 - fields of Later
        self._later[index] = replace(self._later.get(index, Later()), **said)

    def _yanked_after(self, event: Event) -> int | None:
        entry = self._yanked.get(event.version)
        return entry if entry is not None and entry > event.index else None


def gathered(entries: Iterable[tuple[int, bytes]], period: Period, keys: Sequence[Key]) -> Gathering:
    """Take all entries of a log that one of the keys signed (ConfigError: the period has too many)."""
    gathering = Gathering(period=period)
    for index, body in entries:
        found = examine(body, index=index, keys=keys)
        if isinstance(found, Invalid):
            gathering.take(index, found.leaf_hash, None, found.problem)
        else:
            gathering.take(index, leaf_hash(body), found, "")
    return gathering


def population_files(gathering: Gathering, head: Checkpoint, blob: Callable[[str], bytes]) -> dict[str, bytes]:
    """Give the two files: the table, and what it is the population of.

    Raises:
        ConfigError: the table is larger than any reader takes.
    """
    body = bytearray()
    for line in table(COLUMNS, map(astuple, gathering.rows(blob))):
        body += line
        if len(body) > LARGEST_CSV:
            raise ConfigError(f"{CSV} would be larger than {LARGEST_CSV} bytes", hint="ask for a shorter period")
    period = gathering.period
    about = Population(
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        from_=period.first.isoformat() if period.first else None,
        to=period.last.isoformat() if period.last else None,
        first=gathering.first,
        count=gathering.count,
        csv=digest(bytes(body)),
    )
    return {SIDECAR: document.encode(about), CSV: bytes(body)}
