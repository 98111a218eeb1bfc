"""Datadog's metrics, by their sum over the last minutes.

https://docs.datadoghq.com/api/latest/metrics/#query-scalar-data-across-multiple-products. It needs the permission
timeseries_query, an API key and an application key (https://docs.datadoghq.com/account_management/api-app-keys/).
"""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from release.adapters.json_api import JsonApi, Words, require_token
from release.core.gate import Counted, Gate, filled, number, tag_of
from release.errors import ServiceError
from release.ports import Clock

API_KEY: Final = "DD_API_KEY"
APP_KEY: Final = "DD_APP_KEY"
_NAMES: Final = ("errors", "samples")
_ZERO: Final = "default_zero("


class Datadog:
    """One organisation of Datadog.

    Args:
        gate: release.toml's, whose URL was checked by `is_safe_url` before.
        environment: with both keys.
        clock: what is counted ends now.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: a key is missing, or has characters that no key has.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        environment: Mapping[str, str],
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        def words(variable: str) -> Words:
            return Words(service="Datadog", token=variable, needs="timeseries_query", address="[rings.gate] url")

        headers = {
            "DD-API-KEY": require_token(environment.get(API_KEY, ""), words(API_KEY)),
            "DD-APPLICATION-KEY": require_token(environment.get(APP_KEY, ""), words(APP_KEY)),
        }
        base = (gate.url or "").rstrip("/")
        both = words(f"{API_KEY} and {APP_KEY}")
        self._api = JsonApi(both, base, headers, seconds=gate.timeout_seconds, sleep=sleep)
        self._gate = gate
        self._clock = clock

    def count(self, *, version: str, ring: str) -> Counted:
        """Ask both queries at once; each must answer one number.

        Raises:
            ServiceError: there was no answer, or none that is clear.
            CredentialError, PermissionDenied, NotFoundError, ConfigError: Datadog refused.
        """
        until = self._clock.now()
        texts = (self._gate.errors, self._gate.samples)
        asked = [filled(text, version=tag_of(version), ring=tag_of(ring)) for text in texts]
        split = [_split(name, query) for name, query in zip(_NAMES, asked, strict=True)]
        fields = {
            "data": {
                "type": "scalar_request",
                "attributes": {
                    "from": _milliseconds(until.timestamp() - timedelta(minutes=self._gate.minutes).total_seconds()),
                    "to": _milliseconds(until.timestamp()),
                    "queries": [
                        {"data_source": "metrics", "name": name, "query": query, "aggregator": "sum"}
                        for name, (query, _) in zip(_NAMES, split, strict=True)
                    ],
                    "formulas": [{"formula": formula} for _, formula in split],
                },
            }
        }
        about = f"the query {asked[0][:200]}"
        status, body = self._api.ask("POST", "/api/v2/query/scalar", about=about, fields=fields)
        if status != HTTPStatus.OK:
            raise self._api.refusal(status, f"Datadog: {about}", hint="is the query right? Try it in Datadog")
        errors, samples = (_only(_columns(body, about), formula, about) for _, formula in split)
        return Counted(errors=errors, samples=samples)


def _split(name: str, query: str) -> tuple[str, str]:
    """Split a query into itself and the formula over it, which has `default_zero(...)` around the whole of it."""
    inner = query.removeprefix(_ZERO).removesuffix(")")
    if len(inner) != len(query) - len(_ZERO) - 1 or not _balanced(inner):
        return query, name
    return inner, f"{_ZERO}{name})"


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _columns(body: object, about: str) -> list[Any]:
    try:
        found = body["data"]["attributes"]["columns"]  # type: ignore[index]  # what has no such thing is refused below
    except (LookupError, TypeError):
        found = None
    if not isinstance(found, list) or (isinstance(body, dict) and body.get("errors")):
        raise ServiceError(f"Datadog did not answer {about}", hint="is there a proxy before it?")
    return found


def _only(columns: list[Any], name: str, about: str) -> Decimal:
    """Give the one value of a column; null is what Datadog has where there is no data."""
    mine = [one for one in columns if isinstance(one, dict) and one.get("name") == name]
    values = mine[0].get("values") if len(mine) == 1 and mine[0].get("type") == "number" else None
    if not isinstance(values, list) or len(values) != 1 or isinstance(values[0], bool):
        raise ServiceError(
            f"Datadog did not give one number of {name}: {about}", hint="group by nothing: no 'by {...}' in the query"
        )
    if not isinstance(values[0], int | float):
        raise ServiceError(
            f"Datadog has no data of {name}: {about}",
            hint="where no errors may mean no series, write: default_zero(...)",
        )
    return number(repr(values[0]))
