"""An audit of a world in which one thing is not as it should be: it is found, in its area, and nothing else is."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest

from release.core.audit.finding import Area
from release.core.audit.versions import Lock
from release.core.caching import BLOB, LOG, immutable
from release.core.key_findings import Finding as KeyFinding
from release.errors import (
    CredentialError,
    DriftError,
    EvidenceError,
    LogError,
    NothingToDoError,
    ServiceError,
    StaleError,
    TamperedError,
    VerificationError,
)
from tests.fakes import people
from tests.fakes.audited_world import LOCKED, AuditedWorld, audited
from tests.fakes.clock import MIDNIGHT
from tests.fakes.object_store import Fault, InMemoryObjectStore
from tests.fakes.public_site import FakePublicSite

ENTRY, NEWEST = "tag/seq/000000000004", "tag/seq/000000000009"
POINTER, FILE = "tag/channels/latest.json", "tag/latest/tag.min.js"
OLD, MANIFEST = "tag/1.0.0/tag.min.js", "tag/1.0.0/manifest.json"


def flip(store: InMemoryObjectStore, key: str) -> None:
    """Change one bit of an object's bytes and nothing else of it."""
    found = store.read(key, limit=1 << 30)
    assert found is not None
    store.put(key, found.body[:-2] + bytes([found.body[-2] ^ 1]) + found.body[-1:], found.info.headers)


def test_what_is_as_the_log_says_is_fine_everywhere() -> None:
    report = audited().audit(newest=None)
    assert {(area.area, area.state) for area in report.areas if area.state != "ok"} == set()
    assert report.worst(strict=True) is None


# The log.


@pytest.mark.parametrize("key", ["tag/tile/0/000.p/10", "tag/tile/entries/000.p/10", "tag/checkpoint"])
def test_a_changed_tile_bundle_or_head_is_found(key: str) -> None:
    world = audited()
    flip(world.log, key)
    assert "log" in world.found()
    assert world.audit().worst() is TamperedError


def test_a_log_signed_with_another_key_is_believed_by_nobody_and_nothing_is_judged_by_it() -> None:
    world = audited()
    head = world.log.read("tag/checkpoint", limit=10_000)
    assert head is not None
    text, _, signature = head.body.rpartition(b" ")
    world.log.put("tag/checkpoint", text + b" " + signature[:-9] + b"AAAAAAA=\n", head.info.headers)
    report = world.audit()
    assert report.worst() is TamperedError
    assert {area.state for area in report.areas if area.area not in {"log", "keys"}} == {"unread"}


def test_another_entry_in_a_slot_than_in_the_tree_is_found() -> None:
    world = audited()
    flip(world.log, ENTRY)
    assert world.found() == {"log": ["entry 4 has other bytes in its slot, and the tree has it"]}
    assert world.audit().worst() is TamperedError


def test_an_old_slot_is_compared_by_a_full_audit_only() -> None:
    world = audited()
    flip(world.log, ENTRY)
    assert world.found(newest=3) == {}
    assert "log" in world.found(newest=None)


def test_evidence_that_is_gone_or_other_is_found() -> None:
    world = audited()
    key = next(key for key in world.log.bodies() if "/evidence/" in key)
    flip(world.log, key)
    assert "is not the one that was recorded" in world.found()["log"][0]
    assert world.audit().worst() is EvidenceError


def test_an_empty_log_is_nothing_to_audit() -> None:
    report = AuditedWorld().audit()
    assert report.worst() is NothingToDoError


def test_a_slot_that_no_head_covers_is_found_once_no_job_can_be_at_it() -> None:
    world = audited()
    key = "tag/seq/000000000010"
    world.log.put(key, b"{}", LOG)
    world.log_history.times[key] = world.clock.now()
    assert world.found("objects") == {}
    assert world.soon() == ["entry 10 is not covered by the log's head yet: a job is at it, or died"]
    world.later(hours=5)
    assert "entry 10 is not covered by the log's head since" in world.found()["objects"][0]
    assert world.audit().worst() is LogError


