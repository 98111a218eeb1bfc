"""The real client against servers that fail as AWS fails: what is tried again, what is said, what is kept silent."""

import base64
import hashlib
import random
import socket
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from release.adapters.aws import AwsAccess, AwsClients
from release.adapters.s3 import S3Store
from release.core.layout import ObjectHeaders
from release.errors import (
    ConfigError,
    CredentialError,
    IntegrityError,
    NotFoundError,
    PermissionDenied,
    ReleaseError,
    ServiceError,
)
from release.ports import ObjectInfo, StoredObject
from tests.fakes.faulty_s3 import FORWARD, HANG, LOST, RESET, Answer, FaultyS3, Request, refusal
from tests.fakes.moto_server import ADMIN, Moto, moto_server

KEY_ID = "AKIACANARYCANARY0000"
SECRET = "canary/secret+access/key"
TOKEN = "canary-session-token"
KEY = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
SILENT = (KEY_ID, SECRET, TOKEN, "AWS4-HMAC", "Signature=", "X-Amz-", "list-type", "canary")
JS = ObjectHeaders(content_type="text/javascript", cache_control="no-cache")
BODY = b"let a=1"
SHA256 = hashlib.sha256(BODY)
SOURCE = ObjectInfo(bucket="site", key="tag/1/a.js", size=len(BODY), etag='"e1"', sha256=SHA256.hexdigest(), headers=JS)
Operation = Callable[[S3Store], object]
OPERATIONS: dict[str, Operation] = {
    "describe": lambda store: store.describe("k"),
    "read": lambda store: store.read("k", limit=100),
    "create": lambda store: store.create("k", BODY, JS),
    "replace": lambda store: store.replace("k", BODY, JS, etag='"e1"'),
    "copy": lambda store: store.copy(SOURCE, "k", JS, replacing=None),
    "keys": lambda store: store.keys("k"),
    "delete": lambda store: store.delete("k", etag='"e1"'),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


def base64_of(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def stored(body: bytes = BODY, **headers: str) -> Answer:
    """Give the answer to a GET."""
    given = {"ETag": '"e1"', "Content-Type": "text/javascript", "Cache-Control": "no-cache"}
    return Answer(headers=given | {name.replace("_", "-"): value for name, value in headers.items()}, body=body)


@contextmanager
def bucket(
    server: FaultyS3, *, attempts: int = 3, silence: float = 10, pauses: list[float] | None = None
) -> Iterator[S3Store]:
    """Open a store on a server, with a key that must never show up in a message."""
    access = AwsAccess(
        stage="publish",
        region="eu-west-1",
        environment=KEY,
        endpoint=server.url,
        attempts=attempts,
        read_seconds=silence,
        connect_seconds=2,
    )
    client = AwsClients(access).s3()
    waited: list[float] = [] if pauses is None else pauses
    try:
        yield S3Store(client, bucket="site", stage="publish", sleep=waited.append)
    finally:
        client.close()


def refused(store: S3Store, operation: Operation, kind: type[ReleaseError]) -> ReleaseError:
    """Run an operation that must fail, and check that nothing of it gives a secret away."""
    with pytest.raises(kind) as caught:
        operation(store)
    error = caught.value
    said = [*traceback.format_exception(error), error.message, error.hint, *error.evidence, *error.evidence.values()]
    # The frames quote this file; only what was said of the error counts.
    text = "\n".join(line for line in said if not line.lstrip().startswith("File "))
    assert not [canary for canary in SILENT if canary in text]
    return error


def methods(requests: Sequence[Request]) -> list[str]:
    return [request.method for request in requests]


@pytest.fixture
def short_pauses() -> Iterator[None]:
    """Let botocore draw short pauses: after throttling it waits up to 1, 2, 4... seconds, times a random number."""
    state = random.getstate()
    random.seed(next(seed for seed in range(10**6) if all(_draws(seed, 2))))
    yield
    random.setstate(state)


def _draws(seed: int, number: int) -> Iterator[bool]:
    generator = random.Random(seed)  # noqa: S311 - the generator that botocore uses
    return (generator.random() < 0.05 for _ in range(number))


@pytest.mark.usefixtures("short_pauses")
def test_throttling_is_waited_out() -> None:
    with FaultyS3(refusal(503, "SlowDown"), refusal(503, "SlowDown")) as server, bucket(server) as store:
        assert store.create("k", BODY, JS)
        assert methods(server.seen) == ["PUT"] * 3


@pytest.mark.usefixtures("short_pauses")
@every_operation
def test_throttling_without_end_is_a_service_error(operation: Operation) -> None:
    with FaultyS3(otherwise=refusal(503, "SlowDown", TOKEN)) as server, bucket(server) as store:
        error = refused(store, operation, ServiceError)
        assert len(server.seen) == 3
        assert "run the same command again" in error.hint


@pytest.mark.parametrize("fault", [RESET, refusal(500, "InternalError"), Answer(status=503), Answer(status=502)])
def test_a_passing_fault_is_tried_again(fault: Answer) -> None:
    with FaultyS3(fault, fault, otherwise=stored()) as server, bucket(server) as store:
        found = store.read("k", limit=100)
        assert found is not None
        assert found.body == BODY
        assert len(server.seen) == 3


@every_operation
def test_connections_that_keep_breaking_are_a_service_error(operation: Operation) -> None:
    with FaultyS3(otherwise=RESET) as server, bucket(server) as store:
        error = refused(store, operation, ServiceError)
        assert "arn:aws:s3:::site" in error.message
        assert error.message.endswith("at 127.0.0.1")


@every_operation
def test_a_server_that_never_answers_is_a_service_error(operation: Operation) -> None:
    with FaultyS3(otherwise=HANG) as server, bucket(server, attempts=2, silence=0.15) as store:
        error = refused(store, operation, ServiceError)
        assert "no answer came in time" in error.message
        assert len(server.seen) == 2


def test_a_server_that_is_not_there_is_a_service_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with FaultyS3() as server:
            pass
        with bucket(server, attempts=2) as store:
            error = refused(store, OPERATIONS["describe"], ServiceError)
    assert "no connection could be made" in error.message


@every_operation
@pytest.mark.parametrize(
    "answer",
    [
        refusal(301, "PermanentRedirect", region="us-west-2", Endpoint="site.s3-us-west-2.amazonaws.com"),
        refusal(307, "TemporaryRedirect", region="us-west-2", Endpoint="site.s3-us-west-2.amazonaws.com"),
        refusal(400, "AuthorizationHeaderMalformed", "the region 'eu-west-1' is wrong; expecting 'us-west-2'"),
        refusal(400, "AuthorizationHeaderMalformed", Region="us-west-2"),
        refusal(400, "IllegalLocationConstraintException", region="us-west-2"),
    ],
    ids=["301", "307", "malformed", "malformed with region", "opt-in region"],
)
def test_a_bucket_in_another_region_is_not_followed(operation: Operation, answer: Answer) -> None:
    with FaultyS3(otherwise=answer) as server, bucket(server) as store:
        error = refused(store, operation, ConfigError)
        assert "is in us-west-2" in error.message
        assert "configured for eu-west-1" in error.message
        assert error.evidence["found"] == "us-west-2"
        assert len(server.seen) == (2 if server.seen[0].method == "HEAD" else 1)


@every_operation
def test_a_redirect_that_names_no_region_is_not_followed_either(operation: Operation) -> None:
    answer = Answer(
        status=301, headers={"Location": "http://192.0.2.1/site/k", "x-amz-bucket-region": "canary.example.com"}
    )
    with FaultyS3(otherwise=answer) as server, bucket(server) as store:
        assert "another region" in refused(store, operation, ConfigError).message


@every_operation
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal(400, "ExpiredToken", "The provided token has expired.", **{"Token-0": TOKEN}), "ExpiredToken"),
        (refusal(403, "InvalidAccessKeyId", AWSAccessKeyId=KEY_ID), "InvalidAccessKeyId"),
        (
            refusal(
                403,
                "SignatureDoesNotMatch",
                f"check your key {SECRET}",
                AWSAccessKeyId=KEY_ID,
                StringToSign=f"AWS4-HMAC-SHA256\n{TOKEN}",
                CanonicalRequest=f"PUT\n/site/k\nX-Amz-Security-Token={TOKEN}",
            ),
            "SignatureDoesNotMatch",
        ),
        (refusal(403, "RequestTimeTooSkewed"), "clock is wrong"),
    ],
    ids=["expired", "unknown", "mismatch", "clock"],
)
def test_a_key_that_is_not_accepted_is_a_credential_error(operation: Operation, answer: Answer, said: str) -> None:
    with FaultyS3(otherwise=answer) as server, bucket(server) as store:
        error = refused(store, operation, CredentialError)
        assert said in error.message
        assert "publish" in error.message
        # A HEAD's bodiless 400 must not set botocore looking for another region.
        assert not [request for request in server.seen if request.target.rstrip("/") == "/site"]


