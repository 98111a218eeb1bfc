"""In what two policies differ, whatever order and form IAM and S3 give them back in.

A single value may stand for a list of one, lists have no order, `{"AWS": "*"}` is `*`, and condition keys have no
case: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html. Nothing else is taken as the
same.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_LISTS: Final = frozenset({"Action", "NotAction", "Resource", "NotResource"})
_PRINCIPALS: Final = frozenset({"Principal", "NotPrincipal"})


def difference(found: object, wanted: Mapping[str, Any]) -> list[str]:
    """Say in what a policy differs from the one that is wanted; empty if it does not."""
    theirs = _statements(found)
    if theirs is None or not isinstance(found, Mapping):
        return ["it is not a policy"]
    lines = [] if found.get("Version") == wanted["Version"] else [f"its Version is {found.get('Version')}"]
    return [*lines, *_compared(theirs, _statements(wanted) or {}), *_surplus(theirs, _statements(wanted) or {})]


def missing(found: object, wanted: Mapping[str, Any]) -> list[str]:
    """Say which statements of `wanted` a policy, which may hold others, lacks or has otherwise."""
    theirs = _statements(found)
    return ["it is not a policy"] if theirs is None else list(_compared(theirs, _statements(wanted) or {}))


def strangers(found: object, wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the statements of a policy whose Sid is none of `wanted`'s."""
    known = _statements(wanted) or {}
    return [one for sid, same in (_statements(found) or {}).items() if sid not in known for one in same]


def listed(statement: Mapping[str, Any], element: str) -> list[str]:
    """Give the values of an element as a list."""
    found = statement.get(element, [])
    return [str(value) for value in found] if isinstance(found, list) else [str(found)]


def _statements(policy: object) -> dict[str, list[Mapping[str, Any]]] | None:
    """Give a policy's statements by Sid, or None if it is no policy."""
    if not isinstance(policy, Mapping):
        return None
    found = policy.get("Statement")
    statements = [found] if isinstance(found, Mapping) else found
    if not isinstance(statements, list) or not all(isinstance(one, Mapping) for one in statements):
        return None
    by_sid: dict[str, list[Mapping[str, Any]]] = {}
    for one in statements:
        by_sid.setdefault(str(one.get("Sid", "")), []).append(one)
    return by_sid


def _compared(
    found: Mapping[str, list[Mapping[str, Any]]], wanted: Mapping[str, list[Mapping[str, Any]]]
) -> Iterator[str]:
    for sid, (ours, *_) in wanted.items():
        if sid not in found:
            yield f"it lacks the statement {sid}"
        for theirs in found.get(sid, ()):
            yield from (f"{sid}: {line}" for line in _elements(theirs, ours))


def _surplus(
    found: Mapping[str, list[Mapping[str, Any]]], wanted: Mapping[str, list[Mapping[str, Any]]]
) -> Iterator[str]:
    for sid, same in found.items():
        if sid not in wanted:
            yield f"it has a statement {sid or 'without Sid'} that is not ours: {json.dumps(same[0])[:300]}"
        elif len(same) > 1:
            yield f"it has the statement {sid} {len(same)} times"


def _elements(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    theirs, ours = _normal(found), _normal(wanted)
    for name in sorted({*theirs, *ours}):
        has, needs = theirs.get(name, frozenset()), ours.get(name, frozenset())
        if more := sorted(has - needs):
            yield f"{name} has besides {', '.join(more)}"
        if less := sorted(needs - has):
            yield f"{name} lacks {', '.join(less)}"


def _normal(statement: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Flatten a statement: name of an element (with what is below it) to its values."""
    flat: dict[str, frozenset[str]] = {}
    for name, value in statement.items():
        if name in _LISTS:
            flat[name] = _values(value)
        elif name in _PRINCIPALS:
            everybody = value == "*"
            for kind, who in ({"AWS": "*"} if everybody or not isinstance(value, Mapping) else value).items():
                flat[f"{name} {kind}"] = _values(who) if everybody or isinstance(value, Mapping) else _values(value)
        elif name == "Condition" and isinstance(value, Mapping):
            for operator, keys in value.items():
                for key, expected in keys.items() if isinstance(keys, Mapping) else [("", keys)]:
                    flat[f"{name} {operator} {key.lower()}"] = _values(expected)
        else:
            flat[name] = _values(value)
    return flat


def _values(value: object) -> frozenset[str]:
    return frozenset(
        item if isinstance(item, str) else json.dumps(item, sort_keys=True)
        for item in (value if isinstance(value, list) else [value])
    )
