from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Literal

import pytest

from release.core import document
from release.core.entry import LARGEST, Previous, leaf_hash
from release.core.handover import VersionIndex
from release.core.layout import MANIFEST
from release.core.manifest import digest
from release.effects.choice import channels_of
from release.errors import (
    ConfigError,
    IntegrityError,
    LogError,
    NotFoundError,
    NothingToDoError,
    RefusedError,
    ReleaseError,
    ServiceError,
    VerificationError,
)
from release.stages import record as stage
from tests.fakes import examples, log_files
from tests.fakes.object_store import Fault
from tests.fakes.odd_stores import Overtaken
from tests.fakes.scenario import REASON, World, every_fault

When = Literal["before", "after"]


@pytest.fixture
def world() -> World:
    return World()


def slot(index: int) -> str:
    return f"tag/seq/{index:012d}"


# Publish.


def test_a_publication_is_one_entry_and_then_the_note_where_it_is(world: World) -> None:
    world.publish("1.0.0")
    del world.journal[:]
    report = world.record("1.0.0")
    blobs = [("create", f"tag/evidence/sha256/{item.sha256}") for item in report.event.evidence]
    assert sorted(world.journal[:2]) == sorted(blobs), "what the entry refers to is there before it"
    tree = ["tile/entries/000.p/1", "tile/0/000.p/1", "checkpoints/000000000001"]
    created = [("create", slot(0)), *(("create", f"tag/{path}") for path in tree)]
    assert world.journal[2:] == [*created, ("replace", "tag/checkpoint"), ("create", "tag/versions/1.0.0.json")]
    event, source = report.event, world.manifest("1.0.0").source
    assert (event.index, event.action, event.version, report.new) == (0, "publish.completed", "1.0.0", True)
    assert event.manifest == digest(world.bundles["1.0.0"].files[MANIFEST])
    assert event.source is not None
    assert (event.source.commit, event.source.tag) == (source.commit, "v1.0.0")
    assert event.after.channels == {}


def test_a_version_that_is_not_published_is_not_recorded(world: World) -> None:
    world.build("1.0.0")
    with pytest.raises(NotFoundError, match=r"1\.0\.0 is not published"):
        world.record("1.0.0")
    assert world.log.bodies() == {}


def test_a_version_of_which_only_some_files_are_published_is_not_recorded(world: World) -> None:
    world.build("1.0.0")
    world.site.break_at(Fault(nth=3, when="before", operation="create"))
    with pytest.raises(ServiceError):
        world.publish("1.0.0")
    with pytest.raises(NotFoundError):
        world.record("1.0.0")
    assert world.log.bodies() == {}


def test_a_version_that_is_published_with_another_manifest_is_not_recorded(world: World) -> None:
    world.publish("1.0.0")
    other = world.site.bodies()["tag/1.0.0/manifest.json"].replace(b"node", b"bode")
    world.site.put("tag/1.0.0/manifest.json", other)
    with pytest.raises(IntegrityError, match="published with another manifest") as stopped:
        world.record("1.0.0")
    built = digest(world.bundles["1.0.0"].files[MANIFEST])
    assert stopped.value.evidence == {"built": built, "published": digest(other)}
    assert world.log.bodies() == {}


def test_a_version_whose_bucket_and_bundle_were_changed_together_differs_from_the_log(world: World) -> None:
    world.release("1.0.0")
    recorded = digest(world.bundles["1.0.0"].files[MANIFEST])
    world.build("1.0.0", {"tag.min.js": b"evil"})
    published = world.bundles["1.0.0"].files[MANIFEST]
    world.site.put("tag/1.0.0/manifest.json", published)
    with pytest.raises(IntegrityError, match="log entry 0 records version") as stopped:
        world.record("1.0.0")
    assert stopped.value.evidence == {"recorded": recorded, "published": digest(published)}
    assert len(world.events()) == 1


