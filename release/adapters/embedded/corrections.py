"""Where moto differs from AWS in a way that a release would notice, put right while it runs."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import md5

from moto.cloudfront.models import CloudFrontBackend
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import EmptyResult
from moto.iam.access_control import IAMRequestBase, IAMUserAccessKey
from moto.iam.responses import IamResponse
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from release.adapters.embedded import authorization, cloudfront
from release.adapters.embedded.cloudfront import Moto


@contextmanager
def corrected_moto() -> Iterator[None]:
    """Change moto's classes in this process, and change them back at the end."""
    corrections: list[tuple[Moto, str, Moto]] = [
        (IAMRequestBase, "check_action_permitted", authorization.check_action_permitted),
        (
            IAMRequestBase,
            "_create_aws_request",
            authorization.sign_nothing_without_body(IAMRequestBase._create_aws_request),  # noqa: SLF001 - wrapped
        ),
        (
            ActionAuthenticatorMixin,
            "_authenticate_and_authorize_action",
            authorization.refuse_the_anonymous(
                ActionAuthenticatorMixin._authenticate_and_authorize_action  # noqa: SLF001 - wrapped
            ),
        ),
        (IAMUserAccessKey, "__init__", authorization.refuse_the_disabled(IAMUserAccessKey.__init__)),
        (S3Response, "put_object", _digest_checked(S3Response.put_object)),
        (S3Response, "get_object", _with_retention(S3Response.get_object)),
        (FakeBucket, "get_permission", authorization.bucket_has_no_say),
        (CloudFrontResponse, "_determine_resource", cloudfront.determine_resource),
        (CloudFrontResponse, "_authenticate_and_authorize_normal_action", cloudfront.authorize),
        (
            CloudFrontBackend,
            "create_invalidation",
            cloudfront.ask_once(CloudFrontBackend.create_invalidation),
        ),
        (IamResponse, "create_user", _create_user(IamResponse.create_user)),
        (IamResponse, "put_user_permissions_boundary", _put_user_permissions_boundary),
        (IamResponse, "delete_user_permissions_boundary", _delete_user_permissions_boundary),
    ]
    with ExitStack() as undo:
        for owner, name, replacement in corrections:
            undo.callback(_put_back, owner, name, vars(owner).get(name))
            setattr(owner, name, replacement)
        yield


def _put_back(owner: Moto, name: str, original: Moto) -> None:
    if original is None:
        delattr(owner, name)
    else:
        setattr(owner, name, original)


class _BadDigestError(S3ClientError):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""

    code = "BadDigest"

    def __init__(self) -> None:
        super().__init__("The Content-MD5 you specified did not match what we received.")


def _digest_checked(original: Moto) -> Moto:
    """Wrap `S3Response.put_object`, which stores bodies whose Content-MD5 is another body's."""

    def put_object(self: Moto) -> Moto:
        expected = self.headers.get("Content-MD5")
        body = self.body or b""
        if expected and expected != b64encode(md5(body, usedforsecurity=False).digest()).decode("ascii"):
            raise _BadDigestError
        return original(self)

    return put_object


class _NotLockedError(S3ClientError):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html."""

    status_code = 404
    code = "NoSuchObjectLockConfiguration"

    def __init__(self) -> None:
        super().__init__("The specified object does not have a ObjectLock configuration")


def _with_retention(original: Moto) -> Moto:
    """Wrap `S3Response.get_object`, which gives an object's bytes when it is asked for its retention."""

    def get_object(self: Moto) -> Moto:
        if "retention" not in self.querystring:
            return original(self)
        key, _ = self._get_key()
        if not key.lock_mode:
            raise _NotLockedError
        body = f"<Retention><Mode>{key.lock_mode}</Mode><RetainUntilDate>{key.lock_until}</RetainUntilDate></Retention>"
        return 200, {"content-type": "application/xml"}, body

    return get_object


# moto has permissions boundaries for roles only.


def _create_user(original: Moto) -> Moto:
    def create_user(self: Moto) -> Moto:
        result = original(self)
        _set_boundary(self, self._get_param("PermissionsBoundary"))
        return result

    return create_user


def _put_user_permissions_boundary(self: Moto) -> Moto:
    _set_boundary(self, self._get_param("PermissionsBoundary"))
    return EmptyResult()


def _delete_user_permissions_boundary(self: Moto) -> Moto:
    _set_boundary(self, None)
    return EmptyResult()


def _set_boundary(response: Moto, arn: str | None) -> None:
    user = response.backend.get_user(response._get_param("UserName"))  # noqa: SLF001 - as moto's methods do
    user.permissions_boundary_arn = arn
    user.permissions_boundary = (
        {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn} if arn else None
    )
