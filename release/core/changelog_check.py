"""A changelog held against what the release log recorded of each version."""

from collections.abc import Iterator
from typing import Final

from release.core.changelog import Changelog, find, parse, section_digest, yanked_versions
from release.core.log_finding import Finding
from release.core.replay import Replay
from release.core.version import parse_version
from release.errors import SourceError

FILE: Final = "CHANGELOG.md"
LARGEST: Final = 16 * 1024 * 1024


def changelog_findings(text: str, replay: Replay) -> Iterator[Finding]:
    """Compare what a changelog says with what was recorded of each published version."""
    changelog = parse(text)
    yanked = {str(version) for version in yanked_versions(text)}
    for version in sorted(replay.published, key=parse_version):
        recorded = replay.changelogs.get(version)
        yield from _section(text, changelog, version, recorded)
        if (version in replay.state.yanked) != (version in yanked):
            said = "marks" if version in yanked else "does not mark"
            logged = "yanked it" if version in replay.state.yanked else "never yanked it"
            message = f"the changelog {said} {version} as yanked, the log {logged}"
            yield Finding(kind="changelog", message=message, index=replay.state.yanked.get(version))


def _section(text: str, changelog: Changelog, version: str, recorded: str | None) -> Iterator[Finding]:
    if recorded is None:
        return
    try:
        if find(changelog, parse_version(version)) is None:
            message = f"the changelog has no section of {version}, which the log recorded"
            yield Finding(kind="changelog", message=message)
            return
        found = section_digest(text, parse_version(version))
    except SourceError as why:
        yield Finding(kind="changelog", message=why.message)
        return
    if found != recorded:
        yield Finding(
            kind="changelog",
            message=f"the changelog's section of {version} is not the one that was released",
            facts=(("recorded", recorded), ("found", found)),
        )
