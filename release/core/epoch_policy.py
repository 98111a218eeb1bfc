"""What a trust epoch says of keys, as a trust policy (https://c2sp.org/tlog-policy): whom to believe a checkpoint."""

from release.core.tlog.policy import Policy, parse_policy
from release.core.trust import Trust


def policy_text(trust: Trust) -> str:
    """Write the policy file of an epoch, for this and other tools: its log keys, witnesses and quorum."""
    terms = trust.terms
    names = [f"w{number}" for number in range(1, len(terms.witnesses) + 1)]
    lines = [f"# {trust.origin}, trust epoch {trust.epoch}"]
    lines += [f"log {vkey}" for vkey in terms.log_keys]
    lines += [f"witness {name} {vkey}" for name, vkey in zip(names, terms.witnesses, strict=True)]
    if terms.quorum:
        lines.append(f"group witnesses {terms.quorum} {' '.join(names)}")
    lines.append(f"quorum {'witnesses' if terms.quorum else 'none'}")
    return "\n".join(lines) + "\n"


def policy_of(trust: Trust) -> Policy:
    """Give the policy of an epoch.

    Raises:
        TlogError: a key of it is malformed, or there twice.
    """
    return parse_policy(policy_text(trust).encode())
