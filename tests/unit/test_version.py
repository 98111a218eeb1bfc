import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from release.core.commits import Commit, RawCommit, parse_commit
from release.core.version import (
    History,
    format_tag,
    latest_of_train,
    next_version,
    parse_tag,
    parse_version,
    version_tags,
)
from release.errors import ConfigError, NothingToDoError, SourceError

BAD_VERSIONS = {
    "empty": "",
    "two numbers": "1.2",
    "four numbers": "1.2.3.4",
    "leading zero": "01.2.3",
    "leading zero in the prerelease": "1.2.3-01",
    "sign": "+1.2.3",
    "letter before": "v1.2.3",
    "space before": " 1.2.3",
    "line end after": "1.2.3\n",
    "underscore in a number": "1_0.2.3",
    "Arabic digits": "\u0661.\u0662.\u0663",
    "full-width digits": "\uff11.2.3",
    "empty prerelease": "1.2.3-",
    "empty identifier": "1.2.3-rc..1",
    "slash": "1.2.3-rc/1",
    "parent folder": "1.2.3-../../x",
    "build metadata": "1.2.3+build.5",
    "NUL": "1.2.3\x00",
    "a number JavaScript cannot count to": "9007199254740992.0.0",
    "65 characters": "1.2.3-" + "a" * 59,
    "a megabyte": "1." * 500_000,
}


@pytest.mark.parametrize("text", BAD_VERSIONS.values(), ids=BAD_VERSIONS.keys())
def test_what_is_not_a_version_is_refused(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_version(text)
    assert len(caught.value.message) < 200
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "text", ["0.0.0", "1.2.3", "1.2.3-rc.1", "1.2.3-0.a-b.x", "9007199254740991.0.0", "1.2.3-" + "a" * 58]
)
def test_a_version_comes_back_as_it_was_written(text: str) -> None:
    assert str(parse_version(text)) == text


@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    with contextlib.suppress(SourceError):
        assert str(parse_version(text)) == text


numbers = st.integers(0, 10_000)
versions = st.builds(Version, numbers, numbers, numbers, st.none() | st.sampled_from(["rc.1", "beta.20", "0"]))


@given(versions, st.sampled_from(["", "v", "library@", "release/"]))
def test_a_tag_gives_back_its_version(version: Version, prefix: str) -> None:
    assert parse_tag(format_tag(version, prefix), prefix) == version


@pytest.mark.parametrize(
    "tag", ["1.2.3", "V1.2.3", "vv1.2.3", "v", "v1.2", "--upload-pack=x", "v1.2.3\n", "v1.2.3;rm -rf /", "v" * 10_000]
)
def test_what_is_not_a_version_tag_is_refused(tag: str) -> None:
    with pytest.raises(SourceError, match="tag ") as caught:
        parse_tag(tag, "v")
    assert len(caught.value.message) < 400


def test_tags_that_name_no_version_are_left_alone() -> None:
    tags = {"v1.0.0": "a", "nightly": "b", "v2": "c", "1.1.0": "d", "v1.1.0-rc.1": "e", "-d": "f"}
    assert version_tags(tags, "v") == {Version(1, 0, 0): "a", Version(1, 1, 0, "rc.1"): "e"}


def commits(*messages: str) -> list[Commit]:
    """Make commits, the last message being the newest commit; give them newest first."""
    raw = [RawCommit(commit=f"{index:040x}", time=index, message=text) for index, text in enumerate(messages)]
    return [parse_commit(commit) for commit in reversed(raw)]


def history(
    stable: str | None,
    *messages: str,
    prereleases: tuple[str, ...] = (),
    elsewhere: tuple[str, ...] = (),
    fresh: tuple[str, ...] = (),
) -> History:
    own = [Version.parse(text) for text in prereleases]
    released = [Version.parse(stable)] if stable else []
    return History(
        stable=released[0] if released else None,
        prereleases=own,
        taken=[*own, *released, *map(Version.parse, elsewhere)],
        commits=commits(*messages),
        fresh=commits(*fresh),
    )


