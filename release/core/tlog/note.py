"""Signed notes (https://c2sp.org/signed-note) with Ed25519, and timestamped cosignatures.

A note's text means nothing until a trusted key's signature was verified: `Opened` is the only way to it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from release.core import ed25519
from release.core.tlog import TlogError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LARGEST: Final = 1024 * 1024
MOST_SIGNATURES: Final = 100
ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
"""Signature types. https://c2sp.org/signed-note, "Signature types"; https://c2sp.org/tlog-cosignature."""

LATEST: Final = 2**63 - 1
"""The latest time of a cosignature (https://c2sp.org/tlog-cosignature, "Format")."""

_DASH: Final = "\u2014"
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE_BYTES: Final = {ED25519: 64, COSIGNATURE: 72}


@dataclass(frozen=True, slots=True)
class Key:
    """A public key as notes know it: name, type, and 32 bytes of Ed25519."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if not self.name.isprintable():
            raise TlogError(f"{self.name[:100]!r}: a trusted key's name must be one that people can read")
        if self.kind not in _SIGNATURE_BYTES:
            raise TlogError(f"{self.name}: keys of type {self.kind:#04x} are not supported")
        if len(self.public) != ed25519.KEY_BYTES:
            raise TlogError(f"{self.name}: an Ed25519 key has {ed25519.KEY_BYTES} bytes, not {len(self.public)}")
        if ed25519.is_weak(self.public):
            raise TlogError(f"{self.name}: this Ed25519 key lets anybody sign")

    @property
    def id(self) -> bytes:
        """The key ID: 4 bytes."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line of text."""
        return f"{self.name}+{self.id.hex()}+{base64_of(bytes([self.kind]) + self.public)}"

    def verify(self, text: bytes, signature: bytes) -> int | None:
        """Check a signature over a note's text; gives the time (seconds since 1970) of a cosignature.

        Raises:
            TlogError: it is none of this key.
        """
        if len(signature) != _SIGNATURE_BYTES[self.kind]:
            raise TlogError(f"the signature of {self.name} is {len(signature)} bytes long")
        if self.kind == ED25519:
            self._check(text, signature)
            return None
        time = int.from_bytes(signature[:8], "big")
        if time > LATEST:
            raise TlogError(f"the cosignature of {self.name} is of an impossible time")
        self._check(cosigned(text, time), signature[8:])
        return time

    def _check(self, message: bytes, signature: bytes) -> None:
        if not ed25519.verify(self.public, message, signature):
            raise TlogError(f"the signature of {self.name} is wrong")


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its public half."""

    key: Key
    _private: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, text: bytes, *, time: int | None = None) -> "Signature":
        """Sign a note's text; a cosignature needs the time in seconds since 1970."""
        if (time is None) != (self.key.kind == ED25519):
            raise TlogError("a cosignature has a time, a signature has none")
        if time is not None and not 0 <= time <= LATEST:
            raise TlogError(f"a cosignature's time is at most {LATEST}, not {time}")
        if time is None:
            made = self._private.sign(text)
        else:
            made = time.to_bytes(8, "big") + self._private.sign(cosigned(text, time))
        return Signature(self.key.name, self.key.id, made)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, not verified."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line as a note has it."""
        return f"{_DASH} {self.name} {base64_of(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note: nothing in it is verified."""

    text: bytes
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Give the note's bytes."""
        return self.text + b"\n" + "".join(signature.line for signature in self.signatures).encode()

    def with_signatures(self, more: Iterable[Signature]) -> "Note":
        """Give the note with further signatures; one that is there already is not added again."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *more))))


@dataclass(frozen=True, slots=True)
class Opened:
    """A note's text, and which known keys signed it when (None: a signature without time; a witness may sign often)."""

    text: bytes
    signed: tuple[tuple[Key, int | None], ...]


def parse_note(body: bytes) -> Note:
    """Split a note into text and signatures.

    Raises:
        TlogError: it is malformed.
    """
    if len(body) > LARGEST:
        raise TlogError(f"the note is {len(body)} bytes long, at most {LARGEST} are read")
    try:
        decoded = body.decode("utf-8")
    except UnicodeDecodeError as why:
        raise TlogError(f"the note is not UTF-8 at byte {why.start}") from None
    if _CONTROL.search(decoded):
        raise TlogError("the note has a control character in it")
    text, separator, signatures = decoded.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise TlogError("the note has no signatures after an empty line")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise TlogError(f"the note has {len(lines)} signatures, at most {MOST_SIGNATURES} are read")
    return Note(f"{text}\n".encode(), tuple(_signature(line) for line in lines))


