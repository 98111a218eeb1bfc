"""Try a key: make harmless attempts at what its stage should not be able to do, and see each refused."""

from dataclasses import dataclass

from release.core.attempts import attempts, judged
from release.core.config import Config
from release.core.key_findings import Finding
from release.core.keypolicy import Policies
from release.core.matrix import matrix
from release.ports import KeyTrial


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How many calls were tried with a stage's key, and which were not clearly refused."""

    stage: str
    tried: int
    findings: tuple[Finding, ...]


def run(config: Config, policies: Policies, stage: str, trial: KeyTrial) -> Report:
    """Try everything that can be tried without harm.

    Raises:
        CredentialError: the key is not accepted.
        ServiceError: there was no answer.
    """
    calls = attempts(matrix(config, policies, stages=[stage]), stage)
    findings = (judged(stage, call, trial.attempt(call)) for call in calls)
    return Report(stage=stage, tried=len(calls), findings=tuple(one for one in findings if one is not None))
