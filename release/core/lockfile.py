"""An npm lock file, read strictly: which packages were installed, and which needs which.

https://docs.npmjs.com/cli/v10/configuring-npm/package-lock-json: `packages` maps places to packages;
a place is where a package lies below the library's folder, and needs are found as Node finds them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from release.errors import BuildError

_FOLDER: Final = "node_modules/"
_NAME: Final = r"(@[a-zA-Z0-9~._-]{1,100}/)?[a-zA-Z0-9~._-]{1,214}"
_LONGEST_VERSION: Final = 256
_NEEDS: Final = ("dependencies", "optionalDependencies", "peerDependencies")
_ROOT_NEEDS: Final = (*_NEEDS, "devDependencies")


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One installed package.

    Attributes:
        integrity: an SRI string, or None.
        resolved: where it was fetched from; None if the lock file does not say.
        linked: it is a folder of the library's own repository.
        install_script: it has a script that runs when it is installed.
        needs: the places of its dependencies.
    """

    place: str
    name: str
    version: str
    integrity: str | None
    license_: str | None
    development: bool
    optional: bool
    resolved: str | None = None
    linked: bool = False
    install_script: bool = False
    needs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """All packages but the library itself, and the places of those that the library names."""

    packages: tuple[Package, ...]
    needs: tuple[str, ...]


def read_lock_file(body: bytes, *, name: str) -> Locked:
    """Read an npm lock file of version 2 or 3.

    Args:
        body: its bytes, hostile until now.
        name: what to call it in errors.

    Raises:
        BuildError: it is no such file, or has a package without a sound name or version.
    """
    try:
        places: Mapping[str, Mapping[str, Any]] = json.loads(body)["packages"]
        return Locked(
            packages=tuple(
                _package(place, facts, places, name) for place, facts in sorted(places.items()) if _is_installed(place)
            ),
            needs=tuple(_needs("", places.get("", {}), places, _ROOT_NEEDS)),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as why:
        raise BuildError(f"{name} is not an npm lock file", hint="make it again: npm install") from why


def _is_installed(place: str) -> bool:
    return _FOLDER in place


def _package(place: str, facts: Mapping[str, Any], places: Mapping[str, Mapping[str, Any]], file: str) -> Package:
    # A link stands for the workspace folder that it resolves to.
    real = places.get(str(facts.get("resolved")), {}) if facts.get("link") is True else facts
    name = facts.get("name", place.rpartition(_FOLDER)[2])
    version = real.get("version", "0.0.0" if facts.get("link") is True else None)
    if not isinstance(name, str) or not re.fullmatch(_NAME, name, re.ASCII):
        raise BuildError(f"{file}: {place[:80]!r} has no sound package name", hint="make it again: npm install")
    if not isinstance(version, str) or not 0 < len(version) <= _LONGEST_VERSION or not version.isprintable():
        raise BuildError(f"{file}: {place[:80]} has no sound version", hint="make it again: npm install")
    return Package(
        place=place,
        name=name,
        version=version,
        integrity=_text(facts.get("integrity")),
        license_=_text(real.get("license")),
        development=facts.get("dev") is True or facts.get("devOptional") is True,
        optional=facts.get("optional") is True,
        resolved=None if facts.get("link") is True else _text(facts.get("resolved")),
        linked=facts.get("link") is True,
        install_script=facts.get("hasInstallScript") is True,
        needs=tuple(_needs(place, real, places, _NEEDS)),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _needs(place: str, facts: Mapping[str, Any], places: Mapping[str, object], kinds: tuple[str, ...]) -> Iterator[str]:
    names = {name for kind in kinds for name in facts.get(kind, {})}
    for name in sorted(names):
        if (found := _resolved(place, name, places)) is not None:
            yield found


def _resolved(place: str, name: str, places: Mapping[str, object]) -> str | None:
    """Find a package as Node does: in the folder of who needs it, then in each folder above."""
    folder = place
    while True:
        candidate = f"{folder}/{_FOLDER}{name}" if folder else f"{_FOLDER}{name}"
        if candidate in places:
            return candidate
        if not folder:
            return None
        folder = folder.rpartition(_FOLDER)[0].rstrip("/") if _FOLDER in folder else ""
