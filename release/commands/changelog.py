"""release changelog."""

from typing import Annotated

import typer

from release import compose
from release.adapters import resources
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json, write
from release.core.version import parse_version
from release.errors import ConfigError
from release.stages import build as building
from release.stages import changelog as stage
from release.stages import version as versions

LARGEST = 16 * 1024 * 1024
TEMPLATE = "changelog-section.md.j2"


def changelog(
    version: Annotated[str | None, typer.Argument(help="The version; default: what 'release next' says.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    date: Annotated[str | None, typer.Option(help="YYYY-MM-DD; default: today in UTC.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the whole changelog and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Write a version's section of CHANGELOG.md from its commits.

    Text written by hand and all other sections stay byte for byte; twice changes nothing.
    """
    work = compose.workspace(config, quiet=json)
    library, repository = work.config.library, work.repository()
    if version is None:
        report = versions.run(
            repository,
            tag_prefix=library.tag_prefix,
            package_version=building.package_version(work.project, library.package),
            prerelease=None,
        )
        version = str(report.version)
    update = stage.run(
        repository,
        tag_prefix=library.tag_prefix,
        version=parse_version(version),
        date=date or work.clock.now().date().isoformat(),
        text=_text(work, library.changelog) or "",
        template=_template(work),
        repository_url=library.repository or "",
    )
    if update.changed and not dry_run:
        work.project.write(library.changelog, update.text.encode())
    if update.note:
        work.console.warn(update.note)
    if json:
        return emit_json({"version": version, "changed": update.changed, "note": update.note, "dryRun": dry_run})
    if dry_run:
        write(update.text)
    elif update.changed:
        emit([f"{library.changelog} has a section for {version}"])
    else:
        emit([f"{library.changelog} is up to date: nothing to do"])
    return None


def _template(work: compose.Workspace) -> str:
    own = work.config.library.changelog_template
    if own is None:
        return resources.text("templates", TEMPLATE)
    if (text := _text(work, own)) is None:
        raise ConfigError(f"{own} does not exist", hint="release.toml names it: [library] changelog-template")
    return text


def _text(work: compose.Workspace, path: str) -> str | None:
    body = work.project.read(path, limit=LARGEST)
    try:
        return None if body is None else body.decode("utf-8")
    except UnicodeDecodeError as why:
        raise ConfigError(f"{path} is not UTF-8: {why.reason} at byte {why.start}") from why
