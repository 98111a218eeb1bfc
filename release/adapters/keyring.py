"""A credentials file with one profile per stage, in the format of the AWS tools, readable by its owner only."""

import configparser
import os
import secrets
from contextlib import suppress
from pathlib import Path

from release.errors import CredentialError


class Keyring:
    """Profiles `<library>-<stage>` in one file."""

    def __init__(self, file: Path, library: str) -> None:
        self.file = file
        self._library = library

    def profile(self, stage: str) -> str:
        """Name the profile (and the IAM user) of a stage."""
        return f"{self._library}-{stage}"

    def key_id(self, stage: str) -> str | None:
        """Give the access key id of a stage; None if the file has none."""
        return self._read().get(self.profile(stage), "aws_access_key_id", fallback=None)

    def variables(self, stage: str) -> dict[str, str]:
        """Give a stage's key as environment variables, for a child process that gets no other key.

        Raises:
            CredentialError: the file has no key for the stage.
        """
        profile, content = self.profile(stage), self._read()
        try:
            return {
                "AWS_ACCESS_KEY_ID": content.get(profile, "aws_access_key_id"),
                "AWS_SECRET_ACCESS_KEY": content.get(profile, "aws_secret_access_key"),
            }
        except configparser.Error as why:
            raise CredentialError(
                f"{self.file} has no key for the stage {stage}", hint="release keys provision writes them"
            ) from why

    def store(self, stage: str, key_id: str, secret: str) -> None:
        """Add a stage's key; the file is replaced whole, with mode 0600."""
        content = self._read()
        content[self.profile(stage)] = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
        self._write(content)

    def require_writable(self) -> None:
        """Prove that a key could be stored before one is made: its secret can be read only once (CredentialError)."""
        self._write(self._read())

    def _write(self, content: configparser.RawConfigParser) -> None:
        draft = self.file.with_name(f".{self.file.name}.{secrets.token_hex(4)}")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                content.write(out)
            draft.replace(self.file)
        except OSError as why:
            with suppress(OSError):
                draft.unlink()
            raise CredentialError(f"{self.file} cannot be written: {why.strerror}", hint="name another file") from why

    def _read(self) -> configparser.RawConfigParser:
        content = configparser.RawConfigParser()
        try:
            content.read(self.file, encoding="utf-8")
        except (OSError, configparser.Error, UnicodeDecodeError) as why:
            raise CredentialError(f"{self.file} is not a credentials file") from why
        return content
