"""What every ObjectStore must do: the fake that the other tests rely on, and S3Store against moto and Ceph."""

import hashlib
import multiprocessing
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from release.adapters.s3 import S3Store
from release.core.layout import ObjectHeaders
from release.errors import IntegrityError, NotFoundError, PermissionDenied, ServiceError
from release.ports import ObjectInfo, ObjectStore
from tests.fakes.ceph import CephGateway
from tests.fakes.moto_server import Moto, moto_server
from tests.fakes.object_store import Fault, InMemoryObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JS = ObjectHeaders(
    content_type="text/javascript; charset=utf-8",
    cache_control="public, max-age=31536000, immutable",
    metadata={"version": "1.4.2", "commit": "0123abc"},
)
SHORT = ObjectHeaders(
    content_type="application/json", cache_control="public, max-age=60", metadata={"version": "1.4.3"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A bucket: `store` may do everything, `restricted` gives a key with some actions below some prefix."""

    store: ObjectStore
    restricted: Callable[[Sequence[tuple[str, str]]], AbstractContextManager[ObjectStore]]
    keeps_checksums: bool = True


def fake_world() -> World:
    store = InMemoryObjectStore()

    def restricted(rights: Sequence[tuple[str, str]]) -> AbstractContextManager[ObjectStore]:
        def denied(action: str, key: str) -> bool:
            return not any(action == allowed and key.startswith(prefix) for allowed, prefix in rights)

        return nullcontext(store.with_key(denied))

    return World(store=store, restricted=restricted)


def moto_world(moto: Moto, client: "S3Client") -> World:
    bucket = f"site-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    @contextmanager
    def restricted(rights: Sequence[tuple[str, str]]) -> Iterator[ObjectStore]:
        # moto decides about a listing by the bucket alone: it knows no s3:prefix condition.
        statements = [
            (action, f"arn:aws:s3:::{bucket}" if action == "s3:ListBucket" else f"arn:aws:s3:::{bucket}/{prefix}*")
            for action, prefix in rights
        ]
        with moto.key(statements, name=f"user-{uuid.uuid4().hex}") as environment:
            own = moto.clients(environment=environment).s3()
            try:
                yield S3Store(own, bucket=bucket, stage="test")
            finally:
                own.close()

    return World(store=S3Store(client, bucket=bucket, stage="test"), restricted=restricted)


def ceph_world(ceph: CephGateway, client: "S3Client") -> World:
    bucket = f"site-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket)

    @contextmanager
    def restricted(rights: Sequence[tuple[str, str]]) -> Iterator[ObjectStore]:
        allowed = [
            {
                "Effect": "Allow",
                "Action": action,
                "Resource": f"arn:aws:s3:::{bucket}" + ("" if action == "s3:ListBucket" else f"/{prefix}*"),
            }
            for action, prefix in rights
        ]
        policy = {"Version": "2012-10-17", "Statement": allowed} if allowed else None
        with closing(ceph.clients(ceph.add_user(f"user-{uuid.uuid4().hex}", policy)).s3()) as own:
            yield S3Store(own, bucket=bucket, stage="test")

    # This gateway takes x-amz-checksum-sha256, compares nothing with it and does not keep it.
    return World(store=S3Store(client, bucket=bucket, stage="test"), restricted=restricted, keeps_checksums=False)


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with moto_server() as server:
        yield server


@pytest.fixture(scope="module")
def admin(moto: Moto) -> Iterator["S3Client"]:
    client = moto.clients().s3()
    yield client
    client.close()


@pytest.fixture(scope="module")
def ceph_owner(ceph: CephGateway) -> Iterator["S3Client"]:
    with closing(ceph.clients(ceph.administrator).s3()) as client:
        yield client


CEPH = (pytest.mark.rgw, pytest.mark.xdist_group("rgw"))


@pytest.fixture(params=["fake", pytest.param("ceph", marks=CEPH)])
def strict_world(request: pytest.FixtureRequest) -> World:
    """Every world but moto's, which is too lax for what some tests are about."""
    if request.param == "ceph":
        return ceph_world(request.getfixturevalue("ceph"), request.getfixturevalue("ceph_owner"))
    return fake_world()


@pytest.fixture(params=["fake", pytest.param("moto", marks=pytest.mark.moto), pytest.param("ceph", marks=CEPH)])
def world(request: pytest.FixtureRequest) -> World:
    match request.param:
        case "moto":
            return moto_world(request.getfixturevalue("moto"), request.getfixturevalue("admin"))
        case "ceph":
            return ceph_world(request.getfixturevalue("ceph"), request.getfixturevalue("ceph_owner"))
        case _:
            return fake_world()


@pytest.fixture
def store(world: World) -> ObjectStore:
    return world.store


def test_what_was_created_is_read_back_with_its_headers_and_digest(world: World) -> None:
    store = world.store
    assert store.create("tag/1.4.2/tag.min.js", b"let a=1", JS)
    found = store.read("tag/1.4.2/tag.min.js", limit=1000)
    assert found is not None
    assert found.body == b"let a=1"
    assert found.info.headers == JS
    assert found.info.size == 7
    assert found.info.sha256 == (hashlib.sha256(b"let a=1").hexdigest() if world.keeps_checksums else None)


def test_describe_says_the_same_as_read(store: ObjectStore) -> None:
    store.create("tag/1.4.2/tag.min.js", b"let a=1", JS)
    found = store.read("tag/1.4.2/tag.min.js", limit=7)
    assert found is not None
    assert store.describe("tag/1.4.2/tag.min.js") == found.info


def test_an_absent_key_is_none(store: ObjectStore) -> None:
    store.create("tag/1.4.2/tag.min.js.map", b"{}", JS)
    assert store.describe("tag/1.4.2/tag.min.js") is None
    assert store.read("tag/1.4.2/tag.min.js", limit=10) is None


def test_creating_twice_keeps_the_first_bytes_and_headers(store: ObjectStore) -> None:
    assert store.create("k", b"first", JS)
    assert not store.create("k", b"second", SHORT)
    found = store.read("k", limit=100)
    assert found is not None
    assert (found.body, found.info.headers) == (b"first", JS)


@pytest.mark.parametrize("body", [b"", b"\0\xff\r\n", bytes(range(256)) * 4096])
def test_any_bytes_survive(store: ObjectStore, body: bytes) -> None:
    assert store.create("k", body, JS)
    found = store.read("k", limit=len(body))
    assert found is not None
    assert found.body == body


def test_reading_more_than_allowed_is_refused(store: ObjectStore) -> None:
    store.create("k", b"12345", JS)
    with pytest.raises(IntegrityError) as refused:
        store.read("k", limit=4)
    assert refused.value.evidence == {"limit": "4", "found": "5"}


def test_replace_with_the_present_etag_swaps(store: ObjectStore) -> None:
    store.create("channels/latest.json", b"one", SHORT)
    info = store.describe("channels/latest.json")
    assert info is not None
    assert store.replace("channels/latest.json", b"two", JS, etag=info.etag)
    found = store.read("channels/latest.json", limit=10)
    assert found is not None
    assert (found.body, found.info.headers) == (b"two", JS)
    assert found.info.etag != info.etag


def test_replace_with_an_old_etag_loses_and_changes_nothing(store: ObjectStore) -> None:
    store.create("k", b"one", SHORT)
    old = store.describe("k")
    assert old is not None
    assert store.replace("k", b"two", SHORT, etag=old.etag)
    assert not store.replace("k", b"three", SHORT, etag=old.etag)
    found = store.read("k", limit=10)
    assert found is not None
    assert found.body == b"two"


def test_replace_of_an_absence_wins_once(store: ObjectStore) -> None:
    assert store.replace("k", b"one", SHORT, etag=None)
    assert not store.replace("k", b"two", SHORT, etag=None)
    found = store.read("k", limit=10)
    assert found is not None
    assert found.body == b"one"


def test_replace_of_a_key_that_is_gone_loses(store: ObjectStore) -> None:
    store.create("other", b"one", SHORT)
    info = store.describe("other")
    assert info is not None
    assert not store.replace("gone", b"two", SHORT, etag=info.etag)
    assert store.describe("gone") is None


def test_copy_keeps_the_bytes_and_replaces_the_headers(store: ObjectStore) -> None:
    store.create("tag/1.4.2/a.js", b"let a=1", JS)
    source = store.describe("tag/1.4.2/a.js")
    assert source is not None
    assert store.copy(source, "tag/latest/a.js", SHORT, replacing=None) == hashlib.sha256(b"let a=1").hexdigest()
    copied = store.read("tag/latest/a.js", limit=100)
    assert copied is not None
    assert (copied.body, copied.info.headers) == (b"let a=1", SHORT)
    assert copied.info.sha256 == source.sha256
    assert store.describe("tag/1.4.2/a.js") == source


def test_copy_overwrites_its_target(store: ObjectStore) -> None:
    store.create("new", b"new", JS)
    store.create("target", b"old", JS)
    source, there = store.describe("new"), store.describe("target")
    assert source is not None
    assert there is not None
    assert store.copy(source, "target", SHORT, replacing=there.etag) is not None
    found = store.read("target", limit=100)
    assert found is not None
    assert found.body == b"new"


def test_a_copy_over_another_object_than_expected_loses() -> None:
    """Only on the fake: moto and Ceph ignore conditions on a copy's target; S3's answer is in test_aws_faults."""
    store = InMemoryObjectStore()
    store.create("new", b"new", JS)
    store.create("target", b"old", JS)
    source = store.describe("new")
    assert source is not None
    assert store.copy(source, "target", SHORT, replacing=None) is None
    assert store.copy(source, "target", SHORT, replacing='"another"') is None
    assert store.copy(source, "absent", SHORT, replacing='"another"') is None
    assert store.bodies() == {"new": b"new", "target": b"old"}


def test_copy_of_a_source_that_is_gone_is_refused(store: ObjectStore) -> None:
    store.create("here", b"one", JS)
    info = store.describe("here")
    assert info is not None
    gone = replace(info, key="gone")
    with pytest.raises(IntegrityError):
        store.copy(gone, "target", SHORT, replacing=None)
    assert store.describe("target") is None


def test_an_object_is_deleted_if_it_is_still_the_one_that_was_looked_at(store: ObjectStore) -> None:
    store.create("tag/latest/a.js", b"let a=1", JS)
    store.create("tag/latest/a.js.map", b"{}", JS)
    found = store.describe("tag/latest/a.js")
    assert found is not None
    assert store.delete("tag/latest/a.js", etag=found.etag)
    assert store.describe("tag/latest/a.js") is None
    assert list(store.keys("tag/")) == ["tag/latest/a.js.map"]
    assert store.delete("tag/latest/a.js", etag=found.etag), "what is gone is gone"


def test_another_object_than_was_looked_at_is_not_deleted(store: ObjectStore) -> None:
    store.create("k", b"one", JS)
    old = store.describe("k")
    assert old is not None
    assert store.replace("k", b"two", JS, etag=old.etag)
    assert not store.delete("k", etag=old.etag)
    found = store.read("k", limit=10)
    assert found is not None
    assert found.body == b"two"


def test_a_key_deletes_below_its_own_prefix_only(world: World) -> None:
    for key in ("tag/latest/a.js", "tag/1.4.2/a.js"):
        world.store.create(key, b"", JS)
    found = world.store.describe("tag/latest/a.js")
    assert found is not None
    rights = [("s3:GetObject", ""), ("s3:ListBucket", ""), ("s3:DeleteObject", "tag/latest/")]
    with world.restricted(rights) as store:
        with pytest.raises(PermissionDenied, match=r"s3:DeleteObject on arn:aws:s3:::.*/tag/1.4.2/a.js"):
            store.delete("tag/1.4.2/a.js", etag=found.etag)
        assert store.delete("tag/latest/a.js", etag=found.etag)
    assert list(world.store.keys("tag/")) == ["tag/1.4.2/a.js"]


def test_keys_are_listed_in_order_after_a_key_and_no_more_than_asked(store: ObjectStore) -> None:
    for key in ("seq/2", "seq/10", "seq/1", "sea", "seq.", "seq/1/x"):
        store.create(key, b"", JS)
    assert list(store.keys("seq/")) == ["seq/1", "seq/1/x", "seq/10", "seq/2"]
    assert list(store.keys("seq/", most=2)) == ["seq/1", "seq/1/x"]
    assert list(store.keys("seq/", after="seq/1/x")) == ["seq/10", "seq/2"]
    assert list(store.keys("seq/", after="seq/2")) == []
    assert list(store.keys("none/")) == []


def test_keys_with_unusual_characters_come_back_as_they_are(store: ObjectStore) -> None:
    for key in ("k/a b.js", "k/ü.js", "k/100%25.js", "k/a+b=c&d.js"):
        assert store.create(key, key.encode(), JS)
        assert store.describe(key) is not None
    assert sorted(store.keys("k/")) == sorted(["k/a b.js", "k/ü.js", "k/100%25.js", "k/a+b=c&d.js"])


def test_a_key_that_may_not_write_says_so(world: World) -> None:
    with world.restricted([("s3:GetObject", ""), ("s3:ListBucket", "")]) as store:
        refusal = r"the test stage may not s3:PutObject on arn:aws:s3:::.*tag/1/a.js"
        with pytest.raises(PermissionDenied, match=refusal):
            store.create("tag/1/a.js", b"", JS)
        with pytest.raises(PermissionDenied, match=refusal):
            store.replace("tag/1/a.js", b"", JS, etag=None)
    assert world.store.describe("tag/1/a.js") is None


def test_a_key_writes_below_its_own_prefix_only(world: World) -> None:
    with world.restricted([("s3:PutObject", "tag/1.4.2/")]) as store:
        assert store.create("tag/1.4.2/a.js", b"mine", JS)
        with pytest.raises(PermissionDenied):
            store.create("tag/latest/a.js", b"not mine", JS)
    assert world.store.describe("tag/latest/a.js") is None


def test_a_key_that_may_list_but_not_read_tells_absence_from_secrecy(world: World) -> None:
    world.store.create("tag/1/a.js", b"", JS)
    with world.restricted([("s3:ListBucket", "")]) as store:
        # The second is a prefix of a key that exists.
        for absent in ("tag/1/b.js", "tag/1/a"):
            assert store.describe(absent) is None
            assert store.read(absent, limit=1) is None
        with pytest.raises(PermissionDenied, match="s3:GetObject"):
            store.describe("tag/1/a.js")
        with pytest.raises(PermissionDenied, match="s3:GetObject"):
            store.read("tag/1/a.js", limit=1)


def test_a_key_without_rights_learns_nothing(world: World) -> None:
    world.store.create("here", b"", JS)
    with world.restricted([]) as store:
        for key in ("here", "absent"):
            with pytest.raises(PermissionDenied, match="s3:GetObject"):
                store.describe(key)
            with pytest.raises(PermissionDenied, match="s3:GetObject"):
                store.read(key, limit=1)
        with pytest.raises(PermissionDenied, match="s3:ListBucket"):
            store.keys("")


def test_a_copy_into_a_forbidden_place_is_refused(world: World) -> None:
    world.store.create("source", b"x", JS)
    info = world.store.describe("source")
    assert info is not None
    with (
        world.restricted([("s3:GetObject", ""), ("s3:ListBucket", ""), ("s3:PutObject", "other/")]) as store,
        pytest.raises(PermissionDenied, match=r"s3:PutObject on arn:aws:s3:::.*/target"),
    ):
        store.copy(info, "target", SHORT, replacing=None)
    assert world.store.describe("target") is None


def test_a_copy_from_a_forbidden_place_is_refused(strict_world: World) -> None:
    """Not on moto, which does not ask whether the source may be read."""
    world = strict_world
    world.store.create("source", b"x", JS)
    info = world.store.describe("source")
    assert info is not None
    with (
        world.restricted([("s3:PutObject", "")]) as store,
        pytest.raises(PermissionDenied, match=r"s3:GetObject on arn:aws:s3:::.*/source"),
    ):
        store.copy(info, "target", SHORT, replacing=None)
    assert world.store.describe("target") is None


@pytest.mark.parametrize(
    "owner", [pytest.param("admin", marks=pytest.mark.moto), pytest.param("ceph_owner", marks=CEPH)]
)
def test_a_bucket_that_does_not_exist_is_not_an_absent_key(owner: str, request: pytest.FixtureRequest) -> None:
    store = S3Store(request.getfixturevalue(owner), bucket="no-such-bucket", stage="publish")
    source = ObjectInfo(bucket="no-such-bucket", key="k", size=0, etag='"0"', sha256=None, headers=JS)
    operations: Sequence[Callable[[], object]] = (
        lambda: store.describe("k"),
        lambda: store.read("k", limit=1),
        lambda: store.create("k", b"", JS),
        lambda: store.replace("k", b"", JS, etag='"0"'),
        lambda: store.copy(source, "t", JS, replacing=None),
        lambda: store.keys(""),
        lambda: store.delete("k", etag='"0"'),
    )
    for operation in operations:
        with pytest.raises(NotFoundError, match="arn:aws:s3:::no-such-bucket does not exist"):
            operation()


def test_one_of_many_creators_wins(strict_world: World) -> None:
    """Not on moto, which looks first and writes then, and so proves nothing about races."""
    store = strict_world.store
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: store.create("k", str(number).encode(), JS), range(200)))
    assert won.count(True) == 1
    found = store.read("k", limit=10)
    assert found is not None
    assert found.body == str(won.index(True)).encode()


