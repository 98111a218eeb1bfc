"""Watching: a clean day gives nothing, and each thing a thief or an administrator does gives its finding."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from release.core.entry import ROTATED, TRUST_CHANGED, TrustReference
from release.core.evidence import Evidence
from release.core.findings import MOST
from release.core.log_keys import LogKeys
from release.core.manifest import digest
from release.core.succession import Intent
from release.core.watch import Limits
from release.effects.slots import Slots
from release.errors import NothingToDoError
from release.stages import watch as stage
from tests.fakes import cloudtrail, examples
from tests.fakes.cloudtrail import InMemoryTrail, Json, Logbook, Trail, at, clean_day, packed, user
from tests.fakes.object_store import InMemoryObjectStore

if TYPE_CHECKING:
    from datetime import datetime

THIEF: Final = "203.0.113.9"
EVENING: Final = at("20:00:00")
ADMIN: Final = user("JaneDoe")
YANKED: Final = Intent(action="version.yanked", version="1.0.0", manifest=digest(b"1.0.0"), reason="bad")
ANY_POLICY: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
OUR_ARN: Final = "arn:aws:iam::111122223333:"


class Day:
    """A clean day, to which a test adds what it is about."""

    def __init__(self, kind: str = "roles", *, source_ips: Sequence[str] = ("198.51.100.0/24",)) -> None:
        self.config = cloudtrail.config(kind, source_ips=source_ips)
        self.trail, self.log = clean_day(self.config)
        self.limits = Limits()
        self.now = EVENING
        self.since: datetime | None = at("00:00:00")

    def report(self, files: Mapping[str, bytes] | None = None) -> stage.Report:
        store = InMemoryObjectStore()
        for key, body in self.log.objects(self.config.log_layout).items():
            store.put(key, body)
        since = None if self.since is None else int(self.since.timestamp())
        period = stage.Period(since=since, until=int(self.now.timestamp()), now=int(self.now.timestamp()))
        trail = InMemoryTrail({"day.json.gz": self.trail.file()} if files is None else files)
        slots = Slots(store=store, layout=self.config.log_layout, keys=LogKeys(current=examples.SIGNER.key))
        return stage.run(self.config, self.trail.owned, slots, trail, period, self.limits)

    def found(self) -> list[tuple[str, str]]:
        return [(finding.kind, finding.key) for finding in self.report().findings]


KINDS: Final = pytest.mark.parametrize("kind", ["roles", "users"])


@KINDS
def test_a_clean_day_gives_nothing(kind: str) -> None:
    report = Day(kind).report()
    assert report.findings == ()
    assert (report.files, report.open) == (1, 0)
    assert report.records == len(Day(kind).trail.records)
    assert 10 < report.judged < report.records


@KINDS
def test_the_order_of_files_and_a_second_delivery_change_nothing(kind: str) -> None:
    day = Day(kind)
    day.trail.put("12:00:00", day.trail.stage("publish", "release-99-1"), "site", "tag/1.4.3/tag.min.js")
    once = day.report().findings
    halves = {f"{n}.json.gz": packed(day.trail.records[n::2]) for n in (1, 0)}
    twice = day.report({**halves, "again.json.gz": packed(day.trail.records)}).findings
    assert len(once) == 1
    assert [replace(finding, file="") for finding in twice] == [replace(finding, file="") for finding in once]


# Our keys


@KINDS
def test_a_write_from_another_address(kind: str) -> None:
    day = Day(kind)
    day.trail.put("08:00:05", day.trail.stage("publish"), "site", "tag/1.4.2/evil.js", address=THIEF)
    assert ("address", "publish") in day.found()


def test_even_a_read_or_a_refused_call_from_another_address() -> None:
    day = Day()
    day.trail.call(
        "10:00:00",
        day.trail.stage("audit", "release-12-1"),
        "GetObject",
        address=THIEF,
        error="AccessDenied",
        bucketName="release-log",
        key="tag/seq/000000000000",
    )
    assert day.found() == [("address", "audit")]


def test_addresses_of_both_families_are_understood() -> None:
    day = Day(source_ips=("198.51.100.0/24", "2001:db8:1::/48"))
    who = day.trail.stage("audit", "release-12-1")
    slot = {"bucketName": "release-log", "key": "tag/seq/000000000000"}
    day.trail.call("10:00:00", who, "GetObject", address="2001:db8:1::7", **slot)
    assert day.found() == []
    day.trail.call("11:00:00", who, "GetObject", address="2001:db8:2::7", **slot)
    assert day.found() == [("address", "audit")]


def test_without_source_ips_addresses_are_not_judged_and_the_report_says_so() -> None:
    day = Day(source_ips=())
    day.trail.put("08:00:05", day.trail.stage("publish"), "site", "tag/1.4.2/more.js", address=THIEF)
    report = day.report()
    assert [finding.kind for finding in report.findings] == ["two-places"]
    assert report.addresses is False


def test_an_aws_service_that_calls_with_our_key_is_named_but_for_kms() -> None:
    day = Day()
    who = day.trail.stage("publish") | {"invokedBy": "athena.amazonaws.com"}
    day.trail.call("08:00:05", who, "GenerateDataKey", service="kms", address="AWS Internal")
    assert day.found() == []
    day.trail.call(
        "08:00:05",
        who,
        "GetObject",
        address="athena.amazonaws.com",
        bucketName="site",
        key="tag/1.4.2/tag.min.js",
    )
    (finding,) = day.report().findings
    assert (finding.kind, finding.key) == ("address", "publish")
    assert "athena.amazonaws.com" in finding.what


@KINDS
@pytest.mark.parametrize(
    ("name", "call"),
    [
        (
            "CopyObject",
            {"bucketName": "site", "key": "tag/latest/tag.min.js", "x-amz-copy-source": "site/tag/1.4.2/a.js"},
        ),
        ("PutObject", {"bucketName": "release-log", "key": "tag/seq/000000000003"}),
        ("DeleteObject", {"bucketName": "site", "key": "tag/1.4.2/tag.min.js"}),
        ("PutObject", {"bucketName": "site", "key": "other/1.0.0/a.js"}),
        ("CreateMultipartUpload", {"bucketName": "site", "key": "tag/1.4.2/tag.min.js"}),
        ("GetObject", {"bucketName": "release-log", "key": "tag/seq/000000000000"}),
        ("ListObjects", {"bucketName": "release-log", "prefix": "tag/"}),
        ("PutBucketPolicy", {"bucketName": "site"}),
        ("ListBuckets", {}),
    ],
)
@pytest.mark.parametrize("error", [None, "AccessDenied"])
def test_a_stolen_key_in_another_stage_whether_it_got_through_or_not(
    kind: str, name: str, call: Json, error: str | None
) -> None:
    day = Day(kind)
    day.trail.call("08:01:00", day.trail.stage("publish"), name, error=error, **call)
    (finding,) = [one for one in day.report().findings if one.key == "publish"]
    assert finding.kind == "stage"
    assert finding.what.startswith(name)
    assert ("refused" in finding.what) is (error is not None)


@pytest.mark.parametrize("source", ["elsewhere/evil.js", "site/other/1.0.0/a.js", "site/tag/next/a.js", ""])
def test_promote_may_fill_a_channel_from_published_files_only(source: str) -> None:
    day = Day()
    day.trail.copy("08:15:02", day.trail.stage("promote", "release-11-104"), source, "tag/latest/evil.js")
    assert day.found() == [("stage", "promote")]


def test_a_channel_may_not_get_files_of_a_version_that_was_not_authorised_for_it() -> None:
    day = Day()
    who = day.trail.stage("promote", "release-11-104")
    day.trail.copy("08:15:02", who, "/site/tag%2F1.0.0/tag.min.js?versionId=x", "tag/latest/tag.min.js")
    day.trail.copy("08:15:03", who, "release-log/tag/pointers/000000000001.json", "tag/channels/next.json")
    (files, pointer) = day.report().findings
    assert files.what == "CopyObject of a channel's file: no entry of pipeline 11 is about it"
    assert pointer.what == "CopyObject of a channel's pointer: no entry of pipeline 11 is about it"


def test_one_job_has_one_stage() -> None:
    day = Day()
    day.trail.call(
        "08:01:00",
        day.trail.stage("promote", "release-11-101"),
        "GetObject",
        bucketName="site",
        key="tag/1.4.2/manifest.json",
    )
    (finding,) = day.report().findings
    assert finding.kind == "stage"
    assert "job 101 of pipeline 11" in finding.what


# Outside a pipeline


def test_a_pipeline_that_is_not_in_the_log() -> None:
    day = Day()
    for n in range(1, 4):
        day.trail.put(f"12:00:0{n}", day.trail.stage("publish", "release-99-1"), "site", f"tag/1.4.3/{n}.js")
    (finding,) = day.report().findings
    assert (finding.kind, finding.key, finding.count) == ("pipeline", "publish", 3)
    assert finding.what == "PutObject of a version's file: pipeline 99 is not in the release log"
    assert finding.example == "site/tag/1.4.3/1.js"
    assert (finding.first, finding.last) == ("2026-11-24T12:00:01Z", "2026-11-24T12:00:03Z")
    assert finding.event


def test_an_old_pipelines_name_does_not_help_the_thief() -> None:
    day = Day()
    day.trail.put("14:00:00", day.trail.stage("publish", "release-11-1"), "site", "tag/1.4.2/evil.js")
    (finding,) = day.report().findings
    assert finding.what.endswith("the log has nothing of pipeline 11 within 120 minutes")


@KINDS
def test_after_its_entry_nothing_is_published_any_more(kind: str) -> None:
    day = Day(kind)
    day.trail.put("08:12:00", day.trail.stage("publish", "release-11-101"), "site", "tag/1.4.2/evil.js")
    assert day.found() == [("pipeline", "publish")]


@KINDS
def test_after_its_outcome_no_channel_moves_any_more_and_before_it_was_authorised_neither(kind: str) -> None:
    day = Day(kind)
    who = day.trail.stage("promote", "release-11-104")
    for clock in ("07:58:00", "08:30:00"):
        day.trail.copy(clock, who, "site/tag/1.4.2/tag.min.js", "tag/latest/tag.min.js")
        day.trail.copy(clock, who, "release-log/tag/pointers/000000000001.json", "tag/channels/latest.json")
    assert [(finding.kind, finding.count) for finding in day.report().findings] == [("pipeline", 2)] * 2


@KINDS
def test_a_delete_needs_an_order_of_that_channel(kind: str) -> None:
    """What promotes explains no delete, and what orders one explains no promotion."""
    day, channel = Day(kind), {"bucketName": "site", "key": "tag/latest/chunks/old.js"}
    who = day.trail.stage("collect", "release-11-110")
    listed = Evidence(kind="collection", media_type="application/json", sha256="c" * 64)
    order = Intent(action="collect.ordered", version="", manifest="c" * 64, channel="latest", evidence=(listed,))
    day.log.add("12:00:00", replace(order, looked_at=day.log.tail.state.channels["latest"]), job="109")
    day.log.add("12:20:00", replace(order, action="collect.finished", outcome_of=3, evidence=()), job="112")
    recorder = {job: day.trail.stage("record", f"release-11-{job}") for job in ("109", "112")}
    day.trail.put("12:00:00", recorder["109"], "release-log", f"tag/evidence/sha256/{'c' * 64}")
    day.trail.put("12:00:01", recorder["109"], "release-log", "tag/seq/000000000003")
    day.trail.put("12:20:01", recorder["112"], "release-log", "tag/seq/000000000004")
    day.trail.call("12:10:00", who, "DeleteObject", **channel)
    assert day.found() == []
    day.trail.call("08:15:30", who, "DeleteObject", **channel)
    day.trail.call("12:30:00", who, "DeleteObject", **channel)
    day.trail.call("12:11:00", who, "DeleteObject", **channel | {"key": "tag/next/chunks/old.js"})
    promoter = day.trail.stage("promote", "release-11-104")
    day.trail.copy("12:12:00", promoter, "site/tag/1.4.2/tag.min.js", "tag/latest/tag.min.js")
    day.trail.copy("12:12:00", promoter, "release-log/tag/pointers/000000000001.json", "tag/channels/latest.json")
    day.trail.call("12:13:00", who, "DeleteObject", bucketName="site", key="tag/1.4.2/tag.min.js")
    found = {(finding.kind, finding.key, finding.count) for finding in day.report().findings}
    assert found >= {("pipeline", "collect", 3), ("stage", "collect", 1), ("pipeline", "promote", 1)}


def test_a_version_that_its_pipeline_did_not_publish() -> None:
    day = Day()
    day.trail.put("08:00:09", day.trail.stage("publish", "release-11-101"), "site", "tag/1.4.3/evil.js")
    assert day.found() == [("pipeline", "publish")]


@KINDS
def test_a_purge_by_no_pipeline(kind: str) -> None:
    day = Day(kind)
    who, purged = day.trail.stage("invalidate", "release-99-1"), "E2EXAMPLE12345"
    day.trail.call("14:00:00", who, "CreateInvalidation", service="cloudfront", distributionId=purged)
    assert day.found() == [("pipeline", "invalidate")]


@KINDS
@pytest.mark.parametrize(
    ("clock", "key"), [("08:14:00", "seq/000000000002"), ("07:59:00", "pointers/000000000001.json")]
)
def test_an_entry_and_its_pointer_are_written_when_it_says(kind: str, clock: str, key: str) -> None:
    day = Day(kind)
    who = day.trail.stage("record", "release-11-107" if "seq" in key else "release-11-102")
    day.trail.put(clock, who, "release-log", f"tag/{key}")
    assert day.found() == [("pipeline", "record")]


def test_a_channel_may_not_get_the_pointer_of_another() -> None:
    day = Day()
    other = Intent(action="promote.authorized", version="1.4.2", manifest=digest(b"1.4.2"), channel="v1")
    day.log.add("08:20:02", other, job="107")
    day.trail.put("08:20:02", day.trail.stage("record", "release-11-107"), "release-log", "tag/seq/000000000003")
    pointer = "release-log/tag/pointers/000000000003.json"
    who = day.trail.stage("promote", "release-11-104")
    day.trail.copy("08:20:03", who, pointer, "tag/channels/v1.json")
    assert day.found() == []
    day.trail.copy("08:16:03", who, pointer, "tag/channels/latest.json")
    assert day.found() == [("pipeline", "promote")]


def test_evidence_that_no_entry_refers_to() -> None:
    day = Day()
    day.trail.put(
        "08:05:00", day.trail.stage("record", "release-11-102"), "release-log", f"tag/evidence/sha256/{'0' * 64}"
    )
    assert day.found() == [("pipeline", "record")]


TREE: Final = ("tile/0/000.p/3", "tile/entries/000.p/3", "checkpoints/000000000003", "checkpoint")


@KINDS
@pytest.mark.parametrize("key", TREE)
def test_the_tree_of_the_log_grows_with_its_entries_and_by_the_record_key_only(kind: str, key: str) -> None:
    day = Day(kind)
    day.trail.put("08:15:00", day.trail.stage("record", "release-11-107"), "release-log", f"tag/{key}")
    assert day.found() == []
    day.trail.put("13:00:00", day.trail.stage("record", "release-11-107"), "release-log", f"tag/{key}")
    assert day.found() == [("pipeline", "record")]
    other = Day(kind)
    other.trail.put("08:15:00", other.trail.stage("promote", "release-11-104"), "release-log", f"tag/{key}")
    assert ("stage", "promote") in other.found()


@pytest.mark.parametrize("session", ["botocore-session-1732436400", "release-11", "release-11-101-2", "release-x-y"])
def test_a_session_that_is_no_jobs(session: str) -> None:
    day = Day()
    day.trail.put("08:00:05", day.trail.stage("publish", session), "site", "tag/1.4.2/more.js")
    assert day.found() == [("pipeline", "publish")]


def test_a_users_write_with_no_job_near_in_time() -> None:
    day = Day("users")
    day.trail.put("08:01:00", day.trail.stage("publish"), "site", "tag/1.4.2/more.js")
    assert day.found() == []
    day.trail.put("13:00:00", day.trail.stage("publish"), "site", "tag/1.4.2/evil.js")
    (finding,) = day.report().findings
    assert finding.what == "PutObject of a version's file: the log has nothing of any job within 120 minutes"


def test_an_entry_is_written_by_the_job_that_it_names() -> None:
    day = Day()
    day.log.add("10:00:00", YANKED)
    day.trail.put("10:00:00", day.trail.stage("record", "release-11-666"), "release-log", "tag/seq/000000000003")
    (finding,) = day.report().findings
    assert (finding.kind, finding.key) == ("pipeline", "record")


@KINDS
def test_a_person_at_a_terminal_is_no_pipeline(kind: str) -> None:
    day = Day(kind)
    day.log.add("18:00:00", YANKED, pipeline=None, job=None)
    day.trail.put("18:00:00", day.trail.stage("record", "yank"), "release-log", "tag/seq/000000000003")
    day.now = at("23:00:00")
    assert day.found() == [("pipeline", "record")]


def test_a_write_whose_entry_may_still_come_is_left_open_and_judged_later() -> None:
    day = Day()
    day.now = at("12:10:00")
    day.trail.put("12:00:00", day.trail.stage("publish", "release-12-1"), "site", "tag/1.4.3/tag.min.js")
    early = day.report()
    assert (early.findings, early.open) == ((), 1)
    day.now = at("14:00:01")
    late = day.report()
    assert ([finding.kind for finding in late.findings], late.open) == (["pipeline"], 0)


def test_a_promotion_that_waited_for_days_is_explained_by_its_outcome() -> None:
    day = Day()
    manifest = digest(b"1.4.2")
    promoted = Intent(action="promote.authorized", version="1.4.2", manifest=manifest, channel="v1")
    day.log.add("08:21:00", promoted, pipeline="12", job="201")
    day.trail.put("08:21:00", day.trail.stage("record", "release-12-201"), "release-log", "tag/seq/000000000003")
    ended = replace(promoted, action="promote.completed", outcome_of=3)
    day.log.add("18:00:00", ended, pipeline="12", job="205")
    who = day.trail.stage("promote", "release-12-203")
    day.trail.copy("17:50:00", who, "site/tag/1.4.2/tag.min.js", "tag/v1/tag.min.js")
    day.trail.copy("17:50:01", who, "release-log/tag/pointers/000000000003.json", "tag/channels/v1.json")
    day.trail.put("18:00:00", day.trail.stage("record", "release-12-205"), "release-log", "tag/seq/000000000004")
    assert day.found() == []


# Roles and identities


def test_a_role_is_taken_by_jobs_of_our_project_only() -> None:
    day = Day()
    day.trail.takes("10:00:00", "promote", "release-12-1", ref="tag:ref:v1.4.2")
    assert day.found() == []
    taken = day.trail.takes("10:00:00", "promote", "release-12-1")
    taken["userIdentity"]["userName"] = "project_path:acme/tag-evil:ref_type:tag:ref:v1"
    day.trail.takes("10:00:01", "record", "mine")
    day.trail.takes("10:00:02", "publish", "release-12-3", address=THIEF)
    day.trail.call(
        "10:00:03",
        ADMIN,
        "AssumeRole",
        service="sts",
        roleArn=day.trail.owned.arn("invalidate"),
        roleSessionName="release-11-105",
    )
    assert day.found() == [
        ("pipeline", "invalidate"),
        ("pipeline", "promote"),
        ("address", "publish"),
        ("pipeline", "record"),
    ]


def test_the_same_role_of_another_library_is_none_of_ours() -> None:
    day = Day()
    other = day.trail.takes("10:00:00", "promote", "anything", address=THIEF)
    other["requestParameters"]["roleArn"] = "arn:aws:iam::111122223333:role/release/other/other-promote"
    assert day.found() == []


@KINDS
def test_an_identity_below_our_path_that_is_no_stages(kind: str) -> None:
    day = Day(kind)
    day.trail.call("10:00:00", user("tag-helper", path="/release/tag/"), "ListBuckets")
    left_over = user("tag-publish", path="/release/tag/")
    day.trail.put("10:00:00", left_over, "site", "tag/1.4.2/evil.js")
    expected = ("identity", left_over["arn"]) if kind == "roles" else ("pipeline", "publish")
    assert set(day.found()) == {("identity", "arn:aws:iam::111122223333:user/release/tag/tag-helper"), expected}


# Two places, and bursts


@KINDS
def test_one_key_from_two_places_at_once(kind: str) -> None:
    day = Day(kind)
    who = day.trail.stage("audit", "release-12-1")
    slot = {"bucketName": "release-log", "key": "tag/seq/000000000000"}
    day.trail.call("10:00:00", who, "GetObject", **slot)
    day.trail.call("10:05:00", who, "GetObject", address="198.51.100.8", **slot)
    assert day.found() == []
    day.trail.call("10:04:30", who, "GetObject", **slot)
    (finding,) = day.report().findings
    assert (finding.kind, finding.key) == ("two-places", "audit")
    assert finding.what == "one key used from 198.51.100.7 and 198.51.100.8 within 30 s"
    day.limits = Limits(together=10)
    assert day.found() == []


def test_two_jobs_of_one_role_are_two_keys() -> None:
    day = Day()
    for job, address in (("1", "198.51.100.7"), ("2", "198.51.100.8")):
        day.trail.call(
            "10:00:00",
            day.trail.stage("audit", f"release-12-{job}"),
            "GetObject",
            address=address,
            bucketName="release-log",
            key="tag/seq/000000000000",
        )
    assert day.found() == []


@pytest.mark.parametrize(("calls", "seconds_apart", "burst"), [(9, 1, False), (10, 1, True), (30, 40, False)])
def test_a_burst_of_refusals(calls: int, seconds_apart: int, burst: bool) -> None:
    day = Day()
    for n in range(calls):
        clock = f"10:{n * seconds_apart // 60:02d}:{n * seconds_apart % 60:02d}"
        day.trail.takes(clock, "publish", "release-12-1", error="AccessDenied")
    found = [finding for finding in day.report().findings if finding.kind == "refusals"]
    assert [finding.key for finding in found] == (["publish"] if burst else [])
    assert all("refused 10 times within 300 s" in finding.what for finding in found)


def test_a_strangers_refusals_count_too_and_a_stages_own_looks_for_what_is_not_there_do_not() -> None:
    day = Day()
    for n in range(20):
        there = {"bucketName": "site", "key": f"tag/1.4.2/{n}.js", "error": "AccessDenied"}
        day.trail.call(f"08:00:{n + 5:02d}", day.trail.stage("publish", "release-11-101"), "HeadObject", **there)
    assert day.found() == []
    for n in range(20):
        day.trail.call(
            f"08:00:{n + 5:02d}", ADMIN, "GetObject", bucketName="release-log", key=f"tag/{n}", error="AccessDenied"
        )
    assert day.found() == [("refusals", ADMIN["arn"])]


# What is guarded


@pytest.mark.parametrize(
    ("service", "name", "parameters"),
    [
        ("s3", "PutBucketPolicy", {"bucketName": "site"}),
        ("s3", "DeleteBucketPolicy", {"bucketName": "release-log"}),
        ("s3", "PutBucketVersioning", {"bucketName": "release-log", "VersioningConfiguration": {}}),
        ("s3", "PutBucketObjectLockConfiguration", {"bucketName": "release-log"}),
        ("s3", "PutBucketPolicy", {"bucketName": "trail"}),
        ("s3", "DeleteObject", {"bucketName": "site", "key": "tag/1.4.2/tag.min.js"}),
        ("s3", "DeleteObject", {"bucketName": "release-log", "key": "tag/seq/000000000000", "versionId": "3/L4"}),
        ("s3", "DeleteObjects", {"bucketName": "site"}),
        ("s3", "DeleteObject", {"bucketName": "trail", "key": "AWSLogs/1.json.gz"}),
        ("s3", "PutObjectRetention", {"bucketName": "release-log", "key": "tag/seq/000000000000"}),
        ("s3", "PutObject", {"bucketName": "site", "key": "tag/latest/tag.min.js"}),
        ("s3", "PutObject", {"bucketName": "site", "key": "tag/robots.txt"}),
        ("iam", "PutUserPolicy", {"userName": "tag-publish", "policyName": "more"}),
        ("iam", "AttachUserPolicy", {"userName": "tag-publish", "policyArn": ANY_POLICY}),
        ("iam", "CreateAccessKey", {"userName": "tag-publish"}),
        ("iam", "UpdateAssumeRolePolicy", {"roleName": "tag-promote"}),
        ("iam", "CreateUser", {"userName": "helper", "path": "/release/tag/"}),
        ("iam", "CreatePolicyVersion", {"policyArn": f"{OUR_ARN}policy/release/tag/tag-boundary"}),
        (
            "iam",
            "DeleteOpenIDConnectProvider",
            {"openIDConnectProviderArn": f"{OUR_ARN}oidc-provider/gitlab.example.com"},
        ),
        ("cloudtrail", "StopLogging", {"name": "trail-1"}),
        ("cloudtrail", "DeleteTrail", {"name": "trail-1"}),
        ("cloudtrail", "PutEventSelectors", {"trailName": "trail-1"}),
        ("cloudfront", "UpdateDistribution", {"id": "E2EXAMPLE12345"}),
        ("cloudfront", "CreateInvalidation", {"distributionId": "E2EXAMPLE12345"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(str(part)[-12:] for part in value.values()),
)
def test_a_change_of_what_is_guarded_is_reported_whoever_makes_it(service: str, name: str, parameters: Json) -> None:
    day = Day()
    day.trail.call("10:00:00", ADMIN, name, service=service, address=THIEF, **parameters)
    (finding,) = day.report().findings
    assert (finding.kind, finding.key) == ("guarded", ADMIN["arn"])
    assert finding.what.startswith(f"{name} of ")


@pytest.mark.parametrize(
    ("service", "name", "parameters"),
    [
        ("s3", "PutBucketPolicy", {"bucketName": "another"}),
        ("s3", "DeleteObject", {"bucketName": "site", "key": "other/1.0.0/a.js"}),
        ("s3", "PutObject", {"bucketName": "site", "key": "tag/customers/acme/1.0.0/a.js"}),
        ("s3", "GetBucketPolicy", {"bucketName": "site"}),
        ("iam", "CreateAccessKey", {"userName": "JaneDoe"}),
        ("iam", "CreateUser", {"userName": "tag-manager"}),
        ("cloudtrail", "LookupEvents", {}),
        ("cloudfront", "CreateInvalidation", {"distributionId": "EANOTHER"}),
    ],
)
def test_what_is_not_ours_is_nobodys_business_here(service: str, name: str, parameters: Json) -> None:
    day = Day()
    day.trail.call("10:00:00", ADMIN, name, service=service, **parameters)
    assert day.found() == []


def test_somebody_of_another_account_and_somebody_without_a_key_are_named_by_what_is_known() -> None:
    day = Day()
    for account in ("777788889999", "ANONYMOUS_PRINCIPAL"):
        who = {"type": "AWSAccount", "principalId": "", "accountId": account}
        day.trail.put("10:00:00", who, "site", "tag/latest/tag.min.js", error="AccessDenied")
    assert day.found() == [("guarded", "AWSAccount 777788889999"), ("guarded", "AWSAccount ANONYMOUS_PRINCIPAL")]


def test_who_provisions_may_make_keys_and_nothing_else() -> None:
    day = Day("users")
    installer = user("tag-provision", path="/admins/")
    day.trail.call("10:00:00", installer, "CreateAccessKey", service="iam", userName="tag-publish")
    assert day.found() == []
    day.trail.call("10:00:01", installer, "PutBucketPolicy", bucketName="site")
    assert day.found() == [("guarded", installer["arn"])]


def test_a_rotation_that_no_entry_tells_of() -> None:
    day = Day("users")
    day.trail.call("10:00:00", day.trail.stage("rotate"), "CreateAccessKey", service="iam", userName="tag-publish")
    day.trail.call("10:00:01", day.trail.stage("rotate"), "CreateAccessKey", service="iam", userName="tag-rotate")
    assert [(finding.kind, finding.key) for finding in day.report().findings] == [
        ("pipeline", "rotate"),
        ("stage", "rotate"),
    ]


def test_a_rotation_that_the_log_tells_of_is_explained() -> None:
    day = Day("users")
    day.trail.call("10:00:00", day.trail.stage("rotate"), "CreateAccessKey", service="iam", userName="tag-publish")
    document = Evidence(kind="rotation", media_type="application/json", sha256="d" * 64)
    day.log.add("10:00:05", Intent(action=ROTATED, version="", manifest=document.sha256, evidence=(document,)))
    recorder = day.trail.stage("record")
    day.trail.put("10:00:04", recorder, "release-log", f"tag/evidence/sha256/{document.sha256}")
    day.trail.put("10:00:05", recorder, "release-log", "tag/seq/000000000003")
    assert day.found() == []


def change_of_trust(day: Day, *, put_up: str = "10:00:00", by: Json = ADMIN) -> None:
    day.trail.put(put_up, by, "release-log", "tag/trust/0.json")
    epoch = Evidence(kind="trust", media_type="application/json", sha256="d" * 64)
    named = TrustReference(epoch=0, sha256=epoch.sha256)
    day.log.add(
        "10:05:00",
        Intent(action=TRUST_CHANGED, version="", manifest=epoch.sha256, evidence=(epoch,), trust=named),
    )
    recorder = day.trail.stage("record", "release-11-102")
    day.trail.put("10:04:59", recorder, "release-log", f"tag/evidence/sha256/{epoch.sha256}")
    day.trail.put("10:05:00", recorder, "release-log", "tag/seq/000000000003")


@KINDS
def test_a_trust_epoch_that_the_log_announces_is_explained(kind: str) -> None:
    day = Day(kind)
    change_of_trust(day)
    assert day.found() == []


@KINDS
def test_a_trust_epoch_is_unexplained_if_put_up_by_a_stage_over_an_announced_one_or_never_announced(kind: str) -> None:
    for key, put_up, who in (("trust/0.json", "12:00:00", ADMIN), ("trust/1.json", "09:00:00", ADMIN)):
        day = Day(kind)
        change_of_trust(day)
        day.trail.put(put_up, who, "release-log", f"tag/{key}")
        (finding,) = day.report().findings
        assert (finding.kind, finding.key) == ("guarded", ADMIN["arn"])
        assert finding.what == "PutObject of a trust epoch, which no log entry announces"
    day = Day(kind)
    change_of_trust(day, by=day.trail.stage("record", "release-11-102"))
    assert day.found() == [("stage", "record")]


def test_a_trust_epoch_that_may_still_be_announced_is_left_open() -> None:
    day = Day()
    day.trail.put("19:50:00", ADMIN, "release-log", "tag/trust/0.json")
    report = day.report()
    assert (report.findings, report.open) == ((), 1)


# The other direction


@KINDS
def test_what_is_logged_and_was_not_seen(kind: str) -> None:
    day = Day(kind)
    lost = {"tag/seq/000000000001", "tag/1.4.2/manifest.json", "tag/channels/latest.json"}
    kept = [one for one in day.trail.records if (one["requestParameters"] or {}).get("key") not in lost]
    findings = day.report({"day.json.gz": packed(kept)}).findings
    assert [(finding.kind, finding.what) for finding in findings] == [
        ("unseen", "entry 0 (publish.completed): nobody was seen to write the manifest of 1.4.2 in CloudTrail"),
        ("unseen", "entry 1 (promote.authorized): nobody was seen to write it in CloudTrail"),
        ("unseen", "entry 2 (promote.completed): nobody was seen to move the pointer of latest in CloudTrail"),
    ]


def test_a_write_that_failed_is_not_one_that_was_seen() -> None:
    day = Day()
    for record in day.trail.records:
        if record["requestParameters"] and record["requestParameters"].get("key") == "tag/seq/000000000001":
            record["errorCode"] = "PreconditionFailed"
    assert day.found() == [("unseen", "release log")]


def test_what_cloudtrail_may_still_deliver_is_not_demanded_yet() -> None:
    day = Day()
    day.log.add("19:50:00", YANKED)
    assert day.found() == []
    day.now = at("20:05:01")
    assert day.found() == [("unseen", "release log")]


def test_only_what_lies_in_the_period_is_demanded() -> None:
    day = Day()
    day.since = at("08:10:00")
    late = [one for one in day.trail.records if one["eventTime"] >= "2026-11-24T08:10:00Z"]
    assert day.report({"day.json.gz": packed(late)}).findings == ()
    day.since = None
    assert day.report({"day.json.gz": packed(late)}).findings == ()


def test_only_the_end_of_a_long_log_is_read() -> None:
    day = Day()
    old = Logbook()
    for n in range(450):
        old.add(
            f"00:00:{n % 60:02d}", Intent(action="publish.completed", version=f"1.0.{n}", manifest=digest(b"%d" % n))
        )
    store = InMemoryObjectStore()
    for key, body in old.objects(day.config.log_layout).items():
        store.put(key, body)
    slots = Slots(store=store, layout=day.config.log_layout, keys=LogKeys(current=examples.SIGNER.key))
    assert len(stage.events(slots, None)) == 450
    before = store.calls["read"]
    assert [event.index for event in stage.events(slots, int(EVENING.timestamp()))] == list(range(350, 450))
    assert store.calls["read"] - before < 110


# Nothing, and too much


@pytest.mark.parametrize("files", [{}, {"a.json": b'{"Records": []}'}])
def test_nothing_read_is_no_success(files: Mapping[str, bytes]) -> None:
    with pytest.raises(NothingToDoError):
        Day().report(files)


def test_records_of_another_period_are_nothing_read() -> None:
    day = Day()
    day.since = at("19:00:00")
    with pytest.raises(NothingToDoError, match="none of 1 files"):
        day.report()


def test_findings_beyond_what_anybody_reads_are_counted() -> None:
    day = Day()
    for n in range(MOST + 5):
        day.trail.put("10:00:00", user(f"u{n}"), "site", "tag/latest/tag.min.js")
    report = day.report()
    assert (len(report.findings), report.left_out) == (MOST, 5)


def test_names_that_a_caller_chose_are_cut_short() -> None:
    day = Day()
    day.trail.call("10:00:00", user("x" * 5000), "PutObject" + "y" * 5000, bucketName="site", key="tag/" + "z" * 5000)
    (finding,) = day.report().findings
    assert max(len(text) for text in (finding.key, finding.what, finding.example)) <= 400


def test_a_trail_of_a_customers_variant_is_judged_by_its_own_names() -> None:
    config = cloudtrail.config()
    config = replace(config, site=replace(config.site, customer="acme"))
    assert Trail(config).owned.arn("publish").endswith(":role/release/tag@acme/tag@acme-publish")
    day = Day()
    day.config = config
    day.trail = Trail(config)
    day.log = Logbook()
    day.trail.put("10:00:00", day.trail.stage("publish", "release-9-1"), "site", "tag/customers/acme/1.0.0/a.js")
    day.trail.put("10:00:00", day.trail.stage("publish", "release-9-1"), "site", "tag/1.0.0/a.js")
    assert day.found() == [("pipeline", "publish"), ("stage", "publish")]
