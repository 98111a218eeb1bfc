"""Read one slot of the release log as the leaf that it is."""

from release.core.entry import LARGEST
from release.core.layout import LogLayout
from release.core.slot import void
from release.errors import IntegrityError
from release.ports import ObjectStore


def read_leaf(store: ObjectStore, layout: LogLayout, index: int) -> bytes | None:
    """Give the leaf of a slot, None if the slot was not claimed yet; an object that is too large has a leaf too."""
    key = layout.slot(index)
    try:
        found = store.read(key, limit=LARGEST)
    except IntegrityError:
        info = store.describe(key)
        if info is None or info.size <= LARGEST:
            raise
        return void(index, info.size)
    return found.body if found else None