def test_a_refusal_names_what_the_service_says_is_missing() -> None:
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/publish/42 is not authorized to perform: kms:GenerateDataKey on "
        'resource: "arn:aws:kms:eu-west-1:123456789012:key/1234" because no identity-based policy allows the action'
    )
    with FaultyS3(otherwise=refusal(403, "AccessDenied", message)) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["create"], PermissionDenied)
    assert error.message == (
        "the key of the publish stage may not kms:GenerateDataKey on arn:aws:kms:eu-west-1:123456789012:key/1234"
    )
    assert error.evidence == {
        "code": "AccessDenied",
        "status": "403",
        "request": "656c76696e6727",
        "reason": "because no identity-based policy allows",
    }


def test_a_403_with_a_code_of_its_own_is_a_refusal_too() -> None:
    with FaultyS3(otherwise=refusal(403, "QuotaOfSomeServer")) as server, bucket(server) as store:
        assert refused(store, OPERATIONS["create"], PermissionDenied).evidence["code"] == "QuotaOfSomeServer"


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        ("describe", "s3:GetObject on arn:aws:s3:::site/k"),
        ("read", "s3:GetObject on arn:aws:s3:::site/k"),
        ("create", "s3:PutObject on arn:aws:s3:::site/k"),
        ("replace", "s3:PutObject on arn:aws:s3:::site/k"),
        ("copy", "s3:GetObject on arn:aws:s3:::site/tag/1/a.js"),
        ("keys", "s3:ListBucket on arn:aws:s3:::site"),
    ],
)
def test_a_bare_refusal_names_what_was_asked_for(operation: str, missing: str) -> None:
    with FaultyS3(otherwise=refusal(403, "AccessDenied", "Access Denied")) as server, bucket(server) as store:
        error = refused(store, OPERATIONS[operation], PermissionDenied)
    assert error.message == f"the key of the publish stage may not {missing}"
    assert "release keys render publish" in error.hint
    assert error.evidence.get("s3:prefix") == ("k" if operation == "keys" else None)


