"""Turn botocore's exceptions into ours.

Nothing that a server or a library wrote is repeated as it came: error codes, request ids and
ARNs pass a strict pattern, everything else is our own words. S3 answers a wrong signature with
the whole string that was signed, and botocore puts the request's URL into its messages.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from release.errors import (
    ConfigError,
    CredentialError,
    IntegrityError,
    NotFoundError,
    PermissionDenied,
    ReleaseError,
    ServiceError,
)

# What botocore raises when the service did not say anything, and when it said that something is wrong.
NO_ANSWER: Final = (BotoCoreError, ResponseParserError)
AWS_ERRORS: Final = (BotoCoreError, ResponseParserError, ClientError)
AwsError: TypeAlias = BotoCoreError | ResponseParserError | ClientError

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
_KEY_REFUSED: Final = frozenset(
    {
        "AuthFailure",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingSecurityHeader",
        "NotSignedUp",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
_CLOCK_REFUSED: Final = "RequestTimeTooSkewed"
_OTHER_REGION: Final = frozenset(
    {"IllegalLocationConstraintException", "PermanentRedirect", "Redirect", "TemporaryRedirect"}
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation"})
_BAD_BYTES: Final = frozenset(
    {"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}
)
_NO_CREDENTIALS: Final = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.MetadataRetrievalError,
    aws.ProfileNotFound,
    aws.TokenRetrievalError,
)
_WRONG_SETTINGS: Final = (
    aws.BaseEndpointResolverError,
    aws.EndpointProviderError,
    aws.InvalidConfigError,
    aws.InvalidHostLabelError,
    aws.ParamValidationError,
    aws.ValidationError,
)
# The first that fits is said; HTTPClientError is the parent of most of the others.
_TRANSPORT: Final[tuple[tuple[type[BotoCoreError], str], ...]] = (
    (aws.SSLError, "no TLS connection could be made"),
    (aws.ProxyConnectionError, "the proxy could not be reached"),
    (aws.ConnectTimeoutError, "connecting took too long"),
    (aws.ReadTimeoutError, "no answer came in time"),
    (aws.EndpointConnectionError, "no connection could be made"),
    (aws.ConnectionClosedError, "the connection was closed before an answer came"),
    (aws.ResponseStreamingError, "the connection broke in the middle of the answer"),
    (aws.IncompleteReadError, "the answer was cut off"),
    (aws.HTTPClientError, "the request could not be sent"),
)

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]{0,63}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]{1,12}){1,3}-[0-9]{1,2}")
_MALFORMED_REGION: Final = re.compile(r"expecting '([a-z0-9-]{1,32})'")
# "Access denied message examples", https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
_REFUSAL: Final = re.compile(
    r"not authorized to perform:? (?P<action>[a-z0-9-]{2,32}:[A-Za-z0-9]{2,64})"
    r'( on resource: "?(?P<resource>arn:[A-Za-z0-9:/_.*+=@,-]{1,1024})"?)?'
    r"( (?P<reason>because no [a-z -]{4,60} policy allows|with an explicit deny in an? [a-z -]{4,60} policy))?"
)
_CHECKSUMS: Final = re.compile(r"Expected checksum ([A-Za-z0-9+/=]{4,128}) .{0,64}: ([A-Za-z0-9+/=]{4,128})")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    action: str
    resource: str
    stage: str
    region: str


def translate(error: AwsError, *, action: str, resource: str, stage: str, region: str = "") -> ReleaseError:
    """Say what an exception of botocore means for the release.

    Args:
        error: what botocore raised.
        action: the IAM action that was needed, such as `s3:PutObject`.
        resource: the ARN that it was needed on.
        stage: whose key was used.
        region: the region that the client was made for.

    Returns:
        The error to raise: PermissionDenied, CredentialError, NotFoundError, ConfigError, IntegrityError
        or ServiceError. Raise it `from None`: the original may hold signatures.
    """
    asked = _Asked(action=action, resource=resource, stage=stage, region=region)
    return _answered(error, asked) if isinstance(error, ClientError) else _unanswered(error, asked)


def checksum_error(error: aws.FlexibleChecksumError, name: str) -> IntegrityError:
    """Say that the bytes received do not fit the checksum that came with them."""
    checksums = _CHECKSUMS.search(str(error))
    evidence = {"expected": checksums[1], "found": checksums[2]} if checksums else {}
    return IntegrityError(f"{name} is not the bytes of its checksum", evidence=evidence)


def error_code(error: ClientError) -> str:
    """Give the service's error code; for an answer without a body, its HTTP status."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code if _CODE.fullmatch(code) else "unknown"


