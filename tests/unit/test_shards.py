import pytest

from release.core.shards import Shard, members, parse_shard
from release.errors import ConfigError

NAMES = {f"customer-{n}": 1000 + n % 500 for n in range(10_000)}


def test_every_name_is_in_exactly_one_shard_and_the_same_one_each_time() -> None:
    shards = members(NAMES, 40)
    assert sorted(name for names in shards for name in names) == sorted(NAMES)
    assert members(dict(reversed(NAMES.items())), 40) == shards


def test_shards_are_of_like_size() -> None:
    loads = [sum(NAMES[name] for name in names) for names in members(NAMES, 40)]
    assert max(loads) <= 1.11 * sum(loads) / len(loads)
    assert min(loads) >= 0.8 * sum(loads) / len(loads)


def test_one_customer_more_moves_few_others() -> None:
    before = {name: shard for shard, names in enumerate(members(NAMES, 40)) for name in names}
    after = {name: shard for shard, names in enumerate(members({**NAMES, "one-more": 1200}, 40)) for name in names}
    moved = [name for name, shard in before.items() if after[name] != shard]
    assert len(moved) < len(NAMES) * 0.02


def test_one_giant_has_room_and_few_names_fill_few_shards() -> None:
    shards = members({"giant": 10**9, "a": 1, "b": 1}, 3)
    assert sorted(name for names in shards for name in names) == ["a", "b", "giant"]
    assert members({}, 2) == [[], []]


def test_a_shard_is_read_or_refused() -> None:
    assert parse_shard("3/8") == Shard(3, 8)
    for text in ("0/8", "9/8", "3/201", "3", "a/b", "3/8/1", "-1/3", "", "3/08"):
        with pytest.raises(ConfigError, match="is no shard"):
            parse_shard(text)
