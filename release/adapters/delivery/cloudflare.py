"""Cloudflare as the Cdn port (https://developers.cloudflare.com/api/resources/cache/methods/purge/).

Paths are purged as prefixes. A purge "by URL" is one by cache key, and the browser's `Origin` is part of it:
https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-single-file/. What a page loads with
`crossorigin` would stay. A prefix takes all variants, and may take a longer name along, which does no harm.
"""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from release.adapters.delivery.paths import in_urls
from release.adapters.json_api import JsonApi, Words, require_token
from release.errors import ServiceError

API: Final = "https://api.cloudflare.com/client/v4"
# "supporting up to 100 operations per request": https://developers.cloudflare.com/cache/how-to/purge-cache/;
# the API's own page still says 30.
AT_A_TIME: Final = 30


class Cloudflare:
    """One zone.

    Args:
        zone: its id.
        site: the public address.
        token: an API token with the permission Zone / Cache Purge / Purge.
        variable: where it came from, for errors.
        api: the API's address.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: the token has characters that no token has.
    """

    def __init__(
        self,
        *,
        zone: str,
        site: str,
        token: str,
        variable: str,
        api: str = API,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        words = Words(
            service="Cloudflare", token=variable, needs="the permission Cache Purge", address="[delivery] zone"
        )
        self._zone = zone
        self._host = urlsplit(site).netloc
        self._api = JsonApi(words, api, {"Authorization": f"Bearer {require_token(token, words)}"}, sleep=sleep)

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        """Purge these absolute paths, in all their variants; purging again does no harm, whatever the reference.

        Returns:
            Cloudflare's id of the last purge; there is nothing to wait for.

        Raises:
            NothingToDoError, RefusedError: there are no paths, or one is not exact.
            CredentialError, PermissionDenied, NotFoundError, ConfigError, ServiceError: Cloudflare did not do it.
        """
        del reference
        prefixes = [f"{self._host}{path}" for path in in_urls(paths)]
        return [self._purge(prefixes[i : i + AT_A_TIME]) for i in range(0, len(prefixes), AT_A_TIME)][-1]

    def finished(self, invalidation: str) -> bool:
        """Tell that it is done: Cloudflare offers nothing to wait for."""
        del invalidation
        return True

    def _purge(self, prefixes: Sequence[str]) -> str:
        about = f"purge of {prefixes[0]}" + (f" and {len(prefixes) - 1} more" if len(prefixes) > 1 else "")
        status, body = self._api.ask(
            "POST", f"/zones/{self._zone}/purge_cache", about=about, fields={"prefixes": list(prefixes)}
        )
        if status != HTTPStatus.OK:
            raise self._api.refusal(status, f"Cloudflare: {about}")
        result = body.get("result") if isinstance(body, dict) and body.get("success") is True else None
        if not isinstance(result, dict) or not isinstance(result.get("id"), str):
            raise ServiceError(f"Cloudflare did not confirm the {about}", hint="run the same command again")
        return str(result["id"])
