"""release announce."""

from typing import TYPE_CHECKING, Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, Channels, ConfigFile, DryRun, Json, emit, emit_json
from release.errors import NothingToDoError

if TYPE_CHECKING:
    from release.stages.announce import Report


def announce(
    channels: Channels = None,
    config: ConfigFile = DEFAULT_CONFIG,
    tag: Annotated[
        str | None, typer.Option(envvar="CI_COMMIT_TAG", help="The tag that must have been released.")
    ] = None,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Show a completed version as a GitLab release: notes, files with integrity, and where the log proves it.

    Reads what 'record outcome' left in .release/ and believes only what the log's public key proves. Takes the job's
    token (CI_JOB_TOKEN) and no other key. Of a release that is there it changes only its own part.
    """
    from release.compose.gitlab import release_pages  # noqa: PLC0415 - one command asks GitLab
    from release.stages import announce as stage  # noqa: PLC0415 - loads the cryptography

    work = compose.workspace(config, quiet=json)
    names = handed.channels(work, "order", channels)
    orders = [order for name in names if (order := handed.order(work, name))]
    if len(orders) != len(names):
        raise NothingToDoError("no order was left for a channel that is named", hint="release record promote")
    outcomes = [handed.outcome(work, name) for name in names]
    page = stage.wanted(work.config, work.log_keys, orders, outcomes, work.public(), work.project)
    stage.require_tag(page, tag)
    report = stage.run(page, release_pages(work, needed=not dry_run), dry_run=dry_run)
    if json:
        emit_json({"dryRun": dry_run, **_facts(report)})
    else:
        emit(_lines(report, dry_run=dry_run))


def _facts(report: "Report") -> dict[str, object]:
    page = report.page
    links = [{"name": link.name, "url": link.url} for link in page.links]
    facts = {"tag": page.tag, "commit": page.commit, "name": page.name, "description": page.description}
    return {"done": report.done, "linksAdded": report.added, "release": facts | {"links": links}}


def _lines(report: "Report", *, dry_run: bool) -> list[str]:
    tag = report.page.tag
    said = {
        "created": f"{'would make' if dry_run else 'made'} the GitLab release {tag}",
        "updated": f"{'would bring' if dry_run else 'brought'} the GitLab release {tag} up to date",
        "nothing": f"the GitLab release {tag} says this already: nothing to do",
        "unknown": f"would announce {tag}; GitLab was not asked: there is no CI_JOB_TOKEN",
    }
    text = report.page.description.splitlines() if dry_run else []
    return [said[report.done], *(f"  link {name}" for name in report.added), *text]
