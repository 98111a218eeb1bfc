"""A period of whole days in UTC, both of its ends included; an end that is not named is open."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Self

from release.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of `first` to the end of `last`."""

    first: date | None = None
    last: date | None = None

    @classmethod
    def of(cls, first: str | None, last: str | None) -> Self:
        """Read two days such as 2026-11-24.

        Raises:
            ConfigError: one is none, or they are in the wrong order.
        """
        made = cls(None if first is None else day(first), None if last is None else day(last))
        if made.first and made.last and made.first > made.last:
            raise ConfigError(f"the period ends on {made.last}, before it begins on {made.first}")
        return made

    @property
    def start(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first or date.min, time.min, UTC)

    @property
    def end(self) -> datetime:
        """The last moment."""
        return datetime.combine(self.last or date.max, time.max, UTC)

    def __str__(self) -> str:
        """Say it."""
        return f"{self.first or 'the beginning'} to {self.last or 'the newest entry'}"


def day(text: str) -> date:
    """Read a day such as 2026-11-24.

    Raises:
        ConfigError: it is none.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError as why:
        raise ConfigError(f"{text!r} is no day such as 2026-11-24") from why
    if found.isoformat() != text:  # since Python 3.11 also 20261124 and 2026-W48-2
        raise ConfigError(f"{text!r} is no day such as 2026-11-24")
    return found
