"""Approvals from the request to what customers get: nothing goes live that was not approved."""

import dataclasses
import hashlib
from datetime import timedelta

import pytest

from release.core.approval import Seen, stamp
from release.core.config import ApprovalsSection
from release.core.document import encode
from release.core.succession import Intent
from release.core.trust import ApproverKey
from release.effects.growth import append
from release.effects.trusted import load
from release.errors import ConfigError, LogError, NotFoundError, RefusedError, SourceError
from release.stages import approve as approving
from tests.fakes import examples, people
from tests.fakes.scenario import World


@pytest.fixture
def world() -> World:
    """1.0.0 is served by latest and v1, approved; 1.1.0 is published."""
    made = World()
    made.trust()
    made.release("1.0.0")
    for channel in ("latest", "v1"):
        made.approved(channel, "1.0.0", "cto", "lead")
        made.finish(channel)
    made.release("1.1.0")
    return made


def serves(world: World, channel: str = "latest") -> str | None:
    pointer = world.pointer(channel)
    return pointer.version if pointer else None


def test_an_approved_release_goes_live_and_the_log_keeps_who_approved_it(world: World) -> None:
    event = world.approved("latest", "1.1.0", "cto", "lead").event
    world.finish("latest")
    assert serves(world) == "1.1.0"
    assert [(a.principal, a.role) for a in event.approvals] == [("cto", "CTO"), ("lead", "lead")]
    kept = world.log.bodies()
    for approved in event.approvals:
        for sha256 in (approved.request, approved.approval):
            assert hashlib.sha256(kept[world.config.log_layout.evidence(sha256)]).hexdigest() == sha256


def test_without_an_approval_nothing_is_recorded(world: World) -> None:
    before = world.log.bodies()
    with pytest.raises(RefusedError, match=r"promote of 1\.1\.0 on latest needs an approval") as caught:
        world.authorize("latest", "1.1.0")
    assert "release request latest 1.1.0" in caught.value.hint
    assert world.log.bodies() == before


def test_too_few_approvals_record_nothing(world: World) -> None:
    before = world.log.bodies()
    with pytest.raises(RefusedError, match="1 of the 2 approvals"):
        world.approved("latest", "1.1.0", "cto")
    assert world.log.bodies() == before
    world.approved("v1", "1.1.0", "cto")


def test_the_job_can_be_run_again_with_and_without_the_approval(world: World) -> None:
    approval = people.approval(world.ask("latest", "1.1.0"), by=("cto", "lead"))
    first = world.authorize("latest", "1.1.0", approvals=[approval])
    again = world.authorize("latest", "1.1.0", approvals=[approval])
    assert (first.new, again.new, again.event) == (True, False, first.event)
    assert world.authorize("latest", "1.1.0").event == first.event
    world.finish("latest")
    assert world.authorize("latest", "1.1.0", approvals=[approval]).event == first.event


def test_two_people_may_sign_apart_and_an_older_request_is_in_nobodys_way(world: World) -> None:
    old = people.approval(world.ask("latest", "1.1.0", hours=1), by=("cto", "lead"))
    world.clock.sleep(3601)
    asked = world.ask("latest", "1.1.0")
    given = [old, people.approval(asked, by=("cto",)), people.approval(asked, by=("lead",))]
    first = world.authorize("latest", "1.1.0", approvals=given)
    assert [a.principal for a in first.event.approvals] == ["cto", "lead"]
    assert world.authorize("latest", "1.1.0", approvals=given).event == first.event


def test_an_approval_cannot_be_used_again_after_the_way_back(world: World) -> None:
    approval = people.approval(world.ask("latest", "1.1.0"), by=("cto", "lead"))
    world.authorize("latest", "1.1.0", approvals=[approval])
    world.finish("latest")
    world.go_back("latest", "1.0.0")
    with pytest.raises(RefusedError, match="stale"):
        world.authorize("latest", "1.1.0", approvals=[approval])


def test_an_approval_is_stale_when_another_release_came_first(world: World) -> None:
    late = people.approval(world.ask("latest", "1.1.0"), by=("cto", "lead"))
    world.release("1.2.0")
    world.approved("latest", "1.2.0", "cto", "lead")
    world.go_back("latest", "1.0.0")
    with pytest.raises(RefusedError, match="stale"):
        world.authorize("latest", "1.1.0", approvals=[late])