def error_status(error: ClientError) -> int:
    """Give the HTTP status, 0 where there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def refused_action(error: ClientError) -> str | None:
    """Give the action that a refusal names, or None if it names none."""
    said = _REFUSAL.search(str(error.response.get("Error", {}).get("Message", "")))
    return said["action"] if said else None


def is_other_region(status: int, answer: Mapping[str, Any]) -> bool:
    """Tell whether an S3 error says that the bucket is in another region.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
    """
    error = answer.get("Error", {})
    malformed = error.get("Code") == "AuthorizationHeaderMalformed"
    named = bool(error.get("Region")) or _MALFORMED_REGION.search(str(error.get("Message", ""))) is not None
    return status in {301, 302, 307, 308} or error.get("Code") in _OTHER_REGION or (malformed and named)


def _answered(error: ClientError, asked: _Asked) -> ReleaseError:
    """Translate an error that the service itself gave."""
    code, status = error_code(error), error_status(error)
    evidence = _evidence(error, code, status)
    where = f"{asked.action} on {asked.resource}"
    if is_other_region(status, error.response):
        return _other_region(error, asked, evidence)
    if refused := _key_refused(error, asked, evidence):
        return refused
    if code in _DENIED or status == HTTPStatus.FORBIDDEN:
        return _denied(error, asked, evidence)
    if code in _BAD_BYTES:
        return IntegrityError(f"the bytes that arrived are not the bytes that were sent: {where}", evidence=evidence)
    if status == HTTPStatus.NOT_FOUND or code.startswith("NoSuch"):
        return NotFoundError(
            f"{asked.resource} does not exist ({code})",
            hint="compare the names in release.toml with the account of this key",
            evidence=evidence,
        )
    return ServiceError(
        f"no clear answer to {where} ({code})",
        hint="run the same command again: every stage continues where it stopped",
        evidence=evidence,
    )


def _key_refused(error: ClientError, asked: _Asked, evidence: dict[str, str]) -> CredentialError | None:
    """Translate an error that is about the key itself, not about what it may do."""
    code = error_code(error)
    if error.operation_name == "AssumeRoleWithWebIdentity" and error_status(error) < HTTPStatus.INTERNAL_SERVER_ERROR:
        return CredentialError(
            f"the role of the {asked.stage} stage did not accept the job's identity token ({code})",
            hint="compare the role's trust policy (aud, sub) with the token in AWS_WEB_IDENTITY_TOKEN_FILE, "
            "and AWS_ROLE_ARN with the role that was meant",
            evidence=evidence,
        )
    if code == _CLOCK_REFUSED:
        return CredentialError(
            f"the signature of the {asked.stage} stage was refused: this machine's clock is wrong ({code})",
            hint="set the clock; AWS allows a difference of 15 minutes",
            evidence=evidence,
        )
    if code in _KEY_REFUSED:
        return CredentialError(
            f"the key of the {asked.stage} stage was not accepted ({code})",
            hint="it is expired, deleted, mistyped or another account's: renew it with `release keys rotate`, "
            "or let the job ask for a new identity token",
            evidence=evidence,
        )
    return None


def _evidence(error: ClientError, code: str, status: int) -> dict[str, str]:
    request = str(error.response.get("ResponseMetadata", {}).get("RequestId", ""))
    evidence = {"code": code, "status": str(status)}
    if _REQUEST_ID.fullmatch(request):
        evidence["request"] = request
    return evidence


def _denied(error: ClientError, asked: _Asked, evidence: dict[str, str]) -> PermissionDenied:
    """Name the missing right, in the service's own words where it gives them."""
    said = _REFUSAL.search(str(error.response.get("Error", {}).get("Message", "")))
    action, resource = asked.action, asked.resource
    if said:
        action = said["action"]
        resource = said["resource"] or resource
        if said["reason"]:
            evidence["reason"] = said["reason"]
    return PermissionDenied(
        f"the key of the {asked.stage} stage may not {action} on {resource}",
        hint=f"compare the key's policy with `release keys render {asked.stage}`, "
        "and look for a permissions boundary or a bucket policy that denies it",
        evidence=evidence,
    )


def _other_region(error: ClientError, asked: _Asked, evidence: dict[str, str]) -> ConfigError:
    """Name both regions: the one configured and the one the bucket says it is in."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    details: Mapping[str, Any] = error.response.get("Error", {})
    guess = _MALFORMED_REGION.search(str(details.get("Message", "")))
    candidates = (headers.get("x-amz-bucket-region"), details.get("Region"), guess[1] if guess else None)
    found = next((name for name in candidates if name and _REGION.fullmatch(str(name))), "another region")
    configured = asked.region or "another one"
    return ConfigError(
        f"{asked.resource} is in {found}, the {asked.stage} stage is configured for {configured}",
        hint="correct the region in release.toml; a request is never sent on to another region",
        evidence={**evidence, "configured": configured, "found": str(found)},
    )


def _unanswered(error: BotoCoreError | ResponseParserError, asked: _Asked) -> ReleaseError:
    """Translate an error that came from this side: no credentials, no connection, bad bytes."""
    name = type(error).__name__
    where = f"{asked.action} on {asked.resource}"
    if isinstance(error, _NO_CREDENTIALS):
        return CredentialError(
            f"the {asked.stage} stage has no usable key ({name})",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN "
            "and AWS_ROLE_SESSION_NAME, for this job only",
        )
    if isinstance(error, _WRONG_SETTINGS):
        return ConfigError(f"the request was not sent, its parameters are not valid: {where} ({name})")
    if isinstance(error, ResponseParserError):
        return ServiceError(f"the answer is not one of AWS: {where}", hint="is there a proxy that answers itself?")
    for kind, words in _TRANSPORT:
        if isinstance(error, kind):
            return ServiceError(f"{words}: {where}{_host(error)}", hint="check the network, then run again")
    return ServiceError(f"the request failed: {where} ({name})", hint="run the same command again")


def _host(error: BotoCoreError) -> str:
    """Give the host that was asked, never the path or the query: those are signed."""
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    try:
        host = urlsplit(str(url)).hostname if url else None
    except ValueError:
        host = None
    return f" at {host}" if host else ""
