"""Whether the repository's own files are ready: release.toml filled in, owners named, the newest tag explained."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from release.core.changelog import find, parse
from release.core.config import FILE as RELEASE_TOML
from release.core.config import Config
from release.core.doctor.ci_file import FILE as CI_FILE
from release.core.doctor.finding import Finding, advice, missing, ok, unknown
from release.core.version import parse_version
from release.errors import SourceError

OWNERS: Final = ("CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
"""https://docs.gitlab.com/user/project/codeowners/#codeowners-file: where GitLab looks, in another order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """What a working copy shows.

    Attributes:
        owners: the text of CODEOWNERS, None if there is none.
        changelog: the text of the changelog, None if there is none.
        tags: names of tags with their commits; a reason if they cannot be told.
    """

    owners: str | None
    changelog: str | None
    tags: Mapping[str, str] | str


def about_config(config: Config) -> Iterator[Finding]:
    """Say which values are still those that `release init` wrote as examples."""
    examples = {
        "[site] url": config.site.url == "https://cdn.example.com",
        "[distribution] id": config.distribution is not None and config.distribution.id_ == "E2EXAMPLE12345",
        "[log] origin": config.log.origin.startswith("releases.example.com/"),
    }
    if left := [name for name, is_example in examples.items() if is_example]:
        yield missing(
            RELEASE_TOML,
            f"{', '.join(left)}: still the example that release init wrote",
            "nothing can be released to it",
            f"{RELEASE_TOML}: put in your own",
        )
    else:
        yield ok(RELEASE_TOML, "it is valid and filled in")


def about_checkout(config: Config, checkout: Checkout) -> Iterator[Finding]:
    """Judge the files beside release.toml and the tags."""
    yield from _owners(checkout.owners)
    yield from _newest_tag(config, checkout)


def unowned(text: str) -> list[str]:
    """Give those of the files that decide what runs with keys which CODEOWNERS gives no owner."""
    owned = [line.split()[0] for line in text.splitlines() if len(line.split()) > 1 and line[0] not in "#[^"]
    return [name for name in (CI_FILE, RELEASE_TOML) if not any(_names(pattern, name) for pattern in owned)]


def _owners(text: str | None) -> Iterator[Finding]:
    check = "CODEOWNERS"
    if free := unowned(text or ""):
        yield advice(
            check,
            f"it names nobody for {' and '.join(free)}",
            "who changes these files decides what runs with your keys",
            f"CODEOWNERS: /{free[0]} @those-who-release",
        )
    else:
        yield ok(check, f"{CI_FILE} and {RELEASE_TOML} have owners")


def _names(pattern: str, name: str) -> bool:
    if pattern == "*":
        return True
    last = pattern.rstrip("/").rpartition("/")[2]
    return re.fullmatch(".*".join(re.escape(part) for part in last.split("*")), name) is not None


def _newest_tag(config: Config, checkout: Checkout) -> Iterator[Finding]:
    check, prefix = "changelog", config.library.tag_prefix
    if isinstance(checkout.tags, str):
        yield unknown(check, checkout.tags, "run it in a whole clone of the library (in a job: GIT_DEPTH: 0)")
        return
    versions = {}
    for name in checkout.tags:
        if name.startswith(prefix):
            try:
                versions[parse_version(name.removeprefix(prefix))] = name
            except SourceError:
                continue
    if not versions:
        yield ok(check, f"there is no tag {prefix}1.2.3 yet")
        return
    newest = max(versions)
    try:
        there = find(parse(checkout.changelog or ""), newest) is not None
    except SourceError as why:
        yield missing(check, why.message, "which of them was released cannot be told", config.library.changelog)
        return
    if there:
        yield ok(check, f"it has a section of {versions[newest]}")
    else:
        yield advice(
            check,
            f"{config.library.changelog} has no section of {versions[newest]}",
            "the log records none, and the GitLab release has no notes",
            f"release changelog {newest}, before the tag is made",
        )
