"""The evidence pack of one release: what it consists of, and its files, which follow from that byte for byte.

Nothing in a pack is only said: its entries are proven by the log's signed head, its evidence, manifest and changelog
section have the digests that those entries name, trust epochs are signed in a chain, and what is made for readers (the
page, allowed_signers, SHA256SUMS) is made from these by `assembled` and by nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from release.core import document
from release.core.approved import read_epochs
from release.core.entry import Event, statement
from release.core.epochs import Known
from release.core.evidence import FILES
from release.core.layout import LIBRARY, VERSION
from release.core.manifest import SHA256, digest
from release.core.pack_page import PAGE, Facts, page
from release.core.pack_signers import signers_text
from release.core.shape import rule

ABOUT: Final = "pack.json"
LARGEST_ABOUT: Final = 64 * 1024
SUMS: Final = "SHA256SUMS"
HEAD: Final = "checkpoint"
MANIFEST: Final = "manifest.json"
SECTION: Final = "changelog-section.md"
MOST_ENTRIES: Final = 1000
_NAMES: Final[Mapping[str, str]] = {"sbom": FILES["sbom"], "provenance": FILES["provenance"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pack:
    """`pack.json`: of which release, and of which head of its log. Another page for the same facts is another type."""

    type_: Literal["release-evidence/v1"] = rule("release-evidence/v1", required=True)
    origin: str = rule(longest=200)
    component: str = rule(pattern=LIBRARY, means="a library's name")
    version: str = rule(pattern=VERSION, means="a version")
    size: int = rule(minimum=1)
    root: str = rule(pattern=SHA256, means="a SHA-256 in hex")
    entries: tuple[int, ...] = rule(minimum=0, most=MOST_ENTRIES)
    epochs: int = rule(minimum=0, maximum=1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a pack is made from.

    Attributes:
        about: of which release.
        note: the log's head, as it was signed.
        entries: by number, the bytes of each entry and of its proof.
        events: what these entries say.
        blobs: evidence by its SHA-256, as far as it could be had.
        epochs: the trust epochs from the first on, as their files.
        known: the same, verified.
        manifest: the version's manifest; None if it could not be had.
        section: its section of the changelog; None if it could not be had.
    """

    about: Pack
    note: bytes
    entries: Mapping[int, tuple[bytes, bytes]]
    events: Mapping[int, Event]
    blobs: Mapping[str, bytes]
    epochs: tuple[bytes, ...]
    known: tuple[Known, ...]
    manifest: bytes | None
    section: bytes | None


def assembled(parts: Parts, template: str) -> dict[str, bytes]:
    """Give the files of a pack by path, in the order in which they are written.

    Args:
        parts: what it is made from, verified.
        template: of the page.
    """
    files = {ABOUT: document.encode(parts.about), HEAD: parts.note}
    for index, (body, proof) in parts.entries.items():
        files[entry_path(index)] = body
        files[proof_path(index)] = proof
        files[statement_path(index)] = document.encode(statement(parts.events[index]))
    named = {MANIFEST: parts.manifest, SECTION: parts.section}
    files |= {name: body for name, body in named.items() if body is not None}
    for event in parts.events.values():
        paths = evidence_paths(event)
        files |= {path: parts.blobs[sha256] for path, sha256 in paths.items() if sha256 in parts.blobs}
        if event.trust and event.approvals:
            files[signers_path(event.index)] = signers_text(parts.known[event.trust.epoch].trust).encode()
    files |= {epoch_path(number): body for number, body in enumerate(parts.epochs)}
    files[PAGE] = page(_facts(parts, files), template).encode()
    files[SUMS] = "".join(f"{digest(body)}  {path}\n" for path, body in sorted(files.items())).encode()
    return files


def selected(events: Mapping[int, Event], event: Event, version: str) -> bool:
    """Tell whether an entry is about a version, given those before it that are.

    It names the version, takes a channel back from it, or is the outcome or review of one that does.
    """
    left = event.action == "rollback.authorized" and event.before is not None and event.before.version == version
    return event.version == version or left or event.outcome_of in events


def known_epochs(bodies: Sequence[bytes], *, origin: str) -> tuple[Known, ...]:
    """Verify the trust epochs of a pack, from the first on (LogError)."""
    held = {epoch_path(number): body for number, body in enumerate(bodies)}
    return tuple(read_epochs(held.get, name=epoch_path, origin=origin))


def entry_path(index: int) -> str:
    """Give the path of an entry."""
    return f"entries/{index}.json"


def proof_path(index: int) -> str:
    """Give the path of an entry's proof."""
    return f"entries/{index}.tlog-proof"


def statement_path(index: int) -> str:
    """Give the path of what an entry states, for readers: the payload of its envelope."""
    return f"entries/{index}.statement.json"


def epoch_path(number: int) -> str:
    """Give the path of a trust epoch."""
    return f"trust/{number}.json"


def signers_path(index: int) -> str:
    """Give the path of those who could sign what an entry names as approvals."""
    return f"approvals/{index}/allowed_signers"


def evidence_paths(event: Event) -> dict[str, str]:
    """Give, by path in a pack, the SHA-256 of all evidence that an entry names."""
    found = {}
    for item in event.evidence:
        found[_NAMES.get(item.kind, f"evidence/{item.sha256}")] = item.sha256
    for approved in event.approvals:
        found[f"approvals/{event.index}/request.json"] = approved.request
        found[f"approvals/{event.index}/{approved.principal}.sig"] = approved.approval
    return found


def _facts(parts: Parts, files: Mapping[str, bytes]) -> Facts:
    missing = [
        (path, sha256)
        for event in parts.events.values()
        for path, sha256 in evidence_paths(event).items()
        if path not in files
    ]
    about = parts.about
    return Facts(
        origin=about.origin,
        component=about.component,
        version=about.version,
        size=about.size,
        root=about.root,
        events=tuple(parts.events.values()),
        blobs=parts.blobs,
        files=frozenset(files),
        missing=tuple(missing),
    )
