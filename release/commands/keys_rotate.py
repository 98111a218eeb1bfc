"""release keys rotate: renew the stages' static keys, with the rotate key."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core import document
from release.core.handover import Rotated, Rotation, read_rotation
from release.core.identities import ROTATE
from release.core.rotation import is_due, plan
from release.errors import ConfigError, NothingToDoError


def rotate(
    stages: Annotated[list[str] | None, typer.Argument(metavar="[STAGE]...", help="All if none is named.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    credentials_file: Annotated[Path | None, typer.Option(help="Where the keys are kept.")] = None,
    grace_hours: Annotated[int, typer.Option(min=0, max=20, help="How long the old key stays usable.")] = 0,
    *,
    gitlab: Annotated[
        bool, typer.Option("--gitlab", help="Keys are in GitLab; token in RELEASE_GITLAB_TOKEN.")
    ] = False,
    due: Annotated[bool, typer.Option("--due", help="Only keys that are too old or soon will be.")] = False,
    if_due: Annotated[bool, typer.Option("--if-due", help="The same; that none is due is no failure.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a new key, prove that it works, store it, and disable the old one; the next run deletes that.

    What was done stands in .release/rotation.json, for 'record rotation'. Exit code 5 if nothing is due.
    """
    from release.stages import rotate as stage  # noqa: PLC0415

    work = compose.workspace(config, quiet=json)
    rotator = compose.rotator(work, credentials_file=credentials_file, gitlab=gitlab)
    owned = rotator.owned
    rotated = [name for name in owned.stages if name != ROTATE]
    if unknown := set(stages or ()) - set(rotated):
        raise ConfigError(f"no key of {', '.join(sorted(unknown))} is rotated", hint=f"there are: {', '.join(rotated)}")
    held = {name: rotator.keys.keys(name) for name in rotated}
    whose = {key.id_: name for name, keys in held.items() for key in keys}
    now, days = work.clock.now(), work.config.keys.max_age_days
    plans = []
    for name in stages or rotated:
        stored = rotator.vault.key_id(name)
        wanted = is_due(held[name], stored, now=now, days=days) if due or if_due else True
        others = {key: other for key, other in whose.items() if other != name}
        grace = timedelta(hours=grace_hours)
        plans.append(plan(name, held[name], stored, others=others, wanted=wanted, now=now, grace=grace))
    for each in plans:
        work.console.say(str(each))
    if not any(each.changes for each in plans) and not if_due:
        raise NothingToDoError("no key is due", hint="name a stage without --due to renew its key now")
    done: list[Rotated] = []
    library, left = work.config.library.name, handed.rotation(work)
    # What an earlier run did and nobody recorded goes into the same entry.
    earlier = read_rotation(left, name=f".release/{handed.ROTATION}", library=library).rotated if left else ()

    def note(one: Rotated) -> None:
        done.append(one)
        rotation = Rotation(library=library, rotated=(*earlier, *done))
        handed.folder(work).write(handed.ROTATION, document.encode(rotation))

    if not dry_run:
        for each in plans:
            stage.run(rotator, each, note)
    if json:
        return emit_json({"dryRun": dry_run, "plans": plans, "rotated": done})
    return emit([str(each) for each in plans])
