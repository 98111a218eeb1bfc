"""The small files that one stage's job hands to the next. Hostile until read here."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from release.core import document
from release.core.layout import CHANNEL, LARGEST_SLOT, LIBRARY, PATH, VERSION
from release.core.manifest import SHA256
from release.core.shape import rule
from release.errors import FormatError

LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """From record to promote: the log entry that authorises one channel's move.

    `leaves` only where the log could not be written: the channel's newest entry, which a rollback to the earlier
    `entry` leaves behind.
    """

    type_: Literal["release-order/v1"] = rule("release-order/v1", required=True)
    kind: Literal["promote", "rollback"]
    library: str = rule(pattern=LIBRARY)
    channel: str = rule(pattern=CHANNEL)
    version: str = rule(pattern=VERSION)
    manifest: str = rule(pattern=SHA256)
    entry: int = rule(minimum=0, maximum=LARGEST_SLOT)
    leaves: int | None = rule(None, minimum=0, maximum=LARGEST_SLOT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """From promote to invalidate, verify and record: the order, and the keys that now have other bytes."""

    type_: Literal["release-promotion/v1"] = rule("release-promotion/v1", required=True)
    order: Order
    changed: tuple[str, ...] = rule((), most=3000, longest=600)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """From verify to record: whether the public address serves the promotion's bytes."""

    type_: Literal["release-verification/v1"] = rule("release-verification/v1", required=True)
    order: Order
    passed: bool
    findings: tuple[str, ...] = rule((), most=100, longest=500)


@dataclass(frozen=True, kw_only=True, slots=True)
class PointedFile:
    """One file of the version a channel serves, with its SRI string."""

    path: str = rule(pattern=PATH)
    integrity: str = rule(pattern=r"sha384-[A-Za-z0-9+/]{64}")
    bytes: int = rule(minimum=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointer:
    """`channels/<channel>.json`: what a channel serves and which log entry says so.

    Written once, by the record key, as `pointers/<index>.json` of the log bucket; promote copies it.
    `expires` (RFC 3339, UTC) bounds how long a frozen copy can pass for the truth.
    """

    type_: Literal["release-pointer/v1"] = rule("release-pointer/v1", required=True)
    origin: str = rule(longest=200)
    channel: str = rule(pattern=CHANNEL)
    pointer_version: int = rule(minimum=1)
    version: str = rule(pattern=VERSION)
    manifest: str = rule(pattern=SHA256)
    log_index: int = rule(minimum=0, maximum=LARGEST_SLOT)
    issued: str = rule(longest=20)
    expires: str = rule(longest=20)
    files: tuple[PointedFile, ...] = rule(minimum=1, most=2500)

    def says_the_same(self, other: "Pointer") -> bool:
        """Tell whether two pointers differ at most in when they expire, which is a setting and no fact."""
        return replace(self, expires=other.expires) == other


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionIndex:
    """`versions/<version>.json` in the log bucket: which entry says that the version was published."""

    type_: Literal["release-version-index/v1"] = rule("release-version-index/v1", required=True)
    entry: int = rule(minimum=0, maximum=LARGEST_SLOT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotated:
    """What a rotation did for one stage: ids of keys, and no secret."""

    stage: str = rule(pattern=r"[a-z]{1,20}")
    made: str | None = rule(None, pattern=r"[A-Z0-9]{16,128}")
    disabled: tuple[str, ...] = rule((), most=2, pattern=r"[A-Z0-9]{16,128}")
    deleted: tuple[str, ...] = rule((), most=2, pattern=r"[A-Z0-9]{16,128}")
    at: str = rule(longest=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """What one run of `keys rotate` did."""

    type_: Literal["release-rotation/v1"] = rule("release-rotation/v1", required=True)
    library: str = rule(pattern=LIBRARY)
    rotated: tuple[Rotated, ...] = rule(minimum=1, most=20)


def read_rotation(body: bytes, *, name: str, library: str) -> Rotation:
    """Read a rotation; it must be for this library (FormatError)."""
    found = document.decode(Rotation, body, name=name, limit=LARGEST)
    if found.library != library:
        raise FormatError(f"{name} is for library {found.library}, this is {library}")
    return found


def read_order(body: bytes, *, name: str, library: str) -> Order:
    """Read an order; it must be for this library (FormatError)."""
    return _own(document.decode(Order, body, name=name, limit=LARGEST), name, library)


def read_promotion(body: bytes, *, name: str, library: str) -> Promotion:
    """Read a promotion; it must be for this library (FormatError)."""
    promotion = document.decode(Promotion, body, name=name, limit=LARGEST)
    _own(promotion.order, name, library)
    return promotion


def read_verification(body: bytes, *, name: str, library: str) -> Verification:
    """Read a verification; it must be for this library (FormatError)."""
    verification = document.decode(Verification, body, name=name, limit=LARGEST)
    _own(verification.order, name, library)
    return verification


def read_pointer(body: bytes, *, name: str) -> Pointer:
    """Read a channel's pointer (FormatError)."""
    return document.decode(Pointer, body, name=name, limit=LARGEST)


def _own(order: Order, name: str, library: str) -> Order:
    if order.library != library:
        raise FormatError(f"{name} is for library {order.library}, this is {library}")
    return order
