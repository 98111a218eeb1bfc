"""Who may do what in the embedded AWS: moto's requests, decided by `core.evaluation`.

moto 5.2 checks signatures and then the action and the resource. What it leaves out would make the
demo lie or fail: conditions (it takes every one as fulfilled, so a deny without TLS denies all),
permissions boundaries, the rights a request needs besides its main one, and the ARNs of IAM users.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import unquote

import flask
from moto.core.exceptions import AccessDeniedError
from moto.iam.access_control import CreateAccessKeyFailure, PermissionResult, S3IAMRequest
from moto.iam.exceptions import NoSuchEntity, NotFoundException
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.models import s3_backends

from release.adapters.embedded.s3_actions import needed_actions
from release.core.evaluation import Policy, Request, refusal

Moto: TypeAlias = Any  # its classes have no types

_HEADER_KEYS: Final[Mapping[str, str]] = {
    "s3:if-match": "if-match",
    "s3:if-none-match": "if-none-match",
    "s3:object-lock-legal-hold": "x-amz-object-lock-legal-hold",
    "s3:object-lock-mode": "x-amz-object-lock-mode",
    "s3:object-lock-retain-until-date": "x-amz-object-lock-retain-until-date",
    "s3:x-amz-acl": "x-amz-acl",
    "s3:x-amz-content-sha256": "x-amz-content-sha256",
    "s3:x-amz-metadata-directive": "x-amz-metadata-directive",
    "s3:x-amz-server-side-encryption": "x-amz-server-side-encryption",
    "s3:x-amz-storage-class": "x-amz-storage-class",
}
_NEVER_SENT: Final = (
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
)
_QUERY_KEYS: Final[Mapping[str, str]] = {
    "s3:delimiter": "delimiter",
    "s3:max-keys": "max-keys",
    "s3:prefix": "prefix",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """A request with a good signature. `holder` is the user or role whose key it was."""

    account: str
    service: str
    action: str
    holder: Moto
    user: str | None
    backend: Moto
    is_s3: bool


def check_action_permitted(self: Moto, resource: str) -> None:
    """Replace `IAMRequestBase.check_action_permitted`.

    Args:
        self: moto's request, its signature already checked.
        resource: the ARN that moto knows of, or `*`.

    Raises:
        S3AccessDeniedError: a policy refuses an S3 request.
        AccessDeniedError: a policy refuses another request.
    """
    if self._action == "sts:GetCallerIdentity":  # needs no permission, says its API reference
        return
    key = self._access_key
    user = getattr(key, "_owner_user_name", None)
    call = _Call(
        account=self.account_id,
        service=self._service,
        action=self._action,
        holder=self.backend.get_role(key._owner_role_name) if user is None else self.backend.get_user(user),  # noqa: SLF001 - moto offers no other way
        user=user,
        backend=self.backend,
        is_s3=isinstance(self, S3IAMRequest),
    )
    identity = [_document(policy) for policy in key.collect_policies()]
    boundary = _boundary(call)
    for action, arn in _demands(call, resource):
        request = Request(principal=call.holder.arn, action=action, resource=arn, context=_context(call, action, arn))
        reason = refusal(request, identity=identity, boundary=boundary, resource=_bucket_policy(call, arn))
        if reason is not None:
            _refuse(call, request, reason)
    if self._is_assuming_role_operation(resource) and not self._check_role_trust_relationship(resource):
        wanted = Request(principal=call.holder.arn, action=call.action, resource=resource, context={})
        _refuse(call, wanted, f"because no role trust policy allows the {call.action} action")


def bucket_has_no_say(_self: object, _action: str, _resource: str) -> Moto:
    """Replace `FakeBucket.get_permission`: `check_action_permitted` has asked the bucket's policy."""
    return PermissionResult.NEUTRAL


def refuse_the_anonymous(original: Moto) -> Moto:
    """Wrap `ActionAuthenticatorMixin._authenticate_and_authorize_action`, which fails on no header."""

    def authenticate(self: Moto, iam_request_cls: Moto, resource: str = "*") -> None:
        from moto import settings  # noqa: PLC0415 - read at each request: `EmbeddedAws` changes it

        if settings.INITIAL_NO_AUTH_ACTION_COUNT == 0 and "Authorization" not in self.headers:
            if iam_request_cls is S3IAMRequest:
                raise S3AccessDeniedError
            raise AccessDeniedError(user_arn="anonymous", action=str(self._get_action()))
        original(self, iam_request_cls, resource)

    return authenticate


def refuse_the_disabled(original: Moto) -> Moto:
    """Wrap `IAMUserAccessKey.__init__`, which takes a key that was disabled for an active one."""

    def look_up(self: Moto, *given: Moto, **named: Moto) -> None:
        original(self, *given, **named)
        held = self.backend.get_user(self._owner_user_name).access_keys
        if any(key.access_key_id == self._access_key_id and key.status != "Active" for key in held):
            raise CreateAccessKeyFailure(reason="InvalidId")

    return look_up


def sign_nothing_without_body(original: Moto) -> Moto:
    """Wrap `IAMRequestBase._create_aws_request`, which takes the headers of a GET for its body."""

    def create(self: Moto) -> Moto:
        made = original(self)
        if self._method in {"GET", "HEAD", "DELETE"} and not self._body:
            made.data = b""
        return made

    return create


def _document(policy: Moto) -> Policy:
    if isinstance(policy, Mapping):
        policy = policy["policy_document"]
    elif not isinstance(policy, str):
        policy = next(version.document for version in policy.versions if version.is_default)
    document: Policy = json.loads(policy)
    return document


