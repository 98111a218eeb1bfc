"""Identity tokens of GitLab's jobs, and what AWS makes of them. Nothing is verified here; AWS does that.

https://docs.gitlab.com/ci/secrets/id_token_authentication/
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from release.core.config import Config
from release.core.key_section import GitLab

AUDIENCE: Final = "release-"
_LONGEST: Final = 16 * 1024
_TOKEN: Final = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]+", re.ASCII)


def claims(value: str) -> Mapping[str, Any] | None:
    """Give what a token says (https://www.rfc-editor.org/rfc/rfc7519#section-4.1); None if it is no token."""
    token = _TOKEN.fullmatch(value) if len(value) <= _LONGEST else None
    if token is None:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(token[1] + "=" * (-len(token[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def audiences(value: str) -> list[str]:
    """Give the `aud` of a token; none if it is no token."""
    found = (claims(value) or {}).get("aud")
    return [str(one) for one in found] if isinstance(found, list) else [] if found is None else [str(found)]


def subjects(config: Config, gitlab: GitLab, stage: str) -> list[str]:
    """Give the patterns of the `sub` to which a stage's role is given; it is made of `name:value` parts."""
    known = {
        "ref_protected": "true",
        "environment": f"release/{stage}",
        "environment_protected": "true",
        "deployment_tier": "production",
    }
    more = "".join(f":{part}:{known[part]}" for part in gitlab.subject[3:])
    project = f"project_path:{gitlab.project}"
    if stage == "audit":
        return [f"{project}:ref_type:branch:ref:{config.library.protected_branch}{more}"]
    return [f"{project}:ref_type:tag:ref:{config.library.tag_prefix}{digit}*{more}" for digit in range(10)]
