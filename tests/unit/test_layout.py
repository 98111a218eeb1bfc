import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.layout import (
    LARGEST_SLOT,
    MANIFEST,
    ChannelKey,
    LogLayout,
    PointerKey,
    SiteLayout,
    VersionKey,
    is_channel,
)
from release.core.version import parse_version
from release.errors import SourceError
from tests.fakes.strategies import CHANNELS, CUSTOMERS, LIBRARIES, PATHS, PREFIXES, VERSIONS

TAG = SiteLayout(prefix="", library="tag")
LOG = LogLayout(prefix="tag/")

layouts = st.builds(SiteLayout, prefix=PREFIXES, library=LIBRARIES, customer=st.none() | CUSTOMERS)


@given(layouts, VERSIONS, PATHS)
def test_a_versions_key_is_parsed_back(layout: SiteLayout, version: str, path: str) -> None:
    assert layout.parse(layout.artifact(version, path)) == VersionKey(version, path)
    assert layout.parse(layout.manifest(version)) == VersionKey(version, MANIFEST)


@given(layouts, CHANNELS, PATHS)
def test_a_channels_key_is_parsed_back(layout: SiteLayout, channel: str, path: str) -> None:
    assert layout.parse(layout.channel_file(channel, path)) == ChannelKey(channel, path)
    assert layout.parse(layout.pointer(channel)) == PointerKey(channel)


@given(VERSIONS, CHANNELS)
def test_a_version_begins_with_a_digit_and_a_channel_with_a_letter(version: str, channel: str) -> None:
    assert version[0].isdigit()
    assert channel[0].isalpha()


@given(CUSTOMERS, CUSTOMERS, VERSIONS, PATHS)
def test_no_key_belongs_to_two_customers(one: str, other: str, version: str, path: str) -> None:
    ours = SiteLayout(prefix="js/", library="tag", customer=one)
    theirs = SiteLayout(prefix="js/", library="tag", customer=other)
    key = ours.artifact(version, path)
    assert SiteLayout(prefix="js/", library="tag").parse(key) is None
    assert (theirs.parse(key) is not None) is (one == other)


def test_the_keys_are_those_of_the_design() -> None:
    assert TAG.artifact("1.4.2", "chunks/a.js") == "tag/1.4.2/chunks/a.js"
    assert TAG.manifest("1.4.2") == "tag/1.4.2/manifest.json"
    assert TAG.channel_file("v1.4", "tag.min.js") == "tag/v1.4/tag.min.js"
    assert TAG.pointer("latest") == "tag/channels/latest.json"
    acme = SiteLayout(prefix="js/", library="tag", customer="acme")
    assert acme.artifact("1.4.2", "tag.min.js") == "js/tag/customers/acme/1.4.2/tag.min.js"
    assert LOG.slot(7) == "tag/seq/000000000007"
    assert LOG.version_index("1.4.2") == "tag/versions/1.4.2.json"


BAD_PATHS = {
    "empty": "",
    "absolute": "/tag.js",
    "a folder": "chunks/",
    "an empty segment": "chunks//a.js",
    "climbs": "../tag.js",
    "climbs later": "chunks/../../tag.js",
    "here": "./tag.js",
    "hidden": ".env",
    "hidden below": "chunks/.env",
    "backslash": "chunks\\a.js",
    "space": "tag min.js",
    "percent": "tag%2e.js",
    "question mark": "tag.js?x",
    "not ASCII": "t\u00e4g.js",
    "line end": "tag.js\n",
    "NUL": "tag.js\x00",
    "201 characters": "a" * 201,
}


