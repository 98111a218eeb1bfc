"""The GitLab templates: accepted by GitLab's schema, one key a job, and every command is one that we have."""

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from release.adapters import aws_credentials
from release.cli import main
from release.errors import ConfigError, CredentialError
from tests.fakes.gitlab import Config, configuration, documents, inputs_used, jobs, lines, needs, started

ROOT: Final = Path(__file__).parents[2]
OWN: Final = ".gitlab-ci.yml"
RELEASE: Final = "pipelines/release.yml"
TEMPLATES: Final = sorted((ROOT / "pipelines").glob("*.yml"))
INPUTS: Final = {
    "library": "tag",
    "image": "registry.example.com/release@sha256:0",
    "build-image": "registry.example.com/release-node@sha256:0",
    "folder": "packages/tag/",
}
KEYED: Final = {
    "release:publish": "publish",
    "release:record": "record",
    "release:authorize": "record",
    "release:promote": "promote",
    "release:invalidate": "invalidate",
    "release:outcome": "record",
    "rollback:record": "record",
    "rollback:promote": "promote",
    "rollback:invalidate": "invalidate",
    "rollback:outcome": "record",
}
KEYLESS: Final = ("release:build", "release:check", "release:verify", "rollback:verify")
TAG: Final = {"CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "push"}
ROLLBACK: Final = TAG | {"CI_PIPELINE_SOURCE": "api", "ROLLBACK_CHANNEL": "latest", "ROLLBACK_REASON": "broken"}


@pytest.fixture(scope="module")
def config() -> Config:
    return configuration(ROOT, RELEASE, INPUTS)


@pytest.fixture(scope="module")
def pipeline(config: Config) -> dict[str, Config]:
    return jobs(config)


# GitLab's schema


def schema_errors(*files: Path) -> str:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", *map(str, files)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    return finished.stdout + finished.stderr if finished.returncode else ""


def test_gitlabs_schema_accepts_every_header_and_body_and_the_whole_pipelines(tmp_path: Path) -> None:
    whole = {
        "release": configuration(ROOT, RELEASE, INPUTS),
        "own": configuration(ROOT, OWN, {}),
    }
    parts = whole | {f"jobs of {name}": jobs(config) for name, config in whole.items()}
    for file in (*TEMPLATES, ROOT / OWN):
        header, body = documents(file)
        parts |= {f"{file.stem} header": {"spec": header}, f"{file.stem} body": body}
    for name, part in parts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")
    assert schema_errors(*tmp_path.iterdir()) == ""


@pytest.mark.parametrize("mistake", [{"interruptable": True}, {"id_tokens": {"A": {}}}, {"environment": {"nam": "a"}}])
def test_gitlabs_schema_would_refuse_a_mistyped_keyword(tmp_path: Path, mistake: Config) -> None:
    file = tmp_path / "ci.json"
    file.write_text(json.dumps({"job": {"script": ["make"], **mistake}}), encoding="utf-8")
    assert "ci.json" in schema_errors(file)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_every_input_says_what_it_is_and_is_used(file: Path) -> None:
    header, body = documents(file)
    assert inputs_used(body) == set(header["inputs"])
    assert all(spec["description"] for spec in header["inputs"].values())


@pytest.mark.parametrize("folder", ["packages/tag", "../", "a b/", '"; make evil; "/', "$HOME/", "`id`/", "/"])
def test_an_input_cannot_break_out_of_the_quotes_of_a_script(folder: str) -> None:
    with pytest.raises(ValueError, match="folder may not be"):
        configuration(ROOT, RELEASE, INPUTS | {"folder": folder})


@pytest.mark.parametrize("channels", ["-x", "latest --version=1", "latest;id", " latest", "$X", "v1  latest"])
def test_a_list_of_channels_cannot_be_an_option_or_a_command(channels: str) -> None:
    with pytest.raises(ValueError, match="channels may not be"):
        configuration(ROOT, RELEASE, INPUTS | {"channels": channels})


SHAPES: Final[Sequence[Mapping[str, object]]] = (
    {"folder": "", "runner-tags": [], "setup": [], "build-setup": []},
    {"folder": "packages/tag/", "runner-tags": ["protected", "docker"], "setup": ["pip install release"]}
    | {"build-setup": ["apt-get update", "pip install release"]},
)
CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "channels": ("", "v1 latest"),
    "authorize": ("on_success", "manual"),
    "promote": ("manual", "on_success"),
}


