"""Permission for a step that is about to be recorded: who approved it, and who wrote what it brings."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from release.core import permission
from release.core.approval import Approval, stamp
from release.core.config import Config
from release.core.entry import Event
from release.core.epochs import Known
from release.core.permission import Grant, Step
from release.core.succession import Intent, Tail, already
from release.core.trust import author_id
from release.core.version import parse_version
from release.effects.history import require_whole_history
from release.effects.log_view import LogView
from release.effects.slots import Slots
from release.effects.trusted import Trusted, choose, same_request
from release.errors import RefusedError
from release.ports import Clock, Repository

# What git and GitLab write for a second author: https://docs.gitlab.com/user/project/merge_requests/commits/
_CO_AUTHOR: Final = re.compile(r"^co-authored-by:[^<\n]{0,200}<([^<>\s]{1,320})>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is known of a step before it is permitted.

    Attributes:
        newest: the trust epoch that decides.
        view: the log's tree.
        given: the approvals that the job was handed.
        repository: opens the library's repository; None where there is none, as in a rollback.
        actor: the pipeline's actor.
    """

    config: Config
    slots: Slots
    clock: Clock
    trusted: Trusted
    newest: Known
    view: LogView
    given: tuple[Approval, ...]
    repository: Callable[[], Repository] | None
    actor: str | None


def permit(asked: Asked, intent: Intent, tail: Tail) -> Event | Grant:
    """Give the permission for a step, or the entry that it already has.

    Raises:
        RefusedError: nobody approved it, or not the right people, or not this.
        TamperedError: its approvers saw another log.
    """
    step = _step(asked, intent, tail)
    approval = choose(asked.trusted, asked.given, step)
    if (index := already(tail, intent)) is not None:
        entry = asked.slots.read(index)
        known = any(same_request(entry.approvals, one) for one in asked.given)
        if entry.approvals and (known or approval is None or same_request(entry.approvals, approval)):
            return entry
    if approval is None:
        raise RefusedError(
            f"{step.action} of {step.version} on {step.channel} needs an approval, and none was given",
            hint=f"release request {step.channel} {step.version}, release approve; hand the job RELEASE_APPROVAL",
        )
    grant = permission.judge(asked.newest, approval, step)
    seen = grant.seen.checkpoint(step.origin)
    asked.view.require_continued(seen, asked.view.head(), whose=f"what {_names(grant)} saw")
    return grant


def authors_since(
    repository: Repository, slots: Slots, origin: str, tail: Tail, channel: str, intent: Intent
) -> frozenset[str]:
    """Give the opaque ids of who wrote what a channel would newly serve.

    That is every commit since the version that it serves. A channel that serves nothing is held against the
    highest older version that another channel serves, and the first release of all against its whole history.

    Raises:
        SourceError: the clone is shallow, or lacks a commit.
    """
    if intent.source is None:
        return frozenset()
    require_whole_history(repository)
    base, until = _base(slots, tail, channel, intent.version), intent.source.commit
    addresses = set(repository.authors(after=base, until=until))
    for raw in repository.commits(after=base, until=until):
        addresses.update(_CO_AUTHOR.findall(raw.message))
    return frozenset(author_id(origin, address) for address in addresses)


def _names(grant: Grant) -> str:
    return " and ".join(approval.principal for approval in grant.approvals)


def _base(slots: Slots, tail: Tail, channel: str, version: str) -> str | None:
    serving = tail.state.channels
    wanted = parse_version(version)
    older = [s.version for s in serving.values() if parse_version(s.version) < wanted]
    found = serving[channel].version if channel in serving else max(older, key=parse_version, default=None)
    published = slots.published(found) if found else None
    return published.source.commit if published and published.source else None


def _step(asked: Asked, intent: Intent, tail: Tail) -> Step:
    channel, backwards = intent.channel or "", intent.action == "rollback.authorized"
    authors = frozenset[str]()
    if asked.newest.trust.terms.separation and not backwards:
        if asked.repository is None:
            raise RefusedError(
                "nobody can tell who wrote this version: there is no repository here",
                hint="run it in a whole clone of the library",
            )
        authors = authors_since(asked.repository(), asked.slots, asked.config.log.origin, tail, channel, intent)
    return Step(
        origin=asked.config.log.origin,
        component=asked.config.library.name,
        action="rollback" if backwards else "promote",
        channel=channel,
        version=intent.version,
        manifest=intent.manifest,
        source=intent.source,
        serves=tail.state.channels.get(channel),
        actor=asked.actor,
        authors=authors,
        at=stamp(asked.clock.now()),
    )
