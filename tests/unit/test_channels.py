import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from release.core.channels import Channel, check_move, check_names, find, key_patterns, names_for
from release.core.layout import ChannelKey, SiteLayout, VersionKey, is_channel
from release.core.version import parse_version
from release.errors import RefusedError, SourceError
from tests.fakes.examples import CHANNELS

NUMBERS = st.integers(0, 9999)
versions = st.builds(Version, NUMBERS, NUMBERS, NUMBERS, st.none() | st.sampled_from(["rc.1", "rc.2", "beta.1"]))


def test_a_stable_version_belongs_to_its_lines_and_to_latest() -> None:
    assert names_for(CHANNELS, Version.parse("1.4.2")) == ("v1.4", "v1", "latest")


def test_a_prerelease_belongs_to_next_only() -> None:
    assert names_for(CHANNELS, Version.parse("2.0.0-rc.1")) == ("next",)


def test_a_channel_may_take_any_version() -> None:
    canary = {"canary": Channel(accepts="any")}
    assert [names_for(canary, Version.parse(v)) for v in ("1.0.0", "1.0.0-rc.1")] == [("canary",), ("canary",)]


@given(versions)
def test_every_name_of_a_version_is_a_channel_that_was_declared(version: Version) -> None:
    for name in names_for(CHANNELS, version):
        assert is_channel(name)
        assert CHANNELS[find(CHANNELS, name)].takes(version)
        check_move(CHANNELS, name, version, serves=None, backwards=False)


def test_even_the_largest_version_there_can_be_has_channels() -> None:
    largest = parse_version("9007199254740991.9007199254740991.0")
    assert all(is_channel(name) for name in names_for(CHANNELS, largest))


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_two_lines_never_share_a_channel(major: int, minor: int, other_major: int, other_minor: int) -> None:
    one, other = names_for(CHANNELS, Version(major, minor)), names_for(CHANNELS, Version(other_major, other_minor))
    assert (one[0] == other[0]) is ((major, minor) == (other_major, other_minor))
    assert (one[1] == other[1]) is (major == other_major)


BAD_NAMES = {
    "Latest": "is not a channel's name",
    "": "is not a channel's name",
    "channels": "is not a channel's name",
    "customers": "is not a channel's name",
    "{major}": "is not a channel's name",
    "v{patch}": "is not a channel's name",
    "v1/x": "is not a channel's name",
    "v{minor}": "has {minor} without {major}: two lines would share it",
    "v" * 65: "is not a channel's name",
}


@pytest.mark.parametrize(("name", "problem"), BAD_NAMES.items())
def test_a_name_that_is_none_is_found(name: str, problem: str) -> None:
    ((where, found),) = check_names({"latest": Channel(), name: Channel()})
    assert where == name
    assert found.startswith(problem)


def test_a_channel_named_like_a_version_shares_no_key_with_one() -> None:
    """v1.2 is a channel, 1.2 is nothing, and 1.2.0 a version: the first character tells, whatever the path is."""
    layout = SiteLayout(prefix="", library="tag")
    for path in ("tag.min.js", "1.2.0/tag.min.js", "manifest.json", "channels/v1.2.json"):
        assert layout.parse(layout.channel_file("v1.2", path)) == ChannelKey("v1.2", path)
    assert layout.parse("tag/1.2/tag.min.js") is None
    assert layout.parse("tag/1.2.0/v1.2/tag.min.js") == VersionKey("1.2.0", "v1.2/tag.min.js")
    for text in ("1.2", "v1.2", "v1.2.0"):
        with pytest.raises(SourceError):
            parse_version(text)
    patterns = [f"tag/{name}/" for name in key_patterns(["v{major}.{minor}", "v{major}", "latest"])]
    assert not any(fnmatch.fnmatchcase("tag/1.2.0/v1.2/", pattern) for pattern in patterns)


@pytest.mark.parametrize("name", ["v{major}{minor}", "v{minor}{major}", "v{major}1{minor}"])
def test_numbers_that_run_together_are_refused(name: str) -> None:
    """1.11 and 11.1 would both be v111, or v1111."""
    assert list(check_names({name: Channel()}))


def test_a_name_that_a_larger_version_makes_too_long_is_refused() -> None:
    assert list(check_names({"a" * 40 + "{major}": Channel()}))


