"""Commit messages after Conventional Commits 1.0.0 (https://www.conventionalcommits.org/en/v1.0.0/).

A message is whatever anybody typed. Parsing never fails and takes time linear in its size; what is kept
of it is short, on one line, and free of control and bidirectional characters. A message that does not
follow the convention is kept with type None. Clause numbers are those of the specification's list.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MAX_HEADER: Final = 1_000
MAX_NOTE: Final = 2_000
MAX_NOTES: Final = 20
SHORT: Final = 7

# Clauses 1, 4, 5 and 13. The `!` is taken before the scope too: a breaking change must not be lost to it.
_HEADER: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)(!?)(?:\(([^()]*)\))?(!?): (.+)")
# Clauses 8, 9 and 16. Clause 12: a breaking change is followed by a colon, never by " #".
_FOOTER: Final = re.compile(r"(?:(BREAKING[ -]CHANGE):|([A-Za-z][A-Za-z0-9-]*)(?=: | #)(: | #))(.*)")
_GIT_REVERT: Final = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)
_HASH: Final = re.compile(r"\b[0-9a-f]{7,64}\b")
_GIT_REVERT_HEADER: Final = re.compile(r'Revert "(.+)"')


@dataclass(frozen=True, kw_only=True, slots=True)
class RawCommit:
    """A commit as git gives it: full hash, committer's time (seconds since 1970), whole message."""

    commit: str
    time: int
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """What a commit's message says.

    `type` is lower case (clause 15), None if the message does not follow the convention. `notes` are the
    descriptions of `BREAKING CHANGE` footers. `reverts` are the commits that it says it takes back, as
    hashes of 7 to 64 hex digits.
    """

    commit: str
    type: str | None
    scope: str | None
    breaking: bool
    description: str
    notes: tuple[str, ...]
    reverts: tuple[str, ...]

    @property
    def short(self) -> str:
        """The first digits of the hash."""
        return self.commit[:SHORT]


def clean(text: str, *, limit: int = MAX_HEADER) -> str:
    """Give the text on one line of at most `limit` characters that a terminal and a page can show as is.

    Runs of white space become one space; control, format (bidirectional, zero-width) and surrogate
    characters go.
    """
    line = " ".join(text[: limit * 4].split())
    if not line.isprintable():
        line = "".join(char for char in line if unicodedata.category(char) not in {"Cc", "Cf", "Cs"})
        line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def parse_commit(raw: RawCommit) -> Commit:
    """Read a commit's message.

    A breaking change counts whatever the type (clause 11 and the summary), even in a message that does
    not follow the convention otherwise. `BREAKING CHANGE` must be upper case (clause 15) and at the
    start of a line. A message with git's own "This reverts commit" and no type is of type `revert`.
    """
    header, _, body = raw.message.lstrip().partition("\n")
    header = clean(header)
    match = _HEADER.fullmatch(header)
    kind = match[1].lower() if match else None
    footers = tuple(_footers(body)) if "BREAKING" in body or kind == "revert" else ()
    reverts = _GIT_REVERT.findall(body)
    if kind == "revert":
        reverts += [value for key, value in footers if key == "refs" for value in _HASH.findall(value)]
    if reverts and kind is None:
        kind = "revert"
        quoted = _GIT_REVERT_HEADER.fullmatch(header)
        header = quoted[1] if quoted else header
    notes = [clean(value, limit=MAX_NOTE) for key, value in footers if key == "breaking change"]
    return Commit(
        commit=raw.commit,
        type=kind,
        scope=((match[3] or "").strip() or None) if match else None,
        breaking=bool(notes) or bool(match and (match[2] or match[4])),
        description=match[5] if match else header,
        notes=tuple(note for note in notes[:MAX_NOTES] if note),
        reverts=tuple(dict.fromkeys(reverts)),
    )


def parse_commits(commits: Sequence[RawCommit]) -> tuple[Commit, ...]:
    """Read many commits' messages, keeping their order."""
    return tuple(map(parse_commit, commits))


def without_reverted(commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Drop what has no effect on the result: commits reverted later in the range, and those reverts.

    A revert whose targets are not all in the range stays: it takes back what was released. A revert
    that is reverted itself takes nothing back. A commit of another type that says it reverts
    something does so, and stays for what else it does.

    Args:
        commits: newest first, every commit before its parents.

    Returns:
        The rest, in the same order.
    """
    if not any(commit.reverts for commit in commits):
        return tuple(commits)
    place = {commit.commit: index for index, commit in enumerate(commits)}
    hashes = sorted(place)
    gone: set[str] = set()
    for index, commit in enumerate(commits):
        if not commit.reverts or commit.commit in gone:
            continue
        found = [_resolve(prefix, hashes) for prefix in commit.reverts]
        targets = [target for target in found if target and place[target] > index]
        gone.update(targets)
        if commit.type == "revert" and not commit.breaking and len(targets) == len(commit.reverts):
            gone.add(commit.commit)
    return tuple(commit for commit in commits if commit.commit not in gone)


def _footers(body: str) -> Iterator[tuple[str, str]]:
    """Give each footer's token in lower case and its value, which ends where the next begins (clause 10).

    Clause 8 wants a blank line before the first; here any line may begin a footer, because a breaking
    change that was put one line too high breaks just the same. Values after " #" name issues.
    """
    key, value = "", list[str]()
    for line in body.split("\n"):
        match = _FOOTER.match(line)
        if match is None:
            value.append(line)
            continue
        if key:
            yield key, "\n".join(value)
        key = "breaking change" if match[1] else match[2].lower() + ("#" if match[3] == " #" else "")
        value = [match[4]]
    if key:
        yield key, "\n".join(value)


def _resolve(prefix: str, hashes: Sequence[str]) -> str | None:
    """Find the only hash that begins so; None if there are several, or none."""
    start = bisect_left(hashes, prefix)
    found = [full for full in hashes[start : start + 2] if full.startswith(prefix)]
    return found[0] if len(found) == 1 else None
