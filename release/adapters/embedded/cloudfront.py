"""What moto's CloudFront lacks: ARNs to authorise by, errors that can be read, purges asked once."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from moto.cloudfront.models import cloudfront_backends
from moto.core.responses import BaseResponse
from werkzeug.exceptions import HTTPException

Moto: TypeAlias = Any  # its classes have no types

_PATH: Final = re.compile(r"/2020-05-31/(distribution|origin-access-control)(?:/([^/]+))?")


def determine_resource(self: Moto) -> str:
    """Become `CloudFrontResponse._determine_resource`.

    Which actions name which resource:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html

    Returns:
        the ARN of the distribution or origin access control; with `*` for its id when it is to be
        created; `*` alone for lists.
    """
    path = _PATH.match(urlsplit(self.uri).path)
    if path is None or (path[2] is None and self.method != "POST"):
        return "*"
    return f"arn:aws:cloudfront::{self.current_account}:{path[1]}/{path[2] or '*'}"


def authorize(self: Moto, resource: str = "*") -> None:
    """Become `CloudFrontResponse._authenticate_and_authorize_normal_action`.

    moto wraps the error in one element too many, so botocore finds no code in it
    (https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/CommonErrors.html).
    """
    try:
        BaseResponse._authenticate_and_authorize_normal_action(self, resource)  # noqa: SLF001 - what it overrides
    except HTTPException as error:
        error.description = re.sub("</?Errors>", "", error.description or "")
        raise


class _ReferenceUsedError(HTTPException):
    """The error that AWS documents and botocore's model of CloudFront lacks, so moto cannot write it."""

    code = 400
    description = (
        "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidationBatchAlreadyExists</Code>"
        "<Message>This reference was used with other paths.</Message></Error></ErrorResponse>"
    )


def ask_once(original: Callable[..., Moto]) -> Callable[..., Moto]:
    """Wrap `CloudFrontBackend.create_invalidation` with what `CallerReference` is for.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_InvalidationBatch.html: a reference
    that was sent before gives the earlier invalidation if the paths are the same, else an error.
    """

    def create_invalidation(self: Moto, dist_id: str, paths: list[str], caller_ref: str) -> Moto:
        for earlier in self.invalidations.get(dist_id, []):
            if earlier.caller_ref == caller_ref:
                if earlier.paths == paths:
                    return earlier
                raise _ReferenceUsedError
        made = original(self, dist_id, paths, caller_ref)
        made.status = "Completed"  # moto writes it in capitals, which no waiter knows
        return made

    return create_invalidation


def purged_paths(account: str, distribution: str, after: int) -> Sequence[Sequence[str]]:
    """List the paths of each invalidation of a distribution but the first `after`, oldest first."""
    found = cloudfront_backends[account]["aws"].invalidations.get(distribution, [])
    return [tuple(invalidation.paths) for invalidation in found[after:]]
