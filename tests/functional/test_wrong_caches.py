"""Caches that are set up wrongly: `release verify` says so, and a real browser shows that it is right."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.browser import Chromium, CustomerSite, Visitor, chromium
from tests.fakes.caches import nginx, varnish
from tests.fakes.ceph import CephGateway
from tests.functional.delivered import CACHES, Delivered, delivered
from tests.functional.library import Library
from tests.functional.on_ceph import runner

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FILE = "/tag/latest/tag.min.js"
VERSION = "globalThis.tag?.version ?? null"
NGINX_CORS = 'add_header Access-Control-Allow-Origin "*" always;'
VARNISH_CORS = 'set resp.http.Access-Control-Allow-Origin = "*";'
ECHOED = {'proxy_set_header Origin "";': "", "proxy_hide_header Access-Control-Allow-Origin;": ""}
PASSED_ON = {"unset req.http.Origin;": "", VARNISH_CORS: ""}


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What is wrong in a configuration, what verify says, and what the browser says.

    `before`: how pages load the file before verify looks, each with attributes of its own; `later` the same after it,
    by others than who comes last or, if `alone`, by the same.
    """

    start: Callable[..., AbstractContextManager[str]]
    changed: Mapping[str, str]
    finding: str
    complaint: str
    before: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    alone: bool = False


NO_CORS = "has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present"
OTHERS = "has been blocked by CORS policy: The 'Access-Control-Allow-Origin' header has a value"
WRONG = {
    "no CORS at all": Wrong(
        start=nginx,
        changed={NGINX_CORS: ""},
        finding=f"{FILE} (br): Access-Control-Allow-Origin is None, so browsers refuse it with integrity",
        complaint=NO_CORS,
    ),
    "CORS only for who asks for it, as S3 does": Wrong(
        start=varnish,
        changed=PASSED_ON,
        finding=f"{FILE}: a page without crossorigin is sent neither Access-Control-Allow-Origin nor 'Vary: Origin'",
        complaint=NO_CORS,
        later=("",),
    ),
    "CORS only for who asks for it, set by the cache as CloudFront's SimpleCORS does": Wrong(
        start=nginx,
        changed={
            "\nserver {": '\nmap $http_origin $cors { "" ""; default "*"; }\nserver {',
            NGINX_CORS: "add_header Access-Control-Allow-Origin $cors;",
        },
        finding=f"{FILE}: a page without crossorigin is sent neither Access-Control-Allow-Origin nor 'Vary: Origin'",
        complaint=NO_CORS,
        later=("",),
        alone=True,
    ),
    "Vary said and not kept": Wrong(
        start=nginx,
        changed={**ECHOED, NGINX_CORS: "add_header Vary Origin;"},
        finding=f"{FILE}: once a page without crossorigin has loaded it, Access-Control-Allow-Origin is None",
        complaint=OTHERS,
    ),
    "CORS of whoever asked first": Wrong(
        start=nginx,
        changed={**ECHOED, NGINX_CORS: ""},
        finding=f"{FILE} (br): Access-Control-Allow-Origin is 'http://127.0.0.1:",
        complaint=OTHERS,
        before=("crossorigin",),
    ),
    "CORS of whoever asks, kept for others": Wrong(
        start=varnish,
        changed={
            **PASSED_ON,
            "if (beresp.status >= 400) {": "unset beresp.http.Vary;\n    if (beresp.status >= 400) {",
        },
        finding=f"{FILE} (br): it answers for one origin without 'Vary: Origin', so a cache gives it to others",
        complaint=OTHERS,
    ),
    "a script made smaller": Wrong(
        start=nginx,
        changed={NGINX_CORS: f'{NGINX_CORS}\nsub_filter_types text/javascript;\nsub_filter ";\\n" ";";'},
        finding=f"{FILE} (br): HTTP 200, ",
        complaint="Failed to find a valid digest in the 'integrity' attribute",
    ),
    "a script made longer": Wrong(
        start=nginx,
        changed={
            NGINX_CORS: f'{NGINX_CORS}\nsub_filter_types text/javascript;\nsub_filter "globalThis" "/**/globalThis";'
        },
        finding="the body is larger than ",
        complaint="Failed to find a valid digest in the 'integrity' attribute",
    ),
    "another media type": Wrong(
        start=varnish,
        changed={
            VARNISH_CORS: f'{VARNISH_CORS}\nset resp.http.Content-Type = "text/plain";'
            'set resp.http.X-Content-Type-Options = "nosniff";'
        },
        finding=f"{FILE} (br): Content-Type is 'text/plain', expected 'text/javascript; charset=utf-8'",
        complaint="MIME type ('text/plain') is not executable",
    ),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def released(ceph: CephGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    """A release through a right cache, from a bucket that answers with CORS to whoever sends an Origin."""
    library = Library(tmp_path_factory.mktemp("library"))
    library.start()
    folder = tmp_path_factory.mktemp("cache")
    with delivered(ceph, library, runner(library.folder), cache=CACHES["varnish"], folder=folder) as tag:
        tag.site.owner.put_bucket_cors(
            Bucket=tag.site.bucket,
            CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["*"]}]},
        )
        tag.release("1.0.0")
        yield tag


@pytest.mark.parametrize("name", WRONG)
def test_verify_says_of_a_wrong_cache_why_browsers_will_refuse_what_it_serves(
    name: str, released: Delivered, tmp_path: Path, browser: Chromium
) -> None:
    wrong = WRONG[name]
    with wrong.start(released.origin, tmp_path, changed=wrong.changed) as url:
        last = browser.visitor()
        load(browser.visitor(), url, *wrong.before)
        toml = released.site.library.folder / "release.toml"
        right = toml.read_text()
        toml.write_text(right.replace(released.url, url))
        ended = released.site.as_("", "verify latest --patience 0")
        toml.write_text(right)
        assert ended.code == 13, ended
        assert wrong.finding in ended.err
        assert "Set it right (docs/delivery.md)" in ended.err
        load(last if wrong.alone else browser.visitor(), url, *wrong.later)
        ran, complaints = load(last, url, f'integrity="{released.integrity("1.0.0")}" crossorigin')
        assert ran is None
        assert wrong.complaint in complaints


def load(visitor: Visitor, url: str, *attributes: str) -> tuple[str | None, str]:
    """Load the file as a page of an unknown site does, once with each attributes; gives the last page's state."""
    ran, complaints = None, ""
    for more in attributes:
        with CustomerSite() as shop:
            tab = visitor.open(shop.page(f'<script src="{url}{FILE}" {more}></script>'))
            ran, complaints = tab.run(VERSION), "\n".join(tab.complaints)
    return ran, complaints
