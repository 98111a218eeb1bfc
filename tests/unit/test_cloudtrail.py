"""CloudTrail's files: whatever is in them, whole or damaged, in memory that does not grow with them."""

import gzip
import itertools
import json
import re
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.cloudtrail import LARGEST_RECORD, Flaw, Record, read
from tests.fakes.cloudtrail import at, clean_day, config

DAY: Final = clean_day(config())[0]
ONE: Final = DAY.records[0]
WHOLE: Final = json.dumps({"Records": DAY.records}).encode()
PACKED: Final = gzip.compress(WHOLE, mtime=0)


def pieces(body: bytes, size: int = 777) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def items(body: bytes, size: int = 777) -> list[Record | Flaw]:
    return list(read(pieces(body, size)))


def of(*records: object) -> bytes:
    return json.dumps({"Records": records}).encode()


def changed(**fields: object) -> dict[str, Any]:
    return {**ONE, **fields}


@pytest.mark.parametrize("size", [1, 2, 777, 10**6])
@pytest.mark.parametrize("body", [WHOLE, PACKED], ids=["plain", "gzip"])
def test_every_record_is_read_however_the_bytes_come(body: bytes, size: int) -> None:
    found = items(body, size)
    assert len(found) == len(DAY.records)
    assert [record.event for record in found if isinstance(record, Record)] == [one["eventID"] for one in DAY.records]


def test_a_record_has_what_is_judged_by() -> None:
    taken, put = items(of(DAY.records[0], DAY.records[7]))
    assert isinstance(taken, Record)
    assert isinstance(put, Record)
    assert (taken.service, taken.name, taken.kind) == ("sts", "AssumeRoleWithWebIdentity", "WebIdentityUser")
    assert (taken.caller, taken.user) == ("", "project_path:acme/tag:ref_type:tag:ref:v1.4.2")
    assert put.caller == "arn:aws:sts::111122223333:assumed-role/tag-publish/release-11-101"
    assert put.issuer == "arn:aws:iam::111122223333:role/release/tag/tag-publish"
    assert (put.name, put.parameter("prefix", "key"), put.error) == ("PutObject", "tag/1.4.2/tag.min.js", "")
    assert put.at == int(at("08:00:03").timestamp())


def test_white_space_and_an_empty_list_and_two_gzip_members_are_fine() -> None:
    assert items(b' {\n"Records"\t: [\r\n ] } \n') == []
    assert len(items(gzip.compress(WHOLE[:500]) + gzip.compress(WHOLE[500:]))) == len(DAY.records)


