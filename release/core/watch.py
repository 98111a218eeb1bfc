"""Hold CloudTrail against the release log: what was done with our keys, or to what they guard, and is unexplained."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from release.core.cloudtrail import Record
from release.core.config import Config
from release.core.deeds import TRAIL_RECORD, Deed, Epoch, deed
from release.core.findings import Findings, Kind
from release.core.identities import PROVISION, Identities
from release.core.ledger import Ledger, Session
from release.core.matrix import DUTIES
from release.core.sightings import Places, Refusals

_SESSION: Final = re.compile(r"release-(\d{1,20})-(\d{1,20})", re.ASCII)
_REFUSED: Final = frozenset({"AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What is judged how strictly.

    Attributes:
        near: seconds that a write and its log entry may be apart.
        lag: seconds after which a record must have arrived. "CloudTrail typically delivers logs within an average
            of about 5 minutes", data events too; we wait three times as long.
        together: seconds within which two addresses are two places at once.
        refusals: how many refusals are a burst.
        refusals_within: in how many seconds.
    """

    near: int = 7200
    lag: int = 900
    together: int = 60
    refusals: int = 10
    refusals_within: int = 300


class Watch:
    """Judges records one by one, in any order, and at the end what only all of them can tell.

    Args:
        config: of the library.
        owned: its identities.
        ledger: its log.
        now: seconds since 1970; what its entry may still explain is left open until then.
        limits: how strictly.
    """

    def __init__(self, config: Config, owned: Identities, ledger: Ledger, *, now: int, limits: Limits) -> None:
        self._config = config
        self._owned = owned
        self._ledger = ledger
        self._now = now
        self._limits = limits
        self._networks = [ipaddress.ip_network(text, strict=False) for text in config.keys.source_ips]
        self._places = Places(limits.together)
        self._refusals = Refusals(most=limits.refusals, seconds=limits.refusals_within)
        self._jobs: dict[str, str] = {}
        self._events: set[str] = set()
        self.findings = Findings()
        self.judged = 0
        self.open = 0

    def see(self, record: Record, file: str) -> None:
        """Judge one record; `file` is where it is. What neither uses our keys nor touches what is ours says nothing."""
        stage = self._stage(record)
        below = self._is_below_our_path(record)
        done = deed(self._config, self._owned, record)
        taken = self._taken(record)
        refused = record.error in _REFUSED
        if not (stage or below or taken or (done.place and (done.writes or (refused and record.caller)))):
            return
        if record.event in self._events:
            return  # delivered twice
        self._events.add(record.event)
        self.judged += 1
        if done.writes and not record.error:
            self._ledger.saw(done)
        problems: Iterator[tuple[Kind, str, str]] = iter(())
        if taken:
            problems = self._taking(record, taken)
        elif stage:
            problems = self._use(record, stage, done)
        elif below:
            did = _did(record, done, self._owned)
            problems = iter([("identity", record.issuer or record.caller, f"{did}; it is no stage's")])
        elif done.writes:
            problems = self._touch(record, done)
        for kind, key, what in problems:
            self.findings.add(kind, key, what, at=record.at, example=done.what, event=record.event, file=file)
        if refused and not self._may(stage or taken, done):
            self._refusals.saw(stage or taken or _who(record), record.at)

    def finish(self, *, since: int, until: int) -> None:
        """Judge what only all records of a period can tell."""
        for pair in self._places.together():
            what = f"one key used from {pair.first} and {pair.second} within {pair.seconds} s"
            self.findings.add("two-places", pair.whose, what, at=pair.at)
        for burst in self._refusals.bursts():
            what = f"refused {burst.count} times within {self._limits.refusals_within} s"
            self.findings.add("refusals", burst.whose, what, at=burst.at)
        for at, what in self._ledger.unseen(since=since, until=min(until, self._now - self._limits.lag)):
            self.findings.add("unseen", "release log", f"{what} in CloudTrail", at=at)

    def _stage(self, record: Record) -> str | None:
        return self._owned.stage_of(record.caller) if record.caller else None

    def _is_below_our_path(self, record: Record) -> bool:
        trees = [self._owned.tree(noun)[:-1] for noun in ("user", "role")]
        return any(arn.startswith(tree) for arn in (record.caller, record.issuer) if arn for tree in trees)

    def _taken(self, record: Record) -> str | None:
        """Tell which stage's role the record says was asked for."""
        if record.service != "sts" or self._owned.kind != "roles":
            return None
        return self._owned.stage_of(record.parameter("roleArn"))

    def _use(self, record: Record, stage: str, done: Deed) -> Iterator[tuple[Kind, str, str]]:
        """Judge what a stage's key did."""
        yield from self._from_where(record, stage)
        session = self._session(record.caller) if self._owned.kind == "roles" else None
        if self._owned.kind == "roles" and session is None:
            yield "pipeline", stage, f"{_did(record, done, self._owned)} in a session that is no job's: {record.caller}"
        if session and self._jobs.setdefault(f"{session.pipeline}-{session.job}", stage) != stage:
            other = self._jobs[f"{session.pipeline}-{session.job}"]
            yield "stage", stage, f"job {session.job} of pipeline {session.pipeline} used the key of {other} too"
        if not self._may(stage, done):
            if not _is_harmless(record):
                yield "stage", stage, f"{_did(record, done, self._owned)}, which is not this stage's"
        elif done.writes and not record.error and (session or self._owned.kind == "users"):
            why = self._ledger.unexplained(done, record.at, session)
            if why and record.at + self._limits.near > self._now:
                self.open += 1
            elif why:
                yield "pipeline", stage, f"{_did(record, done, self._owned)}: {why}"

    def _from_where(self, record: Record, stage: str) -> Iterator[tuple[Kind, str, str]]:
        address = _ip(record.address)
        if address is None:
            # KMS is asked by S3 with the caller's identity: https://docs.aws.amazon.com/kms/latest/developerguide/
            if record.service != "kms":
                by = record.invoked_by or record.address or "nobody knows where"
                yield "address", stage, f"{record.name} came from {by}, not from a job"
            return
        self._places.saw(stage, record.access_key or record.caller, record.address, record.at)
        if self._networks and not any(address in network for network in self._networks):
            yield "address", stage, f"used from {record.address}, which [keys] source-ips does not allow"

    def _taking(self, record: Record, stage: str) -> Iterator[tuple[Kind, str, str]]:
        """Judge how a stage's role was asked for: jobs exchange a token of GitLab."""
        tried = f"{_who(record)} asked for the role with {record.name}"
        if record.name != "AssumeRoleWithWebIdentity":
            yield "pipeline", stage, f"{tried}, not with GitLab's token"
            return
        yield from self._from_where(record, stage)
        name = record.parameter("roleSessionName")
        if not _SESSION.fullmatch(name):
            yield "pipeline", stage, f"{tried} for a session that is no job's: {name}"
        gitlab = self._config.keys.gitlab
        if gitlab and not record.user.startswith(f"project_path:{gitlab.project}:"):
            yield "pipeline", stage, f"{tried} by a token of {record.user or 'nobody'}, not of {gitlab.project}"

    def _touch(self, record: Record, done: Deed) -> Iterator[tuple[Kind, str, str]]:
        """Judge a change of ours by somebody who is no stage, administrators included."""
        delivered = record.kind == "AWSService" and record.invoked_by.startswith("cloudtrail.")
        if done.place == TRAIL_RECORD and delivered:
            return
        if record.service == "iam" and self._is_provision(record):
            return
        if isinstance(done.target, Epoch) and done.act == "create" and not record.error:
            yield from self._putting_up(record, done, done.target)
            return
        yield "guarded", _who(record), _did(record, done, self._owned)

    def _putting_up(self, record: Record, done: Deed, epoch: Epoch) -> Iterator[tuple[Kind, str, str]]:
        """Judge who put up a trust epoch: whoever it was, its keepers signed it and an entry announces it."""
        if self._ledger.announces(epoch.number, record.at):
            return
        if record.at + self._limits.near > self._now:
            self.open += 1
        else:
            yield "guarded", _who(record), f"{_did(record, done, self._owned)}, which no log entry announces"

    def _is_provision(self, record: Record) -> bool:
        """Tell whether it is who makes keys, by the name `keys render` gives: a user or role of any path."""
        name = re.escape(self._owned.name(PROVISION))
        start = f"arn:{self._owned.partition}:(iam::{self._owned.account}:user/([^/]+/)*{name}"
        return re.fullmatch(f"{start}|sts::{self._owned.account}:assumed-role/{name}/[^/]+)", record.caller) is not None

    def _may(self, stage: str | None, done: Deed) -> bool:
        duties: Mapping[str, tuple[str, ...]] = DUTIES.get(stage or "", {})
        return done.act in duties.get(done.place, ())

    @staticmethod
    def _session(caller: str) -> Session | None:
        found = _SESSION.fullmatch(caller.rpartition("/")[2])
        return Session(pipeline=found[1], job=found[2]) if found else None


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_harmless(record: Record) -> bool:
    """Tell what the AWS tools ask without being told to, or what needs no permission."""
    return (record.service, record.name) in {("sts", "GetCallerIdentity"), ("s3", "HeadBucket")} or (
        record.service == "kms" and _ip(record.address) is None
    )


def _who(record: Record) -> str:
    named = record.caller or record.issuer or record.user or record.invoked_by
    return named or f"{record.kind} {record.account}".strip() or "somebody unknown"


def _did(record: Record, done: Deed, owned: Identities) -> str:
    """Say what was done, to what kind of thing: a thousand files are one finding."""
    what = done.place.replace("{noun}", owned.noun) or (record.service if done.what else "nothing named")
    return f"{record.name} of {what}" + (f" (refused: {record.error})" if record.error else "")
