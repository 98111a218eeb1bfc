"""release matrix."""

import json as encoding
from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, write
from release.compose.customers import customers_of
from release.core.child_pipeline import Jobs, child_pipeline, shards_for
from release.core.shards import MOST
from release.errors import ConfigError, NothingToDoError


def matrix(
    image: Annotated[str, typer.Option(help="An image with `release` and git, by digest.")],
    build_image: Annotated[
        str | None, typer.Option(help="One with what the build needs too; default: the same.")
    ] = None,
    shards: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="How many; default: one for 250 customers.")
    ] = None,
    setup: Annotated[list[str] | None, typer.Option(help="A command that puts `release` on the PATH.")] = None,
    runner_tag: Annotated[list[str] | None, typer.Option(help="A tag of the runners that take the jobs.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Print a GitLab child pipeline that releases all customers' variants, a shard a runner."""
    work = compose.workspace(config)
    count = len(customers_of(work))
    if not count:
        raise NothingToDoError("there are no customers", hint="docs/customers.md")
    if config.is_absolute():
        raise ConfigError("--config must be relative: the jobs run elsewhere", hint="run this in the repository's root")
    jobs = Jobs(
        library=work.config.library.name,
        config=config.as_posix(),
        image=image,
        build_image=build_image or image,
        setup=tuple(setup or ()),
        runner_tags=tuple(runner_tag or ()),
    )
    chosen = shards or min(MOST, shards_for(count, 250))
    write(encoding.dumps(child_pipeline(jobs, chosen), indent=1) + "\n")
    work.console.say(f"{count} customers in {chosen} shards of about {-(-count // chosen)}")
