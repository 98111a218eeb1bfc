"""Our policies as Ceph's gateway can read them: what it has no word for is left out, and nothing else is touched.

RGW 16 refuses a whole policy that names an action or a service it does not know. Leaving an Allow out
narrows; leaving a Deny out is listed (`UNDENIED`) and pinned by the tests. It evaluates `Null` by whether
the key is there and not by what is asked, and never has `s3:if-none-match`: a Deny by that key would
refuse every write, so it is left out too (`CREATE_ONLY`, `SWAP_ONLY`), and so is that of deletes (`UNCHANGED_ONLY`).
The keys of those rules stay in the stages' own policies, where they refuse nothing; the evaluator's tests are what
holds them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Policy = dict[str, Any]

UNDENIED: Final = frozenset(
    {"s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"}
)
"""Actions of S3 that RGW 16 does not have; they only stand in a Deny."""

CREATE_ONLY: Final[Mapping[str, Any]] = {"Null": {"s3:if-none-match": "true"}}
SWAP_ONLY: Final[Mapping[str, Any]] = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
UNCHANGED_ONLY: Final[Mapping[str, Any]] = {"Null": {"s3:if-match": "true"}}
"""The conditions of a Deny that RGW 16 would apply to every write."""


def readable(policy: Mapping[str, Any]) -> Policy | None:
    """Give the part of a policy that is about S3 as RGW knows it; None if nothing is."""
    kept = [part for statement in policy["Statement"] if (part := _part(statement)) is not None]
    return {**policy, "Statement": kept} if kept else None


def _part(statement: Mapping[str, Any]) -> Policy | None:
    if statement["Effect"] == "Deny" and statement.get("Condition") in (CREATE_ONLY, SWAP_ONLY, UNCHANGED_ONLY):
        return None
    actions = [action for action in statement["Action"] if action.startswith("s3:") and action not in UNDENIED]
    element = "Resource" if "Resource" in statement else "NotResource"
    resources = [arn for arn in _listed(statement[element]) if arn == "*" or arn.split(":")[2] == "s3"]
    return {**statement, "Action": actions, element: resources} if actions and resources else None


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value
