"""The trust epochs among a log's files, for who knows the SHA-256 of the first one."""

import hashlib
from collections.abc import Sequence

from release.core import approved, epochs
from release.core.epochs import Known
from release.core.log_finding import Finding
from release.core.logtree import TreeFiles
from release.core.tlog import TlogError
from release.core.trust import LARGEST
from release.errors import LogError


def read_pinned(files: TreeFiles, pinned: str) -> tuple[Sequence[Known], Sequence[Finding]]:
    """Read and verify the chain of epochs from the pinned one on; gives none of them if something is wrong with one."""

    def read(path: str) -> bytes | None:
        return files.read(path, LARGEST)

    try:
        body = read(_name(0))
        found, origin = "no epoch at all", ""
        if body is not None:
            signed, trust = epochs.read_signed(body, name=_name(0))
            found, origin = hashlib.sha256(signed.trust.encode()).hexdigest(), trust.origin
        if found != pinned:
            facts = (("named", pinned), ("found", found))
            message = "the first trust epoch is not the one that was named"
            return (), [Finding(kind="approval", message=message, facts=facts)]
        return approved.read_epochs(read, name=_name, origin=origin), ()
    except (LogError, TlogError) as why:
        return (), [Finding(kind="approval", message=f"the trust epochs cannot be believed: {why}")]


def _name(number: int) -> str:
    return f"trust/{number}.json"