def open_note(body: bytes, keys: Sequence[Key]) -> Opened:
    """Verify a note against known keys. Signatures of unknown keys are ignored, as the specification demands.

    Raises:
        TlogError: it is malformed, a known key's signature is wrong, or no known key signed it.
    """
    return verify_note(parse_note(body), keys)


def verify_note(note: Note, keys: Sequence[Key]) -> Opened:
    """Verify the signatures of known keys (TlogError)."""
    known = {(key.name, key.id): key for key in keys}
    if len(known) != len(set(keys)):
        raise TlogError("two known keys have the same name and ID")
    signed: dict[tuple[Key, int | None], None] = {}
    checked: set[Signature] = set()
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None or (key.kind == COSIGNATURE and signature in checked):
            continue
        checked.add(signature)
        said = (key, key.verify(note.text, signature.value))
        if said in signed and key.kind == ED25519:
            raise TlogError(f"the note is signed by {key.name} twice")
        signed[said] = None
    if not signed:
        raise TlogError("no known key signed the note")
    return Opened(note.text, tuple(signed))


def cosignatures(note: Note, key: Key) -> tuple[tuple[int, Signature], ...]:
    """Give all cosignatures of one witness with their times, the earliest first (TlogError: one is wrong)."""
    own = [line for line in dict.fromkeys(note.signatures) if (line.name, line.key_id) == (key.name, key.id)]
    timed = [(key.verify(note.text, line.value), line) for line in own]
    return tuple(sorted(((time, line) for time, line in timed if time is not None), key=lambda pair: pair[0]))


def sign_note(text: bytes, signers: Sequence[Signer]) -> bytes:
    """Make a note that plain keys sign.

    Raises:
        TlogError: the text cannot be a note's.
    """
    body = Note(text, tuple(signer.sign(text) for signer in signers)).encode()
    if parse_note(body).text != text:
        raise TlogError("the text cannot be told from its signatures")
    return body


def cosigned(text: bytes, time: int) -> bytes:
    """Give what a cosignature signs (https://c2sp.org/tlog-cosignature, "Ed25519 signed message")."""
    return f"cosignature/v1\ntime {time}\n".encode() + text


def parse_vkey(line: str) -> Key:
    """Read a public key from its line `<name>+<key ID>+<base64>`.

    Raises:
        TlogError: it is malformed, its ID is of another key, or the key is unsafe.
    """
    name, _, rest = line.partition("+")
    key_id, _, encoded = rest.partition("+")
    if not re.fullmatch(r"[0-9a-f]{8}", key_id, re.ASCII):
        raise TlogError("a public key is <name>+<8 hex digits>+<base64>")
    body = unbase64(encoded, what="the public key")
    key = Key(name, body[0] if body else 0, body[1:])
    if key.id.hex() != key_id:
        raise TlogError(f"the key ID of {name} is {key.id.hex()}, not {key_id}")
    return key


def check_name(name: str) -> None:
    """Refuse what is no key's name: empty, or with a space or a plus in it (signed-note, "Signatures"; TlogError)."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise TlogError(f"{name[:100]!r} is no key's name")


def unbase64(text: str, *, what: str) -> bytes:
    """Decode standard base64 that is written in the one canonical way (RFC 4648, 3.5, 4; TlogError)."""
    try:
        body = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise TlogError(f"{what} is not base64") from None
    if base64_of(body) != text:
        raise TlogError(f"{what} is base64 written in another way")
    return body


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != _DASH:
        raise TlogError("a line among the signatures is none")
    check_name(name)
    body = unbase64(encoded, what=f"the signature of {name[:100]!r}")
    if len(body) < 5:  # noqa: PLR2004 - the key ID and at least one byte
        raise TlogError(f"the signature of {name[:100]!r} is too short")
    return Signature(name, body[:4], body[4:])


def base64_of(body: bytes) -> str:
    """Encode as standard base64 (RFC 4648, 4)."""
    return base64.b64encode(body).decode("ascii")