def test_a_slot_that_was_taken_ahead_of_its_time_is_found() -> None:
    world = audited()
    world.log.put("tag/seq/000000000500", b"{}", LOG)
    texts = world.found()["objects"]
    assert "entries 10 to 499 are not there and entry 500 is: deleted, or a slot was taken ahead of its time" in texts
    assert world.audit().worst() is LogError


@pytest.mark.parametrize(
    "key",
    [
        ENTRY,
        "tag/checkpoints/000000000003",
        "tag/trust/0.json",
        "tag/versions/1.0.0.json",
        "tag/evidence/sha256/" + "0" * 64,
    ],
)
@pytest.mark.parametrize("accident", ["written_over", "deleted_and_put_back"])
def test_what_is_written_once_and_has_a_past_is_found(key: str, accident: str) -> None:
    world = audited()
    world.trust()
    world.log.create(key, b"evidence", BLOB)
    getattr(world.log_history, accident)(key)
    (text,) = world.found("objects")["objects"]
    assert text.startswith(f"{key} has ")
    assert world.audit("objects").worst() is TamperedError


def test_an_entry_behind_a_delete_marker_is_found_in_bucket_and_slot() -> None:
    world = audited()
    world.log_history.deleted(NEWEST)
    found = world.found("objects")
    assert found["objects"] == [f"{NEWEST} has a delete marker of 2026-11-24T00:00:00Z"]
    assert found["log"] == ["entry 9 is gone in its slot, and the tree has it"]


def test_a_checkpoint_that_is_gone_or_of_more_than_there_is_is_found() -> None:
    world = audited()
    world.log.remove("tag/checkpoints/000000000003")
    world.log.put("tag/checkpoints/000000000011", b"", LOG)
    assert world.found("objects")["objects"] == [
        "the checkpoints of size 3 are missing",
        "tag/checkpoints/000000000011 is of 11 entries, and there are 10: entries are withheld",
    ]


@pytest.mark.parametrize(
    "key", ["tag/seq/7", "tag/seq/evil", "tag/checkpoints/x", "tag/trust/one.json", "tag/evidence/sha256/aa"]
)
def test_a_foreign_name_among_the_logs_objects_is_found(key: str) -> None:
    world = audited()
    world.log.put(key, b"evil", LOG)
    assert key in world.found("objects")["objects"][0]


SHORT = dataclasses.replace(LOCKED, until=MIDNIGHT + timedelta(days=23))


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (None, "is not locked, and must be for 30 days"),
        (SHORT, "is locked until 2026-12-17T00:00:00Z only, and must be for 30 days"),
        (Lock(mode="GOVERNANCE", until=LOCKED.until), "is locked in the mode GOVERNANCE, which some users may bypass"),
    ],
)
def test_an_object_that_is_not_locked_long_enough_is_found(lock: Lock | None, said: str) -> None:
    world = audited()
    world.log_history.locks[ENTRY] = lock
    assert world.found() == {"objects": [f"{ENTRY} {said}"]}


def test_without_lock_days_no_lock_is_judged_and_that_is_said() -> None:
    world = audited()
    world.config = dataclasses.replace(world.config, log=dataclasses.replace(world.config.log, lock_days=None))
    world.log_history.locks[ENTRY] = None
    (area,) = (area for area in world.audit().areas if area.area == "objects")
    assert [finding.what for finding in area.of("unjudged")] == ["locks: release.toml does not say [log] lock-days"]


# Promotions, approvals.


def test_a_promotion_without_an_outcome_is_found_after_some_hours() -> None:
    world = audited()
    world.release("1.2.0")
    world.authorize("latest", "1.2.0")
    assert "progress" not in world.found()
    assert any("a move to 1.2.0 is under way" in text for text in world.soon())
    world.later(hours=5)
    assert "authorised 1.2.0 at 2026-11-25T00:00:00Z, and no outcome is recorded" in world.found()["progress"][0]


def test_a_failed_promotion_that_nothing_followed_is_found() -> None:
    world = audited()
    world.release("1.2.0")
    world.move("latest", "1.2.0", passed=False)
    assert "failed its verification" in world.found()["progress"][0]