def test_a_refused_copy_of_a_readable_source_names_the_target() -> None:
    head = Answer(headers={"ETag": SOURCE.etag, "Content-Type": "text/javascript"})
    with FaultyS3(refusal(403, "AccessDenied"), otherwise=head) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["copy"], PermissionDenied)
    assert error.message == "the key of the publish stage may not s3:PutObject on arn:aws:s3:::site/k"


@pytest.mark.parametrize(
    "answers",
    [
        (refusal(412, "PreconditionFailed"), Answer(headers={"ETag": '"e2"'})),
        (refusal(404, "NoSuchKey"), Answer(status=404), refusal(404, "NoSuchKey")),
        # Without the right to see absences, S3 says 403 to the copy, the HEAD and the GET; the list is empty.
        (
            refusal(403, "AccessDenied"),
            Answer(status=403),
            refusal(403, "AccessDenied"),
            Answer(body=b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"),
        ),
    ],
    ids=["changed", "gone", "gone, unseen"],
)
def test_a_copy_of_something_else_than_was_described_is_refused(answers: Sequence[Answer]) -> None:
    with FaultyS3(*answers) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["copy"], IntegrityError)
        assert error.evidence["expected"] == SOURCE.etag
        assert server.seen[0].headers["x-amz-copy-source-if-match"] == SOURCE.etag
        assert server.seen[0].headers["x-amz-checksum-algorithm"] == "SHA256"


def copied(**fields: str) -> Answer:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in {"ETag": '"e9"', **fields}.items())
    return Answer(body=f"<CopyObjectResult>{inside}</CopyObjectResult>".encode())


def test_a_copy_gives_the_digest_that_the_server_gives() -> None:
    answer = copied(ChecksumSHA256=base64_of(SHA256.digest()))
    with FaultyS3(answer) as server, bucket(server) as store:
        assert store.copy(SOURCE, "k", JS, replacing=None) == SHA256.hexdigest()
        assert methods(server.seen) == ["PUT"]


def test_a_copy_without_a_digest_is_read_back() -> None:
    with FaultyS3(copied(), stored()) as server, bucket(server) as store:
        assert store.copy(SOURCE, "k", JS, replacing=None) == SHA256.hexdigest()
        assert methods(server.seen) == ["PUT", "GET"]


