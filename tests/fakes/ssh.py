"""SSH keys that sign in this process, security tokens among them. ssh-keygen accepts what they make: tests/contract."""

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from release.core.sshkey import ED25519, SK_ECDSA, SK_ED25519, PublicKey, integer, string
from release.core.sshsig import armor

APPLICATION = b"ssh:"


class SshKey:
    """A private key. The same name is the same Ed25519 key."""

    def __init__(self, name: str = "a", algorithm: str = ED25519) -> None:
        self.algorithm = algorithm
        self._private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
        if algorithm in {ED25519, SK_ED25519}:
            self._private = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
            parts: tuple[bytes, ...] = (self._private.public_key().public_bytes_raw(),)
        else:
            self._private = ec.generate_private_key(ec.SECP256R1())
            point = self._private.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            parts = (b"nistp256", point)
        self._token = algorithm in {SK_ED25519, SK_ECDSA}
        self.public = PublicKey(algorithm, (*parts, APPLICATION) if self._token else parts)

    @property
    def line(self) -> str:
        return self.public.line

    def sign(self, message: bytes, namespace: str, *, hashed: str = "sha512", flags: int = 1) -> str:
        fields = (namespace.encode(), b"", hashed.encode())
        digest = string(hashlib.new(hashed, message).digest())
        signed = b"SSHSIG" + b"".join(map(string, fields)) + digest
        signature = string(self.algorithm.encode()) + self._signature(signed, flags)
        version = (1).to_bytes(4, "big")
        return armor(b"SSHSIG" + version + b"".join(map(string, (self.public.blob, *fields, signature))))

    def write(self, path: Path) -> Path:
        """Leave the private key, and its public half beside it, as ssh-keygen does."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
        path.write_bytes(self._private.private_bytes(encoding, form, serialization.NoEncryption()))
        path.chmod(0o600)
        path.with_suffix(".pub").write_text(f"{self.line} somebody\n")
        return path

    def _signature(self, signed: bytes, flags: int) -> bytes:
        after = b""
        if self._token:
            after = bytes([flags]) + (7).to_bytes(4, "big")
            signed = hashlib.sha256(APPLICATION).digest() + after + hashlib.sha256(signed).digest()
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return string(self._private.sign(signed)) + after
        r, s = decode_dss_signature(self._private.sign(signed, ec.ECDSA(hashes.SHA256())))
        return string(string(integer(r)) + string(integer(s))) + after
