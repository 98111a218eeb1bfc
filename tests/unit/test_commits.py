import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.commits import (
    MAX_HEADER,
    MAX_NOTE,
    Commit,
    RawCommit,
    clean,
    parse_commit,
    parse_commits,
    without_reverted,
)

A, B, C, D = (letter * 40 for letter in "abcd")


def parse(message: str, *, commit: str = A) -> Commit:
    return parse_commit(RawCommit(commit=commit, time=1, message=message))


@pytest.mark.parametrize(
    ("message", "kind", "scope", "breaking", "description"),
    [
        ("feat: add a", "feat", None, False, "add a"),
        ("feat(ui): add a\n", "feat", "ui", False, "add a"),
        ("fix!: drop b", "fix", None, True, "drop b"),
        ("fix(core api)!: drop b", "fix", "core api", True, "drop b"),
        ("fix!(core): drop b", "fix", "core", True, "drop b"),
        ("FEAT: any case", "feat", None, False, "any case"),
        ("Build-Deps: own type", "build-deps", None, False, "own type"),
        ("feat(): empty scope", "feat", None, False, "empty scope"),
        ("feat:   many   spaces  ", "feat", None, False, "many spaces"),
        ("\n\n  feat: late\n", "feat", None, False, "late"),
        ("feat: crlf\r\n\r\nbody\r\n", "feat", None, False, "crlf"),
        ("feat(@scope/pkg, b): x", "feat", "@scope/pkg, b", False, "x"),
    ],
)
def test_a_conventional_message_is_read(
    message: str,
    kind: str,
    scope: str | None,
    breaking: bool,
    description: str,
) -> None:
    commit = parse(message)
    assert (commit.type, commit.scope, commit.breaking, commit.description) == (kind, scope, breaking, description)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "\n",
        "Update readme",
        "feat:no space",
        "feat : space before the colon",
        "feat:",
        "feat: ",
        ": no type",
        "(ui): no type",
        "fixup! feat: x",
        "feat (ui): space before the scope",
        "feat((ui)): nested",
        "feat(ui: open",
        "two words: x",
        "Merge branch 'feat: x' into main",
        "féat: x",
        "1feat: x",
    ],
)
def test_any_other_message_is_kept_without_a_type(message: str) -> None:
    commit = parse(message)
    assert (commit.type, commit.breaking, commit.description) == (None, False, " ".join(message.split()))


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ("BREAKING CHANGE: gone", ("gone",)),
        ("BREAKING-CHANGE: gone", ("gone",)),
        ("BREAKING CHANGE: gone\n  and more\n\nand more", ("gone and more and more",)),
        ("BREAKING CHANGE: gone\nSigned-off-by: A", ("gone",)),
        ("BREAKING CHANGE: gone\nCloses #12", ("gone",)),
        ("BREAKING CHANGE:\n\ngone", ("gone",)),
        ("BREAKING CHANGE: a\nBREAKING CHANGE: b", ("a", "b")),
        ("text right above\nBREAKING CHANGE: gone", ("gone",)),
        ("Refs: 1\r\nBREAKING CHANGE: gone\r\n", ("gone",)),
        ("BREAKING CHANGE:", ()),
    ],
)
@pytest.mark.parametrize("header", ["feat: x", "docs: x", "not conventional"])
def test_a_breaking_change_footer_breaks_whatever_the_type(header: str, body: str, notes: tuple[str, ...]) -> None:
    commit = parse(f"{header}\n\n{body}")
    assert commit.breaking
    assert commit.notes == notes


@pytest.mark.parametrize(
    "body",
    [
        "breaking change: lower case",
        "Breaking Change: mixed case",
        "not at the start BREAKING CHANGE: x",
        "> BREAKING CHANGE: quoted",
        "BREAKING CHANGES: plural",
        "BREAKING  CHANGE: two spaces",
        "BREAKING CHANGE without a colon",
    ],
)
def test_other_lines_break_nothing(body: str) -> None:
    assert not parse(f"feat: x\n\n{body}").breaking


def test_a_breaking_header_needs_no_footer() -> None:
    commit = parse("feat!: x")
    assert (commit.breaking, commit.notes, commit.description) == (True, (), "x")


@pytest.mark.parametrize(
    ("message", "kind", "description", "reverts"),
    [
        (f'Revert "feat: x"\n\nThis reverts commit {A}.\n', "revert", "feat: x", (A,)),
        (f'Reapply "feat: x"\n\nThis reverts commit {A}.\n', "revert", 'Reapply "feat: x"', (A,)),
        (f"Back out x\n\nThis reverts commit {A}, reversing\nchanges made to {B}.", "revert", "Back out x", (A,)),
        ("revert: x\n\nRefs: 676104e, a215868", "revert", "x", ("676104e", "a215868")),
        (f"revert(ui): x\n\nThis reverts commit {A}.\n\nRefs: {A}", "revert", "x", (A,)),
        (f"fix: x\n\nThis reverts commit {A}.", "fix", "x", (A,)),
        ("fix: x\n\nRefs: 676104e", "fix", "x", ()),
        ("revert: x\n\nRefs #6761041", "revert", "x", ()),
        ("revert: x\n\nRefs: 676104, issue-12, 676104G", "revert", "x", ()),
        (f'Revert "x"\n\nSays: This reverts commit {A}.', None, 'Revert "x"', ()),
    ],
)
def test_reverts_are_read(message: str, kind: str | None, description: str, reverts: tuple[str, ...]) -> None:
    commit = parse(message, commit=D)
    assert (commit.type, commit.description, commit.reverts) == (kind, description, reverts)


