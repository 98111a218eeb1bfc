import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.caching import ChannelLifetime, immutable, media_type, mutable
from release.core.layout import ObjectHeaders

TYPES = {
    "tag.min.js": "text/javascript; charset=utf-8",
    "tag.mjs": "text/javascript; charset=utf-8",
    "chunks/vendor-a1b2.js": "text/javascript; charset=utf-8",
    "TAG.JS": "text/javascript; charset=utf-8",
    "tag.css": "text/css; charset=utf-8",
    "tag.js.map": "application/json",
    "manifest.json": "application/json",
    "logo.svg": "image/svg+xml",
    "tag.wasm": "application/wasm",
    "font.woff2": "font/woff2",
    "LICENSE": "application/octet-stream",
    "tag.js.exe": "application/octet-stream",
    "v1.js/data": "application/octet-stream",
    "js": "application/octet-stream",
}


@pytest.mark.parametrize(("path", "expected"), TYPES.items(), ids=TYPES.keys())
def test_the_ending_tells_the_media_type(path: str, expected: str) -> None:
    assert media_type(path) == expected


def test_a_version_is_kept_for_ever_and_never_changed_on_the_way() -> None:
    assert immutable("text/css") == ObjectHeaders(
        content_type="text/css", cache_control="public, max-age=31536000, immutable, no-transform", metadata={}
    )


def test_a_channel_is_kept_shortly_and_says_its_version() -> None:
    assert mutable("text/css", ChannelLifetime(browser=300, shared=60), version="1.4.2") == ObjectHeaders(
        content_type="text/css",
        cache_control="public, max-age=300, s-maxage=60, no-transform",
        metadata={"version": "1.4.2"},
    )


@given(st.integers(0, 86400), st.integers(0, 86400))
def test_a_channel_is_never_immutable(browser: int, shared: int) -> None:
    assert "immutable" not in ChannelLifetime(browser=browser, shared=shared).cache_control
