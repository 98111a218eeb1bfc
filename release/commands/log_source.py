"""Where a command reads a signed log from: the log bucket with the audit key, or a copy with an auditor's keys."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from release import compose
from release.commands.keys_to_trust import keys_to_trust
from release.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.core.tlog.policy import Policy
    from release.effects.signed_log import SignedLog

Source = Annotated[
    str | None, typer.Option(help="Read this copy (folder, tar file, https address) and not the log bucket.")
]
SourceKeys = Annotated[Path | None, typer.Option("--key", help="With --source, the keys to trust.")]
First = Annotated[str | None, typer.Option("--from", help="The first day of the period, YYYY-MM-DD (UTC).")]
Last = Annotated[str | None, typer.Option("--to", help="The last day of the period.")]


@contextmanager
def signed_log(config: Path, source: str | None, keys: Path | None, *, quiet: bool) -> "Iterator[SignedLog]":
    """Open a log and believe its head.

    Raises:
        ConfigError: a copy without keys, or keys without a copy.
        LogError: the head cannot be believed.
    """
    from release.adapters.log_files import open_log  # noqa: PLC0415 - tar files are for few commands
    from release.core.tlog.policy import NONE  # noqa: PLC0415 - loads the cryptography
    from release.effects.bucket_files import BucketFiles  # noqa: PLC0415
    from release.effects.signed_log import SignedLog  # noqa: PLC0415

    if (source is None) != (keys is None):
        raise ConfigError("--source and --key go together: a copy is believed by keys that came another way")
    if source is not None and keys is not None:
        # Witnesses may have signed another head than the copy's: whether that is enough is for 'log verify' to judge.
        policy = replace(keys_to_trust(keys), quorum=NONE)
        with open_log(source) as files:
            yield SignedLog.opened(files, policy)
        return
    work = compose.workspace(config, quiet=quiet)
    policy = log_policy(work)
    slots = work.slots("audit")
    yield SignedLog.opened(BucketFiles(store=slots.store, layout=slots.layout), policy)


def log_policy(work: compose.Workspace) -> "Policy":
    """Give the keys of release.toml by which its log is believed (ConfigError: one is malformed)."""
    from release.core.tlog.policy import NONE, Policy  # noqa: PLC0415 - loads the cryptography

    return Policy(work.log_keys.ever, {}, {}, NONE)