@pytest.mark.parametrize("answers", [(copied(ChecksumSHA256=base64_of(bytes(32))),), (copied(), stored(b"let a=2"))])
def test_a_copy_with_other_bytes_is_refused(answers: Sequence[Answer]) -> None:
    with FaultyS3(*answers) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["copy"], IntegrityError)
    assert error.evidence["expected"] == SOURCE.sha256


def test_the_digest_travels_with_the_bytes() -> None:
    with FaultyS3() as server, bucket(server) as store:
        store.create("k", BODY, JS)
        headers = server.seen[0].headers
    assert headers["x-amz-checksum-sha256"] == base64_of(SHA256.digest())
    assert headers["x-amz-sdk-checksum-algorithm"] == "SHA256"
    assert headers["If-None-Match"] == "*"
    assert headers["User-Agent"].endswith("js-release stage/publish")


@pytest.mark.parametrize(("size", "asks"), [(0, False), (10_000, False), (2_000_000, True)])
def test_only_a_large_upload_asks_first_whether_it_may_be_sent(size: int, asks: bool) -> None:
    with FaultyS3() as server, bucket(server) as store:
        assert store.create("k", bytes(size), JS)
        assert ("Expect" in server.seen[0].headers) == asks
        assert len(server.seen[0].body) == size


def described_as(etag: str) -> Answer:
    return Answer(headers={"ETag": etag})


def conditions(requests: Sequence[Request]) -> list[str]:
    return [request.headers["If-Match"] for request in requests if request.method == "PUT"]


def test_an_etag_is_sent_with_its_quotes() -> None:
    with FaultyS3() as server, bucket(server) as store:
        assert store.replace("k", BODY, JS, etag='"e1"')
        assert conditions(server.seen) == ['"e1"']


def test_a_server_that_compares_etags_without_their_quotes_gets_them_so() -> None:
    """Ceph's gateway: the quoted ETag never matches, although it is the one that the object has."""
    with FaultyS3(refusal(412, "PreconditionFailed"), described_as('"e1"')) as server, bucket(server) as store:
        assert store.replace("k", BODY, JS, etag='"e1"')
        assert conditions(server.seen) == ['"e1"', "e1"]


def test_a_swap_that_was_lost_is_never_tried_with_a_malformed_etag() -> None:
    """A server may ignore a condition that is malformed, and would overwrite what somebody else wrote."""
    with FaultyS3(refusal(412, "PreconditionFailed"), described_as('"e2"')) as server, bucket(server) as store:
        assert not store.replace("k", BODY, JS, etag='"e1"')
        assert conditions(server.seen) == ['"e1"']


def test_a_copy_whose_target_somebody_else_wrote_is_lost() -> None:
    lost = refusal(412, "PreconditionFailed")
    with FaultyS3(lost, described_as('"e1"'), described_as('"e9"')) as server, bucket(server) as store:
        assert store.copy(SOURCE, "k", JS, replacing='"e0"') is None
        assert conditions(server.seen) == ['"e0"']


def test_a_copy_whose_source_changed_is_not_taken_for_a_lost_target() -> None:
    lost = refusal(412, "PreconditionFailed")
    with (
        FaultyS3(lost, described_as('"e2"')) as server,
        bucket(server) as store,
        pytest.raises(IntegrityError, match="no longer the object"),
    ):
        store.copy(SOURCE, "k", JS, replacing='"e0"')


def test_a_swap_on_a_server_without_quotes_can_be_lost_too() -> None:
    lost = refusal(412, "PreconditionFailed")
    with FaultyS3(lost, described_as('"e1"'), otherwise=lost) as server, bucket(server) as store:
        assert not store.replace("k", BODY, JS, etag='"e1"')
        assert conditions(server.seen) == ['"e1"', "e1"]


def deletes(requests: Sequence[Request]) -> list[str]:
    return [request.headers["If-Match"] for request in requests if request.method == "DELETE"]


