"""A ring's error sources, against answers written from their documentation: whatever is not clear is no answer."""

import json
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from release.adapters.clock import SystemClock
from release.adapters.gates import source
from release.adapters.gates.datadog import Datadog
from release.adapters.gates.prometheus import Prometheus
from release.core.gate import Counted, Gate
from release.errors import (
    ConfigError,
    CredentialError,
    MissingToolError,
    NotFoundError,
    PermissionDenied,
    ReleaseError,
    ServiceError,
)
from release.ports import ErrorSource
from tests.fakes.error_sources import API_KEY, APP_KEY, DATADOG_QUERIES, PROMETHEUS_QUERIES, TOKEN, ErrorSources
from tests.fakes.web_server import serving

KEYS = {"DD_API_KEY": API_KEY, "DD_APP_KEY": APP_KEY}
SECRETS = (TOKEN, API_KEY, APP_KEY)
Open = Callable[..., ErrorSource]


def gate(kind: Any, **fields: Any) -> Gate:  # noqa: ANN401 - any field
    queries: Mapping[str, Any] = {"prometheus": PROMETHEUS_QUERIES, "datadog": DATADOG_QUERIES, "command": {}}[kind]
    return Gate(kind=kind, max_="0.01", min_samples=100, **{**queries, **fields})


@pytest.fixture
def service() -> Iterator[ErrorSources]:
    with serving(ErrorSources()) as server:
        server.counts = {"1.4.1": (7, 900), "1.4.2": (3, 5000.5)}
        yield server


@pytest.fixture(params=["prometheus", "datadog"])
def opened(request: pytest.FixtureRequest, service: ErrorSources) -> Open:
    def one(
        *, token: str = TOKEN, keys: Mapping[str, str] = KEYS, url: str = service.url, wait: int = 5
    ) -> ErrorSource:
        if request.param == "prometheus":
            found = gate("prometheus", url=url, timeout_seconds=wait)
            return Prometheus(found, token=token, variable="RELEASE_GATE_TOKEN", sleep=lambda _: None)
        found = gate("datadog", url=url, timeout_seconds=wait)
        return Datadog(found, environment=keys, clock=SystemClock(), sleep=lambda _: None)

    one.kind = request.param  # type: ignore[attr-defined]
    return one


def test_it_counts_what_this_very_version_did(opened: Open) -> None:
    assert opened().count(version="1.4.2", ring="canary") == Counted(errors=Decimal(3), samples=Decimal("5000.5"))
    assert opened().count(version="1.4.1", ring="canary") == Counted(errors=Decimal(7), samples=Decimal(900))


def test_a_version_that_nobody_counted_has_no_answer(opened: Open) -> None:
    with pytest.raises(ServiceError):
        opened().count(version="9.9.9", ring="canary")


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (401, {}, b"{}", CredentialError),
        (403, {}, TOKEN.encode(), PermissionDenied),
        (404, {}, b"{}", NotFoundError),
        (302, {"Location": "http://127.0.0.1:9/"}, b"", ConfigError),
        (400, {}, b'{"status":"error"}', ServiceError),
        (422, {}, API_KEY.encode(), ServiceError),
        (429, {"Retry-After": "1"}, b"", ServiceError),
        (500, {}, b"", ServiceError),
        (200, {}, b"<html>please log in</html>", ServiceError),
        (200, {}, b"", ServiceError),
        (200, {}, b"[" * 60_000, ServiceError),
        (200, {}, b"[]" + b" " * 70_000, ServiceError),
        (200, {}, b"null", ServiceError),
        (200, {}, b'{"status":"success"}', ServiceError),
        (200, {}, b'{"status":"error","errors":["no"],"data":{}}', ServiceError),
    ],
)
def test_what_is_no_clear_answer_is_an_error_that_tells_no_secret(
    opened: Open, service: ErrorSources, status: int, headers: dict[str, str], body: bytes, expected: type[ReleaseError]
) -> None:
    service.bad = [(status, headers, body)] * 4
    with pytest.raises(expected) as caught:
        opened().count(version="1.4.2", ring="canary")
    told = f"{caught.value.message} {caught.value.hint} {caught.value.evidence}"
    assert [secret for secret in SECRETS if secret in told] == []


