"""Visitors of customers' pages: they load pages as browsers do, and caches keep what they were asked for."""

from collections.abc import Callable
from itertools import product
from typing import Final

from tests.fakes.scenario import World

Load = Callable[[str], bytes | None]
ENTRIES: Final = ("tag.esm.min.js", "tag.min.js")


def browse(world: World) -> None:
    """Let visitors load every page of every channel, so that the cache holds it; they ask for nothing else."""
    for channel in world.slots().tail().state.channels:
        warm, _ = loaders(world)
        for entry in ENTRIES:
            page(world, channel, entry, warm, warm)
        if world.pointer(channel):
            warm(world.config.layout.pointer(channel))


def loaders(world: World) -> tuple[Load, Load]:
    """Give two ways to load: by the cache that visitors asked before, and by one that nobody asked anything."""

    def warm(key: str) -> bytes | None:
        got = world.fetch(f"/{key}")
        return got.body if got.status == 200 else None

    return warm, world.site.bodies().get


def page(world: World, channel: str, entry: str, loads_entry: Load, loads_chunks: Load) -> set[str] | None:
    """Load an entry and the chunks of its version, as a browser does; gives the versions that it may be.

    None: there is no such entry.
    """
    key = world.config.layout.channel_file(channel, entry)
    if key not in world.site.bodies():
        return None
    body = loads_entry(key)
    found = {version for version in world.bundles if world.bundle(version).get(entry) == body}
    for version in found:
        for path, expected in world.bundle(version).items():
            if path.startswith("chunks/"):
                loaded = loads_chunks(world.config.layout.channel_file(channel, path))
                assert loaded == expected, f"{channel} is torn: {entry} of {version}, {path}"
    return found


def pages(world: World, channel: str) -> dict[str, set[str]]:
    """Load every entry of a channel in every way; gives the versions that pages may get, by entry."""
    found: dict[str, set[str]] = {}
    for (entry, chunks), path in product(product(loaders(world), repeat=2), ENTRIES):
        versions = page(world, channel, path, entry, chunks)
        if versions is not None:
            assert versions, f"{channel}/{path} is of no version"
            found.setdefault(path, set()).update(versions)
    return found
