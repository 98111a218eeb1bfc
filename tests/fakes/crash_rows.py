"""The commands that have effects, each in the situations in which it is to be killed.

A new command is a new `Row`: what was done before it, and the stages that it runs.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from release.core.approval import Approval
from release.core.document import encode
from release.core.epochs import NAMESPACE
from release.core.handover import Order, Rotated, Rotation
from release.core.outcome import Outcome
from release.core.trust import SignedTrust
from release.effects.trusted import read_epochs
from release.stages import announce as announcing
from release.stages import export_log as exporting
from release.stages import record as recording
from release.stages import review as reviewing
from release.stages import trust as trusting
from release.stages import verify as verifying
from tests.fakes import announced, people
from tests.fakes import crash_situations as at
from tests.fakes.folder import InMemoryFolder
from tests.fakes.scenario import World


@dataclass(frozen=True, slots=True)
class Row:
    """One command in one situation.

    Attributes:
        command: its name on the command line.
        story: the situation.
        before: makes the world in which it is called.
        run: does what the command does, and gives what it hands to its user, if that is to be the same each time.
        after: the commands that follow in the pipeline, to a world in which nothing is left to do.
    """

    command: str
    story: str
    before: Callable[[], World]
    run: Callable[[World], object]
    after: Callable[[World], object] = lambda _: None

    @property
    def name(self) -> str:
        """Give its name for people."""
        return f"{self.command}: {self.story}"


# Commands that are more than one step of `World`.


def _void(_report: object) -> None:
    """Let a report go: it says how much was new, which a second run cannot say again."""


def _verify(world: World) -> None:
    verifying.require_passed([world.verify("latest")])


def _record_rollback(world: World) -> None:
    world.roll_back("latest")


def _rollback(world: World) -> None:
    _record_rollback(world)
    world.finish("latest")


def _approved(world: World) -> None:
    world.authorize("v1", "1.0.0", approvals=[_approval()], actor="u:42")


@cache
def _approval() -> Approval:
    return people.approval(at.to_be_approved().ask("v1", "1.0.0"), by=("cto",))


def _review(world: World) -> None:
    recorder = dataclasses.replace(world.recorder(), approvals=(_signed_review(),))
    recording.review(recorder, _emergency(), dry_run=False)


@cache
def _emergency() -> int:
    return next(event.index for event in at.in_an_emergency().events() if event.emergency)


@cache
def _signed_review() -> Approval:
    world = at.in_an_emergency()
    return people.reviewed(reviewing.ask(world.config, world.slots(), world.view(), _emergency(), "it was right"))


def _record_trust(world: World) -> None:
    recording.trust(world.recorder(), dry_run=False)


_ROTATION: Final = encode(
    Rotation(library="tag", rotated=(Rotated(stage="publish", made="AKIAEXAMPLE000000002", at="2026-11-24T00:00:00Z"),))
)


def _rotation(world: World) -> None:
    recording.rotation(world.recorder(), _ROTATION, dry_run=False)


def _apply(world: World) -> None:
    known = read_epochs(world.config, world.slots())
    trusting.apply(world.config, world.slots(), known, _signed_epoch(), dry_run=False)


@cache
def _signed_epoch() -> SignedTrust:
    text = encode(people.trust(at.in_an_emergency().known)).decode()
    signatures = tuple(people.key(name).sign(text.encode(), NAMESPACE) for name in ("ann", "bob"))
    return SignedTrust(trust=text, signatures=signatures)


class _Kept:
    def __init__(self) -> None:
        self.files: list[tuple[str, bytes]] = []

    def add(self, path: str, body: bytes) -> None:
        self.files.append((path, body))


def _export(world: World) -> object:
    kept = _Kept()
    exporting.run(world.slots(), exporting.head(world.slots()), b"# Changelog\n", kept)
    return kept.files


def _announce(world: World) -> object:
    project = InMemoryFolder({"CHANGELOG.md": announced.CHANGELOG.encode()})
    orders, outcomes = _outcomes()
    page = announcing.wanted(world.config, world.keys, orders, outcomes, world.public, project)
    announcing.run(page, world.announced, dry_run=False)
    return world.announced.pages[page.tag]


@cache
def _outcomes() -> tuple[list[Order], list[Outcome]]:
    return announced.left(at.completed(), *at.LINES)


def _order_collection(world: World) -> None:
    world.order_collection("latest")


def _collect(world: World) -> None:
    world.collect("latest")


# What follows in the pipeline.


def _released(world: World) -> None:
    world.release("1.1.0", "latest")


def _served(world: World) -> None:
    world.serve("latest", "1.1.0")


def _recorded(world: World) -> None:
    world.record("1.1.0")
    world.serve("latest", "1.1.0")


def _collected(world: World) -> None:
    world.collect("latest")
    world.finish_collection("latest")


def _finished(world: World) -> None:
    world.finish("latest")


def _both_finished(world: World) -> None:
    for channel in at.LINES:
        world.finish(channel)


def _each(step: Callable[[World, str], object]) -> Callable[[World], None]:
    """Do a step for every channel, as a command without arguments does."""

    def run(world: World) -> None:
        for channel in at.LINES:
            step(world, channel)

    return run


ROWS: Final = (
    Row(
        "publish",
        "the first version",
        at.nothing,
        lambda w: _void(w.publish("1.0.0")),
        lambda w: w.release("1.0.0", "latest"),
    ),
    Row("publish", "the next version", at.served, lambda w: _void(w.publish("1.1.0")), _released),
    Row("record publish", "the next version", at.published, lambda w: _void(w.record("1.1.0")), _served),
    Row(
        "record promote",
        "two channels",
        lambda: at.recorded(*at.LINES),
        _each(lambda w, c: w.authorize(c, "1.1.0")),
        _both_finished,
    ),
    Row("record promote", "approved", at.to_be_approved, _approved, lambda w: w.finish("v1")),
    Row("record rollback", "the last good version", at.twice_served, _record_rollback, _finished),
    Row("promote", "the first version", at.first_ordered, lambda w: _void(w.promote("latest")), _finished),
    Row("promote", "the next version", at.ordered, lambda w: _void(w.promote("latest")), _finished),
    Row("promote", "a version with fewer files", at.fewer_files, lambda w: _void(w.promote("latest")), _finished),
    Row("promote", "two channels", lambda: at.ordered(*at.LINES), _each(World.promote), _both_finished),
    Row("promote", "a rollback", at.going_back, lambda w: _void(w.promote("latest")), _finished),
    Row(
        "promote",
        "a rollback that the log could not take",
        at.read_only,
        lambda w: _void(w.promote("latest", at.unlogged())),
        lambda w: w.go_back("latest", "1.1.0"),
    ),
    Row("invalidate", "two channels", lambda: at.promoted(*at.LINES), _each(World.invalidate), _both_finished),
    Row("invalidate", "a rollback", at.went_back, lambda w: _void(w.invalidate("latest")), _finished),
    Row("verify", "the next version", at.invalidated, _verify, _finished),
    Row("record outcome", "the next version", at.verified, lambda w: _void(w.conclude("latest"))),
    Row("record outcome", "a rollback", at.looked_back, lambda w: _void(w.conclude("latest"))),
    Row("record collect", "a chunk of the version before", at.littered, _order_collection, _collected),
    Row("collect", "a chunk of the version before", at.condemned, _collect, lambda w: w.finish_collection("latest")),
    Row("record outcome", "a collection", at.swept, lambda w: _void(w.finish_collection("latest"))),
    Row("rollback", "all of it", at.twice_served, _rollback),
    Row("yank", "a version that nothing serves", at.recorded, lambda w: _void(w.yank("1.1.0"))),
    Row("record rotation", "one key", at.served, _rotation),
    Row("record trust", "the second epoch", at.another_epoch, _record_trust),
    Row("record review", "an emergency", at.in_an_emergency, _review),
    Row("trust apply", "the second epoch", at.in_an_emergency, _apply),
    Row("log repair", "a slot that nobody integrated", at.cut_off, lambda w: _void(w.tree().repair()), _recorded),
    Row("log export", "the whole log", at.served, _export),
    Row("announce", "a version on two channels", at.completed, _announce),
)
"""All of them; `tests/unit/test_crash_matrix.py` runs them."""

ELSEWHERE: Final[Mapping[str, str]] = {
    "keys provision": "test_a_run_that_is_killed_anywhere_is_finished_by_the_next",
    "keys rotate": "test_a_rotation_that_is_killed_anywhere_is_finished_by_the_next",
}
"""Commands with a matrix of their own, by the test that is it."""

CALLERS: Final = frozenset({"customers run"})
"""Commands that only run other commands, each as a process of its own."""

ONE_FILE: Final = frozenset({"approve", "changelog", "init", "log evidence", "log witness", "request", "trust propose"})
"""Commands with --dry-run that change nothing but files of whoever runs them."""
