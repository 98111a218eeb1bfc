"""A second build of the same commit, elsewhere: the same bytes, or the reason why not."""

import json
from typing import Final

import pytest

from tests.functional.conftest import Run
from tests.functional.library import Library

_WRITE: Final = "import os, pathlib, time, uuid; out = pathlib.Path('dist'); out.mkdir(exist_ok=True)\n"


def build_that_writes(library: Library, expression: str) -> None:
    library.write("build.py", f"{_WRITE}(out / 'tag.min.js').write_text('var tag=' + {expression})\n")
    library.commit("build: another")


def test_a_build_that_depends_on_nothing_but_the_commit_is_reproduced(run: Run, library: Library) -> None:
    built = json.loads(run("build", "--snapshot", "--json").out)
    again = run("reproduce")
    assert again.code == 0
    assert built["digest"] in again.out
    assert [p.name for p in library.folder.parent.glob("release-elsewhere-*")] == []


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("os.getcwd()", "the bundle holds the folder it was built in"),
        ("time.tzname[0] + os.environ['TZ']", "the bundle holds the build's TZ"),
        ("os.environ['LC_ALL']", "the bundle holds the build's LANG"),
        ("os.environ.get('USER', 'nobody')", "the bundle holds the build's USER"),
        ("str(time.time_ns() // 1000000)", "a date or time of day: take SOURCE_DATE_EPOCH"),
        ("uuid.uuid4().hex", "an id or digest that every build makes anew"),
    ],
)
def test_a_build_that_depends_on_its_surroundings_is_found_out(
    run: Run, library: Library, expression: str, cause: str
) -> None:
    build_that_writes(library, expression)
    assert run("build", "--snapshot").code == 0
    ended = run("reproduce")
    assert ended.code == 7
    assert "tag.min.js: its bytes differ" in ended.out
    assert cause in ended.out
    assert "cannot be proved" in ended.err


def test_a_file_that_only_lies_in_the_working_copy_is_found_out(run: Run, library: Library) -> None:
    library.write(".gitignore", "dist/\nnode_modules/\nlocal.js\n")
    build_that_writes(library, "(open('local.js').read() if os.path.exists('local.js') else '1')")
    library.write("local.js", "2")
    assert run("build", "--snapshot").code == 0
    ended = run("reproduce", "--json")
    assert ended.code == 7
    assert json.loads(ended.out)["deviations"][0]["difference"]["offset"] == 8


def test_a_file_that_one_build_only_writes_is_named(run: Run, library: Library) -> None:
    build_that_writes(library, "'1'")
    library.write("build.py", (library.folder / "build.py").read_text() + "(out / (str(os.getpid()) + '.js')).touch()")
    library.write("build.py", (library.folder / "build.py").read_text().replace(".touch()", ".write_text('x')"))
    library.commit("build: another")
    assert run("build", "--snapshot").code == 0
    ended = run("reproduce")
    assert ended.code == 7
    assert "only the first build wrote it" in ended.out
    assert "only the second build wrote it" in ended.out


def test_without_a_build_there_is_nothing_to_reproduce(run: Run) -> None:
    ended = run("reproduce")
    assert ended.code == 5
    assert "first: release build" in ended.err


@pytest.mark.parametrize(("spoil", "code"), [("change", 7), ("remove", 5)])
def test_a_bundle_that_is_not_its_manifests_is_not_compared(run: Run, library: Library, spoil: str, code: int) -> None:
    assert run("build", "--snapshot").code == 0
    file = library.folder / "dist" / "tag.min.js"
    file.write_text("evil()") if spoil == "change" else file.unlink()
    ended = run("reproduce")
    assert ended.code == code
    assert "tag.min.js" in ended.err


def test_a_commit_that_is_not_there_is_an_error(run: Run, library: Library) -> None:
    assert run("build", "--snapshot").code == 0
    manifest = library.folder / "dist" / "manifest.json"
    head = library.git("rev-parse", "HEAD").strip()
    manifest.write_text(manifest.read_text().replace(head, "0" * 40))
    ended = run("reproduce")
    assert ended.code == 4
    assert "git checkout failed" in ended.err
