"""The embedded AWS, for tests that need the real client against something that answers."""

import http.client
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from release.adapters.aws import AwsAccess, AwsClients

REGION = "eu-west-1"
ADMIN = {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "admin"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Moto:
    """A running server."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def clients(self, *, stage: str = "test", environment: dict[str, str] | None = None) -> AwsClients:
        """Make clients, by default with a key that may do everything."""
        access = AwsAccess(
            stage=stage, region=REGION, environment=environment or ADMIN, endpoint=self.url, attempts=2, pool=8
        )
        return AwsClients(access)

    @contextmanager
    def key(self, statements: Sequence[tuple[str, str]], *, name: str) -> Iterator[dict[str, str]]:
        """Make a key with the given rights, (action, resource) each; while it is in use, rights are enforced."""
        iam = self.clients().iam()
        iam.create_user(UserName=name)
        allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]
        policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        if allowed:
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        iam.close()
        self._post("/moto-api/reset-auth", b"0")
        try:
            yield {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
        finally:
            self._post("/moto-api/reset-auth", b"inf")

    def _post(self, path: str, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, body=body)
            connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def moto_server() -> Iterator[Moto]:
    """Run moto in this process."""
    # Imported here: it takes a second, and the tests on the fakes do without.
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield Moto(port=server.get_host_and_port()[1])
    finally:
        server.stop()
