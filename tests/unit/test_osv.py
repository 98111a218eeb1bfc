import json
from typing import Any

import pytest

from release.core.osv import affecting
from release.errors import FormatError


def record(*ranges: list[dict[str, str]], versions: list[str] | None = None, withdrawn: str = "") -> bytes:
    affected: dict[str, Any] = {"package": {"ecosystem": "npm", "name": "left-pad"}}
    if ranges:
        affected["ranges"] = [{"type": "SEMVER", "events": events} for events in ranges]
    if versions:
        affected["versions"] = versions
    whole = {"id": "GHSA-1", "summary": "pads evil", "affected": [affected], "withdrawn": withdrawn}
    return json.dumps(whole).encode()


def affected(body: bytes, *versions: str) -> list[str]:
    return [one.version for one in affecting(body, {"left-pad": set(versions)}, name="x.json")]


def test_a_range_begins_with_introduced_and_ends_before_fixed() -> None:
    body = record([{"introduced": "1.0.0"}, {"fixed": "1.2.0"}])
    assert affected(body, "0.9.9", "1.0.0", "1.1.9", "1.2.0-rc.1", "1.2.0") == ["1.0.0", "1.1.9", "1.2.0-rc.1"]


def test_zero_is_before_all_versions_and_a_range_may_be_open() -> None:
    assert affected(record([{"introduced": "0"}]), "0.0.0-0", "99.0.0") == ["0.0.0-0", "99.0.0"]


def test_last_affected_is_affected() -> None:
    assert affected(record([{"introduced": "0"}, {"last_affected": "1.0.0"}]), "1.0.0", "1.0.1") == ["1.0.0"]


def test_a_range_may_have_gaps_and_events_any_order() -> None:
    body = record([{"fixed": "3.1.0"}, {"introduced": "3.0.0"}, {"fixed": "1.5.0"}, {"introduced": "1.0.0"}])
    assert affected(body, "1.4.0", "2.0.0", "3.0.5", "3.1.0") == ["1.4.0", "3.0.5"]


def test_listed_versions_and_records_without_any_are_believed() -> None:
    assert affected(record(versions=["1.0.0"]), "1.0.0", "1.0.1") == ["1.0.0"]
    assert affected(record(), "1.0.0") == ["1.0.0"]


def test_a_version_that_is_no_semver_is_affected() -> None:
    assert affected(record([{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]), "file:../x") == ["file:../x"]


def test_withdrawn_records_and_other_packages_say_nothing() -> None:
    assert affected(record([{"introduced": "0"}], withdrawn="2026-01-01T00:00:00Z"), "1.0.0") == []
    assert affecting(record([{"introduced": "0"}]), {"right-pad": {"1.0.0"}}, name="x.json") == []
    other = record([{"introduced": "0"}]).replace(b'"npm"', b'"PyPI"')
    assert affected(other, "1.0.0") == []


def test_the_least_fix_above_the_version_is_named() -> None:
    body = record([{"introduced": "1.0.0"}, {"fixed": "1.5.0"}], [{"introduced": "2.0.0"}, {"fixed": "2.1.0"}])
    (found,) = affecting(body, {"left-pad": {"1.1.0"}}, name="x.json")
    assert (found.id_, found.package, found.summary, found.fixed) == ("GHSA-1", "left-pad", "pads evil", "1.5.0")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"3",
        b"{",
        b'{"id": "x"}',
        b'{"affected": [{}]}',
        b"[" * 100_000,
        b"\xff",
        b'{"id":"x","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"fixed":"one"}]}]}]}',
    ],
    ids=["empty", "list", "number", "half", "bare", "nameless", "deep", "binary", "no version"],
)
def test_what_is_no_record_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError, match="is no OSV record"):
        affected(body, "1.0.0")
