"""A release log entry: an in-toto Statement v1 with the release-event predicate.

One entry is one event; the bytes of slot `seq/<index>` are the statement in a DSSE envelope that the log's key
signed (`core.dsse`). Each entry carries the complete state of all channels after it, and the RFC 6962 leaf hash of
the entry before it, so that a reader needs the newest entry only and a verifier sees every edit.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from release.core import document
from release.core.dsse import Sign, seal, unseal
from release.core.evidence import Evidence
from release.core.layout import CHANNEL, LARGEST_SLOT, LIBRARY, VERSION
from release.core.manifest import COMMIT, SHA256
from release.core.pipeline import Pipeline
from release.core.provenance import STATEMENT
from release.core.ring_rule import RingRule
from release.core.shape import rule
from release.core.tlog.note import Key
from release.core.trust import PRINCIPAL, ROLE
from release.errors import LogError

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
PREDICATE: Final = "urn:js-release:release-event:v1"
# C2SP tlog-tiles: an entry bundle prefixes each entry with a big-endian uint16 length. With the envelope around it a
# statement may have 48 KiB.
LARGEST: Final = 65_535

Action = Literal[
    "publish.completed",
    "promote.authorized",
    "promote.completed",
    "promote.failed",
    "rollback.authorized",
    "rollback.completed",
    "rollback.failed",
    "version.yanked",
    "review.completed",
    "keys.rotated",
    "trust.changed",
    "collect.ordered",
    "collect.finished",
]
ROTATED: Final = "keys.rotated"
TRUST_CHANGED: Final = "trust.changed"
ORDERED: Final = "collect.ordered"
FINISHED: Final = "collect.finished"
ABOUT: Final[Mapping[str, str]] = {
    ROTATED: "rotation.json",
    TRUST_CHANGED: "trust.json",
    ORDERED: "collection.json",
    FINISHED: "collection.json",
}
"""What an entry is about that is about no version: a document, whose digest it has for a manifest's."""
Outcome = Literal["authorized", "completed", "failed"]

