from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

import pytest

from release.core import plan as planning
from release.core.document import encode
from release.core.handover import read_pointer
from release.core.layout import MANIFEST
from release.core.manifest import digest
from release.effects.execute import Done
from release.errors import (
    FormatError,
    IntegrityError,
    LogError,
    NotFoundError,
    PermissionDenied,
    RefusedError,
    ServiceError,
)
from release.stages import verify
from tests.fakes import examples
from tests.fakes.object_store import Fault, InMemoryObjectStore
from tests.fakes.odd_stores import Overtaken, WithoutChecksums
from tests.fakes.scenario import World, every_fault

POINTER: Final = "tag/channels/latest.json"
ENTRY: Final = "tag/latest/tag.min.js"
When = Literal["before", "after"]
Bucket = Literal["site", "log"]


@pytest.fixture(scope="module")
def authorised() -> World:
    world = World()
    world.release("1.0.0")
    world.move("latest", "1.0.0")
    world.release("1.1.0")
    world.authorize("latest", "1.1.0")
    return world


@pytest.fixture
def world(authorised: World) -> World:
    """A world whose channel serves 1.0.0, and whose log authorises 1.1.0 for it."""
    return authorised.twin()


def written(world: World) -> list[str]:
    """Give the keys written since the last time, in order."""
    keys = [key for _, key in world.journal]
    world.journal.clear()
    return keys


def serves(world: World, version: str) -> None:
    """Check that the channel is this version, whole, and that its pointer says so."""
    held, pointer = world.held("latest"), world.pointer("latest")
    assert {path: held.get(path) for path in world.bundle(version)} == world.bundle(version)
    assert pointer is not None
    assert (pointer.version, pointer.log_index) == (version, world.order("latest").entry)


def is_whole(world: World, old: str, new: str) -> None:
    """Check that the channel is the old version or the new one, whatever a page loads from it.

    A page loads an entry, and the entry loads the chunks of its own version. The pointer moves last.
    """
    held, pointer = world.held("latest"), world.pointer("latest")
    for entry in world.manifest(new).entries:
        (version,) = [v for v in (old, new) if held.get(entry.path) == world.bundle(v).get(entry.path)]
        for chunk in world.manifest(version).chunks:
            assert held.get(chunk.path) == world.bundle(version)[chunk.path]
    assert pointer is not None
    if pointer.version == new:
        serves(world, new)
    else:
        assert pointer.version == old


def breaks_at_the_pointer(world: World) -> None:
    """Run a promotion that breaks when all files are copied, so that the next run finds nothing to copy."""
    world.site.break_at(Fault(nth=1, when="before", operation=f"copy {POINTER}"))
    with pytest.raises(ServiceError):
        world.promote("latest")


# What a promotion does.


def test_chunks_come_before_entries_and_the_pointer_last(world: World) -> None:
    written(world)
    report = world.promote("latest")
    keys = written(world)
    assert keys[-1] == POINTER
    assert set(keys[:2]) == {"tag/latest/chunks/own-1.1.0.js", "tag/latest/chunks/shared.js"}
    assert set(keys[2:4]) == {"tag/latest/tag.esm.min.js", "tag/latest/tag.min.js"}
    assert report.done == Done(copied=4, moved=1)
    serves(world, "1.1.0")


def test_nothing_goes_live_before_the_log_says_so() -> None:
    world = World()
    world.release("1.0.0", "latest")
    world.release("1.1.0", "latest")
    for key in (ENTRY, POINTER):
        live = [place for place, (_, written_key) in enumerate(world.journal) if written_key == key]
        logged = [place for place, (_, written_key) in enumerate(world.journal) if "/seq/" in written_key]
        # Each version is three entries: published, authorised, completed.
        assert logged[1] < live[0] < logged[2]
        assert logged[4] < live[1] < logged[5]


def test_no_byte_is_uploaded(world: World) -> None:
    before = world.site.calls.copy()
    world.promote("latest")
    assert world.site.calls["create"] == before["create"]
    assert world.site.calls["replace"] == before["replace"]
    assert world.site.calls["copy"] == before["copy"] + 5


def test_the_pointer_is_the_one_that_the_record_stage_left(world: World) -> None:
    world.promote("latest")
    recorded = world.log.bodies()[world.config.log_layout.pointer(world.order("latest").entry)]
    assert world.site.bodies()[POINTER] == recorded


