"""Every object key, forwards and backwards.

    <prefix><library>/<version>/<path>              immutable
    <prefix><library>/<version>/manifest.json       immutable, written last
    <prefix><library>/<channel>/<path>              mutable
    <prefix><library>/channels/<channel>.json       the channel's pointer
    <prefix><library>/customers/<customer>/...      the same tree for one customer's variant
    <log prefix>seq/<12 digits>                     log entries, create-only
    <log prefix>versions/<version>.json             where a version's publish entry is, create-only
    <log prefix>evidence/sha256/<hex>               what entries refer to by digest, create-only
    <log prefix>trust/<epoch>.json                  who may approve, create-only; no stage writes it
    <log prefix>tile/...                            the tree of the entries and the entries in bundles, create-only
    <log prefix>checkpoints/<12 digits>             the signed checkpoint of each size, create-only
    <log prefix>checkpoint                          the newest checkpoint; moved up only
    <log prefix>pointers/<12 digits>.json           the pointer that an authorising entry amounts to, create-only

A version begins with a digit and a channel with a letter, so that the two can never be
one name and an IAM policy can tell them apart by prefix.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LIBRARY: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
CHANNEL: Final = r"[a-z][a-z0-9.-]{0,47}"
CUSTOMER: Final = r"[a-z0-9][a-z0-9-]{0,62}"
PREFIX: Final = r"([A-Za-z0-9_-][A-Za-z0-9._-]{0,63}/){0,8}"
VERSION: Final = r"(?!.{65})[0-9]{1,16}\.[0-9]{1,16}\.[0-9]{1,16}(-[0-9A-Za-z.-]+)?"
# No segment begins with a dot, so no path climbs; no character needs escaping in a URL.
PATH: Final = r"(?!.{201})[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*"
PATH_OF_TILE: Final = r"(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?"

POINTERS: Final = "channels"
CUSTOMERS: Final = "customers"
MANIFEST: Final = "manifest.json"
RESERVED_CHANNELS: Final = frozenset({POINTERS, CUSTOMERS})

SLOT_DIGITS: Final = 12
LARGEST_SLOT: Final = 10**SLOT_DIGITS - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectHeaders:
    """What the server says of an object besides its bytes. Metadata names are lower case."""

    content_type: str
    cache_control: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionKey:
    """An immutable object of a version; its manifest has the path `manifest.json`."""

    version: str
    path: str


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """A mutable object of a channel."""

    channel: str
    path: str


@dataclass(frozen=True, slots=True)
class PointerKey:
    """The pointer of a channel."""

    channel: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLayout:
    """The keys of one library, or of one customer's variant of it, in the site bucket."""

    prefix: str
    library: str
    customer: str | None = None

    @property
    def root(self) -> str:
        """The prefix that all keys share; ends with a slash."""
        own = f"{self.prefix}{self.library}/"
        return own if self.customer is None else f"{own}{CUSTOMERS}/{self.customer}/"

    def artifact(self, version: str, path: str) -> str:
        """Give the key of one file of a version."""
        return f"{self.root}{_must(VERSION, version)}/{_must(PATH, path)}"

    def manifest(self, version: str) -> str:
        """Give the key of a version's manifest."""
        return self.artifact(version, MANIFEST)

    def channel_file(self, channel: str, path: str) -> str:
        """Give the key of one file of a channel."""
        return f"{self.root}{_channel(channel)}/{_must(PATH, path)}"

    @property
    def pointers(self) -> str:
        """The prefix of all channels' pointers."""
        return f"{self.root}{POINTERS}/"

    def pointer(self, channel: str) -> str:
        """Give the key of a channel's pointer."""
        return f"{self.pointers}{_channel(channel)}.json"

    def parse(self, key: str) -> VersionKey | ChannelKey | PointerKey | None:
        """Tell what a key is; None if it is no key of this layout."""
        if not key.startswith(self.root):
            return None
        top, slash, rest = key[len(self.root) :].partition("/")
        if not slash or not re.fullmatch(PATH, rest, re.ASCII):
            return None
        if top == POINTERS:
            name = rest.removesuffix(".json")
            return PointerKey(name) if name != rest and is_channel(name) else None
        if re.fullmatch(VERSION, top, re.ASCII):
            return VersionKey(top, rest)
        return ChannelKey(top, rest) if is_channel(top) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLayout:
    """The keys of one library's release log in the log bucket."""

    prefix: str

    @property
    def slots(self) -> str:
        """The prefix of all entries."""
        return f"{self.prefix}seq/"

    @property
    def pointers(self) -> str:
        """The prefix of all pointers that entries authorise."""
        return f"{self.prefix}pointers/"

    def pointer(self, index: int) -> str:
        """Give the key of the pointer that the entry with this index authorises."""
        return f"{self.pointers}{self._digits(index)}.json"

    @property
    def trust(self) -> str:
        """The prefix of all trust epochs."""
        return f"{self.prefix}trust/"

    def epoch(self, number: int) -> str:
        """Give the key of a trust epoch."""
        return f"{self.trust}{number}.json"

    @property
    def blobs(self) -> str:
        """The prefix of all evidence."""
        return f"{self.prefix}evidence/sha256/"

    def evidence(self, sha256: str) -> str:
        """Give the key of the evidence with this digest (hex)."""
        return f"{self.blobs}{_must('[0-9a-f]{64}', sha256)}"

    @property
    def checkpoint(self) -> str:
        """The key of the log's head."""
        return f"{self.prefix}checkpoint"

    @property
    def checkpoints(self) -> str:
        """The prefix of the checkpoints of all sizes."""
        return f"{self.prefix}checkpoints/"

    @property
    def tiles(self) -> str:
        """The prefix of all tiles and entry bundles."""
        return f"{self.prefix}tile/"

    def archived_checkpoint(self, size: int) -> str:
        """Give the key of the checkpoint of a size."""
        return f"{self.checkpoints}{self._digits(size)}"

    def tile(self, path: str) -> str:
        """Give the key of a tile or an entry bundle by its path (C2SP tlog-tiles)."""
        return f"{self.prefix}{_must(f'tile/{PATH_OF_TILE}', path)}"

    def slot(self, index: int) -> str:
        """Give the key of the entry with this index; keys sort as indices do."""
        return f"{self.slots}{self._digits(index)}"

    def parse_slot(self, key: str) -> int | None:
        """Give the index in a slot's key; None if it is no such key."""
        name = key.removeprefix(self.slots)
        digits = rf"[0-9]{{{SLOT_DIGITS}}}"
        return int(name) if name != key and re.fullmatch(digits, name, re.ASCII) else None

    @property
    def indices(self) -> str:
        """The prefix of the objects that say where versions' publish entries are."""
        return f"{self.prefix}versions/"

    def version_index(self, version: str) -> str:
        """Give the key of the object that says where a version's publish entry is."""
        return f"{self.indices}{_must(VERSION, version)}.json"

    @staticmethod
    def _digits(index: int) -> str:
        if not 0 <= index <= LARGEST_SLOT:
            raise ValueError(index)
        return f"{index:0{SLOT_DIGITS}d}"


def is_channel(name: str) -> bool:
    """Tell whether this may be a channel's name."""
    return re.fullmatch(CHANNEL, name, re.ASCII) is not None and name not in RESERVED_CHANNELS


def _must(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(text)
    return text


def _channel(name: str) -> str:
    if not is_channel(name):
        raise ValueError(name)
    return name
