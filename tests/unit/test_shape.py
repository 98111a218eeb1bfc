from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.shape import Problem, ShapeError, camel, dotted, kebab, plain, read, rule
from tests.fakes.strategies import TEXTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    size: int = rule(minimum=10, maximum=40)
    brand_name: str = rule("none", pattern="[a-z]+", means="a brand", longest=100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Car:
    name: str = rule(doc="What people call it.")
    kind: Literal["van", "bus"]
    wheels: tuple[Wheel, ...] = rule((), most=4)
    codes: tuple[str, ...] = rule(("x",), minimum=1, pattern="[a-z]")
    colours: Mapping[str, int] = rule(dict, key_pattern="[a-z]+", key_means="a colour", most=3)
    owner: str | None = None
    sold: bool = False
    class_: str = rule("b")


GOOD: Mapping[str, object] = {"name": "Emma", "kind": "bus"}

BAD = {
    "no table": (["Emma"], "(top)", "must be a table, is a list"),
    "unknown name": ({**GOOD, "colors": {}}, "colors", "unknown name; did you mean 'colours'?"),
    "unknown name like no other": ({**GOOD, "zzz": 1}, "zzz", "unknown name"),
    "missing": ({"kind": "bus"}, "name", "is missing: What people call it."),
    "missing without a description": ({"name": "Emma"}, "kind", "is missing"),
    "number for text": ({**GOOD, "name": 5}, "name", "must be text, is a whole number"),
    "fraction for text": ({**GOOD, "name": 0.5}, "name", "must be text, is a float"),
    "boolean for a number": ({**GOOD, "wheels": [{"size": True}]}, "wheels[0].size", "must be a whole number, is true"),
    "number for a boolean": ({**GOOD, "sold": 1}, "sold", "must be true or false, is a whole number"),
    "text for a list": ({**GOOD, "codes": "abc"}, "codes", "must be a list, is text"),
    "list for a table": ({**GOOD, "colours": []}, "colours", "must be a table, is a list"),
    "text for a table in a list": ({**GOOD, "wheels": ["big"]}, "wheels[0]", "must be a table, is text"),
    "too small": ({**GOOD, "wheels": [{"size": 9}]}, "wheels[0].size", "must be at least 10"),
    "too large": ({**GOOD, "wheels": [{"size": 20}, {"size": 41}]}, "wheels[1].size", "must be at most 40"),
    "too many": ({**GOOD, "wheels": [{"size": 20}] * 5}, "wheels", "has 5 items, at most 4 are allowed"),
    "too few": ({**GOOD, "codes": []}, "codes", "must have at least 1 item(s)"),
    "too long": ({**GOOD, "name": "x" * 1025}, "name", "is longer than 1024 characters"),
    "no such choice": ({**GOOD, "kind": "vam"}, "kind", "must be one of van, bus; did you mean 'van'?"),
    "a list for a choice": ({**GOOD, "kind": ["van"]}, "kind", "must be one of van, bus"),
    "pattern": ({**GOOD, "wheels": [{"size": 10, "brandName": "A1"}]}, "wheels[0].brandName", "'A1' is not a brand"),
    "pattern, then a line end": ({**GOOD, "codes": ["a\n"]}, "codes[0]", "'a\\n' is not [a-z]"),
    "name of a map": ({**GOOD, "colours": {"RED": 1}}, "colours.RED", "is not a colour"),
    "value of a map": ({**GOOD, "colours": {"red": "1"}}, "colours.red", "must be a whole number, is text"),
    "too many names": ({**GOOD, "colours": dict.fromkeys("abcd", 1)}, "colours", "has 4 names, at most 3 are allowed"),
    "null": ({**GOOD, "owner": None}, "owner", "must be text"),
}


@pytest.mark.parametrize(("value", "place", "message"), BAD.values(), ids=BAD.keys())
def test_what_has_not_the_shape_is_refused_with_its_place(value: object, place: str, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        read(Car, value, naming=camel)
    (problem,) = caught.value.problems
    assert dotted(problem.place) == place
    assert problem.message.startswith(message)


def test_all_problems_are_told_at_once() -> None:
    value = {"nmae": "Emma", "kind": "bus", "wheels": [{"size": 1}, {"size": 20, "brandName": "?"}], "sold": "no"}
    with pytest.raises(ShapeError) as caught:
        read(Car, value, naming=camel)
    assert caught.value.problems == (
        Problem(("nmae",), "unknown name; did you mean 'name'?"),
        Problem(("name",), "is missing: What people call it."),
        Problem(("wheels", 0, "size"), "must be at least 10"),
        Problem(("wheels", 1, "brandName"), "'?' is not a brand"),
        Problem(("sold",), "must be true or false, is text"),
    )
    assert str(caught.value).startswith("nmae: unknown name; did you mean 'name'?; name: is missing")


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(ShapeError) as caught:
        read(Wheel, {"size": 20, "brandName": "?" * 100}, naming=camel)
    assert caught.value.problems[0].message == f"'{'?' * 77}...' is not a brand"


def test_what_is_absent_has_its_default() -> None:
    assert read(Car, GOOD, naming=camel) == Car(name="Emma", kind="bus")


def test_two_shapes_share_no_default_map() -> None:
    one, other = read(Car, GOOD, naming=camel), read(Car, GOOD, naming=camel)
    assert one.colours is not other.colours


cars = st.builds(
    Car,
    name=TEXTS,
    kind=st.sampled_from(["van", "bus"]),
    wheels=st.lists(st.builds(Wheel, size=st.integers(10, 40), brand_name=st.just("acme")), max_size=4).map(tuple),
    codes=st.lists(st.sampled_from("abc"), min_size=1).map(tuple),
    colours=st.dictionaries(st.sampled_from(["red", "blue"]), st.integers()),
    owner=st.none() | TEXTS,
    sold=st.booleans(),
    class_=TEXTS,
)


@pytest.mark.parametrize("naming", [camel, kebab])
@given(car=cars)
def test_what_is_written_plainly_is_read_back(naming: Callable[[str], str], car: Car) -> None:
    written: Any = plain(car, naming=naming)
    assert read(Car, written, naming=naming) == car
    assert ("owner" in written) is (car.owner is not None)


@pytest.mark.parametrize(
    ("field", "toml", "json"),
    [
        ("name", "name", "name"),
        ("max_age", "max-age", "maxAge"),
        ("global_", "global", "global"),
        ("type_", "type", "type"),
        ("s_maxage", "s-maxage", "sMaxage"),
    ],
)
def test_a_field_has_one_name_in_toml_and_one_in_json(field: str, toml: str, json: str) -> None:
    assert (kebab(field), camel(field)) == (toml, json)


def test_a_leading_underscore_stays_in_json() -> None:
    assert camel("_type") == "_type"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ((), "(top)"),
        (("channels", "latest", "accepts"), "channels.latest.accepts"),
        (("artifacts", 3, "path"), "artifacts[3].path"),
    ],
)
def test_a_place_is_written_for_people(place: tuple[str | int, ...], text: str) -> None:
    assert dotted(place) == text
