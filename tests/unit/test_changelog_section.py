from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import release
from release.core.changelog_section import Release, compare_address, render
from release.core.commits import Commit, RawCommit, parse_commit
from release.errors import ConfigError

TEMPLATE = (Path(release.__file__).parent / "templates/changelog-section.md.j2").read_text()
RELEASE = Release(
    version="1.2.3",
    date="2026-01-02",
    tag="v1.2.3",
    previous="1.2.2",
    previous_tag="v1.2.2",
    repository_url="https://gitlab.example/a/b",
)


def commits(*messages: str) -> list[Commit]:
    """Make commits with hashes 1…, 2…, in the order given, which stands for newest first."""
    raw = [RawCommit(commit=f"{index:x}" * 40, time=1, message=text) for index, text in enumerate(messages, 1)]
    return [parse_commit(commit) for commit in raw]


def test_the_template_groups_what_users_notice() -> None:
    given = commits(
        "feat(ui): add a",
        "fix: mend b",
        "perf(core): speed up c",
        f'Revert "feat: d"\n\nThis reverts commit {"f" * 40}.',
        "docs: not for users",
        "Merge branch 'x'",
        "feat!: replace e",
        "fix(api): mend f\n\nBREAKING CHANGE: f takes\n  two arguments",
        "feat: add g",
    )
    assert render(TEMPLATE, RELEASE, given) == (
        "### Breaking changes\n\n"
        "- replace e (7777777)\n"
        "- **api:** f takes two arguments (8888888)\n\n"
        "### Added\n\n"
        "- **ui:** add a (1111111)\n"
        "- add g (9999999)\n\n"
        "### Changed\n\n"
        "- **core:** speed up c (3333333)\n\n"
        "### Fixed\n\n"
        "- mend b (2222222)\n"
        "- **api:** mend f (8888888)\n\n"
        "### Reverted\n\n"
        "- feat: d (4444444)\n"
    )


def test_what_was_reverted_before_the_release_is_not_told() -> None:
    given = commits(f"This\n\nThis reverts commit {'2' * 40}.", "feat: never seen", "fix: a")
    assert render(TEMPLATE, RELEASE, given) == "### Fixed\n\n- a (3333333)\n"


def test_a_release_without_anything_to_notice_says_so() -> None:
    assert render(TEMPLATE, RELEASE, commits("docs: a")) == "No changes that users notice.\n"


HOSTILE = (
    "feat(<b>): <script>alert(1)</script>",
    "feat: [x](javascript:alert(1)) ![y](https://evil.example) @all",
    "feat: `a` <!-- /commits -->",
    "feat: # x",
    "feat: - y\u2028## [9.9.9] \u202e\x1b[2J",
    "fix!: a\n\nBREAKING CHANGE: b\n\n## [9.9.9]\n\n```\nc",
    "fix(**): _x_ 1. | y |",
)


def test_hostile_messages_are_seen_and_do_nothing() -> None:
    text = render(TEMPLATE, RELEASE, commits(*HOSTILE))
    page = MarkdownIt("commonmark").render(text)
    for tag in ("<script", "<b>", "<a ", "<img", "<code", "<em", "<h1", "<h2", "<!--"):
        assert tag not in page
    assert page.count("<li>") == text.count("\n- ") == len(HOSTILE) + 1
    assert "\\@all" in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_template_of_ones_own_gets_every_value_escaped() -> None:
    template = """\
{% for entry in features %}
{{ entry.text }} {{ entry.text | upper }} {{ entry.text | safe }} {{ entry.text | e }} {% print entry.text %}
{% autoescape true %}{{ entry.text }}{% endautoescape %} {{ "*" ~ entry.scope }} {{ [entry.text] }}
{% endfor %}
"""
    text = render(template, RELEASE, commits("feat(*): <i>*a*</i>"))
    assert "<" not in text
    assert MarkdownIt("commonmark").render(text).count("<") == 2


def test_a_template_can_use_all_that_is_documented() -> None:
    template = (
        "{{ version }} {{ previous }} {{ date }} [diff]({{ url }})\n"
        "{% for e in others %}{{ e.type }} {{ e.scope }} {{ e.text }} {{ e.commit }} [{{ e.short }}]({{ e.url }})\n"
        "{% endfor %}{{ breaking | length + fixes | length + performance | length + reverts | length }}"
    )
    name = "1" * 40
    assert render(template, RELEASE, commits("docs(a): b")) == (
        "1.2.3 1.2.2 2026-01-02 [diff](https://gitlab.example/a/b/-/compare/v1.2.2...v1.2.3)\n"
        f"docs a b {name} [1111111](https://gitlab.example/a/b/-/commit/{name})\n0\n"
    )


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{% for e in features %}{{ e.nothing }}{% endfor %}", "nothing"),
        ("{% if %}", "line 1"),
        ("a\n{{ version", "line 2"),
        ("{{ version.__class__.__mro__ }}", "unsafe"),
        ("{{ ''.__class__ }}", "unsafe"),
        ("{{ features.append(1) }}", "not safely callable|unsafe"),
        ("{% include 'x' %}", "loader"),
        ("{{ 1 / 0 }}", "division"),
        ("{{ version + 1 }}", "concatenate"),
        ("{{ range(10000000) }}", "[Rr]ange"),
        ("x" * 70_000, "characters"),
    ],
)
def test_a_template_that_does_not_work_is_refused(template: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        render(template, RELEASE, commits("feat: a"))


@pytest.mark.parametrize(
    "template",
    [
        "<a href='{{ url }}'>",
        '<b title="{{ version }}">',
        '<b title="a > b" id="{{ version }}">',
        "<!-- {{ version }} -->",
        "<{{ version }}>",
        "[x]({{ version }})",
        "[x](< {{- version }}>)",
        "![x]({{ url ~ version }})",
        "[x]: {{ version }}",
        "<b\n{{ version }}>",
    ],
)
def test_a_value_where_it_cannot_be_made_safe_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match="puts a value"):
        render(template, RELEASE, [])


@pytest.mark.parametrize(
    "template",
    [
        "{% set x = 'a' %}{{ x }}",
        "a < b {{ version }}",
        "{% if version == '1' %}{{ url }}{% endif %}x",
        "[x]: {{ url }}",
    ],
)
def test_other_templates_are_not_refused(template: str) -> None:
    assert render(template, RELEASE, [])


def test_the_first_version_is_compared_with_nothing() -> None:
    first = Release(
        version="1.0.0",
        date="2026-01-02",
        tag="v1.0.0",
        previous="",
        previous_tag="",
        repository_url=RELEASE.repository_url,
    )
    assert compare_address(first) == "https://gitlab.example/a/b/-/commits/v1.0.0"
