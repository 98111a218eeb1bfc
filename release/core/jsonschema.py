"""JSON Schema 2020-12 of a declared shape, for editors and for readers in other languages."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, get_args, get_origin

from release.core.shape import Rules, fields, unwrap_optional

_TYPES: Final = {str: "string", int: "integer", bool: "boolean"}


def document(shape: type, *, naming: Callable[[str], str], identifier: str) -> dict[str, Any]:
    """Give the schema of `shape` as a JSON value."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": identifier}
    return head | _table(shape, naming)


def _table(shape: type, naming: Callable[[str], str]) -> dict[str, Any]:
    rows = fields(shape)
    return {
        "type": "object",
        "description": " ".join((shape.__doc__ or "").split()),
        "additionalProperties": False,
        "required": [naming(name) for name, _, _, needed in rows if needed],
        "properties": {naming(name): _value(kind, rules, naming) for name, kind, rules, _ in rows},
    }


def _value(kind: Any, rules: Rules, naming: Callable[[str], str]) -> dict[str, Any]:  # noqa: ANN401
    kind, _ = unwrap_optional(kind)
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        schema = _table(kind, naming)
    elif origin is tuple:
        schema = {"type": "array", "items": _value(get_args(kind)[0], rules, naming), "maxItems": rules.most}
        schema |= {"minItems": rules.minimum} if rules.minimum else {}
    elif origin is Literal:
        schema = {"enum": list(get_args(kind))}
    elif origin is not None and issubclass(origin, Mapping):
        values = _value(get_args(kind)[1], rules, naming)
        schema = {"type": "object", "additionalProperties": values, "maxProperties": rules.most}
        if rules.key_pattern:
            schema["propertyNames"] = {"pattern": f"^(?:{rules.key_pattern})$"}
    else:
        schema = _scalar(kind, rules)
    return {"description": rules.doc, **schema} if rules.doc else schema


def _scalar(kind: type, rules: Rules) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _TYPES[kind]}
    if kind is str:
        schema["maxLength"] = rules.longest
        if rules.pattern:
            schema["pattern"] = f"^(?:{rules.pattern})$"
    if kind is int:
        bounds = {"minimum": rules.minimum, "maximum": rules.maximum}
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    return schema
