"""Signed envelopes: DSSE (https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md) with Ed25519.

An envelope is one canonical JSON document with exactly one signature. Its `keyid` is the key ID of the signed note
(https://c2sp.org/signed-note, "Verifier keys"), 8 hex digits; it only says which key to try, and is trusted for
nothing. What is signed begins with "DSSEv1 " and holds a payload without a line break, so no signature over it can
be one over a note's text, which ends with one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from release.core import document
from release.core.shape import rule
from release.core.tlog import TlogError
from release.core.tlog.note import ED25519, Key, Signature, base64_of, unbase64
from release.errors import LogError

_KEY_ID: Final = r"[0-9a-f]{8}"

Sign = Callable[[bytes], Signature]
"""Signs bytes with one key, as `Signer.sign` of a note's key does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvelopeSignature:
    """One signature: the ID of its key, and 64 bytes of Ed25519 in base64."""

    keyid: str = rule(pattern=_KEY_ID, means="a key ID of 8 hex digits")
    sig: str = rule(pattern=r"[A-Za-z0-9+/]{86}==", means="a signature of 64 bytes in base64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A DSSE envelope: the payload in base64, what it is, and who signed it."""

    payload: str = rule(longest=65_535)
    payload_type: str = rule(longest=100)
    signatures: tuple[EnvelopeSignature, ...] = rule(minimum=1, most=1)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed: DSSE's pre-authentication encoding (protocol.md, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, payload_type: str, sign: Sign) -> bytes:
    """Give the envelope of a payload, signed."""
    made = sign(pae(payload_type, payload))
    signature = EnvelopeSignature(keyid=made.key_id.hex(), sig=base64_of(made.value))
    return document.encode(Envelope(payload=base64_of(payload), payload_type=payload_type, signatures=(signature,)))


def unseal(body: bytes, payload_type: str, keys: Sequence[Key], *, name: str, limit: int) -> tuple[bytes, Key]:
    """Open an envelope; gives its payload and the key that signed it.

    Args:
        body: the envelope, hostile until now.
        payload_type: what the payload must be.
        keys: whom to trust.
        name: what to call it in an error.
        limit: the largest envelope in bytes that is looked at.

    Raises:
        LogError: it is no envelope as `seal` makes it, or none of the keys signed it.
    """
    envelope = document.decode(Envelope, body, name=name, limit=limit, error=LogError)
    signature = envelope.signatures[0]
    try:
        payload = unbase64(envelope.payload, what="its payload")
        value = unbase64(signature.sig, what="its signature")
    except TlogError as why:
        raise LogError(f"{name}: {why}") from None
    if envelope.payload_type != payload_type:
        raise LogError(f"{name} has a payload of another type: {_shown(envelope.payload_type)}")
    message = pae(payload_type, payload)
    for key in keys:
        if key.kind == ED25519 and key.id.hex() == signature.keyid and _is_signed(key, message, value):
            return payload, key
    known = any(key.id.hex() == signature.keyid for key in keys)
    raise LogError(f"{name} is not signed by {'the key it names' if known else 'a key of this log'}")


def _is_signed(key: Key, message: bytes, value: bytes) -> bool:
    try:
        key.verify(message, value)
    except TlogError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text) if re.fullmatch(r"[\x20-\x7e]*", text) else "unreadable"
