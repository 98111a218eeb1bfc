"""SSH signatures as `ssh-keygen -Y sign` makes them, parsed strictly and verified in this process.

The format: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig, and for keys on security
tokens PROTOCOL.u2f beside it. A signature says which key made it; whether that key may sign is the caller's question.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from release.core import ed25519
from release.core.sshkey import (
    ECDSA,
    ED25519,
    RSA,
    SK_ECDSA,
    SK_ED25519,
    PublicKey,
    SshError,
    Wire,
    parse_blob,
    string,
    unbase64,
)

LARGEST: Final = 8 * 1024

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----\n"
_END: Final = "-----END SSH SIGNATURE-----\n"
_WIDTH: Final = 70  # what ssh-keygen writes; a second way to write the same signature is refused
_HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_USER_PRESENT: Final = 0x01
# PROTOCOL.sshsig: RSA must not use SHA-1. OpenSSH itself signs with SHA-512.
_NAMES: Final = {RSA: "rsa-sha2-512"}


@dataclass(frozen=True, slots=True)
class Signature:
    """A parsed signature: nothing in it is verified."""

    key: PublicKey
    namespace: str
    hash: str
    name: str
    body: bytes
    flags: int
    counter: int

    def signs(self, message: bytes) -> bytes:
        """Give the bytes that the key signs for a message (PROTOCOL.sshsig, "Signed Data")."""
        digest = _HASHES[self.hash](message).digest()
        return _MAGIC + b"".join(string(p) for p in (self.namespace.encode(), b"", self.hash.encode(), digest))


def verify(armored: str, message: bytes, *, namespace: str) -> PublicKey:
    """Check a signature over a message; gives the key that made it.

    Raises:
        SshError: it is malformed, for another namespace, or wrong.
    """
    signature = parse(armored)
    if signature.namespace != namespace:
        raise SshError(f"the signature is for {signature.namespace[:64]!r}, not for {namespace!r}")
    if not _is_right(signature, signature.signs(message)):
        raise SshError(f"the signature of {signature.key.fingerprint} is wrong")
    return signature.key


def parse(armored: str) -> Signature:
    """Read an armored signature (SshError)."""
    if len(armored) > LARGEST:
        raise SshError(f"the signature is {len(armored)} characters long, at most {LARGEST} are read")
    if not armored.startswith(_BEGIN) or not armored.endswith(_END):
        raise SshError("it is no SSH signature: its first and last line are not those of one")
    blob = unbase64(armored[len(_BEGIN) : -len(_END)].replace("\n", ""))
    if armor(blob) != armored:
        raise SshError("the signature is not wrapped as ssh-keygen wraps it")
    wire = Wire(blob)
    if wire.take(len(_MAGIC)) != _MAGIC or wire.number() != _VERSION:
        raise SshError("it is no SSH signature of version 1")
    key = parse_blob(wire.string())
    namespace = wire.name()
    if wire.string():
        raise SshError("its reserved field is not empty")
    hashed = wire.name()
    if hashed not in _HASHES:
        raise SshError(f"the hash {hashed[:32]!r} is not taken")
    inner = wire.string()
    wire.end()
    return _signature(key, namespace, hashed, Wire(inner))


def armor(blob: bytes) -> str:
    """Wrap a signature's blob as text."""
    text = base64.b64encode(blob).decode()
    return _BEGIN + "".join(f"{text[at : at + _WIDTH]}\n" for at in range(0, len(text), _WIDTH)) + _END


def _signature(key: PublicKey, namespace: str, hashed: str, wire: Wire) -> Signature:
    name, body, flags, counter = wire.name(), wire.string(), 0, 0
    if name != _NAMES.get(key.algorithm, key.algorithm):
        raise SshError(f"a key of type {key.algorithm} cannot make a signature of type {name[:64]!r}")
    if key.algorithm in {SK_ED25519, SK_ECDSA}:
        flags, counter = wire.take(1)[0], wire.number()
        if not flags & _USER_PRESENT:
            raise SshError("nobody touched the security token for this signature")
    wire.end()
    return Signature(key, namespace, hashed, name, body, flags, counter)


def _is_right(signature: Signature, signed: bytes) -> bool:
    key, body = signature.key, signature.body
    if key.algorithm in {SK_ED25519, SK_ECDSA}:
        signed = _by_token(signature, signed)
    if key.algorithm in {ED25519, SK_ED25519}:
        return _ed25519(key, body, signed)
    if key.algorithm in {ECDSA, SK_ECDSA}:
        return _ecdsa(key, body, signed)
    return _rsa(key, body, signed)


def _by_token(signature: Signature, signed: bytes) -> bytes:
    """Give what a security token signs (PROTOCOL.u2f, "SSH U2F Signatures")."""
    application = hashlib.sha256(signature.key.parts[-1]).digest()
    counter = bytes([signature.flags]) + signature.counter.to_bytes(4, "big")
    return application + counter + hashlib.sha256(signed).digest()


def _ed25519(key: PublicKey, body: bytes, signed: bytes) -> bool:
    if len(body) != ed25519.SIGNATURE_BYTES:
        raise SshError(f"an Ed25519 signature has {ed25519.SIGNATURE_BYTES} bytes, not {len(body)}")
    return ed25519.verify(key.parts[0], signed, body)


def _ecdsa(key: PublicKey, body: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only who verifies loads it
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    wire = Wire(body)
    r, s = wire.integer(), wire.integer()
    wire.end()
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.parts[1])
    try:
        public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _rsa(key: PublicKey, body: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only who verifies loads it
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA512  # noqa: PLC0415

    exponent, modulus = (int.from_bytes(part, "big") for part in key.parts)
    try:
        RSAPublicNumbers(exponent, modulus).public_key().verify(body, signed, PKCS1v15(), SHA512())
    except (InvalidSignature, ValueError):
        return False
    return True
