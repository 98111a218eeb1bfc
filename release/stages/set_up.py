"""Set up: what a library's repository still lacks before its first release. What is there is never overwritten."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from release.core.config import FILE as RELEASE_TOML
from release.core.config import LARGEST as LARGEST_CONFIG
from release.core.config import Config, parse
from release.core.doctor.ci_file import FILE as CI_FILE
from release.core.doctor.repository import OWNERS, unowned
from release.core.starter import release_toml
from release.core.starter_pipeline import Origin, ignored, pipeline_file
from release.errors import ConfigError
from release.ports import Folder

LARGEST: Final = 1024 * 1024
IGNORE_FILE: Final = ".gitignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lacking:
    """What a repository lacks.

    Attributes:
        config: its release.toml, the one that is there or the one to be written.
        here: files to be written beside package.json.
        at_top: files to be written at the top of the repository.
        to_add: lines for files that are there, by their names.
        unowned: the files that CODEOWNERS gives no owner.
    """

    config: Config
    here: Mapping[str, str]
    at_top: Mapping[str, str]
    to_add: Mapping[str, str] = field(default_factory=dict)
    unowned: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """All files to be written."""
        return {**self.here, **self.at_top}


def look(project: Folder, top: Folder, *, folder: str, branch: str, origin: Origin) -> Lacking:
    """Say what is lacking.

    Args:
        project: the library's folder.
        top: of the repository.
        folder: the library's below that, with a slash at its end; empty if it is the same.
        branch: the protected branch.
        origin: of the pipeline's templates.

    Raises:
        ConfigError: release.toml is there and wrong; or it is not, and package.json is none.
    """
    toml = project.read(RELEASE_TOML, limit=LARGEST_CONFIG)
    text = None if toml is not None else release_toml(_package(project), branch=branch)
    config = parse(toml if toml is not None else (text or "").encode(), keyless=True)
    pipeline = pipeline_file(config, origin, folder=folder)
    ignoring = project.read(IGNORE_FILE, limit=LARGEST)
    lines = "".join(f"{line}\n" for line in ignored(config, there=(ignoring or b"").decode("utf-8", "replace")))
    here = {} if text is None else {RELEASE_TOML: text}
    at_top, to_add = {}, {}
    if top.read(CI_FILE, limit=LARGEST) is None:
        at_top[CI_FILE] = pipeline
    else:
        to_add[CI_FILE] = pipeline
    if ignoring is None:
        here[IGNORE_FILE] = lines
    elif lines:
        to_add[IGNORE_FILE] = lines
    return Lacking(config=config, here=here, at_top=at_top, to_add=to_add, unowned=tuple(unowned(_owners(top))))


def _owners(top: Folder) -> str:
    found = (top.read(name, limit=LARGEST) for name in OWNERS)
    return next((body.decode("utf-8", "replace") for body in found if body is not None), "")


def _package(project: Folder) -> dict[str, Any]:
    body = project.read("package.json", limit=LARGEST)
    if body is None:
        raise ConfigError("package.json does not exist", hint="run this in the library's folder")
    try:
        package: Any = json.loads(body)
    except (ValueError, RecursionError) as why:
        raise ConfigError(f"package.json is not JSON: {why}") from why
    if not isinstance(package, dict):
        raise ConfigError("package.json is not a JSON object")
    return package
