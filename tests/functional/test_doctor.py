"""`release doctor` through the command line: a checkout, a job, and a GitLab that answers as documented."""

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.fakes import ready_project
from tests.fakes.gitlab_project import TOKEN, Project
from tests.fakes.web_server import serving
from tests.functional.conftest import Ended, Run
from tests.functional.library import Library

DIGEST = "registry.acme.test/release@sha256:" + "0" * 64


@pytest.fixture
def project(library: Library) -> Iterator[Project]:
    """Give a library's repository that is ready, and its project."""
    with serving(Project()) as server:
        server.answers = ready_project.answers()
        for one in ready_project.variables():
            server.variables[one["key"], one["environment_scope"]] = one
        toml = (library.folder / "release.toml").read_text().replace("cdn.example.com", "cdn.acme.test")
        toml = toml.replace("E2EXAMPLE12345", "E1ACMEACMEACME").replace("required = false", "required = true")
        keys = f'\n[keys.gitlab]\nurl = "{server.url}"\nproject = "acme/tag"\nsubject = {list(ready_project.SUBJECT)}\n'
        library.write("release.toml", toml + keys)
        inputs = {"library": "tag", "image": DIGEST, "build-image": DIGEST, "authorize": "manual"}
        common = {"project": "tools/release", "ref": "7" * 40, "inputs": inputs | {"runner-tags": ["protected"]}}
        files = [f"/pipelines/{name}.yml" for name in ("release", "audit", "watch")]
        library.write(".gitlab-ci.yml", yaml.safe_dump({"include": [common | {"file": file} for file in files]}))
        library.write("CODEOWNERS", "/.gitlab-ci.yml @acme/release\n/release.toml @acme/release\n")
        library.commit("chore: set up releases")
        yield server


def levels(ended: Ended) -> dict[str, str]:
    return {f["check"]: f["level"] for f in json.loads(ended.out)["findings"] if f["level"] != "ok"}


def test_a_project_that_is_ready_ends_well_and_is_only_read(run: Run, project: Project) -> None:
    ended = run("doctor", "--strict", RELEASE_GITLAB_TOKEN=TOKEN)
    assert (ended.code, ended.err) == (0, ""), ended
    assert "ok       protected tags: all tags v* are protected\n" in ended.out
    assert {one.split()[0] for one in project.asked} == {"GET"}


def test_without_a_token_it_says_what_it_did_not_look_at(run: Run, project: Project) -> None:
    ended = run("doctor", "--json")
    assert (ended.code, levels(ended)) == (0, {"project": "advice"})
    assert run("doctor", "--strict").code == 15
    assert project.asked == []


def test_what_is_missing_comes_first_and_says_how_to_mend_it(run: Run, project: Project) -> None:
    project.answers["/protected_tags"] = []
    ended = run("doctor", RELEASE_GITLAB_TOKEN=TOKEN)
    assert ended.code == 15
    assert ended.out.splitlines()[:3] == [
        "MISSING  protected tags: a tag such as v0.0.1 is not protected",
        "           why:  release jobs do not start on it, and whoever may push can move or delete it",
        "           mend: Settings > Repository > Protected tags: protect v*, allowed to create: those who may release",
    ]
    assert "1 missing" in ended.err


def test_what_cannot_be_told_is_a_failure_of_its_own(run: Run, project: Project) -> None:
    project.bad_at = {"/variables": (403, {}, b"{}")}
    ended = run("doctor", "--json", RELEASE_GITLAB_TOKEN=TOKEN)
    assert (ended.code, levels(ended)) == (11, {"variables": "unknown"})
    project.bad_at = {}
    refused = run("doctor", "--json", RELEASE_GITLAB_TOKEN="glpat-wrong")
    assert refused.code == 11
    assert "glpat-wrong" not in refused.out + refused.err
    odd = run("doctor", "--json", RELEASE_GITLAB_TOKEN="two\nlines")
    assert levels(odd) == {"project": "unknown"}


def test_a_token_goes_only_where_release_toml_says(run: Run, library: Library, project: Project) -> None:
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml.partition("\n[keys.gitlab]")[0])
    job = {"CI_API_V4_URL": f"{project.url}/api/v4", "CI_PROJECT_ID": "42"}
    ended = run("doctor", "--json", RELEASE_GITLAB_TOKEN=TOKEN, **job)
    assert levels(ended)["project"] == "unknown"
    assert project.asked == []


def test_a_job_with_a_key_is_told_by_name_only(run: Run, project: Project) -> None:
    job = {"GITLAB_CI": "true", "CI_COMMIT_REF_PROTECTED": "true", "CI_DISPOSABLE_ENVIRONMENT": "true"}
    ended = run("doctor", **job, AWS_SECRET_ACCESS_KEY="canary/in+the+job", RELEASE_GITLAB_TOKEN=TOKEN)
    assert ended.code == 15
    assert "AWS_SECRET_ACCESS_KEY is set" in ended.out
    assert "canary" not in ended.out + ended.err
    assert project.asked


def test_a_release_toml_that_is_wrong_is_a_finding_too(run: Run, library: Library) -> None:
    library.write("release.toml", "[library]\n")
    ended = run("doctor", "--json")
    assert (ended.code, levels(ended)) == (15, {"release.toml": "missing"})


def test_a_folder_without_git_and_a_library_below_the_top_are_looked_at(run: Run, library: Library) -> None:
    bare = library.folder.parent / "bare"
    bare.mkdir()
    (bare / "release.toml").write_bytes((library.folder / "release.toml").read_bytes())
    assert levels(run("doctor", "--json", "--config", str(bare / "release.toml")))["changelog"] == "unknown"
    library.write("packages/tag/release.toml", (bare / "release.toml").read_text())
    library.write(".gitlab-ci.yml", "include:\n  - local: /pipelines/release.yml\n    inputs: {library: tag}\n")
    below = run("doctor", "--json", "--config", "packages/tag/release.toml")
    told = [f["what"] for f in json.loads(below.out)["findings"] if f["check"] == "inputs of release"]
    assert told == ["folder is '', it must be 'packages/tag/'"]