@pytest.mark.parametrize("path", BAD_PATHS.values(), ids=BAD_PATHS.keys())
def test_a_path_that_is_not_plain_has_no_key(path: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the argument itself is the message
        TAG.artifact("1.4.2", path)
    with pytest.raises(ValueError):  # noqa: PT011
        TAG.channel_file("latest", path)
    assert TAG.parse(f"tag/1.4.2/{path}") is None
    assert TAG.parse(f"tag/latest/{path}") is None


def test_a_path_of_200_characters_has_a_key() -> None:
    path = "a/" * 99 + "bb"
    assert TAG.parse(TAG.artifact("1.4.2", path)) == VersionKey("1.4.2", path)


BAD_CHANNELS = {
    "empty": "",
    "a digit first": "1",
    "a capital": "Latest",
    "a slash": "v1/x",
    "a dot first": ".v1",
    "an underscore": "v_1",
    "a line end": "latest\n",
    "65 characters": "v" * 65,
    "where pointers are": "channels",
    "where customers are": "customers",
}


@pytest.mark.parametrize("name", BAD_CHANNELS.values(), ids=BAD_CHANNELS.keys())
def test_what_is_no_channel_has_no_key(name: str) -> None:
    assert not is_channel(name)
    with pytest.raises(ValueError):  # noqa: PT011
        TAG.channel_file(name, "tag.js")
    with pytest.raises(ValueError):  # noqa: PT011
        TAG.pointer(name)
    assert TAG.parse(f"tag/channels/{name}.json") is None


@pytest.mark.parametrize(
    "version", ["", "1", "1.2", "v1.2.3", "1.2.3/x", "../1.2.3", "1.2.3\n", "1.2.3+b", "1.2.\u0663"]
)
def test_what_is_no_version_has_no_key(version: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        TAG.artifact(version, "tag.js")
    with pytest.raises(ValueError):  # noqa: PT011
        LOG.version_index(version)


EXTREME_VERSIONS = {
    "the largest number": "9007199254740991.0.0",
    "a time as a number": "1.0.20261124001233",
    "a long prerelease": "1.2.3-" + "a" * 58,
}


@pytest.mark.parametrize("version", EXTREME_VERSIONS.values(), ids=EXTREME_VERSIONS.keys())
def test_a_version_that_has_no_key_is_no_version_from_the_start(version: str) -> None:
    try:
        parse_version(version)
    except SourceError:
        return
    assert TAG.parse(TAG.manifest(version)) == VersionKey(version, MANIFEST)


FOREIGN = {
    "empty": "",
    "the library": "tag",
    "its root": "tag/",
    "a version's folder": "tag/1.4.2",
    "another library": "other/1.4.2/tag.js",
    "a library that begins so": "tagx/1.4.2/tag.js",
    "a pointer without its ending": "tag/channels/latest",
    "a pointer in a folder": "tag/channels/v1/x.json",
    "half of a version": "tag/1.4/a.js",
    "a customer's": "tag/customers/acme/1.4.2/tag.js",
    "a channel in capitals": "tag/V1/tag.js",
}


@pytest.mark.parametrize("key", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_key_is_none_of_ours(key: str) -> None:
    assert TAG.parse(key) is None


@given(st.text(max_size=40))
def test_no_text_is_parsed_as_a_key_that_is_not_formed_so(text: str) -> None:
    key = f"tag/{text}"
    match TAG.parse(key):
        case VersionKey(version, path):
            assert TAG.artifact(version, path) == key
        case ChannelKey(channel, path):
            assert TAG.channel_file(channel, path) == key
        case PointerKey(channel):
            assert TAG.pointer(channel) == key
        case None:
            pass


@given(PREFIXES, st.integers(0, LARGEST_SLOT), st.integers(0, LARGEST_SLOT))
def test_slots_are_parsed_back_and_sort_as_their_indices(prefix: str, one: int, other: int) -> None:
    log = LogLayout(prefix=prefix)
    assert log.parse_slot(log.slot(one)) == one
    assert (log.slot(one) < log.slot(other)) is (one < other)


@pytest.mark.parametrize("index", [-1, LARGEST_SLOT + 1])
def test_there_is_no_slot_outside_the_log(index: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        LOG.slot(index)


NO_SLOTS = {
    "the prefix": "tag/seq/",
    "one digit": "tag/seq/7",
    "11 digits": "tag/seq/00000000007",
    "13 digits": "tag/seq/0000000000007",
    "a letter": "tag/seq/00000000000a",
    "a sign": "tag/seq/+00000000007",
    "Arabic digits": "tag/seq/00000000000\u0667",
    "something below": "tag/seq/000000000007/x",
    "a line end": "tag/seq/000000000007\n",
    "no prefix": "000000000007",
    "half of the prefix": "seq/000000000007",
    "another log": "other/seq/000000000007",
}


@pytest.mark.parametrize("key", NO_SLOTS.values(), ids=NO_SLOTS.keys())
def test_a_foreign_key_is_no_slot(key: str) -> None:
    assert LOG.parse_slot(key) is None
