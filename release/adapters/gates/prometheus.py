"""Prometheus, and what speaks its API (https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries)."""

import time
from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from release.adapters.json_api import JsonApi, Words, require_token
from release.core.gate import Counted, Gate, filled, number
from release.errors import ServiceError

_PAIR = 2


class Prometheus:
    """One server, asked two instant queries.

    Args:
        gate: release.toml's, whose URL was checked by `is_safe_url` before.
        token: sent as `Authorization: Bearer`, unless empty.
        variable: where it came from, for errors.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: the token has characters that no token has.
    """

    def __init__(self, gate: Gate, *, token: str, variable: str, sleep: Callable[[float], None] = time.sleep) -> None:
        words = Words(service="Prometheus", token=variable, needs="to query", address="[rings.gate] url")
        headers = {"Authorization": f"Bearer {require_token(token, words)}"} if token else {}
        base = (gate.url or "").rstrip("/")
        self._api = JsonApi(words, base, headers, seconds=gate.timeout_seconds, sleep=sleep)
        self._gate = gate

    def count(self, *, version: str, ring: str) -> Counted:
        """Ask both queries; each must answer one number, and without a warning that some data is missing.

        Raises:
            ServiceError: there was no answer, or none that is clear.
            CredentialError, PermissionDenied, NotFoundError, ConfigError: Prometheus refused.
        """
        queries = (self._gate.errors, self._gate.samples)
        errors, samples = (self._ask(filled(one, version=version, ring=ring)) for one in queries)
        return Counted(errors=errors, samples=samples)

    def _ask(self, query: str) -> Decimal:
        about = f"the query {query[:200]}"
        status, body = self._api.ask("GET", f"/api/v1/query?query={quote(query, safe='')}", about=about)
        if status != HTTPStatus.OK:
            raise self._api.refusal(status, f"Prometheus: {about}", hint="is the query right? Try it in Prometheus")
        if not isinstance(body, dict) or body.get("status") != "success" or not isinstance(body.get("data"), dict):
            raise ServiceError(f"Prometheus did not answer {about}", hint="is there a proxy before it?")
        if body.get("warnings"):
            raise ServiceError(f"Prometheus answered {about} with warnings: not all data was there")
        return number(_only(body["data"], about))


def _only(data: dict[str, Any], about: str) -> str:
    """Give the one sample of an answer: `[<unix time>, "<value>"]`, in a vector or as a scalar."""
    kind, result = data.get("resultType"), data.get("result")
    if kind == "vector" and isinstance(result, list):
        if len(result) != 1:
            raise ServiceError(
                f"Prometheus gave {len(result)} values, not one: {about}",
                hint="wrap it in sum(...); where no series may mean none at all, write: ... or vector(0)",
            )
        result = result[0].get("value") if isinstance(result[0], dict) else None
    elif kind != "scalar":
        raise ServiceError(f"Prometheus gave no vector and no scalar: {about}", hint="write sum(...)")
    if not isinstance(result, list) or len(result) != _PAIR or not isinstance(result[1], str):
        raise ServiceError(f"Prometheus gave no sample: {about}", hint="is there a proxy before it?")
    return result[1]