def test_an_approval_for_one_channel_is_none_for_another(world: World) -> None:
    approval = people.approval(world.ask("latest", "1.1.0"), by=("cto", "lead"))
    with pytest.raises(RefusedError, match="needs an approval"):
        world.authorize("v1", "1.1.0", approvals=[approval])


def test_a_late_approval_is_refused(world: World) -> None:
    approval = people.approval(world.ask("latest", "1.1.0", hours=1), by=("cto", "lead"))
    world.clock.sleep(3601)
    with pytest.raises(RefusedError, match="valid from"):
        world.authorize("latest", "1.1.0", approvals=[approval])


def test_who_wrote_it_cannot_approve_it_whatever_the_request_says(world: World) -> None:
    world.repository.commit("fix: quick", by="cto@example.com")
    world.release("1.2.0")
    asked = world.ask("v1", "1.2.0")
    assert people.approver("cto", "CTO").authors[0] in asked.authors
    with pytest.raises(RefusedError, match="cto approves and wrote some of it"):
        world.authorize("v1", "1.2.0", approvals=[people.approval(asked)])
    forged = dataclasses.replace(asked, authors=())
    with pytest.raises(RefusedError, match="cto approves and wrote some of it"):
        world.authorize("v1", "1.2.0", approvals=[people.approval(forged)])
    world.authorize("v1", "1.2.0", approvals=[people.approval(asked, by=("lead",))])


def test_a_second_author_is_an_author(world: World) -> None:
    world.repository.commit("fix: in a pair\n\nCo-authored-by: The CTO <CTO@example.com>\n")
    world.release("1.2.0")
    with pytest.raises(RefusedError, match="cto approves and wrote some of it"):
        world.approved("v1", "1.2.0", "cto")


def test_who_runs_the_pipeline_cannot_approve(world: World) -> None:
    with pytest.raises(RefusedError, match="cto approves and runs it"):
        world.approved("v1", "1.1.0", "cto", actor="u:cto")


def test_only_a_whole_clone_tells_who_wrote_it(world: World) -> None:
    approval = people.approval(world.ask("v1", "1.1.0"))
    world.repository.shallow = True
    with pytest.raises(SourceError, match="shallow"):
        world.authorize("v1", "1.1.0", approvals=[approval])


def test_a_new_channel_is_held_against_what_another_one_serves(world: World) -> None:
    """Who wrote the first version may approve what is the first release to a new channel only."""
    world.repository.commit("fix: mine", by="cto@example.com")
    world.release("1.2.0")
    world.approved("v1", "1.2.0", "lead")
    world.release("1.3.0")
    assert world.ask("v1.3", "1.3.0").authors == people.approver("dev", "developer").authors


def test_the_way_back_is_approved_with_the_release(world: World) -> None:
    world.approved("latest", "1.1.0", "cto", "lead")
    world.finish("latest")
    world.clock.sleep(3 * 24 * 3600)
    back = world.roll_back("latest").event
    world.finish("latest")
    assert serves(world) == "1.0.0"
    assert [a.principal for a in back.approvals] == ["cto", "lead"]
    world.release("0.9.0")
    with pytest.raises(RefusedError, match="the way back"):
        world.roll_back("latest", "0.9.0")


def test_the_way_back_is_approved_for_some_days_only(world: World) -> None:
    world.approved("latest", "1.1.0", "cto", "lead", rollback_days=1)
    world.finish("latest")
    world.clock.sleep(24 * 3600 + 1)
    with pytest.raises(RefusedError, match="its way back is approved until"):
        world.roll_back("latest")
    asked = world.ask("latest", "1.0.0", action="rollback", reason="r")
    assert asked.authors == ()
    world.roll_back("latest", approvals=[people.approval(asked, by=("cto", "lead"))])
    world.finish("latest")
    assert serves(world) == "1.0.0"


def test_an_emergency_is_marked_and_reviewed(world: World) -> None:
    event = world.approved("latest", "1.1.0", "cto", emergency=True, reason="checkout is down").event
    world.finish("latest")
    assert event.emergency
    tail = world.slots().tail()
    assert tail.state.reviews == {str(event.index): stamp(world.clock.now() + timedelta(hours=48))}
    report = world.review(event.index)
    assert (report.event.action, report.event.outcome_of) == ("review.completed", event.index)
    assert world.slots().tail().state.reviews == {}


