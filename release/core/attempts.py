"""Calls that a key may be tried on: those off its duties that change nothing even if the key may do everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from release.core.key_findings import Finding
from release.core.matrix import Call, Cell

_READ: Final = "it only reads"
_NOBODYS_KEY: Final = "it names a key that nobody has"
HARMLESS: Final[Mapping[str, str]] = {
    # S3 holds the body against Content-MD5 and x-amz-checksum-sha256 before it stores anything:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    "create": "it is sent with the digests of another body, and with If-None-Match",
    "replace": "it is sent with the digests of another body, and with an If-Match that no object has",
    "read": _READ,
    "list": _READ,
    "list all of": _READ,
    **dict.fromkeys(("list versions of", "list versions of all in", "list all versions of"), _READ),
    **dict.fromkeys(("see the names in", "see the lock of"), _READ),
    "read the policy of": _READ,
    "see how a purge goes at": "it asks for an invalidation that does not exist",
    **dict.fromkeys(("GetUser", "GetRole", "GetPolicy", "GetPolicyVersion", "ListPolicyVersions"), _READ),
    **dict.fromkeys(("ListAccessKeys", "ListAttachedUserPolicies", "ListGroupsForUser", "ListUserPolicies"), _READ),
    **dict.fromkeys(("ListAttachedRolePolicies", "ListRolePolicies"), _READ),
    **dict.fromkeys(("DeleteAccessKey", "UpdateAccessKey"), _NOBODYS_KEY),
}
"""Acts that may be tried, and why each is harmless. All others could change or cost something if they were allowed."""

_NARROW: Final = "run `release keys check` with the audit key: it says where the policies differ; apply them again"
_ASK: Final = "run it again; if the answer stays, compare the key with its policy by hand"

Verdict = Literal["refused", "permitted", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a service said to an attempt. `said` is an error's code, or nothing."""

    verdict: Verdict
    said: str = ""


def attempts(cells: Sequence[Cell], stage: str) -> list[Call]:
    """Give the calls to try with a stage's key: all that can be tried on what is ours and are not its duty."""
    tried = (cell.call for cell in cells if cell.stage == stage and not cell.wanted and cell.call.act in HARMLESS)
    return [call for call in tried if not call.elsewhere]


def judged(stage: str, call: Call, answer: Answer) -> Finding | None:
    """Say what is wrong with the answer to an attempt; None if it was clearly refused."""
    if answer.verdict == "refused":
        return None
    asked = f"{call.action} on {call.resource}" + (f" ({answer.said})" if answer.said else "")
    if answer.verdict == "permitted":
        what = f"its key may {call}, and should not: {asked}"
        return Finding(stage=stage, what=what, remedy=_NARROW)
    return Finding(stage=stage, what=f"no clear answer whether its key may {call}: {asked}", remedy=_ASK)