def test_every_template_is_accepted_with_every_combination_of_its_inputs(tmp_path: Path) -> None:
    for file in TEMPLATES:
        inputs = documents(file)[0]["inputs"]
        chosen = [name for name in CHOICES if name in inputs]
        combinations = itertools.product(range(len(SHAPES)), itertools.product(*(CHOICES[name] for name in chosen)))
        for place, (shape, values) in enumerate(combinations):
            whole: Config = {**INPUTS, "log": "https://log.example.com/tag", "ring": "canary", **SHAPES[shape]}
            whole |= zip(chosen, values, strict=True)
            given = {name: value for name, value in whole.items() if name in inputs}
            config = configuration(ROOT, f"pipelines/{file.name}", given)
            (tmp_path / f"{file.stem}-{place}.json").write_text(json.dumps(config), encoding="utf-8")
            assert "$[[" not in json.dumps(config)
            if file.name == "release.yml":
                found = started(jobs(config), TAG)
                assert found["release:promote"] == whole["promote"]
                assert found["release:authorize"] == whole["authorize"]
    assert schema_errors(*tmp_path.iterdir()) == ""


def test_other_templates_beside_it_leave_the_named_channels_as_they_are(tmp_path: Path) -> None:
    config = configuration(ROOT, RELEASE, INPUTS | {"channels": "v1"})
    config |= configuration(ROOT, "pipelines/rotate.yml", {"library": "tag", "image": "i", "folder": "packages/tag/"})
    (call,) = calls(jobs(config)["release:authorize"], tmp_path, TAG)
    assert call.arguments == ["record", "promote", "v1", *WITH_FILE]


def test_the_named_channels_are_promoted_and_the_named_runners_run(tmp_path: Path) -> None:
    found = jobs(configuration(ROOT, RELEASE, INPUTS | {"channels": "v1 latest", "runner-tags": ["protected"]}))
    (call,) = calls(found["release:authorize"], tmp_path, TAG)
    assert call.arguments == ["record", "promote", "v1", "latest", *WITH_FILE]
    assert {tuple(job["tags"]) for job in found.values()} == {("protected",)}


def test_the_catalogs_project_has_each_template_with_jobs_as_a_component_and_includes_the_same(tmp_path: Path) -> None:
    made = tmp_path / "catalog"
    subprocess.run(["sh", str(ROOT / ".ci/catalog"), str(made)], check=True)
    components = {file.stem for file in (made / "templates").iterdir()}
    assert {"release", "rollback", "audit", "rotate", "watch", "witness"} <= components
    assert not {"common", "build", "check", "publish", "record", "promote", "invalidate", "verify"} & components
    assert configuration(made, "templates/release.yml", INPUTS) == configuration(ROOT, RELEASE, INPUTS)
    assert schema_errors(made / ".gitlab-ci.yml") == ""


# One key a job


def test_every_job_either_has_a_key_or_none(pipeline: dict[str, Config]) -> None:
    assert set(pipeline) == {*KEYED, *KEYLESS}


@pytest.mark.parametrize(("name", "stage"), KEYED.items())
def test_a_keyed_job_has_its_own_stages_token_and_environment_only(
    pipeline: dict[str, Config], name: str, stage: str
) -> None:
    job = pipeline[name]
    assert job["id_tokens"] == {"RELEASE_ID_TOKEN": {"aud": f"release-{stage}"}}
    assert job["environment"]["name"] == f"release/{stage}"


@pytest.mark.parametrize("name", KEYLESS)
def test_a_keyless_job_has_no_token_and_no_environment(pipeline: dict[str, Config], name: str) -> None:
    assert not {"id_tokens", "environment", "secrets"} & set(pipeline[name])
    assert not [line for line in lines(pipeline[name]) if "AWS_" in line or "TOKEN" in line]


def test_keyed_jobs_of_one_library_never_run_together_and_are_never_cancelled(pipeline: dict[str, Config]) -> None:
    assert {pipeline[name]["resource_group"] for name in KEYED} == {"$CI_PROJECT_PATH_SLUG-tag"}
    assert {pipeline[name]["interruptible"] for name in KEYED} == {False}
    assert [name for name, job in pipeline.items() if job["interruptible"]] == ["release:build", "release:check"]


def test_no_job_takes_defaults_caches_or_variables_of_the_project(pipeline: dict[str, Config]) -> None:
    for name, job in pipeline.items():
        assert job["inherit"] == {"default": False, "variables": False}, name
        assert "cache" not in job, name
        assert job["variables"]["GIT_STRATEGY"] == "clone", name


def test_a_promotion_is_the_one_thing_that_counts_as_a_deployment(pipeline: dict[str, Config]) -> None:
    deploys = [name for name in KEYED if "action" not in pipeline[name]["environment"]]
    assert deploys == ["release:promote", "rollback:promote"]


