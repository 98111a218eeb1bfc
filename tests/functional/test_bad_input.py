"""Each bad input ends with one clear error, its own exit code, and nothing lost."""

import json
import os
from pathlib import Path

import pytest

from tests.functional.conftest import Run
from tests.functional.library import Library


def test_without_release_toml_it_says_how_to_get_one(run: Run, library: Library) -> None:
    (library.folder / "release.toml").unlink()
    ended = run("build")
    assert ended.code == 3
    assert "there is no release.toml" in ended.err
    assert "'release init' writes one" in ended.err


def test_all_problems_of_release_toml_are_said_at_once_with_their_lines(run: Run, library: Library) -> None:
    text = (library.folder / "release.toml").read_text()
    library.write("release.toml", text.replace("[site]\nbucket", "[site]\nbuckt").replace("https://", "http://"))
    ended = run("config", "check")
    assert ended.code == 3
    assert "release.toml:5: site.buckt: unknown name; did you mean 'bucket'?" in ended.err
    assert "site.bucket: is missing" in ended.err


def test_a_broken_toml_names_the_line(run: Run, library: Library) -> None:
    library.write("release.toml", "[library\n")
    ended = run("config", "check")
    assert ended.code == 3
    assert "line 1" in ended.err


def test_a_commit_without_a_tag_is_not_built(run: Run) -> None:
    ended = run("build")
    assert ended.code == 4
    assert "has no version tag" in ended.err


def test_of_several_version_tags_one_must_be_chosen(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    library.git("tag", "v1.0.1")
    ended = run("build")
    assert ended.code == 4
    assert "has 2 version tags: v1.0.0, v1.0.1" in ended.err
    assert run("build", "--tag", "v1.0.0").code == 0


@pytest.mark.parametrize("tag", ["v1.0", "v01.0.0", "1.0.0", "v1.0.0;rm -rf /", "--upload-pack=x", "v1.0.0+build"])
def test_a_malformed_or_hostile_tag_is_refused(run: Run, tag: str) -> None:
    ended = run("build", f"--tag={tag}")
    assert ended.code == 4
    assert ended.out == ""


def test_a_dirty_tree_is_not_built(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    library.write("src/tag.js", "window.tag = 2;\n")
    ended = run("build")
    assert ended.code == 4
    assert "the working tree has changes: 'src/tag.js'" in ended.err


def test_a_shallow_clone_is_refused_with_the_setting_to_change(run: Run, library: Library, tmp_path: Path) -> None:
    library.commit("feat: second")
    library.git("tag", "v1.0.0")
    library.git("clone", "--quiet", "--depth", "1", f"file://{library.folder}", str(tmp_path / "shallow"))
    ended = run("build", "--config", str(tmp_path / "shallow" / "release.toml"))
    assert ended.code == 4
    assert "GIT_DEPTH" in ended.err


def test_a_tag_that_is_not_the_version_of_package_json_is_refused(run: Run, library: Library) -> None:
    library.git("tag", "v1.2.0")
    ended = run("build")
    assert ended.code == 4
    assert "tag 'v1.2.0' is of 1.2.0, but package.json says '1.0.0'" in ended.err


def test_a_tag_beside_the_protected_branch_is_refused(run: Run, library: Library) -> None:
    library.git("checkout", "--quiet", "-b", "feature")
    library.release("1.1.0", "window.tag = 2;\n")
    ended = run("build")
    assert ended.code == 4
    assert "is not on the protected branch 'main'" in ended.err


def test_without_a_lock_file_nothing_is_built(run: Run, library: Library) -> None:
    (library.folder / "package-lock.json").unlink()
    library.commit("chore: unlock")
    library.git("tag", "v1.0.0")
    ended = run("build")
    assert ended.code == 6
    assert "package-lock.json does not exist" in ended.err


BUILDS = {
    "fails": ("import sys; print('boom'); sys.exit(3)", "the build ended with 3"),
    "writes nothing": ("pass", "the build wrote nothing to dist/"),
    "writes elsewhere": ("open('other.txt', 'w').write('x')", "the build wrote outside dist/: other.txt"),
    "writes a link": (
        "import os; os.makedirs('dist'); os.symlink('/etc/passwd', 'dist/tag.min.js')",
        "tag.min.js is a symbolic link",
    ),
    "links its folder": ("import os; os.symlink('src', 'dist')", "dist is a symbolic link"),
    "writes an empty file": (
        "import os; os.makedirs('dist'); open('dist/tag.min.js', 'w')",
        "tag.min.js is empty",
    ),
    "writes a huge file": (
        "import os; os.makedirs('dist'); open('dist/tag.min.js', 'wb').truncate(100_000_000)",
        "tag.min.js is larger than 33,554,432 bytes",
    ),
    "writes an odd name": (
        "import os; os.makedirs('dist'); open('dist/a b.js', 'w').write('x')",
        "dist/ has a file whose name cannot be part of a URL: 'a b.js'",
    ),
    "forgets the entry": (
        "import os; os.makedirs('dist'); open('dist/other.js', 'w').write('x')",
        "the build did not write tag.min.js",
    ),
}


@pytest.mark.parametrize("case", BUILDS)
def test_a_build_that_is_of_no_use_leaves_no_manifest(run: Run, library: Library, case: str) -> None:
    script, message = BUILDS[case]
    library.write("build.py", script)
    library.commit("build: another")
    library.git("tag", "v1.0.0")
    ended = run("build")
    assert ended.code == 6
    assert message in ended.err
    assert not (library.folder / "dist" / "manifest.json").exists()


@pytest.mark.parametrize("output", ["src", "node_modules", "node_modules/x"])
def test_an_output_folder_that_holds_sources_is_refused_before_it_is_emptied(
    run: Run, library: Library, output: str
) -> None:
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml.replace("[build]", f'[build]\noutput = "{output}"\ninput = "src/tag.js"'))
    ended = run("build", "--snapshot")
    assert ended.code == 3
    assert "build.output: holds " in ended.err
    assert (library.folder / "src" / "tag.js").exists()


def test_an_output_folder_behind_a_link_is_refused_and_what_is_there_stays(
    run: Run, library: Library, tmp_path: Path
) -> None:
    (tmp_path / "victim" / "out").mkdir(parents=True)
    (tmp_path / "victim" / "out" / "precious").touch()
    (library.folder / "link").symlink_to(tmp_path / "victim")
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml.replace("[build]", '[build]\noutput = "link/out"'))
    ended = run("build", "--snapshot")
    assert ended.code == 6
    assert "link on the way to out is a symbolic link" in ended.err
    assert (tmp_path / "victim" / "out" / "precious").exists()


