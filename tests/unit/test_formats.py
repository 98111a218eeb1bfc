"""The published JSON Schemas say what our own reader says: of real documents, and of hostile ones."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regress

from release.core import document, entry
from release.core.formats import SHAPES, Format, schema
from release.core.shape import ShapeError, camel, read
from tests.fakes import examples, people
from tests.fakes.scenario import World

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema"


def pattern(validator: object, wanted: str, found: object, rules: object) -> Iterator[jsonschema.ValidationError]:
    """Match as ECMA-262 does, which JSON Schema asks for (2020-12 core, 6.4): `$` in Python allows a newline."""
    del validator, rules
    if isinstance(found, str) and regress.Regex(wanted, "u").find(found) is None:
        yield jsonschema.ValidationError(f"{found!r} does not match {wanted!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})


def validator(wanted: Format) -> Any:  # noqa: ANN401 - jsonschema has no types
    return Validator(json.loads((PUBLISHED / f"{wanted.value}.json").read_text(encoding="utf-8")))


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


@pytest.fixture(scope="module")
def samples() -> dict[Format, list[Any]]:
    """Real documents, as JSON values."""
    world = approved()
    signed = people.signed(people.trust())
    request = people.request(reason="because", rollback_until="2026-12-01T00:00:00Z")
    shapes: dict[Format, list[Any]] = {
        Format.ENTRY: [entry.statement(event) for event in world.events()],
        Format.REQUEST: [request],
        Format.APPROVAL: [people.approval(request)],
        Format.TRUST: [people.trust()],
        Format.MANIFEST: [examples.manifest(), world.manifest("1.0.0")],
        Format.POINTER: [examples.pointer(), world.pointer("latest")],
    }
    values = {wanted: [json.loads(document.encode(one)) for one in many] for wanted, many in shapes.items()}
    return values | {Format.SIGNED_TRUST: [json.loads(signed)]}


@pytest.mark.parametrize("wanted", Format)
def test_the_published_schema_is_the_one_of_the_shape(wanted: Format) -> None:
    """To renew one after a change that is meant: delete it, run this test twice, review what it wrote."""
    published = PUBLISHED / f"{wanted.value}.json"
    if not published.exists():
        published.parent.mkdir(exist_ok=True)
        published.write_text(schema(wanted), encoding="utf-8")
        pytest.fail(f"{published} was written: review it")
    assert published.read_text(encoding="utf-8") == schema(wanted)


def test_nothing_else_is_published() -> None:
    assert {path.stem for path in PUBLISHED.iterdir()} == {wanted.value for wanted in Format}


@pytest.mark.parametrize("wanted", Format)
def test_a_schema_is_one_and_takes_real_documents(wanted: Format, samples: dict[Format, list[Any]]) -> None:
    judge = validator(wanted)
    judge.check_schema(judge.schema)
    assert samples[wanted]
    for value in samples[wanted]:
        judge.validate(value)
        read(SHAPES[wanted], value, naming=camel)


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


@pytest.mark.parametrize("wanted", Format)
def test_schema_and_reader_refuse_the_same_documents(wanted: Format, samples: dict[Format, list[Any]]) -> None:
    judge = validator(wanted)
    refused = 0
    for what, value in changed(samples[wanted][-1]):
        mine = taken(wanted, value)
        assert judge.is_valid(value) is mine, what
        refused += not mine
    assert refused > 20
