"""A CloudFront distribution as the Cdn port."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, AwsError, error_code, translate
from release.adapters.delivery.paths import in_urls
from release.errors import RefusedError, ReleaseError, ServiceError

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

# "3,000 per distribution": https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
MOST_PATHS: Final = 3000


class CloudFront:
    """One distribution, used with the key of one stage.

    Args:
        client: a CloudFront client made by `AwsClients.cloudfront`.
        distribution: the distribution's id.
        stage: the stage whose key the client uses, for errors.
        account: the account's number, for the ARN in errors.
    """

    def __init__(self, client: "CloudFrontClient", *, distribution: str, stage: str, account: str = "*") -> None:
        self._client = client
        self._distribution = distribution
        self._stage = stage
        self._account = account

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        """Ask for these absolute paths to be dropped; the same reference and paths are asked once.

        Args:
            paths: paths as they are in the bucket, each with a leading slash, no wildcards.
            reference: the CallerReference, "a value that you specify to uniquely identify an invalidation request":
                https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_InvalidationBatch.html

        Returns:
            The invalidation's id.

        Raises:
            NothingToDoError: there are no paths.
            RefusedError: there are more than 3,000, one is not exact, or the reference stands for other paths.
            PermissionDenied, CredentialError, NotFoundError, ServiceError: CloudFront did not do it.
        """
        if len(paths) > MOST_PATHS:
            raise RefusedError(
                f"{len(paths)} paths are too many for one invalidation: CloudFront takes {MOST_PATHS}",
                hint="promote fewer files to the channel, or give them short cache times instead of invalidating them",
            )
        items = in_urls(paths)
        try:
            answer = self._client.create_invalidation(
                DistributionId=self._distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(items), "Items": items},
                    "CallerReference": reference,
                },
            )
        except AWS_ERRORS as error:
            raise self._error(error, "cloudfront:CreateInvalidation") from None
        return answer["Invalidation"]["Id"]

    def finished(self, invalidation: str) -> bool:
        """Tell whether the invalidation has reached every edge.

        Raises:
            PermissionDenied, CredentialError, NotFoundError, ServiceError: CloudFront gave no clear answer.
        """
        try:
            answer = self._client.get_invalidation(DistributionId=self._distribution, Id=invalidation)
        except AWS_ERRORS as error:
            raise self._error(error, "cloudfront:GetInvalidation") from None
        # AWS writes "Completed", moto "COMPLETED".
        return answer["Invalidation"]["Status"].lower() == "completed"

    def _error(self, error: AwsError, action: str) -> ReleaseError:
        code = error_code(error) if isinstance(error, ClientError) else ""
        if code == "TooManyInvalidationsInProgress":
            return ServiceError(
                f"the distribution {self._distribution} has too many invalidations in progress",
                hint="wait until they are done, then run the same command again: nothing is asked twice",
            )
        if code == "InvalidationBatchAlreadyExists":
            return RefusedError(
                "an invalidation with this reference exists already, for other paths",
                hint="another run of this release asked for other files; give the new attempt a reference of its own",
            )
        arn = f"arn:{self._client.meta.partition}:cloudfront::{self._account}:distribution/{self._distribution}"
        return translate(error, action=action, resource=arn, stage=self._stage)