def test_no_key_or_role_is_written_in_a_template() -> None:
    for file in (*TEMPLATES, ROOT / OWN):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"AKIA|arn:aws|SECRET_ACCESS_KEY|\beval\b", text), file.name


# Which pipelines there are


def test_a_protected_tag_releases_and_waits_for_a_person_before_the_promotion(pipeline: dict[str, Config]) -> None:
    found = started(pipeline, TAG)
    assert [name for name in found if name.startswith("rollback")] == []
    assert found == {
        "release:build": "on_success",
        "release:check": "on_success",
        "release:publish": "on_success",
        "release:record": "on_success",
        "release:authorize": "on_success",
        "release:promote": "manual",
        "release:invalidate": "on_success",
        "release:verify": "on_success",
        "release:outcome": "always",
    }
    assert pipeline["release:promote"]["allow_failure"] is False
    assert pipeline["release:authorize"]["allow_failure"] is False
    asking = jobs(configuration(ROOT, RELEASE, INPUTS | {"authorize": "manual"}))
    assert started(asking, TAG) == found | {"release:authorize": "manual"}
    assert started(asking, ROLLBACK) == started(pipeline, ROLLBACK)


@pytest.mark.parametrize(
    "variables",
    [
        {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "push"},
        {"CI_PIPELINE_SOURCE": "merge_request_event"},
        TAG | {"CI_COMMIT_REF_PROTECTED": "false"},
        TAG | {"CI_COMMIT_TAG": "tool-v1"},
        {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "api"}
        | {"ROLLBACK_CHANNEL": "latest"},
        ROLLBACK | {"CI_COMMIT_REF_PROTECTED": "false"},
        ROLLBACK | {"CI_PIPELINE_SOURCE": "push"},
        ROLLBACK | {"CI_PIPELINE_SOURCE": "schedule"},
        TAG | {"CI_PIPELINE_SOURCE": "schedule", "RELEASE_COLLECT": "1"},
    ],
    ids=[
        *("branch", "merge request", "unprotected tag", "foreign tag"),
        *("rollback on a branch", "rollback on an unprotected tag", "rollback by a push", "rollback by a schedule"),
        "garbage",
    ],
)
def test_nothing_else_starts_a_release_or_a_rollback(pipeline: dict[str, Config], variables: Mapping[str, str]) -> None:
    assert started(pipeline, variables) == {}


def test_a_rollback_builds_and_publishes_nothing_and_waits_for_nobody(pipeline: dict[str, Config]) -> None:
    found = started(pipeline, ROLLBACK)
    assert list(found) == [f"rollback:{step}" for step in ("record", "promote", "invalidate", "verify", "outcome")]
    assert "manual" not in found.values()
    assert pipeline["rollback:record"]["needs"] == []


@pytest.mark.parametrize("variables", [TAG, ROLLBACK], ids=["release", "rollback"])
def test_jobs_run_one_after_the_other_in_the_order_of_the_stages(
    pipeline: dict[str, Config], variables: Mapping[str, str]
) -> None:
    names = list(started(pipeline, variables))
    for earlier, later in itertools.pairwise(names):
        assert earlier in needs(pipeline[later])
    assert {pipeline[name]["stage"] for name in names} == {"deploy"}


@pytest.mark.parametrize(
    ("reader", "writer", "path"),
    [
        ("release:check", "release:build", "dist/"),
        ("release:publish", "release:build", "dist/"),
        ("release:record", "release:build", "dist/"),
        ("release:record", "release:build", ".release/"),
        ("release:authorize", "release:build", "dist/"),
        ("release:promote", "release:authorize", ".release/"),
        ("release:invalidate", "release:promote", ".release/"),
        ("release:verify", "release:promote", ".release/"),
        ("release:outcome", "release:verify", ".release/"),
        ("rollback:promote", "rollback:record", ".release/"),
        ("rollback:invalidate", "rollback:promote", ".release/"),
        ("rollback:verify", "rollback:promote", ".release/"),
        ("rollback:outcome", "rollback:verify", ".release/"),
    ],
)
def test_a_job_gets_the_files_that_the_job_before_it_left(
    pipeline: dict[str, Config], reader: str, writer: str, path: str
) -> None:
    assert needs(pipeline[reader], with_artifacts=True) == [writer]
    assert f"packages/tag/{path}" in pipeline[writer]["artifacts"]["paths"]
    assert "expire_in" in pipeline[writer]["artifacts"]


