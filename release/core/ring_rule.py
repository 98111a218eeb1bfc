"""The rule that a ring's promotion was held to, as the entry that authorises it says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from release.core.layout import CHANNEL
from release.core.shape import rule

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_SOAK: Final = 24 * 90
HOURS: Final = 24
HOUR: Final[Mapping[str, int]] = {"minimum": 0, "maximum": HOURS}


@dataclass(frozen=True, kw_only=True, slots=True)
class RingRule:
    """What a version must have done before this ring may take it. `after` is the ring before; None for the first.

    `waived` says that an emergency passed the soak, the days and the gate; the order holds even then.
    """

    after: str | None = rule(None, pattern=CHANNEL, means="a channel's name")
    soak_hours: int = rule(0, minimum=0, maximum=LONGEST_SOAK)
    days: tuple[Day, ...] = rule((), most=7)
    from_hour: int = rule(0, **HOUR)
    until_hour: int = rule(HOURS, **HOUR)
    gate: bool = False
    waived: bool = False

    def soaked(self, since: datetime) -> datetime:
        """Give when a version that came onto the ring before at this time has been there for long enough."""
        return since + timedelta(hours=self.soak_hours)

    def works(self, at: datetime) -> bool:
        """Tell whether promotions are permitted at a time, which is in UTC."""
        day = not self.days or DAYS[at.weekday()] in self.days
        return day and self.from_hour <= at.hour < self.until_hour

    def working_time(self) -> str:
        """Say when promotions are permitted, for people."""
        days = ", ".join(self.days) if self.days else "every day"
        return f"{days}, {self.from_hour:02}:00 to {self.until_hour:02}:00 UTC"

    def said(self) -> str:
        """Say the whole rule, for people."""
        order = f"after {self.after}, {self.soak_hours} hours there" if self.after else "the first"
        gate = "; its gate was asked" if self.gate and not self.waived else ""
        return f"{order}; {self.working_time()}{gate}{'; all but the order waived' if self.waived else ''}"
