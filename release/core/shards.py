"""Which customers a job takes care of: shards that stay as they are when customers come and go, of like size."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from release.errors import ConfigError

MOST: Final = 200
_SLACK: Final = 1.1


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several; `number` counts from 1."""

    number: int
    of: int


def parse_shard(text: str) -> Shard:
    """Read `3/8`.

    Raises:
        ConfigError: it is no such thing.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})", text, re.ASCII)
    if not found or int(found[1]) > int(found[2]) or int(found[2]) > MOST:
        raise ConfigError(f"{text!r} is no shard", hint=f"such as 3/8: the third of eight; at most {MOST}")
    return Shard(int(found[1]), int(found[2]))


def members(sizes: Mapping[str, int], of: int) -> list[list[str]]:
    """Divide names into shards.

    Each name goes to the shard that its hash likes best (rendezvous hashing) and that is not full: a shard takes
    10 % more than its share. So one name more or less moves few others, and the same names always lie the same.

    Args:
        sizes: how large each name's work is.
        of: how many shards.

    Returns:
        The names of each shard, in order.
    """
    room = max(math.ceil(_SLACK * sum(sizes.values()) / of), max(sizes.values(), default=0))
    shards: list[list[str]] = [[] for _ in range(of)]
    loads = [0] * of
    # The large first, so that they do not meet full shards; then by hash, which no choice of names can steer together.
    for name in sorted(sizes, key=lambda name: (-sizes[name], _hash(name))):
        liked = sorted(range(of), key=lambda shard: _hash(f"{shard}/{name}"))
        chosen = next((shard for shard in liked if loads[shard] + sizes[name] <= room), liked[0])
        shards[chosen].append(name)
        loads[chosen] += sizes[name]
    return [sorted(names) for names in shards]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:8]