@pytest.mark.parametrize(
    ("stable", "messages", "expected"),
    [
        ("1.3.0", ["fix: a"], "1.3.1"),
        ("1.3.0", ["perf: a"], "1.3.1"),
        ("1.3.0", ["revert: a\n\nRefs: abcdef1"], "1.3.1"),
        ("1.3.1", ["feat: a", "fix: b"], "1.4.0"),
        ("1.3.1", ["fix: b", "FEAT(ui): a"], "1.4.0"),
        ("1.3.1", ["feat!: a"], "2.0.0"),
        ("1.3.1", ["docs: a\n\nBREAKING CHANGE: b"], "2.0.0"),
        ("1.3.1", ["no type\n\nBREAKING-CHANGE: b", "fix: c"], "2.0.0"),
        ("0.3.1", ["feat!: a"], "0.4.0"),
        ("0.3.1", ["feat: a"], "0.4.0"),
        ("0.3.1", ["fix: a"], "0.3.2"),
    ],
)
def test_commits_decide_the_next_version(stable: str, messages: list[str], expected: str) -> None:
    assert str(next_version(history(stable, *messages)).version) == expected


def test_the_reasons_are_the_commits_that_decided() -> None:
    decision = next_version(history("1.3.1", "feat(ui): a", "fix: b", "feat: c"))
    assert decision.reasons == (
        "minor since 1.3.1: 0000000 feat: c",
        "minor since 1.3.1: 0000000 feat(ui): a",
    )


def test_many_reasons_are_cut() -> None:
    decision = next_version(history("1.3.1", *["fix: a"] * 30))
    assert len(decision.reasons) == 21
    assert decision.reasons[-1] == "and 10 more"


def test_nothing_to_release_says_what_was_seen() -> None:
    messages = [
        "docs: a",
        "docs: b",
        "chore: c",
        "Merge branch 'x'",
        "feat: d",
        f"oops\n\nThis reverts commit {4:040x}.",
    ]
    with pytest.raises(NothingToDoError) as caught:
        next_version(history("1.3.0", *messages))
    assert caught.value.message == (
        "no commit since 1.3.0 makes a release: 6 seen (2 docs, 1 without a type, 1 chore, 2 cancelled by reverts)"
    )


@pytest.mark.parametrize("label", [None, "rc"])
def test_without_commits_there_is_nothing_to_release(label: str | None) -> None:
    with pytest.raises(NothingToDoError, match=r"no commit since 1\.3\.0"):
        next_version(history("1.3.0"), label=label)
    with pytest.raises(NothingToDoError, match="no commit in the history"):
        next_version(history(None), label=label)


@pytest.mark.parametrize(
    ("package_version", "expected"),
    [
        ("2.5.0", "2.5.0"),
        ("2.5.0-rc.3", "2.5.0"),
        ("0.0.0", "0.1.0"),
        ("0.0.0-development", "0.1.0"),
        (None, "0.1.0"),
        ("", "0.1.0"),
        ("workspace:*", "0.1.0"),
        ("1.0.0+build", "0.1.0"),
    ],
)
def test_the_first_version_is_that_of_package_json_or_0_1_0(package_version: str | None, expected: str) -> None:
    first = history(None, "initial commit")
    assert str(next_version(first, package_version=package_version).version) == expected
    rc = next_version(first, package_version=package_version, label="rc").version
    assert str(rc) == f"{expected}-rc.1"


def test_the_version_of_package_json_decides_nothing_later() -> None:
    assert str(next_version(history("1.0.0", "fix: a"), package_version="3.0.0").version) == "1.0.1"


@pytest.mark.parametrize(
    ("messages", "prereleases", "fresh", "expected"),
    [
        (["feat: a"], [], [], "1.4.0-rc.1"),
        (["feat: a", "fix: b"], ["1.4.0-rc.1"], ["fix: b"], "1.4.0-rc.2"),
        (["feat: a", "feat: b"], ["1.4.0-rc.9", "1.4.0-rc.10"], ["feat: b"], "1.4.0-rc.11"),
        (["feat: a", "feat!: b"], ["1.4.0-rc.1"], ["feat!: b"], "2.0.0-rc.1"),
        (["fix: a", "feat: b"], ["1.3.1-rc.4"], ["feat: b"], "1.4.0-rc.1"),
        (["feat: a"], ["1.4.0-beta.3"], [], "1.4.0-rc.1"),
        (["feat: a"], ["1.4.0-beta.3", "1.4.0-rc"], [], "1.4.0-rc.1"),
        # The feature of rc.1 was taken back: the train has announced 1.4.0 and stays there.
        (
            ["feat: a", f"revert: a\n\nRefs: {0:040x}"],
            ["1.4.0-rc.1"],
            [f"revert: a\n\nRefs: {'a' * 40}"],
            "1.4.0-rc.2",
        ),
    ],
)
def test_a_prerelease_train_moves_forward(
    messages: list[str], prereleases: list[str], fresh: list[str], expected: str
) -> None:
    given = history("1.3.0", *messages, prereleases=tuple(prereleases), fresh=tuple(fresh))
    assert str(next_version(given, label="rc").version) == expected


