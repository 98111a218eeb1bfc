"""The page of an evidence pack: for each thing that auditors ask of a change, what was recorded and where to see it.

The list is what SOC 2 CC8.1 (authorise, design, develop, configure, document, test, approve, implement) and ISO/IEC
27001:2022 A.8.15 (who, what, when, which system) and A.8.32 are commonly sampled by. What the log does not record is
said to be missing, with where it may be found; nothing is filled in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from release.core.approval import NAMESPACE, REVIEW, Request, read_asked
from release.core.entry import Event
from release.core.pack_signers import keygen_time
from release.core.visible import visible
from release.errors import ReleaseError

PAGE: Final = "report.html"
TEMPLATE: Final = "evidence.html.j2"
_NONE: Final = "none among these entries"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the page is made from. `missing` is evidence that is named and is not in the pack: path and digest."""

    origin: str
    component: str
    version: str
    size: int
    root: str
    events: tuple[Event, ...]
    blobs: Mapping[str, bytes]
    files: frozenset[str]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is asked for, and where to look; `absent` is what it means that there are no values."""

    name: str
    control: str
    values: tuple[str, ...]
    where: str
    absent: str = "not recorded"


def page(facts: Facts, template: str) -> str:
    """Render the page; every value is escaped for HTML, and control characters are made visible."""
    # Imported here: most commands render nothing, and it costs 60 ms.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        undefined=StrictUndefined, autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    requests = _requests(facts)
    return environment.from_string(template).render(
        facts=facts,
        fields=list(fields(facts, requests)),
        timeline=list(facts.events),
        signatures=list(_signatures(facts)),
    )


def fields(facts: Facts, requests: Mapping[int, Request]) -> Iterator[Field]:
    """Give everything that is asked for, in the order of the page."""
    yield from _what(facts, requests)
    yield from _who(facts, requests)
    yield from _how(facts)
    yield from _back(facts, requests)


def _what(facts: Facts, requests: Mapping[int, Request]) -> Iterator[Field]:
    events = facts.events
    reasons = [f"entry {e.index}: {e.reason}" for e in events if e.reason]
    reasons += [f"request of entry {index}: {request.reason}" for index, request in requests.items() if request.reason]
    emergencies = [f"emergency: entry {e.index}" for e in events if e.emergency]
    yield Field("Change", "CC8.1", tuple(f"{facts.origin} entry {e.index}: {_deed(e)}" for e in events), "entries/")
    yield Field("Description and reason", "CC8.1", tuple(reasons), "entries/, approvals/, changelog-section.md")
    yield Field("Type", "CC8.1, A.8.32", tuple(emergencies or ["standard"]), "entries/: emergency")
    yield Field("Risk and impact", "CC8.1, A.8.32", (), "not recorded in the log: see the ticket or merge request")
    yield Field("Versions, from and to", "A.8.32", tuple(_moves(events)), "entries/: before, version")
    yield Field("Environment", "A.8.15, A.8.31", tuple(_unique(e.channel for e in events)), "entries/: channel")
    yield Field("Start, end and outcome", "CC8.1, A.8.15", tuple(_spans(events)), "entries/: occurredAt, outcomeOf")


def _who(facts: Facts, requests: Mapping[int, Request]) -> Iterator[Field]:
    events = facts.events
    actors = [f"entry {e.index}: {e.pipeline.actor}" for e in events if e.pipeline.actor]
    jobs = [f"entry {e.index}: {e.pipeline.url} job {e.pipeline.job}" for e in events if e.pipeline.url]
    authors = [f"entry {index}: {' '.join(request.authors)}" for index, request in requests.items() if request.authors]
    approvals = [
        f"entry {e.index}: {approved.principal} ({approved.role}), " + _approved_when(e, requests)
        for e in events
        for approved in e.approvals
    ]
    yield Field("Requester", "CC8.1", (), "not recorded apart from who ran the job: see the ticket or merge request")
    yield Field("Authors", "CC8.1, A.8.32", tuple(authors), "approvals/*/request.json: authors, opaque ids")
    yield Field("Reviewers of the code", "CC8.1", (), "not recorded in the log: see the merge request of the commit")
    yield Field("Approvers, role, time", "CC8.1, A.8.32", tuple(approvals), "approvals/, and who could approve: trust/")
    yield Field("Who deployed", "A.8.15", tuple(actors), "entries/: pipeline.actor, a user id")
    yield Field("Where it ran", "A.8.15", tuple(jobs), "entries/: pipeline")


def _how(facts: Facts) -> Iterator[Field]:
    events = facts.events
    own = [e for e in events if e.version == facts.version]
    sources = [f"{e.source.commit} ({e.source.tag})" for e in own if e.source]
    ended = ("promote.completed", "promote.failed", "rollback.completed", "rollback.failed")
    verified = [f"entry {e.index}: {_deed(e)}" for e in events if e.action in ended]
    evidence = {item.kind: item.sha256 for e in own for item in e.evidence}
    epochs = [f"epoch {e.trust.epoch}, {e.trust.sha256}" for e in events if e.trust]
    yield Field("Commit and tag", "CC8.1, A.8.32", tuple(_unique(sources)), "entries/: source")
    yield Field(
        "Manifest of the files", "A.8.32", _present(facts, "manifest.json", events[0].manifest), "manifest.json"
    )
    yield Field("Bill of materials", "A.8.32", _present(facts, "sbom.cdx.json", evidence.get("sbom")), "sbom.cdx.json")
    yield Field(
        "Provenance of the build",
        "A.8.32",
        _present(facts, "provenance.intoto.json", evidence.get("provenance")),
        "provenance.intoto.json",
    )
    section = next((e.source.changelog for e in own if e.source), None)
    yield Field("Documentation", "CC8.1", _present(facts, "changelog-section.md", section), "changelog-section.md")
    yield Field(
        "Tests and scans before", "CC8.1, A.8.32", (), "not recorded in the log: see the pipeline of the commit"
    )
    yield Field("Tests after: what is served", "CC8.1, A.8.32", tuple(verified), "entries/: outcomes")
    yield Field("Policy in force", "A.8.32", tuple(_unique(epochs)), "trust/")
    yield Field("Tool", "A.8.15", tuple(_unique(e.pipeline.tool for e in events)), "entries/: pipeline.tool")


def _back(facts: Facts, requests: Mapping[int, Request]) -> Iterator[Field]:
    events = facts.events
    plans = [
        f"entry {index}: back to {request.before.version}, approved until {request.rollback_until or 'never'}"
        for index, request in requests.items()
        if request.before and request.version == facts.version
    ]
    executed = [f"entry {e.index}: {_deed(e)}" for e in events if e.action.startswith("rollback.")]
    yanked = [f"entry {e.index}: {_deed(e)}" for e in events if e.action == "version.yanked"]
    due = [
        f"of entry {e.index}, due {e.after.reviews[str(e.index)]}"
        for e in events
        if str(e.index) in e.after.reviews and e.emergency
    ]
    done = [f"entry {e.index} at {e.occurred_at}: {e.reason}" for e in events if e.action == "review.completed"]
    yield Field("Rollback plan", "CC8.1, A.8.32", tuple(plans), "approvals/*/request.json: before, rollbackUntil")
    yield Field("Rollback carried out", "A.8.32", tuple(executed), "entries/", _NONE)
    yield Field("Yanked", "A.8.32", tuple(yanked), "entries/", _NONE)
    yield Field("Review after an emergency", "CC8.1", tuple(due + done), "entries/", _NONE)
    yield Field("Notice to customers", "CC8.1", (), "not recorded in the log")
    yield Field(
        "Protection of these records",
        "A.8.15",
        (f"each entry is proven to be in the log of {facts.size} entries with root {facts.root}",),
        "entries/*.tlog-proof, checkpoint",
    )


def _requests(facts: Facts) -> dict[int, Request]:
    found = {}
    for event in facts.events:
        body = facts.blobs.get(event.approvals[0].request) if event.approvals else None
        if body is not None:
            try:
                asked = read_asked(body, name=f"the request of entry {event.index}")
            except ReleaseError:
                continue
            if isinstance(asked, Request):
                found[event.index] = asked
    return found


def _signatures(facts: Facts) -> Iterator[dict[str, str]]:
    """Give what `ssh-keygen -Y verify` has to be asked for each approval."""
    for event in facts.events:
        for approved in event.approvals:
            folder = f"approvals/{event.index}"
            if {f"{folder}/request.json", f"{folder}/{approved.principal}.sig"} <= facts.files:
                yield {
                    "folder": folder,
                    "principal": approved.principal,
                    "namespace": REVIEW if event.action == "review.completed" else NAMESPACE,
                    "time": keygen_time(event.occurred_at),
                }


def _approved_when(event: Event, requests: Mapping[int, Request]) -> str:
    request = requests.get(event.index)
    asked = f"after {request.not_before} and " if request else ""
    return f"signed {asked}before {event.occurred_at}"


def _moves(events: tuple[Event, ...]) -> Iterator[str]:
    for event in events:
        if event.action.endswith(".authorized"):
            yield f"{event.channel}: {event.before.version if event.before else 'nothing'} to {event.version}"


def _spans(events: tuple[Event, ...]) -> Iterator[str]:
    ends = {event.outcome_of: event for event in events if event.channel and not event.action.startswith("review")}
    for event in events:
        if event.action.endswith(".authorized"):
            end = ends.get(event.index)
            ended = f"{end.action.rpartition('.')[2]} at {end.occurred_at}, entry {end.index}" if end else "still open"
            yield f"entry {event.index} at {event.occurred_at}: {ended}"


def _present(facts: Facts, path: str, sha256: str | None) -> tuple[str, ...]:
    if sha256 is None:
        return ()
    return (f"SHA-256 {sha256}" + ("" if path in facts.files else ": MISSING from this pack"),)


def _deed(event: Event) -> str:
    return " ".join(filter(None, [event.action, event.version, event.channel]))


def _unique(values: Any) -> list[str]:  # noqa: ANN401 - any iterable of text or None
    return list(dict.fromkeys(value for value in values if value))


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) else value
