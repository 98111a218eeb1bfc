"""Prove: that one entry is in the release log, in a file that needs nothing else."""

from dataclasses import dataclass
from typing import Final

from release.core import document
from release.core.entry import decode
from release.core.handover import VersionIndex
from release.core.layout import LogLayout
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.proof import Proof
from release.core.version import parse_version
from release.effects.signed_log import SignedLog
from release.errors import LogError, NotFoundError

LARGEST_INDEX: Final = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """An entry's bytes, the proof, and the head to which it leads."""

    entry: bytes
    proof: Proof
    head: Checkpoint


def run(log: SignedLog, index: int | None, version: str | None) -> Proven:
    """Prove the entry with this number, or the one that published a version.

    Raises:
        NotFoundError: the head covers no such entry.
        LogError: what stands there cannot be proven.
    """
    if index is None:
        index = _published(log, version or "")
    entry, proof = log.proven(index)
    return Proven(entry=entry, proof=proof, head=log.head)


def _published(log: SignedLog, version: str) -> int:
    """Find the entry that published a version: where the log bucket says, or in a copy by reading on."""
    where = LogLayout(prefix="").version_index(str(parse_version(version)))
    try:
        hint = log.files.read(where, LARGEST_INDEX)
    except TlogError as why:
        raise LogError(str(why)) from why
    known = (
        None if hint is None else document.decode(VersionIndex, hint, name=where, limit=LARGEST_INDEX, error=LogError)
    )
    for index, body in log.bodies() if known is None else [(known.entry, log.entry(known.entry))]:
        try:
            event = decode(body, index=index, keys=log.policy.logs)
        except LogError:
            continue
        if (event.action, event.version) == ("publish.completed", version):
            return index
    raise NotFoundError(f"no entry says that {version} was published", hint="release log list --last 0")
