"""Whose key a job holds."""

from dataclasses import dataclass

from release import compose
from release.core.identities import identities, owner
from release.core.key_environment import foreign, surplus
from release.errors import CredentialError


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Whose key is in hand: `stage` is None if it is no stage's."""

    arn: str
    account: str
    stage: str | None


def require_own_key(work: compose.Workspace, stage: str, account: str | None = None) -> Caller:
    """Make sure that this job holds one key and that it is not another stage's; asks STS.

    Raises:
        CredentialError: it sees more than one key, or one of another stage or account, or one that is not accepted.
    """
    environment = work.environment
    if wrong := [*foreign(environment, owner=owner(work.config), stage=stage), *surplus(environment)]:
        raise CredentialError(
            f"this job must see the key of the {stage} stage only: {'; '.join(wrong)}", hint=compose.ONE_KEY
        )
    arn = work.clients(stage).caller()
    found = arn.split(":")[4]
    expected = account or work.config.account or found
    if found != expected:
        raise CredentialError(
            f"the key of the {stage} stage is {arn}, and the keys are of account {expected}", hint=compose.ONE_KEY
        )
    held = identities(work.config, account=found).stage_of(arn)
    if held not in {None, stage}:
        raise CredentialError(
            f"the key in hand is the {held} stage's, not the {stage} stage's: {arn}", hint=compose.ONE_KEY
        )
    return Caller(arn=arn, account=found, stage=held)


def require_stage(caller: Caller, stage: str) -> None:
    """Refuse a key that is no stage's (CredentialError)."""
    if caller.stage != stage:
        raise CredentialError(
            f"the key in hand is not the {stage} stage's: {caller.arn}", hint="release keys provision makes it"
        )
