import pytest

from release.core.evidence import FILES, Built, about
from release.core.manifest import digest
from release.errors import FormatError, IntegrityError, LogError, ServiceError
from tests.fakes.scenario import World, every_fault


@pytest.fixture
def world() -> World:
    world = World()
    world.publish("1.0.0")
    return world


@pytest.mark.parametrize("kind", FILES)
def test_evidence_is_described_by_its_digest(world: World, kind: Built) -> None:
    body = world.evidence("1.0.0")[kind]
    found = about(world.manifest("1.0.0"), kind, body)
    assert (found.kind, found.sha256) == (kind, digest(body))


@pytest.mark.parametrize("kind", FILES)
def test_evidence_about_another_build_is_refused(world: World, kind: Built) -> None:
    world.publish("1.1.0")
    with pytest.raises(IntegrityError, match=f"{FILES[kind]} is about other files"):
        about(world.manifest("1.0.0"), kind, world.evidence("1.1.0")[kind])


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no object": b"[]",
    "no content": b"{}",
    "a number": b'{"subject":3,"metadata":3}',
    "deep": b"[" * 1000,
    "no hashes": b'{"subject":[{"name":"a/b"}],"metadata":{"component":{"components":[{"name":"a"}]}}}',
    "no digest of the right kind": (
        b'{"subject":[{"name":"a/b","digest":{}}],'
        b'"metadata":{"component":{"components":[{"name":"a","hashes":[{"alg":"MD5","content":"a"}]}]}}}'
    ),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_evidence_is_refused(world: World, kind: Built, body: bytes) -> None:
    with pytest.raises((FormatError, IntegrityError), match=FILES[kind]):
        about(world.manifest("1.0.0"), kind, body)


def test_the_log_holds_what_its_entry_refers_to(world: World) -> None:
    event = world.record("1.0.0").event
    assert {item.kind for item in event.evidence} == set(FILES)
    for item in event.evidence:
        body = world.log.bodies()[world.config.log_layout.evidence(item.sha256)]
        assert digest(body) == item.sha256
        assert body in world.evidence("1.0.0").values()


def test_a_dry_run_stores_no_evidence(world: World) -> None:
    world.record("1.0.0", dry_run=True)
    assert world.log.bodies() == {}


def test_evidence_in_whose_place_something_else_lies_stops_the_record(world: World) -> None:
    body = world.evidence("1.0.0")["provenance"]
    world.log.put(world.config.log_layout.evidence(digest(body)), b"forged")
    with pytest.raises(LogError, match="holds other bytes than its name says"):
        world.record("1.0.0")
    assert world.slots().tail().size == 0


def test_recording_converges_whichever_request_broke() -> None:
    struck = 0
    for fault in every_fault():
        world = World()
        world.publish("1.0.0")
        world.log.break_at(fault)
        try:
            world.record("1.0.0")
        except ServiceError:
            struck += 1
        else:
            break
        world.record("1.0.0")
        for item in world.events()[0].evidence:
            assert digest(world.log.bodies()[world.config.log_layout.evidence(item.sha256)]) == item.sha256
    assert struck >= 8
