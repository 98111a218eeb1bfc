"""release doctor."""

from typing import Annotated, Final

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core.doctor.finding import GRAVEST, Finding, Level, gravest, missing
from release.errors import ConfigError, DriftError, ServiceError

_MARKS: Final[dict[Level, str]] = {
    "ok": "ok     ",
    "advice": "advice ",
    "missing": "MISSING",
    "unknown": "UNKNOWN",
}


def doctor(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Fail for advice too.")] = False,
    json: Json = False,
) -> None:
    """Tell what the project still needs, or has and should not, before it can release safely.

    Looks at the files, at this job if it is one, and, with a token that reads in RELEASE_GITLAB_TOKEN, at GitLab's
    protection of tags, branch, environments and variables. Each finding says why it matters and how to mend it.
    Exit code 15 if something is missing, 11 if something could not be told.
    """
    from release.compose.gitlab import patient  # noqa: PLC0415 - one command looks at a project
    from release.stages import doctor as stage  # noqa: PLC0415

    try:
        work = compose.workspace(config, quiet=json)
    except ConfigError as why:
        findings = [missing("release.toml", why.message, "nothing works without it", why.hint)]
    else:
        findings = list(stage.run(patient(work)))
    if json:
        emit_json({"level": gravest(findings), "findings": findings})
    else:
        emit(line for finding in sorted(findings, key=lambda f: GRAVEST.index(f.level)) for line in _lines(finding))
    _end(findings, strict=strict)


def _lines(finding: Finding) -> list[str]:
    lines = [f"{_MARKS[finding.level]}  {finding.check}: {finding.what}"]
    lines += [f"           why:  {finding.why}"] if finding.why else []
    return lines + ([f"           mend: {finding.mend}"] if finding.mend else [])


def _end(findings: list[Finding], *, strict: bool) -> None:
    counts = {level: sum(finding.level == level for finding in findings) for level in GRAVEST}
    told = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    if counts["missing"] or (strict and counts["advice"]):
        raise DriftError(f"the project is not ready: {told}", hint="each finding on stdout says how to mend it")
    if counts["unknown"]:
        raise ServiceError(f"not everything could be told: {told}", hint="what is unknown may be wrong")
