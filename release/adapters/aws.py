"""AWS clients for one stage: credentials, endpoints and patience are all explicit.

botocore is told everything and reads nothing of this process: no environment, no `~/.aws/config`.
Only the proxies (`HTTPS_PROXY`, `NO_PROXY`) stay those of the process, as for every other program.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.session import Session

from release.adapters import aws_credentials as keys
from release.adapters.aws_errors import AWS_ERRORS, is_other_region, translate
from release.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef

_SERVICES: Final = ("s3", "cloudfront", "iam", "sts")
_REACH: Final = (
    "AWS_CA_BUNDLE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)
_WORTH_ASKING: Final = 1024 * 1024
_REGION: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsAccess:
    """What one stage reaches AWS with.

    Attributes:
        stage: the stage whose key this is; it appears in errors and in the user agent.
        region: the region of the buckets.
        environment: where credentials, `AWS_ENDPOINT_URL*`, `AWS_CA_BUNDLE`, `AWS_USE_FIPS_ENDPOINT` and
            `AWS_USE_DUALSTACK_ENDPOINT` are looked up.
        endpoint: an S3-compatible server or an emulator, for every service.
        profile: a profile that overrules the environment's credentials.
        credentials_file: the file with that profile.
        pool: connections, and so threads, at a time.
        attempts: how often one request is sent at most.
        connect_seconds: how long a connection may take.
        read_seconds: how long the server may be silent.
    """

    stage: str
    region: str
    environment: Mapping[str, str] = field(repr=False)
    endpoint: str | None = None
    profile: str | None = None
    credentials_file: Path | None = None
    pool: int = 32
    attempts: int = 6
    connect_seconds: float = 10
    read_seconds: float = 60


class AwsClients:
    """Makes the clients of one stage; all of them share its credentials.

    Raises:
        ConfigError: the region is malformed, or an endpoint is neither HTTPS nor on this machine.
        CredentialError: the credentials are missing, incomplete or given twice.
    """

    def __init__(self, access: AwsAccess) -> None:
        if not _REGION.fullmatch(access.region):
            raise ConfigError(f"{access.region!r} is not the name of an AWS region")
        self._access = access
        self._endpoints = {service: _endpoint(access, service) for service in _SERVICES}
        self._session = _isolated_session()
        self._session.register_component("credential_provider", CredentialResolver([self._provider()]))

    def s3(self) -> "S3Client":
        """Make an S3 client that refuses to follow a bucket into another region."""
        client = cast("S3Client", self._client("s3"))
        # botocore would repeat a request, body and all, in whatever region an answer names.
        client.meta.events.register_first("needs-retry.s3", _refuse_other_region)
        client.meta.events.register_last("before-call.s3", _expect_nothing_for_small_bodies)
        return client

    def cloudfront(self) -> "CloudFrontClient":
        """Make a CloudFront client."""
        return cast("CloudFrontClient", self._client("cloudfront"))

    def iam(self) -> "IAMClient":
        """Make an IAM client."""
        return cast("IAMClient", self._client("iam"))

    def sts(self) -> "STSClient":
        """Make an STS client."""
        return cast("STSClient", self._client("sts"))

    def account(self) -> str:
        """Give the number of the account that this key belongs to (see `caller`)."""
        return self._caller()["Account"]

    def caller(self) -> str:
        """Ask whose key this is; gives the ARN of the user or of the role's session.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html: needs no permission.

        Raises:
            CredentialError: the key is not accepted.
        """
        return self._caller()["Arn"]

    def _caller(self) -> "GetCallerIdentityResponseTypeDef":
        try:
            return self.sts().get_caller_identity()
        except AWS_ERRORS as error:
            asked = "sts:GetCallerIdentity"
            raise translate(error, action=asked, resource="this key", stage=self._access.stage) from None

    def _client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - botocore makes the class
        settings = self._config(self._endpoints[service])
        try:
            return cast("Any", self._session).create_client(
                service,
                region_name=self._access.region,
                endpoint_url=self._endpoints[service],
                # Always given, so that REQUESTS_CA_BUNDLE of this process does not count.
                verify=self._access.environment.get("AWS_CA_BUNDLE") or True,
                config=settings.merge(config) if config else settings,
            )
        except AWS_ERRORS as error:
            raise translate(error, action=f"{service}:*", resource=service, stage=self._access.stage) from None

    def _config(self, endpoint: str | None) -> Config:
        access = self._access
        common = Config(
            connect_timeout=access.connect_seconds,
            read_timeout=access.read_seconds,
            retries={"mode": "standard", "total_max_attempts": access.attempts},
            max_pool_connections=access.pool,
            user_agent_extra=f"js-release stage/{access.stage}",
            # A server of one's own has no wildcard DNS for its buckets.
            s3={"addressing_style": "path" if endpoint else "auto", "us_east_1_regional_endpoint": "regional"},
        )
        if endpoint is None:
            return common.merge(
                Config(
                    use_fips_endpoint=_is_on(access.environment, "AWS_USE_FIPS_ENDPOINT"),
                    use_dualstack_endpoint=_is_on(access.environment, "AWS_USE_DUALSTACK_ENDPOINT"),
                )
            )
        # No proxy may stand between this process and its own machine: HTTP is allowed there.
        return common.merge(Config(proxies={})) if _is_local(urlsplit(endpoint).hostname) else common

    def _provider(self) -> CredentialProvider:
        access = self._access
        if access.profile:
            return keys.profile_keys(access.profile, access.credentials_file, access.environment)
        source = keys.credential_source(access.environment, stage=access.stage)
        if source is keys.STATIC:
            return keys.static_keys(access.environment)
        if source is keys.WEB_IDENTITY:
            return keys.web_identity(access.environment, self._client)
        if source is keys.PROFILE:
            return keys.profile_keys(access.environment["AWS_PROFILE"], access.credentials_file, access.environment)
        return keys.container_role(access.environment)


class NewKeys:
    """Tries new keys as `access` reaches AWS: a `KeyProof`."""

    def __init__(self, access: AwsAccess) -> None:
        self._access = access

    def caller(self, stage: str, key_id: str, secret: str) -> str:
        """Give the ARN that AWS takes this key for (CredentialError if it does not accept it)."""
        kept = {name: value for name, value in self._access.environment.items() if name in _REACH}
        own = {**kept, "AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}
        access = AwsAccess(
            stage=stage, region=self._access.region, environment=own, endpoint=self._access.endpoint, attempts=2
        )
        return AwsClients(access).caller()


def checked_endpoint(url: str, *, origin: str) -> str:
    """Refuse an address to which signed requests would travel unprotected.

    Args:
        url: an absolute URL.
        origin: the option or variable it came from, for the message.

    Raises:
        ConfigError: it is not `https://host`, nor `http://` to this machine itself, or it holds a password, a
            query or a fragment.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{origin} is not a URL") from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(f"{origin} must be https://host, without a user name, a query or a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_local(host)):
        shown = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
        raise ConfigError(
            f"{origin} is {shown}: only HTTPS is allowed",
            hint="plain HTTP is for servers on 127.0.0.1, ::1 or localhost",
        )
    return url


