"""One entry proven to be in a log: from its bucket or a copy, with few requests, or not at all."""

from collections import Counter
from collections.abc import Sequence

import pytest

from release.core.tlog import TlogError
from release.core.tlog.merkle import Frontier, leaf_hash
from release.core.tlog.proof import parse_proof
from release.effects.bucket_files import BucketFiles
from release.effects.signed_log import SignedLog
from release.errors import LogError, NotFoundError, NothingToDoError, SourceError
from release.stages.prove import run
from tests.fakes import log_files
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.scenario import World


class Counted:
    """A log's files in memory, each read counted."""

    def __init__(self, found: dict[str, bytes]) -> None:
        self.found = found
        self.reads: Counter[str] = Counter()

    def read(self, path: str, limit: int) -> bytes | None:
        assert len(self.found.get(path, b"")) <= limit
        self.reads[path] += 1
        return self.found.get(path)

    def names(self, folder: str) -> Sequence[str]:
        raise AssertionError(folder)


def opened(found: dict[str, bytes]) -> tuple[SignedLog, Counted]:
    files = Counted(found)
    return SignedLog.opened(files, log_files.policy()), files


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    made.release("1.0.0", "latest")
    made.release("1.1.0", "latest")
    return made


def test_an_entry_of_a_large_log_is_proven_with_a_few_requests() -> None:
    bodies = [index.to_bytes(4, "big") for index in range(3_000)]
    log, files = opened(log_files.files(bodies, archive=False))
    for index in (0, 255, 256, 2_047, 2_816, 2_999):
        before = files.reads.total()
        made = run(log, index, None)
        assert made.entry == bodies[index]
        assert parse_proof(made.proof.encode()).verify(bodies[index], log_files.policy()).size == 3_000
        assert files.reads.total() - before <= 1 + 2 * 2, "a bundle, and of each level the entry's tile and the edge"


def test_every_entry_of_a_bucket_is_proven_to_any_verifier(world: World) -> None:
    layout = world.config.log_layout
    log = SignedLog.opened(BucketFiles(store=world.log, layout=layout), log_files.policy())
    assert log.head.size == len(world.events())
    for index in range(log.head.size):
        made = run(log, index, None)
        assert made.entry == world.log.bodies()[layout.slot(index)]
        assert made.proof.verify(made.entry, log_files.policy()) == log.head
    with pytest.raises(NotFoundError, match="no entry"):
        run(log, log.head.size, None)


def test_a_version_is_found_where_the_bucket_says_and_in_a_copy_by_reading(world: World) -> None:
    prefix = world.config.log_layout.prefix
    bucket = {key.removeprefix(prefix): body for key, body in world.log.bodies().items()}
    copy = {path: body for path, body in bucket.items() if not path.startswith(("versions/", "seq/"))}
    for found in (bucket, copy):
        log, files = opened(found)
        assert run(log, None, "1.1.0").proof.index == next(e.index for e in world.events() if e.version == "1.1.0")
        assert files.reads["versions/1.1.0.json"] == 1
        assert files.reads["tile/entries/000.p/6"] == 1
        with pytest.raises(NotFoundError, match=r"9\.9\.9"):
            run(log, None, "9.9.9")
        with pytest.raises(SourceError):
            run(log, None, "../1.1.0")


def test_a_hint_that_lies_proves_nothing(world: World) -> None:
    prefix = world.config.log_layout.prefix
    bucket = {key.removeprefix(prefix): body for key, body in world.log.bodies().items()}
    log, _ = opened(bucket | {"versions/1.1.0.json": bucket["versions/1.0.0.json"]})
    with pytest.raises(NotFoundError):
        run(log, None, "1.1.0")


@pytest.mark.parametrize("path", ["tile/0/000.p/6", "tile/entries/000.p/6"])
def test_a_proof_from_files_that_were_altered_or_are_gone_is_not_handed_out(world: World, path: str) -> None:
    prefix = world.config.log_layout.prefix
    good = {key.removeprefix(prefix): body for key, body in world.log.bodies().items()}
    body = good[path]
    for bad in (good | {path: body[:-1] + bytes([body[-1] ^ 1])}, {p: b for p, b in good.items() if p != path}):
        log, _ = opened(bad)
        with pytest.raises(LogError, match="cannot be proven"):
            run(log, 5 if "entries" in path else 0, None)


def test_all_entries_are_read_once_and_held_against_the_head_in_the_end() -> None:
    bodies = [index.to_bytes(4, "big") for index in range(300)]
    found = log_files.files(bodies, archive=False)
    log, files = opened(found)
    assert list(log.bodies()) == list(enumerate(bodies))
    assert set(files.reads.values()) == {1}
    other = log_files.files([*bodies[:-1], b"other"], archive=False)
    log, _ = opened(found | {"tile/entries/001.p/44": other["tile/entries/001.p/44"]})
    with pytest.raises(LogError, match="amount to"):
        list(log.bodies())


def test_a_head_that_is_absent_empty_or_foreign_is_refused() -> None:
    with pytest.raises(NothingToDoError, match="no head"):
        opened({})
    with pytest.raises(NothingToDoError, match="empty"):
        opened(log_files.files([]))
    with pytest.raises(LogError, match="cannot be believed"):
        opened({"checkpoint": log_files.signed(Frontier().extended([leaf_hash(b"x")]), origin="another.example/log")})


def test_a_bucket_gives_names_and_bounds_what_it_gives() -> None:
    world = World()
    world.release("1.0.0")
    files = BucketFiles(store=world.log, layout=world.config.log_layout)
    assert files.names("checkpoints") == [f"{1:012d}"]
    assert "checkpoint" in files.names("")
    assert files.names("trust") == []
    with pytest.raises(TlogError, match="bytes"):
        files.read("checkpoint", 10)
    assert BucketFiles(store=InMemoryObjectStore(), layout=world.config.log_layout).read("checkpoint", 10) is None
