"""What sets keys up: opened with the key of whoever may, not with a stage's."""

from pathlib import Path
from typing import TYPE_CHECKING

from release.compose.library import Workspace
from release.core.identities import identities
from release.core.key_environment import require_protected
from release.core.keypolicy import LOG_BUCKET, SITE_BUCKET
from release.effects.slots import Slots
from release.errors import ConfigError

if TYPE_CHECKING:
    from release.adapters.aws import AwsClients
    from release.adapters.gitlab_variables import GitLabVariables
    from release.stages.provision import Places
    from release.stages.rotate import Rotator


def administrator(work: Workspace) -> "AwsClients":
    """Make clients with the administrator's key of this environment, whatever RELEASE_KEYS says."""
    from release.adapters.aws import AwsAccess, AwsClients  # noqa: PLC0415

    require_protected(work.environment, what="an administrator's command")
    site = work.config.site
    access = AwsAccess(stage="provision", region=site.region, environment=work.environment, endpoint=site.endpoint)
    return AwsClients(access)


def provisioning(work: Workspace, *, credentials_file: Path | None, gitlab: bool) -> "tuple[str, Places]":
    """Open what `keys provision` reads and writes, with the key of this environment; gives its account first.

    Raises:
        ConfigError: `gitlab` is wanted and release.toml names no project.
        CredentialError: no key, or no token for GitLab.
    """
    from release.adapters.bucket_policy import BucketPolicies  # noqa: PLC0415
    from release.adapters.iam import IamIdentities  # noqa: PLC0415
    from release.adapters.keyring import Keyring  # noqa: PLC0415
    from release.stages.provision import Places  # noqa: PLC0415

    config, clients = work.config, administrator(work)
    account = clients.account()
    owned = identities(config, account=account)
    variables = gitlab_variables(work) if gitlab else None
    users = owned.kind == "users"
    ring = Keyring(credentials_file, owned.owner) if credentials_file else None
    return account, Places(
        identities=IamIdentities(clients.iam(), owned),
        policies=BucketPolicies(clients.s3(), account=account),
        buckets={SITE_BUCKET: config.site.bucket, LOG_BUCKET: config.log.bucket},
        issuer=config.keys.gitlab.host if config.keys.gitlab else None,
        vault=variables if users and variables else ring,
        roles=None if users else variables,
        console=work.console,
    )


def rotator(work: Workspace, *, credentials_file: Path | None, gitlab: bool) -> "Rotator":
    """Open what `keys rotate` works with, with the rotate key.

    Raises:
        ConfigError: the stages are roles; or it is not said, once, where their keys are kept.
        CredentialError: no key, another stage's, or no token for GitLab.
    """
    from release.adapters.aws import AwsAccess, NewKeys  # noqa: PLC0415
    from release.adapters.iam import IamIdentities  # noqa: PLC0415
    from release.adapters.keyring import Keyring  # noqa: PLC0415
    from release.core.identities import ROTATE  # noqa: PLC0415
    from release.stages.rotate import Rotator  # noqa: PLC0415

    config = work.config
    if config.keys.kind == "roles":
        raise ConfigError("roles have no keys to rotate", hint="[keys] identities = 'users' has")
    if gitlab == bool(credentials_file):
        raise ConfigError("where are the keys kept?", hint="either --credentials-file FILE or --gitlab")
    clients = work.clients(ROTATE)
    owned = identities(config, account=clients.account())
    access = AwsAccess(
        stage=ROTATE, region=config.site.region, environment=work.environment, endpoint=config.site.endpoint
    )
    return Rotator(
        owned=owned,
        keys=IamIdentities(clients.iam(), owned, caller=ROTATE),
        vault=Keyring(credentials_file, owned.owner) if credentials_file else gitlab_variables(work),
        proof=NewKeys(access),
        clock=work.clock,
        console=work.console,
    )


def gitlab_variables(work: Workspace) -> "GitLabVariables":
    """Open the variables of the GitLab project that release.toml names, with the token of this environment.

    Raises:
        ConfigError: it names none, or its URL is neither HTTPS nor on this machine.
        CredentialError: there is no token.
    """
    from release.adapters.aws import checked_endpoint  # noqa: PLC0415
    from release.adapters.gitlab_variables import TOKEN_VARIABLE, GitLabVariables  # noqa: PLC0415

    gitlab = work.config.keys.gitlab
    if gitlab is None:
        raise ConfigError("[keys.gitlab] is missing: which project?", hint="write its url and project in release.toml")
    checked_endpoint(gitlab.url, origin="[keys.gitlab] url")
    return GitLabVariables(gitlab, token=work.environment.get(TOKEN_VARIABLE, ""))


def administrators_slots(work: Workspace) -> Slots:
    """Open the release log with the administrator's key of this environment."""
    from release.adapters.s3 import S3Store  # noqa: PLC0415

    store = S3Store(administrator(work).s3(), bucket=work.config.log.bucket, stage="provision")
    return Slots(store=store, layout=work.config.log_layout, keys=work.log_keys)
