"""A clock that moves only when it is told to."""

from datetime import UTC, datetime, timedelta
from typing import Final

MIDNIGHT: Final = datetime(2026, 11, 24, tzinfo=UTC)


class StoppedClock:
    """Implements `ports.Clock`; to sleep is to move on, and `slept` says how often and how long."""

    def __init__(self, start: datetime = MIDNIGHT) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)
