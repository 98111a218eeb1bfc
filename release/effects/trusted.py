"""The trust epochs and the evidence of approvals, as the log bucket holds them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from release.core import approved
from release.core.approval import LARGEST, Approval, Request, before_of, merge, read_asked
from release.core.config import Config
from release.core.entry import Approved, Event
from release.core.epochs import Known
from release.core.permission import Grant, Step
from release.core.trust import LARGEST as LARGEST_EPOCH
from release.effects.slots import Slots
from release.errors import LogError, RefusedError

_SET_UP: Final = "set up who approves: release trust propose; or say on purpose [approvals] required = false"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trusted:
    """All trust epochs of a log, oldest first; none where release.toml says that no approval is required."""

    slots: Slots
    known: Sequence[Known]

    @property
    def newest(self) -> Known | None:
        """The epoch that decides now."""
        return self.known[-1] if self.known else None

    def of_entry(self, event: Event) -> Approval:
        """Read an entry's approval back from the evidence (LogError)."""
        return approved.approval_of(event, self._blob)

    def check(self, event: Event) -> None:
        """Prove again, from the log bucket alone, that an authorising entry was approved.

        Keys that were revoked since do not count. A log without trust epochs asks for nothing.

        Raises:
            RefusedError: it was not.
            LogError: the evidence is missing, or the entry says something else than it.
        """
        if self.newest is not None:
            approved.check(event, self.known, self._blob, revoked=self.newest.trust.terms.revoked)

    def keep(self, grant: Grant) -> None:
        """Leave an approval in the log bucket, before the entry that names it."""
        for body in grant.evidence.values():
            self.slots.leave_evidence(body)

    def _blob(self, sha256: str) -> bytes:
        key = self.slots.layout.evidence(sha256)
        found = self.slots.store.read(key, limit=LARGEST)
        if found is None:
            raise LogError(f"{key} is missing: the log names it as an approval", hint="compare with the replica")
        return found.body


def load(config: Config, slots: Slots) -> Trusted:
    """Read and verify the trust epochs, beginning with the one that release.toml pins.

    Raises:
        LogError: an epoch is malformed, not signed as it must be, or not the pinned one.
        RefusedError: there is none, or it is not pinned, and release.toml does not say that none is required.
    """
    found = read_epochs(config, slots)
    _check_pin(config, found)
    return Trusted(slots=slots, known=found)


def read_epochs(config: Config, slots: Slots) -> list[Known]:
    """Read and verify all trust epochs, but for the pin (LogError)."""

    def read(key: str) -> bytes | None:
        found = slots.store.read(key, limit=LARGEST_EPOCH)
        return found.body if found else None

    return approved.read_epochs(read, name=slots.layout.epoch, origin=config.log.origin)


def _check_pin(config: Config, found: Sequence[Known]) -> None:
    pinned = config.approvals.trust
    if not found:
        if pinned:
            raise LogError(
                "release.toml pins a trust epoch, and the log bucket has none", hint="is it the right bucket?"
            )
        if config.approvals.required:
            raise RefusedError("releases need approval, and nothing says whose", hint=_SET_UP)
        return
    if pinned is None:
        raise RefusedError(
            "the log bucket has a trust epoch, and release.toml does not pin the first one",
            hint="compare this digest with the one its keepers signed, then write it as [approvals] trust",
            evidence={"sha256": found[0].sha256},
        )
    if pinned != found[0].sha256:
        raise LogError(
            "the first trust epoch is not the one that release.toml pins",
            hint="somebody put up a trust of his own, or release.toml is of another log",
            evidence={"pinned": pinned, "found": found[0].sha256},
        )


def choose(trusted: Trusted, given: Sequence[Approval], step: Step) -> Approval | None:
    """Choose the approval of a step: one that was given, or for a way back the one of the release it leaves.

    Approvals of one request count together; a request that fits what the channel serves goes before others.
    """
    merged: dict[str, Approval] = {}
    fits: dict[str, bool] = {}
    for approval in given:
        request = read_asked(approval.request.encode(), name="the request")
        if not isinstance(request, Request):
            continue  # a review permits nothing
        if (request.action, request.channel, request.version) == (step.action, step.channel, step.version):
            earlier = merged.get(approval.request, approval)
            merged[approval.request] = merge(earlier, approval)
            fits[approval.request] = request.before == before_of(step.serves) and step.at <= request.expires
    if merged:
        return merged[max(merged, key=lambda text: fits[text])]
    if step.action == "rollback" and step.serves is not None:
        entry = trusted.slots.read(step.serves.entry)
        if entry.approvals and entry.trust:
            return trusted.of_entry(entry)
    return None


def same_request(approvals: Sequence[Approved], approval: Approval) -> bool:
    """Tell whether an entry was made from this approval's request."""
    return {a.request for a in approvals} == {hashlib.sha256(approval.request.encode()).hexdigest()}
