"""Watch: hold CloudTrail's records against the release log."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from release.core import cloudtrail
from release.core.cloudtrail import Flaw, Record
from release.core.config import Config
from release.core.entry import Event
from release.core.findings import Finding, moment
from release.core.identities import Identities
from release.core.ledger import Ledger
from release.core.watch import Limits, Watch
from release.effects.slots import Slots
from release.errors import IntegrityError, NothingToDoError
from release.ports import TrailFiles

# What promote needs of record's job expires after a week (pipelines/record.yml): so long may a click take.
MARGIN: Final = 7 * 24 * 3600
BLOCK: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Seconds since 1970; `since` None for as far back as there are records."""

    since: int | None
    until: int
    now: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was read and what was found.

    Attributes:
        files: how many files were read.
        skipped: files that are CloudTrail's but hold no records, such as digests.
        records: how many records they held in the period.
        judged: how many of these used one of our keys or touched what is ours.
        open: writes so new that their log entry may still come: read them again later.
        since: of the period.
        until: of the period.
        addresses: whether addresses were held against [keys] source-ips.
        findings: by key.
        left_out: findings beyond those listed.
    """

    files: int
    skipped: int
    records: int
    judged: int
    open: int
    since: str
    until: str
    addresses: bool
    findings: tuple[Finding, ...]
    left_out: int


def run(
    config: Config, owned: Identities, slots: Slots, trail: TrailFiles, period: Period, limits: Limits | None = None
) -> Report:
    """Judge all records of a period.

    Raises:
        NothingToDoError: there was no record in the period, and nothing damaged either.
        LogError: the release log is damaged.
    """
    limits = limits or Limits()
    ledger = Ledger(events(slots, None if period.since is None else period.since - MARGIN), near=limits.near)
    watch = Watch(config, owned, ledger, now=period.now, limits=limits)
    reading = _Reading(watch, period)
    for name in trail.names():
        reading.file(name, trail.chunks(name))
    if not reading.records and not watch.findings.listed():
        raise NothingToDoError(
            f"none of {reading.files} files has a record of the period"
            if reading.files
            else "there is no file to read",
            hint="look at the trail's bucket and prefix, at --since and --until, and whether the trail logs at all",
        )
    since = period.since if period.since is not None else reading.first
    if reading.records:
        watch.finish(since=since, until=period.until)
    return Report(
        files=reading.files,
        skipped=trail.skipped,
        records=reading.records,
        judged=watch.judged,
        open=watch.open,
        since=moment(since),
        until=moment(period.until),
        addresses=bool(config.keys.source_ips),
        findings=watch.findings.listed(),
        left_out=watch.findings.left_out,
    )


def events(slots: Slots, since: int | None) -> Sequence[Event]:
    """Read the entries from a time on, newest block first: the log may be long and the period short."""
    first = size = slots.tail().size
    found: list[Event] = []
    while first:
        start = max(0, first - BLOCK) if since is not None else 0
        found[:0] = slots.events(first=start, size=first)
        first = start
        if found and since is not None and int(datetime.fromisoformat(found[0].occurred_at).timestamp()) < since:
            break
    return found if size else ()


class _Reading:
    """How far the reading is."""

    def __init__(self, watch: Watch, period: Period) -> None:
        self._watch = watch
        self._period = period
        self.files = 0
        self.records = 0
        self.first = period.until

    def file(self, name: str, chunks: Iterable[bytes]) -> None:
        """Read one file; all that is wrong with it is one finding."""
        self.files += 1
        flaws: list[Flaw] = []
        count = 0
        for item in _careful(cloudtrail.read(chunks)):
            if isinstance(item, Record):
                self._record(item, name)
            else:
                count += 1
                flaws = flaws or [item]
        for flaw in flaws:
            more = f", and {count - 1} more places" if count > 1 else ""
            self._watch.findings.add("damaged", name, f"{flaw.place}: {flaw.why}{more}", at=0, file=name)

    def _record(self, record: Record, name: str) -> None:
        since = self._period.since
        if record.at > self._period.until or (since is not None and record.at < since):
            return
        self.records += 1
        self.first = min(self.first, record.at)
        self._watch.see(record, name)


def _careful(items: Iterator[Record | Flaw]) -> Iterator[Record | Flaw]:
    """Make of a file whose bytes cannot be had a flaw like any other; other errors end the watch."""
    try:
        yield from items
    except IntegrityError as why:
        yield Flaw(place="the file", why=why.message)