def test_recording_a_publication_again_gives_the_same_entry_and_writes_nothing(world: World) -> None:
    world.publish("1.0.0")
    first = world.record("1.0.0")
    written = list(world.journal)
    again = world.record("1.0.0")
    assert (again.event, again.new) == (first.event, False)
    assert world.journal == written


@pytest.mark.parametrize("when", ["before", "after"])
def test_recording_a_publication_converges_whichever_request_broke(when: When) -> None:
    struck = 0
    for fault in every_fault():
        world = World()
        world.publish("1.0.0")
        if fault.when != when:
            continue
        world.log.break_at(fault)
        try:
            world.record("1.0.0")
        except ServiceError:
            struck += 1
        else:
            break
        recorded = world.record("1.0.0").event
        assert world.slots().published("1.0.0") == recorded
        # A crash between the entry and the note of its place leaves two entries that say the same.
        events = world.events()
        assert len(events) <= 2
        assert {(e.action, e.version, e.manifest) for e in events} == {
            ("publish.completed", "1.0.0", recorded.manifest)
        }
        world.move("latest", "1.0.0")
        assert world.actions()[-1] == "promote.completed 1.0.0 latest"
    assert struck >= 4


def test_a_note_that_leads_to_an_entry_of_another_version_is_not_believed(world: World) -> None:
    world.release("1.0.0")
    world.log.put("tag/versions/2.0.0.json", document.encode(VersionIndex(entry=0)))
    with pytest.raises(LogError, match="does not publish"):
        world.authorize("latest", "2.0.0")
    assert len(world.events()) == 1


def test_a_note_that_leads_to_no_entry_is_not_believed(world: World) -> None:
    world.log.put("tag/versions/2.0.0.json", document.encode(VersionIndex(entry=5)))
    with pytest.raises(NotFoundError, match="no entry 5"):
        world.authorize("latest", "2.0.0")


def test_a_note_that_is_malformed_is_not_believed(world: World) -> None:
    world.log.put("tag/versions/2.0.0.json", b'{"entry": 0}')
    with pytest.raises(LogError):
        world.authorize("latest", "2.0.0")


def test_versions_recorded_at_the_same_time_are_one_chain(world: World) -> None:
    versions = [f"1.0.{patch}" for patch in range(8)]
    for version in versions:
        world.publish(version)
    with ThreadPoolExecutor(len(versions)) as pool:
        reports = list(pool.map(world.record, versions))
    assert [event.version for event in world.events()] == [
        report.event.version for report in sorted(reports, key=lambda report: report.event.index)
    ]
    assert {report.event.version for report in reports} == set(versions)
    assert all(report.new for report in reports)


# Authorise.


def test_an_authorisation_is_the_state_of_the_channel_and_moves_nothing(world: World) -> None:
    world.release("1.0.0")
    world.release("1.1.0")
    site = world.site.bodies()
    world.authorize("latest", "1.0.0")
    event = world.authorize("latest", "1.1.0", reason="new checkout").event
    state = event.after.channels["latest"]
    assert (state.version, state.entry, state.outcome, state.pointer_version) == ("1.1.0", 3, "authorized", 2)
    assert state.manifest == digest(world.bundles["1.1.0"].files[MANIFEST])
    assert event.before is not None
    assert event.before.version == "1.0.0"
    assert (event.reason, event.pipeline) == ("new checkout", examples.PIPELINE)
    assert world.site.bodies() == site


def test_every_entry_is_chained_to_the_one_before_and_keeps_the_other_channels(world: World) -> None:
    world.release("1.0.0", "latest", "v1")
    world.release("1.1.0", "latest")
    events = world.events()
    assert [event.prev.index if event.prev else None for event in events] == [None, *range(len(events) - 1)]
    assert {name: s.version for name, s in events[-1].after.channels.items()} == {"latest": "1.1.0", "v1": "1.0.0"}


def yanked(world: World) -> None:
    world.release("1.1.0")
    world.yank("1.1.0")


