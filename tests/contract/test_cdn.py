"""What every Cdn must do: the fake that the other tests rely on, and CloudFront against moto."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from release.adapters.aws import AwsAccess, AwsClients
from release.adapters.delivery.cloudfront import CloudFront
from release.errors import NotFoundError, NothingToDoError, PermissionDenied, RefusedError, ServiceError
from release.ports import Cdn
from tests.fakes.cdn import InMemoryCdn
from tests.fakes.faulty_s3 import Answer, FaultyS3
from tests.fakes.moto_server import ADMIN, Moto, moto_server

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with moto_server() as server:
        yield server


@pytest.fixture(scope="module")
def admin(moto: Moto) -> Iterator["CloudFrontClient"]:
    client = moto.clients().cloudfront()
    yield client
    client.close()


def distribution(client: "CloudFrontClient") -> str:
    made = client.create_distribution(
        DistributionConfig={
            "CallerReference": uuid.uuid4().hex,
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "site",
                        "DomainName": "site.s3.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "https-only"},
        }
    )
    return made["Distribution"]["Id"]


@pytest.fixture(params=["fake", pytest.param("moto", marks=pytest.mark.moto)])
def cdn(request: pytest.FixtureRequest) -> Cdn:
    if request.param == "fake":
        return InMemoryCdn()
    admin = request.getfixturevalue("admin")
    return CloudFront(admin, distribution=distribution(admin), stage="invalidate")


def test_an_invalidation_is_asked_for_and_finishes(cdn: Cdn) -> None:
    asked = cdn.invalidate(["/tag/latest/tag.min.js", "/tag/channels/latest.json"], reference="r1")
    assert asked
    assert cdn.finished(asked)


def test_a_new_reference_is_a_new_invalidation(cdn: Cdn) -> None:
    first = cdn.invalidate(["/a"], reference="r1")
    assert cdn.invalidate(["/a"], reference="r2") != first


def test_an_unknown_invalidation_is_not_finished(cdn: Cdn) -> None:
    with pytest.raises(NotFoundError):
        cdn.finished("I0UNKNOWN")


def test_nothing_to_invalidate_is_an_error(cdn: Cdn) -> None:
    with pytest.raises(NothingToDoError):
        cdn.invalidate([], reference="r")


def test_three_thousand_paths_are_the_most(cdn: Cdn) -> None:
    paths = [f"/tag/latest/{number}.js" for number in range(3001)]
    assert cdn.invalidate(paths[:3000], reference="r")
    with pytest.raises(RefusedError, match="3001"):
        cdn.invalidate(paths, reference="r2")


@pytest.mark.parametrize("path", ["/tag/latest/*", "/*", "tag/latest/a.js", ""])
def test_only_exact_absolute_paths_are_taken(cdn: Cdn, path: str) -> None:
    with pytest.raises(RefusedError):
        cdn.invalidate(["/fine", path], reference="r")


def test_the_same_request_is_one_invalidation() -> None:
    """Only on the fake: moto makes a new one each time."""
    cdn = InMemoryCdn()
    first = cdn.invalidate(["/a", "/b"], reference="r")
    assert cdn.invalidate(["/a", "/b"], reference="r") == first
    assert cdn.journal == [("invalidate", "/a"), ("invalidate", "/b")]
    with pytest.raises(RefusedError):
        cdn.invalidate(["/a"], reference="r")


def test_the_fake_takes_as_many_polls_as_it_was_told() -> None:
    cdn = InMemoryCdn(polls=2)
    asked = cdn.invalidate(["/a"], reference="r")
    assert [cdn.finished(asked) for _ in range(4)] == [False, False, True, True]


def test_the_fake_raises_what_it_was_told() -> None:
    cdn = InMemoryCdn()
    cdn.fails = [None, ServiceError("busy")]
    cdn.invalidate(["/a"], reference="r")
    with pytest.raises(ServiceError, match="busy"):
        cdn.invalidate(["/a"], reference="r")


@pytest.mark.moto
def test_a_distribution_that_does_not_exist_is_named(admin: "CloudFrontClient") -> None:
    cdn = CloudFront(admin, distribution="E0NONE", stage="invalidate", account="123456789012")
    with pytest.raises(NotFoundError, match="arn:aws:cloudfront::123456789012:distribution/E0NONE"):
        cdn.invalidate(["/a"], reference="r")


@pytest.mark.moto
def test_the_reference_and_the_paths_arrive(admin: "CloudFrontClient") -> None:
    name = distribution(admin)
    asked = CloudFront(admin, distribution=name, stage="invalidate").invalidate(["/a b.js", "/c"], reference="r-1")
    batch = admin.get_invalidation(DistributionId=name, Id=asked)["Invalidation"]["InvalidationBatch"]
    assert batch["CallerReference"] == "r-1"
    assert batch["Paths"]["Items"] == ["/a%20b.js", "/c"]


def error(status: int, code: str, message: str = "") -> Answer:
    """Give an error as CloudFront writes it."""
    xml = (
        '<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">'
        f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>5a7c</RequestId></ErrorResponse>"
    )
    return Answer(status=status, headers={"Content-Type": "text/xml"}, body=xml.encode())


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (error(400, "TooManyInvalidationsInProgress"), ServiceError, "too many invalidations in progress"),
        (error(400, "InvalidationBatchAlreadyExists"), RefusedError, "for other paths"),
        (
            error(403, "AccessDenied"),
            PermissionDenied,
            r"invalidate stage may not cloudfront:CreateInvalidation on arn:aws:cloudfront::\*:distribution/E1",
        ),
        (error(404, "NoSuchDistribution"), NotFoundError, "distribution/E1 does not exist"),
        (error(503, "ServiceUnavailable"), ServiceError, "no clear answer"),
        (Answer(body=b"<html>login first</html>x"), ServiceError, "not one of AWS"),
    ],
)
def test_what_cloudfront_refuses_is_said_in_our_words(answer: Answer, kind: type[Exception], said: str) -> None:
    with FaultyS3(otherwise=answer) as server:
        access = AwsAccess(stage="invalidate", region="us-east-1", environment=ADMIN, endpoint=server.url, attempts=1)
        client = AwsClients(access).cloudfront()
        with pytest.raises(kind, match=said):
            CloudFront(client, distribution="E1", stage="invalidate").invalidate(["/a"], reference="r")
        client.close()