# Promote checks again, with its own key, from the log bucket alone.


def test_promote_refuses_what_the_record_key_authorised_alone(world: World) -> None:
    """Somebody with the record key leaves the approval out."""
    manifest = next(event.manifest for event in world.events() if event.version == "1.1.0")
    alone = Intent(action="promote.authorized", version="1.1.0", manifest=manifest, channel="latest", asked=True)
    append(world.slots(), world.tree(), world.recorder().log, alone, clock=world.clock)
    with pytest.raises(RefusedError, match="was authorised without an approval"):
        world.promote("latest")
    assert serves(world) == "1.0.0"
    world.approved("latest", "1.1.0", "cto", "lead")
    world.finish("latest")
    assert serves(world) == "1.1.0"


def test_promote_refuses_an_approval_whose_evidence_is_another(world: World) -> None:
    event = world.approved("latest", "1.1.0", "cto", "lead").event
    key = world.config.log_layout.evidence(event.approvals[0].approval)
    world.log.put(key, world.log.bodies()[world.config.log_layout.evidence(event.approvals[1].approval)])
    with pytest.raises(LogError, match="holds other bytes than its name says"):
        world.promote("latest")
    world.log.remove(key)
    with pytest.raises(LogError, match="is missing"):
        world.promote("latest")


def test_promote_refuses_an_entry_that_says_more_than_was_approved(world: World) -> None:
    """Somebody with the record key takes the approvals of one entry for another."""
    earlier = world.approved("v1", "1.1.0", "cto").event
    world.finish("v1")
    real = world.approved("latest", "1.1.0", "cto", "lead").event
    forged = dataclasses.replace(real, approvals=earlier.approvals)
    world.log.put(world.config.log_layout.slot(real.index), examples.sealed(forged))
    with pytest.raises(RefusedError, match="it is for channel v1"):
        world.promote("latest")


def test_promote_refuses_a_key_that_was_revoked_since(world: World) -> None:
    world.approved("latest", "1.1.0", "cto", "lead")
    new = ApproverKey(key=people.key("cto/2").line)
    approvers = (people.approver("cto", "CTO", new), people.approver("lead", "lead"))
    revoked = people.terms(approvers=approvers, revoked=(people.key("cto").public.fingerprint,))
    world.trust(people.trust(world.known, terms=revoked))
    with pytest.raises(RefusedError, match="of cto is revoked"):
        world.promote("latest")
    approval = people.approval(world.ask("latest", "1.1.0"), by=("cto/2", "lead"))
    world.authorize("latest", "1.1.0", approvals=[approval])
    world.finish("latest")
    assert serves(world) == "1.1.0"


def test_promote_goes_on_with_what_was_approved_before_the_approvers_changed(world: World) -> None:
    world.approved("latest", "1.1.0", "cto", "lead")
    others = people.terms(approvers=tuple(people.approver(name, "lead") for name in ("eve", "fay")))
    others = dataclasses.replace(others, emergency=None)
    world.trust(people.trust(world.known, terms=others))
    world.finish("latest")
    assert serves(world) == "1.1.0"


# The trust itself.


def test_approvals_are_required_unless_release_toml_says_otherwise() -> None:
    world = World()
    world.config = dataclasses.replace(world.config, approvals=ApprovalsSection())
    world.release("1.0.0")
    with pytest.raises(RefusedError, match="nothing says whose"):
        world.authorize("latest", "1.0.0")


def test_a_trust_epoch_is_followed_whatever_release_toml_says(world: World) -> None:
    off = ApprovalsSection(required=False, trust=world.config.approvals.trust)
    world.config = dataclasses.replace(world.config, approvals=off)
    with pytest.raises(RefusedError, match="needs an approval"):
        world.authorize("latest", "1.1.0")
    world.config = dataclasses.replace(world.config, approvals=ApprovalsSection(required=False))
    with pytest.raises(RefusedError, match="does not pin the first one") as caught:
        world.authorize("latest", "1.1.0")
    assert world.known
    assert caught.value.evidence == {"sha256": world.known.sha256}