FORBIDDEN: Final[Mapping[str, tuple[Callable[[World], object], str, str, type[ReleaseError]]]] = {
    "a version that was never published": (lambda _: None, "latest", "9.9.9", NotFoundError),
    "a version that was published and not recorded": (lambda w: w.publish("1.1.0"), "latest", "1.1.0", NotFoundError),
    "a channel that is not declared": (lambda _: None, "stable", "1.0.0", RefusedError),
    "a prerelease on a stable channel": (lambda w: w.release("1.1.0-rc.1"), "latest", "1.1.0-rc.1", RefusedError),
    "a stable version on a prerelease channel": (lambda _: None, "next", "1.0.0", RefusedError),
    "another line's version": (lambda w: w.release("2.0.0"), "v1", "2.0.0", RefusedError),
    "a step backwards": (lambda w: w.release("0.9.0"), "latest", "0.9.0", RefusedError),
    "a yanked version": (yanked, "latest", "1.1.0", RefusedError),
}


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_what_a_rule_forbids_is_not_authorised_and_leaves_no_entry(world: World, forbidden: str) -> None:
    happened, channel, version, error = FORBIDDEN[forbidden]
    world.release("1.0.0")
    world.move("latest", "1.0.0")
    happened(world)
    before = world.log.bodies()
    with pytest.raises(error):
        world.authorize(channel, version)
    assert world.log.bodies() == before


def test_authorising_again_gives_the_same_entry(world: World) -> None:
    world.release("1.0.0")
    first = world.authorize("latest", "1.0.0")
    again = world.authorize("latest", "1.0.0")
    assert (first.new, again.new) == (True, False)
    assert again.event == first.event
    world.finish("latest")
    assert world.authorize("latest", "1.0.0").event == first.event
    assert len(world.events()) == 3


@pytest.mark.parametrize("when", ["before", "after"])
def test_authorising_converges_to_one_entry_whichever_request_broke(when: When) -> None:
    struck = 0
    for fault in every_fault():
        if fault.when != when:
            continue
        world = World()
        world.release("1.0.0")
        world.log.break_at(fault)
        try:
            world.authorize("latest", "1.0.0")
        except ServiceError:
            struck += 1
        else:
            break
        world.authorize("latest", "1.0.0")
        assert world.actions() == ["publish.completed 1.0.0", "promote.authorized 1.0.0 latest"]
        world.finish("latest")
    assert struck >= 5


def test_who_loses_a_slot_decides_again_from_what_the_winner_wrote(world: World) -> None:
    world.release("1.0.0")
    world.release("1.1.0")
    log = Overtaken(world.log, "create", slot(2), by=lambda: world.authorize("latest", "1.1.0"))
    with pytest.raises(RefusedError, match="would take it backwards"):
        world.authorize("latest", "1.0.0", log=log)
    assert world.actions()[2:] == ["promote.authorized 1.1.0 latest"]


def test_who_loses_a_slot_to_something_else_takes_the_next(world: World) -> None:
    world.release("1.0.0")
    log = Overtaken(world.log, "create", slot(1), by=lambda: world.authorize("v1", "1.0.0"))
    report = world.authorize("latest", "1.0.0", log=log)
    assert (report.event.index, report.new) == (2, True)
    assert set(report.event.after.channels) == {"v1", "latest"}


def test_who_loses_a_slot_to_its_own_words_has_won_it(world: World) -> None:
    """S3 answers 412 to a client's retry of its own success."""
    world.release("1.0.0")
    log = Overtaken(world.log, "create", slot(1), by=lambda: world.authorize("latest", "1.0.0"))
    report = world.authorize("latest", "1.0.0", log=log)
    assert (report.event.index, report.new) == (1, True)
    assert len(world.events()) == 2


