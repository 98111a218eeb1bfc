"""The tags of a repository, as far as the release log can be held against them."""

from collections.abc import Mapping

from release.core.sshkey import PublicKey, SshError
from release.core.tag_anchor import LARGEST, anchor_of, parse_tag
from release.core.tag_check import TagCheck, Tags, signed_by
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.effects.history import require_whole_history
from release.errors import FormatError
from release.ports import Repository


def read_tags(repository: Repository, check: TagCheck) -> Tags:
    """Read what a check that has seen all entries asks of a repository.

    Raises:
        SourceError: its history is cut off, so that missing tags would say nothing.
    """
    require_whole_history(repository)
    commits = repository.tags()
    first = check.first_commit(commits)
    return Tags(
        commits=commits,
        objects=repository.tag_objects([*check.of_library(commits)], limit=LARGEST),
        older=frozenset(repository.tags(merged_into=first)) if first else frozenset(),
    )


def seen_by_tags(
    repository: Repository, signers: Mapping[PublicKey, str] | None, origin: str
) -> list[tuple[str, Checkpoint]]:
    """Give what the tags of a repository saw of one log; tags of others than the signers count for nothing.

    Raises:
        SourceError: its history is cut off.
        FormatError: a tag that counts does not say clearly what it saw.
    """
    require_whole_history(repository)
    found = []
    for name, body in sorted(repository.tag_objects([*repository.tags()], limit=LARGEST).items()):
        try:
            tag = parse_tag(body, name=name)
            whose = signed_by(tag, signers)
        except (TlogError, SshError):
            continue
        try:
            seen = anchor_of(tag.message)
        except TlogError as why:
            raise FormatError(
                f"the tag {name}{whose} is not understood: {why}", hint="git cat-file -p shows it"
            ) from why
        if seen and seen.origin == origin:
            found.append((f"what the tag {name}{whose} saw", seen))
    return found
