from pathlib import Path
from typing import Literal

import pytest

from release.adapters.directory import Directory
from release.core import document
from release.core import plan as planning
from release.core.caching import immutable
from release.core.layout import ObjectHeaders
from release.core.manifest import digest, encode
from release.core.plan import AppendEntry, ChannelNow, CopyObject, CreateObject, Invalidate, MovePointer, Plan
from release.effects.execute import Done, execute, total
from release.errors import IntegrityError, NotFoundError, PermissionDenied, RefusedError, ServiceError
from tests.fakes import examples
from tests.fakes.object_store import Fault, InMemoryObjectStore

CONFIG = examples.config()
MANIFEST = examples.manifest()
PUBLISH = planning.publish(CONFIG, MANIFEST, encode(MANIFEST))
POINTER = examples.pointer()
NOTHING = ChannelNow(files={}, pointer=None, pointer_headers=None, pointer_etag=None)
PROMOTE = planning.promote(CONFIG, MANIFEST, POINTER, NOTHING)
HEADERS = ObjectHeaders(content_type="text/plain", cache_control="no-cache")
ENTRY = "tag/1.4.2/tag.min.js"
LAST = "tag/1.4.2/manifest.json"
RECORDED = CONFIG.log_layout.pointer(POINTER.log_index)


class Steps:
    """Counts the steps of a progress."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self) -> None:
        self.done += 1


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """The output of the build."""
    folder = tmp_path / "dist"
    for path, body in {**examples.FILES, "manifest.json": encode(MANIFEST)}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    return folder


def run(plan: Plan, store: InMemoryObjectStore, folder: Path | None = None) -> Done:
    log = InMemoryObjectStore(beside=store)
    log.put(RECORDED, document.encode(POINTER))
    return execute(plan, store, folder=Directory(folder) if folder else None, log=log, progress=Steps())


def published(folder: Path) -> InMemoryObjectStore:
    store = InMemoryObjectStore()
    run(PUBLISH, store, folder)
    return store


def test_a_version_is_created_whole_and_its_manifest_last(dist: Path) -> None:
    store, steps = InMemoryObjectStore(), Steps()
    assert execute(PUBLISH, store, folder=Directory(dist), progress=steps) == Done(created=4)
    assert store.bodies() == {
        **{f"tag/1.4.2/{path}": body for path, body in examples.FILES.items()},
        LAST: encode(MANIFEST),
    }
    assert store.journal[-1] == ("create", LAST)
    assert steps.done == total(PUBLISH) == 4
    info = store.describe(ENTRY)
    assert info is not None
    assert info.headers == immutable("text/javascript; charset=utf-8")


def test_the_same_bytes_are_present_and_not_written_again(dist: Path) -> None:
    store = published(dist)
    assert run(PUBLISH, store, dist) == Done(present=4)
    assert len(store.journal) == 4


def test_chunks_are_there_before_entries_and_entries_before_the_pointer(dist: Path) -> None:
    store = published(dist)
    store.journal.clear()
    assert run(PROMOTE, store) == Done(copied=3, moved=1)
    keys = [key for _, key in store.journal]
    assert keys[0] == "tag/latest/chunks/vendor.js"
    assert set(keys[1:3]) == {"tag/latest/tag.min.js", "tag/latest/tag.esm.min.js"}
    assert keys[3] == "tag/channels/latest.json"


def test_groups_keep_their_order_even_if_they_are_many() -> None:
    plan = tuple(
        tuple(
            CopyObject(source="a", key=f"{group}/{n}", sha256=digest(b"a"), headers=HEADERS, etag=None)
            for n in range(8)
        )
        for group in range(10)
    )
    store = InMemoryObjectStore()
    store.put("a", b"a")
    assert run(plan, store) == Done(copied=80)
    groups = [int(key.partition("/")[0]) for _, key in store.journal]
    assert groups == sorted(groups)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 5))
def test_a_failure_stops_what_comes_later_and_a_second_run_converges(
    dist: Path, nth: int, when: Literal["before", "after"]
) -> None:
    store = InMemoryObjectStore()
    store.break_at(Fault(nth=nth, when=when, operation="create"))
    with pytest.raises(ServiceError):
        run(PUBLISH, store, dist)
    assert (LAST in store.bodies()) is (nth == 4 and when == "after")
    there = len(store.bodies())
    assert run(PUBLISH, store, dist) == Done(created=4 - there, present=there)
    assert store.bodies() == published(dist).bodies()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 5))
def test_a_promotion_that_failed_anywhere_leaves_the_old_pointer(
    dist: Path, nth: int, when: Literal["before", "after"]
) -> None:
    store = published(dist)
    store.break_at(Fault(nth=nth, when=when, operation="write"))
    with pytest.raises(ServiceError):
        run(PROMOTE, store)
    assert ("tag/channels/latest.json" in store.bodies()) is (nth == 4 and when == "after")


OTHER_BYTES = {
    "the same length": b"window.tag = 2;\n",
    "shorter": b"x",
    "none": b"",
    "longer": b"window.tag = 1; evil()\n",
}


@pytest.mark.parametrize("other", OTHER_BYTES.values(), ids=OTHER_BYTES.keys())
def test_a_key_that_holds_other_bytes_stops_the_plan_with_both_digests(dist: Path, other: bytes) -> None:
    store = InMemoryObjectStore()
    store.put(ENTRY, other)
    with pytest.raises(IntegrityError) as caught:
        run(PUBLISH, store, dist)
    assert caught.value.message == f"{ENTRY} is already published with other bytes"
    assert caught.value.evidence == {"ours": digest(examples.FILES["tag.min.js"]), "published": digest(other)}
    assert store.bodies()[ENTRY] == other
    assert LAST not in store.bodies()


@pytest.mark.parametrize("other", OTHER_BYTES.values(), ids=OTHER_BYTES.keys())
def test_a_file_that_changed_after_planning_is_refused(dist: Path, other: bytes) -> None:
    (dist / "tag.min.js").write_bytes(other)
    store = InMemoryObjectStore()
    with pytest.raises(IntegrityError) as caught:
        run(PUBLISH, store, dist)
    assert caught.value.message == "tag.min.js is not the file that was built"
    assert caught.value.evidence == {"planned": digest(examples.FILES["tag.min.js"]), "found": digest(other)}
    assert ENTRY not in store.bodies()
    assert LAST not in store.bodies()


def test_a_file_that_is_gone_is_refused(dist: Path) -> None:
    (dist / "tag.min.js").unlink()
    with pytest.raises(IntegrityError) as caught:
        run(PUBLISH, InMemoryObjectStore(), dist)
    assert caught.value.evidence["found"] == "no file"


def test_an_ambiguous_answer_stops(dist: Path) -> None:
    """The key is taken, but this key may not see by what."""
    store = published(dist).with_key(lambda action, _: action == "s3:GetObject", stage="publish")
    with pytest.raises(PermissionDenied):
        run(PUBLISH, store, dist)


def test_a_lost_compare_and_swap_is_refused(dist: Path) -> None:
    store = published(dist)
    store.put("tag/channels/latest.json", b"of another job")
    with pytest.raises(RefusedError) as caught:
        run(PROMOTE, store)
    assert caught.value.message == "tag/channels/latest.json was changed by another job at the same time"
    assert store.bodies()["tag/channels/latest.json"] == b"of another job"


def test_a_compare_and_swap_over_what_was_seen_succeeds() -> None:
    store = InMemoryObjectStore()
    store.put("pointer", b"old")
    seen = store.describe("pointer")
    assert seen is not None
    body = document.encode(POINTER)
    swap = MovePointer(source=RECORDED, key="pointer", sha256=digest(body), headers=HEADERS, etag=seen.etag)
    assert run(((swap,),), store) == Done(moved=1)
    with pytest.raises(RefusedError):
        run(((swap,),), store)
    assert store.bodies() == {"pointer": body}


def test_a_version_that_is_not_there_cannot_be_copied() -> None:
    with pytest.raises(NotFoundError, match=r"^tag/1\.4\.2/chunks/vendor\.js does not exist any more$"):
        run(PROMOTE, InMemoryObjectStore())


def test_a_copy_of_other_bytes_stops_before_the_pointer(dist: Path) -> None:
    store = published(dist)
    store.put(ENTRY, b"evil()")
    with pytest.raises(IntegrityError) as caught:
        run(PROMOTE, store)
    assert caught.value.evidence == {"source": digest(examples.FILES["tag.min.js"]), "copied": digest(b"evil()")}
    assert "tag/channels/latest.json" not in store.bodies()


def test_an_empty_plan_does_nothing() -> None:
    store = InMemoryObjectStore()
    assert run(((), (), ()), store) == Done()
    assert not store.calls
    assert total(((), (), ())) == 0


CREATE = CreateObject(key="a", path="a", sha256="0" * 64, size=1, headers=HEADERS)
MISUSES: dict[str, planning.Action] = {
    "an entry": AppendEntry(action="promote.authorized", version="1.4.2"),
    "an invalidation": Invalidate(paths=("/a",), reference="r"),
    "a file without a folder": CREATE,
    "a pointer without a log": MovePointer(source="a", key="a", sha256="0" * 64, headers=HEADERS, etag=None),
}


@pytest.mark.parametrize("action", MISUSES.values(), ids=MISUSES.keys())
def test_what_an_object_store_cannot_do_is_a_mistake_of_ours(action: planning.Action) -> None:
    with pytest.raises(TypeError):
        execute(((action,),), InMemoryObjectStore(), progress=Steps())


def test_the_first_failure_is_what_is_told(dist: Path) -> None:
    store = published(dist)
    missing = CopyObject(source="gone", key="tag/latest/x", sha256="0" * 64, headers=HEADERS, etag=None)
    with pytest.raises(NotFoundError, match=r"^gone does not exist any more$"):
        run(((missing, *PROMOTE[0]), *PROMOTE[1:]), store)
    assert not any(key.startswith("tag/latest/tag") for key in store.bodies())