@pytest.mark.parametrize("kind", ["release", "rollback"])
def test_a_failed_verification_is_handed_on_and_recorded_too(pipeline: dict[str, Config], kind: str) -> None:
    assert pipeline[f"{kind}:verify"]["artifacts"]["when"] == "always"
    assert pipeline[f"{kind}:outcome"]["when"] == "always"


def test_the_build_waits_for_the_projects_tests_and_takes_none_of_their_files(pipeline: dict[str, Config]) -> None:
    assert "needs" not in pipeline["release:build"]
    assert pipeline["release:build"]["dependencies"] == []


def test_jobs_that_look_at_tags_clone_all_history(pipeline: dict[str, Config]) -> None:
    assert [name for name, job in pipeline.items() if job["variables"]["GIT_DEPTH"] == "0"] == [
        "release:build",
        "release:publish",
        "release:authorize",
    ]


# What a job's shell does


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of `release`: its arguments, the variables that hold a key, and the identity token's file."""

    arguments: list[str]
    key: dict[str, str]
    token: str
    mode: str


# Stands on the PATH in the place of `release` and writes down how it was called.
RECORDER: Final = f"""\
#!{sys.executable}
import json, os, pathlib, sys
key = {{name: value for name, value in os.environ.items() if name.startswith(("AWS_", "RELEASE_"))}}
file = pathlib.Path(key["AWS_WEB_IDENTITY_TOKEN_FILE"]) if "AWS_WEB_IDENTITY_TOKEN_FILE" in key else None
call = {{
    "arguments": sys.argv[1:],
    "key": key,
    "token": file.read_text() if file else "",
    "mode": oct(file.stat().st_mode & 0o777) if file else "",
}}
with open("calls", "a") as out:
    print(json.dumps(call), file=out)
"""
ROLE: Final = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/tag-publish", "RELEASE_ID_TOKEN": "not * a token"}
STATIC: Final = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not/a+key",
    "RELEASE_ID_TOKEN": "e30.e30.sig",
}


def calls(job: Config, folder: Path, variables: Mapping[str, str], *, shell: str = "sh") -> Sequence[Call]:
    """Run a job's scripts as the runner does: one after the other, in one shell that stops at the first failure."""
    programs = folder / "programs"
    programs.mkdir(parents=True)
    (programs / "release").write_text(RECORDER, encoding="utf-8")
    (programs / "release").chmod(0o755)
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "CI_PIPELINE_ID": "11", "CI_JOB_ID": "22"}
    environment |= {"CI_COMMIT_REF_PROTECTED": "true", **variables}
    environment["TMPDIR"] = str(folder)
    subprocess.run(
        [shell, "-c", 'set -e; : | eval "$1"', shell, "\n".join(lines(job))], cwd=folder, env=environment, check=True
    )
    return [Call(**json.loads(line)) for line in (folder / "calls").read_text(encoding="utf-8").splitlines()]


COMMANDS: Final = {
    "release:build": [["build"]],
    "release:check": [["check", "--code-quality", "code-quality.json"]],
    "release:publish": [["publish"]],
    "release:record": [["record", "publish"]],
    "release:authorize": [["record", "promote"]],
    "release:promote": [["promote"]],
    "release:invalidate": [["invalidate"]],
    "release:verify": [["verify"]],
    "release:outcome": [["record", "outcome"]],
}
WITH_FILE: Final = ["--config", "packages/tag/release.toml"]


@pytest.mark.parametrize(("name", "commands"), COMMANDS.items())
def test_a_job_runs_its_own_stages_commands_on_the_librarys_release_toml(
    pipeline: dict[str, Config], tmp_path: Path, name: str, commands: list[list[str]]
) -> None:
    found = calls(pipeline[name], tmp_path, TAG)
    assert [call.arguments for call in found] == [[*command, *WITH_FILE] for command in commands]


@pytest.mark.parametrize("name", [*KEYED, *KEYLESS])
def test_every_command_is_one_that_the_command_line_takes(
    pipeline: dict[str, Config], tmp_path: Path, name: str
) -> None:
    for call in calls(pipeline[name], tmp_path, ROLLBACK | {"ROLLBACK_TO": "1.0.0"}):
        # A wrong argument ends with 2; these get as far as to miss their release.toml.
        assert main(call.arguments) == ConfigError.exit_code, call.arguments


