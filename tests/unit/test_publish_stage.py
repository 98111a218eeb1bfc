from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal

import pytest

from release.core import plan as planning
from release.core.caching import FOREVER
from release.core.layout import MANIFEST
from release.core.manifest import Source, digest, encode
from release.effects.execute import Done
from release.errors import (
    FormatError,
    IntegrityError,
    NothingToDoError,
    PermissionDenied,
    ReleaseError,
    ServiceError,
    SourceError,
)
from release.stages import publish as stage
from tests.fakes import examples
from tests.fakes.object_store import Fault, InMemoryObjectStore
from tests.fakes.odd_stores import Overtaken
from tests.fakes.scenario import World, files

MANIFEST_KEY = "tag/1.0.0/manifest.json"
ARTIFACT_KEY = "tag/1.0.0/tag.min.js"
FILES = files("1.0.0")
# One look at the manifest, then one request a file.
REQUESTS = 1 + len(FILES) + 1


@pytest.fixture
def world() -> World:
    return World()


def is_complete(world: World) -> bool:
    return world.held("1.0.0") == world.bundles["1.0.0"].files


def test_a_version_is_published_with_its_manifest_last(world: World) -> None:
    report = world.publish("1.0.0")
    created = [key for _, key in world.journal]
    assert {operation for operation, _ in world.journal} == {"create"}
    assert created[-1] == MANIFEST_KEY
    assert sorted(created[:-1]) == [f"tag/1.0.0/{path}" for path in sorted(FILES)]
    assert is_complete(world)
    assert report.done == Done(created=len(FILES) + 1)
    assert report.digest == digest(world.bundles["1.0.0"].files[MANIFEST])


def test_a_published_object_is_immutable_to_every_cache_and_has_its_media_type(world: World) -> None:
    world.publish("1.0.0")
    headers = {key: info.headers for key in world.site.bodies() if (info := world.site.describe(key))}
    assert {found.cache_control for found in headers.values()} == {FOREVER}
    assert headers[ARTIFACT_KEY].content_type == "text/javascript; charset=utf-8"
    assert headers[MANIFEST_KEY].content_type == "application/json"


def test_the_progress_counts_every_object(world: World) -> None:
    world.publish("1.0.0")
    (shown,) = world.console.shown
    assert (shown.title, shown.total, shown.done) == ("publishing tag 1.0.0", len(FILES) + 1, len(FILES) + 1)


def test_a_publication_is_one_look_and_one_request_a_file(world: World) -> None:
    world.publish("1.0.0")
    assert world.site.calls["any"] == REQUESTS


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, REQUESTS + 1))
def test_a_publication_that_broke_at_any_request_is_completed_by_running_it_again(
    world: World, nth: int, when: Literal["before", "after"]
) -> None:
    world.site.break_at(Fault(nth=nth, when=when))
    with pytest.raises(ServiceError):
        world.publish("1.0.0")
    assert MANIFEST not in world.held("1.0.0") or is_complete(world)
    world.publish("1.0.0")
    assert is_complete(world)
    assert set(Counter(world.journal).values()) == {1}


@pytest.mark.parametrize("nth", range(1, len(FILES) + 2))
def test_a_publication_whose_every_second_try_breaks_still_ends(world: World, nth: int) -> None:
    for _ in range(3):
        world.site.break_at(Fault(nth=nth, when="after", operation="create"))
        with pytest.raises(ServiceError):
            world.publish("1.0.0")
        if is_complete(world):
            break
        nth = 1
    world.publish("1.0.0")
    assert is_complete(world)
    assert set(Counter(world.journal).values()) == {1}


def test_a_version_that_is_published_costs_one_request(world: World) -> None:
    world.publish("1.0.0")
    before, written = world.site.calls["any"], list(world.journal)
    report = world.publish("1.0.0")
    assert world.site.calls["any"] - before == 1
    assert world.journal == written
    assert (report.plan, report.done) == ((), Done())


