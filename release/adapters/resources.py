"""Files that ship with the program: key policies, pipeline templates, the changelog template."""

from pathlib import Path
from typing import Final

from release.adapters.directory import Directory
from release.errors import MissingToolError

_PACKAGE: Final = Path(__file__).parents[1]


def text(folder: str, name: str) -> str:
    """Give a shipped file's text; in a source checkout the folders stand beside the package.

    Raises:
        MissingToolError: the installation is incomplete.
    """
    for place in _places(folder):
        if (file := place / name).is_file():
            return file.read_text(encoding="utf-8")
    raise MissingToolError(f"{folder}/{name} is not installed", hint="install the program again, whole")


def example(name: str) -> dict[str, bytes]:
    """Give the files of a shipped example library by path, without what its .gitignore leaves out.

    Raises:
        MissingToolError: the installation is incomplete.
    """
    for place in _places("examples"):
        top = place / name
        if top.is_dir():
            return {
                path: (top / path).read_bytes()
                for path in Directory(top).paths()
                if not path.startswith(("node_modules/", "dist/", ".release/"))
            }
    raise MissingToolError(f"examples/{name} is missing", hint="install the program again, whole")


def _places(folder: str) -> tuple[Path, ...]:
    return (_PACKAGE / "data" / folder, _PACKAGE / folder, _PACKAGE.parent / folder)
