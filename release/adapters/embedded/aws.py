"""An AWS in this process: moto behind HTTP on the loopback, its IAM switched on."""

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import boto3

from release.errors import MissingToolError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ACCOUNT: Final = "123456789012"
_NOBODY_IS_ASKED: Final = float("inf")
_ONE_AT_A_TIME: Final = threading.Lock()
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
            self.endpoint = started.enter_context(_served())
            self.admin = self._first_key()
            started.enter_context(_enforced())
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
        return boto3.Session(aws_access_key_id=used.id, aws_secret_access_key=used.secret, region_name=self.region)

    def add_user(self, name: str, statements: Sequence[object]) -> AccessKey:
        """Make a user with one inline policy of these statements, and a key for it."""
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
        unchecked = boto3.client(
            "iam",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="nobody",
            aws_secret_access_key="nobody",  # noqa: S106 - accepted only before rights are enforced
        )
        return _add_user(unchecked, "administrator", _EVERYTHING)


def _add_user(iam: "IAMClient", name: str, policy: object) -> AccessKey:
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return AccessKey(id=made["AccessKeyId"], secret=made["SecretAccessKey"])


@contextmanager
def _served() -> Iterator[str]:
    """Run an empty, corrected moto without access log, asking nobody for rights; give its address."""
    try:
        from moto import settings  # noqa: PLC0415 - an optional package
        from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415 - the same
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 - the same

        from release.adapters.embedded.corrections import corrected_moto  # noqa: PLC0415 - needs moto
    except ImportError as error:
        raise MissingToolError(
            f"the embedded AWS needs moto: {error}", hint='pip install "js-release[demo]"'
        ) from error
    before = settings.INITIAL_NO_AUTH_ACTION_COUNT
    settings.INITIAL_NO_AUTH_ACTION_COUNT = _NOBODY_IS_ASKED
    moto_api_backend.reset()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    with _silent("werkzeug"), corrected_moto():
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield f"http://{host}:{port}"
        finally:
            server.stop()
            if (listening := server._server) is not None:  # noqa: SLF001 - stop() leaves the socket open
                listening.server_close()
            moto_api_backend.reset()
            settings.INITIAL_NO_AUTH_ACTION_COUNT = before


@contextmanager
def _enforced() -> Iterator[None]:
    from moto import settings  # noqa: PLC0415 - an optional package

    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    try:
        yield
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT = _NOBODY_IS_ASKED


@contextmanager
def _silent(logger_name: str) -> Iterator[None]:
    """Keep back what a logger says below errors, and only that logger."""
    logger = logging.getLogger(logger_name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
