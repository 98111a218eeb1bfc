"""SSH public keys and the wire encoding they are written in, read strictly.

Sources: RFC 4251 section 5 (encoding), RFC 8709 (Ed25519), RFC 5656 (ECDSA), RFC 4253 section 6.6 (RSA), and
https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f (keys on security tokens).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from release.core import ed25519

LARGEST_KEY: Final = 2048
ED25519: Final = "ssh-ed25519"
SK_ED25519: Final = "sk-ssh-ed25519@openssh.com"
ECDSA: Final = "ecdsa-sha2-nistp256"
SK_ECDSA: Final = "sk-ecdsa-sha2-nistp256@openssh.com"
RSA: Final = "ssh-rsa"
ALGORITHMS: Final = (ED25519, SK_ED25519, ECDSA, SK_ECDSA, RSA)

_CURVE: Final = b"nistp256"
_POINT_BYTES: Final = 65
_RSA_BITS: Final = range(2048, 8193)
_LARGEST_EXPONENT: Final = 2**32


class SshError(Exception):
    """A key or signature is malformed, of a kind that is not taken, or wrong."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. `parts` are the fields of its blob after the algorithm's name."""

    algorithm: str
    parts: tuple[bytes, ...]

    @property
    def blob(self) -> bytes:
        """The key as signatures carry it."""
        return b"".join(string(part) for part in (self.algorithm.encode(), *self.parts))

    @property
    def line(self) -> str:
        """The key as one line of text, without a comment."""
        return f"{self.algorithm} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """Its name in `ssh-keygen -l`."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


class Wire:
    """Reads the fields of a blob one by one; nothing may be left over."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        """Give the next bytes."""
        found = self._body[self._at : self._at + count]
        if len(found) != count:
            raise SshError("it ends too early")
        self._at += count
        return found

    def number(self) -> int:
        """Give an uint32."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Give a string."""
        return self.take(self.number())

    def name(self) -> str:
        """Give a string of printable ASCII."""
        text = self.string()
        if not all(0x20 < byte < 0x7F for byte in text):  # noqa: PLR2004 - printable ASCII
            raise SshError("a name in it is not printable ASCII")
        return text.decode("ascii")

    def integer(self) -> int:
        """Give an mpint that is positive and written without needless zeros."""
        body = self.string()
        value = int.from_bytes(body, "big")
        if body != integer(value) or not value:
            raise SshError("a number in it is negative, zero or not written in the one way")
        return value

    def end(self) -> None:
        """Make sure that all was read."""
        if self._at != len(self._body):
            raise SshError(f"it has {len(self._body) - self._at} bytes more than it should")


def string(body: bytes) -> bytes:
    """Write a string."""
    return len(body).to_bytes(4, "big") + body


def integer(value: int) -> bytes:
    """Write the bytes of a positive mpint, without their length."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b""


def parse_blob(blob: bytes) -> PublicKey:
    """Read a public key's blob.

    Raises:
        SshError: it is malformed, of a kind that is not taken, or unsafe.
    """
    if len(blob) > LARGEST_KEY:
        raise SshError(f"the key is {len(blob)} bytes long, at most {LARGEST_KEY} are read")
    wire = Wire(blob)
    algorithm = wire.name()
    match algorithm:
        case "ssh-ed25519":
            parts = [_ed25519(wire)]
        case "sk-ssh-ed25519@openssh.com":
            parts = [_ed25519(wire), wire.string()]
        case "ecdsa-sha2-nistp256":
            parts = _ecdsa(wire)
        case "sk-ecdsa-sha2-nistp256@openssh.com":
            parts = [*_ecdsa(wire), wire.string()]
        case "ssh-rsa":
            parts = _rsa(wire)
        case _:
            raise SshError(f"keys of type {algorithm[:64]!r} are not taken: use {', '.join(ALGORITHMS)}")
    wire.end()
    return PublicKey(algorithm, tuple(parts))


def parse_line(line: str) -> PublicKey:
    """Read a public key from its line `<algorithm> <base64>`, with or without a comment (SshError)."""
    fields = line.strip().split(" ", 2)
    if len(fields) < 2 or not re.fullmatch(r"[\x21-\x7e]+ [A-Za-z0-9+/=]+", " ".join(fields[:2])):  # noqa: PLR2004
        raise SshError("a public key is one line: algorithm, base64 and perhaps a comment")
    key = parse_blob(unbase64(fields[1]))
    if key.algorithm != fields[0]:
        raise SshError(f"the line says {fields[0][:64]!r}, the key in it is {key.algorithm}")
    return key


def unbase64(text: str) -> bytes:
    """Decode base64 that is written in the one canonical way (SshError)."""
    try:
        body = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise SshError("it is not base64") from None
    if base64.b64encode(body).decode() != text:
        raise SshError("it is base64 written in another way")
    return body


def _ed25519(wire: Wire) -> bytes:
    public = wire.string()
    if len(public) != ed25519.KEY_BYTES:
        raise SshError(f"an Ed25519 key has {ed25519.KEY_BYTES} bytes, not {len(public)}")
    if ed25519.is_weak(public):
        raise SshError("this Ed25519 key lets anybody sign")
    return public


def _ecdsa(wire: Wire) -> list[bytes]:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - only who verifies loads it

    curve, point = wire.string(), wire.string()
    if curve != _CURVE or len(point) != _POINT_BYTES:
        raise SshError("an ECDSA key must be an uncompressed point of nistp256")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise SshError("the ECDSA key is no point of its curve") from None
    return [curve, point]


def _rsa(wire: Wire) -> list[bytes]:
    exponent, modulus = wire.integer(), wire.integer()
    if modulus.bit_length() not in _RSA_BITS or not modulus % 2:
        raise SshError(f"an RSA key must have {_RSA_BITS.start} to {_RSA_BITS.stop - 1} bits")
    if not exponent % 2 or not 2 < exponent < _LARGEST_EXPONENT:  # noqa: PLR2004 - RFC 8017, 3.1
        raise SshError("the RSA key has an exponent that is not taken")
    return [integer(exponent), integer(modulus)]
