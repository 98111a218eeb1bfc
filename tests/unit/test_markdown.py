import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from release.core.commits import clean
from release.core.markdown import Kind, Trusted, escape, is_closed, join, links_start, read_lines

C, T, S, M = Kind.CODE, Kind.TEXT, Kind.COMMENT_START, Kind.COMMENT


@given(st.text(alphabet=st.sampled_from("a`~<!->\r\n \u2028\x0c#[]:"), max_size=60))
def test_lines_join_to_their_text(text: str) -> None:
    assert join(read_lines(text)) == text


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a\n```\nb\n```\nc", [T, C, C, C, T]),
        ("~~~~ js\n~~~\n~~~~~\nc", [C, C, C, T]),
        ("```\n~~~\n```\nc", [C, C, C, T]),
        ("   ```\nb\n  ```\r\nc", [C, C, C, T]),
        ("    ```\nb", [T, T]),
        ("``` a`b\nc", [T, T]),
        ("```\nb\n``` x\nc", [C, C, C, C]),
        ("<!-- a -->\nb", [S, T]),
        ("<!-- a\n```\nb --> c\nd", [S, M, M, T]),
        ("```\n<!-- a\n```\nd", [C, C, C, T]),
        ("a <!-- b\nc", [T, T]),
    ],
)
def test_code_and_comments_are_told_from_text(text: str, kinds: list[Kind]) -> None:
    assert [line.kind for line in read_lines(text)] == kinds


@pytest.mark.parametrize(
    ("text", "closed"), [("", True), ("a", True), ("```\na", False), ("```\na\n```", True), ("<!--", False)]
)
def test_an_open_end_is_noticed(text: str, *, closed: bool) -> None:
    assert is_closed(text) is closed


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a\n\n[x]: y\n\n[z]: w\n", 2),
        ("a\n[x]: y\nb\n", 3),
        ("[x]: y", 0),
        ("a\n[^1]: a footnote\n", 2),
        ("```\n[x]: y\n```\n", 3),
        ("[x]:\n", 1),
        ("", 0),
    ],
)
def test_the_links_at_the_end_are_found(text: str, start: int) -> None:
    assert links_start(read_lines(text)) == start


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "link": "[x](javascript:alert(1))",
    "image": "![x](https://evil.example/track.png)",
    "reference": "[1.2.3]",
    "definition": "[1.2.3]: https://evil.example",
    "code": "`rm -rf`",
    "fence": "```",
    "tilde fence": "~~~",
    "comment": "<!-- /commits -->",
    "comment end": "-->",
    "entity": "&lt;b&gt; &#x3c;",
    "heading": "# big",
    "heading 2": "## [9.9.9] - 2026-01-01",
    "bullet": "- item",
    "plus": "+ item",
    "star": "* item",
    "number": "1. item",
    "parenthesis": "12) item",
    "quote": "> quote",
    "rule": "---",
    "underline": "===",
    "emphasis": "*a* _b_ __c__ ~~d~~",
    "backslashes": "\\*a* \\\\[x](y)",
    "table": "| a | b |",
    "autolink": "<https://evil.example>",
    "lines": "a\n\n## b\r\n- c\x85d\u2028e",
    "indent": "      code",
    "escape sequence": "\x1b[31mred",
    "bidirectional": "\u202egnp.exe",
    "hard break": "a  \\",
}
AROUND = {
    "start of a line": "{}",
    "list": "- {} (abc1234)",
    "bold": "- **{}:** x",
    "heading": "### {}",
    "middle": "a {} b",
}


def shown(markdown: str) -> tuple[str, list[str]]:
    """Render; give the text that a reader sees on one line, and the tags."""
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split()), re.findall(r"<(\w+)", page)


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND.keys())
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_escaped_text_is_seen_as_it_is_and_makes_nothing_else(text: str, around: str) -> None:
    plain, tags = shown(around.format("word"))
    assert shown(around.format(escape(text))) == (plain.replace("word", clean(text)), tags)


@given(st.text(alphabet=st.sampled_from("\\`*_{}[]()#+-.!|~<>&;:=\"'$@ \n1aé/"), min_size=1, max_size=30))
def test_no_text_escapes(text: str) -> None:
    for around in AROUND.values():
        plain, tags = shown(around.format("word"))
        assert shown(around.format(f"x{escape(text)}x")) == (plain.replace("word", f"x{clean(text)}x"), tags)
    seen, tags = shown(f"- {escape(text)}")
    assert seen == clean(text)
    assert tags == ["ul", "li"]


@pytest.mark.parametrize("text", ["@all", "~label", "$1", "a_b_c is a name", "R&D", 'it\'s "fine"', "1.2.3", "#12"])
def test_what_servers_make_of_signs_is_prevented_and_ordinary_text_stays_readable(text: str) -> None:
    expected = {"@all": "\\@all", "~label": "\\~label", "$1": "\\$1", "R&D": "R&amp;D", "#12": "\\#12"}
    assert escape(text) == expected.get(text, text)


def test_only_what_we_made_is_trusted() -> None:
    assert escape(Trusted("[a](https://b.example)")) == "[a](https://b.example)"
    assert escape(None) == ""
    assert escape(["[a](b)"]) == "\\['\\[a\\](b)'\\]"
    assert escape(12) == "12"
