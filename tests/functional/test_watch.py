"""release keys watch, by its command line: from files, and from a bucket with the audit key."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from release.core.config import parse
from tests.fakes import log_files
from tests.fakes.cloudtrail import DAY, Logbook, Trail, clean_day, packed, user
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import Account, account
from tests.functional.library import Library

KEYS: Final = """
[keys]
source-ips = ["198.51.100.0/24"]

[keys.gitlab]
url = "https://gitlab.example.com"
project = "acme/tag"
"""
TRAIL: Final = '\n[keys.trail]\nbucket = "trail"\n'


class Offline:
    """A clean day on disk."""

    def __init__(self, library: Library, run: Run) -> None:
        self._run = run
        self.folder = library.folder
        library.write("release.toml", (library.folder / "release.toml").read_text() + KEYS)
        self.config = parse((library.folder / "release.toml").read_bytes())
        self.trail: Trail
        self.log: Logbook
        self.trail, self.log = clean_day(self.config)

    def watch(self, *options: str, records: bytes | None = None) -> Ended:
        (self.folder / "trail").mkdir(exist_ok=True)
        (self.folder / "trail/day.json.gz").write_bytes(self.trail.file() if records is None else records)
        for key, body in self.log.objects(self.config.log_layout).items():
            (self.folder / "log" / key).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "log" / key).write_bytes(body)
        return self._run("keys", "watch", "trail", *options)


@pytest.fixture
def offline(library: Library, run: Run) -> Offline:
    return Offline(library, run)


@pytest.mark.parametrize("log", ["log", "log/tag"])
def test_a_clean_day_from_files_needs_no_key_and_no_network(offline: Offline, log: str) -> None:
    ended = offline.watch("--log-folder", log)
    assert (ended.code, ended.err) == (0, "")
    assert "records of 1 files, 2026-11-24T08:00:00Z to " in ended.out


def test_findings_are_grouped_by_key_and_end_with_15(offline: Offline) -> None:
    who = offline.trail.stage("publish", "release-99-1")
    for n in range(3):
        offline.trail.put(f"12:00:0{n}", who, "site", f"tag/1.4.2/evil{n}.js", address="203.0.113.9")
    offline.trail.call("13:00:00", user("Jane\x1b[31mDoe"), "PutBucketPolicy", bucketName="release-log")
    ended = offline.watch("--log-folder", "log")
    assert ended.code == 15
    lines = ended.out.splitlines()
    assert lines[0].endswith(":user/Jane\\u001b[31mDoe")
    assert lines[1] == "  guarded: PutBucketPolicy of the log bucket"
    place = lines.index("publish")
    assert lines[place + 1].startswith(
        "  address: used from 203.0.113.9, which [keys] source-ips does not allow (3 times)"
    )
    assert "    such as: site/tag/1.4.2/evil0.js" in lines
    assert "\x1b" not in ended.out
    assert "do not agree: 3 findings" in ended.err


def test_json_says_the_same_for_machines(offline: Offline) -> None:
    offline.trail.put("12:00:00", offline.trail.stage("publish", "release-99-1"), "site", "tag/1.4.2/evil.js")
    ended = offline.watch("--log-folder", "log", "--json")
    assert ended.code == 15
    report = json.loads(ended.out)
    assert [(finding["kind"], finding["key"], finding["count"]) for finding in report["findings"]] == [
        ("pipeline", "publish", 1)
    ]
    assert report["files"] == 1
    assert report["addresses"] is True
    assert json.loads(ended.err.splitlines()[-1])["error"] == "DriftError"


@pytest.mark.parametrize(
    ("records", "where"),
    [
        (b"", "the file: it is cut off"),
        (gzip.compress(b'{"Records": [], "x', mtime=0)[:-9], "the file: "),
        (b'{"Records": [{"eventID": "1"}]}', "Records[0]: it has no userIdentity"),
    ],
)
def test_a_damaged_file_is_a_finding_with_its_place(offline: Offline, records: bytes, where: str) -> None:
    ended = offline.watch("--log-folder", "log", records=records)
    assert ended.code == 15
    assert f"trail/day.json.gz\n  damaged: {where}" in ended.out


def test_a_period_with_nothing_in_it_is_no_success(offline: Offline) -> None:
    for options in (("--since", "2026-11-25"), ("--until", "2026-11-23T00:00:00Z")):
        assert offline.watch("--log-folder", "log", *options).code == 5


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "yesterday"),
        ("--since", "2026-11-24", "--until", "2026-11-23"),
        ("--account", "12"),
        ("--account", "999999999999"),
    ],
)
def test_a_wrong_option_is_said(offline: Offline, options: tuple[str, ...]) -> None:
    assert offline.watch("--log-folder", "log", *options).code == 3


def test_a_folder_that_is_not_there(offline: Offline, run: Run) -> None:
    assert offline.watch("--log-folder", "none").code == 10
    assert run("keys", "watch", "none", "--log-folder", "log").code == 10
    assert run("keys", "watch", "--log-folder", "log").code == 3  # release.toml has no [keys.trail]


def test_a_log_that_was_tampered_with_ends_the_watch(offline: Offline) -> None:
    offline.log.bodies[1] = log_files.edited(offline.log.bodies[1], reason="another")
    assert offline.watch("--log-folder", "log").code == 14


# From a bucket


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    library.write("release.toml", (library.folder / "release.toml").read_text() + TRAIL)
    with account(library, run, tmp_path / "keys") as opened:
        opened.endpoint |= {"CI_PIPELINE_ID": "11", "CI_JOB_ID": "101"}
        opened.aws.session().client("s3", endpoint_url=opened.aws.endpoint).create_bucket(
            Bucket="trail", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield opened


def what_happened(tag: Account) -> Trail:
    """Give CloudTrail's records of all that is in the buckets, as it would have written them."""
    config = parse((tag.library.folder / "release.toml").read_bytes())
    trail = Trail(config)
    s3 = tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)
    for bucket in ("site", "release-log"):
        for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
            key, since = found["Key"], found["LastModified"] - DAY
            clock = f"{since.days * 24 + since.seconds // 3600}:{since.seconds // 60 % 60}:{since.seconds % 60}"
            source: dict[str, Any] = {}
            stage = "record" if bucket == "release-log" else "publish"
            if key.startswith("tag/channels/"):
                index = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())["logIndex"]
                stage, source = "promote", {"x-amz-copy-source": f"release-log/tag/pointers/{index:012d}.json"}
            elif key.startswith(("tag/latest/", "tag/v1/")):
                stage, source = "promote", {"x-amz-copy-source": f"site/tag/1.0.0/{key.rpartition('/')[2]}"}
            name = "CopyObject" if source else "PutObject"
            trail.call(clock, trail.stage(stage), name, bucketName=bucket, key=key, **source)
    return trail


