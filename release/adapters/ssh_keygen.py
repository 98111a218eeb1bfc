"""Signing with OpenSSH's ssh-keygen, so that agents and security tokens work. Private keys are never read here."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from release.core.visible import visible
from release.errors import ConfigError, CredentialError
from release.ports import Runner

PATIENCE: Final = 120
"""Seconds to wait for somebody to touch a security token or to answer an agent."""

# What ssh-keygen needs to reach an agent, a token, or a dialog for the passphrase (ssh-keygen(1), ssh(1)).
_NEEDED: Final = (
    *("PATH", "HOME", "SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "SSH_SK_HELPER", "SSH_PKCS11_HELPER"),
    *("SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"),
)


def sign(runner: Runner, environment: Mapping[str, str], *, key: Path, namespace: str, message: bytes) -> str:
    """Sign a message; gives the armored signature.

    Args:
        runner: starts ssh-keygen.
        environment: of this process; only what ssh-keygen needs is handed on.
        key: a private key's file, or a public key's whose private half an agent or a token holds.
        namespace: what the signature is for.
        message: the bytes to sign.

    Raises:
        ConfigError: there is no such file.
        CredentialError: ssh-keygen does not sign.
        MissingToolError: it is not installed.
    """
    if not key.expanduser().is_file():
        raise ConfigError(f"there is no key {key}", hint="name your SSH key: --key ~/.ssh/id_ed25519_sk.pub")
    env = {name: environment[name] for name in _NEEDED if name in environment}
    with tempfile.TemporaryDirectory(prefix="release-sign-") as folder:
        file = Path(folder) / "message"
        file.write_bytes(message)
        argv = ["ssh-keygen", "-Y", "sign", "-f", str(key.expanduser().absolute()), "-n", namespace, str(file)]
        finished = runner.run(argv, folder=Path(folder), env=env, seconds=PATIENCE)
        signature = Path(folder) / "message.sig"
        if finished.code != 0 or not signature.is_file():
            raise CredentialError(
                f"ssh-keygen did not sign with {key}: {visible(finished.output.strip()[-300:])}",
                hint="a key with a passphrase must be in an agent: ssh-add KEY, then --key KEY.pub",
            )
        return signature.read_text(encoding="ascii", errors="replace")
