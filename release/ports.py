"""What the stages need from the world, and nothing more.

Each port is small and belongs to its users. Adapters turn foreign errors into
`release.errors`; absence is a value only where the world said so clearly: an
answer that could mean either "absent" or "forbidden" is an error, never None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from release.core.attempts import Answer
from release.core.commits import RawCommit
from release.core.key_findings import HeldKey, Holder
from release.core.keypolicy import Policy
from release.core.layout import ObjectHeaders
from release.core.matrix import Call
from release.core.provisioning import Made
from release.core.tlog.note import Key, Signature


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """An object without its bytes. `sha256` is hex, or None where the server keeps no checksum."""

    bucket: str
    key: str
    size: int
    etag: str
    sha256: str | None
    headers: ObjectHeaders


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """An object with its bytes."""

    info: ObjectInfo
    body: bytes


class ObjectStore(Protocol):
    """One bucket. Keys are complete; every write carries a SHA-256 that the server checks."""

    def describe(self, key: str) -> ObjectInfo | None:
        """Give the object's metadata, or None if it certainly does not exist."""
        ...

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        """Give the object, or None if it certainly does not exist.

        Raises:
            IntegrityError: it is larger than `limit` bytes.
        """
        ...

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        """Create the object (`If-None-Match: *`); False if the key was taken."""
        ...

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        """Compare and swap: write only over the object with this ETag (None: only if absent).

        False if somebody else was first.
        """
        ...

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        """Copy on the server over the object with the ETag `replacing` (None: only if there is none).

        The source may be in another bucket. Gives the SHA-256 (hex) of the bytes at `target`, or None if
        somebody else wrote there first.

        Raises:
            IntegrityError: `source` is no longer the object described.
        """
        ...

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        """Give up to `most` keys with this prefix that sort after `after`, in order."""
        ...


class Cdn(Protocol):
    """The cache in front of the bucket."""

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        """Ask for these absolute paths to be dropped; the same reference and paths are asked once."""
        ...

    def finished(self, invalidation: str) -> bool:
        """Tell whether the invalidation has reached every edge."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """What a browser would get. `body` is decoded; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    encoding: str
    body: bytes


class PublicSite(Protocol):
    """The library's public address, as a customer's browser sees it."""

    def fetch(self, path: str, *, encoding: str, origin: str, limit: int) -> Download:
        """GET one path with `Accept-Encoding: encoding` and `Origin: origin`.

        Raises:
            ServiceError: no answer.
            VerificationError: the body is larger than `limit` bytes once decoded, or does not decode.
        """
        ...


class Folder(Protocol):
    """One folder: a library's working copy, or the output of its build. Paths are relative and POSIX."""

    def paths(self) -> Sequence[str]:
        """List all files below the folder, sorted; an absent folder has none.

        Raises:
            BuildError: there is a symbolic link or something that is not a regular file.
        """
        ...

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Give a file's bytes, or None if it certainly does not exist.

        Raises:
            BuildError: it is larger than `limit` bytes, cannot be read, or leads out of the folder.
        """
        ...

    def write(self, path: str, body: bytes) -> None:
        """Write a file whole or not at all."""
        ...

    def clear(self) -> None:
        """Remove all that is in the folder."""
        ...


class LogFiles(Protocol):
    """A release log as files, hostile until verified. Paths are relative and POSIX."""

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes, or None if there certainly is none.

        Raises:
            TlogError: it is larger than `limit` bytes, cannot be read, or is no regular file.
        """
        ...

    def names(self, folder: str) -> Sequence[str]:
        """List the files directly below a folder, sorted; an absent folder has none."""
        ...


class LogArchive(Protocol):
    """A copy of a release log, in the making."""

    def add(self, path: str, body: bytes) -> None:
        """Append a file; nothing is added twice."""
        ...


class Repository(Protocol):
    """The library's git repository. Revisions are full commit hashes unless said otherwise."""

    def root(self) -> Path:
        """Give the top folder of the working tree."""
        ...

    def head(self) -> str:
        """Give the commit that is checked out."""
        ...

    def is_shallow(self) -> bool:
        """Tell whether history was cut off by a shallow clone."""
        ...

    def changes(self, *, ignoring: Sequence[Path]) -> Sequence[str]:
        """List changed and untracked (not ignored) paths outside the folders to ignore."""
        ...

    def tags(self, *, merged_into: str | None = None) -> Mapping[str, str]:
        """Map tag names to the commits they point at, those reachable from a revision or all."""
        ...

    def has_remote(self) -> bool:
        """Tell whether there is a remote `origin`."""
        ...

    def remote_tag(self, name: str) -> str | None:
        """Give the commit that the tag points at in the remote `origin`, None if it has no such tag.

        Raises:
            ServiceError: the remote gave no clear answer.
        """
        ...

    def is_ancestor(self, commit: str, branch: str) -> bool:
        """Tell whether the branch (`origin/<branch>` if there is one) contains the commit.

        Raises:
            SourceError: there is no such branch.
        """
        ...

    def commits(self, *, after: str | None, until: str) -> Sequence[RawCommit]:
        """List the commits reachable from `until` but not from `after`, newest first."""
        ...

    def authors(self, *, after: str | None, until: str) -> Sequence[str]:
        """List the addresses of the authors of the same commits, each once, as the commits say them."""
        ...

    def commit_time(self, commit: str) -> int:
        """Give the committer's time in seconds since 1970."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A child process that ended by itself."""

    code: int
    output: str


