"""A GitLab release: what the pipeline says of a version, and which part of a page belongs to the pipeline.

People may write to a release too. The pipeline owns the text between its two marks, and the links that have its
names; the rest is never touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from release.errors import RefusedError, SourceError

BEGIN: Final = "<!-- release:begin what stands from here to release:end is written by the pipeline -->"
END: Final = "<!-- release:end -->"
LONGEST: Final = 500_000
"""Characters of a description; GitLab takes a million (Gitlab::Database::MAX_TEXT_SIZE_LIMIT)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link below a release. Names and addresses are unique in it (https://docs.gitlab.com/api/releases/links/)."""

    name: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A release as GitLab has it, or is to have it."""

    tag: str
    commit: str
    name: str
    description: str
    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is to be done to a release that is there; nothing if both are empty. `description` is the whole text."""

    description: str | None
    links: tuple[Link, ...]

    @property
    def nothing(self) -> bool:
        """Whether the release is as it should be."""
        return self.description is None and not self.links


def block(text: str) -> str:
    """Mark a text as the pipeline's.

    Raises:
        SourceError: it has a mark in it, or is too long.
    """
    if BEGIN in text or END in text:
        raise SourceError(
            "the changelog's section holds the mark of a GitLab release's generated part",
            hint=f"remove {END} from it",
        )
    if len(text) > LONGEST:
        raise SourceError(f"the release's text would have {len(text)} characters, at most {LONGEST} are written")
    return f"{BEGIN}\n\n{text.strip()}\n\n{END}"


def change(there: Page, wanted: Page) -> Change:
    """Say what makes a release say what the pipeline says.

    Raises:
        RefusedError: it is of another commit, its marks are not one pair, or somebody else's link has a name or
            an address of ours.
    """
    if there.commit != wanted.commit:
        raise RefusedError(
            f"the GitLab release {there.tag} is of another commit than the one that was released",
            hint="somebody moved the tag: find out who, and put it back",
            evidence={"released": wanted.commit, "tag": there.commit},
        )
    description = _merged(there.description, wanted.description, there.tag)
    same = description == _plain(there.description)
    return Change(description=None if same else description, links=_missing(there, wanted.links))


def _merged(there: str, ours: str, tag: str) -> str:
    text = _plain(there)
    if BEGIN not in text and END not in text:
        return f"{text.rstrip()}\n\n{ours}" if text.strip() else ours
    before, _, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not ended or END in before or BEGIN in rest or END in after:
        raise RefusedError(
            f"the GitLab release {tag} has the marks of its generated part not as one pair",
            hint="remove them and what is between them from its text, then announce again",
        )
    return f"{before}{ours}{after}"


def _missing(there: Page, wanted: Sequence[Link]) -> tuple[Link, ...]:
    names, addresses = {link.name: link for link in there.links}, {link.url: link for link in there.links}
    missing = []
    for link in wanted:
        other = next((o for o in (names.get(link.name), addresses.get(link.url)) if o not in {None, link}), None)
        if other is not None:
            raise RefusedError(
                f"the GitLab release {there.tag} has a link {other.name!r} that leads elsewhere than the released file",
                hint="find out who made it, delete it, then announce again",
                evidence={"there": other.url, "released": link.url},
            )
        if link.name not in names:
            missing.append(link)
    return tuple(missing)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
