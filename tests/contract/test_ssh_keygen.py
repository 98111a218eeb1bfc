"""Our reading of SSH signatures and OpenSSH's own, held against each other."""

import subprocess
from pathlib import Path

import pytest

from release.core import sshsig
from release.core.sshkey import ECDSA, ED25519, SK_ECDSA, SK_ED25519, SshError, parse_line
from tests.fakes.ssh import SshKey

MESSAGE = b'{"version":"1.4.2"}'
SPACE = "release-approval"


def keygen(*arguments: str | Path, stdin: bytes = b"") -> int:
    return subprocess.run(
        ["ssh-keygen", *map(str, arguments)], input=stdin, capture_output=True, check=False
    ).returncode


def accepts(folder: Path, line: str, armored: str, message: bytes, *, namespace: str = SPACE) -> bool:
    """Ask ssh-keygen whether a signature is the key's."""
    (folder / "allowed").write_text(f"cto {line}\n")
    (folder / "message.sig").write_text(armored)
    verify = ("-Y", "verify", "-f", folder / "allowed", "-I", "cto", "-n", namespace, "-s", folder / "message.sig")
    return keygen(*verify, stdin=message) == 0


@pytest.mark.parametrize("kind", [("ed25519",), ("ecdsa", "-b", "256"), ("rsa", "-b", "2048")])
def test_we_accept_what_ssh_keygen_signs_and_only_that(tmp_path: Path, kind: tuple[str, ...]) -> None:
    assert keygen("-q", "-t", *kind, "-N", "", "-f", tmp_path / "key") == 0
    message = tmp_path / "message"
    message.write_bytes(MESSAGE)
    assert keygen("-Y", "sign", "-f", tmp_path / "key", "-n", SPACE, message) == 0
    armored = (tmp_path / "message.sig").read_text()
    key = parse_line((tmp_path / "key.pub").read_text())
    assert sshsig.verify(armored, MESSAGE, namespace=SPACE) == key
    with pytest.raises(SshError):
        sshsig.verify(armored, MESSAGE + b" ", namespace=SPACE)
    listed = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key.pub"], capture_output=True, text=True, check=True)
    assert key.fingerprint in listed.stdout


@pytest.mark.parametrize("kind", [ED25519, SK_ED25519, ECDSA, SK_ECDSA])
def test_ssh_keygen_accepts_what_our_fake_keys_sign(tmp_path: Path, kind: str) -> None:
    key = SshKey("cto", kind)
    armored = key.sign(MESSAGE, SPACE)
    assert accepts(tmp_path, key.line, armored, MESSAGE)
    assert not accepts(tmp_path, key.line, armored, MESSAGE + b" ")
    assert not accepts(tmp_path, key.line, armored, MESSAGE, namespace="git")
    assert not accepts(tmp_path, SshKey("other", kind).line, armored, MESSAGE)


def test_our_fake_keys_are_keys_to_ssh_keygen(tmp_path: Path) -> None:
    key = SshKey("cto")
    key.write(tmp_path / "key")
    (tmp_path / "message").write_bytes(MESSAGE)
    assert keygen("-Y", "sign", "-f", tmp_path / "key", "-n", SPACE, tmp_path / "message") == 0
    assert (tmp_path / "message.sig").read_text() == key.sign(MESSAGE, SPACE)