@pytest.mark.parametrize("fresh", [(), ("docs: b",)])
def test_a_train_does_not_move_without_something_new(fresh: tuple[str, ...]) -> None:
    given = history("1.3.0", "feat: a", *fresh, prereleases=("1.4.0-rc.1",), fresh=fresh)
    with pytest.raises(NothingToDoError, match=r"since 1\.4\.0-rc\.1"):
        next_version(given, label="rc")


def test_a_train_ends_in_its_stable_version_without_new_commits() -> None:
    given = history("1.3.0", "feat: a", prereleases=("1.4.0-rc.1", "1.4.0-rc.2"))
    assert str(next_version(given).version) == "1.4.0"


def test_a_first_train_ends_in_the_version_it_announced() -> None:
    given = history(None, "feat: a", prereleases=("1.0.0-beta.1",))
    assert str(next_version(given, package_version="0.0.0").version) == "1.0.0"


def test_a_prerelease_on_another_branch_is_counted_but_announces_nothing() -> None:
    given = history("1.3.0", "feat: a", elsewhere=("1.4.0-rc.3", "2.0.0-rc.1"))
    assert str(next_version(given, label="rc").version) == "1.4.0-rc.4"


def test_a_version_that_exists_on_another_branch_is_not_given_twice() -> None:
    with pytest.raises(SourceError, match=r"1\.4\.0, which has a tag already"):
        next_version(history("1.3.0", "feat: a", elsewhere=("1.4.0",)))
    assert str(next_version(history("1.3.0", "fix: a", elsewhere=("1.4.0",))).version) == "1.3.1"


def test_a_train_does_not_go_back_in_the_alphabet() -> None:
    given = history("1.3.0", "feat: a", prereleases=("1.4.0-rc.1",))
    with pytest.raises(SourceError, match=r"would sort before 1\.4\.0-rc\.1"):
        next_version(given, label="beta")


@pytest.mark.parametrize("label", ["", "RC", "1", "rc.1", "rc\n", "rc 1", "-", "a" * 21, "ünï", "rc/../x"])
def test_what_cannot_label_a_prerelease_is_refused(label: str) -> None:
    with pytest.raises(ConfigError, match="cannot label"):
        next_version(history("1.3.0", "feat: a"), label=label)


def test_the_latest_of_a_train_counts_by_number() -> None:
    found = [Version.parse(text) for text in ("1.4.0-rc.2", "1.4.0-rc.10", "1.4.0-rc", "1.4.0-rc.x", "1.5.0-beta.1")]
    assert latest_of_train(found, "rc") == Version.parse("1.4.0-rc.10")
    assert latest_of_train(found, "alpha") is None


@given(
    st.builds(Version, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    st.lists(st.sampled_from(["feat: a", "fix: b", "feat!: c", "docs: d", "x", "perf!: e"]), min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from(["alpha", "rc"]), st.booleans()), max_size=4),
)
def test_every_next_version_is_higher_than_all_before(
    stable: Version, messages: list[str], steps: list[tuple[str, bool]]
) -> None:
    released: list[Version] = []
    for label, _ in sorted(steps):
        given = History(
            stable=stable,
            prereleases=released,
            taken=[stable, *released],
            commits=commits(*messages),
            fresh=commits(*messages),
        )
        try:
            version = next_version(given, label=label).version
        except NothingToDoError:
            return
        assert version > max([stable, *released])
        assert version.finalize_version() == next_version(given).version
        released.append(version)
