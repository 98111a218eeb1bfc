"""Varnish and nginx as Debian has them, with the configurations of docs/caches/ before a server of this process."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, cast

from tests.fakes.web_server import serving

EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "caches"
MODULE: Final = Path("/usr/lib/nginx/modules/ngx_http_cache_purge_module.so")
_PATIENCE: Final = 20.0
_AS_SHOWN: Final[Mapping[str, str]] = MappingProxyType({})


class Asked(NamedTuple):
    """A request that a cache answered."""

    method: str
    path: str
    status: int


def lacking() -> str:
    """Say which program is not installed."""
    missing = [name for name in ("varnishd", "nginx") if program(name) is None]
    return f"{', '.join(missing)} not installed" if missing else "" if MODULE.exists() else f"no {MODULE}"


def program(name: str) -> str | None:
    """Find a server's program; Debian keeps them where only root's PATH looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


@dataclass
class Origin:
    """A bucket with CORS: every answer counts up, varies by Origin as S3's does, and may be kept for a minute."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def open(self) -> Iterator["Origin"]:
        """Serve on 127.0.0.1 until the context closes."""
        server = _Server(("127.0.0.1", 0), _Handler)
        server.origin, self.port = self, server.server_port
        with serving(server):
            yield self


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    origin: Origin


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200)

    def do_PURGE(self) -> None:
        self._answer(200)  # as a bucket behind a lenient proxy might: no purge, and yet a 200

    do_BAN = do_PURGE  # noqa: N815 - the name that http.server looks for

    def _answer(self, status: int) -> None:
        origin = cast("_Server", self.server).origin
        origin.asked.append((self.command, self.path))
        body = f"{len(origin.asked)}".encode()
        self.send_response_only(status)
        self.send_header("Cache-Control", "public, max-age=300, s-maxage=60")
        self.send_header("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
        if self.headers["Origin"]:
            self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def varnish(
    origin: int, folder: Path, *, acl: bool = True, port: int = 0, changed: Mapping[str, str] = _AS_SHOWN
) -> Iterator[str]:
    """Run Varnish in front of a port of this machine; gives its address. Without `acl` nobody may purge.

    `changed` puts other text in the place of some of varnish.vcl, for caches that are set up wrongly.
    """
    port = port or _free_port()
    nobody = {} if acl else {'"127.0.0.1"; "::1";': '"192.0.2.1";'}
    file = folder / "varnish.vcl"
    file.write_text(_edited("varnish.vcl", {'"8080"': f'"{origin}"', **nobody, **changed}))
    argv = [program("varnishd") or "", "-F", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}", "-j", "none"]
    with _running([*argv, "-f", str(file), "-s", "malloc,16m"], port):
        yield f"http://127.0.0.1:{port}"


def varnish_asked(folder: Path) -> list[Asked]:
    """Give all requests that Varnish, still running, answered."""
    argv = [program("varnishncsa") or "", "-n", str(folder / "varnish"), "-d", "-F", "%m %U %s"]
    return _asked(subprocess.run(argv, check=True, capture_output=True, text=True, timeout=_PATIENCE).stdout)


@contextmanager
def nginx(origin: int, folder: Path, *, acl: bool = True, changed: Mapping[str, str] = _AS_SHOWN) -> Iterator[str]:
    """Run nginx in front of a port of this machine; gives its address. Without `acl` nobody may purge.

    `changed` puts other text in the place of some of nginx.conf, for caches that are set up wrongly.
    """
    port = _free_port()
    places = {
        "/var/cache/nginx/release": str(folder / "cache"),
        "127.0.0.1:8081": f"127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{origin}",
        "allow 127.0.0.1;": "allow 127.0.0.1;" if acl else "",
    }
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"load_module {MODULE};\ndaemon off;\nmaster_process off;\npid {folder / 'nginx.pid'};\n"
        f"error_log {folder / 'error.log'};\nevents {{}}\nhttp {{\n"
        f"log_format asked '$request_method $uri $status';\naccess_log {folder / 'access.log'} asked;\n"
        f"{temporary}{_edited('nginx.conf', {**places, **changed})}}}\n"
    )
    with _running([program("nginx") or "", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)], port):
        yield f"http://127.0.0.1:{port}"


def nginx_asked(folder: Path) -> list[Asked]:
    """Give all requests that nginx answered."""
    return _asked((folder / "access.log").read_text())


def _edited(example: str, changes: Mapping[str, str]) -> str:
    text = (EXAMPLES / example).read_text()
    for old, new in changes.items():
        assert old in text, f"{example} has no {old!r}"
        text = text.replace(old, new)
    return text


def _asked(log: str) -> list[Asked]:
    return [Asked(method, path, int(status)) for method, path, status in map(str.split, log.splitlines())]


@contextmanager
def _running(argv: list[str], port: int) -> Iterator[None]:
    log = Path(argv[argv.index("-f" if "-f" in argv else "-c") + 1]).with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out)
        try:
            _wait(process, port, log)
            yield
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"{process.args!r} does not listen:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
