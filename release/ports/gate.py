"""Where a ring's gate learns how a version does."""

from typing import Protocol

from release.core.gate import Counted


class ErrorSource(Protocol):
    """Something that counts a version's errors on customers' pages. Every error is no answer."""

    def count(self, *, version: str, ring: str) -> Counted:
        """Count what this very version did lately.

        Raises:
            ServiceError: there was no answer, or none that is clear.
            CredentialError, PermissionDenied, NotFoundError, ConfigError: there never will be one like this.
        """
        ...