def _boundary(call: _Call) -> Policy | None:
    arn = getattr(call.holder, "permissions_boundary_arn", None)
    if not arn:
        return None
    try:
        return _document(call.backend.get_policy(arn))
    except (NoSuchEntity, NotFoundException):
        return {"Statement": []}


def _bucket_policy(call: _Call, arn: str) -> Policy | None:
    bucket = _bucket(call, arn) if call.is_s3 else None
    return json.loads(bucket.policy) if bucket is not None and bucket.policy else None


def _bucket(call: _Call, arn: str) -> Moto | None:
    return s3_backends[call.account]["aws"].buckets.get(_split(arn)[0])


def _split(arn: str) -> tuple[str, str]:
    bucket, _, key = arn.removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key


def _demands(call: _Call, resource: str) -> Iterator[tuple[str, str]]:
    """List the actions and resources that all have to be allowed."""
    if call.service == "iam":
        yield call.action, _iam_resource(call, resource)
    elif call.is_s3:
        yield from _s3_demands(call, resource)
    else:
        yield call.action, resource


def _s3_demands(call: _Call, resource: str) -> Iterator[tuple[str, str]]:
    asked = flask.request
    bucket, key = _split(resource)
    actions = needed_actions(
        call.action,
        asked.method,
        of_object=bool(key),
        query=set(asked.args),
        headers={name.lower() for name, _ in asked.headers},
    )
    yield from ((action, resource) for action in actions)
    if source := _copy_source():
        yield "s3:GetObject", f"arn:aws:s3:::{source}"
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: without s3:ListBucket, an
    # object that does not exist is 403 and not 404.
    found = _bucket(call, resource)
    absent = found is None or found.keys.get(key) is None
    if actions[0] in {"s3:GetObject", "s3:GetObjectVersion"} and absent:
        yield "s3:ListBucket", f"arn:aws:s3:::{bucket}"


def _copy_source() -> str | None:
    """Give bucket and key that are to be copied, `bucket/key`."""
    source = flask.request.headers.get("x-amz-copy-source")
    return None if source is None else unquote(source.partition("?")[0]).lstrip("/")


def _context(call: _Call, action: str, arn: str) -> dict[str, str | None]:
    """Collect the condition keys. The loopback connection stands for TLS."""
    asked = flask.request
    of_iam = call.service == "iam"
    context: dict[str, str | None] = {
        "aws:principalaccount": call.account,
        "aws:principalarn": call.holder.arn,
        "aws:principalisawsservice": "false",
        "aws:principaltype": "User" if call.user else "AssumedRole",
        "aws:resourceaccount": call.account,
        "aws:securetransport": "true",
        "aws:sourceip": asked.remote_addr,
        "aws:username": call.user,
        "aws:viaawsservice": "false",
        "iam:permissionsboundary": _target_boundary(call) if of_iam else None,
        "iam:policyarn": asked.form.get("PolicyArn") if of_iam else None,
        "s3:resourceaccount": call.account,
        "s3:tlsversion": "1.3",
        "s3:versionid": asked.args.get("versionId"),
        "s3:x-amz-copy-source": _copy_source(),
    }
    context |= dict.fromkeys(_NEVER_SENT)
    context |= {key: asked.headers.get(header) for key, header in _HEADER_KEYS.items()}
    listing = action.startswith("s3:List") and asked.method == "GET" and not _split(arn)[1]
    context |= {key: asked.args.get(name) if listing else None for key, name in _QUERY_KEYS.items()}
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    part = "uploads" in asked.args or (asked.method == "PUT" and "uploadId" in asked.args)
    context["s3:objectcreationoperation"] = str(not part).lower() if action == "s3:PutObject" else None
    return context


def _target(call: _Call) -> Moto | None:
    """Give the user or role that an IAM request is about, or None if it does not exist."""
    form = flask.request.form
    try:
        if "UserName" in form:
            return call.backend.get_user(form["UserName"])
        return call.backend.get_role(form["RoleName"]) if "RoleName" in form else None
    except (NoSuchEntity, NotFoundException):
        return None


def _target_boundary(call: _Call) -> str | None:
    asked: str | None = flask.request.form.get("PermissionsBoundary")
    return asked or getattr(_target(call), "permissions_boundary_arn", None)


def _iam_resource(call: _Call, fallback: str) -> str:
    """Name what an IAM request is about.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
    """
    form = flask.request.form
    found = _target(call)
    if found is not None:
        return str(found.arn)
    for parameter, kind in (("UserName", "user"), ("RoleName", "role"), ("PolicyName", "policy")):
        if parameter in form:
            return f"arn:aws:iam::{call.account}:{kind}{form.get('Path', '/')}{form[parameter]}"
    for parameter in ("PolicyArn", "OpenIDConnectProviderArn"):
        if parameter in form:
            return form[parameter]
    if call.action.endswith(("AccessKey", "AccessKeys", ":GetUser")):  # of the one who asks
        return str(call.holder.arn)
    return fallback


def _refuse(call: _Call, request: Request, reason: str) -> NoReturn:
    # The wording of https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    what = f'{request.action} on resource: "{request.resource}" {reason}'
    if call.is_s3:
        error = S3AccessDeniedError()
        error.message = f"User: {request.principal} is not authorized to perform: {what}"
        raise error
    raise AccessDeniedError(user_arn=request.principal, action=what)
