"""A log's or witness's private key as one line of text, as Go's golang.org/x/mod/sumdb/note writes it.

    PRIVATE+KEY+<name>+<key ID in hex>+<base64 of the type and the 32 bytes of an Ed25519 seed>

The type is that of the signatures: 0x01 a log's, 0x04 a witness's. No error says anything of what it was given.
"""

from typing import Final

from release.core.ed25519 import KEY_BYTES
from release.core.tlog import TlogError
from release.core.tlog.note import ED25519, Key, Signer, base64_of, unbase64

LARGEST: Final = 1024
_START: Final = "PRIVATE+KEY+"
_MALFORMED: Final = f"it is no line {_START}<name>+<8 hex digits>+<base64>"


def parse_skey(line: str, *, kind: int = ED25519) -> Signer:
    """Read a private key of this type.

    Raises:
        TlogError: it is malformed, or its ID is of another key.
    """
    fields = line.removeprefix(_START).split("+", 2)
    if not line.startswith(_START) or len(fields) != 3:  # noqa: PLR2004 - name, ID, base64
        raise TlogError(_MALFORMED)
    name, key_id, encoded = fields
    try:
        body = unbase64(encoded, what="the private key")
        sound = body[:1] == bytes([kind]) and len(body) == 1 + KEY_BYTES
        signer = signer_of(name, body[1:], kind=kind) if sound else None
    except TlogError:
        signer = None
    if signer is None:
        raise TlogError(_MALFORMED)
    if signer.key.id.hex() != key_id:
        raise TlogError("its key ID is another key's: it was cut or changed")
    return signer


def signer_of(name: str, seed: bytes, *, kind: int = ED25519) -> Signer:
    """Make a signer of a name and the 32 bytes of an Ed25519 seed (TlogError)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - only who signs loads it
        Ed25519PrivateKey,
    )

    private = Ed25519PrivateKey.from_private_bytes(seed)
    return Signer(Key(name, kind, private.public_key().public_bytes_raw()), private)


def skey(name: str, seed: bytes, *, kind: int = ED25519) -> str:
    """Write the private key with this name and seed (TlogError)."""
    key = signer_of(name, seed, kind=kind).key
    return f"{_START}{name}+{key.id.hex()}+{base64_of(bytes([kind]) + seed)}"
