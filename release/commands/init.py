"""release init."""

from pathlib import Path
from typing import Annotated

import typer

from release import compose
from release.adapters.directory import Directory
from release.commands.options import write
from release.compose.library import top_folder
from release.core.starter_pipeline import Origin, checklist
from release.errors import NothingToDoError
from release.stages import set_up as stage

_EXAMPLE = Origin()


def init(
    folder: Annotated[Path, typer.Argument(help="The library's folder.")] = Path(),
    branch: Annotated[str, typer.Option(help="The protected branch.")] = "main",
    templates: Annotated[str, typer.Option(help="The GitLab project that has /pipelines/.")] = _EXAMPLE.project,
    ref: Annotated[str, typer.Option(help="The full commit SHA of it that you reviewed.")] = _EXAMPLE.ref,
    image: Annotated[str, typer.Option(help="An image with release and git, by digest.")] = _EXAMPLE.image,
    build_image: Annotated[str, typer.Option(help="One with Node and npm too.")] = _EXAMPLE.build_image,
    runner_tag: Annotated[list[str] | None, typer.Option(help="A tag of the runners that take the jobs.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the files and write nothing.")] = False,
) -> None:
    """Set a library's repository up: release.toml from package.json, .gitlab-ci.yml, .gitignore; overwrites nothing.

    What is there stays, and the lines that it lacks are printed. Then it says what to set in GitLab; 'release doctor'
    looks whether it is.
    """
    top = top_folder(folder)
    inside = folder.resolve().relative_to(top.resolve()).as_posix()
    lacking = stage.look(
        Directory(folder),
        Directory(top),
        folder="" if inside == "." else f"{inside}/",
        branch=branch,
        origin=Origin(
            project=templates, ref=ref, image=image, build_image=build_image, runner_tags=tuple(runner_tag or ())
        ),
    )
    if dry_run:
        write("\n".join(f"# {name}\n{body}" for name, body in lacking.files.items()))
    else:
        for place, files in ((folder, lacking.here), (top, lacking.at_top)):
            for name, body in files.items():
                Directory(place).write(name, body.encode())
    _say(lacking, dry_run=dry_run)
    if not lacking.files:
        raise NothingToDoError("everything is there already, and nothing is overwritten", hint="release doctor")


def _say(lacking: stage.Lacking, *, dry_run: bool) -> None:
    talk = compose.terminal()
    if lacking.files:
        talk.say(f"{'would write' if dry_run else 'wrote'} {', '.join(lacking.files)}")
    for name, lines in lacking.to_add.items():
        talk.say(f"{name} is there and stays; what it lacks of these lines is for you to add:")
        for line in lines.splitlines():
            talk.say(f"    {line}")
    for name in lacking.unowned:
        talk.say(f"CODEOWNERS: say who reviews it: /{name} @those-who-release")
    talk.say("release.toml: put in your bucket, address and distribution; make the log's key: release log key FILE")
    talk.say("then: release config check")
    talk.say("in GitLab:")
    for line in checklist(lacking.config):
        talk.say(f"  - {line}")
    talk.say("then: release doctor")