def test_an_option_that_does_not_exist_would_be_noticed() -> None:
    assert main(["publish", *WITH_FILE, "--bogus"]) == 2


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(("name", "stage"), KEYED.items())
def test_a_role_reaches_the_command_by_a_token_file_that_is_gone_afterwards(
    pipeline: dict[str, Config], tmp_path: Path, name: str, stage: str, shell: str
) -> None:
    for call in calls(pipeline[name], tmp_path, ROLLBACK | ROLE, shell=shell):
        assert aws_credentials.credential_source(call.key, stage=stage) == aws_credentials.WEB_IDENTITY
        assert call.token == ROLE["RELEASE_ID_TOKEN"]
        assert call.mode == "0o600"
        assert call.key["AWS_ROLE_SESSION_NAME"] == "release-11-22"
        assert "RELEASE_ID_TOKEN" not in call.key
        assert not Path(call.key["AWS_WEB_IDENTITY_TOKEN_FILE"]).exists()


@pytest.mark.parametrize(("name", "stage"), KEYED.items())
def test_without_a_role_a_static_key_is_the_key(
    pipeline: dict[str, Config], tmp_path: Path, name: str, stage: str
) -> None:
    for call in calls(pipeline[name], tmp_path, ROLLBACK | STATIC):
        assert aws_credentials.credential_source(call.key, stage=stage) == aws_credentials.STATIC
        assert set(call.key) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


SECRETIVE: Final = {
    RELEASE: tuple(KEYED),
    "pipelines/audit.yml": ("audit",),
    "pipelines/collect.yml": ("collect:order", "collect:delete", "collect:invalidate", "collect:outcome"),
    "pipelines/rotate.yml": ("rotate:keys", "rotate:record"),
    "pipelines/watch.yml": ("watch:keys", "check:keys"),
    "pipelines/witness.yml": ("witness:log",),
}


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("protected", ["false", "", "TRUE"])
def test_a_job_with_a_secret_asks_whether_its_ref_is_protected_before_all_else(
    tmp_path: Path, protected: str, shell: str
) -> None:
    for file, names in SECRETIVE.items():
        given = {"setup": ["touch began"], "log": "https://log.example.com/tag", **INPUTS}
        wanted = documents(ROOT / file)[0]["inputs"]
        found = jobs(configuration(ROOT, file, {name: value for name, value in given.items() if name in wanted}))
        for name in names:
            script = ["set -e", *lines(found[name]), "touch ended"]
            environment = {"PATH": "/usr/bin:/bin", "CI_COMMIT_REF_PROTECTED": protected}
            ended = subprocess.run(
                [shell, "-c", "\n".join(script)],
                cwd=tmp_path,
                env=environment,
                check=False,
                capture_output=True,
                text=True,
            )
            assert ended.returncode == CredentialError.exit_code, name
            assert "is not protected" in ended.stderr
            assert list(tmp_path.iterdir()) == [], name


def test_every_job_with_an_environment_or_a_token_is_among_them() -> None:
    for file in TEMPLATES:
        header, body = documents(file)
        values = {"log": "https://log.example.com/tag", "ring": "canary", **INPUTS}
        given = {name: value for name, value in values.items() if name in header["inputs"]}
        if not any("common.yml" in str(item) for item in body.get("include", [])):
            continue
        found = jobs(configuration(ROOT, f"pipelines/{file.name}", given))
        secretive = {name for name, job in found.items() if {"environment", "id_tokens"} & set(job)}
        guarded = {name for name, job in found.items() if "CI_COMMIT_REF_PROTECTED" in lines(job)[0]}
        assert secretive == guarded, file.name


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("text", ["plain", "two words", "'$(touch evil)'; `touch evil` \"", "--to=9.9.9", "*"])
def test_what_a_person_types_for_a_rollback_stays_one_argument(
    pipeline: dict[str, Config], tmp_path: Path, text: str, shell: str
) -> None:
    typed = {"ROLLBACK_CHANNEL": text, "ROLLBACK_REASON": text, "ROLLBACK_TO": text}
    (call,) = calls(pipeline["rollback:record"], tmp_path, typed, shell=shell)
    assert call.arguments == ["record", "rollback", *WITH_FILE, f"--reason={text}", f"--to={text}", "--", text]
    assert not (tmp_path / "evil").exists()


def test_a_rollback_without_a_version_leaves_the_choice_to_the_log(pipeline: dict[str, Config], tmp_path: Path) -> None:
    (call,) = calls(pipeline["rollback:record"], tmp_path, ROLLBACK)
    assert call.arguments == ["record", "rollback", *WITH_FILE, "--reason=broken", "--", "latest"]


