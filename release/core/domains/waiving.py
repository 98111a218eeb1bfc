"""Waivers: which findings are accepted, and which waivers count no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from release.core.domains.finding import Finding
from release.core.domains.lists import Waiver


@dataclass(frozen=True, kw_only=True, slots=True)
class Waived:
    """An accepted finding, and why."""

    finding: Finding
    reason: str
    owner: str
    expires: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What is left to answer, what was accepted, and waivers that are about nothing."""

    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    unused: tuple[str, ...]


def judged(findings: Sequence[Finding], waivers: Sequence[Waiver], today: date) -> Verdict:
    """Apply the waivers. One that has expired accepts nothing and is a finding itself where it would have applied."""
    left: list[Finding] = []
    waived: list[Waived] = []
    used: set[int] = set()
    late: dict[int, Finding] = {}
    for finding in findings:
        fitting = [place for place, waiver in enumerate(waivers) if applies(waiver, finding)]
        used.update(fitting)
        good = next((place for place in fitting if waivers[place].last_day >= today), None)
        if good is not None:
            by = waivers[good]
            waived.append(Waived(finding=finding, reason=by.reason, owner=by.owner, expires=by.expires))
            continue
        left.append(finding)
        for place in fitting:
            late.setdefault(place, _expired(waivers[place], finding))
    unused = [
        f"waivers[{place}] of {waiver.rule} in {waiver.files}"
        for place, waiver in enumerate(waivers)
        if place not in used
    ]
    return Verdict(findings=(*left, *late.values()), waived=tuple(waived), unused=tuple(unused))


def applies(waiver: Waiver, finding: Finding) -> bool:
    """Tell whether a waiver is about a finding; one that names no host is not about a host that is on no list."""
    return (
        finding.status != "refused"
        and waiver.rule == finding.rule
        and fnmatchcase(finding.file, waiver.files)
        and waiver.sink in {None, finding.sink}
        and waiver.host == finding.host
        and waiver.snippet in {None, finding.digest}
    )


def _expired(waiver: Waiver, finding: Finding) -> Finding:
    return Finding(
        file=finding.file,
        line=finding.line,
        column=finding.column,
        rule="waiver",
        sink=finding.sink,
        status="refused",
        message=f"the waiver of {waiver.rule} in {waiver.files} expired on {waiver.expires}; ask {waiver.owner}",
        advice="look at it again: change the bundle, or renew the waiver with a new expiry",
        snippet=finding.snippet,
        digest=finding.digest,
        source=finding.source,
    )
