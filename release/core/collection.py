"""The documents of a collection: which files of a channel are garbage, and that they were deleted.

The first is evidence of the entry that orders it; `served` says by which versions it was judged, so that whoever has
the log and the manifests can judge it again.
"""

from dataclasses import dataclass
from typing import Final, Literal

from release.core import document
from release.core.layout import CHANNEL, LARGEST_SLOT, LIBRARY, PATH, VERSION
from release.core.manifest import SHA256
from release.core.shape import rule
from release.errors import FormatError

MOST: Final = 2500
"""Files of one collection: what an invalidation takes at once (CloudFront: 3,000 paths). The rest is the next one's."""
LARGEST: Final = 4 * 1024 * 1024

_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A version that the channel served in the period of grace, or serves."""

    version: str = rule(pattern=VERSION)
    manifest: str = rule(pattern=SHA256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftover:
    """A file that none of those has: its path in the channel, its bytes, and the version that left it."""

    path: str = rule(pattern=PATH)
    sha256: str = rule(pattern=SHA256)
    etag: str = rule(longest=200)
    bytes: int = rule(minimum=0)
    version: str = rule(pattern=VERSION)


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """What is to be deleted of a channel, as it is after log entry `entry`.

    `since` is when the period of grace began: each version that the channel served at any time from then on is in
    `served`. `left` is how many more files could have been named.
    """

    type_: Literal["release-collection/v1"] = rule("release-collection/v1", required=True)
    library: str = rule(pattern=LIBRARY)
    channel: str = rule(pattern=CHANNEL)
    entry: int = rule(minimum=0, maximum=LARGEST_SLOT)
    since: str = rule(pattern=_TIME)
    grace_days: int = rule(minimum=1, maximum=3650)
    served: tuple[Served, ...] = rule(minimum=1, most=1000)
    files: tuple[Leftover, ...] = rule(minimum=1, most=MOST)
    left: int = rule(0, minimum=0)

    @property
    def paths(self) -> frozenset[str]:
        """The paths of all files."""
        return frozenset(file.path for file in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """From collect to invalidate and record: the order's entry, its document's SHA-256, and the keys that are gone."""

    type_: Literal["release-collected/v1"] = rule("release-collected/v1", required=True)
    library: str = rule(pattern=LIBRARY)
    channel: str = rule(pattern=CHANNEL)
    entry: int = rule(minimum=0, maximum=LARGEST_SLOT)
    collection: str = rule(pattern=SHA256)
    deleted: tuple[str, ...] = rule(minimum=1, most=MOST, longest=600)


def read_collection(body: bytes, *, name: str, library: str, channel: str) -> Collection:
    """Read what is to be deleted; it must be of this channel (FormatError)."""
    found = document.decode(Collection, body, name=name, limit=LARGEST)
    if (found.library, found.channel) != (library, channel):
        raise FormatError(f"{name} is about {found.library}/{found.channel}, not {library}/{channel}")
    return found


def read_collected(body: bytes, *, name: str, library: str) -> Collected:
    """Read what was deleted; it must be of this library (FormatError)."""
    found = document.decode(Collected, body, name=name, limit=LARGEST)
    if found.library != library:
        raise FormatError(f"{name} is for library {found.library}, this is {library}")
    return found