@pytest.mark.parametrize(
    ("answer", "gone"),
    [(Answer(status=204), True), (refusal(404, "NoSuchKey"), True), (refusal(412, "PreconditionFailed"), False)],
    ids=["deleted", "gone already", "another one"],
)
def test_a_delete_is_tied_to_the_object_that_was_looked_at(answer: Answer, gone: bool) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html says these answers."""
    with FaultyS3(described_as('"e1"'), answer, described_as('"e2"')) as server, bucket(server) as store:
        assert store.delete("k", etag='"e1"') is gone
        assert deletes(server.seen) == ['"e1"']


def test_what_is_seen_to_be_another_object_is_not_even_asked_to_be_deleted() -> None:
    with FaultyS3(described_as('"e2"')) as server, bucket(server) as store:
        assert not store.delete("k", etag='"e1"')
        assert methods(server.seen) == ["HEAD"]


def test_a_delete_in_a_conflict_is_tried_again() -> None:
    pauses: list[float] = []
    conflict = refusal(409, "ConditionalRequestConflict")
    with (
        FaultyS3(described_as('"e1"'), conflict, conflict, Answer(status=204)) as server,
        bucket(server, pauses=pauses) as store,
    ):
        assert store.delete("k", etag='"e1"')
    assert pauses == [0.1, 0.2]


def test_a_delete_on_a_server_without_quotes_is_asked_for_so() -> None:
    lost = refusal(412, "PreconditionFailed")
    with (
        FaultyS3(described_as('"e1"'), lost, described_as('"e1"'), Answer(status=204)) as server,
        bucket(server) as store,
    ):
        assert store.delete("k", etag='"e1"')
        assert deletes(server.seen) == ['"e1"', "e1"]


def md5(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def test_a_server_without_checksums_confirms_with_its_etag() -> None:
    with FaultyS3(Answer(headers={"ETag": md5(BODY)})) as server, bucket(server) as store:
        assert store.create("k", BODY, JS)
        assert methods(server.seen) == ["PUT"]


def test_a_server_that_confirms_nothing_is_read() -> None:
    unknown = Answer(headers={"ETag": '"e1"'})
    with FaultyS3(unknown, stored()) as server, bucket(server) as store:
        assert store.create("k", BODY, JS)
        assert methods(server.seen) == ["PUT", "GET"]


def test_a_server_without_checksums_that_stored_other_bytes_is_found_out() -> None:
    with FaultyS3(Answer(headers={"ETag": md5(b"let a=2")}), stored(b"let a=2")) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["create"], IntegrityError)
    assert error.evidence == {"expected": SHA256.hexdigest(), "found": hashlib.sha256(b"let a=2").hexdigest()}


def test_a_source_without_a_checksum_is_looked_at_before_it_is_copied() -> None:
    """A server without checksums may ignore that a copy is for one ETag only."""
    with FaultyS3(described_as('"e2"')) as server, bucket(server) as store:
        operation = lambda store: store.copy(replace(SOURCE, sha256=None), "k", JS, replacing=None)  # noqa: E731 - an Operation
        error = refused(store, operation, IntegrityError)
        assert methods(server.seen) == ["HEAD"]
    assert error.evidence == {"expected": '"e1"', "found": '"e2"'}


def test_a_server_that_stored_other_bytes_is_found_out() -> None:
    other = hashlib.sha256(b"other")
    answer = Answer(headers={"ETag": '"e"', "x-amz-checksum-sha256": base64_of(other.digest())})
    with FaultyS3(answer) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["create"], IntegrityError)
    assert error.evidence == {"expected": SHA256.hexdigest(), "found": other.hexdigest()}


def test_bytes_that_were_damaged_on_the_way_up_are_an_integrity_error() -> None:
    with FaultyS3(otherwise=refusal(400, "XAmzContentChecksumMismatch")) as server, bucket(server) as store:
        refused(store, OPERATIONS["create"], IntegrityError)


@pytest.mark.parametrize(
    "checksum",
    [
        {"x_amz_checksum_sha256": base64_of(hashlib.sha256(b"other").digest())},
        {"x_amz_checksum_crc32": base64_of(zlib.crc32(b"other").to_bytes(4))},
        # botocore looks at one of them only.
        {
            "x_amz_checksum_crc32": base64_of(zlib.crc32(BODY).to_bytes(4)),
            "x_amz_checksum_sha256": base64_of(hashlib.sha256(b"other").digest()),
        },
    ],
    ids=["sha256", "crc32", "sha256 beside a good crc32"],
)
def test_bytes_that_do_not_fit_their_checksum_are_an_integrity_error(checksum: dict[str, str]) -> None:
    with FaultyS3(otherwise=stored(BODY, **checksum)) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["read"], IntegrityError)
    assert set(error.evidence) == {"expected", "found"}


@pytest.mark.parametrize("operation", ["describe", "read", "create"])
@pytest.mark.parametrize("checksum", ["bm90IGEgZGlnZXN0", "%%%", "AAAA\u00e9", f"!{base64_of(SHA256.digest())}"])
def test_a_malformed_checksum_is_a_service_error(operation: str, checksum: str) -> None:
    with FaultyS3(otherwise=stored(x_amz_checksum_sha256=checksum)) as server, bucket(server) as store:
        refused(store, OPERATIONS[operation], ServiceError)


def test_a_malformed_checksum_of_another_kind_is_a_service_error() -> None:
    with FaultyS3(otherwise=stored(x_amz_checksum_crc32="A")) as server, bucket(server) as store:
        refused(store, OPERATIONS["read"], ServiceError)


@pytest.mark.parametrize(
    "headers",
    [
        {"x_amz_checksum_sha256": f"{base64_of(SHA256.digest())}-3"},
        {"x_amz_checksum_sha256": base64_of(bytes(32)), "x_amz_checksum_type": "COMPOSITE"},
    ],
)
def test_a_checksum_of_parts_is_no_digest_of_the_object(headers: dict[str, str]) -> None:
    with FaultyS3(otherwise=stored(b"", **headers)) as server, bucket(server) as store:
        found = store.describe("k")
    assert found is not None
    assert found.sha256 is None


def test_a_body_that_breaks_off_is_read_again() -> None:
    cut = Answer(headers={"ETag": '"e1"'}, body=BODY[:3], declared=len(BODY))
    with FaultyS3(cut, cut, otherwise=stored()) as server, bucket(server) as store:
        found = store.read("k", limit=100)
        assert found is not None
        assert found.body == BODY
        assert len(server.seen) == 3


def test_a_body_that_keeps_breaking_off_is_a_service_error() -> None:
    cut = Answer(headers={"ETag": '"e1"'}, body=BODY[:3], declared=len(BODY))
    with FaultyS3(otherwise=cut) as server, bucket(server) as store:
        refused(store, OPERATIONS["read"], ServiceError)
        assert len(server.seen) == 3


def test_a_large_object_is_not_downloaded() -> None:
    with FaultyS3(otherwise=Answer(headers={"ETag": '"e1"'}, declared=10**12)) as server, bucket(server) as store:
        error = refused(store, OPERATIONS["read"], IntegrityError)
    assert error.evidence == {"limit": "100", "found": str(10**12)}


def test_a_conflict_is_tried_again_after_a_growing_pause() -> None:
    pauses: list[float] = []
    conflict = refusal(409, "ConditionalRequestConflict")
    with FaultyS3(conflict, conflict, conflict) as server, bucket(server, pauses=pauses) as store:
        assert store.create("k", BODY, JS)
        assert methods(server.seen) == ["PUT"] * 4
    assert pauses == [0.1, 0.2, 0.4]


@pytest.mark.parametrize("operation", ["create", "replace"])
def test_a_conflict_without_end_is_a_service_error(operation: str) -> None:
    conflict = refusal(409, "ConditionalRequestConflict")
    with FaultyS3(otherwise=conflict) as server, bucket(server) as store:
        refused(store, OPERATIONS[operation], ServiceError)
        assert len(server.seen) == 5


def test_a_lost_race_is_believed_even_with_status_200() -> None:
    """S3 was seen to write the error into a 200: https://github.com/aws/aws-sdk-java-v2/issues/6023."""
    embedded = Answer(body=refusal(200, "PreconditionFailed").body)
    with FaultyS3(otherwise=embedded) as server, bucket(server) as store:
        assert not store.create("k", BODY, JS)


