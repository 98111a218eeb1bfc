"""What a destructuring pattern takes from a value, name by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from release.core.domains.literals import unescape
from release.core.domains.scope import WriteKind

if TYPE_CHECKING:
    from tree_sitter import Node


DEEPEST: Final = 8


@dataclass(frozen=True, slots=True)
class Target:
    """One name that a pattern writes, or an expression in it that is to be looked at (`expression`)."""

    node: "Node"
    value: "Node | None" = None
    kind: WriteKind = "unknown"
    keys: "tuple[str | int | Node, ...]" = ()
    expression: bool = False


def targets(  # noqa: C901, PLR0912 - one case for each kind of pattern
    pattern: "Node", value: "Node | None", text: "Callable[[Node], str]"
) -> Iterator[Target]:
    """Give what a pattern writes: by the names of properties that lead there."""
    first: WriteKind = "value" if value is not None else "unknown"
    stack: list[tuple[Node, WriteKind, tuple[str | int | Node, ...]]] = [(pattern, first, ())]
    while stack:
        node, kind, keys = stack.pop()
        inner: WriteKind = "unknown" if kind == "unknown" or len(keys) > DEEPEST else "element"
        match node.type:
            case "identifier" | "undefined":
                yield Target(node, value, kind, keys)
            case "shorthand_property_identifier_pattern":
                yield Target(node, value, inner, (*keys, text(node)))
            case "object_pattern":
                stack += [(child, kind, keys) for child in node.named_children]
            case "array_pattern":
                stack += [(child, inner, (*keys, index)) for index, child in enumerate(node.named_children)]
            case "rest_pattern":
                stack += [(child, "unknown", ()) for child in node.named_children]
            case "pair_pattern":
                name, target = node.child_by_field_name("key"), node.child_by_field_name("value")
                if name is not None and target is not None:
                    plain = name.type in {"property_identifier", "string"}
                    if not plain:
                        yield Target(name, expression=True)
                    key = unescape(text(name).strip("\"'")) if plain else name.named_children[0]
                    stack.append((target, inner, (*keys, key)))
            case "assignment_pattern" | "object_assignment_pattern":
                left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
                if left is not None and right is not None:
                    stack.append((left, kind, keys))
                    yield Target(right, expression=True)
                    if "identifier" in left.type:
                        yield Target(left, right, "value")
            case _:
                yield Target(node, value, kind, keys, expression=True)