def test_a_version_that_is_published_with_another_manifest_stops_everything(world: World) -> None:
    world.publish("1.0.0")
    published, bodies = digest(world.site.bodies()[MANIFEST_KEY]), world.site.bodies()
    world.build("1.0.0", {**FILES, "tag.min.js": b"window.tag = 'evil';\n"})
    with pytest.raises(IntegrityError, match=r"1\.0\.0 is already published with other bytes") as stopped:
        world.publish("1.0.0")
    assert stopped.value.evidence == {
        "built": digest(world.bundles["1.0.0"].files[MANIFEST]),
        "published": published,
    }
    assert "new version" in stopped.value.hint
    assert world.site.bodies() == bodies


@pytest.mark.parametrize(
    "other",
    [b"window.tag = 'x';\n", b"window.tag = '6.6.6';\n", b"window.tag = 'much longer than ours';\n", b""],
    ids=["shorter", "as long", "longer", "empty"],
)
def test_a_file_that_is_published_with_other_bytes_stops_everything_and_stays(world: World, other: bytes) -> None:
    world.site.put(ARTIFACT_KEY, other)
    with pytest.raises(IntegrityError) as stopped:
        world.publish("1.0.0")
    assert world.site.bodies()[ARTIFACT_KEY] == other
    assert MANIFEST_KEY not in world.site.bodies()
    assert stopped.value.evidence == {"ours": digest(FILES["tag.min.js"]), "published": digest(other)}
    assert "already published with other bytes" in stopped.value.message


def test_a_file_that_vanishes_between_the_refusal_and_the_look_is_not_taken_for_ours(world: World) -> None:
    world.site.put(ARTIFACT_KEY, FILES["tag.min.js"])
    site = Overtaken(world.site, "read", ARTIFACT_KEY, by=lambda: world.site.remove(ARTIFACT_KEY))
    with pytest.raises(IntegrityError) as stopped:
        world.publish("1.0.0", site=site)
    assert stopped.value.evidence["published"] == "gone"
    assert MANIFEST_KEY not in world.site.bodies()


def test_files_that_an_earlier_run_left_are_counted_and_not_written_again(world: World) -> None:
    world.site.put(ARTIFACT_KEY, FILES["tag.min.js"])
    assert world.publish("1.0.0").done == Done(created=len(FILES), present=1)
    assert ("create", ARTIFACT_KEY) not in world.journal


def test_another_job_that_publishes_the_same_bytes_at_the_same_time_does_no_harm(world: World) -> None:
    world.build("1.0.0")
    site = Overtaken(world.site, "create", MANIFEST_KEY, by=lambda: world.publish("1.0.0"))
    report = world.publish("1.0.0", site=site)
    assert report.done.present >= 1
    assert is_complete(world)
    assert set(Counter(world.journal).values()) == {1}


def test_a_dozen_jobs_that_publish_one_version_write_every_object_once(world: World) -> None:
    world.build("1.0.0")
    with ThreadPoolExecutor(12) as pool:
        reports = [job.result() for job in [pool.submit(world.publish, "1.0.0") for _ in range(12)]]
    assert is_complete(world)
    assert set(Counter(world.journal).values()) == {1}
    assert sum(report.done.created for report in reports) == len(FILES) + 1


def test_a_dry_run_tells_what_a_run_does_and_does_nothing(world: World) -> None:
    told = world.publish("1.0.0", dry_run=True)
    assert world.site.bodies() == {}
    assert told.done == Done()
    done = world.publish("1.0.0")
    assert done.plan == told.plan
    assert [action.split()[:2] for action in planning.describe(told.plan)][-1] == ["create", MANIFEST_KEY]
    assert world.publish("1.0.0", dry_run=True).plan == ()


def test_a_dry_run_finds_other_bytes_too(world: World) -> None:
    world.publish("1.0.0")
    world.build("1.0.0", {"tag.min.js": b"other"})
    with pytest.raises(IntegrityError):
        world.publish("1.0.0", dry_run=True)


# What needs no key.


def snapshot(world: World) -> None:
    manifest = examples.manifest("0.0.0-snapshot.1", FILES, source=Source(commit=examples.COMMIT, commit_time=1))
    world.bundles["1.0.0"].files[MANIFEST] = encode(manifest)


def other_library(world: World) -> None:
    world.bundles["1.0.0"].files[MANIFEST] = encode(examples.manifest("1.0.0", FILES, library="other"))


def moved_tag(world: World) -> None:
    world.repository.commit("fix: quickly")
    world.repository.tag("v1.0.0")