def test_a_trust_of_somebody_elses_is_refused(world: World) -> None:
    mallory = people.terms(
        trust_keys=people.terms().trust_keys[:1], threshold=1, approvers=(people.approver("mallory", "CTO"),)
    )
    mallory = dataclasses.replace(mallory, thresholds=people.terms().thresholds[:1])
    world.log.put(world.config.log_layout.epoch(0), people.signed(people.trust(terms=mallory), "ann"))
    with pytest.raises(LogError, match="not the one that"):
        world.authorize("latest", "1.1.0")


def test_a_forged_next_epoch_is_refused(world: World) -> None:
    forged = people.trust(world.known, terms=people.terms(separation=False))
    world.log.put(world.config.log_layout.epoch(1), people.signed(forged, "ann"))
    with pytest.raises(LogError, match=r"trust/1\.json is signed by 1 of the 2"):
        world.approved("latest", "1.1.0", "cto", "lead")


def test_a_trust_that_is_gone_is_not_taken_for_none(world: World) -> None:
    world.log.remove(world.config.log_layout.epoch(0))
    with pytest.raises(LogError, match="pins a trust epoch, and the log bucket has none"):
        world.authorize("latest", "1.1.0")


# What is asked for, and what a person is shown.


def test_a_request_says_the_exact_step_and_what_was_last_seen_of_the_log(world: World) -> None:
    request, view = world.ask("latest", "1.1.0"), world.view()
    head = view.head().checkpoint
    assert request.seen == Seen(size=world.slots().tail().size, root=head.root.hex())
    assert request.before
    assert (request.before.version, request.before.pointer_version) == ("1.0.0", 1)
    assert (request.source, request.manifest) == (world.slots().published("1.1.0").source, request.manifest)  # type: ignore[union-attr]  # it was published


def test_what_the_rules_forbid_is_not_asked_for(world: World) -> None:
    with pytest.raises(RefusedError, match="does not take version"):
        world.ask("next", "1.1.0")
    with pytest.raises(NotFoundError, match=r"that version 9\.9\.9 was published"):
        world.ask("latest", "9.9.9")
    with pytest.raises(ConfigError, match="an emergency needs a reason"):
        world.ask("latest", "1.1.0", emergency=True)


def test_a_person_sees_every_file_that_changes_the_commits_and_the_changelog(world: World) -> None:
    shown = world.difference(world.ask("latest", "1.1.0"))
    assert [(f.path, f.before_sha256 is None, f.after_sha256 is None) for f in shown.files] == [
        ("chunks/own-1.0.0.js", False, True),
        ("chunks/own-1.1.0.js", True, False),
        ("tag.esm.min.js", False, False),
        ("tag.min.js", False, False),
    ]
    assert all(f.integrity for f in shown.files[1:])
    assert shown.unchanged == 1
    assert [line.partition(" ")[2] for line in shown.commits] == ["feat: 1.1.0"]
    assert shown.changelog == ("## [1.1.0] - 2026-11-24", "", "- a feature")
    assert [a.principal for a in shown.serving_approved_by] == ["cto", "lead"]


def test_a_person_is_not_shown_a_request_that_is_not_the_truth(world: World) -> None:
    asked = world.ask("latest", "1.1.0")
    for request, why in (
        (dataclasses.replace(asked, origin="log.example.com/other"), "release.toml for another"),
        (dataclasses.replace(asked, manifest="0" * 64), "another 1.1.0 than the log says"),
        (dataclasses.replace(asked, before=None), "is stale"),
        (dataclasses.replace(asked, authors=()), "names 0 authors of 1.1.0, the history 1"),
    ):
        with pytest.raises(RefusedError, match=why):
            world.difference(request)


def test_a_signature_by_a_stranger_is_said_so_before_it_is_handed_on(world: World) -> None:
    approval = people.approval(world.ask("latest", "1.1.0"), by=("mallory",))
    trusted = load(world.config, world.slots())
    with pytest.raises(RefusedError, match="no approver's key in trust epoch 0"):
        approving.signer(trusted, approval, approval.signatures[0])
    good = people.approval(world.ask("latest", "1.1.0"))
    assert approving.signer(trusted, good, good.signatures[0])[1] == "cto (CTO)"
    other = dataclasses.replace(good, request=encode(world.ask("v1", "1.1.0")).decode())
    with pytest.raises(RefusedError, match="is not taken"):
        approving.signer(trusted, other, good.signatures[0])
