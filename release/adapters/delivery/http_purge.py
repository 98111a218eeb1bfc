"""Caches of one's own, such as Varnish and nginx, as the Cdn port: each server drops each path on request.

A server must say that it did: an answer counts only with the header `Purged: yes`. A status alone does not, since
a server that was not taught to purge may hand the request to the bucket, and the bucket's 200 or 404 would pass for
its own. docs/delivery.md has the configurations that were tried.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import product
from typing import Final, Literal
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from release.adapters.delivery.paths import in_urls
from release.errors import CredentialError, ReleaseError, ServiceError

AT_ONCE: Final = 8
CONFIRMED: Final = ("purged", "yes")
# 404 and 412 (older versions of ngx_cache_purge): the server looked, and did not have it.
_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED})


class HttpPurge:
    """All servers that may hold what customers load.

    Args:
        servers: their addresses, checked by `is_safe_url` before.
        site: the public address, whose host the servers know the files by.
        method: PURGE drops one path in all its variants; BAN does the same by a list that Varnish walks.
        token: sent as `Authorization: Bearer`, unless empty.
        seconds: how long one answer may take.
    """

    def __init__(
        self,
        servers: Sequence[str],
        *,
        site: str,
        method: Literal["PURGE", "BAN"] = "PURGE",
        token: str = "",
        seconds: float = 20,
    ) -> None:
        self._servers = [server.rstrip("/") for server in servers]
        self._method = method
        self._headers = {"Host": urlsplit(site).netloc, **({"Authorization": f"Bearer {token}"} if token else {})}
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(seconds), retries=False, maxsize=AT_ONCE, num_pools=max(len(servers), 1)
        )

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        """Ask every server to drop these absolute paths; asking again does no harm, whatever the reference.

        Returns:
            The reference: all is done when this returns.

        Raises:
            NothingToDoError, RefusedError: there are no paths, or one is not exact.
            CredentialError: a server did not accept who asks.
            ServiceError: a server did not confirm; all were asked.
        """
        asked = list(product(self._servers, in_urls(paths)))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = [(server, why) for server, why in pool.map(lambda pair: self._drop(*pair), asked) if why]
        if answers:
            raise self._error(answers)
        return reference

    def finished(self, invalidation: str) -> bool:
        """Tell that it is done: `invalidate` returns only then."""
        del invalidation
        return True

    def _drop(self, server: str, path: str) -> tuple[str, str]:
        """Ask one server for one path; gives the server, and why it did not do it ('' if it did)."""
        try:
            answer = self._pool.request(
                self._method, server + path, headers=self._headers, redirect=False, preload_content=False
            )
            answer.drain_conn()
            answer.release_conn()
        except (HTTPError, OSError):
            return server, "no answer"
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}:
            return server, f"HTTP {answer.status}, refused"
        if answer.status not in _DONE:
            return server, f"HTTP {answer.status}"
        if answer.headers.get(CONFIRMED[0], "").lower() != CONFIRMED[1]:
            return server, f"HTTP {answer.status} without '{CONFIRMED[0].title()}: {CONFIRMED[1]}'"
        return server, ""

    def _error(self, answers: Sequence[tuple[str, str]]) -> ReleaseError:
        server, why = answers[0]
        evidence = dict(answers)
        what = f"{server} did not confirm that it dropped {len(answers)} paths of {len(evidence)} servers: {why}"
        if all(why.endswith("refused") for _, why in answers):
            return CredentialError(
                what, hint=f"does the server take {self._method} from here? See docs/delivery.md", evidence=evidence
            )
        return ServiceError(what, hint="run the same command again: what is dropped stays dropped", evidence=evidence)
