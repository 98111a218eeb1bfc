import pytest

from release.core.script.surface import added, removed, surface


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("export default function(){}", {"default"}),
        ("export{a as b,c,d as default}", {"b", "c", "default"}),
        ("export const a=1,{b,c:d,e=1,...f}=x,[g,h]=y", {"a", "b", "d", "e", "f", "g", "h"}),
        ("export class A{}export function f(){}export async function*g(){}", {"A", "f", "g"}),
        ('export*from"./other.js"', {"*"}),
        ('export*as all from"./other.js"', {"all"}),
        ('export{x as y}from"./other.js"', {"y"}),
        ('export{a as "odd name"}', {"odd name"}),
    ],
)
def test_the_exports_of_a_module(source: str, names: set[str]) -> None:
    assert surface(source.encode()).exports == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("var Tag=1", {"Tag"}),
        ("var Tag=(function(e){let t=1;return e.start=t,e.stop=t,e})({});", {"Tag", "Tag.start", "Tag.stop"}),
        ("var Tag=(()=>{var a=1;return{start:a,stop(){},...b,['x']:1}})()", {"Tag", "Tag.start", "Tag.stop"}),
        ("var Tag={start:1,'stop':2,run}", {"Tag", "Tag.start", "Tag.stop", "Tag.run"}),
        ("!function(){window.Tag={start:1};globalThis.tagQueue=[]}()", {"Tag", "Tag.start", "tagQueue"}),
        ("(function(){var hidden=1;other.Tag=2})()", set()),
        ("function tag(){}", {"tag"}),
        ("var i=1,ab={c:1};class A{b(){this.Tag=1}}", set()),
    ],
)
def test_the_globals_of_a_classic_script(source: str, names: set[str]) -> None:
    assert surface(source.encode()).globals_ == names


def test_a_module_has_no_globals_by_declaration() -> None:
    found = surface(b"var hidden=1;export{hidden as shown}")
    assert found.names == {"export shown"}


def test_what_went_and_what_came() -> None:
    before, now = surface(b"export{a,b}"), surface(b"export{b,c}")
    assert (removed(before, now), added(before, now)) == (["export a"], ["export c"])


def test_a_script_that_is_none_and_one_that_is_deep_end_all_the_same() -> None:
    assert surface(b"\xff\x00 export {").names <= {"export "}
    assert surface(b"var tag=" + b"(" * 50_000 + b"1" + b")" * 50_000).globals_ == {"tag"}
    assert surface(b"var tag=" + b"[" * 50_000).names <= {"tag"}
