"""Declared shapes: a frozen dataclass is the one declaration of a file format.

`read` turns parsed TOML or JSON into the dataclass and reports every problem with
its place; `plain` is its inverse; `json_schema` publishes the same declaration for editors.
"""

import dataclasses
import difflib
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Place = tuple[str | int, ...]

_RULES: Final = "rules"
_known: Final[dict[type, list[tuple[str, Any, "Rules", bool]]]] = {}
_named: Final[dict[tuple[type, Callable[[str], str]], dict[str, tuple[str, Any, "Rules", bool]]]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a value must be besides its type.

    `pattern` matches the whole string; a `required` field must be given even if it has a default.
    """

    doc: str = ""
    pattern: str = ""
    means: str = ""
    minimum: int | None = None
    maximum: int | None = None
    longest: int = 1024
    most: int = 1000
    required: bool = False
    key_pattern: str = ""
    key_means: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    place: Place
    message: str


class ShapeError(Exception):
    """The value does not have the shape; carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{dotted(p.place)}: {p.message}" for p in problems))
        self.problems = tuple(problems)


def rule(default: Any = MISSING, **rules: Any) -> Any:  # noqa: ANN401 - stands where dataclasses.field stands
    """Declare a field with rules; keyword arguments are those of `Rules`."""
    metadata = {_RULES: Rules(**rules)}
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def kebab(name: str) -> str:
    """Name a field as TOML files do: `max_age` is `max-age`."""
    return name.rstrip("_").replace("_", "-")


def camel(name: str) -> str:
    """Name a field as JSON files do: `max_age` is `maxAge`, `_type` stays."""
    if name.startswith("_"):
        return "_" + camel(name[1:])
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


def dotted(place: Place) -> str:
    """Write a place for people: `channels.latest.accepts`, `artifacts[3].path`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "(top)"


def read(shape: type[T], value: object, *, naming: Callable[[str], str]) -> T:
    """Give `value` as an instance of `shape`.

    Raises:
        ShapeError: with all problems, unknown names included.
    """
    problems: list[Problem] = []
    found = _Reader(naming, problems).table(shape, value, ())
    if problems or found is None:
        raise ShapeError(problems)
    return found


def plain(instance: object, *, naming: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Give a shape as dicts, lists, strings and numbers; fields that are None are left out."""
    if dataclasses.is_dataclass(instance):
        pairs = ((f.name, getattr(instance, f.name)) for f in dataclasses.fields(instance))
        return {naming(name): plain(value, naming=naming) for name, value in pairs if value is not None}
    if isinstance(instance, Mapping):
        return {key: plain(value, naming=naming) for key, value in instance.items()}
    if isinstance(instance, tuple | list):
        return [plain(value, naming=naming) for value in instance]
    return instance


def fields(shape: type) -> list[tuple[str, Any, Rules, bool]]:
    """List a shape's fields as (name, type, rules, required)."""
    if shape not in _known:
        hints = get_type_hints(shape)
        _known[shape] = [
            (
                field.name,
                hints[field.name],
                _rules(field),
                _rules(field).required or (field.default is MISSING and field.default_factory is MISSING),
            )
            for field in dataclasses.fields(shape)
        ]
    return _known[shape]


def _rules(field: "dataclasses.Field[Any]") -> Rules:
    found: Rules = field.metadata.get(_RULES, Rules())
    return found


def unwrap_optional(kind: Any) -> tuple[Any, bool]:  # noqa: ANN401 - a type expression is Any
    """Split `X | None` into (X, True); any other type is (itself, False)."""
    if get_origin(kind) in {Union, types.UnionType}:
        (inner,) = [arg for arg in get_args(kind) if arg is not type(None)]
        return inner, True
    return kind, False


def _by_outer_name(shape: type, naming: Callable[[str], str]) -> dict[str, tuple[str, Any, Rules, bool]]:
    """Give a shape's fields by the names that a file has for them; None is no value of a file."""
    found = _named.get((shape, naming))
    if found is None:
        found = _named[shape, naming] = {
            naming(name): (name, unwrap_optional(kind)[0], rules, needed) for name, kind, rules, needed in fields(shape)
        }
    return found


@cache
def _sort(kind: Any) -> tuple[Literal["table", "list", "map", "choice"], tuple[Any, ...]]:  # noqa: ANN401
    """Tell what a type stands for, and the types or values in it."""
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return "table", ()
    if origin is tuple:
        return "list", get_args(kind)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return "map", get_args(kind)
    if origin is Literal:
        return "choice", get_args(kind)
    raise TypeError(kind)


@cache
def _compiled(pattern: str) -> "re.Pattern[str]":
    return re.compile(pattern, re.ASCII)


class _Reader:
    """Walks a value along a shape and collects problems; gives None where there are any."""

    def __init__(self, naming: Callable[[str], str], problems: list[Problem]) -> None:
        self._naming = naming
        self._problems = problems

    def _bad(self, place: Place, message: str) -> Any:  # noqa: ANN401 - stands for the value that is not there
        self._problems.append(Problem(place, message))
        return None

    def table(self, shape: type[T], value: object, place: Place) -> T | None:
        if not isinstance(value, Mapping):
            self._bad(place, f"must be a table, is {_kind(value)}")
            return None
        before = len(self._problems)
        known = _by_outer_name(shape, self._naming)
        for name in value:
            if name not in known:
                self._bad((*place, str(name)), f"unknown name{_did_you_mean(str(name), known)}")
        given: dict[str, object] = {}
        for outer, (inner, kind, rules, needed) in known.items():
            if outer in value:
                given[inner] = self.value(kind, rules, value[outer], (*place, outer))
            elif needed:
                self._bad((*place, outer), f"is missing{f': {rules.doc}' if rules.doc else ''}")
        return shape(**given) if len(self._problems) == before else None

    def value(self, kind: Any, rules: Rules, value: object, place: Place) -> object:  # noqa: ANN401
        if kind is str or kind is int or kind is bool:
            return self._scalar(kind, rules, value, place)
        sort, inner = _sort(kind)
        match sort:
            case "table":
                return self.table(kind, value, place)
            case "list":
                return self._list(inner[0], rules, value, place)
            case "map":
                return self._map(inner[1], rules, value, place)
            case "choice":
                return self._choice(inner, value, place)

    def _list(self, kind: Any, rules: Rules, value: object, place: Place) -> object:  # noqa: ANN401
        if not isinstance(value, list):
            return self._bad(place, f"must be a list, is {_kind(value)}")
        if len(value) > rules.most:
            return self._bad(place, f"has {len(value)} items, at most {rules.most} are allowed")
        if len(value) < (rules.minimum or 0):
            return self._bad(place, f"must have at least {rules.minimum} item(s)")
        return tuple(self.value(kind, rules, item, (*place, i)) for i, item in enumerate(value))

    def _map(self, kind: Any, rules: Rules, value: object, place: Place) -> object:  # noqa: ANN401
        if not isinstance(value, Mapping):
            return self._bad(place, f"must be a table, is {_kind(value)}")
        if len(value) > rules.most:
            return self._bad(place, f"has {len(value)} names, at most {rules.most} are allowed")
        for name in value:
            if rules.key_pattern and not _compiled(rules.key_pattern).fullmatch(str(name)):
                self._bad((*place, str(name)), f"is not {rules.key_means or rules.key_pattern}")
        return {str(name): self.value(kind, rules, item, (*place, str(name))) for name, item in value.items()}

    def _choice(self, choices: tuple[object, ...], value: object, place: Place) -> object:
        if value not in choices or isinstance(value, bool) is not any(isinstance(c, bool) for c in choices):
            words = {str(choice): None for choice in choices}
            hint = _did_you_mean(str(value), words)
            return self._bad(place, f"must be one of {', '.join(words)}{hint}")
        return value

    def _scalar(self, kind: type, rules: Rules, value: object, place: Place) -> object:
        if type(value) is not kind:
            return self._bad(place, f"must be {_NAMES[kind]}, is {_kind(value)}")
        if isinstance(value, str):
            if len(value) > rules.longest:
                return self._bad(place, f"is longer than {rules.longest} characters")
            if rules.pattern and not _compiled(rules.pattern).fullmatch(value):
                shown = value if len(value) <= 80 else value[:77] + "..."  # noqa: PLR2004 - one terminal line
                return self._bad(place, f"{shown!r} is not {rules.means or rules.pattern}")
        elif isinstance(value, int) and not isinstance(value, bool):
            if rules.minimum is not None and value < rules.minimum:
                return self._bad(place, f"must be at least {rules.minimum}")
            if rules.maximum is not None and value > rules.maximum:
                return self._bad(place, f"must be at most {rules.maximum}")
        return value


_NAMES: Final = {str: "text", int: "a whole number", bool: "true or false"}


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def _did_you_mean(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