def _create_in_a_process(ceph: CephGateway, bucket: str, number: int) -> bool:
    with closing(ceph.clients(ceph.administrator).s3()) as client:
        return S3Store(client, bucket=bucket, stage="test").create("k", str(number).encode(), JS)


@pytest.mark.rgw
@pytest.mark.xdist_group("rgw")
def test_one_of_many_processes_wins(ceph: CephGateway, ceph_owner: "S3Client") -> None:
    bucket = f"site-{uuid.uuid4().hex}"
    ceph_owner.create_bucket(Bucket=bucket)
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        won = list(pool.map(partial(_create_in_a_process, ceph, bucket), range(12)))
    assert won.count(True) == 1
    found = S3Store(ceph_owner, bucket=bucket, stage="test").read("k", limit=10)
    assert found is not None
    assert found.body == str(won.index(True)).encode()


def test_every_compare_and_swap_counts_once(strict_world: World) -> None:
    """Not on moto, as above. Nobody writes what another wrote: after a lost answer the bytes tell who won."""
    store = strict_world.store
    store.create("k", b"0 first", JS)

    def present() -> tuple[int, str]:
        found = store.read("k", limit=100)
        assert found is not None
        return int(found.body.split()[0]), found.info.etag

    def add_one(_: int) -> None:
        won = False
        while not won:
            count, etag = present()
            won = store.replace("k", f"{count + 1} {uuid.uuid4()}".encode(), JS, etag=etag)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(40)))
    assert present()[0] == 40


