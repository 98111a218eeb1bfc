"""An AWS in this process: moto behind HTTP on the loopback, its IAM switched on."""

import json
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import boto3
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession

from release.errors import MissingToolError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ACCOUNT: Final = "123456789012"
_NOBODY_IS_ASKED: Final = float("inf")
_ONE_AT_A_TIME: Final = threading.Lock()
# Parsing the service models is most of the time that a client takes to make.
_MODELS: Final = Loader()
_EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "iam:*", "cloudfront:*", "sts:*"], "Resource": "*"}],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessKey:
    """A static key."""

    id: str
    secret: str = field(repr=False)


class EmbeddedAws:
    """S3, IAM, STS and CloudFront of one empty account, for as long as the context is open.

    Every request is authenticated and authorised; `admin` is the key of the one user that exists at
    the start. moto keeps its state in the process, so only one can be open at a time, and all other
    moto servers of the process share its state and its rules.

    Example:
        with EmbeddedAws() as aws:
            s3 = aws.session().client("s3", endpoint_url=aws.endpoint)

    Args:
        region: of the endpoint and of everything made through `session`.
    """

    endpoint: str
    admin: AccessKey

    def __init__(self, *, region: str = "eu-west-1") -> None:
        self.region = region
        self.account = ACCOUNT
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            MissingToolError: moto is not installed.
            RuntimeError: another one is open in this process.
        """
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise RuntimeError("an embedded AWS is already open in this process")
        with ExitStack() as started:
            started.callback(_ONE_AT_A_TIME.release)
            self.endpoint = _serve(started)
            self.admin = self._first_key()
            _set_unchecked_actions(0)
            self._open = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def session(self, key: AccessKey | None = None) -> boto3.Session:
        """Give a boto3 session for a key, the administrator's by default.

        Its clients have to be made with `endpoint_url=aws.endpoint`.
        """
        used = key or self.admin
        return boto3.Session(
            aws_access_key_id=used.id,
            aws_secret_access_key=used.secret,
            region_name=self.region,
            botocore_session=_session_with(_MODELS),
        )

    def add_user(self, name: str, statements: Sequence[object]) -> AccessKey:
        """Make a user with one inline policy of these statements, at least one, and a key for it."""
        return _add_user(
            self.session().client("iam", endpoint_url=self.endpoint),
            name,
            {"Version": "2012-10-17", "Statement": list(statements)},
        )

    def purged_paths(self, distribution: str, *, after: int) -> Sequence[Sequence[str]]:
        """List the paths of each invalidation of a distribution but the first `after`, oldest first."""
        from release.adapters.embedded.cloudfront import purged_paths  # noqa: PLC0415 - needs moto

        return purged_paths(self.account, distribution, after)

    def _first_key(self) -> AccessKey:
        anybody = AccessKey(id="anybody", secret="anybody")  # noqa: S106 - nobody is asked yet
        unchecked = self.session(anybody).client("iam", endpoint_url=self.endpoint)
        return _add_user(unchecked, "administrator", _EVERYTHING)


def _session_with(models: Loader) -> BotocoreSession:
    session = BotocoreSession()
    session.register_component("data_loader", models)
    return session


def _add_user(iam: "IAMClient", name: str, policy: object) -> AccessKey:
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return AccessKey(id=made["AccessKeyId"], secret=made["SecretAccessKey"])


def _serve(until: ExitStack) -> str:
    """Run an empty, corrected moto without access log, asking nobody for rights.

    The end is made of callbacks, not of a suspended generator: Python would finish that one when the
    program ends without leaving the context, and wait for a thread that has stopped already.

    Args:
        until: stops it when closed.

    Returns:
        its address.
    """
    try:
        from moto import settings  # noqa: PLC0415 - an optional package
        from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415 - the same

        from release.adapters.embedded.corrections import corrected_moto  # noqa: PLC0415 - needs moto
        from release.adapters.embedded.moto_server import quiet_server  # noqa: PLC0415 - needs moto
    except ImportError as error:
        raise MissingToolError(
            f"the embedded AWS needs moto: {error}", hint="pip install '.[demo]' in this project's folder"
        ) from error
    until.callback(_set_unchecked_actions, settings.INITIAL_NO_AUTH_ACTION_COUNT)
    _set_unchecked_actions(_NOBODY_IS_ASKED)
    moto_api_backend.reset()
    until.callback(moto_api_backend.reset)
    until.enter_context(corrected_moto())
    server = quiet_server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    until.callback(thread.join)
    until.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


def _set_unchecked_actions(count: float) -> None:
    """Set how many requests moto lets pass before it looks at rights."""
    from moto import settings  # noqa: PLC0415 - an optional package

    settings.INITIAL_NO_AUTH_ACTION_COUNT = count
