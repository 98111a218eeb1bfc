"""Announce trust epochs in the release log."""

from release.core import document
from release.core.caching import DOCUMENT
from release.core.entry import TRUST_CHANGED, TrustReference
from release.core.evidence import Evidence
from release.core.succession import Intent, Tail, follow
from release.core.trust_change import check_signs, pending
from release.effects.recorder import Recorder, Report
from release.effects.trusted import Trusted


def announce(recorder: Recorder, trusted: Trusted, *, dry_run: bool) -> list[Report]:
    """Append an entry for every trust epoch that has none yet: nothing is approved by an epoch before it has one.

    Raises:
        RefusedError: the log's key is none that an epoch names, or a rule forbids it.
        LogError: the log is damaged.
    """
    reports, tail = [], recorder.slots.tail()
    for known in pending(tail.state.trust, trusted.known):
        check_signs(known, recorder.config.log.key)
        intent = Intent(
            action=TRUST_CHANGED,
            version="",
            manifest=known.sha256,
            reason=f"trust epoch {known.trust.epoch}",
            evidence=(Evidence(kind="trust", media_type=DOCUMENT, sha256=known.sha256),),
            trust=TrustReference(epoch=known.trust.epoch, sha256=known.sha256),
        )
        if dry_run:
            event = follow(recorder.log, tail, intent, at=recorder.clock.now())
            tail = Tail(size=tail.size + 1, event=event, leaf_hash="0" * 64)
            reports.append(Report(event=event, new=False))
        else:
            recorder.slots.leave_evidence(document.encode(known.trust))
            reports.append(recorder.append(intent, dry_run=False))
    return reports
