"""The allowed_signers of a pack: whom a trust epoch let approve and review, as `ssh-keygen -Y verify` reads it.

ssh-keygen(1), ALLOWED SIGNERS: `principals [options] keytype key`, times as `YYYYMMDDHHMMSSZ` in UTC.
"""

from release.core.approval import NAMESPACE, REVIEW
from release.core.sshkey import parse_line
from release.core.trust import ApproverKey, Trust


def signers_text(trust: Trust) -> str:
    """Give a line for every key that was not revoked."""
    lines = [
        f"{approver.principal} {_options(key)} {key.key}\n"
        for approver in trust.terms.approvers
        for key in approver.keys
        if parse_line(key.key).fingerprint not in trust.terms.revoked
    ]
    return "".join(lines)


def keygen_time(stamp: str) -> str:
    """Write a time such as 2026-11-24T00:12:33Z as ssh-keygen takes it."""
    return "".join(character for character in stamp if character.isdigit()) + "Z"


def _options(key: ApproverKey) -> str:
    options = [f'namespaces="{NAMESPACE},{REVIEW}"']
    options += [f'valid-after="{keygen_time(key.valid_after)}"'] if key.valid_after else []
    options += [f'valid-before="{keygen_time(key.valid_before)}"'] if key.valid_before else []
    return ",".join(options)
