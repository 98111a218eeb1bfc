"""release log schema: the formats, for readers in other languages."""

from typing import Annotated

import typer

from release.commands.options import write
from release.core import formats


def schema(document: Annotated[formats.Format, typer.Argument(help="Which document.")]) -> None:
    """Print the JSON Schema of a document of the log."""
    write(formats.schema(document))