def moved_remote_tag(world: World) -> None:
    was = world.repository.head()
    world.repository.tag("v1.0.0", world.repository.commit("fix: quickly"))
    world.repository.push()
    world.repository.tag("v1.0.0", was)


def silent_remote(world: World) -> None:
    world.repository.remote_answers = False


REFUSED: Final[Mapping[str, tuple[Callable[[World], object], type[ReleaseError]]]] = {
    "a changed file": (lambda w: w.bundles["1.0.0"].files.update({"tag.min.js": b"evil"}), IntegrityError),
    "a missing file": (lambda w: w.bundles["1.0.0"].files.pop("tag.min.js"), IntegrityError),
    "a file that is a link": (lambda w: w.bundles["1.0.0"].link("tag.min.js"), ReleaseError),
    "nothing built": (lambda w: w.bundles["1.0.0"].clear(), NothingToDoError),
    "a malformed manifest": (lambda w: w.bundles["1.0.0"].files.update({MANIFEST: b"{}"}), FormatError),
    "another library": (other_library, IntegrityError),
    "a snapshot": (snapshot, SourceError),
    "a moved tag": (moved_tag, SourceError),
    "a lost tag": (lambda w: w.repository.delete_tag("v1.0.0"), SourceError),
    "a tag that is elsewhere in the remote": (moved_remote_tag, SourceError),
    "a remote that does not answer": (silent_remote, ServiceError),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_what_is_not_the_tagged_bundle_is_refused_before_any_request(world: World, refused: str) -> None:
    happens, error = REFUSED[refused]
    world.build("1.0.0")
    happens(world)
    with pytest.raises(error):
        world.publish("1.0.0")
    assert world.site.calls["any"] == 0


def test_a_file_that_changes_after_it_was_checked_is_not_uploaded(world: World) -> None:
    world.build("1.0.0")
    bundle = world.bundles["1.0.0"]
    prepared = stage.prepare(world.config, bundle, world.repository)
    bundle.files["tag.min.js"] = b"window.tag = 'evil';\n"
    with pytest.raises(IntegrityError, match="is not the file that was built") as stopped:
        stage.run(world.config, prepared, bundle, world.site, world.console, dry_run=False)
    assert stopped.value.evidence == {
        "planned": digest(FILES["tag.min.js"]),
        "found": digest(b"window.tag = 'evil';\n"),
    }
    assert not {ARTIFACT_KEY, MANIFEST_KEY} & set(world.site.bodies())


def test_a_manifest_that_changes_after_it_was_checked_is_not_uploaded(world: World) -> None:
    world.build("1.0.0")
    bundle = world.bundles["1.0.0"]
    prepared = stage.prepare(world.config, bundle, world.repository)
    bundle.files[MANIFEST] += b" "
    with pytest.raises(IntegrityError):
        stage.run(world.config, prepared, bundle, world.site, world.console, dry_run=False)
    assert MANIFEST_KEY not in world.site.bodies()


# The key.

NEEDED = ("s3:PutObject", "s3:GetObject", "s3:ListBucket")


def only(*allowed: str) -> InMemoryObjectStore:
    """Give a bucket as a key sees it that may do these things below the version, and nothing anywhere else."""
    return InMemoryObjectStore(denied=lambda action, key: action not in allowed or not key.startswith("tag/1.0.0/"))


def test_the_key_needs_no_more_than_to_create_and_to_read_back_below_the_version(world: World) -> None:
    site = only(*NEEDED)
    world.publish("1.0.0", site=site)
    assert world.publish("1.0.0", site=site).plan == ()


@pytest.mark.parametrize("taken", NEEDED)
def test_without_any_one_permission_the_stage_stops_and_no_version_is_complete(world: World, taken: str) -> None:
    site = only(*set(NEEDED) - {taken})
    if taken == "s3:GetObject":
        # Reading back is for a version that was begun.
        site.put(ARTIFACT_KEY, FILES["tag.min.js"])
    with pytest.raises(PermissionDenied):
        world.publish("1.0.0", site=site)
    assert MANIFEST_KEY not in site.bodies()


def test_an_answer_that_could_mean_absent_or_forbidden_writes_nothing(world: World) -> None:
    site = only("s3:PutObject")
    with pytest.raises(PermissionDenied):
        world.publish("1.0.0", site=site)
    assert site.bodies() == {}