def test_set_up_commands_run_before_the_key_is_written(tmp_path: Path) -> None:
    late = 'test -z "${AWS_WEB_IDENTITY_TOKEN_FILE:-}"'
    setup = INPUTS | {"setup": ["touch set-up", late], "build-setup": ["touch set-up-for-build"]}
    found = jobs(configuration(ROOT, RELEASE, setup))
    calls(found["release:publish"], tmp_path, TAG | ROLE)
    assert (tmp_path / "set-up").exists()
    assert lines(found["release:build"])[0] == "touch set-up-for-build"
    assert lines(found["release:verify"])[:2] == ["touch set-up", late]


# This repository's own pipeline


def test_this_repository_checks_changes_and_releases_its_example_on_tags() -> None:
    own = jobs(configuration(ROOT, OWN, {}))
    assert set(started(own, {"CI_COMMIT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push"})) == {"check", "test"}
    assert set(started(own, {"CI_PIPELINE_SOURCE": "merge_request_event"})) == {"check", "test"}
    assert set(started(own, {**TAG, "CI_COMMIT_TAG": "visitor-tag-v1.0.0"})) == set(COMMANDS)
    assert not started(own, {**TAG, "CI_COMMIT_TAG": "v0.1.0"})
    assert own["check"]["script"] == ["make check"]
    assert own["test"]["script"] == ["make test"]


def test_this_repository_releases_the_example_that_it_names() -> None:
    (include,) = documents(ROOT / OWN)[1]["include"]
    assert (ROOT / include["inputs"]["folder"] / "release.toml").is_file()


def test_the_guide_names_every_environment_audience_and_input() -> None:
    guide = (ROOT / "docs/gitlab.md").read_text(encoding="utf-8")
    for stage in {*KEYED.values(), "collect", "audit"}:
        assert f"`release/{stage}`" in guide
        assert f"`release-{stage}`" in guide
    for name in documents(ROOT / RELEASE)[0]["inputs"]:
        assert f"`{name}`" in guide


# Watching


WATCH: Final = "pipelines/watch.yml"
WATCHES: Final = {"library": "tag", "image": INPUTS["image"], "folder": INPUTS["folder"]}
SCHEDULE: Final = {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "schedule"}


@pytest.mark.parametrize(("name", "command"), [("watch:keys", "watch"), ("check:keys", "check")])
def test_a_schedule_on_a_protected_branch_watches_with_the_audit_key_and_nothing_else(
    tmp_path: Path, name: str, command: str
) -> None:
    config = configuration(ROOT, WATCH, WATCHES)
    (tmp_path / "watch.json").write_text(json.dumps(config), encoding="utf-8")
    assert schema_errors(tmp_path / "watch.json") == ""
    found = jobs(config)
    job = found[name]
    assert set(found) == {"watch:keys", "check:keys"}
    assert job["environment"]["name"] == "release/audit"
    assert job["environment"]["action"] == "access"
    assert job["id_tokens"] == {"RELEASE_ID_TOKEN": {"aud": "release-audit"}}
    assert job["resource_group"] == "$CI_PROJECT_PATH_SLUG-tag-watch"
    (call,) = calls(job, tmp_path, SCHEDULE | ROLE)
    assert call.arguments == ["keys", command, *WITH_FILE]
    assert call.key["AWS_ROLE_SESSION_NAME"] == "release-11-22"
    assert main(call.arguments) == ConfigError.exit_code


@pytest.mark.parametrize("missing", ["RELEASE_WATCH", *SCHEDULE])
def test_nothing_but_its_schedule_starts_a_watch(missing: str) -> None:
    found = jobs(configuration(ROOT, WATCH, WATCHES))
    wanted = SCHEDULE | {"RELEASE_WATCH": "1"}
    assert started(found, wanted) == {"watch:keys": "on_success", "check:keys": "on_success"}
    without = {name: value for name, value in wanted.items() if name != missing}
    assert bool(started(found, without)) is (missing == "CI_COMMIT_BRANCH")
    assert started(found, TAG | {"RELEASE_WATCH": "1"}) == {}


# Audits


AUDIT: Final = "pipelines/audit.yml"


