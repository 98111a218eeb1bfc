import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from release.core.changelog import parse
from release.core.changelog_update import NEW_FILE, Section, update, web_address
from release.errors import ConfigError, SourceError
from tests.unit.test_changelog import FULL, V123, texts

BODY = "### Added\n\n- a (abc1234)\n"
DIGEST = hashlib.sha256(b"### Added\n- a (abc1234)").hexdigest()[:16]
MARKED = f"<!-- commits sha256:{DIGEST} -->\n### Added\n\n- a (abc1234)\n<!-- /commits -->\n"
URL = "https://gitlab.example/a/b/-/compare/v1.3.0...v1.4.0"


def section(version: str = "1.4.0", body: str = BODY, *, url: str = "", takes_unreleased: bool = True) -> Section:
    return Section(
        version=Version.parse(version), date="2026-02-03", body=body, url=url, takes_unreleased=takes_unreleased
    )


def test_a_new_file_has_the_section() -> None:
    assert update("", section(url=URL)).text == (f"{NEW_FILE}\n## [1.4.0] - 2026-02-03\n\n{MARKED}\n[1.4.0]: {URL}\n")


def test_what_was_written_as_unreleased_moves_above_the_generated_part_and_nothing_else_changes() -> None:
    new = f"## [Unreleased]\n\n## [1.4.0] - 2026-02-03\n\n- Something.\n\n{MARKED}\n"
    expected = FULL.replace("## [Unreleased]\n\n- Something.\n\n", new)
    assert update(FULL, section()).text == expected


def test_a_prereleases_section_leaves_what_is_unreleased() -> None:
    new = f"## [1.4.0-rc.1] - 2026-02-03\n\n{MARKED}\n## [1.2.3]"
    expected = FULL.replace("## [1.2.3]", new)
    assert update(FULL, section("1.4.0-rc.1", takes_unreleased=False)).text == expected


@pytest.mark.parametrize(
    ("version", "order"),
    [
        ("2.0.0", ["2.0.0", "1.2.3", "1.2.2"]),
        ("1.2.3-rc.1", ["1.2.3", "1.2.3-rc.1", "1.2.2"]),
        ("1.0.0", ["1.2.3", "1.2.2", "1.0.0"]),
    ],
)
def test_sections_are_sorted_by_version_newest_first(version: str, order: list[str]) -> None:
    result = update(FULL, section(version)).text
    assert [str(block.version) for block in parse(result).blocks[1:]] == order


def test_the_link_goes_to_its_place_among_the_links() -> None:
    result = parse(update(FULL, section(url=URL)).text)
    assert result.links == FULL[FULL.index("[Unreleased]:") :].replace("[1.2.3]:", f"[1.4.0]: {URL}\n[1.2.3]:")
    lowest = parse(update(FULL, section("1.0.0", url=URL)).text)
    assert lowest.links == FULL[FULL.index("[Unreleased]:") :] + f"[1.0.0]: {URL}\n"


def test_a_link_that_is_there_stays() -> None:
    text = FULL + "[1.4.0]: https://own.example\n"
    assert update(text, section(url=URL)).text.count("[1.4.0]:") == 1


@pytest.mark.parametrize("heading", ["## 1.4.0", "## [1.4.0](https://own.example)"])
def test_a_heading_that_is_no_reference_gets_no_link(heading: str) -> None:
    text = f"{heading}\n\n{MARKED}"
    assert not update(text, section(url=URL)).changed


def test_a_link_is_added_later_once_the_address_is_known() -> None:
    text = update("", section()).text
    assert update(text, section(url=URL)).text == f"{text}\n[1.4.0]: {URL}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# Changelog", f"# Changelog\n\n## [1.4.0] - 2026-02-03\n\n{MARKED}"),
        ("# Changelog\n", f"# Changelog\n\n## [1.4.0] - 2026-02-03\n\n{MARKED}"),
        ("## [1.0.0]", f"## [1.4.0] - 2026-02-03\n\n{MARKED}\n## [1.0.0]"),
        ("\ufeff", f"\ufeff## [1.4.0] - 2026-02-03\n\n{MARKED}"),
        ("## Notes\n\nx\n", f"## Notes\n\nx\n\n## [1.4.0] - 2026-02-03\n\n{MARKED}"),
        ("## [1.5.0]\n## Old\n", f"## [1.5.0]\n\n## [1.4.0] - 2026-02-03\n\n{MARKED}\n## Old\n"),
        (
            "## [Unreleased]\n- x",
            f"## [Unreleased]\n\n## [1.4.0] - 2026-02-03\n\n- x\n\n{MARKED}",
        ),
        ("# C\n\n[a]: b", f"# C\n\n## [1.4.0] - 2026-02-03\n\n{MARKED}\n[a]: b"),
    ],
)
def test_the_section_finds_a_place_in_any_file(before: str, after: str) -> None:
    assert update(before, section()).text == after


def test_line_ends_are_those_of_the_file() -> None:
    expected = update(FULL, section(url=URL)).text.replace("\n", "\r\n")
    assert update(FULL.replace("\n", "\r\n"), section(url=URL)).text == expected


