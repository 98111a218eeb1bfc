"""[supply] of release.toml: what may be in a bundle that others wrote, and from where it may come.

All is read from the lock file (https://docs.npmjs.com/cli/v10/configuring-npm/package-lock-json); nobody is asked.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from release.core.lockfile import Locked, Package
from release.core.shape import rule

if TYPE_CHECKING:
    from release.core.osv import Vulnerability

Kind = Literal["integrity", "source", "script", "license", "vulnerability"]
_STRONG: Final = re.compile(r"(?:^|\s)sha(?:512|384|256)-[A-Za-z0-9+/]{43,88}={0,2}(?:\s|$)")
# SPDX expressions (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/), without exceptions' names.
_PARTS: Final = re.compile(r"\s*(\(|\)|[A-Za-z0-9.+-]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """What a dependency must be."""

    registries: tuple[str, ...] = rule(
        ("https://registry.npmjs.org/",),
        most=20,
        pattern=r"https://[^\s]+/",
        means="an https address that ends with a slash",
        doc="From where packages may be fetched.",
    )
    licenses: tuple[str, ...] = rule(
        (), most=200, longest=100, doc="SPDX names that a bundled package may have; none: any."
    )
    install_scripts: tuple[str, ...] = rule(
        (),
        most=100,
        longest=214,
        doc="Packages whose install scripts are known; they never run unless you install otherwise.",
    )
    accepted: tuple[str, ...] = rule(
        (), most=200, longest=100, doc="Ids of vulnerabilities that do not reach the bundle."
    )
    vulnerabilities: str | None = rule(
        None, longest=200, doc="A file or folder of OSV records, such as osv.dev's all.zip for npm."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Objection:
    """Something about a dependency that nobody allowed."""

    kind: Kind
    package: str
    what: str
    hint: str


def judge(supply: Supply, locked: Locked, vulnerabilities: "Iterable[Vulnerability]") -> Iterator[Objection]:
    """Hold a lock file against what is allowed.

    Args:
        supply: what is allowed.
        locked: the lock file.
        vulnerabilities: that are known of its packages.
    """
    for package in locked.packages:
        yield from _fetched(supply, package)
        yield from _runs(supply, package)
        yield from _licensed(supply, package)
    for known in vulnerabilities:
        if known.id_ not in supply.accepted:
            fix = f"take {known.fixed} or newer" if known.fixed else "there is no fix yet"
            yield Objection(
                kind="vulnerability",
                package=f"{known.package}@{known.version}",
                what=f"{known.id_}: {known.summary}",
                hint=f"{fix}, or write the id into [supply] accepted",
            )


def _fetched(supply: Supply, package: Package) -> Iterator[Objection]:
    if package.linked:
        return
    name = f"{package.name}@{package.version}"
    if package.integrity is None or not _STRONG.search(package.integrity):
        yield Objection(
            kind="integrity",
            package=name,
            what="the lock file has no SHA-256 or stronger for it: any bytes would be installed",
            hint="make the lock file again: npm install --package-lock-only",
        )
    if package.resolved is not None and not package.resolved.startswith(supply.registries):
        yield Objection(
            kind="source",
            package=name,
            what=f"comes from {_text(package.resolved)}",
            hint="allow the registry in [supply] registries, or take the package from one that is allowed",
        )


def _runs(supply: Supply, package: Package) -> Iterator[Objection]:
    if package.install_script and package.name not in supply.install_scripts:
        yield Objection(
            kind="script",
            package=f"{package.name}@{package.version}",
            what="has an install script, which can do anything on the machine that builds",
            hint="read it; then name the package in [supply] install-scripts",
        )


def _licensed(supply: Supply, package: Package) -> Iterator[Objection]:
    if not supply.licenses or package.development or package.linked:
        return
    if package.license_ is None or not permits(package.license_, supply.licenses):
        yield Objection(
            kind="license",
            package=f"{package.name}@{package.version}",
            what=f"license {_text(package.license_)}" if package.license_ else "no license that the lock file knows",
            hint="do not bundle it, or allow the license in [supply] licenses",
        )


def permits(expression: str, allowed: Iterable[str]) -> bool:
    """Tell whether an SPDX expression can be met with the licenses allowed; what cannot be read cannot.

    `AND` binds stronger than `OR`; `WITH` and the name after it count as part of the license.
    """
    parts = _PARTS.findall(expression)
    if "".join(parts) != re.sub(r"\s", "", expression) or len(parts) > 100:  # noqa: PLR2004 - nobody has that many
        return False
    stack: list[list[list[bool]]] = [[[]]]
    names = set(allowed)
    place = 0
    while place < len(parts):
        part = parts[place]
        place += 1
        match part.upper():
            case "(":
                stack.append([[]])
            case ")":
                if len(stack) == 1:
                    return False
                inner = _met(stack.pop())
                stack[-1][-1].append(inner)
            case "OR":
                stack[-1].append([])
            case "AND":
                continue
            case _:
                if place + 1 < len(parts) and parts[place].upper() == "WITH":
                    part = f"{part} WITH {parts[place + 1]}"
                    place += 2
                stack[-1][-1].append(part in names)
    return len(stack) == 1 and _met(stack[0])


def _met(alternatives: list[list[bool]]) -> bool:
    return any(alternative and all(alternative) for alternative in alternatives)


def _text(value: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in value[:120])
