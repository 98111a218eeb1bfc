"""One row of the population: the fields that SOC 2 CC8.1 and ISO/IEC 27001 A.8.15 and A.8.32 are sampled by."""

from collections.abc import Callable
from dataclasses import dataclass

from release.core import document
from release.core.approval import Request, read_asked
from release.core.entry import Event
from release.core.evidence import LARGEST
from release.core.tlog import TlogError
from release.errors import ReleaseError


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The columns of population.csv, in their order; all text.

    `change` is the entry that authorised the change which the entry is a part of. `requested_at` is when approval was
    asked for; it was given between then and `occurred_at`. `outcome` of a change without one is "open".
    """

    entry: str
    change: str = ""
    type: str = ""
    action: str = ""
    component: str = ""
    version_from: str = ""
    version_to: str = ""
    channel: str = ""
    description: str = ""
    occurred_at: str = ""
    started_at: str = ""
    ended_at: str = ""
    outcome: str = ""
    outcome_entry: str = ""
    actor: str = ""
    authors: str = ""
    requested_at: str = ""
    approvers: str = ""
    approval_request: str = ""
    approval_signatures: str = ""
    commit: str = ""
    tag: str = ""
    changelog_sha256: str = ""
    manifest_sha256: str = ""
    artifacts: str = ""
    sbom_sha256: str = ""
    provenance_sha256: str = ""
    rollback_plan: str = ""
    rolled_back_by: str = ""
    yanked_by: str = ""
    review_due: str = ""
    reviewed_by: str = ""
    policy_epoch: str = ""
    policy_sha256: str = ""
    pipeline: str = ""
    pipeline_id: str = ""
    job: str = ""
    tool: str = ""
    event_id: str = ""
    leaf_hash: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """When a change was authorised, and whether in an emergency."""

    at: str
    emergency: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """What later entries say of an entry: (entry, time, outcome) of its end; who undid, reviewed or yanked it."""

    ended: tuple[int, str, str] | None = None
    undone: int | None = None
    review: int | None = None
    yanked: int | None = None


def row_of(
    event: Event,
    leaf_hash: str,
    *,
    start: Start,
    later: Later,
    blob: Callable[[str], bytes],
) -> Row:
    """Make the row of an entry.

    Args:
        event: the entry.
        leaf_hash: its RFC 6962 leaf hash, in hex.
        start: of the change that it is a part of.
        later: what later entries say of it.
        blob: gives evidence by its SHA-256; ReleaseError or TlogError if it cannot.
    """
    problems: list[str] = []
    request = _request(event, blob, problems)
    provenance = next((item.sha256 for item in event.evidence if item.kind == "provenance"), None)
    return Row(
        entry=str(event.index),
        change=str(event.index if event.outcome_of is None else event.outcome_of),
        type="emergency" if start.emergency else "standard",
        action=event.action,
        component=event.component,
        version_from=event.before.version if event.before else "",
        version_to=event.version,
        channel=event.channel or "",
        description=event.reason or (request.reason if request else None) or "",
        artifacts=_artifacts(provenance, blob, problems),
        event_id=event.event_id,
        leaf_hash=leaf_hash,
        problem="; ".join(problems),
        **_course(event, start, later),
        **_approval(event, request),
        **_source(event),
        **_run(event),
    )


def _course(event: Event, start: Start, later: Later) -> dict[str, str]:
    """Say when it happened, how it ended, and what became of it."""
    opens = event.action.endswith(".authorized")
    entry, time, how = later.ended or (None, "", "open")
    return {
        "occurred_at": event.occurred_at,
        "started_at": start.at,
        "ended_at": time if opens else event.occurred_at,
        "outcome": how if opens else outcome(event),
        "outcome_entry": _number(entry),
        "rolled_back_by": _number(later.undone),
        "yanked_by": _number(later.yanked),
        "review_due": event.after.reviews.get(str(event.index), ""),
        "reviewed_by": _number(later.review),
    }


def _approval(event: Event, request: Request | None) -> dict[str, str]:
    """Say who asked for what, who approved it, and by which rules."""
    before = event.before if event.action.endswith(".authorized") else None
    until = f", approved until {request.rollback_until}" if request and request.rollback_until else ""
    return {
        "authors": " ".join(request.authors) if request else "",
        "requested_at": request.not_before if request else "",
        "approvers": "; ".join(f"{approved.principal} ({approved.role})" for approved in event.approvals),
        "approval_request": " ".join(dict.fromkeys(approved.request for approved in event.approvals)),
        "approval_signatures": " ".join(approved.approval for approved in event.approvals),
        "rollback_plan": f"back to {before.version}{until}" if before else "",
        "policy_epoch": str(event.trust.epoch) if event.trust else "",
        "policy_sha256": event.trust.sha256 if event.trust else "",
    }


def _source(event: Event) -> dict[str, str]:
    """Say from which commit and to which bytes."""
    evidence = {item.kind: item.sha256 for item in event.evidence}
    return {
        "commit": event.source.commit if event.source else "",
        "tag": event.source.tag if event.source else "",
        "changelog_sha256": (event.source.changelog if event.source else None) or "",
        "manifest_sha256": event.manifest,
        "sbom_sha256": evidence.get("sbom", ""),
        "provenance_sha256": evidence.get("provenance", ""),
    }


def _run(event: Event) -> dict[str, str]:
    """Say who ran it, where, with what."""
    return {
        "actor": event.pipeline.actor or "",
        "pipeline": event.pipeline.url or "",
        "pipeline_id": event.pipeline.id_ or "",
        "job": event.pipeline.job or "",
        "tool": event.pipeline.tool,
    }


def _request(event: Event, blob: Callable[[str], bytes], problems: list[str]) -> Request | None:
    if not event.approvals:
        return None
    sha256 = event.approvals[0].request
    try:
        asked = read_asked(blob(sha256), name=f"the approved request {sha256}")
    except (ReleaseError, TlogError) as why:
        problems.append(str(why))
        return None
    return asked if isinstance(asked, Request) else None


def _artifacts(sha256: str | None, blob: Callable[[str], bytes], problems: list[str]) -> str:
    """Give each file with its SHA-256, as the provenance names them."""
    if sha256 is None:
        return ""
    try:
        value = document.parse(blob(sha256), limit=LARGEST["provenance"])
        return " ".join(f"{subject['name']}={subject['digest']['sha256']}" for subject in value["subject"])
    except (ReleaseError, TlogError) as why:
        problems.append(str(why))
    except (ValueError, LookupError, TypeError) as why:
        problems.append(f"the provenance {sha256} cannot be read: {type(why).__name__}")
    return ""


def _number(entry: int | None) -> str:
    return "" if entry is None else str(entry)


def outcome(event: Event) -> str:
    """Say how what an entry records ended: the last word of its action."""
    return event.action.rpartition(".")[2]
