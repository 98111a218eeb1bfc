"""Ed25519 (RFC 8032), with the one check that libraries leave out: a key with which anybody can sign."""

from typing import Final

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_PRIME: Final = 2**255 - 19
# The y coordinates of the eight points whose order divides 8. With such a key anybody can sign
# (https://www.rfc-editor.org/rfc/rfc8032#section-5.1.7 does not ask for the check, so the library does not make it).
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER: Final = frozenset({0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8})


def is_weak(public: bytes) -> bool:
    """Tell whether a public key of 32 bytes is of small order, or written in a second way."""
    y = int.from_bytes(public, "little") & (2**255 - 1)
    return y >= _PRIME or y in _SMALL_ORDER


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature is right."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only who verifies loads it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
