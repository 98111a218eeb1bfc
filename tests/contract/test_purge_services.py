"""Purging Fastly and Cloudflare through their APIs, against answers written from their documentation."""

from collections.abc import Callable, Iterator

import pytest

from release.adapters.delivery.cloudflare import Cloudflare
from release.adapters.delivery.fastly import Fastly
from release.errors import (
    ConfigError,
    CredentialError,
    NotFoundError,
    NothingToDoError,
    PermissionDenied,
    RefusedError,
    ReleaseError,
    ServiceError,
)
from release.ports import Cdn
from tests.fakes.purge_services import TOKEN, ZONE, PurgeService
from tests.fakes.web_server import serving

SITE = "https://cdn.example.com"
VARIABLE = "RELEASE_CDN_TOKEN"
FILES = ["/tag/latest/tag.min.js", "/tag/latest/a b(1).js", "/tag/channels/latest.json"]
URLS = ["cdn.example.com/tag/latest/tag.min.js", "cdn.example.com/tag/latest/a%20b(1).js"]
URLS += ["cdn.example.com/tag/channels/latest.json"]
Open = Callable[..., Cdn]


@pytest.fixture
def service() -> Iterator[PurgeService]:
    with serving(PurgeService()) as server:
        yield server


@pytest.fixture(params=["fastly", "cloudflare"])
def cdn(request: pytest.FixtureRequest, service: PurgeService) -> Open:
    def opened(*, token: str = TOKEN, api: str = service.url) -> Cdn:
        slept: list[float] = []
        if request.param == "fastly":
            made: Cdn = Fastly(site=SITE, token=token, variable=VARIABLE, api=api, sleep=slept.append)
        else:
            made = Cloudflare(zone=ZONE, site=SITE, token=token, variable=VARIABLE, api=api, sleep=slept.append)
        made.slept = slept  # type: ignore[attr-defined]
        return made

    return opened


def test_exactly_these_urls_are_purged_as_they_are_written_in_a_page(cdn: Open, service: PurgeService) -> None:
    opened = cdn()
    asked = opened.invalidate(FILES, reference="r1")
    assert asked
    assert opened.finished(asked)
    assert sorted(service.purged) == sorted(URLS)


def test_asking_again_purges_again_and_does_no_harm(cdn: Open, service: PurgeService) -> None:
    opened = cdn()
    assert opened.invalidate(FILES, reference="r1") == opened.invalidate(FILES, reference="r1")
    assert sorted(service.purged) == sorted(URLS * 2)


@pytest.mark.parametrize(
    ("paths", "expected"), [([], NothingToDoError), (["/tag/*"], RefusedError), (["tag/latest/a.js"], RefusedError)]
)
def test_only_exact_paths_are_purged(
    cdn: Open, service: PurgeService, paths: list[str], expected: type[ReleaseError]
) -> None:
    with pytest.raises(expected):
        cdn().invalidate(paths, reference="r1")
    assert service.purged == []


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (401, {}, b"{}", CredentialError),
        (403, {}, TOKEN.encode(), PermissionDenied),
        (404, {}, b"{}", NotFoundError),
        (302, {"Location": "http://127.0.0.1:9/"}, b"", ConfigError),
        (200, {}, b"<html>Sign in</html>", ServiceError),
        (200, {}, b"[" * 70_000, ServiceError),
        (200, {}, b"[]", ServiceError),
        (200, {}, b'{"status": "error", "success": false, "result": null}', ServiceError),
        (200, {}, b'{"status": "ok", "success": true, "result": {}}', ServiceError),
        (400, {}, b'{"errors": []}', ServiceError),
    ],
)
def test_an_answer_that_is_not_clearly_yes_is_one_error_without_the_token(
    cdn: Open, service: PurgeService, status: int, headers: dict[str, str], body: bytes, expected: type[ReleaseError]
) -> None:
    service.bad = [(status, headers, body)]
    with pytest.raises(expected) as refused:
        cdn().invalidate(FILES[:1], reference="r1")
    assert TOKEN not in f"{refused.value.message} {refused.value.hint} {refused.value.evidence}"


def test_a_service_that_is_busy_is_asked_again_after_the_pause_it_names(cdn: Open, service: PurgeService) -> None:
    service.bad = [(429, {"Retry-After": "7"}, b""), (503, {}, b"")]
    opened = cdn()
    opened.invalidate(FILES[:1], reference="r1")
    assert opened.slept == [7, 4]  # type: ignore[attr-defined]
    assert service.purged == URLS[:1]
    service.bad = [(429, {}, b"")] * 4
    with pytest.raises(ServiceError, match="HTTP 429"):
        opened.invalidate(FILES[:1], reference="r1")


def test_a_wrong_token_a_silent_service_and_no_token_are_errors(cdn: Open) -> None:
    with pytest.raises((CredentialError, PermissionDenied)):
        cdn(token="another").invalidate(FILES, reference="r1")
    with pytest.raises(ServiceError, match="no answer"):
        cdn(api="http://127.0.0.1:9").invalidate(FILES, reference="r1")
    for token in ("", "two\nlines", "x" * 2000):
        with pytest.raises(CredentialError, match=VARIABLE):
            cdn(token=token)


def test_cloudflare_is_asked_for_thirty_paths_at_a_time(service: PurgeService) -> None:
    opened = Cloudflare(zone=ZONE, site=SITE, token=TOKEN, variable=VARIABLE, api=service.url)
    opened.invalidate([f"/tag/latest/{n}.js" for n in range(61)], reference="r1")
    assert service.sizes == [30, 30, 1]
