import pytest

from release.core.script.level import LATEST, newer_than, year_of

SYNTAX = {
    2015: [
        "let a=1",
        "class A{b(){}}",
        "x=>x",
        "`a${b}`",
        "function*g(){}",
        "var {a,...[]}=b".replace(",...[]", ""),
        "/a/uy",
        "new.target",
    ],
    2016: ["a**b", "a**=2"],
    2017: ["async function f(){await x}", "(async()=>{})()", "a={async b(){}}", "async x=>x"],
    2018: [
        "async function*f(){}",
        "async function f(){for await(const x of y){}}",
        "var{...r}=a",
        "a={...b}",
        "/a/s",
        "/(?<=a)b/",
        "/(?<year>[0-9])/",
        r"/\p{L}/u",
        "class A{async*b(){}}",
    ],
    2019: ["try{}catch{}"],
    2020: ["a?.b", "a?.[0]", "a?.()", "a??b", "1n", 'import("x")', "import.meta.url", 'export*as a from"x"'],
    2021: ["a??=b", "a||=b", "a&&=b", "1_000"],
    2022: ["class A{b=1}", "class A{#b(){}}", "class A{static{}}", "#a in b", "/a/d", "await x", "class A{static b}"],
    2023: ["#!/usr/bin/env node\n1"],
    2024: ["/a/v"],
    2025: ['import a from"b"with{type:"json"}', "/(?i:a)/"],
}
CASES = [(year, source) for year, sources in SYNTAX.items() for source in sources]


@pytest.mark.parametrize(("year", "source"), CASES)
def test_each_syntax_is_of_its_edition(year: int, source: str) -> None:
    assert newer_than(source.encode(), year) == []
    if year > 2015:
        assert [found.year for found in newer_than(source.encode(), year - 1)].count(year) == 1


def test_strings_and_comments_are_no_syntax() -> None:
    assert newer_than(b'"a?.b??c";/* a**b */`1n #x`', 2015) == []


def test_each_kind_is_said_once_where_it_is_first() -> None:
    found = newer_than(b"var a=1;b?.c;d?.e;f??g", 2019)
    assert [(one.offset, one.what) for one in found] == [(9, "optional chaining"), (18, "the operator ??")]


def test_await_inside_a_function_is_not_at_the_top() -> None:
    assert newer_than(b"async()=>{for(;;){await x}}", 2021) == []
    assert [one.what for one in newer_than(b"for(;;){await x}", 2021)] == ["await at the top"]


def test_a_target_names_its_year_and_esnext_has_no_limit() -> None:
    assert (year_of("es2020"), year_of("esnext")) == (2020, LATEST)
    assert newer_than(b"class A{#b=1}", LATEST) == []
