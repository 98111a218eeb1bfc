"""What was added to a copy of a log for its reader's convenience, held against the log itself: proofs, population."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from release.core import document
from release.core.log_finding import Finding
from release.core.logtree import TreeFiles, bodies_of
from release.core.manifest import digest
from release.core.period import Period
from release.core.population import (
    CSV,
    LARGEST_CSV,
    LARGEST_SIDECAR,
    SIDECAR,
    Population,
    gathered,
    population_files,
)
from release.core.provenance import LARGEST
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.policy import Policy
from release.core.tlog.proof import parse_proof
from release.errors import LogError, ReleaseError

PROOFS: Final = "proof"
_NAME: Final = re.compile(r"(0|[1-9][0-9]{0,11})\.tlog-proof", re.ASCII)


def proof_path(index: int) -> str:
    """Give the path of an entry's proof in a copy."""
    return f"{PROOFS}/{index}.tlog-proof"


def blob_of(files: TreeFiles, sha256: str) -> bytes:
    """Read evidence by its digest.

    Raises:
        LogError: it is missing, or holds other bytes than its name says.
    """
    path = f"evidence/sha256/{sha256}"
    try:
        body = files.must(path, LARGEST)
    except TlogError as why:
        raise LogError(str(why)) from why
    if digest(body) != sha256:
        raise LogError(f"{path} holds other bytes than its name says", evidence={"found": digest(body)})
    return body


@dataclass(kw_only=True, slots=True)
class CopyCheck:
    """One check, of a copy whose tree was verified already.

    Args:
        files: of the copy.
        proofs: the names below `proof/`.
        policy: the keys to trust.
        head: the verified head.
        note: the head, verbatim.
    """

    files: TreeFiles
    proofs: Sequence[str]
    policy: Policy
    head: Checkpoint
    note: bytes
    _problems: list[str] = field(default_factory=list)

    def run(self) -> Iterator[Finding]:
        """Verify everything that was added; gives what is wrong."""
        try:
            about = self._about()
            period = Period.of(about.from_, about.to) if about else Period()
            gathering = gathered(self._proven(), period, self.policy.logs)
            if about is not None:
                expected = population_files(gathering, self.head, lambda sha256: blob_of(self.files, sha256))
                yield from self._same(expected)
                have = {int(match[1]) for name in self.proofs if (match := _NAME.fullmatch(name))}
                first = gathering.first or 0
                absent = set(range(first, first + gathering.count)) - have
                if absent:
                    self._problems.append(f"{proof_path(min(absent))} is missing, and {len(absent) - 1} others")
        except (ReleaseError, TlogError) as why:
            self._problems.append(f"what was added to the copy cannot be judged: {why}")
        yield from (Finding(kind="copy", message=message) for message in self._problems)

    def _about(self) -> Population | None:
        body = self.files.read(SIDECAR, LARGEST_SIDECAR)
        if body is None:
            if self.files.read(CSV, LARGEST_CSV) is not None:
                self._problems.append(f"{CSV} is there and {SIDECAR} is not: nothing says of what it is the population")
            return None
        return document.decode(Population, body, name=SIDECAR, limit=LARGEST_SIDECAR)

    def _same(self, expected: dict[str, bytes]) -> Iterator[Finding]:
        for path, body in expected.items():
            found = self.files.read(path, LARGEST_CSV)
            if found is None:
                self._problems.append(f"{path} is missing")
            elif found != body:
                facts = (("computed", digest(body)), ("found", digest(found)))
                yield Finding(kind="copy", message=f"{path} is not what the log's entries amount to", facts=facts)

    def _proven(self) -> Iterator[tuple[int, bytes]]:
        """Give all entries, and verify the proof of each that has one."""
        waiting = set(self.proofs)
        for index, body in bodies_of(self.files, self.head):
            path = proof_path(index)
            name = path.rpartition("/")[2]
            if name in waiting:
                waiting.discard(name)
                self._proof(path, index, body)
            yield index, body
        if waiting:
            self._problems.append(f"{PROOFS}/{min(waiting)} is the proof of no entry, as are {len(waiting) - 1} others")

    def _proof(self, path: str, index: int, body: bytes) -> None:
        try:
            proof = parse_proof(self.files.must(path, LARGEST_NOTE))
            head = proof.verify(body, self.policy)
        except TlogError as why:
            self._problems.append(f"{path} does not prove entry {index}: {why}")
            return
        if (proof.index, proof.extra, proof.checkpoint, head) != (index, b"", self.note, self.head):
            self._problems.append(f"{path} is of another entry or head, or says more than a proof does")
