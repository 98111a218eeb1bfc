import pytest

from release.core.csp import policy, sources
from tests.fakes import examples

LISTS = {
    "script": ["cdn.example.net"],
    "connect": ["api.example.com", "*.ingest.example.com:8443"],
    "img": ["api.example.com"],
    "navigate": ["shop.example.com"],
    "text": ["docs.example.com"],
}


def test_each_list_becomes_its_directive_and_the_library_itself_may_be_loaded() -> None:
    assert sources(examples.config(domains=LISTS)) == {
        "script-src": ("https://cdn.example.com", "https://cdn.example.net"),
        "connect-src": (
            "https://api.example.com",
            "https://*.ingest.example.com:8443",
            "wss://api.example.com",
            "wss://*.ingest.example.com:8443",
        ),
        "img-src": ("https://api.example.com",),
        "form-action": ("https://shop.example.com",),
    }


def test_a_library_that_may_load_from_nowhere_needs_only_its_own_address() -> None:
    assert policy(examples.config(), alone=False) == "script-src https://cdn.example.com"


def test_alone_all_else_is_forbidden() -> None:
    value = policy(examples.config(domains=LISTS), alone=True)
    assert value.startswith(
        "default-src 'none'; base-uri 'none'; object-src 'none'; script-src https://cdn.example.com "
    )


@pytest.mark.parametrize("word", ["unsafe", "*;", "* ", "http:", "data:", "docs.example.com"])
def test_no_policy_holds_what_opens_it(word: str) -> None:
    assert word not in policy(examples.config(domains=LISTS), alone=True)
