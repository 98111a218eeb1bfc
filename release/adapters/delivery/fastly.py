"""Fastly as the Cdn port: one purge for each URL (https://www.fastly.com/documentation/reference/api/purging/)."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from release.adapters.delivery.paths import in_urls
from release.adapters.json_api import JsonApi, Words, require_token
from release.errors import ServiceError

API: Final = "https://api.fastly.com"
AT_ONCE: Final = 8


class Fastly:
    """All services of Fastly that answer for the site's host.

    Args:
        site: the public address.
        token: an API token with the scope purge_select.
        variable: where it came from, for errors.
        api: the API's address.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: the token has characters that no token has.
    """

    def __init__(
        self,
        *,
        site: str,
        token: str,
        variable: str,
        api: str = API,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        words = Words(service="Fastly", token=variable, needs="the scope purge_select", address="[site] url")
        self._host = urlsplit(site).netloc
        self._api = JsonApi(words, api, {"Fastly-Key": require_token(token, words)}, sleep=sleep)

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        """Purge these absolute paths, in all their variants; purging again does no harm, whatever the reference.

        Returns:
            Fastly's id of the last purge: a purge is done "in about 150 milliseconds", and cannot be asked after.

        Raises:
            NothingToDoError, RefusedError: there are no paths, or one is not exact.
            CredentialError, PermissionDenied, NotFoundError, ConfigError, ServiceError: Fastly did not do it.
        """
        del reference
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self._purge, in_urls(paths)))[-1]

    def finished(self, invalidation: str) -> bool:
        """Tell that it is done: Fastly answers only then."""
        del invalidation
        return True

    def _purge(self, path: str) -> str:
        about = f"purge of {self._host}{path}"
        status, body = self._api.ask("POST", f"/purge/{self._host}{path}", about=about)
        if status != HTTPStatus.OK:
            raise self._api.refusal(status, f"Fastly: {about}")
        if not isinstance(body, dict) or body.get("status") != "ok" or not isinstance(body.get("id"), str):
            raise ServiceError(f"Fastly did not confirm the {about}", hint="run the same command again")
        return str(body["id"])
