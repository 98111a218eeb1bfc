"""Approve: show the difference that a person decides on, and make sure that it is the one he is asked about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from release.core import sshsig
from release.core.approval import NAMESPACE, Approval, Before, Request, Review, before_of, digest
from release.core.changelog import find, parse
from release.core.commits import parse_commit
from release.core.config import Config
from release.core.entry import Approved, Event
from release.core.manifest import Artifact
from release.core.sshkey import PublicKey, SshError
from release.core.succession import Intent
from release.core.tlog import TlogError
from release.core.version import parse_version
from release.effects.authority import authors_since
from release.effects.log_view import Head, LogView
from release.effects.published import published_manifest
from release.effects.slots import Slots
from release.effects.trusted import Trusted
from release.errors import FormatError, RefusedError
from release.ports import Folder, ObjectStore, Repository

MOST_LINES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class FileChange:
    """One file that customers get, before and after; None where it is absent. `integrity` is the SRI string."""

    path: str
    before_bytes: int | None
    after_bytes: int | None
    before_sha256: str | None
    after_sha256: str | None
    integrity: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What a person decides on."""

    request: Request
    sha256: str
    files: tuple[FileChange, ...]
    unchanged: int
    commits: tuple[str, ...]
    changelog: tuple[str, ...]
    serving_approved_by: tuple[Approved, ...]


def difference(
    config: Config,
    slots: Slots,
    site: ObjectStore,
    repository: Repository | None,
    project: Folder,
    approval: Approval,
    request: Request,
) -> Difference:
    """Compare what the channel serves with what it would serve, from the log, the bucket and the clone.

    Raises:
        RefusedError: the request is not about this log, or no longer about what the channel serves.
        IntegrityError: a published manifest is not the one that was recorded.
    """
    serving = _check(config, slots, repository, request)
    old = _files(config, site, request.before) if request.before else {}
    target = Before(version=request.version, manifest=request.manifest, pointer_version=1)
    new = _files(config, site, target)
    changed = tuple(_changes(old, new))
    since = slots.published(request.before.version) if request.before else None
    base = since.source.commit if since and since.source else None
    return Difference(
        request=request,
        sha256=digest(approval.request),
        files=changed,
        unchanged=len({*old, *new}) - len(changed),
        commits=tuple(_commits(repository, base, request)),
        changelog=tuple(_changelog(config, project, request.version)),
        serving_approved_by=serving.approvals if serving else (),
    )


def same_log(view: LogView, request: Request | Review, remembered: bytes | None) -> Head:
    """Make sure that the log continues what the requester saw, and what the approver himself saw before.

    Args:
        view: of the log, with the approver's key.
        request: what he is asked.
        remembered: the checkpoint note of the last time; None the first time.

    Returns:
        The log's head, to be remembered.

    Raises:
        TamperedError: what was seen is not the beginning of this log.
        FormatError: what is remembered is no checkpoint of this log.
    """
    head = view.head()
    if remembered is not None:
        try:
            earlier = view.opened(remembered).checkpoint
        except TlogError as why:
            raise FormatError(
                f"the checkpoint that you saw earlier cannot be believed: {why}",
                hint="is it of this log, and is [log] key its key? Keep the file: it may be evidence",
            ) from why
        view.require_continued(earlier, head, whose="the checkpoint that you saw earlier")
    view.require_continued(request.seen.checkpoint(view.origin), head, whose="the checkpoint of the request")
    return head


def signer(trusted: Trusted, approval: Approval, armored: str) -> tuple[PublicKey, str]:
    """Check a signature that was just made; gives the key and whose it is.

    Raises:
        RefusedError: it is wrong, or the key is no approver's.
    """
    try:
        key = sshsig.verify(armored, approval.request.encode(), namespace=NAMESPACE)
    except SshError as why:
        raise RefusedError(f"the signature that ssh-keygen made is not taken: {why}") from why
    if trusted.newest is None:
        raise RefusedError("this log has no trust epoch, so nobody can approve", hint="release trust propose")
    found = trusted.newest.trust.approver(key)
    if found is None or key.fingerprint in trusted.newest.trust.terms.revoked:
        raise RefusedError(
            f"{key.fingerprint} is no approver's key in trust epoch {trusted.newest.trust.epoch}",
            hint="release trust show lists them",
        )
    return key, f"{found[0].principal} ({found[0].role})"


def _check(config: Config, slots: Slots, repository: Repository | None, request: Request) -> Event | None:
    """Make sure that the request is still about this log's present; gives the entry of what the channel serves."""
    if (request.origin, request.component) != (config.log.origin, config.library.name):
        raise RefusedError(f"the request is for {request.component} in log {request.origin}, release.toml for another")
    published = slots.published(request.version)
    if published is None or (published.manifest, published.source) != (request.manifest, request.source):
        raise RefusedError(f"the request is for another {request.version} than the log says was published")
    tail = slots.tail()
    state = tail.state.channels.get(request.channel)
    if before_of(state) != request.before:
        raise RefusedError(
            f"the request for {request.channel} is stale: the channel serves something else by now",
            hint=f"ask again: release request {request.channel} {request.version}",
        )
    if repository is not None and request.action == "promote":
        intent = Intent(
            action="promote.authorized", version=request.version, manifest=request.manifest, source=request.source
        )
        found = authors_since(repository, slots, config.log.origin, tail, request.channel, intent)
        if found != frozenset(request.authors):
            raise RefusedError(
                f"the request names {len(request.authors)} authors of {request.version}, the history {len(found)}",
                hint="ask again in a whole clone: release request",
            )
    return slots.read(state.entry) if state else None


def _files(config: Config, site: ObjectStore, of: Before) -> dict[str, Artifact]:
    manifest = published_manifest(config, site, of.version, of.manifest)
    return {artifact.path: artifact for artifact in manifest.artifacts}


def _changes(old: Mapping[str, Artifact], new: Mapping[str, Artifact]) -> Iterator[FileChange]:
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before and after and before.sha256 == after.sha256:
            continue
        yield FileChange(
            path=path,
            before_bytes=before.bytes if before else None,
            after_bytes=after.bytes if after else None,
            before_sha256=before.sha256 if before else None,
            after_sha256=after.sha256 if after else None,
            integrity=after.integrity if after else None,
        )


def _commits(repository: Repository | None, base: str | None, request: Request) -> Iterator[str]:
    if repository is None or request.source is None or request.action == "rollback":
        return
    raws = repository.commits(after=base, until=request.source.commit)
    for raw in raws[:MOST_LINES]:
        commit = parse_commit(raw)
        kind = f"{commit.type}{'!' if commit.breaking else ''}: " if commit.type else ""
        yield f"{commit.short} {kind}{commit.description}"
    if len(raws) > MOST_LINES:
        yield f"and {len(raws) - MOST_LINES} more"


def _changelog(config: Config, project: Folder, version: str) -> Iterator[str]:
    """Give the version's section of the changelog in the working copy, if there is one."""
    body = project.read(config.library.changelog, limit=4 * 1024 * 1024)
    if body is None:
        return
    changelog = parse(body.decode("utf-8", "replace"))
    place = find(changelog, parse_version(version))
    if place is not None:
        lines = changelog.blocks[place].text.strip().splitlines()
        yield from lines[:MOST_LINES]
