"""The default build: rolldown from the library's own lock file (https://rolldown.rs)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from release.core.config import BuildSection
from release.errors import BuildError

PROGRAM: Final = "node_modules/.bin/rolldown"
PACKAGE: Final = "rolldown"


def entry_names(library: str, formats: Sequence[str]) -> dict[str, str]:
    """Name the file that pages load, by format."""
    names = {"iife": f"{library}.min.js", "esm": f"{library}.esm.min.js"}
    return {format_: names[format_] for format_ in formats}


def commands(library: str, build: BuildSection, features: Mapping[str, bool]) -> list[list[str]]:
    """Give one command line per format; a feature `chat` is the constant `__FEATURE_CHAT__` in the source.

    Source maps are made in any case; "hidden" leaves the bundle without a link to them.
    """
    lines = []
    for format_, entry in entry_names(library, build.formats).items():
        line = [PROGRAM, build.input, "--platform", "browser", "--format", format_, "--exports", "named"]
        if format_ == "iife":
            line += ["--name", build.global_ or _global_name(library)]
        line += ["--minify", "--transform.target", build.target]
        if features:
            defined = (
                f"__FEATURE_{name.upper().replace('-', '_')}__:{str(on).lower()}" for name, on in features.items()
            )
            line += ["--transform.define", ",".join(defined)]
        line += ["--sourcemap"] if build.source_maps else ["--sourcemap", "hidden"]
        line += ["--dir", build.output, "--entry-file-names", entry]
        line += ["--chunk-file-names", "chunks/[name]-[hash].js"]
        lines.append(line)
    return lines


def locked_packages(lock_file: bytes, *, name: str) -> dict[str, tuple[str, str]]:
    """Read what an npm lock file (version 2 or 3) installs: {place: (version, integrity)}.

    Raises:
        BuildError: it is no such file.
    """
    try:
        packages: Any = json.loads(lock_file)["packages"]
        return {
            place: (str(facts.get("version", "")), str(facts.get("integrity", "")))
            for place, facts in packages.items()
            if place
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as why:
        raise BuildError(f"{name} is not an npm lock file", hint="make it again: npm install") from why


def is_installed(lock_file: bytes, installed: bytes | None, *, name: str) -> bool:
    """Tell whether node_modules was made from this lock file.

    npm writes what it installed to node_modules/.package-lock.json; packages for other platforms
    are in the lock file only.
    """
    if installed is None:
        return False
    locked = locked_packages(lock_file, name=name)
    there = locked_packages(installed, name="node_modules/.package-lock.json")
    required = {place for place, facts in json.loads(lock_file)["packages"].items() if not facts.get("optional")}
    return all(locked.get(place) == facts for place, facts in there.items()) and required - {""} <= set(there)


def _global_name(library: str) -> str:
    words = library.replace(".", "-").replace("_", "-").split("-")
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"_{name}"