def test_a_schedule_audits_all_of_history_with_the_audit_key_and_shows_it_as_tests(tmp_path: Path) -> None:
    config = configuration(ROOT, AUDIT, WATCHES)
    (tmp_path / "audit.json").write_text(json.dumps(config), encoding="utf-8")
    assert schema_errors(tmp_path / "audit.json") == ""
    found = jobs(config)
    job = found["audit"]
    assert set(found) == {"audit"}
    assert (job["environment"]["name"], job["environment"]["action"]) == ("release/audit", "access")
    assert job["id_tokens"] == {"RELEASE_ID_TOKEN": {"aud": "release-audit"}}
    assert job["variables"] == {"GIT_STRATEGY": "clone", "GIT_DEPTH": "0"}
    assert job["resource_group"] == "$CI_PROJECT_PATH_SLUG-tag-watch"
    (call,) = calls(job, tmp_path, SCHEDULE | ROLE)
    assert call.arguments == ["audit", "--junit", "audit.xml", *WITH_FILE]
    assert job["artifacts"]["reports"] == {"junit": "audit.xml"}
    assert job["artifacts"]["when"] == "always", "a failed audit is what its report is for"
    assert main(call.arguments) == ConfigError.exit_code
    wanted = SCHEDULE | {"RELEASE_AUDIT": "1"}
    assert started(found, wanted) == {"audit": "on_success"}
    for missing in ("RELEASE_AUDIT", "CI_COMMIT_REF_PROTECTED", "CI_PIPELINE_SOURCE"):
        assert started(found, {name: value for name, value in wanted.items() if name != missing}) == {}
    assert started(found, TAG | {"RELEASE_AUDIT": "1"}) == {}


# Rotation


ROTATION: Final = "pipelines/rotate.yml"


def test_a_schedule_on_a_protected_branch_rotates_with_the_rotate_key_and_beside_no_other_job(tmp_path: Path) -> None:
    config = configuration(ROOT, ROTATION, WATCHES)
    (tmp_path / "rotate.json").write_text(json.dumps(config), encoding="utf-8")
    assert schema_errors(tmp_path / "rotate.json") == ""
    found = jobs(config)
    job = found["rotate:keys"]
    assert set(found) == {"rotate:keys", "rotate:record"}
    assert found["rotate:record"]["environment"]["name"] == "release/record"
    assert needs(found["rotate:record"], with_artifacts=True) == ["rotate:keys"]
    (logged,) = calls(found["rotate:record"], tmp_path / "record", SCHEDULE)
    assert logged.arguments == ["record", "rotation", "--if-any", *WITH_FILE]
    assert job["environment"]["name"] == "release/rotate"
    assert job["resource_group"] == jobs(configuration(ROOT, RELEASE, INPUTS))["release:publish"]["resource_group"]
    (call,) = calls(job, tmp_path, SCHEDULE)
    assert call.arguments == ["keys", "rotate", "--gitlab", "--if-due", *WITH_FILE]
    assert main(call.arguments) == ConfigError.exit_code
    wanted = SCHEDULE | {"RELEASE_ROTATE": "1"}
    assert started(found, wanted) == {"rotate:keys": "on_success", "rotate:record": "on_success"}
    for missing in ("RELEASE_ROTATE", "CI_COMMIT_REF_PROTECTED", "CI_PIPELINE_SOURCE"):
        assert started(found, {name: value for name, value in wanted.items() if name != missing}) == {}
    assert started(found, TAG | {"RELEASE_ROTATE": "1"}) == {}


# Witnessing


WITNESS: Final = "pipelines/witness.yml"
WITNESSES: Final = {"library": "tag", "image": INPUTS["image"], "log": "https://log.example.com/tag"}
SEEN: Final = f"""\
#!{sys.executable}
import pathlib, sys
pathlib.Path("calls").write_text(" ".join(sys.argv[1:]))
pathlib.Path("memory").mkdir(exist_ok=True)
pathlib.Path("memory/conflict").write_text("evidence")
sys.exit({{code}})
"""


