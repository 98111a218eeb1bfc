from dataclasses import replace

import pytest

from release.core import document
from release.core.handover import Promotion, read_promotion
from release.errors import FormatError, ServiceError
from release.stages import invalidate as stage
from tests.fakes import examples
from tests.fakes.cdn import InMemoryCdn
from tests.fakes.scenario import World

CHANGED = (
    "tag/channels/latest.json",
    "tag/latest/chunks/own-1.1.0.js",
    "tag/latest/tag.esm.min.js",
    "tag/latest/tag.min.js",
)


@pytest.fixture(scope="module")
def promoted() -> World:
    world = World()
    world.release("1.0.0")
    world.move("latest", "1.0.0")
    world.release("1.1.0")
    world.authorize("latest", "1.1.0")
    world.promote("latest")
    return world


@pytest.fixture
def world(promoted: World) -> World:
    """A world that has just promoted 1.1.0 after 1.0.0."""
    return promoted.twin()


def test_exactly_the_changed_paths_are_dropped(world: World) -> None:
    report = world.invalidate("latest")
    assert world.promotions["latest"].changed == CHANGED
    (asked,) = world.cdn.invalidations
    assert asked.paths == tuple(f"/{key}" for key in CHANGED)
    assert (report.action.paths, report.invalidation) == (asked.paths, asked.id)


def test_what_was_cached_is_new_afterwards_and_only_in_this_channel(world: World) -> None:
    world.move("v1", "1.0.0")
    old, new = world.bundle("1.0.0")["tag.min.js"], world.bundle("1.1.0")["tag.min.js"]
    world.site.put("tag/latest/tag.min.js", old)
    world.visit("latest")
    world.visit("v1")
    world.site.put("tag/latest/tag.min.js", new)
    world.site.put("tag/v1/tag.min.js", b"not asked for")
    assert world.fetch("/tag/latest/tag.min.js").body == old
    world.invalidate("latest")
    assert world.fetch("/tag/latest/tag.min.js").body == new
    assert world.fetch("/tag/v1/tag.min.js").body == old


def test_asking_again_is_the_same_invalidation(world: World) -> None:
    first = world.invalidate("latest")
    again = world.invalidate("latest")
    assert again == first
    assert len(world.cdn.invalidations) == 1


def test_asking_once_more_on_purpose_is_another_invalidation(world: World) -> None:
    first = world.invalidate("latest")
    again = world.invalidate("latest", attempt=2)
    assert again.action.paths == first.action.paths
    assert again.action.reference != first.action.reference
    assert len(world.cdn.invalidations) == 2


@pytest.mark.parametrize("other", ["channel", "entry", "manifest", "paths"])
def test_another_promotion_is_another_invalidation(world: World, other: str) -> None:
    promotion = world.promotions["latest"]
    changed, order = promotion.changed, promotion.order
    others = {
        "channel": Promotion(
            order=replace(order, channel="v1"), changed=tuple(key.replace("latest", "v1") for key in changed)
        ),
        "entry": Promotion(order=replace(order, entry=99), changed=changed),
        "manifest": Promotion(order=replace(order, manifest="0" * 64), changed=changed),
        "paths": Promotion(order=order, changed=changed[1:]),
    }
    one, two = (stage.plan(world.config, p, attempt=1).reference for p in (promotion, others[other]))
    assert one != two


def test_the_order_of_the_keys_does_not_matter(world: World) -> None:
    promotion = world.promotions["latest"]
    shuffled = replace(promotion, changed=tuple(reversed(promotion.changed)))
    assert stage.plan(world.config, shuffled, attempt=1) == stage.plan(world.config, promotion, attempt=1)


def test_a_lost_answer_makes_no_second_invalidation(world: World) -> None:
    """The request arrived, its answer did not: the second run is told the id of the first."""
    action = stage.plan(world.config, world.promotions["latest"], attempt=1)
    known = world.cdn.invalidate(action.paths, reference=action.reference)
    assert world.invalidate("latest").invalidation == known
    assert len(world.cdn.invalidations) == 1


# Waiting.


def patient(seconds: int, *, polls: int) -> World:
    world = World(examples.config(distribution={"wait-seconds": seconds}))
    world.cdn = InMemoryCdn(polls=polls, journal=world.journal)
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    return world


