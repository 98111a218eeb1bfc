"""The published JSON Schemas say what our own reader says: of real documents, and of hostile ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regress

from release.core.formats import SHAPES, Format, schema
from release.core.shape import camel, read
from tests.fakes.documents import changed, samples, taken

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema"


def pattern(validator: object, wanted: str, found: object, rules: object) -> Iterator[jsonschema.ValidationError]:
    """Match as ECMA-262 does, which JSON Schema asks for (2020-12 core, 6.4): `$` in Python allows a newline."""
    del validator, rules
    if isinstance(found, str) and regress.Regex(wanted, "u").find(found) is None:
        yield jsonschema.ValidationError(f"{found!r} does not match {wanted!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})


def validator(wanted: Format) -> Any:  # noqa: ANN401 - jsonschema has no types
    return Validator(json.loads((PUBLISHED / f"{wanted.value}.json").read_text(encoding="utf-8")))


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
def test_a_schema_is_one_and_takes_real_documents(wanted: Format) -> None:
    judge = validator(wanted)
    judge.check_schema(judge.schema)
    assert samples()[wanted]
    for value in samples()[wanted]:
        judge.validate(value)
        read(SHAPES[wanted], value, naming=camel)


@pytest.mark.parametrize("wanted", Format)
def test_schema_and_reader_refuse_the_same_documents(wanted: Format) -> None:
    judge = validator(wanted)
    refused = 0
    for what, value in changed(samples()[wanted][-1]):
        mine = taken(wanted, value)
        assert judge.is_valid(value) is mine, what
        refused += not mine
    assert refused > 20
