"""Verify an evidence pack offline: read its parts, prove each, assemble it again, and compare every byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from release.core import document
from release.core.approval_check import ApprovalCheck
from release.core.changelog import section_text
from release.core.entry import LARGEST as LARGEST_ENTRY
from release.core.entry import Event, decode, leaf_hash
from release.core.epochs import Known
from release.core.log_finding import Finding
from release.core.logtree import TreeFiles
from release.core.manifest import LARGEST as LARGEST_MANIFEST
from release.core.manifest import digest
from release.core.pack import (
    ABOUT,
    HEAD,
    LARGEST_ABOUT,
    MANIFEST,
    SECTION,
    Pack,
    Parts,
    assembled,
    entry_path,
    epoch_path,
    evidence_paths,
    known_epochs,
    proof_path,
    selected,
)
from release.core.provenance import LARGEST as LARGEST_BLOB
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.policy import Policy
from release.core.tlog.proof import parse_proof
from release.core.trust import LARGEST as LARGEST_EPOCH
from release.core.version import parse_version
from release.errors import FormatError, ReleaseError

LARGEST_FILE: Final = 64 * 1024 * 1024


@dataclass(kw_only=True, slots=True)
class PackCheck:
    """One verification.

    Args:
        files: of the pack.
        policy: the keys to trust.
        template: of the page.
        trust: the SHA-256 of the first trust epoch; None: that it is the right one is not judged.

    Attributes:
        parts: what the pack is made from; None until `run` got that far.
    """

    files: TreeFiles
    policy: Policy
    template: str
    trust: str | None = None
    parts: Parts | None = None

    def run(self) -> Iterator[Finding]:
        """Verify everything; gives what is wrong."""
        try:
            about, note, head = self._head()
        except (ReleaseError, TlogError) as why:
            yield Finding(kind="signature", message=f"the pack's log cannot be believed: {why}")
            return
        try:
            parts = self._parts(about, note, head)
            expected = assembled(parts, self.template)
        except (ReleaseError, TlogError, LookupError) as why:
            yield Finding(kind="evidence", message=f"the pack is not whole: {why}")
            return
        self.parts = parts
        yield from self._approvals(parts)
        yield from self._same(expected)

    def _head(self) -> tuple[Pack, bytes, Checkpoint]:
        body = self.files.must(ABOUT, LARGEST_ABOUT)
        about = document.decode(Pack, body, name=ABOUT, limit=LARGEST_ABOUT)
        note = self.files.must(HEAD, LARGEST_NOTE)
        head = parse_checkpoint(self.policy.verify(note).text)
        if (head.origin, head.size, head.root.hex()) != (about.origin, about.size, about.root):
            raise FormatError(f"{ABOUT} is about another head of the log than its checkpoint")
        return about, note, head

    def _parts(self, about: Pack, note: bytes, head: Checkpoint) -> Parts:
        """Read and prove what the pack is made from (ReleaseError, TlogError, LookupError: something is wrong)."""
        entries, events = self._entries(about, note, head)
        known, epochs = self._epochs(about)
        first = events[about.entries[0]]
        return Parts(
            about=about,
            note=note,
            entries=entries,
            events=events,
            blobs=self._blobs(events),
            epochs=epochs,
            known=known,
            manifest=self._named(MANIFEST, first.manifest, LARGEST_MANIFEST),
            section=self._named(SECTION, first.source.changelog if first.source else None, LARGEST_BLOB),
        )

    def _entries(
        self, about: Pack, note: bytes, head: Checkpoint
    ) -> tuple[dict[int, tuple[bytes, bytes]], dict[int, Event]]:
        entries: dict[int, tuple[bytes, bytes]] = {}
        events: dict[int, Event] = {}
        for index in about.entries:
            body = self.files.must(entry_path(index), LARGEST_ENTRY)
            raw = self.files.must(proof_path(index), LARGEST_NOTE)
            proof = parse_proof(raw)
            proven = proof.verify(body, self.policy)
            if (proof.index, proof.extra, proof.checkpoint, proven) != (index, b"", note, head):
                raise FormatError(f"{proof_path(index)} is of another entry or head")
            event = decode(body, index=index, keys=self.policy.logs)
            if not selected(events, event, about.version) or event.component != about.component:
                raise FormatError(f"entry {index} is not about {about.component} {about.version}")
            entries[index], events[index] = (body, raw), event
        if list(about.entries) != sorted(entries) or events[about.entries[0]].action != "publish.completed":
            raise FormatError("the entries are not in order, or do not begin with the publication")
        return entries, events

    def _epochs(self, about: Pack) -> tuple[tuple[Known, ...], tuple[bytes, ...]]:
        bodies = tuple(self.files.must(epoch_path(number), LARGEST_EPOCH) for number in range(about.epochs))
        return known_epochs(bodies, origin=about.origin), bodies

    def _blobs(self, events: Mapping[int, Event]) -> dict[str, bytes]:
        """Read the evidence that is there; what is not, the page has to say."""
        found = {}
        for event in events.values():
            for path, sha256 in evidence_paths(event).items():
                body = self._named(path, sha256, LARGEST_BLOB)
                if body is not None:
                    found[sha256] = body
        return found

    def _named(self, path: str, sha256: str | None, limit: int) -> bytes | None:
        body = self.files.read(path, limit)
        if body is not None and digest(body) != sha256:
            raise FormatError(f"{path} has the SHA-256 {digest(body)}, the log names {sha256}")
        return body

    def _approvals(self, parts: Parts) -> Iterator[Finding]:
        known = parts.known
        if self.trust is not None and (known[0].sha256 if known else "no epoch at all") != self.trust:
            facts = (("named", self.trust), ("found", known[0].sha256 if known else "none"))
            yield Finding(kind="approval", message="the first trust epoch is not the one that was named", facts=facts)
        held = TreeFiles(lambda path, _: parts.blobs.get(path.rpartition("/")[2]))
        check = ApprovalCheck(files=held, known=known)
        for index, event in parts.events.items():
            yield from check.entry(event, leaf_hash(parts.entries[index][0]))

    def _same(self, expected: Mapping[str, bytes]) -> Iterator[Finding]:
        for path, body in expected.items():
            try:
                found = self.files.must(path, LARGEST_FILE)
            except TlogError as why:
                yield Finding(kind="evidence", message=str(why))
                continue
            if found != body:
                facts = (("computed", digest(body)), ("found", digest(found)))
                yield Finding(kind="evidence", message=f"{path} is not what the pack's entries amount to", facts=facts)


def section_of(changelog: str, version: str, sha256: str | None) -> bytes | None:
    """Give a version's section of a changelog, if it is the one that the log recorded."""
    try:
        body = section_text(changelog, parse_version(version)).encode()
    except ReleaseError:
        return None
    return body if digest(body) == sha256 else None
