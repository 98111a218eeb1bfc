"""Audit: go through all areas, whatever is found in the ones before, and say how each stands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from release.core.audit.finding import GRAVEST, Area, Finding
from release.errors import ReleaseError
from release.ports import Console

MOST: Final = 1000
"""Findings of one area that are kept; more are only counted."""

Look = Callable[[], Iterable[Finding]]
"""Looks at one area. A ReleaseError means that it could not be looked at, or not to its end."""

State = Literal["ok", "drift", "unread"]


@dataclass(kw_only=True, slots=True)
class AreaReport:
    """How one area stands. `unread` says why it could not be looked at to its end; then it is not fine."""

    area: Area
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0
    unread: ReleaseError | None = None

    @property
    def state(self) -> State:
        """The area in a word."""
        if self.of("drift"):
            return "drift"
        return "unread" if self.unread else "ok"

    def of(self, grade: str) -> list[Finding]:
        """Give the findings of a grade."""
        return [finding for finding in self.findings if finding.grade == grade]


@dataclass(kw_only=True, slots=True)
class Report:
    """All areas that were looked at, in order."""

    areas: list[AreaReport] = field(default_factory=list)

    def worst(self, *, strict: bool = False) -> type[ReleaseError] | None:
        """Give the error that the whole audit amounts to: the gravest drift, else why something was not looked at.

        With `strict`, what is not wrong yet is drift too.
        """
        grades = ("drift", "soon") if strict else ("drift",)
        found = {f.error for area in self.areas for grade in grades for f in area.of(grade)}
        unread = [type(area.unread) for area in self.areas if area.unread]
        ranked = [error for error in GRAVEST if error in found or error in unread]
        return ranked[0] if ranked else next(iter([*found, *unread]), None)


def run(looks: Sequence[tuple[Area, Look]], console: Console) -> Report:
    """Look at each area; nothing that is found or cannot be read stops the next."""
    report = Report()
    with console.progress("auditing", len(looks)) as progress:
        for area, look in looks:
            console.say(f"looking at: {area}")
            report.areas.append(_looked(area, look))
            progress.advance()
    return report


def _looked(area: Area, look: Look) -> AreaReport:
    found = AreaReport(area=area)
    try:
        for finding in look():
            if len(found.findings) < MOST:
                found.findings.append(finding)
            else:
                found.left_out += 1
    except ReleaseError as why:
        found.unread = why
    return found
