"""An emergency is reviewed by somebody who may approve and did not approve it, and he signs what came out."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from release.core.approval import NAMESPACE, Approval, Review
from release.core.entry import Event, TrustReference, encode, statement
from release.core.log_finding import Finding
from release.core.logcheck import Verifier
from release.core.logtree import TreeFiles
from release.effects.recorder import Report
from release.effects.trusted import load
from release.errors import ConfigError, RefusedError, ServiceError
from release.stages import record as recording
from release.stages import review as reviewing
from tests.fakes import log_files, people
from tests.fakes.scenario import World, every_fault

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    """The CTO let 1.0.0 go live on v1 alone."""
    made = World()
    made.trust()
    made.release("1.0.0")
    made.approved("v1", "1.0.0", "cto", emergency=True, reason="checkout is down")
    made.finish("v1")
    return made


def emergency(world: World) -> int:
    return next(event.index for event in world.events() if event.emergency)


def ask(world: World, **changes: object) -> Review:
    asked = reviewing.ask(world.config, world.slots(), world.view(), emergency(world), "it was right")
    return dataclasses.replace(asked, **changes)  # type: ignore[arg-type]  # any field


def record(world: World, *given: Approval) -> Report:
    recorder = dataclasses.replace(world.recorder(), approvals=given)
    return recording.review(recorder, emergency(world), dry_run=False)


def test_a_review_is_recorded_with_who_signed_it_and_what_came_out(world: World) -> None:
    event = world.review(emergency(world)).event
    assert [(a.principal, a.role) for a in event.approvals] == [("lead", "lead")]
    assert (event.reason, event.outcome_of, event.trust and event.trust.epoch) == ("it was right", emergency(world), 0)
    assert event.after.reviews == {}
    assert verify(world) == []


def test_a_dry_run_records_nothing(world: World) -> None:
    before = world.log.bodies()
    assert world.review(emergency(world), dry_run=True).event.action == "review.completed"
    assert world.log.bodies() == before


WRONG: dict[str, tuple[Callable[[World], Approval], str]] = {
    "nobody": (lambda w: dataclasses.replace(people.reviewed(ask(w)), signatures=()), "nobody signed it"),
    "who approved it": (lambda w: people.reviewed(ask(w), by=("cto",)), "cto approved it: one person cannot do both"),
    "both": (lambda w: people.reviewed(ask(w), by=("cto", "lead")), "cto approved it"),
    "somebody who may not approve": (lambda w: people.reviewed(ask(w), by=("dev",)), "dev .developer. may not approve"),
    "a stranger": (lambda w: people.reviewed(ask(w), by=("mallory",)), "no approver's key"),
    "of another entry": (lambda w: people.reviewed(ask(w, entry=0)), "nobody signed a review of entry 2"),
    "of another log's entry": (lambda w: people.reviewed(ask(w, leaf_hash="f" * 64)), "nobody signed a review"),
    "without a finding": (lambda w: people.reviewed(ask(w, finding=" ")), "it has no finding"),
    "signed as an approval": (lambda w: people.reviewed(ask(w), namespace=NAMESPACE), "is for .release-approval."),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_review_that_does_not_count_records_nothing(world: World, case: str) -> None:
    make, why = WRONG[case]
    given, before = make(world), world.log.bodies()
    with pytest.raises(RefusedError, match=why):
        record(world, given)
    assert world.log.bodies() == before


def test_a_review_is_no_approval_and_an_approval_no_review(world: World) -> None:
    review = people.reviewed(ask(world), by=("lead",))
    world.release("1.1.0")
    approval = people.approval(world.ask("v1", "1.1.0"), by=("lead",))
    with pytest.raises(RefusedError, match="needs an approval, and none was given"):
        world.authorize("v1", "1.1.0", approvals=[review])
    with pytest.raises(RefusedError, match="nobody signed a review"):
        record(world, approval)
    assert record(world, approval, review).new
    assert world.authorize("v1", "1.1.0", approvals=[review, approval]).new


def test_only_what_awaits_a_review_is_reviewed_and_only_with_a_finding(world: World) -> None:
    index = emergency(world)
    for number, finding, error, why in (
        (index - 1, "fine", RefusedError, "awaits no review"),
        (index, " ", ConfigError, "a review needs a finding"),
    ):
        with pytest.raises(error, match=why):
            world.review(number, finding=finding)
    late = people.reviewed(ask(world))
    world.review(index)
    with pytest.raises(RefusedError, match="awaits no review"):
        world.review(index)
    assert not record(world, late).new, "the same one is there already"
    world.release("1.1.0")
    with pytest.raises(RefusedError, match="awaits no review"):
        record(world, late)


def test_a_reviewer_sees_the_entry_and_is_told_before_he_hands_on_what_would_not_count(world: World) -> None:
    asked = people.reviewed(ask(world))
    trusted = load(world.config, world.slots())
    looked = reviewing.look(trusted, asked, ask(world))
    shown = "\n".join(reviewing.lines(looked))
    for fact in ("an emergency: promote.authorized of 1.0.0 on v1", "cto (CTO) alone", "checkout is down", "due until"):
        assert fact in shown
    with pytest.raises(RefusedError, match="another entry"):
        reviewing.look(trusted, asked, ask(world, leaf_hash="f" * 64))
    (signature,) = asked.signatures
    assert reviewing.signer(trusted, looked, asked, signature, at=people.NOW) == "lead (lead)"
    for who, why in (("cto", "cto approved it"), ("dev", "may not approve"), ("mallory", "no approver's key")):
        (signature,) = people.reviewed(ask(world), by=(who,)).signatures
        with pytest.raises(RefusedError, match=why):
            reviewing.signer(trusted, looked, asked, signature, at=people.NOW)


def test_recording_a_review_converges_whichever_request_broke(world: World) -> None:
    struck = 0
    for fault in every_fault():
        twin = world.twin()
        review = people.reviewed(ask(twin))
        twin.log.break_at(fault)
        try:
            record(twin, review)
        except ServiceError:
            struck += 1
        else:
            break
        if twin.slots().tail().state.reviews:
            record(twin, review)
        assert [event.action for event in twin.events()].count("review.completed") == 1
    assert struck >= 4


# For an auditor


def test_a_review_that_is_forged_is_found(world: World) -> None:
    """Whoever has the record key and the log key writes a review that nobody signed, or not this."""
    world.review(emergency(world))
    *_, last = world.events()
    mine = tuple(dataclasses.replace(a, principal="dev", role="developer") for a in last.approvals)
    for changes, why in (
        ({"approvals": ()}, "a review that nobody signed"),
        ({"reason": "all was well"}, "something else about its review than the evidence"),
        ({"approvals": mine}, "something else about its review than the evidence"),
        ({"trust": TrustReference(epoch=1, sha256="f" * 64)}, "not in the log bucket"),
    ):
        forged = dataclasses.replace(last, **changes)
        findings = verify(world, forged)
        assert [finding.index for finding in findings] == [last.index], changes
        assert why in findings[0].message


def verify(world: World, last: Event | None = None) -> list[Finding]:
    root = world.config.log_layout.prefix
    rest = {key.removeprefix(root): body for key, body in world.log.bodies().items() if "/seq/" not in key}
    bodies = log_files.entries(world)
    if last is not None:
        bodies[-1] = encode(statement(last), world.signer.sign)
    found = log_files.files(bodies) | {path: body for path, body in rest.items() if path.startswith(("evi", "tru"))}
    verifier = Verifier(
        files=TreeFiles(lambda path, _: found.get(path)),
        policy=log_files.policy(),
        trust=world.config.approvals.trust,
        now=NOW,
    )
    return [finding for finding in verifier.run() if finding.kind == "approval"]