def test_two_declarations_that_make_one_name_are_refused() -> None:
    """Both would be v1, once with the rules of the one and once with those of the other."""
    assert list(check_names({"v{major}": Channel(), "v1": Channel()}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("v{major}.0", "v{major}.{minor}"),
        ("v{major}.{minor}", "v1.0"),
        ("v{major}1", "v2{major}"),
        ("v{major}23", "v12{major}"),
        ("v{major}-{minor}", "v{major}-10"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_two_patterns_that_make_one_name_at_times_are_refused(one: str, other: str, turned: bool) -> None:
    """v1.0 would be a line by the rules of the one, and a channel of its own by those of the other."""
    names = (other, one) if turned else (one, other)
    assert list(check_names({name: Channel() for name in names}))


@pytest.mark.parametrize(
    ("one", "other"),
    [("v{major}", "v{major}.{minor}"), ("v{major}", "v{major}-lts"), ("v{major}.{minor}", "w{major}.{minor}")],
)
def test_two_patterns_that_never_make_one_name_are_two_channels(one: str, other: str) -> None:
    assert list(check_names({one: Channel(), other: Channel()})) == []


PIECES = st.lists(st.sampled_from(["{major}", "{minor}", "0", "1", "12", ".", "-"]), min_size=1, max_size=4)
declared = PIECES.map(lambda pieces: "v" + "".join(pieces))


@given(declared, declared, st.lists(NUMBERS, min_size=4, max_size=4))
def test_whatever_is_declared_no_two_declarations_make_one_name(one: str, other: str, numbers: list[int]) -> None:
    names = {one: Channel(accepts="any"), other: Channel(accepts="any")}
    if one == other or list(check_names(names)):
        return
    first, second = Version(numbers[0], numbers[1]), Version(numbers[2], numbers[3])
    made = (names_for({one: names[one]}, first), names_for({other: names[other]}, second))
    assert made[0] != made[1]


@pytest.mark.parametrize(
    ("name", "declared"), [("latest", "latest"), ("v1", "v{major}"), ("v10.0", "v{major}.{minor}")]
)
def test_a_name_leads_to_its_declaration(name: str, declared: str) -> None:
    assert find(CHANNELS, name) == declared


@pytest.mark.parametrize(
    "name", ["lates", "v", "v01", "v1.", "v1.2.3", "vx", "v1\n", "v\u0661", "v{major}", "1", "v-1"]
)
def test_a_name_that_nothing_declares_is_refused(name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        find(CHANNELS, name)
    assert caught.value.message == f"there is no channel {name!r}"
    assert caught.value.hint == "release.toml declares: v{major}.{minor}, v{major}, latest, next"


WRONG_MOVES = {
    "another line": ("v1.3", "1.4.0", "channel v1.3 does not take version 1.4.0", "1.4.0 belongs to: v1.4, v1, latest"),
    "another major line": ("v2", "1.4.0", "channel v2 does not take version 1.4.0", "belongs to: v1.4, v1, latest"),
    "a prerelease on latest": (
        "latest",
        "2.0.0-rc.1",
        "channel latest does not take version 2.0.0-rc.1",
        "2.0.0-rc.1 belongs to: next",
    ),
    "a prerelease on its line": ("v2", "2.0.0-rc.1", "channel v2 does not take version 2.0.0-rc.1", "belongs to: next"),
    "a stable version on next": ("next", "2.0.0", "channel next does not take version 2.0.0", "v2.0, v2, latest"),
    "no channel": ("stable", "1.4.0", "there is no channel 'stable'", "release.toml declares"),
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("name", "version", "message", "hint"), WRONG_MOVES.values(), ids=WRONG_MOVES.keys())
def test_a_channel_takes_only_versions_of_its_kind_and_line(
    name: str, version: str, message: str, hint: str, backwards: bool
) -> None:
    with pytest.raises(RefusedError) as caught:
        check_move(CHANNELS, name, Version.parse(version), serves=None, backwards=backwards)
    assert caught.value.message == message
    assert hint in caught.value.hint


def test_a_channel_never_goes_backwards_by_itself() -> None:
    with pytest.raises(RefusedError) as caught:
        check_move(CHANNELS, "latest", Version.parse("1.4.1"), serves=Version.parse("1.4.2"), backwards=False)
    assert caught.value.message == "channel latest serves 1.4.2: 1.4.1 would take it backwards"
    assert caught.value.hint == "going back on purpose: release rollback latest --to 1.4.1 --reason '...'"


@given(versions, versions, st.booleans())
def test_a_move_is_allowed_forwards_or_if_going_back_is_meant(
    serves: Version, version: Version, backwards: bool
) -> None:
    channels = {"canary": Channel(accepts="any")}
    try:
        check_move(channels, "canary", version, serves=serves, backwards=backwards)
        allowed = True
    except RefusedError:
        allowed = False
    assert allowed is (backwards or version >= serves)


def test_declared_names_become_iam_patterns() -> None:
    assert key_patterns(CHANNELS) == ("v*", "latest", "next")
    assert key_patterns(["beta-{major}", "lts-{major}.{minor}-x"]) == ("beta-*", "lts-*.*-x")