def emergency() -> AuditedWorld:
    world = AuditedWorld()
    world.publish("1.0.0")
    world.record("1.0.0")
    world.later(hours=12)
    world.trust()
    world.approved("latest", "1.0.0", "cto", emergency=True, reason="the site is down")
    world.finish("latest")
    world.site_history.times |= dict.fromkeys(world.site.bodies(), world.clock.now())
    return world


def test_the_review_of_an_emergency_is_demanded_when_its_time_is_over() -> None:
    world = emergency()
    assert world.found("trust") == {}
    world.later(hours=30)
    (soon,) = (area.of("soon") for area in world.audit("trust").areas if area.area == "trust")
    assert [finding.what.partition(",")[0][-16:] for finding in soon] == ["was an emergency"]
    world.later(hours=19)
    assert "its review was due at 2026-11-26T12:00:00Z" in world.found("trust")["trust"][0]


def test_a_trust_epoch_at_its_end_is_said_before_and_found_after() -> None:
    world = audited()
    epoch = people.trust()
    world.trust(dataclasses.replace(epoch, expires="2026-12-20T00:00:00Z"))
    assert any("trust epoch 0 expires at 2026-12-20T00:00:00Z" in text for text in world.soon())
    assert "trust" not in world.found("trust")
    world.later(days=26)
    assert "trust epoch 0 expired at" in world.found("trust")["trust"][0]


def test_a_trust_epoch_that_is_not_the_pinned_one_is_not_believed() -> None:
    world = audited()
    world.trust()
    world.log.put(
        "tag/trust/0.json", people.signed(dataclasses.replace(people.trust(), expires="2030-01-01T00:00:00Z"))
    )
    assert "unread: the first trust epoch is not the one that release.toml pins" in world.found("trust")["trust"]


# The site bucket.


SITE: dict[str, tuple[Callable[[AuditedWorld], object], Area, str]] = {
    "a file has other bytes": (lambda w: flip(w.site, OLD), "site", f"{OLD} has other bytes"),
    "a file is gone": (lambda w: w.site.remove(OLD), "site", f"{OLD} is gone"),
    "a file is hidden": (lambda w: w.site_history.deleted(OLD), "site", f"{OLD} has a delete marker"),
    "a file was written over": (lambda w: w.site_history.written_over(OLD), "site", f"{OLD} has 2 versions"),
    "a file is longer": (
        lambda w: w.site.put(OLD, b"window.tag = '1.0.0'; evil()\n", immutable("text/javascript; charset=utf-8")),
        "site",
        f"{OLD} has 29 bytes, its manifest says",
    ),
    "a file may be cached for a minute": (
        lambda w: w.site.put(
            OLD,
            w.site.bodies()[OLD],
            dataclasses.replace(immutable("text/javascript; charset=utf-8"), cache_control="x"),
        ),
        "site",
        f"{OLD}: its Cache-Control is 'x'",
    ),
    "a file has another type": (
        lambda w: w.site.put(OLD, w.site.bodies()[OLD], immutable("text/plain")),
        "site",
        f"{OLD}: its Content-Type is 'text/plain'",
    ),
    "the manifest is another": (lambda w: flip(w.site, MANIFEST), "site", f"{MANIFEST} is not the manifest of the log"),
    "the manifest is gone": (lambda w: w.site.remove(MANIFEST), "site", f"{MANIFEST} is gone"),
    "a file that no manifest names": (
        lambda w: w.site.put("tag/1.0.0/evil.js", b"evil()", immutable("text/javascript")),
        "site",
        "tag/1.0.0/evil.js is there, and no manifest names it",
    ),
    "a whole version is gone": (
        lambda w: w.lose("tag/1.0.0/"),
        "site",
        "1.0.0: the bucket has nothing of it, and entry 0 published it",
    ),
    "an unlogged version": (
        lambda w: w.publish("6.6.6"),
        "site",
        "6.6.6: the bucket has a whole version that the log knows nothing of (5 objects)",
    ),
    "a channel's file is another": (lambda w: flip(w.site, FILE), "channels", "latest: tag.min.js has other bytes"),
    "a channel's file is gone": (lambda w: w.site.remove(FILE), "channels", "latest: tag.min.js is missing"),
    "a channel's pointer is another": (
        lambda w: w.site.put(POINTER, b"{}"),
        "channels",
        "latest: its pointer has what is no pointer",
    ),
    "a channel has other headers": (
        lambda w: w.site.put(FILE, w.site.bodies()[FILE], immutable("text/javascript; charset=utf-8")),
        "channels",
        "latest: tag.min.js has other headers than release.toml says",
    ),
    "a file of no version in a channel": (
        lambda w: w.site.put("tag/latest/evil.js", b"evil()", immutable("text/javascript")),
        "channels",
        "tag/latest/evil.js is no file of the version that it says it is of (none)",
    ),
    "a channel that never served": (
        lambda w: w.site.put("tag/next/tag.min.js", b"evil()"),
        "channels",
        "tag/next/ has files of a channel that never served anything",
    ),
    "a channel that is not declared": (
        lambda w: w.site.put("tag/beta/tag.min.js", b"evil()"),
        "channels",
        "tag/beta/ is no version and no channel of release.toml",
    ),
    "a pointer of no channel": (
        lambda w: w.site.put("tag/channels/beta.json", b"{}"),
        "channels",
        "tag/channels/beta.json is the pointer of no channel that serves something",
    ),
    "an object beside all": (lambda w: w.site.put("tag/evil.js", b"evil()"), "channels", "tag/evil.js is no version"),
}


