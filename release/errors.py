"""Every error this program can end with, one exit code a class.

    ReleaseError
    ├── ConfigError        3  release.toml or an option is wrong
    ├── SourceError        4  the tag, version, history or working tree is refused
    ├── NothingToDoError   5  there is nothing to release, publish, promote or verify
    ├── BuildError         6  the library's build failed or gave something unusable
    ├── IntegrityError     7  bytes are not the bytes they must be
    ├── CredentialError    8  the key is missing, expired or not accepted
    ├── PermissionDenied   9  the key is valid and may not do this
    ├── NotFoundError     10  a bucket, version, channel or entry does not exist
    ├── ServiceError      11  a service did not give a clear answer in time
    ├── RefusedError      12  a release rule forbids it, or another release came first
    ├── VerificationError 13  the public address does not serve what was released
    ├── LogError          14  the release log is damaged
    ├── DriftError        15  what is served or what a key may do is not what it should be
    ├── FormatError       16  a file handed from stage to stage is malformed
    ├── MissingToolError  17  a program or an optional package is not installed
    ├── CheckError        18  the bundle may load, send or inject where it is not authorised
    ├── TrippedError      19  a ring's gate says that its version makes too many errors
    ├── TamperedError     20  a release log was altered, cut, forked or not signed by its keys
    ├── BrokenRuleError   21  an entry of a release log is malformed or breaks a release rule
    ├── EvidenceError     22  evidence or a changelog is not what the release log recorded
    ├── StaleError        23  a release log is older than it may be
    ├── ReadOnlyLogError  24  the release log cannot be written now, and nothing was changed
    ├── UnloggedError     25  a channel was rolled back, and the release log does not know it yet
    └── SomeFailedError   29  a command was run for many customers, and did not end well for some

0 is "done"; 1 and 2 belong to Python and Typer.
"""

from collections.abc import Mapping
from typing import ClassVar


class ReleaseError(Exception):
    """An end that the user must act on.

    Args:
        message: one sentence: what is wrong, and where.
        hint: what to do next.
        evidence: named facts that prove the message, such as two digests.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", evidence: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.evidence = dict(evidence or {})


class ConfigError(ReleaseError):
    """release.toml or an option is wrong."""

    exit_code = 3


class SourceError(ReleaseError):
    """The tag, version, history or working tree is refused."""

    exit_code = 4


class NothingToDoError(ReleaseError):
    """There is nothing to release, publish, promote or verify."""

    exit_code = 5


class BuildError(ReleaseError):
    """The library's build failed or gave something unusable."""

    exit_code = 6


class IntegrityError(ReleaseError):
    """Bytes are not the bytes they must be; carries both digests as evidence."""

    exit_code = 7


class CredentialError(ReleaseError):
    """The key is missing, expired or not accepted."""

    exit_code = 8


class PermissionDenied(ReleaseError):  # noqa: N818 - the name AWS gives it
    """The key is valid and may not do this; names the action and the resource."""

    exit_code = 9


class NotFoundError(ReleaseError):
    """A bucket, version, channel or entry does not exist."""

    exit_code = 10


class ServiceError(ReleaseError):
    """A service did not give a clear answer in time."""

    exit_code = 11


class RefusedError(ReleaseError):
    """A release rule forbids it, or another release came first."""

    exit_code = 12


class VerificationError(ReleaseError):
    """The public address does not serve what was released."""

    exit_code = 13


class LogError(ReleaseError):
    """The release log is damaged."""

    exit_code = 14


class DriftError(ReleaseError):
    """What is served is not what the log says, a key is not what its policy says, or was used otherwise."""

    exit_code = 15


class FormatError(ReleaseError):
    """A file handed from stage to stage is malformed."""

    exit_code = 16


class MissingToolError(ReleaseError):
    """A program or an optional package is not installed."""

    exit_code = 17


class CheckError(ReleaseError):
    """The bundle loads, sends or injects where it is not authorised, or nobody can tell."""

    exit_code = 18


class TrippedError(ReleaseError):
    """A ring's gate says that its version makes too many errors."""

    exit_code = 19


class TamperedError(ReleaseError):
    """A release log was altered, cut, forked or not signed by its keys."""

    exit_code = 20


class BrokenRuleError(ReleaseError):
    """An entry of a release log is malformed or breaks a release rule."""

    exit_code = 21


class EvidenceError(ReleaseError):
    """Evidence or a changelog is not what the release log recorded."""

    exit_code = 22


class StaleError(ReleaseError):
    """A release log is older than it may be."""

    exit_code = 23


class ReadOnlyLogError(ReleaseError):
    """The release log cannot be written now, and nothing was changed."""

    exit_code = 24


class UnloggedError(ReleaseError):
    """A channel was rolled back, and the release log does not know it yet."""

    exit_code = 25


class SomeFailedError(ReleaseError):
    """A command was run for many customers, and did not end well for some."""

    exit_code = 29
