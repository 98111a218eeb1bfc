"""What an auditor learns about approvals from the files of a log and the digest of the first trust epoch."""

import dataclasses
from datetime import UTC, datetime

import pytest

from release.core.entry import Event
from release.core.log_finding import Finding
from release.core.logcheck import Verifier
from release.core.logtree import TreeFiles
from release.core.tlog.merkle import Frontier, leaf_hash
from release.stages import record as recording
from tests.fakes import examples, log_files, people
from tests.fakes.scenario import World

Files = dict[str, bytes]
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    """Released before there was any trust, then with approvals, in an emergency, back, and under a second epoch."""
    made = World()
    made.release("1.0.0", "v1")
    made.clock.sleep(3600)
    made.trust(people.trust(issued="2026-11-24T00:30:00Z"))
    recording.trust(made.recorder(), dry_run=False)
    made.release("1.1.0")
    made.approved("v1", "1.1.0", "cto", emergency=True, reason="checkout is down")
    made.finish("v1")
    made.go_back("v1", "1.0.0")
    made.trust(people.trust(made.known))
    recording.trust(made.recorder(), dry_run=False)
    made.release("1.2.0")
    made.approved("latest", "1.2.0", "cto", "lead")
    made.finish("latest")
    return made


def files(world: World, bodies: list[bytes] | None = None) -> Files:
    root = world.config.log_layout.prefix
    held = {key.removeprefix(root): body for key, body in world.log.bodies().items()}
    rest = {path: body for path, body in held.items() if path.startswith(("evidence/", "trust/"))}
    return log_files.files(bodies or log_files.entries(world)) | rest


def verify(found: Files, *, trust: str | None, now: datetime | None = None, kind: str = "approval") -> list[Finding]:
    verifier = Verifier(
        files=TreeFiles(lambda path, _: found.get(path)), policy=log_files.policy(), trust=trust, now=now
    )
    return [finding for finding in verifier.run() if finding.kind == kind]


@pytest.fixture(scope="module")
def first(world: World) -> str:
    """The digest that the auditor knows."""
    return world.config.approvals.trust or ""


def test_a_log_whose_releases_were_approved_has_no_findings(world: World, first: str) -> None:
    assert verify(files(world), trust=first) == []
    assert [event.trust and event.trust.epoch for event in world.events() if event.action.endswith(".authorized")] == [
        *(None, 0, 0, 1)
    ]


def test_without_a_pin_approvals_are_not_judged(world: World) -> None:
    found = {path: body for path, body in files(world).items() if not path.startswith(("trust/", "evidence/"))}
    assert verify(found, trust=None) == []


def test_an_emergency_that_nobody_reviewed_in_time_is_found(world: World, first: str) -> None:
    findings = verify(files(world), trust=first, now=NOW)
    emergencies = [event.index for event in world.events() if event.emergency]
    assert [finding.index for finding in findings] == emergencies
    assert "was to be reviewed by 2026-11-26T01:00:00Z" in findings[0].message
    reviewed = world.twin()
    for index in emergencies:
        reviewed.clock.sleep(3600)
        reviewed.review(index)
    assert verify(files(reviewed), trust=first, now=NOW) == []


def test_a_trust_that_is_another_forged_or_gone_is_found(world: World, first: str) -> None:
    other = people.trust(issued="2026-11-24T00:30:00Z", terms=people.terms(separation=False))
    forged = people.trust(people.known(people.trust(issued="2026-11-24T00:30:00Z")), terms=people.terms(quorum=0))
    for change, why in (
        ({"trust/0.json": people.signed(other)}, "not the one that was named"),
        ({"trust/0.json": people.signed(other), "trust/1.json": None}, "not the one that was named"),
        ({"trust/0.json": None}, "not the one that was named"),
        ({"trust/1.json": people.signed(forged, "ann")}, "signed by 1 of the 2"),
    ):
        found = {path: body for path, body in (files(world) | change).items() if body is not None}
        assert why in message(found, first)