def test_what_a_stage_leaves_is_not_read_or_written_through_a_link(run: Run, library: Library, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (library.folder / ".release").symlink_to(tmp_path / "elsewhere")
    ended = run("verify", "latest")
    assert ended.code == 6
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_output_of_a_failed_build_is_shown(run: Run, library: Library) -> None:
    library.write("build.py", BUILDS["fails"][0])
    library.commit("build: another")
    library.git("tag", "v1.0.0")
    assert "  | boom" in run("build").err


def test_a_build_that_never_ends_is_stopped(run: Run, library: Library) -> None:
    library.write("build.py", "import time; time.sleep(60)")
    text = (library.folder / "release.toml").read_text()
    library.write("release.toml", text.replace("install = []", "install = []\ntimeout-seconds = 1"))
    library.commit("build: another")
    library.git("tag", "v1.0.0")
    ended = run("build")
    assert ended.code == 6
    assert "ran longer than 1 s and was stopped" in ended.err


def test_the_build_sees_no_secret_of_this_process(run: Run, library: Library) -> None:
    library.write(
        "build.py", "import os; os.makedirs('dist'); open('dist/tag.min.js','w').write(repr(dict(os.environ)))"
    )
    library.commit("build: another")
    library.git("tag", "v1.0.0")
    names = ("AWS_SECRET_ACCESS_KEY", "CI_JOB_TOKEN", "NPM_TOKEN", "MY_SETTING")
    assert run("build", **dict.fromkeys(names, "canary-41c7")).code == 0
    seen = (library.folder / "dist" / "tag.min.js").read_text()
    assert "canary-41c7" not in seen
    assert "'SOURCE_DATE_EPOCH'" in seen
    assert f"'HOME': '{os.environ['HOME']}'" not in seen


def test_two_builds_of_one_commit_have_one_digest(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    first = json.loads(run("build", "--json").out)
    second = json.loads(run("build", "--json").out)
    assert first == second
    assert first["manifest"]["source"]["tag"] == "v1.0.0"


def test_source_maps_are_not_published_unless_asked_for(run: Run, library: Library) -> None:
    library.write(
        "build.py", "import os; os.makedirs('dist')\nfor n in ('', '.map'):\n open('dist/tag.min.js'+n,'w').write('x')"
    )
    library.commit("build: another")
    library.git("tag", "v1.0.0")
    paths = [a["path"] for a in json.loads(run("build", "--json").out)["manifest"]["artifacts"]]
    assert paths == ["tag.min.js"]


def test_publishing_without_a_build_is_no_success(run: Run) -> None:
    ended = run("publish")
    assert ended.code == 5
    assert "nothing was built" in ended.err


def test_publishing_without_a_key_names_the_variables(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    assert run("build").code == 0
    ended = run("publish")
    assert ended.code == 8
    assert "AWS_ACCESS_KEY_ID" in ended.err


def test_a_snapshot_cannot_be_published(run: Run) -> None:
    assert run("build", "--snapshot").code == 0
    ended = run("publish")
    assert ended.code == 4
    assert "is a snapshot" in ended.err


def test_a_file_changed_after_the_build_is_not_published(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    assert run("build").code == 0
    library.write("dist/tag.min.js", "window.tag = 'X';")
    ended = run("publish")
    assert ended.code == 7
    assert "dist/tag.min.js is not the file that was built" in ended.err


def test_a_tag_that_moved_since_the_build_is_not_published(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    assert run("build").code == 0
    library.commit("fix: later")
    library.git("tag", "--force", "v1.0.0")
    ended = run("publish")
    assert ended.code == 4
    assert "was moved since the build" in ended.err


def test_a_plain_http_endpoint_is_refused(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    assert run("build").code == 0
    ended = run(
        "publish",
        AWS_ENDPOINT_URL="http://s3.example.com",
        AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
        AWS_SECRET_ACCESS_KEY="canary-9f31",
    )
    assert ended.code == 3
    assert "s3.example.com" in ended.err
    assert "canary-9f31" not in ended.err


def test_json_gives_the_error_to_machines_too(run: Run) -> None:
    ended = run("publish", "--json")
    assert ended.out == ""
    error = json.loads(ended.err.strip().splitlines()[-1])
    assert (error["error"], error["exitCode"]) == ("NothingToDoError", 5)
