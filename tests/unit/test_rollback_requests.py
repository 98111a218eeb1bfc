"""What a rollback costs in requests: counted exactly, and the same however much was released before."""

from collections import Counter

import pytest

from release.core.tlog.policy import NONE, Policy
from release.effects.bucket_files import BucketFiles
from release.effects.choice import previous_good
from release.effects.signed_log import SignedLog
from release.stages import foresee
from tests.fakes import examples
from tests.fakes.scenario import World


def cost(world: World) -> tuple[int, int, int]:
    """Roll back as the command does; gives requests to the site bucket, to the log bucket, and downloads."""
    counted: Counter[str] = Counter()
    start, downloads = Counter(site=world.site.calls["any"], log=world.log.calls["any"]), len(world.public.requests)
    tail = world.slots().tail()
    version = previous_good(world.slots(), "latest", tail)
    world.site.describe(world.config.layout.pointer("latest"))
    world.roll_back("latest", version)
    world.promote("latest")
    world.invalidate("latest")
    counted = Counter(site=world.site.calls["any"], log=world.log.calls["any"])
    assert world.verify("latest").verification.passed
    aside = world.site.calls["any"] - counted["site"]  # made by the fake CDN
    concluded = world.conclude("latest")
    files = BucketFiles(store=world.log, layout=world.config.log_layout)
    SignedLog.opened(files, Policy((world.signer.key,), {}, {}, NONE)).proven(
        concluded.event.index
    )  # for 'release announce'
    return (
        world.site.calls["any"] - aside - start["site"],
        world.log.calls["any"] - start["log"],
        len(world.public.requests) - downloads,
    )


def after(versions: int, *, customers: int = 0, files: int = 4, log_of: int | None = None) -> World:
    """A world after so many versions, the newest two of them on a channel, beside other customers' variants."""
    world = World(examples.config(site={"customer": "acme"}) if customers else None)
    width = len(str(files))
    for number in range(versions):
        version = f"1.{number}.0"
        chunks = {f"chunks/{n:0{width}}.js": f"{n} {version}".encode() for n in range(files - 1)}
        world.build(version, {**chunks, "tag.min.js": f"tag {version}".encode()})
        world.release(version, *(["latest"] if number >= versions - 2 else []))
    for store in (world.site, world.log):
        for key, body in store.bodies().items() if customers else ():
            for other in range(customers - 1):
                store.put(key.replace("/acme/", f"/other-{other}/"), body)
    assert log_of is None or world.slots().tail().size == log_of
    return world


def test_a_rollback_takes_as_many_requests_after_two_hundred_versions_as_after_two() -> None:
    assert cost(after(2, log_of=6)) == cost(after(200, log_of=204))


def test_a_rollback_takes_as_many_requests_beside_two_hundred_customers_as_alone() -> None:
    assert cost(after(3, customers=1)) == cost(after(3, customers=200))


def test_a_long_log_costs_a_rollback_three_tiles_more() -> None:
    """From 256 entries on, its tree has a tile more at the right edge: for two appends and a proof."""
    site, log, downloads = cost(after(2))
    assert cost(after(260, log_of=264)) == (site, log + 3, downloads)


@pytest.mark.parametrize("files", [1, 4, 30])
def test_the_costs_that_a_person_is_told_are_the_costs(files: int) -> None:
    site, log, downloads = cost(after(2, files=files))
    assert site + log == foresee.REQUESTS + foresee.REQUESTS_A_FILE * files
    assert downloads == foresee.DOWNLOADS + foresee.DOWNLOADS_A_FILE * files
