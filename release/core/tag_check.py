"""For an auditor: the tags of a repository and the release log say the same, and what the tags saw is of this log."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from release.core import sshsig
from release.core.entry import Event
from release.core.log_finding import Finding
from release.core.sshkey import PublicKey, SshError
from release.core.tag_anchor import NAMESPACE, Tag, anchor_of, parse_tag
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.version import parse_version
from release.errors import SourceError


@dataclass(frozen=True, kw_only=True, slots=True)
class Tags:
    """What a repository has.

    Attributes:
        commits: of all tags, by name.
        objects: the annotated tags of this library, as git stores them; None: larger than is read.
        older: the tags of commits from before the first release that was logged.
    """

    commits: Mapping[str, str]
    objects: Mapping[str, bytes | None]
    older: frozenset[str]


@dataclass(kw_only=True, slots=True)
class TagCheck:
    """One check. It sees all entries first; `signers` are whose tags count, None if anybody's do.

    Attributes:
        anchors: what the tags saw of the log, with which tag it was.
    """

    signers: Mapping[PublicKey, str] | None = None
    anchors: dict[Checkpoint, str] = field(default_factory=dict, init=False)
    _published: dict[str, Event] = field(default_factory=dict, init=False)

    def see(self, event: Event) -> None:
        """Take note of an entry."""
        if event.action == "publish.completed" and event.source is not None:
            self._published.setdefault(event.source.tag, event)

    def first_commit(self, commits: Mapping[str, str]) -> str | None:
        """Give the commit of the first logged release whose tag the repository has where it should be."""
        published = ((tag, event.source.commit) for tag, event in self._published.items() if event.source)
        return next((commit for tag, commit in published if commits.get(tag) == commit), None)

    def of_library(self, names: Iterable[str]) -> dict[str, str]:
        """Choose the tags of this library, with their versions; the log's own tags show how they are written."""
        prefixes = {tag.removesuffix(event.version) for tag, event in self._published.items()}
        found = {}
        for name in names:
            for prefix in prefixes:
                if name.startswith(prefix) and _is_version(name.removeprefix(prefix)):
                    found[name] = name.removeprefix(prefix)
        return found

    def judge(self, tags: Tags, origin: str) -> Iterator[Finding]:
        """Hold the tags against the log."""
        for tag, event in self._published.items():
            yield from self._logged(tag, event, tags)
        for name, version in sorted(self.of_library(tags.commits).items()):
            if name not in self._published and name in tags.older:
                continue
            if name not in self._published:
                message = f"the tag {name} is of no release that the log knows: {version} is not published there"
                yield _finding(message, ("commit", tags.commits[name]))
            yield from self._object(name, tags, origin)

    def _logged(self, tag: str, event: Event, tags: Tags) -> Iterator[Finding]:
        commit = event.source.commit if event.source else ""
        found = tags.commits.get(tag)
        if found != commit:
            message = f"entry {event.index} published {event.version} from the tag {tag}, which the repository "
            message += "does not have" if found is None else "has elsewhere"
            facts = (("recorded", commit), ("found", found or "no such tag"))
            yield Finding(kind="repository", message=message, index=event.index, facts=facts)

    def _object(self, name: str, tags: Tags, origin: str) -> Iterator[Finding]:
        if name not in tags.objects:
            if self.signers is not None:
                yield _finding(f"the tag {name} is not signed: it is a name and nothing else")
            return
        try:
            tag = parse_tag(tags.objects[name], name=name)
            whose = signed_by(tag, self.signers)
            seen = anchor_of(tag.message)
        except (TlogError, SshError) as why:
            yield _finding(f"the tag {name} is not taken: {why}")
            return
        if seen is None:
            return
        where = f"what the tag {name}{whose} saw"
        if seen.origin != origin:
            yield Finding(kind="fork", message=f"{where} is of the log {seen.origin}")
        else:
            self.anchors.setdefault(seen, where)


def signed_by(tag: Tag, signers: Mapping[PublicKey, str] | None) -> str:
    """Say who signed a tag, nothing if anybody's tags count (SshError: nobody who may)."""
    if signers is None:
        return ""
    if not tag.signature:
        raise SshError("nobody signed it")
    key = sshsig.verify(tag.signature, tag.signed, namespace=NAMESPACE)
    if key not in signers:
        raise SshError(f"{key.fingerprint}, which signed it, is none of the allowed signers")
    return f", signed by {signers[key]},"


def _is_version(text: str) -> bool:
    try:
        parse_version(text)
    except SourceError:
        return False
    return True


def _finding(message: str, *facts: tuple[str, str]) -> Finding:
    return Finding(kind="repository", message=message, facts=facts)