def test_who_loses_every_slot_says_so_instead_of_going_on_for_ever(world: World) -> None:
    versions = [f"1.0.{patch}" for patch in range(40)]
    for version in versions:
        world.publish(version)
    world.record(versions.pop(0))

    class Crowded(Overtaken):
        def _before(self, operation: str, key: str) -> None:
            if operation == "create" and "/seq/" in key and versions:
                world.record(versions.pop(0))

    log = Crowded(world.log, "create", "", by=lambda: None)
    with pytest.raises(ServiceError, match="other jobs wrote to the release log first"):
        world.authorize("latest", "1.0.0", log=log)
    assert world.slots().tail().state.channels == {}


def test_a_dry_run_tells_the_next_entry_and_writes_nothing(world: World) -> None:
    world.publish("1.0.0")
    assert world.record("1.0.0", dry_run=True).event.index == 0
    assert world.log.bodies() == {}
    world.record("1.0.0")
    before = world.log.bodies()
    told = world.authorize("latest", "1.0.0", dry_run=True)
    assert world.log.bodies() == before
    assert world.authorize("latest", "1.0.0").event == told.event


def test_a_dry_run_of_what_the_log_says_already_tells_that_entry(world: World) -> None:
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    world.settle("latest")
    told = world.authorize("latest", "1.0.0", dry_run=True)
    assert told.event == world.authorize("latest", "1.0.0").event


def test_a_dry_run_is_refused_like_a_run(world: World) -> None:
    world.release("1.0.0")
    world.release("1.1.0")
    world.move("latest", "1.1.0")
    with pytest.raises(RefusedError):
        world.authorize("latest", "1.0.0", dry_run=True)


def test_a_version_moves_all_channels_it_belongs_to(world: World) -> None:
    world.release("1.4.2")
    state = world.slots().tail().state
    assert channels_of(world.config.channels, "1.4.2", state) == (["v1.4", "v1", "latest"], [])
    assert channels_of(world.config.channels, "1.5.0-rc.1", state) == (["next"], [])


def test_a_backport_moves_its_own_line_and_no_other(world: World) -> None:
    for version in ("1.3.0", "1.4.0"):
        world.release(version)
        for channel in channels_of(world.config.channels, version, world.slots().tail().state)[0]:
            world.move(channel, version)
    world.release("1.3.1")
    before = world.held("latest"), world.held("v1"), world.pointer("latest")
    move, leave = channels_of(world.config.channels, "1.3.1", world.slots().tail().state)
    assert (move, leave) == (["v1.3"], ["v1", "latest"])
    world.move("v1.3", "1.3.1")
    assert world.held("v1.3")["tag.min.js"] == world.bundle("1.3.1")["tag.min.js"]
    assert (world.held("latest"), world.held("v1"), world.pointer("latest")) == before
    for channel in leave:
        with pytest.raises(RefusedError):
            world.authorize(channel, "1.3.1")


def test_a_version_that_moves_nothing_is_said_to(world: World) -> None:
    world.release("1.0.0")
    with pytest.raises(NothingToDoError, match="belongs to no channel"):
        channels_of({"next": world.config.channels["next"]}, "1.0.0", world.slots().tail().state)
    world.release("1.1.0")
    world.move("latest", "1.1.0")
    latest, state = {"latest": world.config.channels["latest"]}, world.slots().tail().state
    with pytest.raises(NothingToDoError, match="latest serve newer versions"):
        channels_of(latest, "1.0.0", state)


# Roll back.


@pytest.fixture(scope="module")
def three() -> World:
    world = World()
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        world.release(version)
        world.move("latest", version)
    return world


@pytest.fixture
def served(three: World) -> World:
    """A world whose channel served three versions, each verified."""
    return three.twin()


def test_a_rollback_without_a_version_goes_to_the_last_good_one(served: World) -> None:
    event = served.roll_back("latest").event
    assert (event.action, event.version, event.reason) == ("rollback.authorized", "1.0.1", REASON)


def test_a_rollback_skips_yanked_versions(served: World) -> None:
    served.yank("1.0.1")
    assert served.roll_back("latest").event.version == "1.0.0"


