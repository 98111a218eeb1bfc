"""An auditor's file of keys: one public key, or a C2SP policy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from release.commands.named_files import read_file
from release.errors import ConfigError

if TYPE_CHECKING:
    from release.core.tlog.policy import Policy

LARGEST_KEYS: Final = 256 * 1024

KeyFile = Annotated[
    Path, typer.Option("--key", help="The keys to trust: a C2SP policy file, or one public key on a line.")
]


def keys_to_trust(file: Path) -> "Policy":
    """Read the keys by which a log is believed.

    Raises:
        ConfigError: there are none in the file.
        NotFoundError: there is no such file.
    """
    from release.core.tlog import TlogError  # noqa: PLC0415 - loads the cryptography
    from release.core.tlog.note import parse_vkey  # noqa: PLC0415
    from release.core.tlog.policy import NONE, Policy, parse_policy  # noqa: PLC0415

    body = read_file(file, "the keys to trust", LARGEST_KEYS)
    try:
        if len(body.split()) == 1:
            return Policy((parse_vkey(body.decode("utf-8").strip()),), {}, {}, NONE)
        return parse_policy(body)
    except (TlogError, UnicodeDecodeError) as why:
        raise ConfigError(
            f"{file} holds no keys to trust: {why}",
            hint="one public key '<name>+<id>+<base64>', or a policy: https://c2sp.org/tlog-policy",
        ) from why
