"""Approved releases race for one channel, and somebody puts garbage into slots: the record stage, with crashes.

Each of three jobs has an approval to take the channel from the version that it serves. Whoever loses the slot makes
its entry again from the new state, where its approval is stale.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from release.core.approval import Approval
from release.core.caching import LOG
from release.core.entry import Event
from release.core.logcheck import Verifier, archived_sizes
from release.core.logtree import TreeFiles
from release.errors import LogError, RefusedError, ServiceError
from tests.fakes import log_files, people
from tests.fakes.deterministic import Crash, Listing, Run, Turns
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.scenario import World
from tests.unit.test_growth import Overwriting

VERSIONS = ("1.1.0", "1.2.0", "1.3.0")
CRASHES = 1_000
LOST = "another release took the channel while this one was recorded"


@dataclass(kw_only=True)
class Start:
    """A channel that serves 1.0.0, three published versions, and an approval for each to follow it."""

    world: World
    approvals: Mapping[str, Approval]
    trust: str
    size: int


@pytest.fixture(scope="module")
def start() -> Start:
    world = World()
    world.trust()
    world.publish("1.0.0")
    world.record("1.0.0")
    world.approved("latest", "1.0.0", "cto", "lead")
    world.finish("latest")
    for version in VERSIONS:
        world.publish(version)
        world.record(version)
    assert world.known
    return Start(
        world=world,
        approvals={v: people.approval(world.ask("latest", v), by=("cto", "lead")) for v in VERSIONS},
        trust=world.known.sha256,
        size=world.slots().tail().size,
    )


@dataclass(kw_only=True)
class Race:
    """One schedule, played on a copy of the start, and how each job ended."""

    start: Start
    bucket: InMemoryObjectStore
    ended: dict[str, Event | RefusedError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = self.start.world.twin()
        for key, body in self.world.log.bodies().items():
            self.bucket.put(key, body)
        self.world.log = self.bucket

    def job(self, version: str) -> Callable[[Turns], None]:
        def life(turns: Turns) -> None:
            while version not in self.ended:
                try:
                    approvals = [self.start.approvals[version]]
                    report = self.world.authorize("latest", version, log=turns, approvals=approvals)
                    self.ended[version] = report.event
                except (Crash, ServiceError):
                    continue
                except RefusedError as why:
                    self.ended[version] = why

        return life

    def thief(self, turns: Turns) -> None:
        """Put into slots what is no entry, as whoever has the record key but not the log's key can."""
        layout = self.world.config.log_layout
        for _ in range(4):
            try:
                size = len(turns.keys(layout.slots))
                turns.create(layout.slot(size), b"garbage", LOG)
            except (Crash, ServiceError):
                continue

    def play(self, seed: int) -> int:
        run = Run(seed=seed, harm=(0.02, 0.06)[seed % 2], view=Listing)
        run.go(self.bucket, [*map(self.job, VERSIONS), *([self.thief] if seed % 3 else [])])
        self.world.tree().repair()
        return run.crashes

    def must_have_one_winner(self) -> None:
        """Demand that exactly one job was let through, that it knows so, and that an auditor finds only the garbage."""
        files = {path.removeprefix("tag/"): body for path, body in self.bucket.bodies().items()}
        events: list[Event] = []
        verifier = Verifier(
            files=TreeFiles(log_files.Held(files).read),
            policy=log_files.policy(),
            archived=archived_sizes(list(files)),
            trust=self.start.trust,
            seen=events.append,
        )
        garbage = [int(path[4:]) for path, body in files.items() if path.startswith("seq/") and body == b"garbage"]
        found = list(verifier.run())
        assert [(finding.kind, finding.index) for finding in found] == [("entry", index) for index in garbage]
        (winner,) = [event for event in events if event.index >= self.start.size]
        assert winner.action == "promote.authorized"
        assert self.ended.pop(winner.version) == winner
        assert [type(why) for why in self.ended.values()] == [RefusedError] * 2
        pointer = self.world.slots().pointer(winner.index)
        assert pointer
        assert (pointer.version, pointer.log_index) == (winner.version, winner.index)


def test_of_three_approved_releases_one_gets_the_channel_whoever_dies_and_whatever_is_in_a_slot(start: Start) -> None:
    crashes = seed = 0
    refused: Counter[bool] = Counter()
    winners = set()
    while crashes < CRASHES:
        race = Race(start=start, bucket=InMemoryObjectStore())
        crashes += race.play(seed)
        winners.add(next(version for version, how in race.ended.items() if isinstance(how, Event)))
        refused.update(LOST in str(how) for how in race.ended.values() if isinstance(how, RefusedError))
        race.must_have_one_winner()
        seed += 1
    print(f"{crashes} crashes in {seed} schedules, {refused[True]} of {refused.total()} lost a slot with an approval")  # noqa: T201
    assert refused[True] > 0, "an entry was made again, and its approval was stale by then"
    assert winners == set(VERSIONS)


def test_a_store_without_conditions_is_caught(start: Start) -> None:
    caught = 0
    for seed in range(30):
        race = Race(start=start, bucket=Overwriting())
        try:
            race.play(seed)
            race.must_have_one_winner()
        except (AssertionError, LogError, ValueError):
            caught += 1
    assert caught > 0
