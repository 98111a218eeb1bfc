"""What every ObjectHistory must tell: the fake that the other tests rely on, and S3History against moto and Ceph."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from release.adapters.s3 import S3Store
from release.adapters.s3_history import S3History
from release.core.audit.versions import by_key, is_hidden
from release.core.layout import ObjectHeaders
from release.errors import NotFoundError
from release.ports import ObjectHistory
from tests.fakes.ceph import CephGateway
from tests.fakes.moto_server import moto_server
from tests.fakes.object_history import FakeHistory
from tests.fakes.object_store import InMemoryObjectStore
from tests.functional.s3_calls import put

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JS = ObjectHeaders(content_type="text/javascript", cache_control="no-store")
KEYS = ("tag/1.0.0/a.js", "tag/1.0.0/b.js", "tag/1.0.0-rc.1/a.js", "tag/latest/a.js", "tag/robots.txt")


@dataclass(frozen=True, kw_only=True)
class World:
    """A bucket that keeps versions, with an object of five bytes at each of KEYS."""

    history: ObjectHistory
    write_over: Callable[[str], object]
    delete: Callable[[str], object]


def fake_world() -> World:
    store = InMemoryObjectStore()
    for key in KEYS:
        store.put(key, b"bytes", JS)
    history = FakeHistory(store)
    return World(history=history, write_over=history.written_over, delete=history.deleted)


def s3_world(client: "S3Client") -> World:
    bucket = f"site-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return _filled(client, bucket)


def ceph_world(client: "S3Client") -> World:
    bucket = f"site-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket)
    return _filled(client, bucket)


def _filled(client: "S3Client", bucket: str) -> World:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = S3Store(client, bucket=bucket, stage="test")
    for key in KEYS:
        store.create(key, b"bytes", JS)
    return World(
        history=S3History(client, bucket=bucket, stage="test", page=2),
        write_over=lambda key: put(client, bucket, key, b"other"),
        delete=lambda key: client.delete_object(Bucket=bucket, Key=key),
    )


@pytest.fixture(
    params=[
        "fake",
        pytest.param("moto", marks=pytest.mark.moto),
        pytest.param("ceph", marks=[pytest.mark.rgw, pytest.mark.xdist_group("rgw")]),
    ]
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
    elif request.param == "moto":
        from release.adapters.embedded.corrections import corrected_moto  # noqa: PLC0415 - loads moto

        with corrected_moto(), moto_server() as moto, closing(moto.clients().s3()) as client:
            yield s3_world(client)
    else:
        ceph: CephGateway = request.getfixturevalue("ceph")
        with closing(ceph.clients(ceph.administrator).s3()) as client:
            yield ceph_world(client)


def seen(world: World, prefix: str) -> dict[str, tuple[int, int, bool]]:
    """Give how many versions and how many markers each key has, and whether it reads as absent."""
    return {
        key: (sum(not v.is_marker for v in found), sum(v.is_marker for v in found), is_hidden(found))
        for key, found in by_key(world.history.versions(prefix))
    }


def test_each_object_has_one_version_with_its_size_and_time(world: World) -> None:
    found = list(world.history.versions("tag/"))
    assert [version.key for version in found] == sorted(KEYS)
    assert {(version.size, version.is_marker, version.is_latest) for version in found} == {(5, False, True)}
    assert all(version.modified.utcoffset() == dt.timedelta(0) for version in found)


def test_all_versions_of_a_key_come_together_over_the_ends_of_pages(world: World) -> None:
    for _ in range(3):
        world.write_over("tag/1.0.0/a.js")
    world.delete("tag/1.0.0/b.js")
    assert seen(world, "tag/1.0.0") == {
        "tag/1.0.0-rc.1/a.js": (1, 0, False),
        "tag/1.0.0/a.js": (4, 0, False),
        "tag/1.0.0/b.js": (1, 1, True),
    }


def test_a_folder_shows_names_and_nothing_below_them(world: World) -> None:
    found = list(world.history.folder("tag/"))
    assert sorted(item for item in found if isinstance(item, str)) == ["1.0.0-rc.1/", "1.0.0/", "latest/"]
    assert [item.key for item in found if not isinstance(item, str)] == ["tag/robots.txt"]


def test_an_empty_prefix_has_nothing(world: World) -> None:
    assert list(world.history.versions("tag/2")) == []
    assert list(world.history.folder("other/")) == []


def test_what_was_never_locked_has_no_lock(world: World) -> None:
    assert world.history.lock("tag/latest/a.js") is None


@pytest.mark.rgw
@pytest.mark.xdist_group("rgw")
def test_a_lock_says_its_mode_and_end(ceph: CephGateway) -> None:
    bucket = f"log-{uuid.uuid4().hex}"
    with closing(ceph.clients(ceph.administrator).s3()) as client:
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        history = S3History(client, bucket=bucket, stage="test")
        S3Store(client, bucket=bucket, stage="test").create("unlocked", b"bytes", JS)
        assert history.lock("unlocked") is None
        until = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=2)
        put(client, bucket, "locked", b"bytes", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)
        lock = history.lock("locked")
        assert lock is not None
        assert (lock.mode, abs((lock.until - until).total_seconds()) < 2) == ("GOVERNANCE", True)


@pytest.mark.rgw
@pytest.mark.xdist_group("rgw")
def test_a_bucket_that_is_not_there_is_no_empty_one(ceph: CephGateway) -> None:
    with closing(ceph.clients(ceph.administrator).s3()) as client:
        history = S3History(client, bucket=f"no-{uuid.uuid4().hex}", stage="test")
        with pytest.raises(NotFoundError):
            list(history.versions("tag/"))