def test_a_release_that_nobody_approved_is_found(world: World, first: str) -> None:
    """Whoever holds the record key and the log key writes the approvals of one release under another, or none."""
    last = world.slots().tail().state.channels["latest"].entry
    event = world.events()[last]
    earlier = next(e for e in world.events() if e.emergency)
    for changes, why in (
        ({"approvals": (), "trust": None}, "without an approval"),
        ({"approvals": earlier.approvals}, "it is for channel v1"),
        ({"approvals": event.approvals[:1]}, "1 of the 2 approvals"),
        ({"emergency": True}, "something else about its approval"),
        ({"manifest": "f" * 64}, "it is for promote of 1.2.0"),
        ({"occurred_at": "2027-03-01T00:00:00Z"}, "it is valid from"),
        ({"after": earlier.after}, "another trust epoch than the one in force"),
    ):
        body = examples.sealed(dataclasses.replace(event, **changes))
        bodies = log_files.entries(world)
        findings = verify(files(world, [*bodies[:last], body, *bodies[last + 1 :]]), trust=first)
        assert [finding.index for finding in findings] == [last], changes
        assert why in findings[0].message


def test_an_emergency_that_is_given_more_time_for_its_review_than_its_epoch_allows_is_found(
    world: World, first: str
) -> None:
    """Whoever holds the record key and the log key records what one person approved, to be reviewed never."""
    events = world.events()
    at = next(event.index for event in events if event.emergency)
    after = dataclasses.replace(events[at].after, reviews={str(at): "8999-01-01T00:00:00Z"})
    body = examples.sealed(dataclasses.replace(events[at], after=after))
    bodies = log_files.entries(world)
    (finding,) = verify(files(world, [*bodies[:at], body, *bodies[at + 1 :]]), trust=first)
    assert (finding.index, "the time that its epoch sets" in finding.message) == (at, True)


def test_an_epoch_that_no_entry_announces_and_an_announcement_without_its_epoch_are_found(
    world: World, first: str
) -> None:
    made = world.twin()
    made.known = world.known
    made.trust()
    assert "no entry announces trust epoch 2" in message(files(made), first)
    found = {path: body for path, body in files(world).items() if path != "trust/1.json"}
    announced = [event.index for event in world.events() if event.action == "trust.changed"]
    missing = verify(found, trust=first)
    assert (missing[0].index, "not among the log's files" in missing[0].message) == (announced[1], True)


def test_evidence_that_is_gone_or_another_is_found(world: World, first: str) -> None:
    request = next(event.approvals[0].request for event in world.events() if event.approvals)
    path = f"evidence/sha256/{request}"
    assert "holds other bytes than its name says" in message(files(world) | {path: b"x"}, first)
    assert path in message({name: body for name, body in files(world).items() if name != path}, first)


# Every approval is an anchor.


def test_what_every_approver_saw_is_the_beginning_of_the_log(world: World, first: str) -> None:
    """Also the entries that were written before there was any trust, and between approvals."""
    bodies = log_files.entries(world)
    last = max(event.index for event in world.events() if event.approvals)
    assert verify(files(world), trust=first, kind="fork") == []
    for index in range(last):
        event = world.events()[index]
        forged = [*bodies[:index], examples.sealed(dataclasses.replace(event, reason="forged")), *bodies[index + 1 :]]
        findings = verify(files(world, forged), trust=first, kind="fork")
        assert findings, f"entry {index} was rewritten and the log signed again"
        assert f"what cto and lead saw when approving entry {last} is of another log" in findings[-1].message
        assert dict(findings[-1].facts)["seen"] == root_after(bodies, last)
    rewritten = [*bodies[: last + 1], examples.sealed(dataclasses.replace(world.events()[last + 1], reason="forged"))]
    assert verify(files(world, rewritten), trust=first, kind="fork") == [], "after the last anchor it needs the lock"
    assert verify(files(world, [*bodies[:1], bodies[0], *bodies[2:]]), trust=None, kind="fork") == []


def test_a_release_that_stands_before_what_its_approver_saw_is_found(world: World, first: str) -> None:
    event = next(event for event in world.events() if event.approvals)
    bodies = log_files.entries(world)
    cut = [*bodies[: event.index - 1], examples.sealed(moved(event, event.index - 1))]
    (finding,) = verify(files(world, cut), trust=first, kind="fork")
    assert "the entry was not there yet" in finding.message


def root_after(bodies: list[bytes], size: int) -> str:
    return Frontier().extended(leaf_hash(body) for body in bodies[:size]).root().hex()


def moved(event: Event, index: int) -> Event:
    assert event.prev
    return dataclasses.replace(event, index=index, prev=dataclasses.replace(event.prev, index=index - 1))


def message(found: Files, first: str) -> str:
    """The first finding's."""
    return verify(found, trust=first)[0].message
