"""A release log below an HTTPS address, where nothing can be listed: names follow from the size of its head."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from release.adapters.public_site import HttpSite, Patience
from release.core import changelog_check
from release.core.layout import PATH, SLOT_DIGITS
from release.core.logcheck import ARCHIVE, CHECKPOINT
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import parse_checkpoint
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.errors import FormatError, ServiceError, VerificationError

LARGEST_SIZE: Final = 1_000_000
"""Each archived checkpoint is one request: a larger log is for who has a copy."""
AT_ONCE: Final = 8
AHEAD: Final = 64
_OK: Final = 200
_ABSENT: Final = frozenset({404, 410})
_PATIENCE: Final = Patience(whole=300.0)  # a bundle of entries has up to 16 MB


class LogUrl:
    """Implements `ports.LogFiles` with one GET a file; the log may grow meanwhile, its head is read once.

    404 and 410 mean that there is no such file. Any other status but 200 is no answer: a redirect is not followed,
    and 403 is also what S3 says of an absent file to who may not list the bucket
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).

    Args:
        url: `https://host[:port][/prefix]`; `http` only for a loopback host.
        patience: time-outs and pauses.

    Raises:
        ConfigError: the URL is not of that form.
    """

    def __init__(self, url: str, *, patience: Patience = _PATIENCE) -> None:
        self._url = url.rstrip("/")
        self._site = HttpSite(url, patience=patience, connections=AT_ONCE)
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._head: bytes | None = None
        self._size: int | None = None
        self._ahead: dict[str, Future[bytes | None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._site.close()

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes (see the port).

        Raises:
            ServiceError: there was no clear answer.
        """
        if path == CHECKPOINT:
            if self._head is None:
                self._head = self._get(path, limit)
            return self._head
        if path.startswith(ARCHIVE):
            return self._archived(path, limit)
        return self._get(path, limit)

    def names(self, folder: str) -> Sequence[str]:
        """Give the names that a folder has to hold (see the port); of the top, those that may be missing.

        Raises:
            FormatError: the head claims more entries than can be asked for one by one.
        """
        if f"{folder}/" == ARCHIVE:
            return [_digits(size) for size in range(1, self._claimed() + 1)]
        if folder == "":
            return [changelog_check.FILE] if self.read(changelog_check.FILE, changelog_check.LARGEST) else []
        return []

    def _claimed(self) -> int:
        if self._size is None:
            try:
                body = self.read(CHECKPOINT, LARGEST_NOTE) or b""
                self._size = parse_checkpoint(body.partition(b"\n\n")[0] + b"\n").size
            except TlogError:
                return 0  # who reads the head next learns why
        if self._size > LARGEST_SIZE:
            raise FormatError(
                f"{self._url} claims to have {self._size} entries, at most {LARGEST_SIZE} are read from an address",
                hint="ask for a copy: release log export",
            )
        return self._size

    def _archived(self, path: str, limit: int) -> bytes | None:
        """Read an archived checkpoint, and those that will be wanted next."""
        name = path.removeprefix(ARCHIVE)
        if re.fullmatch(rf"[0-9]{{{SLOT_DIGITS}}}", name, re.ASCII):
            for size in range(int(name), min(int(name) + AHEAD, self._claimed() + 1)):
                wanted = f"{ARCHIVE}{_digits(size)}"
                if wanted not in self._ahead:
                    self._ahead[wanted] = self._pool.submit(self._get, wanted, limit)
        coming = self._ahead.pop(path, None)
        return coming.result() if coming else self._get(path, limit)

    def _get(self, path: str, limit: int) -> bytes | None:
        if not re.fullmatch(PATH, path, re.ASCII):
            raise TlogError(f"{path!r} is no file of a log")
        try:
            got = self._site.fetch(f"/{path}", encoding="gzip", origin="", limit=limit)
        except VerificationError as why:
            raise TlogError(why.message) from why
        if got.status in _ABSENT:
            return None
        if got.status != _OK:
            raise ServiceError(
                f"{self._url}/{path} gave no clear answer: {_said(got.status, got.headers)}",
                hint="name the address that serves the log itself; who serves it from S3 has to let the CDN "
                "list the bucket, else an absent file and a forbidden one look alike",
            )
        return got.body


def _said(status: int, headers: Mapping[str, str]) -> str:
    if "location" in headers:
        return f"status {status} to {headers['location'][:200]!r}, which is not followed"
    return f"status {status}"


def _digits(size: int) -> str:
    return f"{size:0{SLOT_DIGITS}d}"
