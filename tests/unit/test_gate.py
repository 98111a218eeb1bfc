"""The gate's answer: open only when it is clearly open."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from release.core import document
from release.core.entry import Event, State
from release.core.gate import Counted, Gate, Trial, Verdict, check_gate, filled, judge, number, read_verdict, tag_of
from release.core.gate_check import gate_problems
from release.core.ring_rule import RingRule
from release.effects.gate import Gatekeeper
from release.errors import FormatError, ReleaseError, ServiceError, TrippedError
from release.stages.gate import watch
from tests.fakes import examples
from tests.fakes.clock import StoppedClock
from tests.fakes.console import RecordingConsole

TRIAL = Trial(library="tag", ring="canary", version="1.4.2-RC.1", manifest="a" * 64, entry=7)
AT = "2026-11-24T00:12:33Z"
GATE = Gate(
    kind="prometheus",
    url="https://p.example",
    errors='sum(increase(e{version="{{version}}",ring="{{ring}}"}[30m])) or vector(0)',
    samples='sum(increase(s{version="{{version}}"}[30m]))',
    max_="0.01",
    min_samples=1000,
)


def verdict(errors: str, samples: str, **changes: Any) -> Verdict:  # noqa: ANN401 - any field
    gate = dataclasses.replace(GATE, **changes)
    return judge(gate, TRIAL, Counted(errors=Decimal(errors), samples=Decimal(samples)), at=AT)


@pytest.mark.parametrize(
    ("errors", "samples", "answer"),
    [
        ("0", "1000", "open"),
        ("10", "1000", "open"),
        ("10.000001", "1000", "tripped"),
        ("0.1", "10.00000000000000001e2", "open"),
        ("999", "999", "silent"),
        ("0", "0", "silent"),
        ("-1", "5000", "silent"),
        ("1", "-5000", "silent"),
        ("0", "1e300", "silent"),
    ],
)
def test_it_is_open_only_for_few_errors_among_enough_samples(errors: str, samples: str, answer: str) -> None:
    found = verdict(errors, samples)
    assert found.answer == answer
    assert read_verdict(document.encode(found), name="it") == found


@pytest.mark.parametrize(("answer", "error"), [("11", TrippedError), ("5", None)])
def test_a_closed_gate_is_an_error_of_its_own(answer: str, error: type[ReleaseError] | None) -> None:
    found = verdict(answer, "1000")
    if error is None:
        return found.require_open()
    with pytest.raises(error, match=r"11 errors in 1000 samples, at most 0\.01 of each") as caught:
        found.require_open()
    assert caught.value.exit_code == 19
    return None


@pytest.mark.parametrize("found", ["no answer: HTTP 503", Counted(errors=Decimal(0), samples=Decimal(3))])
def test_no_answer_is_closed_and_is_no_trip(found: Counted | str) -> None:
    with pytest.raises(ServiceError) as caught:
        judge(GATE, TRIAL, found, at=AT).require_open()
    assert caught.value.exit_code == 11


def test_a_verdict_keeps_what_was_asked_and_cannot_say_what_its_numbers_do_not() -> None:
    found = verdict("11", "1000")
    assert found.asked[0] == 'sum(increase(e{version="1.4.2-RC.1",ring="canary"}[30m])) or vector(0)'
    with pytest.raises(FormatError, match="its numbers say something else"):
        read_verdict(document.encode(dataclasses.replace(found, answer="open")), name="it")
    with pytest.raises(FormatError):
        read_verdict(document.encode(dataclasses.replace(found, errors=None, answer="open")), name="it")


def test_datadog_is_asked_by_the_tag_that_it_keeps() -> None:
    assert tag_of("1.4.2-RC.1") == "1.4.2-rc.1"
    assert tag_of("a+b c*") == "a_b_c_"
    asked = judge(
        dataclasses.replace(GATE, kind="datadog", errors="sum:e{version:{{version}}}"), TRIAL, "", at=AT
    ).asked
    assert asked[0] == "sum:e{version:1.4.2-rc.1}"


def test_places_are_filled_once_and_braces_of_the_query_stay() -> None:
    assert filled("sum(x{v={{version}}}) by {version} {{ring}}", version="{{ring}}", ring="r") == (
        "sum(x{v={{ring}}}) by {version} r"
    )


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-inf", "sNaN", "x", "", "1" * 101])
def test_what_is_no_finite_number_is_no_answer(text: str) -> None:
    with pytest.raises(ServiceError, match="is no number"):
        number(text)


def test_numbers_are_read_as_sources_write_them() -> None:
    assert [number(text) for text in ("0", "1e-05", "12.5")] == [Decimal(0), Decimal("0.00001"), Decimal("12.5")]


@pytest.mark.parametrize(
    ("changes", "place", "why"),
    [
        ({"errors": ""}, ("errors",), "is missing: kind 'prometheus' needs it"),
        ({"url": None}, ("url",), "is missing"),
        ({"errors": "sum(e)"}, ("errors",), "must name {{version}}"),
        ({"samples": "{{version}} {{customer}}"}, ("samples",), "stands for nothing"),
        ({"errors": 'e{v=~"{{version}}"}'}, ("errors",), "regular expression"),
        ({"errors": "e{v!~'^{{version}}$'}"}, ("errors",), "regular expression"),
        ({"command": ("x", "{{version}}")}, ("command",), "is not for kind"),
        ({"environment": ("X",)}, ("environment",), "is not for kind"),
        ({"kind": "command"}, ("command",), "is missing"),
        ({"kind": "command", "command": ("x",)}, ("command",), "must name {{version}}"),
        ({"kind": "command", "environment": ("AWS_PROFILE",)}, ("environment", 0), "may hold a stage's key"),
        ({"kind": "command", "environment": ("RELEASE_LOG_KEY",)}, ("environment", 0), "may hold a stage's key"),
    ],
)
def test_a_wrong_gate_is_told_when_release_toml_is_read(
    changes: dict[str, Any], place: tuple[str | int, ...], why: str
) -> None:
    found = list(check_gate(dataclasses.replace(GATE, **changes)))
    assert any(problem.place == place and why in problem.message for problem in found), found


def test_a_right_gate_has_no_problem() -> None:
    command = Gate(kind="command", command=("count", "{{version}}"), max_="1", min_samples=1, environment=("TOKEN",))
    assert [*check_gate(GATE), *check_gate(command)] == []


def promotion(**changes: Any) -> Event:  # noqa: ANN401 - any field
    whole = examples.event(index=9, channel="early", version=TRIAL.version, manifest=TRIAL.manifest)
    ring = RingRule(after="canary", soak_hours=2, gate=True)
    return dataclasses.replace(whole, ring=ring, occurred_at=AT, **changes)


ON_CANARY = State(channels={"canary": examples.channel_state(TRIAL.version, manifest=TRIAL.manifest, entry=7)})


def test_an_auditor_finds_nothing_wrong_with_an_open_gates_answer_and_a_tripped_ones_way_back() -> None:
    assert list(gate_problems(promotion(), document.encode(verdict("1", "1000")), ON_CANARY)) == []
    back = promotion(action="rollback.authorized", before=ON_CANARY.channels["canary"])
    back = dataclasses.replace(back, ring=None, channel="canary", occurred_at="2026-12-01T00:00:00Z")
    assert list(gate_problems(back, document.encode(verdict("11", "1000")), State())) == []


@pytest.mark.parametrize(
    ("event", "state", "counted", "finding"),
    [
        (promotion(), ON_CANARY, "11", "says tripped, and the entry needed open"),
        (promotion(action="rollback.authorized"), ON_CANARY, "1", "says open, and the entry needed tripped"),
        (promotion(), State(), "1", "is about 1.4.2-RC.1 on canary by entry 7, not anything"),
        (promotion(version="1.4.3"), State(channels={"canary": examples.channel_state("1.4.3")}), "1", "not 1.4.3 on"),
        (dataclasses.replace(promotion(), occurred_at="2026-11-24T01:00:00Z"), ON_CANARY, "1", f"is of {AT}"),
    ],
)
def test_an_auditor_finds_an_answer_that_did_not_let_the_entry_pass(
    event: Event, state: State, counted: str, finding: str
) -> None:
    found = list(gate_problems(event, document.encode(verdict(counted, "1000")), state))
    assert any(finding in problem for problem in found), found


def test_an_auditor_finds_an_answer_that_is_none() -> None:
    (found,) = gate_problems(promotion(), b"{}", ON_CANARY)
    assert "cannot be believed" in found


def asked(answers: list[Counted | ReleaseError], *, minutes: int) -> tuple[Verdict, StoppedClock]:
    """Watch a gate whose source gives these answers, the last one for ever."""

    class Source:
        def count(self, *, version: str, ring: str) -> Counted:
            assert (version, ring) == (TRIAL.version, TRIAL.ring)
            found = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(found, ReleaseError):
                raise found
            return found

    clock = StoppedClock()
    keeper = Gatekeeper(gate=GATE, source=Source, clock=clock)
    return watch(keeper, TRIAL, RecordingConsole(), minutes=minutes), clock


GOOD, BAD = (Counted(errors=Decimal(n), samples=Decimal(1000)) for n in (1, 11))


def test_a_watch_ends_at_the_first_tripped_answer_and_otherwise_the_last_one_counts() -> None:
    nobody = ServiceError("no answer")
    assert asked([nobody, GOOD, BAD, GOOD], minutes=60)[0].answer == "tripped"
    assert asked([nobody, nobody, GOOD], minutes=2)[0].answer == "open"
    last = asked([GOOD, nobody], minutes=3)[0]
    assert (last.answer, last.why) == ("silent", "no answer")
    assert asked([BAD], minutes=0)[0].answer == "tripped"
