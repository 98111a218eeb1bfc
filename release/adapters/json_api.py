"""A service's API in JSON over HTTPS: asked again while it is busy, believed only where it is clear."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError

from release.errors import ConfigError, CredentialError, NotFoundError, PermissionDenied, ReleaseError, ServiceError

LARGEST: Final = 64 * 1024
_LONGEST_TOKEN: Final = 1000
_ATTEMPTS: Final = 4
_LONGEST_PAUSE: Final = 60.0
_PASSING: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """How to talk of a service: its name, where its token comes from and what that needs, where its address stands."""

    service: str
    token: str
    needs: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer. `value` is what its JSON says where the status is 200 or 201; header names are any case."""

    status: int
    value: object
    headers: Mapping[str, str]


class JsonApi:
    """One API below one address.

    Args:
        words: for errors.
        base: the address, checked by `is_safe_url` before, without a slash at its end.
        headers: of every request; the token is one of them.
        largest: the most bytes of an answer that are read.
        seconds: how long one answer may take.
        sleep: waits between attempts; injected by tests.
    """

    def __init__(
        self,
        words: Words,
        base: str,
        headers: Mapping[str, str],
        *,
        largest: int = LARGEST,
        seconds: float = 20,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._words = words
        self._base = base
        self._headers = {"Accept": "application/json", **headers}
        self._largest = largest
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(seconds), retries=False)
        self._sleep = sleep

    def ask(
        self, method: str, path: str, *, about: str, fields: Mapping[str, object] | None = None
    ) -> tuple[int, object]:
        """Send one request, which must be safe to send twice; again if the service was busy.

        Returns:
            The status, and what the answer's JSON says where the status is 200 or 201, else None.

        Raises:
            ServiceError: there was no answer, or none that could be read.
        """
        answer = self.answer(method, path, about=about, fields=fields)
        return answer.status, answer.value

    def answer(self, method: str, path: str, *, about: str, fields: Mapping[str, object] | None = None) -> Answer:
        """Do the same as `ask`, and give the answer's headers too."""
        status, headers, body = self._once(method, path, fields)
        for attempt in range(1, _ATTEMPTS):
            if status and status not in _PASSING:
                break
            self._sleep(min(_pause(headers) or 2.0**attempt, _LONGEST_PAUSE))
            status, headers, body = self._once(method, path, fields)
        if not status or status in _PASSING:
            what = f"HTTP {status}" if status else "no answer"
            raise ServiceError(f"{self._words.service} gave {what}: {about}", hint="run the same command again")
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return Answer(status=status, value=None, headers=headers)
        try:
            if len(body) > self._largest:
                raise ValueError  # noqa: TRY301 - the same as what is no JSON
            return Answer(status=status, value=json.loads(body), headers=headers)
        except (ValueError, RecursionError):
            raise ServiceError(
                f"{self._words.service}'s answer is no JSON, or is too long: {about}",
                hint="is there a login page or a proxy before it?",
            ) from None

    def refusal(self, status: int, where: str, *, hint: str = "") -> ReleaseError:
        """Say what a status means, without a word of the answer: it may repeat what was sent."""
        words, evidence = self._words, {"status": str(status)}
        if status == HTTPStatus.UNAUTHORIZED:
            return CredentialError(
                f"{where}: the token was not accepted", hint=f"renew the token in {words.token}", evidence=evidence
            )
        if status == HTTPStatus.FORBIDDEN:
            return PermissionDenied(
                f"{where}: the token has not the right", hint=f"it needs {words.needs}", evidence=evidence
            )
        if status == HTTPStatus.NOT_FOUND:
            return NotFoundError(
                f"{where}: not found",
                hint=f"compare {words.address}; or the token may not see it",
                evidence=evidence,
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return ConfigError(
                f"{where}: {words.service} is at another address",
                hint=f"correct {words.address}; the token is never sent on",
                evidence=evidence,
            )
        return ServiceError(f"{where}: HTTP {status}", hint=hint or "run the same command again", evidence=evidence)

    def _once(
        self, method: str, path: str, fields: Mapping[str, object] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request; gives the status (0 for no answer), the headers, and the body."""
        headers = dict(self._headers)
        sent = None
        if fields is not None:
            headers["Content-Type"] = "application/json"
            sent = json.dumps(fields).encode()
        try:
            response = self._pool.request(
                method, self._base + path, body=sent, headers=headers, redirect=False, preload_content=False
            )
            try:
                body = response.read(self._largest + 1)
            finally:
                response.close()
        except (HTTPError, OSError):  # a message of urllib3 may hold the URL, and adds nothing
            return 0, {}, b""
        return response.status, response.headers, body


def _pause(headers: Mapping[str, str]) -> float:
    told = headers.get("Retry-After", "")
    return float(told) if told.isascii() and told.isdigit() else 0.0


def require_token(token: str, words: Words) -> str:
    """Give a token that may stand in a header.

    Raises:
        CredentialError: there is none, or it has characters that no token has.
    """
    if not token.isascii() or not token.isprintable() or not token.strip() or len(token) > _LONGEST_TOKEN:
        raise CredentialError(f"{words.token} holds no access token", hint=f"it needs {words.needs}")
    return token