@pytest.mark.parametrize("operation", ["create", "replace"])
def test_an_unclear_confirmation_of_a_write_is_a_service_error(operation: str) -> None:
    with FaultyS3(otherwise=Answer(body=b"<html><body>Please log in</body></html>")) as server, bucket(server) as store:
        refused(store, OPERATIONS[operation], ServiceError)


@pytest.mark.parametrize("operation", ["keys", "copy", "describe", "read"])
@pytest.mark.parametrize("page", [b"<html><br>not even XML", b"<html><body>Please log in</body></html>"])
def test_a_portal_that_answers_instead_of_s3_is_a_service_error(operation: str, page: bytes) -> None:
    with FaultyS3(otherwise=Answer(body=page)) as server, bucket(server, attempts=1) as store:
        refused(store, OPERATIONS[operation], ServiceError)


@pytest.mark.parametrize("operation", ["describe", "read"])
@pytest.mark.parametrize(
    "answer",
    [refusal(404, "NoSuchBucket"), Answer(status=404, body=b"<html>Not found</html>"), Answer(status=404)],
    ids=["bucket", "page", "empty"],
)
def test_only_a_clear_answer_is_an_absence(operation: str, answer: Answer) -> None:
    with FaultyS3(otherwise=answer) as server, bucket(server) as store:
        refused(store, OPERATIONS[operation], NotFoundError)


