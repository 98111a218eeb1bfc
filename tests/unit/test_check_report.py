"""What check leaves is evidence of the publish entry, with the waivers that it rests on."""

from dataclasses import replace

import pytest

from release.core import document
from release.core.check_report import FILE
from release.core.domains.lists import DomainsSection, Waiver
from release.core.manifest import digest
from release.effects.recorder import Report
from release.errors import FormatError, RefusedError
from release.stages import check, record
from release.stages import publish as publishing
from tests.fakes.clock import StoppedClock
from tests.fakes.folder import InMemoryFolder
from tests.fakes.scenario import World

WAIVER = Waiver(files="*", rule="markup", reason="our own markup", owner="Ann", expires="2099-12-31")
SCRIPT = b"el.innerHTML = x;\n"


def recorded(world: World, left: bytes) -> Report:
    manifest, body = publishing.read_bundle(world.config, world.bundles["1.0.0"])
    return record.publish(
        world.recorder(), world.site, manifest, body, world.evidence("1.0.0"), checked=left, dry_run=False
    )


def checked(world: World, *waivers: Waiver) -> bytes:
    config = replace(world.config, domains=DomainsSection(waivers=waivers))
    manifest = world.manifest("1.0.0")
    report = check.run(config, manifest, world.bundles["1.0.0"], StoppedClock(), world.console)
    folder = InMemoryFolder()
    check.leave(report, folder)
    return folder.files[FILE]


@pytest.fixture
def world() -> World:
    world = World()
    world.build("1.0.0", {"tag.min.js": SCRIPT})
    world.publish("1.0.0")
    return world


def test_the_report_and_its_waivers_are_logged(world: World) -> None:
    left = checked(world, WAIVER)
    event = recorded(world, left).event
    (item,) = [one for one in event.evidence if one.kind == "check"]
    assert item.sha256 == digest(left)
    kept = document.parse(world.log.bodies()[world.config.log_layout.evidence(item.sha256)], limit=10**6)
    assert [(one["owner"], one["finding"]["rule"]) for one in kept["waived"]] == [("Ann", "markup")]


def test_a_rejected_bundle_is_not_recorded(world: World) -> None:
    with pytest.raises(RefusedError, match="was rejected by 'release check'"):
        recorded(world, checked(world))
    assert world.log.bodies() == {}


def test_a_report_of_another_bundle_says_nothing(world: World) -> None:
    other = World()
    other.build("1.0.0", {"tag.min.js": b"window.tag = 2;\n"})
    event = recorded(world, checked(other)).event
    assert [one.kind for one in event.evidence if one.kind == "check"] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"type":"x","manifest":"y","findings":[]}', b"[" * 10_000],
    ids=["empty", "bare", "list", "another type", "deep"],
)
def test_what_is_no_report_is_refused(world: World, body: bytes) -> None:
    with pytest.raises(FormatError, match=f"{FILE} is not what check leaves"):
        recorded(world, body)