def _endpoint(access: AwsAccess, service: str) -> str | None:
    """Give the address of a service where it is not AWS's own, checked.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    if access.endpoint:
        return checked_endpoint(access.endpoint, origin="the endpoint")
    if _is_on(access.environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        return None
    for name in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
        if url := access.environment.get(name):
            return checked_endpoint(url, origin=name)
    return None


def _is_on(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() == "true"


def _is_local(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _isolated_session() -> Session:
    """Make a botocore session whose variables have their defaults, whatever this process's environment says."""
    variables: dict[str, Any] = {
        name: (None, None, default, convert) for name, (_, _, default, convert) in Session.SESSION_VARIABLES.items()
    }
    nowhere = (None, None, os.devnull, None)
    on = (None, None, True, None)
    session = Session(
        session_vars={
            **variables,
            "config_file": nowhere,
            "credentials_file": nowhere,
            "ignore_configured_endpoint_urls": on,
        }
    )
    session.register_component("data_loader", _models())
    return session


@cache
def _models() -> Loader:
    """Load botocore's own service models, once, and not those that `~/.aws/models` would put in their place."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def _refuse_other_region(response: tuple[Any, Mapping[str, Any]] | None, operation: Any, **_: object) -> None:  # noqa: ANN401 - an event of botocore
    """End a request that S3 wants to have somewhere else, before botocore repeats it there.

    A HEAD has no body: its 400 may mean another region or an expired token, and is for the caller to find out.
    """
    if response is None:
        return
    http, answer = response
    if is_other_region(http.status_code, answer) or (http.status_code == 400 and operation.name.startswith("Head")):  # noqa: PLR2004
        raise ClientError(cast("Any", answer), operation.name)


def _expect_nothing_for_small_bodies(params: dict[str, Any], **_: object) -> None:
    """Spare a small upload the round trip in which the client asks whether it may send the body.

    https://www.rfc-editor.org/rfc/rfc9110.html#name-expect
    """
    body = params.get("body")
    if isinstance(body, BytesIO) and body.getbuffer().nbytes < _WORTH_ASKING:
        params["headers"].pop("Expect", None)
