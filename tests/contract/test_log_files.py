"""What every `LogFiles` does: a folder, a tar file and an address; and what a server may try."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from release.adapters.log_files import open_log
from release.adapters.log_url import LogUrl
from release.adapters.public_site import Patience
from release.core.tlog import TlogError
from release.errors import ConfigError, FormatError, ServiceError
from release.ports import LogFiles
from tests.fakes import log_files
from tests.fakes.web_server import Reply, WebServer
from tests.functional.test_log_verify import tar

FILES = log_files.many(3) | {f"checkpoints/{size:012d}": log_files.many(size)["checkpoint"] for size in (1, 2, 3)}


def pages(files: dict[str, bytes]) -> dict[str, Reply]:
    return {f"/logs/tag/{path}": Reply(body=body) for path, body in files.items()}


@contextmanager
def served(replies: dict[str, Reply]) -> Iterator[tuple[LogUrl, WebServer]]:
    impatient = Patience(connect=2, read=2, whole=2, pauses=())
    with WebServer(replies) as server, LogUrl(f"{server.url}/logs/tag/", patience=impatient) as log:
        yield log, server


@pytest.fixture(params=["folder", "tar", "address"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogFiles]:
    if request.param == "address":
        with WebServer(pages(FILES)) as server, open_log(f"{server.url}/logs/tag") as opened:
            yield opened
        return
    place = log_files.write(tmp_path / "log", FILES) if request.param == "folder" else tar(tmp_path / "t", FILES)
    with open_log(str(place)) as opened:
        yield opened


def test_files_are_there_or_certainly_not(log: LogFiles) -> None:
    for path, body in FILES.items():
        assert log.read(path, len(body)) == body
    assert log.read("tile/0/001", 8192) is None
    assert log.read("CHANGELOG.md", 8192) is None


def test_more_bytes_than_asked_for_are_none(log: LogFiles) -> None:
    with pytest.raises(TlogError, match="bytes"):
        log.read("tile/0/000.p/3", 95)


def test_archived_checkpoints_are_named(log: LogFiles) -> None:
    assert list(log.names("checkpoints")) == [f"{size:012d}" for size in (1, 2, 3)]
    assert "CHANGELOG.md" not in log.names("")
    assert list(log.names("absent")) == []


def test_the_head_is_read_once_so_that_what_is_verified_is_what_is_remembered() -> None:
    replies = pages(FILES) | {"/logs/tag/checkpoint": Reply(body=log_files.many(1)["checkpoint"])}
    with served(replies) as (log, server):
        assert [log.read("checkpoint", 8192), len(log.names("checkpoints")), log.read("checkpoint", 8192)] == [
            log_files.many(1)["checkpoint"],
            1,
            log_files.many(1)["checkpoint"],
        ]
        assert [request.path for request in server.requests] == ["/logs/tag/checkpoint"]


def test_archived_checkpoints_are_asked_for_ahead_and_each_once() -> None:
    with served(pages(FILES)) as (log, server):
        for name in log.names("checkpoints"):
            assert log.read(f"checkpoints/{name}", 8192) == FILES[f"checkpoints/{name}"]
        asked = [request.path for request in server.requests]
        assert len(asked) == len(set(asked)) == 4


@pytest.mark.parametrize("size", [1_000_001, 10**18])
def test_a_head_that_claims_too_much_does_not_make_us_ask_for_ever(size: int) -> None:
    note = FILES["checkpoint"].replace(b"\n3\n", f"\n{size}\n".encode(), 1)
    with served({"/logs/tag/checkpoint": Reply(body=note)}) as (log, server):
        with pytest.raises(FormatError, match="at most 1000000"):
            log.names("checkpoints")
        assert len(server.requests) == 1


def test_a_gzip_bomb_is_one_finding() -> None:
    bomb = Reply(headers=[("Content-Encoding", "gzip")], body=gzip.compress(bytes(50_000_000)))
    tile = Reply(headers=[("Content-Encoding", "gzip")], body=gzip.compress(FILES["tile/0/000.p/3"]))
    with served({"/logs/tag/checkpoint": bomb, "/logs/tag/tile/0/000.p/3": tile}) as (log, _):
        with pytest.raises(TlogError, match="larger than 8192 bytes"):
            log.read("checkpoint", 8192)
        assert log.read("tile/0/000.p/3", 8192) == FILES["tile/0/000.p/3"]


@pytest.mark.parametrize("status", [301, 302, 308, 401, 403, 429, 500, 206, 304])
def test_an_answer_that_is_not_clear_is_never_an_absent_file(status: int) -> None:
    elsewhere = [("Location", "https://elsewhere.example/checkpoint")] if status // 100 == 3 else []
    with served({"/logs/tag/checkpoint": Reply(status=status, headers=elsewhere)}) as (log, server):
        with pytest.raises(ServiceError, match=f"no clear answer: status {status}"):
            log.read("checkpoint", 8192)
        assert len(server.requests) == 1, "nothing is followed"


def test_no_answer_at_all_is_an_error_and_not_a_finding() -> None:
    with served({"/logs/tag/checkpoint": Reply(body=b"x", declared=100)}) as (log, _), pytest.raises(ServiceError):
        log.read("checkpoint", 8192)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a//b", "a?b", "", "checkpoints/../../x"])
def test_only_paths_of_a_log_are_asked_for(path: str) -> None:
    with served({}) as (log, server):
        with pytest.raises(TlogError, match="no file of a log"):
            log.read(path, 8192)
        assert server.requests == []


@pytest.mark.parametrize("url", ["http://log.example.com/tag", "https://", "https://a:b@log.example.com"])
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ConfigError), open_log(url):
        pass
