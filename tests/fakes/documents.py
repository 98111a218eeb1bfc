"""Documents of the log that others read: real ones, and all the hostile ones that differ from them in one place."""

import base64
import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from release.core import document
from release.core.formats import SHAPES, Format
from release.core.pack import Pack
from release.core.population import Population
from release.core.shape import ShapeError, camel, read
from tests.fakes import examples, log_files, people
from tests.fakes.scenario import World


def approved() -> World:
    """A log of releases that people approved, one of them in an emergency; a rollback and a yank."""
    world = World()
    world.trust()
    world.release("1.0.0")
    world.approved("latest", "1.0.0", "cto", "lead")
    world.finish("latest")
    world.release("1.1.0")
    world.approved("latest", "1.1.0", "cto", emergency=True, reason="broken")
    world.finish("latest")
    world.yank("1.0.0")
    return world


@cache
def samples() -> dict[Format, list[Any]]:
    """Real documents, as JSON values."""
    world = approved()
    signed = people.signed(people.trust())
    request = people.request(reason="because", rollback_until="2026-12-01T00:00:00Z")
    shapes: dict[Format, list[Any]] = {
        Format.REQUEST: [request],
        Format.REVIEW: [examples.review()],
        Format.APPROVAL: [people.approval(request)],
        Format.TRUST: [people.trust()],
        Format.MANIFEST: [examples.manifest(), world.manifest("1.0.0")],
        Format.POINTER: [examples.pointer(), world.pointer("latest")],
        Format.POPULATION: [
            Population(origin=people.ORIGIN, size=9, root="0" * 64, from_="2026-11-01", first=3, count=2, csv="1" * 64),
            Population(origin=people.ORIGIN, size=9, root="0" * 64, count=0, csv="1" * 64),
        ],
        Format.EVIDENCE: [
            Pack(
                origin=people.ORIGIN,
                component="tag",
                version="1.0.0",
                size=9,
                root="0" * 64,
                entries=(0, 3, 4),
                epochs=1,
            )
        ],
    }
    values = {wanted: [json.loads(document.encode(one)) for one in many] for wanted, many in shapes.items()}
    envelopes = [json.loads(body) for body in log_files.entries(world)]
    return values | {
        Format.ENVELOPE: envelopes,
        Format.ENTRY: [json.loads(base64.b64decode(envelope["payload"])) for envelope in envelopes],
        Format.SIGNED_TRUST: [json.loads(signed)],
    }


HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**53,
    "",
    "x" * 70_000,
    "0" * 64,
    "0" * 64 + "\n",
    "1.0.0\n",
    "\u0661.0.0",
    "2026-11-24T00:12:33Z\n",
    "\u0662026-11-24T00:12:33Z",
    "../x",
    [],
    ["x"] * 3001,
    {},
    {"x": "y"},
    {f"{n}.0.0": 1 for n in range(1001)},
)


def places(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the places in a JSON value; of a list the first item stands for all."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*at, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*at, 0))


def changed(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    """Give the value with one place altered, in every hostile way: another value, gone, or a name that nobody knows."""
    for place in places(value):
        *above, last = place
        for hostile in (*HOSTILE, KeyError):
            made = copy.deepcopy(value)
            holder = made
            for step in above:
                holder = holder[step]
            if hostile is KeyError:
                del holder[last]
            else:
                holder[last] = hostile
            yield f"{place} = {str(hostile)[:40]}", made
        inner = made = copy.deepcopy(value)
        for step in place:
            inner = inner[step]
        if isinstance(inner, dict):
            inner["unheardOf"] = 1
            yield f"{place} has one name more", made


def taken(wanted: Format, value: object) -> bool:
    try:
        read(SHAPES[wanted], value, naming=camel)
    except ShapeError:
        return False
    return True
