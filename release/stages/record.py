"""Record: append to the release log. The record key writes here and nowhere else.

Authorise before anything goes live, and record the outcome after it was verified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from release.core import document
from release.core.approval import stamp
from release.core.caching import DOCUMENT
from release.core.check_report import check_evidence
from release.core.collecting import UnderCollectionError
from release.core.entry import ROTATED, Action, Event, Origin
from release.core.evidence import Built, Evidence, about
from release.core.gate import Verdict
from release.core.handover import Promotion, Verification, read_rotation
from release.core.manifest import LARGEST, Manifest, digest
from release.core.plan import pointer_for
from release.core.review import Emergency, judge_review, review_of
from release.core.succession import Intent, already, restates
from release.core.trust_change import gone
from release.effects.announce import announce
from release.effects.authority import Asked, permit
from release.effects.choice import order_of
from release.effects.gate import evidence_of, held
from release.effects.ordered import spared
from release.effects.published import published_entry, published_manifest
from release.effects.recorder import Recorder, Report
from release.effects.trusted import Trusted, load
from release.errors import (
    ConfigError,
    IntegrityError,
    NotFoundError,
    RefusedError,
    VerificationError,
)
from release.ports import ObjectStore

DEEPEST_ROTATION: Final = 100
_OUTCOMES: Final[Mapping[tuple[str, bool], Action]] = {
    ("promote", True): "promote.completed",
    ("promote", False): "promote.failed",
    ("rollback", True): "rollback.completed",
    ("rollback", False): "rollback.failed",
}


def publish(
    recorder: Recorder,
    site: ObjectStore,
    manifest: Manifest,
    manifest_body: bytes,
    left: Mapping[Built, bytes],
    *,
    checked: bytes | None = None,
    dry_run: bool,
) -> Report:
    """Record that a version was published, after finding its manifest in the bucket.

    Args:
        recorder: the log.
        site: the site bucket.
        manifest: of the version.
        manifest_body: its bytes.
        left: the evidence that build left, by kind.
        checked: the report that check left, if it ran.
        dry_run: write nothing.

    Raises:
        NotFoundError: the version is not published.
        IntegrityError: it is published, or recorded, with another manifest; or the evidence is about other bytes.
        RefusedError: check rejected the bundle.
    """
    version, sha256 = manifest.version, digest(manifest_body)
    there = site.read(recorder.config.layout.manifest(version), limit=LARGEST)
    if there is None:
        raise NotFoundError(f"version {version} is not published", hint="release publish")
    if there.body != manifest_body:
        raise IntegrityError(
            f"version {version} is published with another manifest than the one built here",
            evidence={"built": sha256, "published": digest(there.body)},
        )
    if (known := recorder.slots.published(version)) is not None:
        if known.manifest != sha256:
            raise IntegrityError(
                f"log entry {known.index} records version {version} with another manifest",
                evidence={"recorded": known.manifest, "published": sha256},
            )
        return Report(event=known, new=False)
    source = manifest.source
    report_of_check = check_evidence(checked, manifest) if checked is not None else None
    intent = Intent(
        action="publish.completed",
        version=version,
        manifest=sha256,
        source=Origin(commit=source.commit, tag=source.tag, changelog=source.changelog) if source.tag else None,
        evidence=(
            *(about(manifest, kind, body) for kind, body in sorted(left.items())),
            *((report_of_check,) if report_of_check else ()),
        ),
    )
    if not dry_run:
        for body in left.values():
            recorder.slots.leave_evidence(body)
        if checked is not None and report_of_check is not None:
            recorder.slots.leave_evidence(checked)
    report = recorder.append(intent, dry_run=dry_run)
    if not dry_run:
        recorder.slots.index_version(report.event)
    return report


def authorize(
    recorder: Recorder,
    site: ObjectStore,
    channel: str,
    version: str,
    *,
    reason: str | None,
    rollback: bool,
    dry_run: bool,
    verdict: Verdict | None = None,
) -> Report:
    """Record that a channel is to serve a version, and the pointer that says so; nothing may serve it before.

    `verdict` is what a gate said of the version that a rollback leaves.

    Raises:
        TrippedError, ServiceError: the gate of the ring before is closed.
        IntegrityError: the version is published with another manifest than the log says.
        NotFoundError: the log does not say that the version was published.
        RefusedError: the channel's rules forbid it, it is not approved, or a file that it needs is being collected.
    """
    if (pinned := recorder.config.pins.get(channel, version)) != version:
        raise RefusedError(
            f"channel {channel} is pinned to {pinned}",
            hint="take it out of [pins], in a commit of its own, if it may move",
        )
    published = published_entry(recorder.slots, version)
    manifest = published_manifest(recorder.config, site, version, published.manifest)
    intent = Intent(
        action="rollback.authorized" if rollback else "promote.authorized",
        version=version,
        manifest=published.manifest,
        channel=channel,
        reason=reason,
        source=published.source,
        evidence=(evidence_of(verdict),) if verdict else (),
    )
    if verdict and not dry_run:
        recorder.slots.leave_evidence(document.encode(verdict))
    try:
        report = _permitted(recorder, intent, dry_run=dry_run)
    except UnderCollectionError as why:
        intent = replace(intent, spares=spared(recorder.slots, why, channel, manifest))
        report = _permitted(recorder, intent, dry_run=dry_run)
    if not dry_run:
        recorder.slots.leave_pointer(pointer_for(recorder.config, manifest, report.event))
    return report


def conclude(recorder: Recorder, promotion: Promotion, verification: Verification, *, dry_run: bool) -> Report:
    """Record how a promotion or rollback ended.

    Raises:
        RefusedError: a later release took the channel over.
        VerificationError: the verification is of another promotion.
    """
    order = promotion.order
    if verification.order != order:
        raise VerificationError(
            f"the verification is of entry {verification.order.entry}, the promotion of entry {order.entry}",
            hint="run 'release verify' again for this promotion",
        )
    current = recorder.slots.tail().state.channels.get(order.channel)
    if current is not None and current.entry == order.entry:
        authorised = recorder.slots.read(order.entry)
        if order_of(authorised, order.library) != order:
            raise RefusedError(
                f"entry {order.entry} is {authorised.action} of {authorised.version}, the promotion is another",
                hint="run 'release promote' again for this channel, then verify",
            )
    intent = Intent(
        action=_OUTCOMES[order.kind, verification.passed],
        version=order.version,
        manifest=order.manifest,
        channel=order.channel,
        outcome_of=order.entry,
        reason="; ".join(verification.findings)[:2000] or None,
    )
    return recorder.append(intent, dry_run=dry_run)


def review(recorder: Recorder, index: int, *, dry_run: bool) -> Report:
    """Record that a release which one person approved in an emergency was looked at by another one, who signed that.

    Raises:
        RefusedError: nobody signed a review of this entry, or nobody who may; or the entry awaits none.
    """
    entry = recorder.slots.read(index)
    emergency = Emergency.of(entry, recorder.slots.leaf_hash(index))
    trusted = load(recorder.config, recorder.slots)
    _announce_first(recorder, trusted, dry_run=dry_run)
    signed = review_of(recorder.approvals, emergency)
    if trusted.newest is None or signed is None:
        raise RefusedError(
            f"nobody signed a review of entry {index}",
            hint=f"release request --review {index} --reason '...', release approve; hand the job RELEASE_APPROVAL",
        )
    found, grant = judge_review(trusted.newest, signed, emergency, at=stamp(recorder.clock.now()))
    if not dry_run:
        trusted.keep(grant)
    intent = Intent(
        action="review.completed",
        version=entry.version,
        manifest=entry.manifest,
        channel=entry.channel,
        outcome_of=index,
        reason=found.finding,
        grant=grant,
    )
    return recorder.append(intent, dry_run=dry_run)


def yank(recorder: Recorder, version: str, *, reason: str, dry_run: bool) -> Report:
    """Record that a version must never be promoted again.

    Raises:
        RefusedError: a channel is still meant to serve it.
        ConfigError: there is no reason.
    """
    if not reason.strip():
        raise ConfigError("a yank needs a reason", hint="say why: --reason '...'")
    intent = Intent(
        action="version.yanked",
        version=version,
        manifest=published_entry(recorder.slots, version).manifest,
        reason=reason,
    )
    return recorder.append(intent, dry_run=dry_run)


def rotation(recorder: Recorder, body: bytes, *, dry_run: bool) -> Report:
    """Record that keys were renewed, with the document that says which.

    Args:
        recorder: the log.
        body: the rotation that `keys rotate` left.
        dry_run: write nothing.

    Raises:
        FormatError: it is no rotation of this library.
    """
    found = read_rotation(body, name="the rotation", library=recorder.config.library.name)
    sha256 = digest(body)
    size = recorder.slots.tail().size
    for event in recorder.slots.events(first=max(0, size - DEEPEST_ROTATION), size=size):
        if (event.action, event.manifest) == (ROTATED, sha256):
            return recorder.again(event, dry_run=dry_run)
    intent = Intent(
        action=ROTATED,
        version="",
        manifest=sha256,
        reason="keys of " + ", ".join(sorted({row.stage for row in found.rotated})),
        evidence=(Evidence(kind="rotation", media_type=DOCUMENT, sha256=sha256),),
    )
    if not dry_run:
        recorder.slots.leave_evidence(body)
    return recorder.append(intent, dry_run=dry_run)


def trust(recorder: Recorder, *, dry_run: bool) -> tuple[list[Report], Sequence[tuple[str, int]]]:
    """Record the trust epochs that were put up since the last time.

    Gives also the retired log keys that sign no more, and how many entries each may have signed: release.toml does
    not say so yet.

    Raises:
        LogError: an epoch is malformed, not signed as it must be, or another than the log says.
        RefusedError: the first one is not pinned.
    """
    trusted = load(recorder.config, recorder.slots)
    reports = announce(recorder, trusted, dry_run=dry_run)
    if not reports and not dry_run:
        recorder.tree.repair()
    retired = [one.key for one in recorder.config.log.retired if one.entries is None]
    state = reports[-1].event.after if reports else recorder.slots.tail().state
    return reports, list(gone(state.trust, trusted.newest, retired))


def _permitted(recorder: Recorder, intent: Intent, *, dry_run: bool) -> Report:
    trusted = load(recorder.config, recorder.slots)
    _announce_first(recorder, trusted, dry_run=dry_run)
    if trusted.newest is None:
        return _unless_held(recorder, intent, trusted, dry_run=dry_run)
    asked = Asked(
        config=recorder.config,
        slots=recorder.slots,
        clock=recorder.clock,
        trusted=trusted,
        newest=trusted.newest,
        view=recorder.tree.view,
        given=recorder.approvals,
        repository=recorder.repository,
        actor=recorder.pipeline.actor,
    )
    permission = permit(asked, intent, recorder.slots.tail())
    if isinstance(permission, Event):
        return recorder.again(permission, dry_run=dry_run)
    return _unless_held(recorder, replace(intent, grant=permission), trusted, dry_run=dry_run)


def _unless_held(recorder: Recorder, intent: Intent, trusted: Trusted, *, dry_run: bool) -> Report:
    """Append what no ring holds. An entry that is there already was held to the rings when it was written."""
    verdict = None
    if recorder.config.rings is not None:
        tail = recorder.slots.tail()
        known = already(tail, intent)
        if known is None or not restates(recorder.slots.read(known), intent):
            now = recorder.clock.now()
            intent, verdict = held(recorder.slots, recorder.log, intent, tail, recorder.keeper, now)
    if not dry_run and intent.grant:
        trusted.keep(intent.grant)
    if not dry_run and verdict:
        recorder.slots.leave_evidence(document.encode(verdict))
    return recorder.append(intent, dry_run=dry_run)


def _announce_first(recorder: Recorder, trusted: Trusted, *, dry_run: bool) -> None:
    """Make sure that the newest epoch is in force before something is judged by it."""
    if announce(recorder, trusted, dry_run=dry_run) and dry_run:
        raise RefusedError("the newest trust epoch is not in the log yet", hint="release record trust")