def test_without_a_recorded_pointer_nothing_moves_and_recording_again_mends_it(world: World) -> None:
    world.log.remove(world.config.log_layout.pointer(world.order("latest").entry))
    before = world.site.bodies()
    with pytest.raises(NotFoundError, match="was not recorded") as caught:
        world.promote("latest")
    assert "release record promote latest" in caught.value.hint
    assert world.site.bodies() == before
    world.authorize("latest", "1.1.0")
    world.finish("latest")
    serves(world, "1.1.0")


def test_a_forged_pointer_is_refused_before_anything_changes(world: World) -> None:
    key = world.config.log_layout.pointer(world.order("latest").entry)
    forged = replace(read_pointer(world.log.bodies()[key], name=key), version="1.0.0")
    world.log.put(key, encode(forged))
    before = world.site.bodies()
    with pytest.raises(IntegrityError, match="not what the entry authorises"):
        world.promote("latest")
    with pytest.raises(LogError, match="is not the pointer"):
        world.authorize("latest", "1.1.0")
    assert world.site.bodies() == before


def test_a_promotion_touches_its_own_channel_and_no_published_object(world: World) -> None:
    world.move("v1", "1.0.0")
    others = {key: body for key, body in world.site.bodies().items() if not key.startswith("tag/latest/")}
    world.promote("latest")
    after = world.site.bodies()
    assert {key for key, body in others.items() if after[key] != body} == {POINTER}
    assert set(after) - set(others) == {f"tag/latest/{path}" for path in world.held("latest")}


def test_a_channels_objects_are_kept_shortly_and_name_their_version(world: World) -> None:
    world.promote("latest")
    for key in (ENTRY, "tag/latest/chunks/shared.js", POINTER):
        info = world.site.describe(key)
        assert info is not None
        assert info.headers.cache_control == "public, max-age=300, s-maxage=60, no-transform"
        assert info.headers.metadata == {"version": "1.1.0"}


def test_the_pointer_says_which_entry_authorised_what_and_until_when_to_believe_it(world: World) -> None:
    first = world.pointer("latest")
    world.promote("latest")
    pointer, order = world.pointer("latest"), world.order("latest")
    assert first is not None
    assert pointer is not None
    assert (pointer.origin, pointer.channel, pointer.version) == ("log.example.com/tag", "latest", "1.1.0")
    assert (pointer.log_index, pointer.manifest) == (order.entry, order.manifest)
    assert pointer.pointer_version == first.pointer_version + 1
    assert (pointer.issued, pointer.expires) == ("2026-11-24T00:00:00Z", "2027-11-24T00:00:00Z")
    artifacts = world.manifest("1.1.0").artifacts
    assert [(f.path, f.integrity, f.bytes) for f in pointer.files] == [
        (a.path, a.integrity, a.bytes) for a in artifacts
    ]


def test_files_that_only_older_versions_have_stay_for_pages_that_are_open(world: World) -> None:
    world.promote("latest")
    assert world.held("latest")["chunks/own-1.0.0.js"] == world.bundle("1.0.0")["chunks/own-1.0.0.js"]


def test_a_promotion_names_every_key_that_a_cache_may_hold_an_older_copy_of(world: World) -> None:
    changed = world.promote("latest").promotion.changed
    assert world.differing("latest", "1.0.0", "1.1.0") <= set(changed)
    assert list(changed) == sorted(set(changed))


def test_the_first_promotion_names_every_key_since_a_cache_may_remember_their_absence() -> None:
    world = World()
    world.build("1.0.0")
    world.visit("latest")
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    breaks_at_the_pointer(world)
    assert set(world.promote("latest").promotion.changed) == world.differing("latest", "1.0.0") | {
        f"tag/latest/{path}" for path in world.bundle("1.0.0")
    }
    world.finish("latest")


