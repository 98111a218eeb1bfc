"""The one key that a stage may use.

Credentials come from exactly one of these places, in the mapping that is given, and never from
this process's environment, `~/.aws/config` or the machine:

1. a profile named by the caller, in the credentials file named by the caller;
2. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if temporary, `AWS_SESSION_TOKEN`;
3. `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN` and `AWS_ROLE_SESSION_NAME` (all three: the
   session name is what ties CloudTrail to the job);
4. `AWS_PROFILE`, static keys in `AWS_SHARED_CREDENTIALS_FILE` or `$HOME/.aws/credentials`;
5. `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `..._FULL_URI`, where nothing else is set: the
   platform gave this container a role of its own.

Two of 2 to 4 at once are refused: which of two keys signs must not depend on an order that nobody
remembers. Profiles that start programs, log in or assume further roles are not followed
(`aws configure export-credentials` turns them into 2). The instance metadata service is never
asked: the role of a shared runner is no stage's key.

https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.credentials import (
    AssumeRoleWithWebIdentityCredentialFetcher,
    ContainerProvider,
    CredentialProvider,
    Credentials,
    DeferredRefreshableCredentials,
    EnvProvider,
    RefreshableCredentials,
    SharedCredentialProvider,
)
from botocore.exceptions import BotoCoreError

from release.errors import CredentialError

STATIC: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
WEB_IDENTITY: Final = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME")
PROFILE: Final = ("AWS_PROFILE",)
CONTAINER: Final = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")

_SOURCES: Final = (STATIC, WEB_IDENTITY, PROFILE)
_OPTIONAL: Final = frozenset({"AWS_SESSION_TOKEN"})
_EXPECTED: Final = (
    "expected are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and "
    "AWS_ROLE_SESSION_NAME; or AWS_PROFILE with AWS_SHARED_CREDENTIALS_FILE"
)


def credential_source(environment: Mapping[str, str], *, stage: str) -> tuple[str, ...]:
    """Tell which variables hold the key: STATIC, WEB_IDENTITY, PROFILE or CONTAINER.

    Raises:
        CredentialError: none does, or one only in part, or two do.
    """
    present = [source for source in _SOURCES if any(environment.get(name) for name in source)]
    if not present and any(environment.get(name) for name in CONTAINER):
        return CONTAINER
    if not present:
        raise CredentialError(f"there is no key for the {stage} stage", hint=_EXPECTED)
    if len(present) > 1:
        names = " and ".join(next(name for name in source if environment.get(name)) for source in present)
        raise CredentialError(
            f"there is more than one key for the {stage} stage: {names} are set",
            hint="keep the one that belongs to this stage and unset the other",
        )
    missing = [name for name in present[0] if name not in _OPTIONAL and not environment.get(name)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise CredentialError(
            f"the key for the {stage} stage is incomplete: {' and '.join(missing)} {verb} missing", hint=_EXPECTED
        )
    return present[0]


def static_keys(environment: Mapping[str, str]) -> CredentialProvider:
    """Give the key that the environment spells out."""
    return EnvProvider(environ={name: environment[name] for name in STATIC if environment.get(name)})


def profile_keys(name: str, file: Path | None, environment: Mapping[str, str]) -> CredentialProvider:
    """Give the static key of one profile of one credentials file.

    Raises:
        CredentialError: the file or the profile does not exist, is malformed or holds no key.
    """
    home = Path(environment.get("HOME") or "/")
    path = file or Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws" / "credentials")
    try:
        found = SharedCredentialProvider(creds_filename=str(path), profile_name=name).load()
    except (BotoCoreError, OSError, ValueError):
        raise CredentialError(f"the profile {name!r} in {path} is incomplete, or the file is malformed") from None
    if found is None:
        raise CredentialError(
            f"the profile {name!r} has no aws_access_key_id in {path}",
            hint="for a profile that logs in or assumes a role, first run "
            f"`aws configure export-credentials --profile {name} --format env`",
        )
    return _Known(found)


def web_identity(environment: Mapping[str, str], make_client: Callable[..., Any]) -> CredentialProvider:
    """Give the role that the job's identity token stands for.

    The role is assumed when a request first needs it, and again before its credentials expire.
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html

    Args:
        environment: holds all of WEB_IDENTITY.
        make_client: makes an unsigned STS client when called with `("sts", config=...)`.
    """
    file, role, name = (environment[variable] for variable in WEB_IDENTITY)
    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=make_client,
        web_identity_token_loader=lambda: _token(file),
        role_arn=role,
        extra_args={"RoleSessionName": name},
    )

    def refresh() -> dict[str, Any]:
        fetched: dict[str, Any] = fetcher.fetch_credentials()
        # botocore raises a bare RuntimeError for these.
        if datetime.fromisoformat(fetched["expiry_time"]) <= datetime.now(UTC):
            raise CredentialError("the role's new credentials are expired already", hint="set this machine's clock")
        return fetched

    return _Known(DeferredRefreshableCredentials(refresh_using=refresh, method="assume-role-with-web-identity"))


def container_role(environment: Mapping[str, str]) -> CredentialProvider:
    """Give the role that the platform gave this container.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """
    return _Container(environ=dict(environment))


def _token(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise CredentialError(f"AWS_WEB_IDENTITY_TOKEN_FILE names {path}, which is not a readable token") from None


class _Container(ContainerProvider):
    """The container's role; what botocore refuses with a bare ValueError or OSError is our error too."""

    def load(self) -> RefreshableCredentials:
        try:
            return super().load()
        except (OSError, ValueError):
            raise CredentialError("the address or the token in AWS_CONTAINER_* is not usable") from None


class _Known(CredentialProvider):
    """Credentials that are already there."""

    METHOD = "known"
    CANONICAL_NAME = "known"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials
