"""What a changelog says of a version's commits, through a template that may be the library's own.

A template sees:

    version, previous   versions; `previous` is empty for the first
    date                YYYY-MM-DD
    url                 the address that compares both versions, or empty
    breaking, features, fixes, performance, reverts, others
                        lists of entries, newest first
    entry.scope         empty if there is none
    entry.text          what happened; for `breaking` the note of the commit if it has one
    entry.type          `feat`, `fix`, ...; empty without one
    entry.commit, entry.short
                        the full hash and its beginning
    entry.url           the commit's address, or empty

Commit messages are hostile, so every value is escaped as it is put out; only addresses made here are
not. What cannot be made safe that way is refused: a value inside an HTML tag, a value other than `url`
as a link's address.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from release.core.changelog_update import web_address
from release.core.commits import Commit, without_reverted
from release.core.markdown import Trusted, escape
from release.errors import ConfigError

MAX_TEMPLATE: Final = 65_536
_IN_TAG: Final = re.compile(r"""<(?:[A-Za-z!/?][^<>]*)?\{\{|=["'][^"'\n]*\{\{""")
_ADDRESS: Final = re.compile(r"(?:\]\(\s*<?\s*|^ {0,3}\[[^\]]*\]:\s*)\{\{-?(?!\s*(?:\w+\.)?url\s*-?\}\})", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a changelog. Empty strings stand for what is not known."""

    scope: str
    text: str
    type: str
    commit: str
    short: str
    commits_url: Trusted

    @property
    def url(self) -> Trusted:
        """The commit's address."""
        return Trusted(f"{self.commits_url}/{self.commit}" if self.commits_url else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What the entries are of. `tag` and `previous_tag` make the address that compares both."""

    version: str
    date: str
    tag: str
    previous: str
    previous_tag: str
    repository_url: str


def compare_address(release: Release) -> Trusted:
    """Give the address that shows what changed, for a first version what led to it, or "" if unknown."""
    if release.previous_tag:
        return web_address(release.repository_url, "compare", f"{release.previous_tag}...{release.tag}")
    return web_address(release.repository_url, "commits", release.tag)


def render(template: str, release: Release, commits: Sequence[Commit]) -> str:
    """Render the generated part of a version's section.

    A breaking change with a note is listed twice, its note under `breaking` and its description where
    its type belongs; without a note it is listed under `breaking` only. Commits that a later one
    reverts are left out together with that one.

    Args:
        template: a Jinja2 template; it runs in a sandbox and may load no other.
        release: what the commits made.
        commits: newest first.

    Raises:
        ConfigError: the template is too large, malformed, unsafe, or uses a name that is not there.
    """
    _check_template(template)
    kept = without_reverted(commits)
    commits_url = web_address(release.repository_url, "commit")
    known = {"feat": "features", "fix": "fixes", "perf": "performance", "revert": "reverts"}
    groups: dict[str, list[Entry]] = {name: [] for name in ("breaking", *known.values(), "others")}
    for commit in kept:
        if commit.breaking:
            notes = commit.notes or (commit.description,)
            groups["breaking"] += [_entry(commit, note, commits_url) for note in notes]
        if commit.notes or not commit.breaking:
            entry = _entry(commit, commit.description, commits_url)
            groups[known.get(commit.type or "", "others")].append(entry)
    return _run(
        template,
        {
            "version": release.version,
            "previous": release.previous,
            "date": release.date,
            "url": compare_address(release),
            **groups,
        },
    )


def _entry(commit: Commit, text: str, commits_url: Trusted) -> Entry:
    return Entry(
        scope=commit.scope or "",
        text=text,
        type=commit.type or "",
        commit=commit.commit,
        short=commit.short,
        commits_url=commits_url,
    )


def _check_template(template: str) -> None:
    if len(template) > MAX_TEMPLATE:
        raise ConfigError(f"the changelog's template has more than {MAX_TEMPLATE} characters")
    for pattern, place in ((_IN_TAG, "inside an HTML tag or comment"), (_ADDRESS, "as a link's address")):
        match = pattern.search(template)
        if match is not None:
            line = template.count("\n", 0, match.end()) + 1
            raise ConfigError(
                f"the changelog's template puts a value {place}, on line {line}",
                hint="Commit messages are not safe there. Only `url` may be the address of a link.",
            )


def _run(template: str, values: dict[str, object]) -> str:
    # Imported here: most commands render nothing, and it costs 60 ms.
    from jinja2 import StrictUndefined, TemplateError  # noqa: PLC0415 - see above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - see above

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=escape,
        autoescape=False,  # `finalize` escapes more than HTML, and a template cannot switch it off
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        text = environment.from_string(template).render(values)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise ConfigError(f"the changelog's template does not work{where}: {error}") from error
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"