def test_copy_of_a_source_that_changed_is_refused(strict_world: World) -> None:
    """Not on moto, which ignores `x-amz-copy-source-if-match`; S3's answer is in test_aws_faults."""
    store = strict_world.store
    store.create("k", b"one", JS)
    seen = store.describe("k")
    assert seen is not None
    assert store.replace("k", b"two", JS, etag=seen.etag)
    with pytest.raises(IntegrityError):
        store.copy(seen, "target", JS, replacing=None)
    assert store.describe("target") is None


def test_the_fake_writes_down_effects_in_order_and_counts_calls() -> None:
    store = InMemoryObjectStore()
    store.create("b", b"1", JS)
    store.create("b", b"2", JS)
    info = store.describe("b")
    assert info is not None
    store.copy(info, "a", SHORT, replacing=None)
    store.replace("c", b"3", SHORT, etag=None)
    store.delete("a", etag=info.etag)
    store.delete("a", etag=info.etag)
    assert store.journal == [("create", "b"), ("copy", "a"), ("replace", "c"), ("delete", "a")]
    assert store.calls == {"any": 7, "write": 6, "create": 2, "describe": 1, "copy": 1, "replace": 1, "delete": 2}


def test_a_fault_before_leaves_no_trace_and_one_after_does() -> None:
    store = InMemoryObjectStore()
    store.break_at(Fault(nth=2, when="before", operation="write"))
    assert store.create("a", b"", JS)
    with pytest.raises(ServiceError):
        store.create("b", b"", JS)
    store.break_at(Fault(nth=1, when="after"))
    with pytest.raises(ServiceError):
        store.create("c", b"", JS)
    assert store.create("b", b"", JS)
    assert [key for _, key in store.journal] == ["a", "c", "b"]
