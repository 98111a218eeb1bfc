"""Whether an approval permits a step."""

import dataclasses

import pytest

from release.core.approval import Approval, Before, Request, merge, read_approval
from release.core.document import encode
from release.core.entry import ChannelState
from release.core.epochs import Known
from release.core.permission import Grant, Step, judge
from release.core.trust import ApproverKey, Emergency, Threshold
from release.errors import FormatError, RefusedError
from tests.fakes import people
from tests.fakes.people import approval, key, request, step, terms, trust
from tests.fakes.ssh import SshKey


def refused(given: Approval | None = None, wanted: Step | None = None, *, known: Known | None = None, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        judge(known or people.known(), given or approval(), wanted or step())


def granted(given: Approval | None = None, wanted: Step | None = None, *, known: Known | None = None) -> Grant:
    return judge(known or people.known(), given or approval(), wanted or step())


def test_the_approval_of_one_who_may_permits_the_step_and_says_who_it_was() -> None:
    given = approval()
    grant = granted(given)
    (one,) = grant.approvals
    assert (one.principal, one.role) == ("cto", "CTO")
    assert grant.evidence[one.request].decode() == given.request
    assert grant.evidence[one.approval].decode() == given.signatures[0]
    assert (grant.trust.epoch, grant.trust.sha256) == (0, people.known().sha256)
    assert (grant.serves, grant.emergency) == (request().before, False)


def test_a_channel_with_a_higher_threshold_needs_more_people() -> None:
    wanted, asked = step(channel="latest"), request(channel="latest")
    refused(approval(asked), wanted, why="1 of the 2 approvals by CTO or lead")
    assert [a.principal for a in granted(approval(asked, by=("lead", "cto")), wanted).approvals] == ["cto", "lead"]


def test_two_keys_of_one_person_are_one_person() -> None:
    cto = people.approver("cto", "CTO", *(ApproverKey(key=key(name).line) for name in ("cto", "cto/2")))
    epoch = people.known(trust(terms=terms(approvers=(cto, people.approver("lead", "lead")))))
    both = approval(request(channel="latest"), by=("cto", "cto/2"))
    refused(both, step(channel="latest"), known=epoch, why="1 of the 2 approvals")


def test_a_role_that_does_not_approve_does_not_count() -> None:
    refused(approval(by=("dev",)), step(actor="u:ci", authors=frozenset()), why="0 of the 1 approvals by CTO or lead")


def test_a_channel_of_which_nothing_is_said_takes_nothing() -> None:
    epoch = people.known(trust(terms=terms(thresholds=(Threshold(channels="latest", approvals=1, roles=("CTO",)),))))
    refused(known=epoch, why="does not say who approves for channel v1")


def test_a_stranger_does_not_approve() -> None:
    refused(approval(by=("mallory",)), why="no approver's key in trust epoch 0")
    refused(approval(by=("cto", "mallory")), why="no approver's key")


def test_no_signature_at_all_is_no_approval() -> None:
    refused(approval(by=()), why="0 of the 1 approvals")


def test_a_request_that_was_altered_after_it_was_signed_is_refused() -> None:
    other = encode(request(expires="2029-01-01T00:00:00Z")).decode()
    refused(dataclasses.replace(approval(), request=other), why="is wrong")


OTHER: dict[str, tuple[Request, str]] = {
    "log": (request(origin="log.example.com/other"), "for origin log.example.com/other"),
    "library": (request(component="other"), "for component other"),
    "channel": (request(channel="latest"), "for channel latest"),
    "version": (request(version="1.4.3"), "for promote of 1.4.3"),
    "manifest": (request(manifest="7" * 64), "for promote of 1.4.2"),
    "commit": (request(source=None), "another commit or tag"),
    "direction": (request(action="rollback"), "for rollback of 1.4.2"),
    "start": (request(before=None), "stale: it starts from nothing, the channel serves 1.4.1 at pointer version 4"),
}


@pytest.mark.parametrize("what", OTHER)
def test_an_approval_of_another_step_is_refused(what: str) -> None:
    asked, why = OTHER[what]
    refused(approval(asked, by=("cto", "lead")), why=why)


def test_an_approval_permits_one_step_once() -> None:
    """Going to 1.4.2, back to 1.4.1, and to 1.4.2 again needs a new approval: the pointer has moved on."""
    again = dataclasses.replace(people.SERVES, pointer_version=6)
    granted()
    refused(wanted=step(serves=again), why="stale: it starts from 1.4.1 at pointer version 4")


def test_an_approval_is_valid_for_its_time_only() -> None:
    refused(wanted=step(at="2026-11-24T10:59:59Z"), why="valid from")
    refused(wanted=step(at="2026-11-25T11:00:01Z"), why="valid from 2026-11-24T11:00:00Z to 2026-11-25T11:00:00Z")


def test_an_epoch_that_is_over_permits_nothing() -> None:
    epoch = people.known(trust(expires="2026-11-24T12:00:00Z"))
    refused(known=epoch, why="was in force from 2026-11-01T00:00:00Z to 2026-11-24T12:00:00Z")


@pytest.mark.parametrize("validity", [{"valid_before": people.NOW}, {"valid_after": "2026-11-24T12:00:01Z"}])
def test_a_key_counts_while_it_is_valid(validity: dict[str, str]) -> None:
    own = ApproverKey(key=key("cto").line, **validity)
    approvers = (people.approver("cto", "CTO", own), people.approver("lead", "lead"))
    refused(known=people.known(trust(terms=terms(approvers=approvers))), why="of cto is valid from")


def test_keys_are_changed_by_a_new_epoch_and_the_old_one_no_longer_counts() -> None:
    first = people.known()
    new = people.approver("cto", "CTO", ApproverKey(key=key("cto/2").line))
    second = people.known(trust(first, terms=terms(approvers=(new, people.approver("lead", "lead")))), before=first)
    granted(approval(by=("cto",)), known=first)
    refused(approval(by=("cto",)), known=second, why="no approver's key in trust epoch 1")
    granted(approval(by=("cto/2",)), known=second)


def test_a_revoked_key_does_not_count() -> None:
    approvers = (
        people.approver("cto", "CTO", *(ApproverKey(key=key(name).line) for name in ("cto", "cto/2"))),
        people.approver("lead", "lead"),
    )
    revoked = terms(approvers=approvers, revoked=(key("cto").public.fingerprint,))
    refused(known=people.known(trust(terms=revoked)), why="of cto is revoked")
    granted(approval(by=("cto/2",)), known=people.known(trust(terms=revoked)))


def test_nobody_approves_what_he_wrote_or_runs() -> None:
    mine = people.approver("cto", "CTO").authors[0]
    refused(wanted=step(actor="u:cto"), why="cto approves and runs it")
    refused(approval(request(authors=(mine,))), why="cto approves and wrote some of it")
    refused(wanted=step(authors=frozenset({mine})), why="cto approves and wrote some of it")
    refused(wanted=step(actor=None), why="no pipeline says who runs this")
    alone = people.known(trust(terms=terms(separation=False)))
    granted(approval(request(authors=(mine,))), step(actor="u:cto"), known=alone)
    granted(wanted=step(actor=None), known=alone)


def test_in_an_emergency_one_person_is_enough_and_a_review_is_due() -> None:
    wanted, asked = step(channel="latest"), request(channel="latest", emergency=True, reason="checkout is down")
    grant = granted(approval(asked), wanted)
    assert (grant.emergency, grant.review_hours) == (True, 48)
    refused(approval(asked, by=("lead",)), wanted, why="an emergency needs the approval of CTO")
    refused(approval(dataclasses.replace(asked, reason=" ")), wanted, why="an emergency needs a reason")
    refused(approval(asked), dataclasses.replace(wanted, actor="u:cto"), why="approves and runs it")
    never = people.known(trust(terms=terms(emergency=None)))
    refused(approval(asked), wanted, known=never, why="knows no emergencies")


def test_the_hours_until_the_review_are_the_epochs() -> None:
    epoch = people.known(trust(terms=terms(emergency=Emergency(roles=("lead",), review_hours=4))))
    assert granted(approval(request(emergency=True, reason="r"), by=("lead",)), known=epoch).review_hours == 4


AFTER = ChannelState(version="1.4.2", manifest=request().manifest, pointer_version=5, entry=8, outcome="completed")
BACK = step(action="rollback", version="1.4.1", manifest="8" * 64, source=None, serves=AFTER, at="2026-11-27T03:00:00Z")
BOTH = request(rollback_until="2026-12-01T00:00:00Z")


def test_the_way_back_can_be_approved_with_the_release_and_even_its_author_may_take_it() -> None:
    assert granted(approval(BOTH), BACK).approvals[0].principal == "cto"
    granted(approval(BOTH), dataclasses.replace(BACK, actor="u:cto"))
    granted(approval(BOTH), dataclasses.replace(BACK, actor=None))


def test_the_way_back_leads_to_where_it_came_from_once_and_in_time() -> None:
    later = dataclasses.replace(AFTER, version="1.4.3", pointer_version=6)
    back_again = dataclasses.replace(AFTER, pointer_version=7)
    for wanted, why in (
        (dataclasses.replace(BACK, version="1.4.0", manifest="6" * 64), "the way back to 1.4.1 only"),
        (dataclasses.replace(BACK, manifest="6" * 64), "the way back to 1.4.1 only"),
        (dataclasses.replace(BACK, serves=later), "the way back from 1.4.2 only"),
        (dataclasses.replace(BACK, serves=back_again), "the way back from 1.4.2 only, once"),
        (dataclasses.replace(BACK, serves=None), "the way back from 1.4.2 only"),
        (dataclasses.replace(BACK, at="2026-12-01T00:00:01Z"), "approved until 2026-12-01T00:00:00Z"),
        (dataclasses.replace(BACK, channel="latest"), "for channel v1"),
    ):
        refused(approval(BOTH), wanted, why=why)
    refused(approval(request()), BACK, why="approves no way back")
    first = request(before=None, rollback_until="2026-12-01T00:00:00Z")
    refused(approval(first), BACK, why="approves no way back")


def test_a_rollback_can_be_approved_on_its_own() -> None:
    asked = request(
        action="rollback",
        version="1.4.1",
        manifest="8" * 64,
        source=None,
        before=Before(version="1.4.2", manifest=request().manifest, pointer_version=5),
        expires="2026-11-28T00:00:00Z",
    )
    granted(approval(asked), BACK)
    refused(approval(asked), step(), why="for rollback of 1.4.1")


def test_two_approvals_of_one_request_are_put_together() -> None:
    asked = request(channel="latest")
    both = merge(approval(asked), approval(asked, by=("cto", "lead")))
    assert len(both.signatures) == 2
    granted(both, step(channel="latest"))
    with pytest.raises(FormatError, match="different requests"):
        merge(approval(asked), approval(request()))


def test_an_approval_is_read_strictly() -> None:
    body = encode(approval())
    assert read_approval(body, name="it") == (approval(), request())
    spaced = dataclasses.replace(approval(), request=approval().request + " ")
    for bad in (body + b"\n", body[:-1], encode(spaced), b"{}", b"[" * 100_000):
        with pytest.raises(FormatError):
            read_approval(bad, name="it")


def test_a_key_on_a_security_token_approves() -> None:
    token = SshKey("cto", "sk-ssh-ed25519@openssh.com")
    own = people.approver("cto", "CTO", ApproverKey(key=token.line))
    epoch = people.known(trust(terms=terms(approvers=(own, people.approver("lead", "lead")))))
    granted(approval(by=(token,)), known=epoch)