_DIGEST: Final[Mapping[str, str]] = {"pattern": SHA256, "means": "a SHA-256 in hex"}
_INDEX: Final[Mapping[str, int]] = {"minimum": 0, "maximum": LARGEST_SLOT}
_VERSION: Final[Mapping[str, str]] = {"pattern": VERSION, "means": "a version"}
_TIME: Final[Mapping[str, str]] = {
    "pattern": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "means": "a time such as 2026-11-24T00:12:33Z",
}
_YEARS: Final = (1970, 9000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Collecting:
    """The entry that orders files of a channel deleted, and until when that may be done."""

    entry: int = rule(**_INDEX)
    until: str = rule(**_TIME)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelState:
    """What a channel is to serve; `entry` authorised it, `concluded` says how it ended.

    `collecting` is there from the order to collect its garbage until that was done, whatever it serves meanwhile.
    """

    version: str = rule(**_VERSION)
    manifest: str = rule(**_DIGEST)
    pointer_version: int = rule(minimum=1)
    entry: int = rule(**_INDEX)
    outcome: Outcome
    concluded: int | None = rule(None, **_INDEX)
    collecting: Collecting | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InForce:
    """The trust epoch that decides, its SHA-256, and the entry that announced it."""

    epoch: int = rule(minimum=0, maximum=999)
    sha256: str = rule(**_DIGEST)
    entry: int = rule(**_INDEX)


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The state of the whole library: all channels, and each yanked version with its entry.

    `reviews` are the entries that were authorised in an emergency and not reviewed yet, each with the time until
    when it must be. `trust` is the epoch by which the next entry is approved; None until one was announced.
    """

    channels: Mapping[str, ChannelState] = rule(dict, key_pattern=CHANNEL, key_means="a channel's name")
    yanked: Mapping[str, int] = rule(dict, key_pattern=VERSION, key_means="a version", **_INDEX)
    reviews: Mapping[str, str] = rule(dict, key_pattern=r"[0-9]{1,12}", key_means="an entry's number", **_TIME)
    trust: InForce | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Previous:
    """The entry before: its index and its RFC 6962 leaf hash."""

    index: int = rule(**_INDEX)
    leaf_hash: str = rule(**_DIGEST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The git source that a version was built from."""

    commit: str = rule(pattern=COMMIT, means="a full commit hash")
    tag: str = rule(longest=100)
    changelog: str | None = rule(None, **_DIGEST, doc="Of the version's section in the changelog.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Approved:
    """One person's approval; request and signature are `evidence/sha256/<digest>` in the log bucket."""

    principal: str = rule(**PRINCIPAL)
    role: str = rule(**ROLE)
    request: str = rule(**_DIGEST)
    approval: str = rule(**_DIGEST)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustReference:
    """The trust epoch by whose rules something was approved."""

    epoch: int = rule(minimum=0, maximum=999)
    sha256: str = rule(**_DIGEST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened. Times are RFC 3339 in UTC with whole seconds.

    A rotation of keys is about no version: `version` is empty then, and `manifest` the digest of its document.
    So it is with a change of trust, whose document is the epoch that `trust` names, and with a collection, whose
    document lists the files of `channel` to delete.
    """

    event_id: str = rule(**_DIGEST)
    origin: str = rule(longest=200)
    index: int = rule(**_INDEX)
    action: Action
    outcome_of: int | None = rule(None, **_INDEX)
    occurred_at: str = rule(**_TIME)
    component: str = rule(pattern=LIBRARY, means="a library's name")
    version: str = rule(pattern=f"({VERSION})?", means="a version")
    channel: str | None = rule(None, pattern=CHANNEL, means="a channel's name")
    manifest: str = rule(**_DIGEST)
    reason: str | None = rule(None, longest=2000)
    prev: Previous | None = None
    before: ChannelState | None = None
    after: State
    source: Origin | None = None
    evidence: tuple[Evidence, ...] = rule((), most=20)
    approvals: tuple[Approved, ...] = rule((), most=20)
    emergency: bool = False
    trust: TrustReference | None = None
    ring: RingRule | None = None
    pipeline: Pipeline


@dataclass(frozen=True, kw_only=True, slots=True)
class Digests:
    """A digest set (in-toto attestation v1)."""

    sha256: str = rule(**_DIGEST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What the statement is about: a version's manifest."""

    name: str = rule(longest=200)
    digest: Digests


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The whole statement."""

    _type: Literal["https://in-toto.io/Statement/v1"]
    subject: tuple[Subject, ...] = rule(minimum=1, most=1)
    predicate_type: Literal["urn:js-release:release-event:v1"]
    predicate: Event


def statement(event: Event) -> Entry:
    """Wrap an event with the subject it is about."""
    about = f"{event.component}@{event.version}/manifest.json"
    if not event.version:
        about = f"{event.component}/{ABOUT.get(event.action, 'rotation.json')}"
    subject = Subject(name=about, digest=Digests(sha256=event.manifest))
    return Entry(_type=STATEMENT, subject=(subject,), predicate_type=PREDICATE, predicate=event)


def encode(entry: Entry, sign: Sign) -> bytes:
    """Give the bytes of a slot, signed.

    Raises:
        LogError: they are more than a log entry may be, or nobody could read them again.
    """
    try:
        said = document.encode(entry)
    except UnicodeEncodeError as why:
        raise LogError("the entry would have half of a surrogate pair in it", hint="correct the reason") from why
    _read(said, index=entry.predicate.index)
    body = seal(said, PAYLOAD_TYPE, sign)
    if len(body) > LARGEST:
        raise LogError(f"the entry would be {len(body)} bytes long with its signature, at most {LARGEST} fit the log")
    return body


def decode(body: bytes, *, index: int, keys: Sequence[Key]) -> Event:
    """Read the entry of a slot, signed by one of the log's keys.

    Raises:
        LogError: malformed, not signed, or not the entry of this slot.
    """
    return decode_signed(body, index=index, keys=keys)[0]


def decode_signed(body: bytes, *, index: int, keys: Sequence[Key]) -> tuple[Event, Key]:
    """Do the same, and give also the key (LogError)."""
    said, key = unseal(body, PAYLOAD_TYPE, keys, name=f"log entry {index}", limit=LARGEST)
    event = _read(said, index=index)
    if event.origin != key.name:
        raise LogError(f"log entry {index} is of the log {event.origin}, and the key of {key.name} signed it")
    return event, key


def _read(said: bytes, *, index: int) -> Event:
    name = f"log entry {index}"
    entry = document.decode(Entry, said, name=name, limit=LARGEST, error=LogError)
    event = entry.predicate
    if entry != statement(event):
        raise LogError(f"{name} is about another version than its event")
    if (event.version == "") != (event.action in ABOUT):
        raise LogError(f"{name} is {event.action} of {event.version or 'no version'}")
    if event.index != index:
        raise LogError(f"{name} says that it is entry {event.index}: entries were moved")
    if (event.prev.index + 1 if event.prev else 0) != index:
        raise LogError(f"{name} does not follow entry {index - 1}")
    if not _is_time(event.occurred_at):
        raise LogError(f"{name}: occurredAt: {event.occurred_at} is no time of a release")
    return event


def _is_time(text: str) -> bool:
    """Tell whether a time is one, with days before and after it to reckon with."""
    try:
        return _YEARS[0] <= datetime.fromisoformat(text).year <= _YEARS[1]
    except ValueError:
        return False


def leaf_hash(body: bytes) -> str:
    """Give the leaf hash (hex) of an entry: SHA-256 of 0x00 and the bytes (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + body).hexdigest()