def test_more_commits_replace_the_generated_part_and_keep_what_people_wrote() -> None:
    text = update(FULL, section(url=URL)).text
    text = text.replace("- Something.\n", "- Something else. \t\n").replace(
        "<!-- /commits -->", "<!-- /commits -->\n\nBy hand."
    )
    result = update(text, section(body=BODY + "- b (def5678)\n", url=URL))
    longer = hashlib.sha256(b"### Added\n- a (abc1234)\n- b (def5678)").hexdigest()[:16]
    expected = text.replace(DIGEST, longer).replace("(abc1234)\n", "(abc1234)\n- b (def5678)\n")
    assert (result.text, result.changed, result.note) == (expected, True, "")


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("- a (abc1234)", "- A! (abc1234)", "its generated part was edited by hand"),
        (DIGEST, "0123456789abcdef", "its generated part was edited by hand"),
        ("<!-- /commits -->\n", "", "the comments around its generated part are damaged"),
        ("<!-- /commits -->\n", "<!-- /commits -->\n" * 2, "the comments around its generated part are damaged"),
        (MARKED, "- By hand.\n", "it was written by hand"),
        (MARKED, f"```\n{MARKED}```\n", "it was written by hand"),
    ],
)
def test_what_people_changed_is_left_alone_and_reported(old: str, new: str, note: str) -> None:
    text = update(FULL, section()).text.replace(old, new)
    result = update(text, section(body="### Fixed\n\n- other\n"))
    assert (result.text, result.changed) == (text, False)
    assert result.note == f"the section of 1.4.0 is left alone: {note}"


def test_a_formatter_may_move_blank_lines() -> None:
    text = update(FULL, section()).text.replace("-->\n### Added", "-->\n\n### Added").replace("\n<!-- /", "\n\n<!-- /")
    result = update(text, section())
    assert (result.changed, result.note) == (False, "")


@pytest.mark.parametrize(
    "body",
    [
        "## [9.9.9]\n",
        "# Title\n## x\n",
        "```\nopen\n",
        "<!-- open\n",
        "<!-- /commits -->\n",
        "<!-- commits sha256:0123456789abcdef -->\n",
    ],
)
def test_a_body_that_would_break_the_file_is_refused(body: str) -> None:
    with pytest.raises(ConfigError, match="template"):
        update(FULL, section(body=body))


@pytest.mark.parametrize(
    "unreleased",
    ["```\nno end\n", "<!-- no end\n", "<!-- commits sha256:0123456789abcdef -->\n", "<!-- /commits -->\n"],
)
def test_an_open_end_above_the_section_is_refused(unreleased: str) -> None:
    with pytest.raises(SourceError, match="not be readable"):
        update(f"## [Unreleased]\n\n{unreleased}", section())


def test_an_open_end_below_the_section_takes_no_link() -> None:
    text = "## [1.0.0]\n\n```\nno end\n"
    assert update(text, section()).changed
    with pytest.raises(SourceError, match="has no end"):
        update(text, section(url=URL))


@pytest.mark.parametrize("date", ["", "2026-1-2", "20260102", "2026-01-02\n", "today", "\u0662026-01-02"])
def test_what_is_not_a_date_is_refused(date: str) -> None:
    with pytest.raises(ConfigError, match="not a date"):
        update(FULL, Section(version=V123, date=date, body=BODY))


def test_two_sections_of_one_version_are_refused() -> None:
    with pytest.raises(SourceError, match="2 sections"):
        update(FULL + "\n## 1.2.3\n", section("1.2.3"))


versions = st.sampled_from(["1.2.3", "1.2.2", "1.2.3-rc.1", "2.0.0", "0.1.0"])
bodies = st.sampled_from([BODY, "", "text", "- a\n- b\n\n\n- c"])


@given(texts, versions, bodies, bodies, st.sampled_from(["", URL]))
def test_updating_twice_is_updating_once_and_people_lose_nothing(
    text: str, version: str, body: str, later: str, url: str
) -> None:
    try:
        once = update(text, section(version, body, url=url))
    except SourceError:
        return
    again = update(once.text, section(version, body, url=url))
    assert (again.text, again.changed, again.note) == (once.text, False, once.note)
    assert lines_of(text) <= lines_of(once.text)
    if not once.note:
        more = update(once.text, section(version, later, url=url))
        back = update(more.text, section(version, body, url=url))
        assert (more.note, back.note) == ("", "")
        assert back.text.split() == once.text.split()


def lines_of(text: str) -> Counter[str]:
    lines = [line.strip("\ufeff \t\r") for line in text.split("\n")]
    return Counter(line for line in lines if line)


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://gitlab.example/a/b", "https://gitlab.example/a/b/-/compare/v1...v2"),
        ("https://gitlab.example:8443/a/sub/b.git", "https://gitlab.example:8443/a/sub/b/-/compare/v1...v2"),
        ("https://github.com/a/b/", "https://github.com/a/b/compare/v1...v2"),
        ("", ""),
    ],
)
def test_addresses_are_those_of_the_server(repository: str, address: str) -> None:
    assert web_address(repository, "compare", "v1...v2") == address


def test_parts_of_addresses_are_quoted() -> None:
    assert web_address("https://a.example/b", "commits", "x@1/) y") == "https://a.example/b/-/commits/x%401%2F%29%20y"


@pytest.mark.parametrize(
    "repository",
    [
        "http://gitlab.example/a/b",
        "https://user:secret@gitlab.example/a/b",
        "git@gitlab.example:a/b.git",
        "https://gitlab.example",
        "https://gitlab.example/a/b?x=1",
        "https://gitlab.example/a b",
        "https://gitlab.example/a)b",
        "https://gitlab.example/a/b\n",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused(repository: str) -> None:
    with pytest.raises(ConfigError) as caught:
        web_address(repository, "commit", "abc")
    assert "secret" not in str(caught.value)
