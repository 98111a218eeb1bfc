"""Whose signature it is: one of an approver of a trust epoch, made with a key that was valid then."""

from release.core import sshsig
from release.core.sshkey import SshError
from release.core.trust import Approver, Trust


def signed_by(trust: Trust, text: str, armored: str, *, namespace: str, at: str) -> Approver:
    """Verify one signature; gives whose it is.

    Raises:
        SshError: it is wrong, or made with a key that is nobody's, revoked, or not valid at that time.
    """
    key = sshsig.verify(armored, text.encode(), namespace=namespace)
    found = trust.approver(key)
    if found is None:
        raise SshError(f"{key.fingerprint} is no approver's key in trust epoch {trust.epoch}")
    approver, own = found
    if key.fingerprint in trust.terms.revoked:
        raise SshError(f"the key {key.fingerprint} of {approver.principal} is revoked")
    if not (own.valid_after or "") <= at < (own.valid_before or "9"):
        raise SshError(
            f"the key {key.fingerprint} of {approver.principal} is valid from {own.valid_after or 'ever'}"
            f" to {own.valid_before or 'ever'}, not at {at}"
        )
    return approver