@pytest.mark.parametrize(
    ("body", "place", "why"),
    [
        (b"", "the file", "cut off"),
        (b"\x1f", "the file", "UTF-8|where"),
        (b"\x1f\x8b", "the file", "no end"),
        (b"[]", "the file", "'\\[' where '{'"),
        (b"null", "the file", "where '{'"),
        (b'{"awsAccountId": "1", "digestStartTime": ""}', "the file", "name Records"),
        (b'{"Records": {}}', "the file", "where '\\['"),
        (b'{"Records": [', "Records[0]", "no JSON|cut off"),
        (b'{"Records": []', "the file", "cut off"),
        (b'{"Records": []} {"Records": []}', "the file", "follows its end"),
        (b'{"Records": [], "Records": []}', "the file", "','"),
        (of(ONE).replace(b"]}", b"}"), "the file", "'}' where ']'"),
        (b'{"Records": [NaN]}', "Records[0]", "NaN is no JSON"),
        (b'{"Records": [{"a": 1, "a": 2}]}', "Records[0]", "a name is there twice"),
        (b'{"Records": [{"a": "\xff"}]}', "Records[0]|the file", "UTF-8"),
        (b'{"Records": [' + b"[" * 200_000, "Records[0]", "nested too deeply"),
        (b'{"Records": [' + b'{"a":' * 200_000, "Records[0]", "nested too deeply"),
        (b'{"Records": ["' + b"x" * 3 * LARGEST_RECORD + b'"]}', "Records[0]", "longer than 1,048,576"),
        (b'{"Records": ["' + b"x" * (LARGEST_RECORD + 9) + b'"]}', "Records[0]", "longer than 1,048,576"),
        (b'{"Records": ["' + b"x" * 3 * LARGEST_RECORD, "Records[0]", "longer than 1,048,576"),
        (b'{"Records": [' + b"9" * 5000 + b"]}", "Records[0]", "no JSON"),
        (PACKED[:-20], "the file|Records.*", "no end|cut off"),
        (PACKED[:200] + b"\0" * 40 + PACKED[240:], "the file|Records.*", "gzip"),
        (PACKED + b"\0" * 512, "the file|Records.*", "gzip"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_a_damaged_file_is_one_flaw_with_its_place(body: bytes, place: str, why: str) -> None:
    found = items(body)
    flaws = [item for item in found if isinstance(item, Flaw)]
    assert flaws == found[-1:]
    assert re.fullmatch(place.replace("[", r"\[").replace("]", r"\]"), flaws[0].place)
    assert re.search(why, flaws[0].why), flaws[0].why


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (1, "no object"),
        ([], "no object"),
        (None, "no object"),
        ({}, "no userIdentity"),
        (changed(userIdentity=None), "no userIdentity"),
        (changed(userIdentity="root"), "userIdentity is no object"),
        (changed(userIdentity={"arn": 7}), "arn is no text"),
        (changed(userIdentity={"sessionContext": []}), "sessionContext is no object"),
        (changed(eventTime=""), "no eventTime"),
        (changed(eventTime="2026-13-24T08:00:00Z"), "is no time"),
        (changed(eventTime="2026-11-24T08:00:00"), "is no time"),
        (changed(eventTime=1795507200), "eventTime is no text"),
        (changed(eventName=None), "no eventName"),
        (changed(eventSource=["s3"]), "eventSource is no text"),
        (changed(eventID=None), "no eventID"),
        (changed(requestParameters="a"), "requestParameters is no object"),
        (changed(errorCode={}), "errorCode is no text"),
    ],
)
def test_a_record_that_is_no_event_is_a_flaw_and_the_next_is_read(record: object, why: str) -> None:
    (before, flaw, after) = items(of(ONE, record, ONE))
    assert isinstance(flaw, Flaw)
    assert flaw.place == "Records[1]"
    assert why in flaw.why
    assert isinstance(before, Record)
    assert before == after


def test_what_aws_may_leave_out_is_empty() -> None:
    (record,) = items(
        of({name: ONE[name] for name in ("userIdentity", "eventTime", "eventSource", "eventName", "eventID")})
    )
    assert isinstance(record, Record)
    assert (record.address, record.error, record.parameters, record.issuer) == ("", "", {}, "")


def test_a_gzip_bomb_is_put_out_early() -> None:
    bomb = gzip.compress(b'{"Records": [' + b" " * 64 * 1024 * 1024)
    (flaw,), peak = measured(lambda: read([bomb], limit=8 * 1024 * 1024))
    assert isinstance(flaw, Flaw)
    assert "more than 8,388,608 bytes" in flaw.why
    assert peak < 8 * 1024 * 1024


def test_a_large_file_needs_no_more_memory_than_a_small_one() -> None:
    def file(megabytes: int) -> Iterator[bytes]:
        record = json.dumps(ONE).encode() + b","
        block = record * (256 * 1024 // len(record))
        yield b'{"Records": ['
        yield from itertools.repeat(block, megabytes * 1024 * 1024 // len(block))
        yield json.dumps(ONE).encode() + b"]}"

    def peak(megabytes: int) -> int:
        return measured(lambda: (item for item in read(file(megabytes)) if isinstance(item, Flaw)))[1]

    small, large = peak(6), peak(24)
    assert large < small * 1.1
    assert large < 16 * 1024 * 1024


@given(st.binary(max_size=400))
def test_no_bytes_at_all_make_it_fail(body: bytes) -> None:
    items(body)
    items(b'{"Records": [' + body)
    items(gzip.compress(body))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_in_the_place_of_a_field_makes_it_fail(value: object) -> None:
    for name in ("userIdentity", "eventTime", "requestParameters", "sourceIPAddress"):
        items(of(changed(**{name: value})))


def measured(work: Callable[[], Iterable[Record | Flaw]]) -> tuple[list[Record | Flaw], int]:
    """Give what came out and the most memory that was in use meanwhile."""
    tracemalloc.start()
    try:
        return list(work()), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
