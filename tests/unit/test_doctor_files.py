"""What a working copy and a job show of a project: the pipeline file, owners, tags, variables."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from release.core.config import Config
from release.core.doctor.ci_file import FILE, read_ci_file
from release.core.doctor.finding import Finding, advice
from release.core.doctor.job import about_job
from release.errors import FormatError
from release.stages.doctor import Patient, run
from tests.fakes import examples
from tests.fakes.folder import InMemoryFolder

SHA = "787123b47f14b552955ca2786bc9542ae66fee5b"
DIGEST = "registry.acme.test/release@sha256:" + "0" * 64
OWNERS = "[Release]\n/.gitlab-ci.yml @acme/release\n/release.toml @acme/release # reviewed\n"
CHANGELOG = "# Changelog\n\n## [1.1.0] - 2026-11-24\n\n- a feature\n"
LIBRARY = {"tags": {"v1.1.0": "a" * 40, "v1.0.0": "b" * 40, "other-v9.0.0": "c" * 40, "v2": "d" * 40}}


def include(file: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any keyword of an include
    inputs = {"library": "tag", "image": DIGEST}
    return {"project": "tools/release", "ref": SHA, "file": f"/pipelines/{file}.yml", "inputs": inputs} | more


def release(**inputs: object) -> dict[str, Any]:
    given = {"library": "tag", "image": DIGEST, "build-image": DIGEST, "runner-tags": ["protected"]}
    return include("release", inputs=given | inputs)


def ci(*includes: dict[str, Any] | str, **jobs: object) -> bytes:
    every = includes or (release(), include("audit"), include("watch"), include("rotate"))
    return yaml.safe_dump({"include": list(every), **jobs}).encode()


def look(
    body: bytes | None = None,
    *,
    config: Config | None = None,
    files: Mapping[str, bytes] | None = None,
    folder: str = "",
    **changes: Any,  # noqa: ANN401 - any field
) -> list[Finding]:
    there = {FILE: ci() if body is None else body, "CODEOWNERS": OWNERS.encode(), "CHANGELOG.md": CHANGELOG.encode()}
    filled = examples.config(site={"url": "https://cdn.acme.test"}, distribution={"id": "E1ACMEACMEACME"})
    whole: dict[str, Any] = {
        "config": config or filled,
        "root": InMemoryFolder({**there, **(files or {})}),
        "folder": folder,
        "tags": LIBRARY["tags"],
        "environment": {},
        "project": advice("project", "GitLab was not asked", "why", "mend"),
    }
    return list(run(Patient(**(whole | changes))))


def bad(*arguments: Any, **more: Any) -> dict[str, str]:  # noqa: ANN401 - as `look`
    found: dict[str, str] = {f.check: f.level for f in look(*arguments, **more) if f.level != "ok"}
    assert found.pop("project") == "advice"
    return found


def test_a_repository_that_is_ready_has_nothing_to_mend() -> None:
    assert bad() == {}


def test_examples_that_were_left_in_release_toml_are_said() -> None:
    assert bad(config=examples.config()) == {"release.toml": "missing"}


# The pipeline file.


def test_a_library_without_a_pipeline_file_or_the_include_releases_nothing() -> None:
    assert "include" in {f.check for f in look(files={FILE: b"{}"}) if f.level == "missing"}
    gone = InMemoryFolder({"CODEOWNERS": OWNERS.encode(), "CHANGELOG.md": CHANGELOG.encode()})
    assert bad(root=gone) == {"include": "missing"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[]", "has no jobs"),
        (b"", "has no jobs"),
        (b"a: [", "is not YAML, line 1"),
        (b"a: b: c", "is not YAML, line 1"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"- " * 100_000, "is not YAML"),
        (b"a: \x00", "is not YAML"),
        (b"#" * 600_000, "is larger than"),
        (b"a: &a {x: 1}\nb: {<<: [*a, *a]}\n", ""),
    ],
    ids=range(9),
)
def test_a_file_that_cannot_be_read_is_unknown(body: bytes, why: str) -> None:
    found = [f for f in look(body) if f.check == "include"]
    assert found[0].level == ("unknown" if why else "missing")
    assert why in found[0].why


def test_aliases_cannot_make_it_endless() -> None:
    merges = ["l0: &l0 {a: 1, b: 2}"] + [f"l{n}: &l{n}\n  <<: [*l{n - 1}, *l{n - 1}]" for n in range(1, 60)]
    assert read_ci_file("\n".join(merges).encode()).jobs == ()
    lists = ["l0: &l0 [a, a]"] + [f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 60)]
    tail = "\ninclude: {project: *l59, file: *l59, ref: *l59, inputs: *l59}\njob: {script: *l59, rules: *l59}\n"
    assert [job.name for job in read_ci_file(("\n".join(lists) + tail).encode()).jobs] == ["job"]


def test_a_file_that_was_not_bounded_before_is_bounded_here() -> None:
    with pytest.raises(FormatError, match="has 600,000 bytes"):
        read_ci_file(b"#" * 600_000)


def test_gitlabs_own_tags_and_a_header_are_no_obstacle() -> None:
    text = "spec:\n  inputs: {a: {}}\n---\ninclude: /ci/a.yml\njob:\n  script: [!reference [.a, script], make]\n"
    found = read_ci_file(text.encode())
    assert ([i.file for i in found.includes], [job.name for job in found.jobs]) == (["/ci/a.yml"], ["job"])


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({}, "ok"),
        ({"ref": "v1.2.3"}, "advice"),
        ({"ref": "main"}, "missing"),
        ({"ref": None}, "missing"),
        ({"ref": SHA[:12]}, "missing"),
    ],
)
def test_code_that_runs_with_keys_is_pinned_to_what_was_reviewed(change: dict[str, Any], level: str) -> None:
    whole = [release() | change, include("audit"), include("watch"), include("rotate")]
    assert {f.level for f in look(ci(*whole)) if f.check == "pin of release"} == {level}


@pytest.mark.parametrize(
    ("how", "level"),
    [
        ({"local": "/pipelines/release.yml"}, "ok"),
        ({"remote": "https://example.com/pipelines/release.yml"}, "missing"),
        ({"component": f"gitlab.example.com/tools/release/release@{SHA}"}, "ok"),
        ({"component": "gitlab.example.com/tools/release/release@1.2.3"}, "advice"),
        ({"component": "gitlab.example.com/tools/release/release@~latest"}, "missing"),
    ],
)
def test_each_way_to_include_it_is_known(how: dict[str, str], level: str) -> None:
    inputs = {"inputs": release()["inputs"]}
    found = look(ci(how | inputs, include("audit"), include("watch"), include("rotate")))
    assert {f.level for f in found if f.check == "include"} == {"ok"}
    assert {f.level for f in found if f.check == "pin of release"} == {level}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"library": "other"}, {"inputs of release": "missing"}),
        ({"image": "python:3.13"}, {"image of release": "advice"}),
        ({"output": "build"}, {"inputs of release": "missing"}),
        ({"folder": "packages/tag/"}, {"inputs of release": "missing"}),
        ({"tags": "/^tag-v[0-9]/"}, {"tags": "missing"}),
        ({"tags": "/^v(/"}, {"tags": "missing"}),
        ({"tags": "v1"}, {"tags": "missing"}),
        ({"tags": "/^v\\d/"}, {}),
    ],
)
def test_inputs_say_what_release_toml_says(inputs: dict[str, str], expected: dict[str, str]) -> None:
    assert bad(ci(release(**inputs), include("audit"), include("watch"), include("rotate"))) == expected


def test_runners_are_named_by_the_include_or_for_all_jobs() -> None:
    rest = [include("audit"), include("watch"), include("rotate")]
    nobody = release() | {"inputs": {k: v for k, v in release()["inputs"].items() if k != "runner-tags"}}
    assert bad(ci(nobody, *rest)) == {"runners": "advice"}
    assert bad(ci(nobody, *rest, default={"tags": ["protected"]})) == {}


def test_a_library_in_a_folder_is_included_with_it_and_another_one_beside_it_is_not_meant() -> None:
    files = {"packages/tag/CHANGELOG.md": CHANGELOG.encode()}
    two = [release(folder="packages/tag/"), release(library="other", folder="packages/other/")]
    rest = [include("audit"), include("watch"), include("rotate")]
    for order in (two, two[::-1]):
        assert bad(ci(*order, *rest), folder="packages/tag/", files=files) == {}


def test_releases_that_need_approval_wait_for_it() -> None:
    needed = examples.config(
        approvals={"required": True}, site={"url": "https://cdn.acme.test"}, distribution={"id": "E1ACMEACMEACME"}
    )
    assert bad(config=needed) == {"authorize": "advice"}
    asking = ci(release(authorize="manual"), include("audit"), include("watch"), include("rotate"))
    assert bad(asking, config=needed) == {}


def test_what_nobody_watches_is_said() -> None:
    assert bad(ci(release())) == {"audit": "advice", "watch": "advice", "rotate": "advice"}
    gitlab = {"url": "https://gitlab.example.com", "project": "acme/tag"}
    roles = examples.config(
        keys={"gitlab": gitlab}, site={"url": "https://cdn.acme.test"}, distribution={"id": "E1ACMEACMEACME"}
    )
    assert bad(ci(release()), config=roles) == {"audit": "advice", "watch": "advice"}


NEVER = {"when": "never"}
AWAY = [
    {"if": f"${name}", **NEVER} for name in ("ROLLBACK_CHANNEL", "RELEASE_WATCH", "RELEASE_AUDIT", "RELEASE_ROTATE")
]


@pytest.mark.parametrize(
    ("job", "along"),
    [
        ({"script": ["make"]}, True),
        ({"script": ["make"], "rules": [{"when": "on_success"}]}, True),
        ({"script": ["make"], "rules": [*AWAY, {"when": "on_success"}]}, False),
        ({"script": ["make"], "rules": [{"when": "on_success"}, *AWAY]}, True),
        ({"script": ["make"], "rules": [AWAY[0], {"when": "on_success"}]}, True),
        ({"script": ["make"], "rules": [{"if": "$CI_COMMIT_TAG", **NEVER}, *AWAY[1:], {}]}, False),
        (
            {
                "script": ["make"],
                "rules": [AWAY[0], {"if": '$CI_PIPELINE_SOURCE == "schedule"', **NEVER}, {"when": "always"}],
            },
            False,
        ),
        ({"script": ["make"], "rules": [{"if": "$CI_MERGE_REQUEST_ID"}]}, False),
        ({"script": ["make"], "only": ["main"]}, False),
        ({"artifacts": {"paths": ["a"]}}, False),
        ({"extends": ".away", "script": ["make"]}, False),
    ],
)
def test_jobs_that_would_run_along_with_a_rollback_or_a_check_are_named(job: dict[str, Any], along: bool) -> None:
    body = ci(**{"unit test": job, ".away": {"rules": [*AWAY, {"when": "on_success"}]}})
    found = [f for f in look(body) if f.check == "jobs that run along"]
    assert bool(found) is along
    assert all("unit test" in f.what for f in found)


def test_a_workflow_that_ends_those_pipelines_keeps_all_jobs_away() -> None:
    assert bad(ci(job={"script": ["make"]}, workflow={"rules": [*AWAY, {"when": "always"}]})) == {}


# Owners, tags, the changelog.


@pytest.mark.parametrize(
    ("owners", "level"),
    [
        (OWNERS, "ok"),
        ("* @acme/all\n", "ok"),
        ("*.yml @a\n*.toml @b\n", "ok"),
        ("# /.gitlab-ci.yml @a\n", "advice"),
        ("/.gitlab-ci.yml @a\n", "advice"),
        ("/.gitlab-ci.yml\n/release.toml\n", "advice"),
        ("^[optional]\n\n", "advice"),
    ],
)
def test_somebody_owns_what_runs_with_keys(owners: str, level: str) -> None:
    found = look(files={"CODEOWNERS": owners.encode()})
    assert {f.level for f in found if f.check == "CODEOWNERS"} == {level}


def test_the_newest_tag_has_its_section() -> None:
    assert bad(files={"CHANGELOG.md": b"# Changelog\n"}) == {"changelog": "advice"}
    assert bad(files={"CHANGELOG.md": b"## [1.1.0]\n\n## [1.1.0]\n"}) == {"changelog": "missing"}
    assert bad(tags={}) == {}
    assert bad(tags="history is cut off, tags too") == {"changelog": "unknown"}


# A job.


JOB = {"GITLAB_CI": "true", "CI_COMMIT_REF_NAME": "main", "CI_COMMIT_REF_PROTECTED": "true"}
JOB |= {"CI_DISPOSABLE_ENVIRONMENT": "true"}
SECRET = "canary-in-a-variable"


def in_job(**variables: str) -> dict[str, str]:
    found = list(about_job(examples.config(), JOB | variables))
    assert SECRET not in repr(found)
    return {f.check: f.level for f in found if f.level != "ok"}


def test_a_job_that_is_kept_apart_has_nothing_to_mend() -> None:
    assert in_job() == {}
    assert list(about_job(examples.config(), {"AWS_ACCESS_KEY_ID": SECRET})) == []


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_ACCESS_KEY_ID": SECRET}, True),
        ({"AWS_ROLE_ARN": f"arn:aws:iam::123456789012:role/{SECRET}"}, True),
        ({"RELEASE_LOG_KEY": SECRET}, True),
        ({"CI_ENVIRONMENT_NAME": "release/audit", "AWS_ROLE_ARN": "arn:aws:iam::1:role/release/tag/tag-audit"}, False),
        ({"CI_ENVIRONMENT_NAME": "release/audit", "AWS_ROLE_ARN": "arn:aws:iam::1:role/release/tag/tag-record"}, True),
        ({"CI_ENVIRONMENT_NAME": "release/audit", "RELEASE_LOG_KEY_FILE": SECRET}, True),
        ({"CI_ENVIRONMENT_NAME": "release/record", "RELEASE_LOG_KEY_FILE": SECRET}, False),
        ({"CI_ENVIRONMENT_NAME": "release/audit", "MY_AWS_SECRET_ACCESS_KEY": SECRET}, True),
        ({"CI_ENVIRONMENT_NAME": "production", "AWS_ACCESS_KEY_ID": SECRET}, True),
    ],
)
def test_a_key_in_a_job_that_is_not_its_stage_s_is_named_and_not_shown(variables: dict[str, str], seen: bool) -> None:
    assert in_job(**variables) == ({"keys in this job": "missing"} if seen else {})


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CI_COMMIT_REF_PROTECTED": "false"}, {"protected ref": "advice"}),
        ({"CI_COMMIT_REF_PROTECTED": ""}, {"protected ref": "unknown"}),
        ({"CI_DEBUG_TRACE": "true"}, {"debug trace": "missing"}),
        ({"CI_DEBUG_TRACE": "false"}, {}),
        ({"CI_SHARED_ENVIRONMENT": "true"}, {"runner": "advice"}),
        ({"CI_DISPOSABLE_ENVIRONMENT": ""}, {"runner": "advice"}),
    ],
)
def test_what_the_runner_says_is_judged(variables: dict[str, str], expected: dict[str, str]) -> None:
    assert in_job(**variables) == expected
