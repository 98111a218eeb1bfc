"""A clone of the library whose tags are held against the release log, and whose signed tags count."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from release.commands.named_files import read_file
from release.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.core.sshkey import PublicKey
    from release.ports import Repository

Clone = Annotated[
    Path | None, typer.Option(help="A clone of the library: its tags are held against the log, and are anchors.")
]
AllowedSigners = Annotated[
    Path | None, typer.Option(help="Whose signed tags count, as ssh-keygen's file: who, type, key.")
]


def signers(file: Path | None) -> "Mapping[PublicKey, str] | None":
    """Read whose tags count; None if anybody's do.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is malformed.
    """
    from release.core.allowed_signers import LARGEST, parse_allowed_signers  # noqa: PLC0415 - few name them
    from release.core.sshkey import SshError  # noqa: PLC0415
    from release.core.tag_anchor import NAMESPACE  # noqa: PLC0415

    if file is None:
        return None
    try:
        return parse_allowed_signers(read_file(file, "the allowed signers", LARGEST), namespace=NAMESPACE)
    except SshError as why:
        raise ConfigError(f"{file} is not taken: {why}", hint="one line a key: WHO ssh-ed25519 AAAA...") from why


def clone_in(folder: Path) -> "Repository":
    """Open a clone (SourceError: there is none)."""
    from release.adapters.git import GitRepository  # noqa: PLC0415 - starts git

    return GitRepository(folder)
