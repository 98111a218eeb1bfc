"""Files of a bundle, judged one by one; lists of hosts; URLs as browsers read them."""

import json
import time

import pytest

from release.core.domains.address import read_address
from release.core.domains.bundle import Item, judge_file
from release.core.domains.finding import MOST, Finding
from release.core.domains.lists import DomainsSection, allows

NOWHERE = DomainsSection()


def judged(
    path: str, body: str | bytes, lists: DomainsSection = NOWHERE, source_map: bytes | None = None
) -> list[Finding]:
    return judge_file(Item(path, body if isinstance(body, bytes) else body.encode(), source_map, lists))


def said(findings: list[Finding]) -> list[tuple[str, str, str | None]]:
    return [(one.rule, one.sink, one.host) for one in findings]


@pytest.mark.parametrize(
    ("entry", "host", "port", "answer"),
    [
        ("api.example.com", "api.example.com", None, True),
        ("api.example.com", "xapi.example.com", None, False),
        ("api.example.com", "api.example.com", 8443, False),
        ("api.example.com:8443", "api.example.com", 8443, True),
        ("api.example.com:8443", "api.example.com", None, False),
        ("*.example.com", "api.example.com", None, True),
        ("*.example.com", "a.b.example.com", None, True),
        ("*.example.com", "example.com", None, False),
        ("*.example.com", "xexample.com", None, False),
        ("*.example.com", ".example.com", None, False),
    ],
)
def test_a_list_names_hosts_exactly_or_below_a_name(entry: str, host: str, port: int | None, answer: bool) -> None:
    assert allows(entry, host, port) is answer


@pytest.mark.parametrize(
    ("url", "more", "form", "host"),
    [
        ("https://a.example/x", False, "absolute", "a.example"),
        ("https://a.example", True, "open", ""),
        ("https://a.example/", True, "absolute", "a.example"),
        ("https://a.example?", True, "absolute", "a.example"),
        ("https://a.example:", True, "open", ""),
        ("https://user:pw@a.example/", False, "absolute", "a.example"),
        ("\x00 h\tttps:\\\\A.Example./x", False, "absolute", "a.example"),
        ("//a.example", False, "absolute", "a.example"),
        ("/x", False, "relative", ""),
        ("/", True, "open", ""),
        ("/x", True, "relative", ""),
        ("x", True, "open", ""),
        ("./", True, "relative", ""),
        ("?a=", True, "relative", ""),
        ("javascript:1", False, "code", ""),
        ("data:,x", False, "data", ""),
        ("https://b\u00fccher.example/", False, "absolute", "xn--bcher-kva.example"),
        ("https://a%2eexample/", False, "absolute", "a.example"),
    ],
)
def test_urls_are_read_as_browsers_read_them(url: str, more: bool, form: str, host: str) -> None:
    found = read_address(url, more=more)
    assert (found.form, found.host) == (form, host)


def test_a_finding_says_where_what_and_how_to_authorise_it() -> None:
    (one,) = judged("tag.js", "let a = 1;\n  fetch('https://evil.example/c', { a });\n")
    assert (one.line, one.column, one.rule, one.host, one.status) == (2, 3, "connect", "evil.example", "unauthorised")
    assert '[domains] connect = ["evil.example"] authorises it' in one.advice
    assert 'rule = "connect" and host = "evil.example"' in one.advice


def test_columns_count_characters() -> None:
    found = judged("tag.js", "const a = '\u20ac\U0001f600'; fetch(x);")
    assert [(one.line, one.column) for one in found] == [(1, 17)]


CSS = """\
@import "https://evil.example/a.css";
a { background: u\\72l( 'https://evil.example/b' ) }
b { src: /* x */ url(//evil.example/c); behavior: none }
c { background: image-set("https://evil.example/d" 1x) }
"""


def test_style_sheets_are_read_with_their_escapes() -> None:
    assert {one.host for one in judged("tag.css", CSS)} == {"evil.example"}
    assert judged("tag.css", CSS.replace("evil.example", "img.example"), DomainsSection(style=("img.example",))) == []
    assert judged("tag.css", "a { background: url(img/a.png) url('data:image/png;base64,AAAA') }") == []


PAGE = """\
<!doctype html><base href="https://evil.example/">
<link rel=preconnect href=//evil.example>
<script>fetch("https://ev" + "il.example")</script>
<script type=module>import "//evil.example/x.js"</script>
<p onclick="fetch('//evil.example')" style="background:url(//evil.example)">
<svg xmlns="http://www.w3.org/2000/svg"><image href="//evil.example/a"/><a xlink:href="javascript:go()">x</a></svg>
"""


