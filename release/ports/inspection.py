"""What an auditor looks at: identities as they are, keys tried out, and CloudTrail's files."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from release.core.attempts import Answer
from release.core.key_findings import Holder
from release.core.keypolicy import Policy
from release.core.matrix import Call


class KeyDirectory(Protocol):
    """What IAM and S3 say of the stages' identities, to whoever may only read it.

    Each raises PermissionDenied where it may not be read.
    """

    def holder(self, name: str) -> Holder | None:
        """Give the user or role of this name, or None if there certainly is none."""
        ...

    def policy(self, arn: str) -> Policy | None:
        """Give the default version of a managed policy, or None if there certainly is no such policy."""
        ...

    def bucket_policy(self, bucket: str) -> Policy | None:
        """Give a bucket's policy, or None if it certainly has none.

        Raises:
            NotFoundError: there is no such bucket.
        """
        ...


class KeyTrial(Protocol):
    """One stage's key, tried on what it should not be able to do."""

    def attempt(self, call: Call) -> Answer:
        """Try a call of `core.attempts.HARMLESS` in the way that is described there.

        Raises:
            CredentialError: the key itself is not accepted.
            ServiceError: there was no answer.
        """
        ...


class TrailFiles(Protocol):
    """CloudTrail's log files of a period.

    Attributes:
        skipped: how many files were passed by because they hold no records, such as digests.
    """

    skipped: int

    def names(self) -> Iterator[str]:
        """Give the files' names."""
        ...

    def chunks(self, name: str) -> Iterable[bytes]:
        """Give a file's bytes, piece by piece.

        Raises:
            IntegrityError: while they are taken: the bytes cannot be had, or are too many.
        """
        ...
