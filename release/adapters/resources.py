"""Files that ship with the program: key policies, pipeline templates, the changelog template."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from release.errors import MissingToolError

_PACKAGE: Final = files("release")


def text(folder: str, name: str) -> str:
    """Give a shipped file's text; in a source checkout the folders stand beside the package.

    Raises:
        MissingToolError: the installation is incomplete.
    """
    for place in (_PACKAGE / "data" / folder, _PACKAGE / folder, Path(str(_PACKAGE)).parent / folder):
        if (file := place / name).is_file():
            return file.read_text(encoding="utf-8")
    raise MissingToolError(
        f"{folder}/{name} is not installed", hint="install the program again: pip install js-release"
    )
