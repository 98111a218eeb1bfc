"""The embedded CloudFront's edge: HTTP on the loopback in front of the embedded bucket."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, cast
from urllib.parse import unquote

from botocore.config import Config
from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, error_code, error_status
from release.adapters.embedded.aws import AccessKey, EmbeddedAws
from release.adapters.embedded.edge_cache import ERROR_SECONDS, Behavior, EdgeCache, Response
from release.adapters.embedded.provision import CACHING_OPTIMIZED, SIMPLE_CORS, Site
from release.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_cloudfront.type_defs import DistributionConfigOutputTypeDef
    from mypy_boto3_s3 import S3Client

_DAY: Final = 86_400.0
_YEAR: Final = 31_536_000.0
_BAD_GATEWAY: Final = 502


class EmbeddedEdge:
    """One edge location of one distribution, for as long as the context is open.

    The edge reads the bucket with a key of its own, so the bucket needs no public access: that is
    what an origin access control is. Several edges can be open on one distribution.

    Args:
        aws: where the site is.
        site: what to serve.
        now: a clock in seconds that never goes backwards.
        error_seconds: how long each error status is kept.
        tells_absence: whether the reader may list the bucket, so that an absent object is 404; if
            not, it is 403, which is not kept
            (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html).
    """

    def __init__(
        self,
        aws: EmbeddedAws,
        site: Site,
        *,
        now: Callable[[], float] = time.monotonic,
        error_seconds: Mapping[int, float] = ERROR_SECONDS,
        tells_absence: bool = True,
    ) -> None:
        self._aws = aws
        self._site = site
        self._now = now
        self._error_seconds = error_seconds
        self._tells_absence = tells_absence

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            ConfigError: the distribution uses policies that the edge does not know.
        """
        config = _config(self._aws, self._site.distribution)
        cors = {"access-control-allow-origin": "*"} if _asks_with_origin(config) and self._allows_all() else {}
        cache = EdgeCache(
            behavior=_behavior(config, self._site.distribution),
            origin=_Origin(self._aws, self._site.bucket, self._reader(), cors).get,
            purges=self._purges,
            now=self._now,
            error_seconds=self._error_seconds,
        )
        self._server = _Server(cache)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def _purges(self, after: int) -> Sequence[Sequence[str]]:
        return self._aws.purged_paths(self._site.distribution, after=after)

    def _allows_all(self) -> bool:
        """Tell whether the bucket names every origin to who sends one; moto names that origin, where S3 says `*`."""
        s3 = self._aws.session().client("s3", endpoint_url=self._aws.endpoint)
        try:
            rules = s3.get_bucket_cors(Bucket=self._site.bucket)["CORSRules"]
        except ClientError as error:
            if error_code(error) != "NoSuchCORSConfiguration":
                raise
            return False
        return any("*" in rule["AllowedOrigins"] and "GET" in rule["AllowedMethods"] for rule in rules)

    def _reader(self) -> AccessKey:
        bucket = f"arn:aws:s3:::{self._site.bucket}"
        statements = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/*"}]
        if self._tells_absence:
            statements.append({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket})
        return self._aws.add_user(f"edge-{secrets.token_hex(8)}", statements)


def _config(aws: EmbeddedAws, distribution: str) -> "DistributionConfigOutputTypeDef":
    cloudfront = aws.session().client("cloudfront", endpoint_url=aws.endpoint)
    return cloudfront.get_distribution_config(Id=distribution)["DistributionConfig"]


def _asks_with_origin(config: "DistributionConfigOutputTypeDef") -> bool:
    (origin,) = config["Origins"]["Items"]
    return any(header["HeaderName"].lower() == "origin" for header in origin.get("CustomHeaders", {}).get("Items", []))


def _behavior(config: "DistributionConfigOutputTypeDef", distribution: str) -> Behavior:
    found = config["DefaultCacheBehavior"]
    if found.get("CachePolicyId") != CACHING_OPTIMIZED or found.get("ResponseHeadersPolicyId") not in {
        SIMPLE_CORS,
        None,
        "",
    }:
        raise ConfigError(
            f"the embedded edge does not know the policies of the distribution {distribution}",
            hint=f"it knows CachingOptimized ({CACHING_OPTIMIZED}) and SimpleCORS ({SIMPLE_CORS})",
        )
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
    return Behavior(
        least=1.0,
        default=_DAY,
        most=_YEAR,
        compress=bool(found.get("Compress")),
        cors=found.get("ResponseHeadersPolicyId") == SIMPLE_CORS,
    )


class _Origin:
    """The bucket, read with the edge's own key. It names `cors` with every object."""

    def __init__(self, aws: EmbeddedAws, bucket: str, reader: AccessKey, cors: Mapping[str, str]) -> None:
        self._bucket = bucket
        self._cors = cors
        self._s3: S3Client = aws.session(reader).client(
            "s3", endpoint_url=aws.endpoint, config=Config(max_pool_connections=32)
        )

    def get(self, path: str) -> Response:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=unquote(path[1:]))
            body = found["Body"].read()
        except ClientError as error:
            return _error(error_status(error) or _BAD_GATEWAY, error_code(error))
        except AWS_ERRORS as error:
            return _error(_BAD_GATEWAY, type(error).__name__)
        sent = found["ResponseMetadata"]["HTTPHeaders"]
        headers = {name: value for name, value in sent.items() if not name.startswith("access-control-")}
        return Response(status=200, headers={**headers, **self._cors}, body=body)


def _error(status: int, code: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Response(status=status, headers={"content-type": "application/xml"}, body=body.encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, cache: EdgeCache) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cache = cache

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a viewer that hangs up is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        response = cast("_Server", self.server).cache.get(
            self.path,
            accept_encoding=self.headers.get("Accept-Encoding", ""),
            origin=self.headers.get("Origin", ""),
        )
        self._send(response, with_body=with_body)

    def _refuse(self) -> None:
        # The distribution's AllowedMethods are GET and HEAD:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-403-permission-denied.html
        # Its body is not read, so the connection cannot serve another request.
        refused = _error(403, "MethodNotAllowed")
        headers = {**refused.headers, "connection": "close"}
        self._send(Response(status=refused.status, headers=headers, body=refused.body), with_body=True)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse  # noqa: N815 - names that http.server calls

    def _send(self, response: Response, *, with_body: bool) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(response.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