@pytest.mark.parametrize(("accident", "area", "said"), SITE.values(), ids=SITE)
def test_what_is_in_the_bucket_and_not_in_the_log_is_found(
    accident: Callable[[AuditedWorld], object], area: Area, said: str
) -> None:
    world = audited()
    accident(world)
    found = world.found("site", "channels")
    assert set(found) - {"channels"} <= {area}
    assert any(text.startswith(said) for text in found[area]), found
    assert world.audit("site", "channels").worst() is DriftError


def test_files_of_versions_before_stay_in_a_channel_for_pages_that_still_run() -> None:
    world = audited()
    assert "tag/latest/chunks/own-1.0.0.js" in world.site.bodies()
    assert world.found("channels") == {}
    flip(world.site, "tag/latest/chunks/own-1.0.0.js")
    assert "tag/latest/chunks/own-1.0.0.js is no file of the version" in world.found("channels")["channels"][0]


def cleaned() -> AuditedWorld:
    """Give a world whose channel was collected, with the delete marker that a bucket with versions then has."""
    world = AuditedWorld()
    for version in ("1.0.0", "1.1.0"):
        world.release(version, "latest")
    world.later(days=31)
    world.order_collection("latest")
    world.site_history.deleted("tag/latest/chunks/own-1.0.0.js")
    world.collect("latest")
    world.finish_collection("latest")
    return world


def test_a_file_that_was_collected_is_no_drift() -> None:
    world = cleaned()
    assert "tag/latest/chunks/own-1.0.0.js" not in world.site.bodies()
    assert world.found("channels", "progress") == {}


def test_a_file_that_is_gone_and_that_no_order_names_is_drift() -> None:
    world = audited()
    world.site_history.deleted("tag/latest/chunks/own-1.0.0.js")
    assert world.found("channels") == {
        "channels": ["tag/latest/chunks/own-1.0.0.js was deleted, and no entry of the log orders that"]
    }
    world = cleaned()
    world.site.put("tag/latest/other.js", b"")
    world.site_history.deleted("tag/latest/other.js")
    assert world.found("channels") == {
        "channels": ["tag/latest/other.js was deleted, and no entry of the log orders that"]
    }
    world.log.remove(world.config.log_layout.evidence(world.events()[-1].manifest))
    assert world.found("channels")["channels"][0].startswith("unread: ")


