"""Whether a job may use a key at all, and whether it sees the credentials of a stage that it is not.

Names of variables are said, values never. `foreign` is certain and cheap enough for every stage to ask;
`surplus` also takes what only looks like a second key.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from release.core.id_token import AUDIENCE, audiences
from release.core.identities import ROTATE, STAGES
from release.errors import CredentialError

KEYS_FILE: Final = "RELEASE_KEYS"
# https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html; the first of each names the source.
_SOURCES: Final = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    ("AWS_PROFILE",),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    (KEYS_FILE,),
)
_KNOWN: Final = frozenset(name for source in _SOURCES for name in source)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_KEY_ID: Final = re.compile(r"A[KS]IA[A-Z2-7]{16}")
_SECRET_NAME: Final = re.compile(r".*AWS_(SECRET_ACCESS_KEY|SESSION_TOKEN).*", re.ASCII)


def require_protected(environment: Mapping[str, str], *, what: str) -> None:
    """Make sure that a GitLab job with a key runs for a protected branch or tag; elsewhere nothing is asked.

    Whoever may push any other ref can write the job that runs there.
    https://docs.gitlab.com/ci/variables/predefined_variables/ (`GITLAB_CI`, `CI_COMMIT_REF_PROTECTED`).

    Args:
        environment: of the job.
        what: needs a key, for the error.

    Raises:
        CredentialError: GitLab does not say that the ref is protected.
    """
    if environment.get("GITLAB_CI") and environment.get("CI_COMMIT_REF_PROTECTED") != "true":
        raise CredentialError(
            f"{what} does not start in a GitLab job whose branch or tag is not protected",
            hint="protect the tags that release, and 'Protect variable' on every key: docs/gitlab.md",
            evidence={"CI_COMMIT_REF_PROTECTED": environment.get("CI_COMMIT_REF_PROTECTED", "not set")[:20]},
        )


def foreign(environment: Mapping[str, str], *, owner: str, stage: str) -> list[str]:
    """Give what in an environment certainly is another stage's.

    Args:
        environment: of the job.
        owner: whose stages these are, see `core.identities.owner`.
        stage: that the job is.
    """
    return list(_foreign(environment, owner, [other for other in (*STAGES, ROTATE) if other != stage]))


def surplus(environment: Mapping[str, str]) -> list[str]:
    """Give what in an environment is, or looks like, a key besides the one in use."""
    sources = [names for names in _SOURCES if any(environment.get(name) for name in names)]
    firsts = [next(name for name in names if environment.get(name)) for names in sources]
    found = [f"{' and '.join(firsts)} are set: only one key may be there"] if len(firsts) > 1 else []
    for name, value in sorted(environment.items()):
        if name in _KNOWN or not value:
            continue
        if _KEY_ID.fullmatch(value):
            found.append(f"{name} holds the id of an access key")
        elif _SECRET_NAME.fullmatch(name.upper()):
            found.append(f"{name} is named like an AWS secret")
    return found


def _foreign(environment: Mapping[str, str], owner: str, others: list[str]) -> Iterator[str]:
    role = environment.get("AWS_ROLE_ARN", "").rpartition("/")[2]
    profile = environment.get("AWS_PROFILE")
    for other in others:
        if role == f"{owner}-{other}":
            yield f"AWS_ROLE_ARN is the role of the {other} stage"
        if profile == f"{owner}-{other}":
            yield f"AWS_PROFILE is the profile of the {other} stage"
    for name, value in sorted(environment.items()):
        asked = audiences(value)
        yield from (f"{name} is a token for the {other} stage" for other in others if AUDIENCE + other in asked)
