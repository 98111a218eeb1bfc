"""What the release log says of the world: all that an audit holds the world against."""

from dataclasses import dataclass, field
from datetime import datetime

from release.core.entry import ORDERED, Event
from release.core.replay import Replay


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """One published version: its manifest's SHA-256, and the commit and tag it was built from."""

    entry: int
    manifest: str
    commit: str | None
    tag: str | None


@dataclass(kw_only=True, slots=True)
class Said:
    """What the entries amount to; its size grows with the versions and channels, not with the entries.

    Attributes:
        size: how many entries the head covers.
        replay: the rules' view of them.
        published: each version.
        authorised: the newest authorising entry of each channel.
        collected: of each channel, the entries that ordered files of it deleted.
        first: when the log began.
    """

    size: int = 0
    replay: Replay = field(default_factory=Replay)
    published: dict[str, Published] = field(default_factory=dict)
    authorised: dict[str, Event] = field(default_factory=dict)
    collected: dict[str, list[Event]] = field(default_factory=dict)
    first: datetime | None = None

    def see(self, event: Event) -> None:
        """Take the next entry."""
        if self.first is None:
            self.first = datetime.fromisoformat(event.occurred_at)
        if event.action == "publish.completed":
            source = event.source
            said = Published(
                entry=event.index,
                manifest=event.manifest,
                commit=source.commit if source else None,
                tag=source.tag if source else None,
            )
            self.published.setdefault(event.version, said)
        elif event.action.endswith(".authorized") and event.channel:
            self.authorised[event.channel] = event
        elif event.action == ORDERED and event.channel:
            self.collected.setdefault(event.channel, []).append(event)