def test_an_order_that_nobody_carries_out_is_due_and_then_drift() -> None:
    world = AuditedWorld()
    for version in ("1.0.0", "1.1.0"):
        world.release(version, "latest")
    world.later(days=31)
    world.order_collection("latest")
    text = "latest: entry 6 orders garbage deleted, and no end of that is recorded"
    assert (world.found("progress"), text in world.soon()) == ({}, True)
    world.later(hours=2)
    assert world.found("progress") == {"progress": [text]}


def test_a_version_that_is_being_published_is_no_drift_yet() -> None:
    world = audited()
    world.publish("1.2.0")
    new = [key for key in world.site.bodies() if key.startswith("tag/1.2.0/")]
    world.site_history.times |= dict.fromkeys(new, world.clock.now())
    assert world.found("site") == {}
    assert any(text.startswith("1.2.0: a whole version of 2026-11-25") for text in world.soon())


def test_a_channel_that_is_being_moved_is_no_drift_yet() -> None:
    world = audited()
    world.release("1.2.0")
    world.authorize("latest", "1.2.0")
    assert not {"channels", "cdn"} & set(world.found())
    world.later(hours=5)
    assert {"channels", "cdn"} <= set(world.found())


def test_customers_are_none_of_a_librarys_audit() -> None:
    world = audited()
    world.site.put("tag/customers/acme/1.0.0/evil.js", b"evil()")
    assert world.found() == {}


# The public address, git, the changelog, the keys.


def test_what_the_public_address_serves_and_the_log_does_not_say_is_found() -> None:
    world = audited()
    world.public = FakePublicSite(world.pages())
    world.public.transform("/tag/latest/tag.min.js", bytes.upper, encoding="br")
    assert [text.partition(":")[0] for text in world.found()["cdn"]] == ["/tag/latest/tag.min.js (br)"]
    assert world.audit().worst() is VerificationError


def test_versions_that_no_channel_serves_are_loaded_by_a_full_audit() -> None:
    world = audited()
    world.public = FakePublicSite(world.pages())
    world.public.transform(f"/{OLD}", bytes.upper)
    assert world.found() == {}
    assert len(world.found(newest=None)["cdn"]) == 3


GIT: dict[str, tuple[Callable[[AuditedWorld], object], str]] = {
    "a tag is gone": (lambda w: w.repository.delete_tag("v1.0.0"), "1.0.0: there is no tag v1.0.0"),
    "a tag was moved": (
        lambda w: w.repository.tag("v1.0.0", w.repository.commit("fix: history", time=int(MIDNIGHT.timestamp()))),
        "1.0.0: the tag v1.0.0 is at",
    ),
    "a tag was never published": (lambda w: _tag(w, "v3.0.0"), "3.0.0: there is a tag v3.0.0 at"),
}


def _tag(world: AuditedWorld, name: str) -> None:
    world.repository.tag(name, world.repository.commit("feat: more", time=int(MIDNIGHT.timestamp())))


@pytest.mark.parametrize(("accident", "said"), GIT.values(), ids=GIT)
def test_a_tag_that_is_not_the_logs_is_found(accident: Callable[[AuditedWorld], object], said: str) -> None:
    world = audited()
    accident(world)
    (text,) = world.found()["git"]
    assert text.startswith(said)


def test_a_new_tag_may_be_on_its_way_and_an_old_one_from_before_the_log() -> None:
    world = audited()
    world.repository.tag("v0.9.0")
    world.repository.tag("v2.0.0", world.repository.commit("feat: new", time=int(world.clock.now().timestamp())))
    assert world.found("git") == {}
    assert world.soon() == ["2.0.0: its tag v2.0.0 is new, and it is not published yet"]


def test_a_shallow_clone_shows_no_tags_and_is_no_answer() -> None:
    world = audited()
    world.repository.shallow = True
    assert world.found("git")["git"][0].startswith("unread: the clone is shallow")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("- a feature", "- a better feature", "the changelog's section of 1.1.0 is not the one that was released"),
        ("## [1.1.0] - 2026-11-24", "## [1.1.0] - 2026-11-24 [YANKED]", "the changelog marks 1.1.0 as yanked"),
        ("## [1.0.0] - 2026-11-01", "## [0.9.0] - 2026-11-01", "the changelog has no section of 1.0.0"),
    ],
)
def test_a_changelog_that_says_otherwise_is_found(old: str, new: str, said: str) -> None:
    world = audited()
    text = world.project.files["CHANGELOG.md"].decode()
    assert old in text
    world.project.write("CHANGELOG.md", text.replace(old, new).encode())
    assert any(finding.startswith(said) for finding in world.found()["changelog"])
    assert world.audit().worst() is EvidenceError


