"""release keys: one least-privilege key per stage. One module a command: `keys_<command>.py`."""

import typer

from release.commands.keys_check import check
from release.commands.keys_provision import provision
from release.commands.keys_render import render
from release.commands.keys_rotate import rotate
from release.commands.keys_watch import watch

app = typer.Typer(no_args_is_help=True, help="One least-privilege key per stage.")
app.command()(render)
app.command()(check)
app.command()(provision)
app.command()(rotate)
app.command()(watch)