def test_it_waits_until_every_edge_has_done_so() -> None:
    world = patient(900, polls=5)
    world.invalidate("latest")
    assert world.clock.slept == [1, 2, 4, 8, 16]
    assert world.cdn.calls["finished"] == 6
    assert world.console.said[-1] == "invalidation I1 is in progress, 15 s so far"


def test_it_never_waits_long_between_two_looks() -> None:
    world = patient(900, polls=12)
    world.invalidate("latest")
    assert max(world.clock.slept) == stage.LONGEST_PAUSE


def test_it_does_not_wait_for_what_is_done() -> None:
    world = patient(0, polls=0)
    assert world.invalidate("latest").invalidation == "I1"
    assert world.clock.slept == []


@pytest.mark.parametrize("seconds", [0, 1, 60, 900])
def test_an_invalidation_that_takes_too_long_is_no_success(seconds: int) -> None:
    world = patient(seconds, polls=1000)
    with pytest.raises(ServiceError, match="invalidation I1 has not finished after") as late:
        world.invalidate("latest")
    assert "it goes on waiting for the same invalidation" in late.value.hint
    assert seconds <= sum(world.clock.slept) < seconds + stage.LONGEST_PAUSE


def test_a_second_run_goes_on_waiting_for_the_first_ones_invalidation() -> None:
    world = patient(60, polls=9)
    with pytest.raises(ServiceError):
        world.invalidate("latest")
    asked = list(world.journal)
    assert world.invalidate("latest").invalidation == "I1"
    assert world.journal == asked
    assert len(world.cdn.invalidations) == 1


@pytest.mark.parametrize("nth", range(4))
def test_a_service_that_fails_at_any_request_is_asked_again_by_the_next_run(nth: int) -> None:
    world = patient(900, polls=2)
    world.cdn.fails = [*[None] * nth, ServiceError("the answer was lost")]
    with pytest.raises(ServiceError, match="the answer was lost"):
        world.invalidate("latest")
    assert world.invalidate("latest").invalidation == "I1"
    assert len(world.cdn.invalidations) == 1


def test_a_dry_run_tells_the_paths_and_asks_for_nothing(world: World) -> None:
    told = world.invalidate("latest", dry_run=True)
    assert (told.invalidation, world.cdn.calls) == (None, {})
    assert world.invalidate("latest").action == told.action


# Hostile promotions.

HOSTILE = {
    "a version's file": "tag/1.1.0/tag.min.js",
    "a version's manifest": "tag/1.1.0/manifest.json",
    "another channel's file": "tag/v1/tag.min.js",
    "another channel's pointer": "tag/channels/v1.json",
    "another library": "other/latest/tag.min.js",
    "a library that begins like ours": "tag2/latest/tag.min.js",
    "a customer's variant": "tag/customers/acme/latest/tag.min.js",
    "a wildcard": "tag/latest/*",
    "a wildcard for everything": "*",
    "a wildcard in a name": "tag/latest/tag.*.js",
    "a folder": "tag/latest/",
    "the channel itself": "tag/latest",
    "an absolute path": "/tag/latest/tag.min.js",
    "a path that climbs": "tag/latest/../v1/tag.min.js",
    "a path with a query": "tag/latest/tag.min.js?x=1",
    "an escaped path": "tag/latest/%2e%2e/v1/tag.min.js",
    "a line end": "tag/latest/tag.min.js\n",
    "a second path on a line": "tag/latest/tag.min.js\n/*",
    "a letter that only looks right": "tag/latest/t\N{CYRILLIC SMALL LETTER A}g.min.js",
    "nothing": "",
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_promotion_that_names_a_foreign_key_is_refused_whole(world: World, hostile: str) -> None:
    promotion = world.promotions["latest"]
    world.promotions["latest"] = replace(promotion, changed=(*promotion.changed, HOSTILE[hostile]))
    with pytest.raises(FormatError, match="which is no part of it"):
        world.invalidate("latest")
    with pytest.raises(FormatError):
        world.invalidate("latest", dry_run=True)
    assert world.cdn.calls == {}


def test_a_promotion_comes_back_from_the_file_between_two_jobs_as_it_was(world: World) -> None:
    promotion = world.promotions["latest"]
    body = document.encode(promotion)
    assert read_promotion(body, name="latest.promotion.json", library="tag") == promotion
    with pytest.raises(FormatError):
        read_promotion(body, name="latest.promotion.json", library="other")
