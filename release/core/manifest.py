"""The manifest: what one version consists of. Its SHA-256 is the release's identity.

It holds nothing that differs between two builds of the same commit with the same tools:
no time of day, no machine, no user.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from release.core import document
from release.core.layout import LIBRARY, MANIFEST, PATH, VERSION
from release.core.shape import rule
from release.errors import FormatError

TYPE: Final = "release-manifest/v1"
LARGEST: Final = 4 * 1024 * 1024
LARGEST_ARTIFACT: Final = 32 * 1024 * 1024
SHA256: Final = r"[0-9a-f]{64}"
COMMIT: Final = r"[0-9a-f]{40}([0-9a-f]{24})?"

Role = Literal["entry", "chunk"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One file of a bundle. Sizes are bytes; `integrity` is its SRI string (W3C SRI, 3.5)."""

    path: str = rule(pattern=PATH, means="a relative path of plain names")
    role: Role
    media_type: str = rule(longest=100)
    bytes: int = rule(minimum=1, maximum=LARGEST_ARTIFACT)
    gzip_bytes: int = rule(minimum=1)
    brotli_bytes: int = rule(minimum=1)
    sha256: str = rule(pattern=SHA256, means="a SHA-256 in hex")
    sha512: str = rule(pattern=r"[0-9a-f]{128}", means="a SHA-512 in hex")
    integrity: str = rule(pattern=r"sha384-[A-Za-z0-9+/]{64}", means="an SRI string with SHA-384")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the bytes come from. `commit_time` is in seconds since 1970; no tag, no release.

    `changelog` is the digest of the version's section (`core.changelog.section_digest`), None if it has none.
    """

    commit: str = rule(pattern=COMMIT, means="a full commit hash")
    commit_time: int = rule(minimum=0)
    tag: str | None = rule(None, longest=100)
    changelog: str | None = rule(None, pattern=SHA256, means="a SHA-256 in hex")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockFile:
    """The lock file that fixed the dependencies."""

    path: str = rule(longest=200)
    sha256: str = rule(pattern=SHA256, means="a SHA-256 in hex")


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """How the bytes were made: the command, the tools by version, the lock file."""

    command: tuple[str, ...]
    toolchain: Mapping[str, str] = rule(longest=100)
    lock_file: LockFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One version of a library."""

    type_: Literal["release-manifest/v1"]
    library: str = rule(pattern=LIBRARY, means="a library's name")
    version: str = rule(pattern=VERSION, means="a version")
    source: Source
    build: Build
    # CloudFront takes 3,000 paths at a time (quotas page): a channel must fit one invalidation.
    artifacts: tuple[Artifact, ...] = rule(minimum=1, most=2500)

    @property
    def entries(self) -> tuple[Artifact, ...]:
        """The files that pages load by name."""
        return tuple(a for a in self.artifacts if a.role == "entry")

    @property
    def chunks(self) -> tuple[Artifact, ...]:
        """The files that entries load."""
        return tuple(a for a in self.artifacts if a.role == "chunk")


def measure(path: str, body: bytes, *, role: Role, media_type: str) -> Artifact:
    """Describe one file: sizes raw and compressed (gzip 9, brotli 11), digests, SRI."""
    import brotli  # noqa: PLC0415 - only builds compress

    return Artifact(
        path=path,
        role=role,
        media_type=media_type,
        bytes=len(body),
        # wbits 31 is the gzip container with an empty time stamp (RFC 1952).
        gzip_bytes=len(zlib.compress(body, 9, wbits=31)),
        brotli_bytes=len(brotli.compress(body, quality=11)),
        sha256=hashlib.sha256(body).hexdigest(),
        sha512=hashlib.sha512(body).hexdigest(),
        integrity="sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode(),
    )


def encode(manifest: Manifest) -> bytes:
    """Give the canonical bytes."""
    return document.encode(manifest)


def decode(body: bytes, *, name: str = MANIFEST) -> Manifest:
    """Read a manifest.

    Raises:
        FormatError: it is not canonical, not of the shape, its artifacts are not in order
            or not unique (ignoring case: some file systems do), or none is an entry.
    """
    manifest = document.decode(Manifest, body, name=name, limit=LARGEST)
    paths = [artifact.path for artifact in manifest.artifacts]
    if paths != sorted(paths):
        raise FormatError(f"{name}: the artifacts are not in order")
    if len({path.lower() for path in paths}) != len(paths):
        twice = sorted(path for path in paths if [p.lower() for p in paths].count(path.lower()) > 1)
        raise FormatError(f"{name}: {' and '.join(twice[:2])} are one path on some disks")
    if MANIFEST in {path.lower() for path in paths}:
        raise FormatError(f"{name}: an artifact has the manifest's own name")
    if not manifest.entries:
        raise FormatError(f"{name}: no artifact is an entry")
    return manifest


def digest(body: bytes) -> str:
    """Give the SHA-256 (hex) of bytes."""
    return hashlib.sha256(body).hexdigest()