@pytest.mark.parametrize("code", [0, 20])
def test_a_witness_has_only_its_own_key_and_pushes_what_it_saw_even_if_that_is_a_fork(
    tmp_path: Path, code: int
) -> None:
    config = configuration(ROOT, WITNESS, WITNESSES)
    (tmp_path / "witness.json").write_text(json.dumps(config), encoding="utf-8")
    assert schema_errors(tmp_path / "witness.json") == ""
    (job,) = jobs(config).values()
    assert job["environment"]["name"] == "release/witness"
    assert "id_tokens" not in job
    assert not [line for line in lines(job) if "AWS_" in line]
    remote, clone, programs = tmp_path / "witness.git", tmp_path / "clone", tmp_path / "programs"
    programs.mkdir()
    (programs / "release").write_text(SEEN.format(code=code), encoding="utf-8")
    (programs / "release").chmod(0o755)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote)], check=True)
    subprocess.run(["git", "-C", str(remote), "config", "receive.advertisePushOptions", "true"], check=True)
    subprocess.run(["git", "clone", "--quiet", str(remote), str(clone)], check=True, capture_output=True)
    subprocess.run([*git, "-C", str(clone), "commit", "--quiet", "--allow-empty", "-m", "begin"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "--quiet", "origin", "HEAD:main"], check=True)
    subprocess.run(["git", "-C", str(clone), "checkout", "--quiet", "--detach"], check=True)
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path), "CI_PIPELINE_ID": "11"}
    environment |= {"CI_PROJECT_URL": str(tmp_path / "witness"), "CI_JOB_TOKEN": "t0ken", "CI_COMMIT_BRANCH": "main"}
    environment |= {"CI_COMMIT_REF_PROTECTED": "true"}
    ended = subprocess.run(
        ["sh", "-c", 'set -e; : | eval "$1"', "sh", "\n".join(lines(job))],
        cwd=clone,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == code, ended.stderr
    assert "t0ken" not in ended.stdout + ended.stderr
    pushed = subprocess.run(["git", "-C", str(remote), "show", "main:memory/conflict"], capture_output=True, check=True)
    assert pushed.stdout == b"evidence"
    called = (clone / "calls").read_text(encoding="utf-8").split()
    assert called == ["log", "witness", WITNESSES["log"], "--key", "log.vkey", "--memory", "memory"]
    assert main([*called[:2], str(tmp_path), *called[3:]]) not in {0, 1, 2}


def test_nothing_but_its_schedule_starts_a_witness() -> None:
    found = jobs(configuration(ROOT, WITNESS, WITNESSES))
    wanted = SCHEDULE | {"RELEASE_WITNESS": "1"}
    assert started(found, wanted) == {"witness:log": "on_success"}
    for missing in ("RELEASE_WITNESS", "CI_COMMIT_REF_PROTECTED", "CI_PIPELINE_SOURCE"):
        assert started(found, {name: value for name, value in wanted.items() if name != missing}) == {}
    assert started(found, TAG | {"RELEASE_WITNESS": "1"}) == {}


@pytest.mark.parametrize("name", ["log", "key", "memory"])
@pytest.mark.parametrize("value", ['"; make evil; "', "$HOME", "`id`", "--first", ""])
def test_an_input_of_a_witness_cannot_break_out_of_its_quotes_or_be_an_option(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} may not be"):
        configuration(ROOT, WITNESS, WITNESSES | {name: value})


# Garbage


COLLECT: Final = "pipelines/collect.yml"
COLLECTS: Final = {
    "collect:order": ("record", ["record", "collect"], []),
    "collect:delete": ("collect", ["collect"], []),
    "collect:invalidate": ("invalidate", ["invalidate"], ["collect:delete"]),
    "collect:outcome": ("record", ["record", "outcome"], ["collect:delete"]),
}
CLEANING: Final = TAG | {"CI_PIPELINE_SOURCE": "schedule", "RELEASE_COLLECT": "1"}


@pytest.mark.parametrize("name", COLLECTS)
def test_garbage_is_ordered_deleted_dropped_and_recorded_each_with_its_own_key(tmp_path: Path, name: str) -> None:
    config = configuration(ROOT, COLLECT, WATCHES)
    (tmp_path / "collect.json").write_text(json.dumps(config), encoding="utf-8")
    assert schema_errors(tmp_path / "collect.json") == ""
    found = jobs(config)
    assert set(found) == set(COLLECTS)
    stage, command, files = COLLECTS[name]
    job = found[name]
    assert job["environment"] == {"name": f"release/{stage}", "action": "access", "deployment_tier": "production"}
    assert job["id_tokens"] == {"RELEASE_ID_TOKEN": {"aud": f"release-{stage}"}}
    assert job["resource_group"] == "$CI_PROJECT_PATH_SLUG-tag"
    assert job["allow_failure"] == {"exit_codes": [5]}
    assert "collect:order" in needs(job) or name != "collect:delete"
    assert [one for one in needs(job, with_artifacts=True) if one != "collect:order"] == files
    (call,) = calls(job, tmp_path, CLEANING | ROLE)
    assert call.arguments == [*command, *WITH_FILE]
    assert main(call.arguments) == ConfigError.exit_code


def test_garbage_is_collected_on_a_protected_tag_by_a_schedule_or_by_hand() -> None:
    found = jobs(configuration(ROOT, COLLECT, WATCHES))
    for source in ("schedule", "web", "api", "trigger"):
        assert list(started(found, CLEANING | {"CI_PIPELINE_SOURCE": source})) == list(COLLECTS)
    for other in ({"CI_PIPELINE_SOURCE": "push"}, {"CI_COMMIT_REF_PROTECTED": "false"}, {"RELEASE_COLLECT": ""}):
        assert started(found, CLEANING | other) == {}
    assert started(found, SCHEDULE | {"RELEASE_COLLECT": "1"}) == {}, "a branch gets no role of these stages"
