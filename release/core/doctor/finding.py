"""What a look at a project finds: each thing that was asked, its answer, why it matters and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["ok", "advice", "missing", "unknown"]
"""As it should be; safe without it, safer with it; not as it must be; not to be told, so never taken for ok."""

GRAVEST: Final[tuple[Level, ...]] = ("missing", "unknown", "advice", "ok")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One answer.

    Attributes:
        check: what was asked, in a word or two that stay the same.
        what: what is the case.
        why: what can happen because of it; empty if it is ok.
        mend: the exact place or command; empty if it is ok.
    """

    level: Level
    check: str
    what: str
    why: str = ""
    mend: str = ""


def ok(check: str, what: str) -> Finding:
    """Say what is as it should be."""
    return Finding(level="ok", check=check, what=what)


def advice(check: str, what: str, why: str, mend: str) -> Finding:
    """Say what could be safer."""
    return Finding(level="advice", check=check, what=what, why=why, mend=mend)


def missing(check: str, what: str, why: str, mend: str) -> Finding:
    """Say what is not as it must be."""
    return Finding(level="missing", check=check, what=what, why=why, mend=mend)


def unknown(check: str, why: str, mend: str) -> Finding:
    """Say what could not be told."""
    return Finding(level="unknown", check=check, what="not to be told", why=why, mend=mend)


def gravest(findings: Iterable[Finding]) -> Level:
    """Give the gravest level among findings; `ok` if there are none."""
    levels = {finding.level for finding in findings}
    return next((level for level in GRAVEST if level in levels), "ok")
