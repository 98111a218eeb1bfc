"""The ECMAScript level that a script's syntax needs (https://tc39.es/ecma262/, one edition a year).

Only syntax: whether a browser has `Array.prototype.at` cannot be seen here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from release.core.domains.script import parse
from release.core.script.tree import captured, query

if TYPE_CHECKING:
    from tree_sitter import Node, Query

LATEST: Final = 9999
"""The level `esnext`."""
MOST: Final = 20
"""Places that are given."""

_PATTERNS: Final = """
(binary_expression operator: "**") @exponent
(augmented_assignment_expression operator: "**=") @exponent
(function_declaration "async") @async
(function_expression "async") @async
(arrow_function "async") @async
(method_definition "async") @async
(generator_function_declaration "async") @async_generator
(generator_function "async") @async_generator
(method_definition "async" "*") @async_generator
(for_in_statement "await") @async_iteration
(object (spread_element)) @object_spread
(object_pattern (rest_pattern)) @object_spread
(catch_clause !parameter) @catch_without_binding
(optional_chain) @optional_chaining
(binary_expression operator: "??") @nullish
(call_expression function: (import)) @dynamic_import
(namespace_export) @namespace_export
(meta_property) @meta
(augmented_assignment_expression operator: ["??=" "||=" "&&="]) @logical_assignment
(field_definition) @class_field
(private_property_identifier) @private_name
(class_static_block) @static_block
(hash_bang_line) @hashbang
(import_attribute) @import_attributes
(await_expression) @await
(number) @number
(regex) @regex
"""
_YEARS: Final = {
    "exponent": (2016, "the operator **"),
    "async": (2017, "an async function"),
    "async_generator": (2018, "an async generator"),
    "async_iteration": (2018, "for await"),
    "object_spread": (2018, "spread or rest in an object"),
    "catch_without_binding": (2019, "catch without a binding"),
    "optional_chaining": (2020, "optional chaining"),
    "nullish": (2020, "the operator ??"),
    "dynamic_import": (2020, "import()"),
    "namespace_export": (2020, "export * as"),
    "logical_assignment": (2021, "a logical assignment"),
    "class_field": (2022, "a class field"),
    "private_name": (2022, "a private name"),
    "static_block": (2022, "a static block"),
    "hashbang": (2023, "a hashbang"),
    "import_attributes": (2025, "import attributes"),
}
_FLAGS: Final = {"s": (2018, "the flag s"), "d": (2022, "the flag d"), "v": (2024, "the flag v")}
_IN_REGEX: Final = (
    (re.compile(rb"\(\?<[=!]"), (2018, "lookbehind")),
    (re.compile(rb"\(\?<[A-Za-z_$\\]"), (2018, "a named group")),
    (re.compile(rb"\\[pP]\{"), (2018, "a Unicode property")),
    (re.compile(rb"\(\?[ims-]+:"), (2025, "modifiers")),
)
_FUNCTIONS: Final = frozenset(
    {
        "function_declaration",
        "function_expression",
        "arrow_function",
        "method_definition",
        "generator_function",
        "generator_function_declaration",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Newer:
    """Syntax that is newer than promised; `offset` is of its first byte."""

    offset: int
    year: int
    what: str


def newer_than(source: bytes, year: int) -> list[Newer]:
    """Give the syntax of a script that came after a year's edition, each kind once where it is first, at most `MOST`.

    Args:
        source: the script.
        year: such as 2020; `LATEST` for no limit.
    """
    if year == LATEST:
        return []
    first: dict[str, Newer] = {}
    for name, node in captured(_query(), parse(source).root_node):
        for came, what in _came(name, node):
            if came > year and (what not in first or node.start_byte < first[what].offset):
                first[what] = Newer(offset=node.start_byte, year=came, what=what)
    return sorted(first.values(), key=lambda found: found.offset)[:MOST]


def year_of(target: str) -> int:
    """Give the year of a target such as `es2020`; `LATEST` for `esnext`."""
    return LATEST if target == "esnext" else int(target.removeprefix("es"))


@cache
def _query() -> "Query":
    return query(_PATTERNS)


def _came(name: str, node: "Node") -> Iterator[tuple[int, str]]:
    if name in _YEARS:
        yield _YEARS[name]
    else:
        yield from _BY_TEXT[name](node)


def _of_number(node: "Node") -> Iterator[tuple[int, str]]:
    text = node.text or b""
    if text.endswith(b"n"):
        yield 2020, "a BigInt"
    if b"_" in text:
        yield 2021, "a numeric separator"


def _of_regex(node: "Node") -> Iterator[tuple[int, str]]:
    flags = node.child_by_field_name("flags")
    for flag in (flags.text or b"").decode("utf-8", "replace") if flags else "":
        if flag in _FLAGS:
            yield _FLAGS[flag]
    pattern = node.child_by_field_name("pattern")
    text = (pattern.text or b"") if pattern else b""
    yield from (found for expression, found in _IN_REGEX if expression.search(text))


def _of_meta(node: "Node") -> Iterator[tuple[int, str]]:
    if (node.text or b"").startswith(b"import"):
        yield 2020, "import.meta"


def _of_await(node: "Node") -> Iterator[tuple[int, str]]:
    above = node.parent
    while above is not None and above.type not in _FUNCTIONS:
        above = above.parent
    if above is None:
        yield 2022, "await at the top"


_BY_TEXT: Final[dict[str, Callable[["Node"], Iterator[tuple[int, str]]]]] = {
    "number": _of_number,
    "regex": _of_regex,
    "meta": _of_meta,
    "await": _of_await,
}
