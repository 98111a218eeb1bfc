"""The syntax tree of a script (https://tree-sitter.github.io/tree-sitter/), which is made without running it."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language, Node, Query


@cache
def javascript() -> "Language":
    """Give the grammar."""
    import tree_sitter_javascript  # noqa: PLC0415 - only checks read scripts
    from tree_sitter import Language  # noqa: PLC0415

    return Language(tree_sitter_javascript.language())


def query(patterns: str) -> "Query":
    """Make a query of patterns, each with one capture."""
    from tree_sitter import Query  # noqa: PLC0415

    return Query(javascript(), patterns)


def captured(query_: "Query", node: "Node") -> "Iterator[tuple[str, Node]]":
    """Give (name of the capture, node) of all that a query finds, by name."""
    from tree_sitter import QueryCursor  # noqa: PLC0415

    for name, nodes in QueryCursor(query_).captures(node).items():
        for found in nodes:
            yield name, found