PROMETHEUS = {
    "two series": {"resultType": "vector", "result": [{"value": [1, "1"]}, {"value": [1, "2"]}]},
    "none": {"resultType": "vector", "result": []},
    "no number": {"resultType": "vector", "result": [{"value": [1, "NaN"]}]},
    "infinity": {"resultType": "scalar", "result": [1, "+Inf"]},
    "a matrix": {"resultType": "matrix", "result": [{"values": [[1, "1"]]}]},
    "a number that is no text": {"resultType": "scalar", "result": [1, 1]},
    "no sample": {"resultType": "vector", "result": ["x"]},
    "a histogram": {"resultType": "vector", "result": [{"histogram": [1, {"count": "1"}]}]},
}


@pytest.mark.parametrize("data", PROMETHEUS.values(), ids=PROMETHEUS)
def test_prometheus_must_give_one_number(service: ErrorSources, data: object) -> None:
    service.bad = [(200, {}, json.dumps({"status": "success", "data": data}).encode())]
    with pytest.raises(ServiceError):
        Prometheus(gate("prometheus", url=service.url), token=TOKEN, variable="T").count(version="1.4.2", ring="canary")


def test_prometheus_with_a_part_of_its_data_missing_is_not_believed(service: ErrorSources) -> None:
    """Thanos and others answer with what they have, and a warning."""
    answer = {
        "status": "success",
        "data": {"resultType": "scalar", "result": [1, "0"]},
        "warnings": ["a store is gone"],
    }
    service.bad = [(200, {}, json.dumps(answer).encode())]
    with pytest.raises(ServiceError, match="not all data was there"):
        Prometheus(gate("prometheus", url=service.url), token=TOKEN, variable="T").count(version="1.4.2", ring="canary")


def test_prometheus_takes_a_scalar_too(service: ErrorSources) -> None:
    answers = [{"status": "success", "data": {"resultType": "scalar", "result": [1, text]}} for text in ("1e-05", "3")]
    service.bad = [(200, {}, json.dumps(answer).encode()) for answer in answers]
    found = Prometheus(gate("prometheus", url=service.url), token=TOKEN, variable="T").count(version="1", ring="c")
    assert found == Counted(errors=Decimal("0.00001"), samples=Decimal(3))


def columns(*found: object) -> bytes:
    return json.dumps({"data": {"attributes": {"columns": found}}}).encode()


SAMPLES = {"name": "samples", "type": "number", "values": [9]}
DATADOG = {
    "null": columns({"name": "default_zero(errors)", "type": "number", "values": [None]}, SAMPLES),
    "no value": columns({"name": "default_zero(errors)", "type": "number", "values": []}, SAMPLES),
    "two values": columns({"name": "default_zero(errors)", "type": "number", "values": [1, 2]}, SAMPLES),
    "text": columns({"name": "default_zero(errors)", "type": "number", "values": ["1"]}, SAMPLES),
    "truth": columns({"name": "default_zero(errors)", "type": "number", "values": [True]}, SAMPLES),
    "NaN": columns({"name": "default_zero(errors)", "type": "number", "values": [float("nan")]}, SAMPLES),
    "infinity": columns({"name": "default_zero(errors)", "type": "number", "values": [float("inf")]}, SAMPLES),
    "a group": columns({"name": "default_zero(errors)", "type": "group", "values": [["x"]]}, SAMPLES),
    "one column": columns(SAMPLES),
    "a column twice": columns({"name": "default_zero(errors)", "type": "number", "values": [1]}, SAMPLES, SAMPLES),
}


@pytest.mark.parametrize("body", DATADOG.values(), ids=DATADOG)
def test_datadog_must_give_one_number_for_each(service: ErrorSources, body: bytes) -> None:
    service.bad = [(200, {}, body)]
    with pytest.raises(ServiceError):
        Datadog(gate("datadog", url=service.url), environment=KEYS, clock=SystemClock()).count(version="1", ring="c")


def test_datadog_is_asked_for_the_sum_of_the_last_minutes(service: ErrorSources) -> None:
    found = gate("datadog", url=service.url, minutes=45)
    Datadog(found, environment=KEYS, clock=SystemClock()).count(version="1.4.2", ring="canary")
    (asked,) = service.asked
    assert asked["to"] - asked["from"] == 45 * 60 * 1000
    assert [(one["name"], one["query"], one["aggregator"]) for one in asked["queries"]] == [
        ("errors", "sum:tag.errors{version:1.4.2}.as_count()", "sum"),
        ("samples", "sum:tag.loads{version:1.4.2}.as_count()", "sum"),
    ]
    assert [one["formula"] for one in asked["formulas"]] == ["default_zero(errors)", "samples"]


