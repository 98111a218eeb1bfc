"""Export: a copy of a signed release log that can be verified offline (`verify_log`)."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from release.core import changelog_check
from release.core.copy_check import proof_path
from release.core.cosigned import copied, merged
from release.core.logcheck import LARGEST_EVIDENCE
from release.core.period import Period
from release.core.population import gathered, population_files
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.policy import Policy
from release.core.tlog.tile import LARGEST_BUNDLE, LARGEST_TILE, bundles_of, tiles_of
from release.core.trust import LARGEST as LARGEST_EPOCH
from release.effects.bucket_files import BucketFiles
from release.effects.signed_log import SignedLog
from release.effects.slots import PAGE, Slots
from release.errors import ConfigError, LogError, NothingToDoError
from release.ports import LogArchive

AT_ONCE: Final = 8
"""How many files are held: a bundle of entries has 16 MB at most, evidence usually less than one."""

_NONE: Final[Mapping[str, bytes]] = {}


@dataclass(slots=True)
class Part:
    """How many files of how many bytes."""

    files: int = 0
    bytes_: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was copied: the log's head, and how many files of how many bytes; how many entries no head covers yet.

    `parts` says the same of each top folder.
    """

    origin: str
    size: int
    root: str
    files: int
    bytes_: int
    uncovered: int
    parts: Mapping[str, Part]


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The newest checkpoint, and how many entries the log has with those that it does not cover yet."""

    note: bytes
    checkpoint: Checkpoint
    entries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The period whose population and proofs are wanted, and the keys by which they are to prove it."""

    period: Period
    policy: Policy


def head(slots: Slots) -> Head:
    """Read what the log's head covers.

    Raises:
        NothingToDoError: the log is empty.
        LogError: there is no head, or it is malformed or not signed by one of the log's keys.
    """
    found = slots.store.read(slots.layout.checkpoint, limit=LARGEST_NOTE)
    entries = slots.tail().size
    if not entries:
        raise NothingToDoError("the release log is empty", hint="release record publish")
    if found is None:
        raise LogError(f"{slots.layout.checkpoint} is missing: nothing proves this log", hint="release log repair")
    try:
        point = slots.keys.checkpoint(found.body, origin=slots.keys.current.name)
        return Head(note=found.body, checkpoint=point, entries=entries)
    except TlogError as why:
        raise LogError(
            f"{slots.layout.checkpoint} cannot be believed: {why}", hint="compare with the replica and with CloudTrail"
        ) from why


def cosigned_heads(top: Head, notes: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """Give heads that witnesses cosigned their places in a copy; who gets it verifies them.

    Raises:
        ConfigError: one is malformed, or of another log.
    """
    try:
        return copied(top.checkpoint.origin, notes)
    except TlogError as why:
        raise ConfigError(str(why), hint="which log did the witness see?") from why


def with_cosignatures(top: Head, notes: Sequence[tuple[str, bytes]]) -> Head:
    """Add to the head what witnesses signed below that very head, so that it proves itself where it is the only file.

    Raises:
        ConfigError: a note is malformed.
    """
    try:
        return replace(top, note=merged(top.note, notes))
    except TlogError as why:
        raise ConfigError(str(why)) from why


def run(
    slots: Slots,
    top: Head,
    changelog: bytes | None,
    archive: LogArchive,
    about: About | None = None,
    heads: Mapping[str, bytes] = _NONE,
) -> Report:
    """Copy all that the head covers, always in the same order; then what is wanted of a period.

    Args:
        slots: the log.
        top: its head.
        changelog: the library's changelog, if it has one.
        archive: the copy.
        about: the period whose population and proofs are wanted.
        heads: those that witnesses cosigned, with their places.

    Raises:
        LogError: a file is missing, or not what the head is of.
        ConfigError: the period is too long for one table.
    """
    prefix, parts = slots.layout.prefix, defaultdict[str, Part](Part)

    def add(path: str, body: bytes) -> None:
        part = parts[path.partition("/")[0]]
        part.files, part.bytes_ = part.files + 1, part.bytes_ + len(body)
        archive.add(path, body)

    add("checkpoint", top.note)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ahead: deque[tuple[str, Future[bytes]]] = deque()
        for key, limit in _files(slots, top.checkpoint.size):
            ahead.append((key.removeprefix(prefix), pool.submit(_must, slots, key, limit)))
            if len(ahead) == AT_ONCE:
                path, coming = ahead.popleft()
                add(path, coming.result())
        for path, coming in ahead:
            add(path, coming.result())
    for path, body in heads.items():
        add(path, body)
    if changelog is not None:
        add(changelog_check.FILE, changelog)
    for path, body in _added(slots, top, about) if about else ():
        add(path, body)
    point = top.checkpoint
    return Report(
        origin=point.origin,
        size=point.size,
        root=point.root.hex(),
        files=sum(part.files for part in parts.values()),
        bytes_=sum(part.bytes_ for part in parts.values()),
        uncovered=top.entries - point.size,
        parts=dict(parts),
    )


def _added(slots: Slots, top: Head, about: About) -> Iterator[tuple[str, bytes]]:
    """Give the population of a period, then the proof of each entry in it, one after the other."""
    log = SignedLog.below(top.note, BucketFiles(store=slots.store, layout=slots.layout), about.policy)
    gathering = gathered(log.bodies(), about.period, log.policy.logs)
    yield from population_files(gathering, log.head, log.blob).items()
    first = gathering.first or 0
    for index in range(first, first + gathering.count):
        yield proof_path(index), log.proven(index)[1].encode()


def _files(slots: Slots, size: int) -> Iterator[tuple[str, int]]:
    """Give the keys of all files but the head, and how large each may be."""
    layout = slots.layout
    yield from ((layout.archived_checkpoint(n), LARGEST_NOTE) for n in range(1, size + 1))
    yield from ((layout.tile(tile.path), LARGEST_TILE) for tile in tiles_of(size))
    yield from ((layout.tile(bundle.path), LARGEST_BUNDLE) for bundle in bundles_of(size))
    yield from ((key, LARGEST_EVIDENCE) for key in _keys(slots, layout.blobs))
    yield from ((key, LARGEST_EPOCH) for key in _keys(slots, layout.trust))


def _keys(slots: Slots, prefix: str) -> Iterable[str]:
    after = ""
    while page := slots.store.keys(prefix, after=after, most=PAGE):
        yield from page
        after = page[-1]


def _must(slots: Slots, key: str, limit: int) -> bytes:
    found = slots.store.read(key, limit=limit)
    if found is None:
        raise LogError(f"{key} is missing", hint="release log repair; if it stays missing, compare with the replica")
    return found.body
