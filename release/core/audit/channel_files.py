"""What is in a channel besides the version that it serves, and channels that are none."""

from collections.abc import Container, Iterator, Sequence

from release.core.audit.finding import Finding, drift
from release.core.audit.said import Said
from release.core.channels import is_declared
from release.core.config import Config
from release.core.layout import CUSTOMERS, POINTERS, ObjectHeaders, PointerKey, is_channel
from release.core.manifest import Manifest


def about_folders(config: Config, said: Said, folders: Sequence[str]) -> Iterator[Finding]:
    """Judge the names of folders beside the versions: each must be a channel that serves something."""
    for folder in folders:
        name = folder.rstrip("/")
        if name[:1].isdigit() or name in {POINTERS, *_customers(config)}:
            continue
        if not is_channel(name) or not is_declared(config.channels, name):
            yield drift(f"{config.layout.root}{folder} is no version and no channel of release.toml")
        elif name not in said.replay.state.channels:
            yield drift(f"{config.layout.root}{folder} has files of a channel that never served anything")


def about_pointer_name(config: Config, said: Said, key: str) -> Iterator[Finding]:
    """Judge the key of a pointer."""
    found = config.layout.parse(key)
    if not isinstance(found, PointerKey) or found.channel not in said.replay.state.channels:
        yield drift(f"{key} is the pointer of no channel that serves something")


def about_leftover(
    key: str, path: str, sha256: str | None, headers: ObjectHeaders, of: Manifest | None
) -> Iterator[Finding]:
    """Judge a file of a channel that the served version does not have: it must be one of a version before.

    Args:
        key: of the object.
        path: in the channel.
        sha256: of its bytes.
        headers: what it says of itself; the metadata names its version.
        of: the manifest of that version, None if the log does not know it.
    """
    version = headers.metadata.get("version", "")
    digests = {artifact.path: artifact.sha256 for artifact in of.artifacts} if of else {}
    if digests.get(path) is None or digests[path] != sha256:
        yield drift(f"{key} is no file of the version that it says it is of ({version or 'none'})")


def about_deleted(key: str, path: str | None, *, ordered: Container[str]) -> Iterator[Finding]:
    """Judge a file of a channel that a delete marker hides, and that the served version does not have.

    Args:
        key: of the object.
        path: in the channel; None if it is no file of a channel.
        ordered: the paths that the log ever ordered deleted from this channel.
    """
    if path is None or path not in ordered:
        yield drift(f"{key} was deleted, and no entry of the log orders that")


def _customers(config: Config) -> set[str]:
    return set() if config.site.customer else {CUSTOMERS}