def test_no_byte_is_asked_of_the_public_address_before_the_channel_has_it() -> None:
    """An absence that a cache was made to remember is served long after the file is there."""
    world = World()
    world.publish("1.0.0")
    world.record("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    world.invalidate("latest")
    assert world.public.requests == []
    world.verify("latest")
    assert all(world.site.describe(path.removeprefix("/")) for path, _, _ in world.public.requests)


def test_promoting_again_writes_nothing_and_names_the_same_keys_that_differ(world: World) -> None:
    world.promote("latest")
    written(world)
    again = world.promote("latest")
    assert written(world) == []
    assert again.done == Done()
    assert world.differing("latest", "1.0.0", "1.1.0") <= set(again.promotion.changed)


def test_promoting_again_puts_right_what_somebody_changed_and_names_it(world: World) -> None:
    world.finish("latest")
    world.site.put(ENTRY, b"evil")
    world.site.remove("tag/latest/chunks/shared.js")
    world.visit("latest")
    report = world.promote("latest")
    assert {ENTRY, "tag/latest/chunks/shared.js"} <= set(report.promotion.changed)
    serves(world, "1.1.0")


def test_promoting_again_puts_right_a_header_that_somebody_changed(world: World) -> None:
    world.finish("latest")
    world.site.put(ENTRY, world.bundle("1.1.0")["tag.min.js"])
    assert ENTRY in world.promote("latest").promotion.changed
    assert world.status().channels[0].drift == ()


def test_a_dry_run_tells_what_a_run_does_and_does_nothing(world: World) -> None:
    before = world.site.bodies()
    told = world.promote("latest", dry_run=True)
    assert world.site.bodies() == before
    assert told.done == Done()
    done = world.promote("latest")
    assert (done.plan, done.promotion) == (told.plan, told.promotion)
    last = planning.describe(told.plan)[-1]
    assert last.startswith(f"move     {POINTER} to tag/pointers/")


def test_the_progress_counts_every_object(world: World) -> None:
    world.promote("latest")
    shown = world.console.shown[-1]
    assert (shown.title, shown.total, shown.done) == ("promoting 1.1.0 to latest", 5, 5)


# What it refuses.


def test_nothing_is_promoted_that_the_log_does_not_authorise(world: World) -> None:
    order = world.order("latest")
    stranger = World()
    stranger.bundles, stranger.repository = world.bundles, world.repository
    stranger.publish("1.1.0")
    before = stranger.site.bodies()
    with pytest.raises(RefusedError, match="the log says nothing"):
        stranger.promote("latest", order)
    assert stranger.site.bodies() == before


FORGED: Final[Mapping[str, dict[str, Any]]] = {
    "another version": {"version": "1.0.0"},
    "another manifest": {"manifest": "0" * 64},
    "an older entry": {"entry": 1},
    "an entry to come": {"entry": 99},
    "another channel": {"channel": "v1"},
}


@pytest.mark.parametrize("forged", FORGED)
def test_an_order_that_is_not_the_logs_newest_word_is_refused(world: World, forged: str) -> None:
    before = world.site.bodies()
    with pytest.raises(RefusedError, match="does not authorise"):
        world.promote("latest", replace(world.order("latest"), **FORGED[forged]))
    assert world.site.bodies() == before


def test_an_order_is_refused_after_a_newer_authorisation(world: World) -> None:
    order = world.order("latest")
    world.release("1.2.0")
    world.authorize("latest", "1.2.0")
    before = world.site.bodies()
    with pytest.raises(RefusedError, match=r"the log says entry 6 \(1\.2\.0\)") as refused:
        world.promote("latest", order)
    assert "later release or rollback" in refused.value.hint
    assert world.site.bodies() == before


def test_an_order_is_refused_after_a_rollback(world: World) -> None:
    order = world.order("latest")
    world.finish("latest")
    world.go_back("latest", "1.0.0")
    with pytest.raises(RefusedError):
        world.promote("latest", order)
    serves(world, "1.0.0")


def test_an_order_of_the_same_bytes_from_an_older_time_is_refused(world: World) -> None:
    old = world.order("latest")
    world.finish("latest")
    world.go_back("latest", "1.0.0")
    world.authorize("latest", "1.1.0")
    with pytest.raises(RefusedError):
        world.promote("latest", old)


MANIFEST_KEY: Final = f"tag/1.1.0/{MANIFEST}"
SOURCE: Final = "tag/1.1.0/tag.min.js"
DAMAGES: Final[Mapping[str, tuple[Callable[[World], object], type[Exception]]]] = {
    "the manifest is gone": (lambda w: w.site.remove(MANIFEST_KEY), NotFoundError),
    "the manifest was changed": (
        lambda w: w.site.put(MANIFEST_KEY, w.bundles["1.1.0"].files[MANIFEST].replace(b"node", b"bode")),
        IntegrityError,
    ),
    "the manifest is another version's": (
        lambda w: w.site.put(MANIFEST_KEY, w.bundles["1.0.0"].files[MANIFEST]),
        IntegrityError,
    ),
    "the manifest is no manifest": (lambda w: w.site.put(MANIFEST_KEY, b"evil"), IntegrityError),
    "the manifest is enormous": (lambda w: w.site.put(MANIFEST_KEY, bytes(5_000_000)), IntegrityError),
    "an entry is gone": (lambda w: w.site.remove(SOURCE), NotFoundError),
    "an entry was changed": (lambda w: w.site.put(SOURCE, b"window.tag = '6.6.6';\n"), IntegrityError),
    "an entry was cut off": (lambda w: w.site.put(SOURCE, b"window.tag"), IntegrityError),
    "an entry grew": (lambda w: w.site.put(SOURCE, w.bundle("1.1.0")["tag.min.js"] + b"evil()"), IntegrityError),
    "a chunk is gone": (lambda w: w.site.remove("tag/1.1.0/chunks/shared.js"), NotFoundError),
    "a chunk was changed": (lambda w: w.site.put("tag/1.1.0/chunks/shared.js", b"evil"), IntegrityError),
}


@pytest.mark.parametrize("checksums", [True, False], ids=["with checksums", "without checksums"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_published_is_proved_before_the_first_byte_of_the_channel_changes(
    world: World, damage: str, checksums: bool
) -> None:
    happens, error = DAMAGES[damage]
    happens(world)
    before = world.site.bodies()
    with pytest.raises(error):
        world.promote("latest", site=None if checksums else WithoutChecksums(world.site))
    assert world.site.bodies() == before


def test_a_changed_manifest_is_refused_with_both_digests(world: World) -> None:
    world.site.put(MANIFEST_KEY, b"evil")
    with pytest.raises(IntegrityError) as refused:
        world.promote("latest")
    assert refused.value.evidence == {"recorded": world.order("latest").manifest, "found": digest(b"evil")}


def test_a_changed_file_is_refused_with_both_digests(world: World) -> None:
    world.site.put(SOURCE, b"evil")
    with pytest.raises(IntegrityError, match="is not the file that the manifest names") as refused:
        world.promote("latest")
    expected = digest(world.bundle("1.1.0")["tag.min.js"])
    assert refused.value.evidence == {"manifest": expected, "found": digest(b"evil")}


def test_a_file_that_changes_between_the_proof_and_the_copy_reaches_no_entry(world: World) -> None:
    """The chunk's bytes change while it is being copied: the digest of the copy gives it away."""
    chunk = "tag/1.1.0/chunks/shared.js"
    site = Overtaken(world.site, "copy", "tag/latest/chunks/shared.js", by=lambda: world.site.put(chunk, b"evil"))
    before = world.held("latest")
    with pytest.raises(IntegrityError):
        world.promote("latest", site=site)
    assert world.held("latest")["tag.min.js"] == before["tag.min.js"]
    pointer = world.pointer("latest")
    assert pointer is not None
    assert pointer.version == "1.0.0"


def test_a_file_that_is_exchanged_before_its_copy_is_looked_at_is_not_announced(world: World) -> None:
    looks = iter(range(100))

    def exchange() -> None:
        if next(looks) == 1:
            world.site.put(SOURCE, b"evil")

    site = Overtaken(world.site, "describe", SOURCE, by=exchange, times=2)
    with pytest.raises(IntegrityError, match=r"is not a copy of tag/1\.1\.0") as refused:
        world.promote("latest", site=site)
    assert refused.value.evidence["copied"] == digest(b"evil")
    pointer = world.pointer("latest")
    assert pointer is not None
    assert pointer.version == "1.0.0"


def test_a_channel_without_checksums_is_copied_again_and_served_right(world: World) -> None:
    site = WithoutChecksums(world.site)
    world.promote("latest", site=site)
    serves(world, "1.1.0")
    assert world.promote("latest", site=site).done.copied == 4


def test_a_pointer_that_is_malformed_stops_the_promotion_before_anything_changes(world: World) -> None:
    world.site.put(POINTER, b"<html>")
    before = world.site.bodies()
    with pytest.raises(FormatError):
        world.promote("latest")
    assert world.site.bodies() == before


@pytest.mark.parametrize("forged", [{"log_index": 999}, {"log_index": 9, "channel": "v1"}])
def test_a_pointer_that_claims_a_later_entry_than_the_log_has_is_replaced(world: World, forged: dict[str, Any]) -> None:
    """What a stolen key left must not stop whoever puts it right."""
    there = world.pointer("latest")
    assert there is not None
    world.site.put(POINTER, encode(replace(there, **forged)))
    world.promote("latest")
    serves(world, "1.1.0")


# Two at a time.


def overtaking_release(world: World, version: str = "1.2.0") -> Callable[[], object]:
    """Give a whole release by another pipeline."""
    world.release(version)

    def overtake() -> None:
        world.authorize("latest", version)
        try:
            world.promote("latest")
        except RefusedError:  # a copy of the slow one came between: it says to run it again
            world.promote("latest")
        world.settle("latest")

    return overtake


def test_who_loses_the_pointer_is_refused_and_the_winner_stays(world: World) -> None:
    site = Overtaken(world.site, "copy", POINTER, by=overtaking_release(world))
    with pytest.raises(RefusedError, match=r"entry 6 \(1\.2\.0\) took latest over while entry 4"):
        world.promote("latest", site=site)
    pointer = world.pointer("latest")
    assert pointer is not None
    assert pointer.version == "1.2.0"


def test_who_loses_the_pointer_is_refused_for_good(world: World) -> None:
    order = world.order("latest")
    site = Overtaken(world.site, "copy", POINTER, by=overtaking_release(world))
    with pytest.raises(RefusedError):
        world.promote("latest", order, site=site)
    with pytest.raises(RefusedError, match="does not authorise"):
        world.promote("latest", order)


@pytest.mark.parametrize("key", ["chunks/own-1.1.0.js", "chunks/shared.js", "tag.esm.min.js", "tag.min.js"])
def test_who_comes_too_late_takes_no_file_of_the_channel_backwards(world: World, key: str) -> None:
    """The loser stops between its look at the channel and one of its copies, long enough for a whole release."""
    site = Overtaken(world.site, "copy", f"tag/latest/{key}", by=overtaking_release(world))
    with pytest.raises(RefusedError):
        world.promote("latest", site=site)
    serves(world, "1.2.0")


def test_the_winner_run_again_puts_right_whatever_a_late_loser_copied_over_it(world: World) -> None:
    site = Overtaken(world.site, "copy", ENTRY, by=overtaking_release(world))
    with pytest.raises(RefusedError):
        world.promote("latest", site=site)
    world.expire()
    world.visit("latest")
    world.finish("latest")
    serves(world, "1.2.0")
    assert world.status().channels[0].drift == ()


def test_an_order_that_is_overtaken_while_it_looks_around_changes_nothing(world: World) -> None:
    order = world.order("latest")
    site = Overtaken(world.site, "read", POINTER, by=overtaking_release(world))
    with pytest.raises(RefusedError, match=r"does not authorise latest to serve 1\.1\.0: the log says entry 6"):
        world.promote("latest", order, site=site)
    serves(world, "1.2.0")


def test_the_same_promotion_twice_at_a_time_ends_well(world: World) -> None:
    site = Overtaken(world.site, "copy", POINTER, by=lambda: world.promote("latest"))
    with pytest.raises(RefusedError, match="at the same time") as refused:
        world.promote("latest", site=site)
    assert "run the same command again" in refused.value.hint
    world.finish("latest")
    serves(world, "1.1.0")


def test_the_first_pointer_of_a_channel_is_won_by_one() -> None:
    world = World()
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    site = Overtaken(world.site, "copy", POINTER, by=lambda: world.site.put(POINTER, b"{}"))
    with pytest.raises(RefusedError):
        world.promote("latest", site=site)
    assert world.site.bodies()[POINTER] == b"{}"


# Crashes.


def crashed(world: World, when: When, bucket: Bucket, operation: str = "any") -> Iterator[World]:
    """Give a twin for each request of the promotion, after that request broke; there must be some.

    Customers visited before: the caches hold the old version.
    """
    world.visit("latest")
    struck = 0
    for fault in every_fault(operation):
        if fault.when != when:
            continue
        twin = world.twin()
        (twin.site if bucket == "site" else twin.log).break_at(fault)
        try:
            twin.promote("latest")
        except ServiceError:
            struck += 1
        else:
            break
        yield twin
    assert struck >= (5 if bucket == "site" else 3)


@pytest.mark.parametrize("bucket", ["site", "log"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_promotion_that_broke_at_any_request_leaves_the_old_version_or_the_new_one(
    world: World, when: When, bucket: Bucket
) -> None:
    for twin in crashed(world, when, bucket):
        is_whole(twin, "1.0.0", "1.1.0")


@pytest.mark.parametrize("bucket", ["site", "log"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_promotion_that_broke_at_any_request_is_finished_by_running_it_again(
    world: World, when: When, bucket: Bucket
) -> None:
    for twin in crashed(world, when, bucket):
        report = twin.promote("latest")
        serves(twin, "1.1.0")
        assert twin.differing("latest", "1.0.0", "1.1.0") <= set(report.promotion.changed)
        twin.invalidate("latest")
        verify.require_passed([twin.verify("latest")])


def half_served(world: World) -> None:
    """Let the caches take up whatever the crash left."""
    world.expire()
    world.visit("latest")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_release_after_one_that_broke_drops_what_both_of_them_changed(world: World, when: When) -> None:
    world.release("1.2.0")
    for twin in crashed(world, when, "site", "write"):
        half_served(twin)
        twin.authorize("latest", "1.2.0")
        breaks_at_the_pointer(twin)
        report = twin.promote("latest")
        assert twin.differing("latest", "1.0.0", "1.1.0", "1.2.0") <= set(report.promotion.changed)
        twin.invalidate("latest")
        verify.require_passed([twin.verify("latest")])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rollback_after_a_release_that_broke_drops_what_that_changed(world: World, when: When) -> None:
    for twin in crashed(world, when, "site", "write"):
        half_served(twin)
        twin.roll_back("latest", "1.0.0")
        breaks_at_the_pointer(twin)
        report = twin.promote("latest")
        assert twin.differing("latest", "1.1.0", "1.0.0") <= set(report.promotion.changed)
        twin.invalidate("latest")
        verify.require_passed([twin.verify("latest")])
        serves(twin, "1.0.0")


def test_a_release_after_several_that_were_never_verified_drops_what_all_of_them_changed() -> None:
    """The file that 1.1.0 changed and 1.2.0 changed back is the one that is easily forgotten."""
    world = World()
    for version, text in {"1.0.0": b"one", "1.1.0": b"two", "1.2.0": b"one", "1.3.0": b"one"}.items():
        world.build(version, {"tag.min.js": text, "other.js": version.encode()})
        world.release(version)
    world.move("latest", "1.0.0")
    world.authorize("latest", "1.1.0")
    breaks_at_the_pointer(world)
    half_served(world)
    world.move("latest", "1.2.0", passed=False)
    world.authorize("latest", "1.3.0")
    breaks_at_the_pointer(world)
    report = world.promote("latest")
    assert ENTRY in report.promotion.changed
    world.invalidate("latest")
    verify.require_passed([world.verify("latest")])


def test_a_version_that_was_authorised_and_never_promoted_costs_the_next_one_nothing_but_a_look(world: World) -> None:
    world.release("1.2.0", "latest")
    serves(world, "1.2.0")
    assert world.status().channels[0].drift == ()


# Rollback.


def test_a_rollback_needs_no_build_no_upload_and_no_git(world: World) -> None:
    world.finish("latest")
    for bundle in world.bundles.values():
        bundle.link("dist")
    world.repository.remote_answers = False
    created = world.site.calls["create"]
    world.roll_back("latest", "1.0.0")
    world.promote("latest")
    assert world.site.calls["create"] == created
    assert world.held("latest")["tag.min.js"] == b"window.tag = '1.0.0';\n"


def test_a_rollback_there_and_back_serves_each_version_in_turn(world: World) -> None:
    world.finish("latest")
    for version in ("1.0.0", "1.1.0", "1.0.0", "1.1.0"):
        world.visit("latest")
        if version == "1.0.0":
            world.go_back("latest")
        else:
            world.serve("latest", version)
        serves(world, version)
        assert world.fetch(f"/{ENTRY}").body == world.bundle(version)["tag.min.js"]
    pointer = world.pointer("latest")
    assert pointer is not None
    assert pointer.pointer_version == 6


DAMAGED: Final[Mapping[str, Callable[[World], object]]] = {
    "manifest is gone": lambda w: w.site.remove(MANIFEST_KEY),
    "manifest was made unreadable": lambda w: w.site.put(MANIFEST_KEY, b"evil"),
    "manifest was made enormous": lambda w: w.site.put(MANIFEST_KEY, bytes(5_000_000)),
    "manifest was exchanged": lambda w: w.site.put(MANIFEST_KEY, w.bundles["1.0.0"].files[MANIFEST]),
    "files were changed": lambda w: w.site.put(SOURCE, b"evil"),
    "files are gone": lambda w: w.site.remove(SOURCE),
}


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_version_whose_published_objects_were_damaged_can_be_rolled_back_from(world: World, damaged: str) -> None:
    """That is when a rollback is needed most; what the caches hold of such a version is anybody's guess."""
    world.promote("latest")
    world.settle("latest")
    world.visit("latest")
    DAMAGED[damaged](world)
    world.roll_back("latest", "1.0.0")
    report = world.promote("latest")
    assert world.differing("latest", "1.1.0", "1.0.0") <= set(report.promotion.changed)
    world.invalidate("latest")
    verify.require_passed([world.verify("latest")])


# Scale.


def requests(versions: int) -> tuple[int, int]:
    """Count the requests of a promotion and of a rollback after this many versions."""
    world = World()
    for number in range(versions):
        world.release(f"1.{number}.0")
        world.move("latest", f"1.{number}.0")
    world.release("2.0.0")
    world.authorize("latest", "2.0.0")
    start = world.requests()
    world.promote("latest")
    promoted = world.requests()
    world.settle("latest")
    world.roll_back("latest", f"1.{versions - 1}.0")
    before = world.requests()
    world.promote("latest")
    return promoted - start, world.requests() - before


def test_promotions_and_rollbacks_take_as_many_requests_after_fifty_versions_as_after_five() -> None:
    few = requests(5)
    assert few == requests(50)
    # One look, one description of source and target, one copy a file, and a constant.
    assert max(few) <= 4 * 4 + 14


def test_a_rollback_takes_as_many_requests_as_a_promotion(world: World) -> None:
    start = world.requests()
    world.promote("latest")
    forward = world.requests() - start
    world.settle("latest")
    world.roll_back("latest", "1.0.0")
    start = world.requests()
    world.promote("latest")
    assert world.requests() - start <= forward


# The key.


def only(world: World, *allowed: tuple[str, str]) -> InMemoryObjectStore:
    """Give the site as a key sees it that may do these things below these prefixes."""
    return world.site.with_key(
        lambda action, key: not any(action == right and key.startswith(prefix) for right, prefix in allowed)
    )


RIGHTS: Final[tuple[tuple[str, str], ...]] = (
    ("s3:GetObject", "tag/1."),
    ("s3:GetObject", "tag/latest/"),
    ("s3:GetObject", "tag/channels/"),
    ("s3:GetObject", "tag/pointers/"),
    ("s3:PutObject", "tag/latest/"),
    ("s3:PutObject", "tag/channels/"),
    ("s3:ListBucket", "tag/"),
)


def test_the_key_writes_below_its_channel_only(world: World) -> None:
    world.promote("latest", site=only(world, *RIGHTS))
    serves(world, "1.1.0")


@pytest.mark.parametrize("taken", [right for right in RIGHTS if right[0] != "s3:ListBucket"])
def test_without_any_one_permission_the_stage_stops_and_the_channel_stays_whole(
    world: World, taken: tuple[str, str]
) -> None:
    with pytest.raises(PermissionDenied):
        world.promote("latest", site=only(world, *(right for right in RIGHTS if right != taken)))
    is_whole(world, "1.0.0", "1.1.0")


def test_a_channel_that_never_existed_is_not_confused_with_one_that_may_not_be_seen(world: World) -> None:
    world.authorize("v1", "1.1.0")
    rights = [right for right in RIGHTS if right[0] != "s3:ListBucket"]
    with pytest.raises(PermissionDenied):
        world.promote("v1", site=only(world, *rights, ("s3:PutObject", "tag/v1/")))
    assert world.held("v1") == {}


def test_a_customised_layout_is_promoted_like_any_other() -> None:
    config = examples.config(site={"prefix": "js/"}, channels={"v{major}": {}, "latest": {}})
    world = World(config)
    world.release("1.0.0", "latest", "v1")
    world.release("1.1.0", "latest")
    assert {key.split("/")[0] for key in world.site.bodies()} == {"js"}
    assert world.held("v1")["tag.min.js"] == b"window.tag = '1.0.0';\n"
