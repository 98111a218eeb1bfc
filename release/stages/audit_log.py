"""Audit of the log: its tree and entries where they are, and the objects that hold them."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from release.core.audit.finding import Finding, drift, unjudged
from release.core.audit.log_objects import LogObjects
from release.core.audit.said import Said
from release.core.audit.under_way import about_epoch, about_reviews
from release.core.audit.versions import ObjectVersion, about_lock, by_key, is_hidden
from release.core.config import Config
from release.core.log_finding import Kind
from release.core.logcheck import Verifier, claimed
from release.core.logtree import TreeFiles
from release.core.tlog import TlogError
from release.core.tlog.policy import NONE, Policy
from release.core.tlog.tile import WIDTH, Tile, bundles_of, split_bundle
from release.effects.log_bucket import LogBucket
from release.effects.slot import read_leaf
from release.effects.slots import Slots
from release.effects.trusted import load
from release.errors import LogError, NothingToDoError, ReleaseError, TamperedError
from release.ports import Console, ObjectHistory

THREADS: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of the log.

    Args:
        config: of the library.
        now: the present time.
        grace: how long a step may be under way.
        newest: how many of the newest entries, evidence and locks are looked at one by one; None for all.
        errors: the error that each kind of a verifier's findings amounts to.
    """

    config: Config
    now: datetime
    grace: timedelta
    newest: int | None
    errors: Mapping[Kind, type[ReleaseError]]


def read(slots: Slots, question: Question, said: Said, console: Console) -> Iterator[Finding]:
    """Verify the log as an auditor's copy is verified, and hold its newest slots against its tree.

    Every entry is read, in bundles: signature, tree, history, rules and approvals are those of all entries.

    Args:
        slots: the log.
        question: what is asked.
        said: filled with what the entries amount to.
        console: for progress.

    Raises:
        NothingToDoError: the log is empty.
    """
    files = TreeFiles(LogBucket(slots).read)
    size = claimed(files.read)
    if not size and not slots.store.keys(slots.layout.slots, most=1):
        raise NothingToDoError("the release log is empty", hint="release record publish")
    first = 0 if question.newest is None else max(0, size - question.newest)
    with console.progress("verifying the release log", size // WIDTH + 1) as progress:
        verifier = Verifier(
            files=files,
            policy=Policy(slots.keys.ever, {}, {}, NONE),
            archived=range(first + 1, size + 1),
            trust=question.config.approvals.trust,
            seen=said.see,
            evidence_from=first,
            replay=said.replay,
            advance=progress.advance,
        )
        for finding in verifier.run():
            facts = "".join(f"; {name}: {fact}" for name, fact in finding.facts)
            yield drift(finding.message + facts, question.errors[finding.kind])
    if verifier.checkpoint is None:
        raise LogError("the log's head cannot be believed, so that nothing can be held against it")
    said.size = verifier.checkpoint.size
    yield from _same_slots(slots, files, first=first, size=said.size)


def _same_slots(slots: Slots, files: TreeFiles, *, first: int, size: int) -> Iterator[Finding]:
    """Compare slots with the entries of the tree, byte for byte."""

    def differs(row: tuple[int, bytes]) -> Finding | None:
        index, body = row
        found = read_leaf(slots.store, slots.layout, index)
        if found == body:
            return None
        what = "is gone" if found is None else "has other bytes"
        return drift(f"entry {index} {what} in its slot, and the tree has it", TamperedError)

    with ThreadPoolExecutor(THREADS) as pool:
        for bundle in bundles_of(size):
            if bundle.start + bundle.width > first:
                rows = [row for row in _entries(files, bundle) if row[0] >= first]
                yield from filter(None, pool.map(differs, rows))


def _entries(files: TreeFiles, bundle: Tile) -> Sequence[tuple[int, bytes]]:
    try:
        return list(enumerate(split_bundle(bundle, files.tile(bundle)), start=bundle.start))
    except TlogError:  # said by the verifier already
        return ()


def look_at_objects(slots: Slots, history: ObjectHistory, question: Question, said: Said) -> Iterator[Finding]:
    """Judge every version of every object that must be written once, and the locks of the newest.

    Slots are listed before the head's size is compared with them, which was read before: what came between is new.
    """
    layout, days = slots.layout, question.config.log.lock_days
    seen = LogObjects(
        layout=layout, covered=said.size, published=said.published, now=question.now, grace=question.grace
    )
    judges: tuple[tuple[str, Callable[[str, Sequence[ObjectVersion]], Iterable[Finding]]], ...] = (
        (layout.slots, seen.slot),
        (layout.checkpoints, seen.checkpoint),
        (layout.blobs, seen.evidence),
        (layout.trust, seen.epoch),
        (layout.indices, seen.index),
        *(((layout.tiles, seen.tile),) if question.newest is None else ()),
    )
    for prefix, judge in judges:
        newest = _Newest(question.newest)
        for key, found in by_key(history.versions(prefix)):
            yield from judge(key, found)
            newest.add(key, found)
        if days is not None:
            yield from _locks(history, newest.keys(), days)
    yield from seen.end()
    if days is None:
        yield unjudged("locks: release.toml does not say [log] lock-days")


class _Newest:
    """The keys that were written last, at most so many (None: all)."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._kept: list[tuple[datetime, str]] = []

    def add(self, key: str, found: Sequence[ObjectVersion]) -> None:
        bodies = [version.modified for version in found if not version.is_marker]
        if not bodies or is_hidden(found):
            return
        row = (max(bodies), key)
        if self._most is None or len(self._kept) < self._most:
            heapq.heappush(self._kept, row)
        elif self._kept:
            heapq.heappushpop(self._kept, row)

    def keys(self) -> list[tuple[datetime, str]]:
        return self._kept


def _locks(history: ObjectHistory, keys: Sequence[tuple[datetime, str]], days: int) -> Iterator[Finding]:
    def judge(row: tuple[datetime, str]) -> list[Finding]:
        modified, key = row
        return list(about_lock(key, modified, history.lock(key), days=days))

    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(judge, sorted(keys, key=lambda row: row[1])):
            yield from found


def look_at_trust(slots: Slots, question: Question, said: Said) -> Iterator[Finding]:
    """Judge the trust epochs, and the reviews that emergencies are waiting for.

    Raises:
        LogError: an epoch is malformed, not signed as it must be, or not the pinned one.
        RefusedError: there is none, or it is not pinned.
    """
    yield from about_reviews(said, now=question.now)
    newest = load(question.config, slots).newest
    if newest is None:
        yield unjudged("approvals: release.toml says that none is required")
    else:
        yield from about_epoch(newest.trust, now=question.now)
