"""A copy of a signed log, made from a bucket: whole, always the same, or refused."""

from collections.abc import Iterator

import pytest

from release.core.log_keys import LogKeys
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import Key, parse_note, sign_note
from release.effects.slots import Slots
from release.errors import ConfigError, LogError, NothingToDoError
from release.stages.export_log import Report, cosigned_heads, head, run, with_cosignatures
from tests.fakes.log_keys import log_signer, witness_signer
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.test_growth import LAYOUT, SIGNER, record, tree, yank


@pytest.fixture
def bucket() -> InMemoryObjectStore:
    made = InMemoryObjectStore()
    for number in range(3):
        record(made, yank(f"1.0.{number}"))
    return made


class Kept:
    """An archive in memory."""

    def __init__(self) -> None:
        self.files: list[tuple[str, bytes]] = []

    def add(self, path: str, body: bytes) -> None:
        self.files.append((path, body))


def slots(bucket: InMemoryObjectStore, key: Key = SIGNER.key) -> Slots:
    return Slots(store=bucket, layout=LAYOUT, keys=LogKeys(current=key))


def export(bucket: InMemoryObjectStore) -> tuple[Report, list[tuple[str, bytes]]]:
    kept = Kept()
    return run(slots(bucket), head(slots(bucket)), b"# Changelog\n", kept), kept.files


def derived(bucket: InMemoryObjectStore) -> Iterator[str]:
    yield from (key for key in bucket.bodies() if "/checkpoints/" in key or "/tile/" in key)


def test_a_copy_has_what_the_head_covers_and_names_what_it_does_not(bucket: InMemoryObjectStore) -> None:
    before, whole = export(bucket)
    assert (before.size, before.uncovered, before.files) == (3, 0, len(whole))
    assert before.bytes_ == sum(len(body) for _, body in whole)
    assert [path for path, _ in whole] == [
        "checkpoint",
        *(f"checkpoints/{size:012d}" for size in (1, 2, 3)),
        "tile/0/000.p/3",
        "tile/entries/000.p/3",
        "CHANGELOG.md",
    ]
    claimed = InMemoryObjectStore()
    for number in range(4):
        record(claimed, yank(f"1.0.{number}"))
    fourth = LAYOUT.slot(3)
    found = claimed.read(fourth, limit=65536)
    assert found
    bucket.create(fourth, found.body, found.info.headers)
    after, files = export(bucket)
    assert (after.size, after.uncovered, files) == (3, 1, whole)


def test_a_log_that_is_empty_or_has_no_head_has_nothing_to_copy(bucket: InMemoryObjectStore) -> None:
    with pytest.raises(NothingToDoError, match="empty"):
        head(slots(InMemoryObjectStore()))
    bare = InMemoryObjectStore()
    first = bucket.read(LAYOUT.slot(0), limit=65536)
    assert first
    bare.create(LAYOUT.slot(0), first.body, first.info.headers)
    with pytest.raises(LogError, match="nothing proves this log"):
        head(slots(bare))


def test_a_head_of_another_key_is_not_believed(bucket: InMemoryObjectStore) -> None:
    with pytest.raises(LogError, match="cannot be believed"):
        head(slots(bucket, log_signer(SIGNER.key.name, seed="other").key))
    assert head(slots(bucket)).checkpoint.size == 3


def test_a_copy_with_a_file_missing_is_none(bucket: InMemoryObjectStore) -> None:
    for missing in (LAYOUT.archived_checkpoint(2), LAYOUT.tile("tile/0/000.p/3")):
        poorer = InMemoryObjectStore()
        for key in bucket.bodies():
            found = bucket.read(key, limit=65536)
            if found and key != missing:
                poorer.create(key, found.body, found.info.headers)
        with pytest.raises(LogError, match="is missing"):
            export(poorer)


def test_a_log_that_has_nothing_but_its_slots_is_whole_with_the_next_entry() -> None:
    """With more entries than an append would ever lose slots."""
    full = InMemoryObjectStore()
    for number in range(25):
        record(full, yank(f"2.0.{number}"))
    late = InMemoryObjectStore()
    for index in range(25):
        found = full.read(LAYOUT.slot(index), limit=65536)
        assert found
        late.create(LAYOUT.slot(index), found.body, found.info.headers)
    assert record(late, yank("2.0.25")) == (25, True)
    assert head(slots(late)).checkpoint.size == 26
    assert {key: late.bodies()[key] for key in derived(full)} == {key: full.bodies()[key] for key in derived(full)}
    assert tree(late).repair() == 26


def test_cosigned_heads_go_along_and_the_newest_stands_below_the_head_too(bucket: InMemoryObjectStore) -> None:
    top = head(slots(bucket))
    witness = witness_signer()
    now = parse_note(top.note).with_signatures([witness.sign(parse_note(top.note).text, time=9)]).encode()
    earlier = bucket.bodies()[LAYOUT.archived_checkpoint(2)]
    notes = [("now", now), ("earlier", earlier)]
    kept = Kept()
    report = run(slots(bucket), with_cosignatures(top, notes), None, kept, heads=cosigned_heads(top, notes))
    files = dict(kept.files)
    assert files["checkpoint"] == now
    assert [path[:21] for path in files if path.startswith("cosigned/")] == [
        "cosigned/000000000002",
        "cosigned/000000000003",
    ]
    assert {now, earlier} <= set(files.values())
    assert report.files == len(files)
    other = sign_note(Checkpoint("log.example.com/other", 3, bytes(32)).encode(), [SIGNER])
    for bad in (b"x", other):
        with pytest.raises(ConfigError):
            cosigned_heads(top, [("bad", bad)])
    with pytest.raises(ConfigError):
        with_cosignatures(top, [("bad", b"x")])