def test_a_yank_that_the_changelog_does_not_tell_of_is_found() -> None:
    world = audited()
    world.yank("1.0.0")
    assert world.found()["changelog"] == ["the changelog does not mark 1.0.0 as yanked, the log yanked it"]


def test_a_changelog_that_is_gone_is_found() -> None:
    world = audited()
    world.project.clear()
    assert len(world.found()["changelog"]) == 2


def test_a_key_that_is_not_as_rendered_is_found() -> None:
    world = audited()
    world.wrong_keys = [KeyFinding(stage="publish", what="it is in the group admins", remedy="take it out")]
    assert world.found() == {"keys": ["publish: it is in the group admins; next: take it out"]}


# What cannot be looked at is not fine, and stops nothing else.


UNREAD: dict[str, tuple[Callable[[AuditedWorld], object], Area]] = {
    "the log's versions": (lambda w: setattr(w.log_history, "fails", True), "objects"),
    "the site's versions": (lambda w: setattr(w.site_history, "fails", True), "site"),
    "the keys": (lambda w: setattr(w, "wrong_keys", CredentialError("not accepted")), "keys"),
}


@pytest.mark.parametrize(("accident", "area"), UNREAD.values(), ids=UNREAD)
def test_what_cannot_be_looked_at_is_a_failure_and_all_else_is_looked_at(
    accident: Callable[[AuditedWorld], object], area: Area
) -> None:
    world = audited()
    accident(world)
    world.repository.delete_tag("v1.0.0")
    report = world.audit()
    states = {one.area: one.state for one in report.areas}
    assert len(states) == 10
    assert (states[area], states["git"]) == ("unread", "drift")
    world.repository.tag("v1.0.0", world.manifest("1.0.0").source.commit)
    assert issubclass(world.audit().worst() or StaleError, ServiceError | CredentialError)


def test_a_log_that_does_not_answer_leaves_everything_unjudged_but_the_keys() -> None:
    world = audited()
    world.log.break_at(Fault(nth=1, when="before", error=ServiceError("no answer")))
    report = world.audit()
    assert {area.area: area.state for area in report.areas if area.state != "unread"} == {"keys": "ok"}
    assert report.worst() is ServiceError


def test_everything_wrong_is_found_in_one_run_and_the_gravest_ends_it() -> None:
    world = audited()
    for accident, _, _ in (SITE["a file is gone"], SITE["a channel's file is another"], SITE["an unlogged version"]):
        accident(world)
    world.repository.delete_tag("v1.0.0")
    world.log_history.written_over(ENTRY)
    report = world.audit()
    assert [a.area for a in report.areas if a.state == "drift"] == ["objects", "site", "channels", "git"]
    assert report.worst() is TamperedError


def test_what_is_due_soon_fails_only_a_strict_audit() -> None:
    world = audited()
    world.repository.tag("v2.0.0", world.repository.commit("feat: new", time=int(world.clock.now().timestamp())))
    report = world.audit()
    assert report.worst() is None
    assert report.worst(strict=True) is DriftError


def test_the_log_is_always_audited_with_what_is_held_against_it() -> None:
    world = audited()
    assert [area.area for area in world.audit("git").areas] == ["log", "git"]
    assert [area.area for area in world.audit("keys").areas] == ["keys"]


def test_so_many_findings_that_nobody_reads_them_are_counted_and_not_kept() -> None:
    world = audited()
    for number in range(1100):
        world.site.put(f"tag/1.0.0/evil-{number}.js", b"evil()")
    (site,) = (area for area in world.audit("site").areas if area.area == "site")
    assert (len(site.findings), site.left_out) == (1000, 100)
