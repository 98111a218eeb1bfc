"""Keys of logs and witnesses, the same in every run."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from release.core.tlog.note import COSIGNATURE, ED25519, Key, Signer
from release.core.tlog.skey import skey


def log_signer(name: str = "log.example/acme", *, seed: str = "") -> Signer:
    """Give the signer of a log's checkpoints and entries."""
    return _signer(name, ED25519, seed)


def log_skey(name: str, *, seed: str = "") -> str:
    """Give the same key as the line that a job gets."""
    return skey(name, _seed(name, seed))


def witness_signer(name: str = "witness.example/w1", *, seed: str = "") -> Signer:
    """Give a witness, whose cosignatures have a time."""
    return _signer(name, COSIGNATURE, seed)


def _signer(name: str, kind: int, seed: str) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(_seed(name, seed))
    return Signer(Key(name, kind, private.public_key().public_bytes_raw()), private)


def _seed(name: str, seed: str) -> bytes:
    return hashlib.sha256(f"{name} {seed}".encode()).digest()