def test_pages_and_pictures_are_read_with_their_scripts() -> None:
    found = judged("page.html", PAGE)
    assert {one.line for one in found if one.host == "evil.example"} == {1, 2, 3, 4, 5, 6}
    assert any(one.rule == "code" and one.line == 6 for one in found)
    assert judged("a.svg", '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>') == []


@pytest.mark.parametrize(
    ("path", "body", "sink"),
    [
        ("a.png", b"fetch('//evil.example')", "content"),
        ("a.json", b"fetch(x)", "syntax"),
        ("a.js", b"fetch(", "syntax"),
        ("a.js", b"let a = '\xff';", "encoding"),
        ("a.js", "\ufefflet a = 1;".encode("utf-16"), "encoding"),
        ("a.js", "let a = '\u202e';".encode(), "bidi"),
        ("a.css", "a { color: red } /* \u2066 */".encode(), "bidi"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_a_finding(path: str, body: bytes, sink: str) -> None:
    assert ("file", sink, None) in said(judged(path, body))


def test_a_text_that_is_a_script_is_judged_as_one() -> None:
    assert said(judged("LICENSE.txt", "Permission is granted, free of charge.\n")) == []
    assert said(judged("notes.txt", "navigator.sendBeacon(x)")) == [("connect", "navigator.sendBeacon", None)]


def test_a_source_map_is_told_to_be_loaded_from_nowhere_else() -> None:
    assert judged("a.js", "let a;\n//# sourceMappingURL=a.js.map\n") == []
    assert said(judged("a.js", "let a;\n//# sourceMappingURL=https://evil.example/m\n"))[0][1:] == (
        "sourceMappingURL",
        "evil.example",
    )


def source_map(mappings: str) -> bytes:
    return json.dumps({"version": 3, "sources": ["../src/a.js"], "names": [], "mappings": mappings}).encode()


def test_a_finding_names_its_place_in_the_source() -> None:
    (one,) = judged("a.js", "let a=1;fetch(x)", source_map=source_map("AAAA,QAIK"))
    assert one.source is not None
    assert (one.source.file, one.source.line, one.source.column) == ("../src/a.js", 5, 6)


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        json.dumps({"version": 3, "sources": [1], "mappings": 7}).encode(),
        source_map("!!!!"),
        source_map("AAAAAAAA"),
        source_map("gggggggggggggggB"),
        source_map("AAgggggggE"),
        source_map("AADDDD,A"),
        source_map("AAAA;" * 100_000),
    ],
)
def test_a_source_map_that_lies_costs_nothing_but_the_place(lie: bytes) -> None:
    (one,) = judged("a.js", "let a=1;fetch(x)", source_map=lie)
    assert (one.line, one.column, one.rule) == (1, 9, "connect")


HOSTILE = {
    "parentheses": "(" * 100_000 + "1" + ")" * 100_000,
    "lists": "[" * 100_000 + "]" * 100_000,
    "functions": "x=>" * 50_000 + "fetch(y)",
    "a sum": "fetch(" + "+".join(["'a'"] * 50_000) + "+x)",
    "members": "fetch(a" + ".b" * 50_000 + ")",
    "calls": "fetch(a" + "()" * 50_000 + ")",
    "conditions": "fetch(" + "a?b:" * 30_000 + "c)",
    "doubling": "var a0='https://';" + "".join(f"var a{i + 1}=a{i}+a{i};" for i in range(60)) + "fetch(a60)",
    "choices": "var a=x?'b':'c';fetch(" + "+".join(["a"] * 500) + ")",
    "one name": "var a;" + "a=fetch;" * 20_000 + "a(x)",
    "one property": "".join(f"o.p=q{i};" for i in range(20_000)) + "fetch(o.p)",
    "a ring": "function f(a){return g(a)+1}function g(a){return f(a)+1}fetch(f('https://'))",
    "templates": "`${" * 20_000 + "1" + "}`" * 20_000,
    "texts": "fetch(x);" + "'a//b.example';" * 30_000,
    "findings": "fetch(x);" * 20_000,
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_script_takes_bounded_time(script: str) -> None:
    started = time.process_time()
    found = judged("a.js", script)
    assert time.process_time() - started < 20  # a second on an idle machine; what is quadratic takes minutes
    assert found or "fetch" not in script
    assert len(found) <= MOST + 1


def test_a_script_that_is_too_large_is_not_passed() -> None:
    assert said(judged("a.js", b"1;" * 5_000_000)) == [("file", "size", None)]


def test_markup_within_scripts_within_markup_ends() -> None:
    inner = "x"
    for _ in range(6):
        quoted = json.dumps(inner).replace("</", "<\\/")
        inner = f"<script>el.innerHTML = {quoted}</script>"
    assert any(one.status == "undecided" for one in judged("a.html", inner))
    assert any(one.sink == "markup" for one in judged("b.html", "<script>" * 5_000))