@pytest.mark.parametrize("operation", ["describe", "read"])
def test_a_403_and_a_list_that_is_not_a_list_are_no_absence(operation: str) -> None:
    denied = refusal(403, "AccessDenied")
    script = [denied, denied] if operation == "describe" else [denied]
    portal = Answer(body=b"<html><body>Please log in</body></html>")
    with FaultyS3(*script, otherwise=portal) as server, bucket(server) as store:
        refused(store, OPERATIONS[operation], ServiceError)


def test_an_object_that_appears_between_two_questions_is_described() -> None:
    with FaultyS3(Answer(status=404), otherwise=stored()) as server, bucket(server) as store:
        found = store.describe("k")
    assert found is not None
    assert (found.size, found.etag) == (len(BODY), '"e1"')


def test_metadata_names_are_lower_case() -> None:
    with FaultyS3(otherwise=stored(X_Amz_Meta_Version="1.4.2")) as server, bucket(server) as store:
        found = store.describe("k")
    assert found is not None
    assert found.headers.metadata == {"version": "1.4.2"}


def test_a_list_goes_on_to_the_next_page() -> None:
    def page(keys: Sequence[str], token: str) -> Answer:
        contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
        more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        xml = f"<KeyCount>{len(keys)}</KeyCount><IsTruncated>{str(bool(token)).lower()}</IsTruncated>{more}{contents}"
        return Answer(body=f"<ListBucketResult>{xml}</ListBucketResult>".encode())

    # The middle page is empty: S3 may say "there is more" without giving any.
    with FaultyS3(page(["a", "b"], "t1"), page([], "t2"), page(["c"], "")) as server, bucket(server) as store:
        assert list(store.keys("", after="0", most=10)) == ["a", "b", "c"]
        assert "start-after=0" in server.seen[0].target
        assert "continuation-token=t1" in server.seen[1].target
        assert "max-keys=8" in server.seen[2].target


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with moto_server() as server:
        client = server.clients(environment=ADMIN).s3()
        client.create_bucket(Bucket="site", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.close()
        yield server


def arranged(store: S3Store, key: str, body: bytes) -> StoredObject:
    assert store.create(key, body, JS)
    found = store.read(key, limit=100)
    assert found is not None
    return found


@pytest.mark.moto
def test_a_create_whose_answer_was_lost_says_taken_and_the_bytes_are_ours(moto: Moto) -> None:
    with FaultyS3(LOST, otherwise=FORWARD, upstream=moto.url) as server, bucket(server) as store:
        assert not store.create("created", BODY, JS)
        found = store.read("created", limit=100)
    assert found is not None
    assert found.body == BODY


@pytest.mark.moto
def test_a_swap_whose_answer_was_lost_is_recognised_as_won(moto: Moto) -> None:
    with FaultyS3(FORWARD, FORWARD, LOST, otherwise=FORWARD, upstream=moto.url) as server, bucket(server) as store:
        before = arranged(store, "swapped", b"old")
        assert store.replace("swapped", BODY, JS, etag=before.info.etag)
        assert methods(server.seen)[2:] == ["PUT", "PUT", "HEAD", "GET"]


@pytest.mark.moto
def test_a_swap_that_was_repeated_and_lost_is_lost(moto: Moto) -> None:
    with FaultyS3(FORWARD, FORWARD, RESET, otherwise=FORWARD, upstream=moto.url) as server, bucket(server) as store:
        arranged(store, "raced", b"old")
        assert not store.replace("raced", BODY, JS, etag='"an older one"')


@pytest.mark.moto
def test_a_first_swap_whose_answer_was_lost_is_recognised_as_won(moto: Moto) -> None:
    with FaultyS3(LOST, otherwise=FORWARD, upstream=moto.url) as server, bucket(server) as store:
        assert store.replace("first", BODY, JS, etag=None)
