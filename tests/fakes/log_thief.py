"""The holder of the record role and of the log's key: he writes another history, sound in itself, and signs it.

What he cannot do is sign an approval, or take back what other people kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from release.core.entry import ChannelState, Event, Previous, State, leaf_hash
from tests.fakes import log_files
from tests.fakes.examples import sealed
from tests.fakes.scenario import World

Files = dict[str, bytes]


def history(events: Sequence[Event]) -> list[bytes]:
    """Chain events anew, in this order and with these changes: indices, references and leaf hashes all fit."""
    places = {event.index: index for index, event in enumerate(events)}
    times = sorted(event.occurred_at for event in events)
    found: list[bytes] = []
    for index, event in enumerate(events):
        moved = replace(
            event,
            index=index,
            occurred_at=times[index],
            outcome_of=None if event.outcome_of is None else places[event.outcome_of],
            prev=Previous(index=index - 1, leaf_hash=leaf_hash(found[-1])) if found else None,
            before=_channel(event.before, places) if event.before else None,
            after=_state(_after(events, index), places),
        )
        found.append(sealed(moved))
    return found


def forged(world: World, bodies: Sequence[bytes], *, archive: bool = True) -> Files:
    """Sign a history as the log, with all that a copy of it has; evidence and trust epochs are the true ones."""
    root = world.config.log_layout.prefix
    held = {key.removeprefix(root): body for key, body in world.log.bodies().items()}
    rest = {path: body for path, body in held.items() if path.startswith(("evidence/", "trust/"))}
    return log_files.files(bodies, archive=archive) | rest


def _after(events: Sequence[Event], index: int) -> State:
    """What changes no state leaves it as the entry that now stands before it."""
    for event in reversed(events[: index + 1]):
        if event.action != "publish.completed":
            return event.after
    return State()


def _state(state: State, places: Mapping[int, int]) -> State:
    return replace(
        state,
        channels={name: _channel(channel, places) for name, channel in state.channels.items()},
        yanked={version: places[entry] for version, entry in state.yanked.items() if entry in places},
        reviews={str(places[int(entry)]): due for entry, due in state.reviews.items()},
    )


def _channel(channel: ChannelState, places: Mapping[int, int]) -> ChannelState:
    concluded = None if channel.concluded is None else places[channel.concluded]
    return replace(channel, entry=places[channel.entry], concluded=concluded)