def test_a_rollback_skips_versions_whose_verification_failed(served: World) -> None:
    served.release("1.0.3")
    served.move("latest", "1.0.3", passed=False)
    served.release("1.0.4")
    served.move("latest", "1.0.4")
    assert served.roll_back("latest").event.version == "1.0.2"


def test_a_rollback_skips_versions_that_were_never_verified(served: World) -> None:
    served.release("1.0.3")
    served.authorize("latest", "1.0.3")
    served.promote("latest")
    served.release("1.0.4")
    served.move("latest", "1.0.4")
    assert served.roll_back("latest").event.version == "1.0.2"


def test_a_rollback_from_a_version_that_failed_goes_to_the_one_before(served: World) -> None:
    served.release("1.0.3")
    served.move("latest", "1.0.3", passed=False)
    assert served.roll_back("latest").event.version == "1.0.2"


def test_a_rollback_of_a_rollback_goes_further_back(served: World) -> None:
    served.roll_back("latest")
    served.promote("latest")
    served.settle("latest")
    assert served.roll_back("latest", reason="that one breaks it, too").event.version == "1.0.0"


def test_a_rollback_that_is_done_is_the_same_one_for_the_same_reason(served: World) -> None:
    """Whoever was cut off at the very last answer says the same command again, and must not go one version further."""
    first = served.roll_back("latest").event
    served.promote("latest")
    served.settle("latest")
    again = served.roll_back("latest")
    assert (again.event, again.new) == (first, False)


def test_after_a_rollback_and_a_fix_the_way_back_skips_what_was_rolled_back(served: World) -> None:
    served.roll_back("latest")
    served.promote("latest")
    served.settle("latest")
    served.release("1.0.3")
    served.move("latest", "1.0.3")
    assert served.roll_back("latest").event.version == "1.0.1"


def test_the_way_forward_after_a_rollback_is_a_promotion(served: World) -> None:
    served.roll_back("latest")
    served.promote("latest")
    served.settle("latest")
    with pytest.raises(RefusedError, match="that is no rollback") as refused:
        served.roll_back("latest", "1.0.2")
    assert refused.value.hint == "going forward: release record promote latest --version 1.0.2"
    served.move("latest", "1.0.2")
    assert served.held("latest")["tag.min.js"] == served.bundle("1.0.2")["tag.min.js"]


@pytest.mark.parametrize("steps", ["authorised", "promoted"])
def test_a_rollback_that_broke_goes_to_the_same_version_when_it_is_run_again(served: World, steps: str) -> None:
    """'Run it again after any crash', says the command: it must not go back one version further each time."""
    first = served.roll_back("latest").event
    if steps == "promoted":
        served.promote("latest")
    again = served.roll_back("latest")
    assert (again.event, again.new) == (first, False)


def test_a_rollback_that_was_not_verified_is_tried_again_and_goes_no_further_back(served: World) -> None:
    first = served.roll_back("latest").event
    served.promote("latest")
    served.settle("latest", passed=False)
    again = served.roll_back("latest")
    assert (again.event.version, again.new) == (first.version, True)


def test_a_rollback_finds_no_version_where_none_was_good(world: World) -> None:
    with pytest.raises(NothingToDoError, match="serves nothing"):
        world.roll_back("latest")
    world.release("1.0.0")
    world.move("latest", "1.0.0")
    with pytest.raises(NothingToDoError, match="never served an older version"):
        world.roll_back("latest")


def test_a_rollback_never_chooses_another_channels_version(served: World) -> None:
    served.release("1.0.3")
    served.move("v1", "1.0.3")
    with pytest.raises(NothingToDoError, match="never served an older version"):
        served.roll_back("v1")


WRONG_WAYS: Final[Mapping[str, tuple[str, str, str | None, type[ReleaseError]]]] = {
    "without a reason": ("latest", "1.0.0", None, RefusedError),
    "with an empty reason": ("latest", "1.0.0", "", RefusedError),
    "with a blank reason": ("latest", "1.0.0", " \n", RefusedError),
    "to a newer version": ("latest", "1.0.3", REASON, RefusedError),
    "to a version that was never published": ("latest", "0.1.0", REASON, NotFoundError),
    "to a yanked version": ("latest", "1.0.1", REASON, RefusedError),
    "to another kind of version": ("latest", "1.0.0-rc.1", REASON, RefusedError),
    "of a channel that serves nothing": ("v1", "1.0.0", REASON, RefusedError),
    "of a channel that is not declared": ("stable", "1.0.0", REASON, RefusedError),
}


