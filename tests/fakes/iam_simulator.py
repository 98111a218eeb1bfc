"""A second opinion on policies: `@cloud-copilot/iam-simulate`, an IAM evaluator that knows nothing of ours.

It validates every policy, and knows of each action which condition keys and resources it has.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.fakes.npm_packages import installed

SOURCE: Final = Path(__file__).parents[1] / "iam_simulate"
_ENDS_AFTER: Final = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One request, and by name the policies that it is held against."""

    principal: str
    action: str
    resource: str
    account: str
    context: Mapping[str, str]
    identity: Sequence[str]
    boundary: str | None = None
    resource_policy: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulator:
    """The evaluator, installed in a folder."""

    folder: Path

    def decide(
        self,
        questions: Sequence[Question],
        *,
        identity: Mapping[str, Mapping[str, Any]],
        resource: Mapping[str, Mapping[str, Any]],
        trust: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[bool]:
        """Tell of each question whether the request is allowed.

        Args:
            questions: what is asked.
            identity: policies of users and roles, and boundaries, by the name that questions use.
            resource: policies of buckets.
            trust: policies that say who may take a role.
        """
        policies = {
            **{name: {"kind": "identity", "document": document} for name, document in identity.items()},
            **{name: {"kind": "resource", "document": document} for name, document in resource.items()},
            **{name: {"kind": "trust", "document": document} for name, document in (trust or {}).items()},
        }
        ended = subprocess.run(
            ["node", "decide.js"],
            cwd=self.folder,
            input=json.dumps({"policies": policies, "questions": [asdict(question) for question in questions]}),
            capture_output=True,
            text=True,
            check=False,
            timeout=_ENDS_AFTER,
        )
        if ended.returncode:
            raise RuntimeError(ended.stderr[-4000:])
        decided = json.loads(ended.stdout)
        assert len(decided) == len(questions)
        return [answer["decision"] == "Allowed" for answer in decided]


def simulated(cache: Path) -> Simulator:
    """Install what the lock file names."""
    return Simulator(folder=installed(SOURCE, cache))
