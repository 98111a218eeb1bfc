"""CloudTrail's files in their bucket: the account's, the period's, and few requests to find them."""

from datetime import UTC, datetime
from typing import Final

import pytest

from release.effects.trail import PAGE, TrailBucket
from release.errors import IntegrityError
from tests.fakes.object_store import InMemoryObjectStore

ACCOUNT: Final = "111122223333"
ORGANISATION: Final = "AWSLogs/o-exampleorgid/"


def name(day: str, number: int = 0, *, region: str = "eu-west-1", account: str = ACCOUNT, top: str = "AWSLogs/") -> str:
    compact = day.replace("/", "")
    file = f"{account}_CloudTrail_{region}_{compact}T0805Z_{number:016d}.json.gz"
    return f"{top}{account}/CloudTrail/{region}/{day}/{file}"


def bucket(*keys: str) -> InMemoryObjectStore:
    store = InMemoryObjectStore()
    for key in keys:
        store.put(key, key.encode())
    return store


def trail(store: InMemoryObjectStore, *, prefix: str = "AWSLogs/", since: str = "2026-11-24") -> TrailBucket:
    start = datetime.fromisoformat(since).replace(tzinfo=UTC)
    until = datetime(2026, 11, 24, 20, tzinfo=UTC)
    times = {"since": int(start.timestamp()), "until": int(until.timestamp())}
    return TrailBucket(store, prefix=prefix, account=ACCOUNT, **times)


@pytest.mark.parametrize(
    ("top", "prefix"),
    [
        ("AWSLogs/", "AWSLogs/"),
        ("AWSLogs/", ""),
        (ORGANISATION, "AWSLogs/"),
        (ORGANISATION, ORGANISATION),
        (f"audit/2026/{ORGANISATION}", "audit/2026/"),
        (f"audit/2026/{ORGANISATION}", "audit/2026/AWSLogs/"),
        (f"audit/2026/{ORGANISATION}", ""),
        (ORGANISATION, f"{ORGANISATION}{ACCOUNT}/"),
    ],
)
def test_the_accounts_files_of_the_period_and_the_day_after_in_every_region(top: str, prefix: str) -> None:
    days = ("2026/11/23", "2026/11/24", "2026/11/25", "2026/11/26")
    regions = ("eu-west-1", "us-east-1")
    own = [name(day, region=region, top=top) for region in regions for day in days]
    others = [name("2026/11/24", account=account, top=top) for account in ("000000000001", "999999999999")]
    digest = f"{top}{ACCOUNT}/CloudTrail-Digest/eu-west-1/2026/11/24/digest.json.gz"
    config = f"{top}{ACCOUNT}/Config/eu-west-1/2026/11/24/config.json.gz"
    store = bucket(*own, *others, digest, config, "access-logs/2026-11-24", "zebra")
    expected = [key for key in own if "/11/24/" in key or "/11/25/" in key]
    assert list(trail(store, prefix=prefix).names()) == expected


def test_what_was_written_in_years_and_by_others_costs_no_requests() -> None:
    days = [f"2026/{month:02d}/{day:02d}" for month in range(1, 12) for day in range(1, 29)]
    others = [
        name(day, account=f"{n:012d}", region=region, top=ORGANISATION)
        for n in range(20)
        for region in ("eu-west-1", "us-east-1")
        for day in days[:50]
    ]
    own = [name(day, n, top=ORGANISATION) for day in days for n in range(3)]
    store = bucket(*others, *own)
    assert len(list(trail(store).names())) == 6
    assert store.calls["keys"] < 40


def test_a_day_of_many_files_is_read_to_its_end() -> None:
    many = [name("2026/11/24", n) for n in range(PAGE + 1)]
    assert list(trail(bucket(*many)).names()) == many


def test_an_empty_bucket_has_no_files() -> None:
    assert list(trail(bucket()).names()) == []


def test_a_file_is_given_whole_and_one_that_went_away_is_said() -> None:
    key = name("2026/11/24")
    files = trail(bucket(key))
    assert b"".join(files.chunks(key)) == key.encode()
    with pytest.raises(IntegrityError, match="is gone"):
        list(files.chunks(name("2026/11/24", 7)))