def history(*messages: tuple[str, str]) -> list[str]:
    """Give the commits that are left, newest first; messages are given oldest first."""
    raw = [RawCommit(commit=name, time=1, message=message) for name, message in messages]
    return [commit.commit for commit in without_reverted(parse_commits(raw[::-1]))]


def revert(target: str) -> str:
    return f'Revert "x"\n\nThis reverts commit {target}.'


def test_a_revert_and_its_target_both_go() -> None:
    assert history((A, "feat!: a"), (B, "fix: b"), (C, revert(A))) == [B]


def test_a_reverted_revert_takes_nothing_back() -> None:
    assert history((A, "feat: a"), (B, revert(A)), (C, revert(B))) == [A]


def test_a_revert_of_a_revert_of_a_revert_takes_back_again() -> None:
    assert history((A, "feat: a"), (B, revert(A)), (C, revert(B)), (D, revert(C))) == []


def test_a_revert_of_what_was_released_stays() -> None:
    assert history((B, "fix: b"), (C, revert(A))) == [C, B]


def test_a_revert_of_several_stays_if_one_was_released() -> None:
    assert history((B, "feat: b"), (C, f"revert: both\n\nRefs: {A[:7]}, {B[:7]}")) == [C]


def test_a_short_hash_that_fits_two_commits_reverts_none() -> None:
    one, two = "abcdef0" + "1" * 33, "abcdef0" + "2" * 33
    assert history((one, "feat: a"), (two, "feat: b"), (C, "revert: x\n\nRefs: abcdef0")) == [C, two, one]


def test_a_commit_cannot_revert_one_that_comes_after_it_or_itself() -> None:
    assert history((A, revert(B)), (B, "feat!: b")) == [B, A]
    assert history((A, revert(A))) == [A]


def test_a_fix_that_reverts_stays_a_fix() -> None:
    assert history((A, "feat: a"), (B, f"fix: undo\n\nThis reverts commit {A}.")) == [B]


def test_a_revert_that_breaks_something_itself_stays() -> None:
    assert history((A, "feat: a"), (B, f"revert!: undo\n\nThis reverts commit {A}.")) == [B]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n b\t c ", "a b c"),
        ("\x1b[31mred\x07", "[31mred"),
        ("a\u202eb\u2066c\u200bd\ufeff", "abcd"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("half \ud800 pair", "half pair"),
        ("ünïcödé 🎉", "ünïcödé 🎉"),
        ("x" * 20, "xxxxxxxxx…"),
    ],
)
def test_text_is_made_fit_to_show(text: str, expected: str) -> None:
    assert clean(text, limit=10 if text.startswith("xx") else 100) == expected


@given(st.text())
def test_no_message_breaks_the_parser_and_nothing_kept_can_hide_anything(message: str) -> None:
    commit = parse(message)
    for text in (commit.description, commit.scope or "", *commit.notes):
        assert "\n" not in text
        assert text == clean(text, limit=MAX_NOTE)


@given(st.sampled_from(["feat", "fix", "x-1"]), st.none() | st.from_regex(r"[a-z][a-z /@-]{0,8}[a-z]", fullmatch=True))
def test_a_header_comes_back_in_its_parts(kind: str, scope: str | None) -> None:
    commit = parse(f"{kind}{f'({scope})' if scope else ''}: text")
    assert (commit.type, commit.scope) == (kind, " ".join(scope.split()) if scope else None)


@pytest.mark.parametrize(
    "message",
    [
        "a" * 2_000_000,
        "feat(" * 400_000,
        "feat: " + " " * 2_000_000 + "x",
        "feat: x\n\n" + "BREAKING CHANGE: y\n" * 50_000,
        "revert: x\n\nRefs: " + "abcdef0 " * 100_000,
        "feat: x\n\nBREAKING\n" + "A" * 2_000_000,
        "feat: x\n" + "This reverts commit " * 100_000,
        "feat: x\n\nBREAKING" + "\n" * 500_000,
    ],
    ids=["word", "open scopes", "spaces", "notes", "hashes", "token", "reverts", "lines"],
)
def test_a_huge_message_is_read_in_no_time_and_cut(message: str) -> None:
    start = time.perf_counter()
    commit = parse(message)
    assert time.perf_counter() - start < 2
    assert len(commit.description) <= MAX_HEADER
    assert sum(map(len, commit.notes)) <= 20 * MAX_NOTE