def deliver(tag: Account, records: list[dict[str, Any]], name: str) -> None:
    key = f"AWSLogs/o-exampleorgid/123456789012/CloudTrail/eu-west-1/{datetime.now(UTC):%Y/%m/%d}/{name}.json.gz"
    s3 = tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)
    s3.put_object(Bucket="trail", Key=key, Body=packed(records))


@pytest.mark.moto
def test_the_audit_key_reads_trail_and_log_and_no_other_key_does(tag: Account) -> None:
    tag.pipeline("1.0.0", "window.tag = 1;\n")
    assert tag.as_("audit", "keys watch").code == 5
    happened = what_happened(tag)
    deliver(tag, happened.records, "first")
    clean = tag.as_("audit", "keys watch --json")
    assert clean.code == 0, clean
    assert json.loads(clean.out)["judged"] == len(happened.records)
    thief = happened.put("0:0:0", happened.stage("publish"), "site", "tag/latest/tag.min.js")
    deliver(tag, [{**thief, "eventTime": happened.records[0]["eventTime"]}], "second")
    stolen = tag.as_("audit", "keys watch --json")
    assert stolen.code == 15
    (finding,) = json.loads(stolen.out)["findings"]
    assert (finding["kind"], finding["key"], finding["example"]) == ("stage", "publish", "site/tag/latest/tag.min.js")
    for stage in ("publish", "record", "promote", "invalidate"):
        assert tag.as_(stage, "keys watch").code == 9
