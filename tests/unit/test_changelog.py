import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from release.core.changelog import parse, section_digest, yanked_versions
from release.errors import SourceError

V123 = Version(1, 2, 3)

FULL = """\
# Changelog

About this file.

## [Unreleased]

- Something.

## [1.2.3] - 2026-01-02 [YANKED]

### Fixed

- A fix.

## [1.2.2] - 2026-01-01

- Another.

[Unreleased]: https://gitlab.example/a/b/-/compare/v1.2.3...HEAD
[1.2.3]: https://gitlab.example/a/b/-/compare/v1.2.2...v1.2.3
"""

LINES = [
    "# Changelog",
    "# [3.0.0] - 2026-01-01",
    "## [Unreleased]",
    "## [1.2.3] - 2026-01-02",
    "## 1.2.2",
    "## v1.2.1 [YANKED]",
    "## Notes",
    "##",
    "- text",
    "",
    "  ",
    "```",
    "~~~",
    "<!--",
    "-->",
    "<!-- commits sha256:0123456789abcdef -->",
    "<!-- /commits -->",
    "[1.2.3]: https://x.example",
    "\u2028",
    "\x0c",
]
texts = st.builds(
    lambda bom, lines, end: bom + "".join(line + newline for line, newline in lines) + end,
    st.sampled_from(["", "\ufeff"]),
    st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(["\n", "\r\n", "\r", ""])), max_size=20),
    st.sampled_from(["", "last line without an end"]),
)


@given(texts | st.text())
def test_the_pieces_join_to_the_same_text(text: str) -> None:
    assert parse(text).text == text


def test_a_changelog_is_cut_at_its_sections() -> None:
    changelog = parse(FULL)
    assert changelog.preamble == "# Changelog\n\nAbout this file.\n\n"
    assert [block.version for block in changelog.blocks] == [None, V123, Version(1, 2, 2)]
    assert [block.unreleased for block in changelog.blocks] == [True, False, False]
    assert changelog.blocks[2].text == "## [1.2.2] - 2026-01-01\n\n- Another.\n\n"
    assert changelog.links.startswith("[Unreleased]: ")


@pytest.mark.parametrize(
    "heading",
    [
        "## [1.2.3] - 2026-01-02",
        "## [1.2.3]",
        "## 1.2.3",
        "## v1.2.3 (2026-01-02)",
        "## [v1.2.3] - 2026-01-02",
        "## [1.2.3](https://gitlab.example/compare) (2026-01-02)",
        "# [1.2.3](https://gitlab.example/compare) (2026-01-02)",
        "   ##\t[1.2.3] - 2026-01-02  ",
        "\ufeff## [1.2.3] - 2026-01-02",
        "## [1.2.3] - 2026-01-02\r",
    ],
)
def test_headings_of_other_tools_are_understood(heading: str) -> None:
    (block,) = parse(f"{heading}\n\n- text\n").blocks
    assert block.version == V123


@pytest.mark.parametrize(
    "heading",
    [
        "##[1.2.3]",
        "### [1.2.3]",
        "    ## [1.2.3]",
        "## [1.2]",
        "## [01.2.3]",
        "## 1.2.3+x",
        "## Version 1.2.3",
        "[1.2.3]",
    ],
)
def test_other_lines_name_no_version(heading: str) -> None:
    assert all(block.version is None for block in parse(f"# Changelog\n{heading}\n").blocks)


@pytest.mark.parametrize(
    "text",
    ["```\n## [1.2.3]\n```\n", "<!--\n## [1.2.3]\n-->\n", "~~~~\n~~~\n## [1.2.3]\n~~~~\n"],
    ids=["code", "comment", "longer fence"],
)
def test_a_heading_in_code_or_a_comment_is_none(text: str) -> None:
    assert parse(text).blocks == ()


@pytest.mark.parametrize(
    ("suffix", "yanked"),
    [(" [YANKED]", True), (" [yanked] ", True), (" - 2026-01-02 [YANKED]", True), (" yanked", False), ("", False)],
)
def test_yanked_versions_say_so_in_their_heading(suffix: str, *, yanked: bool) -> None:
    assert yanked_versions(f"## [1.2.3]{suffix}\n\n[YANKED]\n") == ({V123} if yanked else set())


def test_a_sections_digest_is_that_of_its_lines() -> None:
    expected = hashlib.sha256(b"## [1.2.2] - 2026-01-01\n\n- Another.\n").hexdigest()
    assert section_digest(FULL, Version(1, 2, 2)) == expected


SAME = {
    "CRLF": FULL.replace("\n", "\r\n"),
    "trailing space": FULL.replace("- A fix.\n", "- A fix. \t\n"),
    "no longer yanked": FULL.replace(" [YANKED]", ""),
    "last in the file": FULL[: FULL.index("## [1.2.2]")],
    "no line end": FULL[: FULL.index("## [1.2.2]")].rstrip(),
    "followed by links": FULL[: FULL.index("## [1.2.2]")] + FULL[FULL.index("[Unreleased]:") :],
    "other sections changed": FULL.replace("Another", "Anything").replace("Something", "Nothing"),
}
OTHER = {
    "other text": FULL.replace("A fix", "A  fix"),
    "other date": FULL.replace("2026-01-02", "2026-01-03"),
    "more": FULL.replace("- A fix.\n", "- A fix.\n- More.\n"),
    "indentation": FULL.replace("- A fix.", " - A fix."),
    "less space between": FULL.replace("### Fixed\n\n", "### Fixed\n"),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_what_does_not_matter_does_not_change_the_digest(text: str) -> None:
    assert section_digest(text, V123) == section_digest(FULL, V123)


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER.keys())
def test_any_other_change_changes_the_digest(text: str) -> None:
    assert section_digest(text, V123) != section_digest(FULL, V123)


def test_a_missing_section_has_no_digest() -> None:
    with pytest.raises(SourceError, match=r"no section for 9\.9\.9"):
        section_digest(FULL, Version(9, 9, 9))


def test_two_sections_of_one_version_have_no_digest() -> None:
    with pytest.raises(SourceError, match=r"2 sections for 1\.2\.3"):
        section_digest(FULL + "\n## 1.2.3\n", V123)
