"""Private keys of logs and witnesses: from the environment, or a file that it names; and how a new one is made."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from release.core.ed25519 import KEY_BYTES
from release.core.layout import CUSTOMERS
from release.core.tlog import TlogError
from release.core.tlog.note import COSIGNATURE, ED25519, Key, Signer
from release.core.tlog.skey import LARGEST, parse_skey, signer_of, skey
from release.errors import ConfigError, CredentialError
from release.ports import Cosigner, NoteSigner

VARIABLE: Final = "RELEASE_LOG_KEY"
FILE_VARIABLE: Final = "RELEASE_LOG_KEY_FILE"
WITNESS: Final = "RELEASE_WITNESS_KEY"
WITNESS_FILE: Final = "RELEASE_WITNESS_KEY_FILE"


def log_signer(environment: Mapping[str, str], public: Key) -> NoteSigner:
    """Open the private half of a log's key; the library's key signs its customers' logs under their names.

    Raises:
        CredentialError: there is none, or it is malformed.
        ConfigError: it is another key's.
    """
    signer, where = _signer(environment, VARIABLE, ED25519, what="log key", made_by="release log key")
    if public.name.startswith(f"{signer.key.name}/{CUSTOMERS}/") and signer.key.public == public.public:
        return replace(signer, key=public)
    if signer.key != public:
        raise ConfigError(
            f"{where} is not the private half of [log] key",
            hint="is it another log's? A new key would make a new log: verifiers trust the old one",
            evidence={"release.toml": public.vkey, "private key's": signer.key.vkey},
        )
    return signer


def cosigner(environment: Mapping[str, str]) -> Cosigner:
    """Open a witness's private key.

    Raises:
        CredentialError: there is none, or it is malformed.
    """
    return _signer(environment, WITNESS, COSIGNATURE, what="witness key", made_by="release log witness-key")[0]


def _signer(environment: Mapping[str, str], variable: str, kind: int, *, what: str, made_by: str) -> tuple[Signer, str]:
    """Open a private key, and say where it was."""
    file_variable = f"{variable}_FILE"
    file, text = environment.get(file_variable), environment.get(variable)
    if file and text:
        raise CredentialError(f"{file_variable} and {variable} are both set: which one is meant?", hint="unset one")
    if not file and not text:
        raise CredentialError(
            f"this job has no {what} to sign with",
            hint=f"{file_variable} names the file that '{made_by}' made, or {variable} holds its line",
        )
    where = f"the file that {file_variable} names" if file else variable
    try:
        return parse_skey((_read(Path(file), where) if file else text or "").strip(), kind=kind), where
    except TlogError as why:
        raise CredentialError(f"{where} holds no {what}: {why}", hint=f"'{made_by}' makes one") from None


def make_key(file: Path, name: str, *, kind: int = ED25519) -> Key:
    """Make a key and write its private half to a new file with mode 0600; gives the public half.

    Raises:
        ConfigError: the name is none, or the file exists, or cannot be written.
    """
    seed = secrets.token_bytes(KEY_BYTES)
    try:
        key = signer_of(name, seed, kind=kind).key
    except TlogError as why:
        raise ConfigError(str(why), hint="a witness is named like a web address: example.com/witness") from None
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{skey(name, seed, kind=kind)}\n")
    except FileExistsError:
        raise ConfigError(
            f"{file} is there already, and a key is never overwritten", hint="name another file"
        ) from None
    except OSError as why:
        raise ConfigError(f"{file} cannot be written: {why.strerror}", hint="name another file") from why
    return key


def _read(file: Path, where: str) -> str:
    try:
        with file.open("rb") as stream:
            body = stream.read(LARGEST + 1)
    except OSError as why:
        raise CredentialError(f"{where} cannot be read: {why.strerror}") from why
    if len(body) > LARGEST:
        raise TlogError(f"it is larger than {LARGEST} bytes")
    return body.decode("utf-8", "replace")
