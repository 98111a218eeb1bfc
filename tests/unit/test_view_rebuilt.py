"""The head and the tiles are derived: lost, they are made again from the slots, byte for byte."""

import pytest

from release.errors import LogError
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.test_growth import LAYOUT, grown, record, tree, yank

ENTRIES = 258


def lose(bucket: InMemoryObjectStore, *starts: str) -> int:
    lost = [key for key in bucket.bodies() if key.removeprefix(LAYOUT.prefix).startswith(starts)]
    for key in lost:
        bucket.remove(key)
    return len(lost)


def test_a_lost_view_is_rebuilt_byte_for_byte_and_the_next_entry_is_the_same() -> None:
    bucket, twin = grown(ENTRIES), grown(ENTRIES)
    before = bucket.bodies()
    archived = len([key for key in before if "/checkpoints/" in key])
    assert lose(bucket, "tile/", "checkpoint") - archived > 2 * ENTRIES
    assert tree(bucket).repair() == ENTRIES
    assert bucket.bodies() == before == twin.bodies()
    assert record(bucket, yank("9.9.9")) == record(twin, yank("9.9.9"))
    assert bucket.bodies() == twin.bodies()


def test_a_head_without_its_tiles_is_not_taken_for_a_lost_view() -> None:
    """Whoever lost tiles only says so by giving up the head too."""
    bucket = grown(3)
    lose(bucket, "tile/")
    with pytest.raises(LogError, match="is missing"):
        tree(bucket).repair()
