"""The release log's private key: from the environment, or a file that it names; and how a new one is made."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from release.core.ed25519 import KEY_BYTES
from release.core.tlog import TlogError
from release.core.tlog.note import Key
from release.core.tlog.skey import LARGEST, parse_skey, signer_of, skey
from release.errors import ConfigError, CredentialError
from release.ports import NoteSigner

VARIABLE: Final = "RELEASE_LOG_KEY"
FILE_VARIABLE: Final = "RELEASE_LOG_KEY_FILE"


def log_signer(environment: Mapping[str, str], public: Key) -> NoteSigner:
    """Open the private half of a log's key.

    Raises:
        CredentialError: there is none, or it is malformed.
        ConfigError: it is another key's.
    """
    file, text = environment.get(FILE_VARIABLE), environment.get(VARIABLE)
    if file and text:
        raise CredentialError(f"{FILE_VARIABLE} and {VARIABLE} are both set: which one is meant?", hint="unset one")
    if not file and not text:
        raise CredentialError(
            "the release log is signed, and this job has no key to sign it with",
            hint=f"{FILE_VARIABLE} names the file that 'release log key' made, or {VARIABLE} holds its line",
        )
    where = f"the file that {FILE_VARIABLE} names" if file else VARIABLE
    try:
        signer = parse_skey((_read(Path(file)) if file else text or "").strip())
    except TlogError as why:
        raise CredentialError(f"{where} holds no log key: {why}", hint="'release log key FILE' makes one") from None
    if signer.key != public:
        raise ConfigError(
            f"{where} is not the private half of [log] key",
            hint="is it another log's? A new key would make a new log: verifiers trust the old one",
            evidence={"release.toml": public.vkey, "private key's": signer.key.vkey},
        )
    return signer


def make_log_key(file: Path, name: str) -> Key:
    """Make a key and write its private half to a new file with mode 0600; gives the public half.

    Raises:
        ConfigError: the file exists, or cannot be written.
    """
    seed = secrets.token_bytes(KEY_BYTES)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{skey(name, seed)}\n")
    except FileExistsError:
        raise ConfigError(
            f"{file} is there already, and a key is never overwritten", hint="name another file"
        ) from None
    except OSError as why:
        raise ConfigError(f"{file} cannot be written: {why.strerror}", hint="name another file") from why
    return signer_of(name, seed).key


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            body = stream.read(LARGEST + 1)
    except OSError as why:
        raise CredentialError(f"the file that {FILE_VARIABLE} names cannot be read: {why.strerror}") from why
    if len(body) > LARGEST:
        raise TlogError(f"it is larger than {LARGEST} bytes")
    return body.decode("utf-8", "replace")
