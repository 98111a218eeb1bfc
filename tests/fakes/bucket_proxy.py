"""What stands between a cache and its bucket: a proxy that signs each request and changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.web_server import Reply, Request, WebServer

# Host is the server's own; the rest is what a bucket looks at when it answers.
_PASSED_ON: Final = ("origin", "accept-encoding", "if-none-match", "if-modified-since")
_OF_THE_CONNECTION: Final = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "date"})


class BucketProxy(WebServer):
    """Gives a bucket's own answers, read with one key.

    Args:
        endpoint: of the S3 server.
        bucket: the bucket's name; its keys are the paths.
        region: what signatures are made for.
        key: the access key's id and secret.
        ca: the file with the CA of an endpoint of https.
    """

    def __init__(self, endpoint: str, bucket: str, *, region: str, key: tuple[str, str], ca: str | None = None) -> None:
        super().__init__({})
        self._base = f"{endpoint}/{bucket}"
        self._auth = S3SigV4Auth(Credentials(*key), "s3", region)
        self._pool = urllib3.PoolManager(ca_certs=ca, maxsize=16, retries=False, timeout=10)

    @contextmanager
    def open(self) -> Iterator[int]:
        """Serve until the context closes; gives the port."""
        with self:
            yield int(self.url.rpartition(":")[2])
        self._pool.clear()

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        url = self._base + request.path
        signed = AWSRequest("GET", url)
        self._auth.add_auth(signed)
        passed_on = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        answer = self._pool.request(
            "GET", url, headers={**dict(signed.headers.items()), **passed_on}, decode_content=False
        )
        headers = [(n, v) for n, v in answer.headers.items() if n.lower() not in _OF_THE_CONNECTION]
        return Reply(status=answer.status, headers=headers, body=answer.data)