def test_only_a_function_around_the_whole_query_is_a_formula(service: ErrorSources) -> None:
    query = "default_zero(sum:a{version:{{version}}}) + default_zero(sum:b{version:{{version}}})"
    found = Datadog(gate("datadog", url=service.url, errors=query), environment=KEYS, clock=SystemClock())
    with pytest.raises(ServiceError):
        found.count(version="1.4.2", ring="canary")
    service.bad = [(200, {}, columns({"name": "errors", "type": "number", "values": [1]}, SAMPLES))]
    assert found.count(version="1.4.2", ring="canary") == Counted(errors=Decimal(1), samples=Decimal(9))


@pytest.mark.parametrize("keys", [{}, {"DD_API_KEY": API_KEY}, {**KEYS, "DD_APP_KEY": "two\nlines"}])
def test_datadog_is_not_asked_without_both_keys(keys: dict[str, str]) -> None:
    with pytest.raises(CredentialError, match="DD_A"):
        Datadog(gate("datadog", url="http://127.0.0.1:9"), environment=keys, clock=SystemClock())


def test_a_wrong_key_is_told(opened: Open) -> None:
    with pytest.raises((CredentialError, PermissionDenied)):
        opened(token="wrong", keys={**KEYS, "DD_APP_KEY": "wrong"}).count(version="1.4.2", ring="canary")


def test_nobody_there_and_nobody_answering_is_no_answer(opened: Open) -> None:
    with pytest.raises(ServiceError, match="no answer"):
        opened(url="http://127.0.0.1:9").count(version="1.4.2", ring="canary")
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(ServiceError, match="no answer"):
        opened(url=f"http://127.0.0.1:{deaf.getsockname()[1]}", wait=1).count(version="1.4.2", ring="canary")


def command(*argv: str, folder: Path, **fields: Any) -> ErrorSource:  # noqa: ANN401 - any field
    environment = {
        "PATH": "/usr/bin:/bin",
        "MINE": "seen",
        "AWS_SECRET_ACCESS_KEY": "canary",
        "RELEASE_LOG_KEY": "canary",
    }
    return source(gate("command", command=argv, **fields), folder=folder, environment=environment, clock=SystemClock())


def script(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text, "{{version}}", "{{ring}}")


def test_a_command_prints_both_numbers(tmp_path: Path) -> None:
    text = "import sys; print('{\"errors\": 0.50, \"samples\": 5000}' if sys.argv[1:] == ['1.4.2', 'canary'] else 'x')"
    found = command(*script(text), folder=tmp_path).count(version="1.4.2", ring="canary")
    assert found == Counted(errors=Decimal("0.50"), samples=Decimal(5000))


def test_a_command_sees_what_it_is_given_and_no_key(tmp_path: Path) -> None:
    text = "import os; open('seen', 'w').write(repr(dict(os.environ))); print('{\"errors\":0,\"samples\":1}')"
    command(*script(text), folder=tmp_path, environment=("MINE",)).count(version="1.4.2", ring="canary")
    seen = (tmp_path / "seen").read_text()
    assert ("'MINE': 'seen'" in seen, "canary" in seen) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "print('{\"errors\": 1}')",
        'print(\'{"errors": 1, "samples": true}\')',
        'print(\'{"errors": NaN, "samples": 1}\')',
        'print(\'{"errors": "1", "samples": 1}\')',
        'print(\'{"errors": 1, "samples": 1} {}\')',
        "print('[1, 2]')",
        "print('[' * 60000)",
        "print('{\"errors\": 1, \"samples\": 1}' + ' ' * 70000)",
        'print(\'{"errors": 0, "samples": 1}\'); raise SystemExit(3)',
        "import time; time.sleep(60)",
    ],
)
def test_a_command_that_says_anything_else_has_no_answer(tmp_path: Path, text: str) -> None:
    with pytest.raises(ServiceError):
        command(*script(text), folder=tmp_path, timeout_seconds=2).count(version="1.4.2", ring="canary")


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError):
        command("no-such-program", "{{version}}", folder=tmp_path).count(version="1.4.2", ring="canary")