class Runner(Protocol):
    """Child processes. Never a shell."""

    def run(self, argv: Sequence[str], *, folder: Path, env: Mapping[str, str], seconds: float) -> Finished:
        """Run a program to its end with exactly this environment; output is stdout and stderr together.

        Without HOME in `env` the program gets an empty one that is removed afterwards.

        Raises:
            MissingToolError: there is no such program.
            BuildError: it ran longer than `seconds`.
        """
        ...


class KeyVault(Protocol):
    """Where the stages' static keys are kept for the jobs that use them: secrets go in and never come out."""

    def require_writable(self) -> None:
        """Make sure that a key can be stored, before one is made.

        Raises:
            ConfigError or CredentialError: it cannot.
        """
        ...

    def key_id(self, stage: str) -> str | None:
        """Give the id of the key that a stage uses now, or None if it certainly has none."""
        ...

    def store(self, stage: str, key_id: str, secret: str) -> None:
        """Keep a key as the one that a stage uses, in place of any other."""
        ...


class IdentityStore(Protocol):
    """One owner's users or roles in IAM, by stage; `BOUNDARY` and `PROVISION` are names of policies too."""

    def policy(self, name: str) -> Policy | None:
        """Give a managed policy, or None if it certainly does not exist."""
        ...

    def write_policy(self, name: str, document: Policy) -> None:
        """Create a managed policy or replace its content."""
        ...

    def holder(self, stage: str) -> Made | None:
        """Give a stage's user or role, or None if it certainly does not exist."""
        ...

    def create(self, stage: str, trust: Policy | None) -> None:
        """Create a stage's user or role, capped by the boundary."""
        ...

    def cap(self, stage: str) -> None:
        """Put the boundary on a stage's user or role."""
        ...

    def attach(self, stage: str) -> None:
        """Attach a stage's policy to it."""
        ...

    def set_trust(self, stage: str, trust: Policy) -> None:
        """Say who may take a stage's role."""
        ...

    def issuer_audiences(self, host: str) -> frozenset[str] | None:
        """Give the audiences that an issuer of tokens is registered with, None if it certainly is not."""
        ...

    def keys(self, stage: str) -> Sequence[HeldKey]:
        """List a user's access keys, oldest first."""
        ...

    def create_key(self, stage: str) -> tuple[str, str]:
        """Make an access key; gives its id and its secret, which nobody can read again."""
        ...


class RotatingKeys(Protocol):
    """The access keys of the stages' users, as far as the rotate key may touch them."""

    def keys(self, stage: str) -> Sequence[HeldKey]:
        """List a user's access keys, oldest first."""
        ...

    def create_key(self, stage: str) -> tuple[str, str]:
        """Make an access key; gives its id and its secret, which nobody can read again."""
        ...

    def disable_key(self, stage: str, key_id: str) -> None:
        """Make a key useless, in a way that can be taken back."""
        ...

    def delete_key(self, stage: str, key_id: str) -> None:
        """Delete a key; one that is gone already is fine."""
        ...


class KeyProof(Protocol):
    """Tries a key."""

    def caller(self, stage: str, key_id: str, secret: str) -> str:
        """Give the ARN that AWS takes this key for.

        Raises:
            CredentialError: AWS does not accept it, or not yet.
        """
        ...


class BucketPolicyStore(Protocol):
    """The policies of buckets."""

    def read(self, bucket: str) -> Policy | None:
        """Give a bucket's policy, or None if it certainly has none."""
        ...

    def write(self, bucket: str, policy: Policy, *, before: Policy | None) -> None:
        """Replace a bucket's policy that was `before` when it was read.

        Raises:
            RefusedError: somebody else wrote it meanwhile.
        """
        ...


class RoleVariables(Protocol):
    """Where the stages' jobs learn which role to take."""

    def role(self, stage: str) -> str | None:
        """Give the ARN that a stage's jobs get now, or None."""
        ...

    def store_role(self, stage: str, arn: str) -> None:
        """Tell a stage's jobs which role to take."""
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


class NoteSigner(Protocol):
    """The log's private key, wherever it is kept; it never comes out."""

    @property
    def key(self) -> Key:
        """The public half."""
        ...

    def sign(self, text: bytes) -> Signature:
        """Sign the text of a note."""
        ...


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Give the present time in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Progress(Protocol):
    """How far one long piece of work is."""

    def advance(self) -> None:
        """Say that one more step is done."""
        ...


class Console(Protocol):
    """Talk for people, on stderr. Data goes to stdout and is not this port's concern."""

    def say(self, text: str) -> None:
        """Say one line."""
        ...

    def warn(self, text: str) -> None:
        """Say one line that should not be missed."""
        ...

    def progress(self, title: str, total: int) -> AbstractContextManager[Progress]:
        """Show the progress of `total` steps while the context is open."""
        ...
