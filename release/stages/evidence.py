"""Evidence: everything about one release, in a folder or tar file that proves itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from release.core.copy_check import blob_of
from release.core.entry import Event, decode
from release.core.log_finding import Finding
from release.core.logtree import TreeFiles
from release.core.manifest import digest
from release.core.pack import MOST_ENTRIES, Pack, Parts, assembled, epoch_path, evidence_paths, known_epochs, selected
from release.core.pack_check import PackCheck, section_of
from release.core.tlog import TlogError
from release.core.tlog.policy import Policy
from release.core.trust import LARGEST as LARGEST_EPOCH
from release.core.version import parse_version
from release.effects.signed_log import SignedLog
from release.errors import LogError, NotFoundError, RefusedError
from release.ports import LogFiles


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What is not in the log itself: the version's manifest and the library's changelog, as far as they are known."""

    manifest: bytes | None
    changelog: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a pack is: of which release, its files in order, and what could not be had."""

    about: Pack
    files: Mapping[str, bytes]
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What is wrong with a pack, and what it is if that could be read."""

    findings: tuple[Finding, ...]
    about: Pack | None
    events: tuple[Event, ...]


def run(log: SignedLog, version: str, beside: Beside, template: str) -> Report:
    """Make the pack of a version.

    Raises:
        NotFoundError: no entry says that it was published.
        LogError: the log cannot be read, or is not what its head says.
    """
    entries, events = _about(log, str(parse_version(version)))
    first = next(iter(events.values()))
    epochs = _epochs(log, events)
    blobs, missing = _evidence(log, events)
    manifest = beside.manifest if beside.manifest and digest(beside.manifest) == first.manifest else None
    wanted = first.source.changelog if first.source else None
    section = section_of((beside.changelog or b"").decode("utf-8", "replace"), version, wanted)
    missing += [] if manifest else [f"manifest.json (SHA-256 {first.manifest})"]
    missing += [] if section or not wanted else [f"changelog-section.md (SHA-256 {wanted})"]
    parts = Parts(
        about=_pack(log, first, version, tuple(events), len(epochs)),
        note=log.note,
        entries={index: (body, log.proof(index, body).encode()) for index, body in entries.items()},
        events=events,
        blobs=blobs,
        epochs=epochs,
        known=known_epochs(epochs, origin=log.head.origin),
        manifest=manifest,
        section=section,
    )
    return Report(about=parts.about, files=assembled(parts, template), missing=tuple(missing))


def _pack(log: SignedLog, first: Event, version: str, entries: tuple[int, ...], epochs: int) -> Pack:
    return Pack(
        origin=log.head.origin,
        component=first.component,
        version=version,
        size=log.head.size,
        root=log.head.root.hex(),
        entries=entries,
        epochs=epochs,
    )


def judge(files: LogFiles, policy: Policy, template: str, trust: str | None) -> Judgement:
    """Verify a pack from its files alone."""
    check = PackCheck(files=TreeFiles(files.read), policy=policy, template=template, trust=trust)
    findings = tuple(check.run())
    parts = check.parts
    return Judgement(
        findings=findings,
        about=parts.about if parts else None,
        events=tuple(parts.events.values()) if parts else (),
    )


def _about(log: SignedLog, version: str) -> tuple[dict[int, bytes], dict[int, Event]]:
    entries: dict[int, bytes] = {}
    events: dict[int, Event] = {}
    for index, body in log.bodies():
        try:
            event = decode(body, index=index, keys=log.policy.logs)
        except LogError:
            continue
        if selected(events, event, version):
            entries[index], events[index] = body, event
        if len(events) > MOST_ENTRIES:
            raise RefusedError(f"more than {MOST_ENTRIES} entries are about {version}", hint="release log export")
    if not events or next(iter(events.values())).action != "publish.completed":
        raise NotFoundError(f"no entry says that {version} was published", hint="release log list --last 0")
    return entries, events


def _epochs(log: SignedLog, events: Mapping[int, Event]) -> tuple[bytes, ...]:
    """Read the trust epochs up to the last that these entries were approved by."""
    last = max((event.trust.epoch for event in events.values() if event.trust), default=-1)
    try:
        return tuple(log.files.must(epoch_path(number), LARGEST_EPOCH) for number in range(last + 1))
    except TlogError as why:
        raise LogError(str(why), hint="compare with the replica") from why


def _evidence(log: SignedLog, events: Mapping[int, Event]) -> tuple[dict[str, bytes], list[str]]:
    blobs: dict[str, bytes] = {}
    missing = []
    for event in events.values():
        for path, sha256 in evidence_paths(event).items():
            try:
                blobs[sha256] = blob_of(log.files, sha256)
            except LogError as why:
                missing.append(f"{path} ({why.message})")
    return blobs, missing
