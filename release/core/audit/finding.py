"""What an audit looks at, and what it finds."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from release.errors import (
    BrokenRuleError,
    DriftError,
    EvidenceError,
    LogError,
    ReleaseError,
    StaleError,
    TamperedError,
    VerificationError,
)

Area = Literal["log", "objects", "progress", "trust", "site", "channels", "cdn", "git", "changelog", "keys"]
AREAS: Final[tuple[Area, ...]] = get_args(Area)

GRAVEST: Final[tuple[type[ReleaseError], ...]] = (
    TamperedError,
    BrokenRuleError,
    EvidenceError,
    LogError,
    StaleError,
    DriftError,
    VerificationError,
)
"""With which error an audit ends: the first of these that anything was found of."""

Grade = Literal["drift", "soon", "unjudged"]
"""Not as it must be; not wrong yet, but it will be or is under way; not looked at, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing an audit says. `error` is the class of error that it amounts to, if it is drift."""

    what: str
    grade: Grade = "drift"
    error: type[ReleaseError] = DriftError


def drift(what: str, error: type[ReleaseError] = DriftError) -> Finding:
    """Say what is not as it must be."""
    return Finding(what=what, error=error)


def soon(what: str) -> Finding:
    """Say what is not wrong yet."""
    return Finding(what=what, grade="soon")


def unjudged(what: str) -> Finding:
    """Say what was not looked at, and why."""
    return Finding(what=what, grade="unjudged")