@pytest.mark.parametrize("wrong", WRONG_WAYS)
def test_a_rollback_that_a_rule_forbids_leaves_no_entry(served: World, wrong: str) -> None:
    channel, version, reason, error = WRONG_WAYS[wrong]
    served.release("1.0.3")
    served.release("1.0.0-rc.1")
    served.yank("1.0.1")
    before = served.log.bodies()
    with pytest.raises(error):
        served.roll_back(channel, version, reason=reason)
    assert served.log.bodies() == before


def test_a_rollback_takes_as_few_requests_after_many_releases_as_after_few() -> None:
    def requests(releases: int) -> int:
        world = World()
        for patch in range(releases):
            world.release(f"1.0.{patch}")
            world.move("latest", f"1.0.{patch}")
        before = world.requests()
        world.roll_back("latest")
        return world.requests() - before

    assert requests(3) == requests(20)


# Conclude.


@pytest.mark.parametrize(("passed", "action"), [(True, "promote.completed"), (False, "promote.failed")])
def test_an_outcome_is_recorded_for_the_entry_that_authorised(world: World, passed: bool, action: str) -> None:
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    event = world.settle("latest", passed=passed).event
    assert (event.action, event.outcome_of, event.reason) == (action, 1, None if passed else "it is wrong")
    assert event.after.channels["latest"].outcome == action.partition(".")[2]
    assert event.after.channels["latest"].entry == 1


@pytest.mark.parametrize(("passed", "action"), [(True, "rollback.completed"), (False, "rollback.failed")])
def test_an_outcome_of_a_rollback_says_that_it_was_one(served: World, passed: bool, action: str) -> None:
    served.roll_back("latest")
    served.promote("latest")
    assert served.settle("latest", passed=passed).event.action == action


def test_recording_an_outcome_again_gives_no_second_entry(world: World) -> None:
    world.release("1.0.0", "latest")
    before = world.actions()
    assert not world.conclude("latest").new
    assert world.actions() == before


@pytest.mark.parametrize("when", ["before", "after"])
def test_recording_an_outcome_converges_to_one_entry_whichever_request_broke(when: When) -> None:
    struck = 0
    for fault in every_fault():
        if fault.when != when:
            continue
        world = World()
        world.release("1.0.0")
        world.authorize("latest", "1.0.0")
        world.promote("latest")
        world.verify("latest")
        world.log.break_at(fault)
        try:
            world.conclude("latest")
        except ServiceError:
            struck += 1
        else:
            break
        world.conclude("latest")
        assert world.actions()[1:] == ["promote.authorized 1.0.0 latest", "promote.completed 1.0.0 latest"]
    assert struck >= 3


def test_a_failed_outcome_can_be_corrected_by_a_later_verification(world: World) -> None:
    world.release("1.0.0")
    world.move("latest", "1.0.0", passed=False)
    world.settle("latest")
    assert world.slots().tail().state.channels["latest"].outcome == "completed"


def test_a_verification_of_another_promotion_proves_nothing(world: World) -> None:
    world.release("1.0.0", "latest", "v1")
    world.verifications["latest"] = world.verifications["v1"]
    with pytest.raises(VerificationError, match="the verification is of entry 3, the promotion of entry 1"):
        world.conclude("latest")


def test_an_outcome_that_comes_too_late_is_refused(world: World) -> None:
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    world.verify("latest")
    world.release("1.1.0")
    world.authorize("latest", "1.1.0")
    before = world.actions()
    with pytest.raises(RefusedError, match="entry 1 is no longer its newest release, entry 3"):
        world.conclude("latest")
    assert world.actions() == before


