"""Who may sign: the part of ssh-keygen's allowed signers file (ssh-keygen(1), ALLOWED SIGNERS) that is a list of keys.

Certificates and times of validity are refused and not passed over: what is read means what ssh-keygen takes it for.
"""

import re
from collections.abc import Mapping
from typing import Final

from release.core.sshkey import PublicKey, SshError, parse_line

LARGEST: Final = 256 * 1024

_LINE: Final = re.compile(
    r'(?P<principals>[^\s"]{1,500}) +'
    r'(namespaces="(?P<namespaces>[a-z0-9@.,-]{1,200})" +)?'
    r"(?P<key>[a-z0-9@.-]+ +\S+)( .*)?"
)


def parse_allowed_signers(body: bytes, *, namespace: str) -> Mapping[PublicKey, str]:
    """Read the keys that may sign in a namespace, with whose they are.

    Raises:
        SshError: a line is malformed, or has options that are not taken; says which.
    """
    if len(body) > LARGEST:
        raise SshError(f"the allowed signers are {len(body)} bytes long, at most {LARGEST} are read")
    found: dict[PublicKey, str] = {}
    for number, line in enumerate(body.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if not match:
            raise SshError(
                f"line {number} of the allowed signers is not 'WHO [namespaces=\"git\"] TYPE KEY';"
                " other options are not taken"
            )
        if match["namespaces"] is not None and namespace not in match["namespaces"].split(","):
            continue
        try:
            found[parse_line(" ".join(match["key"].split()))] = match["principals"]
        except SshError as why:
            raise SshError(f"line {number} of the allowed signers: {why}") from why
    return found