def test_an_outcome_that_is_overtaken_by_the_next_release_is_refused(world: World) -> None:
    world.release("1.0.0")
    world.release("1.1.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    world.verify("latest")
    log = Overtaken(world.log, "create", slot(3), by=lambda: world.authorize("latest", "1.1.0"))
    with pytest.raises(RefusedError, match="no longer its newest release"):
        world.conclude("latest", log=log)
    assert world.actions()[3:] == ["promote.authorized 1.1.0 latest"]


@pytest.mark.parametrize(
    "change",
    [{"version": "1.0.0"}, {"manifest": "0" * 64}, {"channel": "v1"}, {"entry": 0}],
    ids=lambda change: next(iter(change)),
)
def test_an_outcome_of_something_that_was_not_authorised_is_refused(world: World, change: dict[str, Any]) -> None:
    """A file between two jobs may say that other bytes were verified than those the log names."""
    world.release("1.0.0")
    world.release("1.1.0")
    world.authorize("latest", "1.1.0")
    world.promote("latest")
    forged = replace(world.promotions["latest"].order, **change)
    world.promotions["latest"] = replace(world.promotions["latest"], order=forged)
    before = world.actions()
    with pytest.raises(RefusedError):
        world.settle("latest")
    assert world.actions() == before


def test_an_outcome_never_turns_a_promotion_into_a_rollback(world: World) -> None:
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    forged = replace(world.promotions["latest"].order, kind="rollback")
    world.promotions["latest"] = replace(world.promotions["latest"], order=forged)
    with suppress(RefusedError):
        world.settle("latest")
    assert "rollback.completed 1.0.0 latest" not in world.actions()


def test_an_outcome_of_a_channel_that_nothing_was_authorised_for_is_refused(world: World) -> None:
    world.release("1.0.0", "latest")
    elsewhere = World()
    elsewhere.promotions, elsewhere.verifications = world.promotions, world.verifications
    with pytest.raises(RefusedError, match="nothing is"):
        elsewhere.conclude("latest")
    assert elsewhere.log.bodies() == {}


def test_an_outcome_with_very_many_findings_fits_an_entry(world: World) -> None:
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    order = world.promotions["latest"].order
    world.settle("latest", passed=False)
    findings = tuple(f"\N{SNOWMAN}{number} " + "x" * 490 for number in range(100))
    world.verifications["latest"] = replace(world.verifications["latest"], order=order, findings=findings)
    world.promotions["latest"] = replace(world.promotions["latest"], order=order)
    world.settle("latest")
    world.verifications["latest"] = replace(world.verifications["latest"], passed=False, findings=findings)
    event = world.conclude("latest").event
    assert event.action == "promote.failed"
    assert len(examples.sealed(event)) < LARGEST


# Yank.


def test_a_yanked_version_is_never_authorised_again_in_any_direction(served: World) -> None:
    event = served.yank("1.0.1").event
    assert (event.action, event.version, event.reason) == ("version.yanked", "1.0.1", REASON)
    for channel in ("latest", "v1"):
        with pytest.raises(RefusedError, match="was yanked"):
            served.authorize(channel, "1.0.1")
    with pytest.raises(RefusedError, match="was yanked"):
        served.roll_back("latest", "1.0.1")


def test_a_yank_leaves_what_pages_load(served: World) -> None:
    before = served.site.bodies()
    served.yank("1.0.1")
    assert served.site.bodies() == before


def test_yanking_again_gives_the_same_entry(served: World) -> None:
    first = served.yank("1.0.1")
    again = served.yank("1.0.1")
    assert (again.event, again.new) == (first.event, False)


def test_what_a_channel_serves_is_not_yanked(served: World) -> None:
    with pytest.raises(RefusedError, match="is what latest serves"):
        served.yank("1.0.2")
    served.roll_back("latest", "1.0.0")
    assert served.yank("1.0.2").new


def test_what_a_channel_is_about_to_serve_is_not_yanked(served: World) -> None:
    """The authorisation wins the slot that the yank was going to take."""
    served.release("1.0.3")
    entry = served.slots().tail().size
    log = Overtaken(served.log, "create", slot(entry), by=lambda: served.authorize("latest", "1.0.3"))
    with pytest.raises(RefusedError):
        served.yank("1.0.3", log=log)
    assert served.slots().tail().state.yanked == {}


def test_what_is_being_yanked_is_not_authorised(served: World) -> None:
    served.release("1.0.3")
    entry = served.slots().tail().size
    log = Overtaken(served.log, "create", slot(entry), by=lambda: served.yank("1.0.3"))
    with pytest.raises(RefusedError, match="was yanked"):
        served.authorize("latest", "1.0.3", log=log)
    assert "1.0.3" not in {state.version for state in served.slots().tail().state.channels.values()}


def test_a_version_that_does_not_exist_is_not_yanked(served: World) -> None:
    with pytest.raises(NotFoundError):
        served.yank("9.9.9")


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_yank_without_a_reason_is_refused(served: World, reason: str) -> None:
    with pytest.raises(ConfigError, match="needs a reason"):
        stage.yank(served.recorder(), "1.0.0", reason=reason, dry_run=False)


# The log.


def long_log(world: World, entries: int) -> None:
    """Fill the slots of a log; only the newest entry is more than a name."""
    for index in range(entries):
        world.log.put(slot(index), b"")
    put_entry(world, entries - 1)


def put_entry(world: World, index: int) -> None:
    prev = Previous(index=index - 1, leaf_hash=leaf_hash(b"")) if index else None
    world.log.put(slot(index), examples.sealed(examples.event(index, prev=prev)))


@pytest.mark.parametrize("entries", [1, 2, 999, 1000, 1001, 1999, 2000, 2001, 3333, 20_000])
def test_the_newest_entry_is_found_in_few_requests_however_long_the_log(world: World, entries: int) -> None:
    long_log(world, entries)
    assert world.slots().tail().size == entries
    assert world.log.calls["any"] <= 3 + 2 * (entries // 1000).bit_length()


@pytest.mark.parametrize(("entries", "missing"), [(900, 0), (900, 5), (900, 898), (1600, 1000), (1600, 1500)])
def test_a_missing_entry_among_the_newest_is_noticed(world: World, entries: int, missing: int) -> None:
    long_log(world, entries)
    world.log.remove(slot(missing))
    with pytest.raises(LogError, match="gap"):
        world.slots().tail()


@pytest.mark.parametrize(("entries", "ahead"), [(5, 10), (1000, 5000), (1200, 1400), (1200, 1999), (1200, 5000)])
def test_a_slot_that_was_taken_ahead_of_its_time_is_not_the_newest_entry(
    world: World, entries: int, ahead: int
) -> None:
    """Who believed it would decide from a state that no job ever saw, and chain to an entry that is not there."""
    long_log(world, entries)
    put_entry(world, ahead)
    with pytest.raises(LogError):
        world.slots().tail()


def test_a_foreign_object_among_the_entries_is_noticed_by_who_reads_them(world: World) -> None:
    world.release("1.0.0", "latest")
    world.log.put("tag/seq/000000000001.bak", b"")
    with pytest.raises(LogError, match="no slot of the release log"):
        world.status()


def test_an_entry_that_was_altered_stops_everything(world: World) -> None:
    world.release("1.0.0")
    world.log.put(slot(0), world.log.bodies()[slot(0)] + b" ")
    with pytest.raises(LogError):
        world.authorize("latest", "1.0.0")


def test_an_older_entry_that_was_altered_breaks_the_chain(served: World) -> None:
    """The holder of the record key and the log's key wrote it anew."""
    served.log.put(slot(1), log_files.edited(served.log.bodies()[slot(1)], reason="another"))
    with pytest.raises(LogError, match="entry 1 was altered after entry 2"):
        served.events()
