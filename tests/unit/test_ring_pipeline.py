"""The template of a ring: its gate is watched; tripped it takes the ring back, open it lets the next ring have it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from release.cli import main
from release.errors import ConfigError
from tests.fakes.gitlab import Config, configuration, jobs, lines, needs, started

ROOT: Final = Path(__file__).parents[2]
COMMON: Final = {"library": "tag", "image": "registry.example.com/release@sha256:0", "folder": "packages/tag/"}
TAG: Final = {"CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "push"}
BACK: Final = ("record", "promote", "invalidate", "verify", "outcome")


def ring(name: str, after: str, next_: str = "", **inputs: str) -> Config:
    given = {**COMMON, "ring": name, "after": after, "next": next_, "soak": "2 days", **inputs}
    return configuration(ROOT, "pipelines/ring.yml", given)


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Config]:
    """All three rings behind a release."""
    release = configuration(ROOT, "pipelines/release.yml", {**COMMON, "build-image": "registry.example.com/node"})
    canary = ring("canary", "release:outcome", "early")
    early = ring("early", "ring:canary:next:outcome", "latest")
    return jobs({**release, **canary, **early, **ring("latest", "ring:early:next:outcome")})


def test_gitlabs_schema_accepts_the_whole_pipeline(tmp_path: Path, pipeline: dict[str, Config]) -> None:
    file = tmp_path / "whole.json"
    file.write_text(json.dumps(pipeline), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(file)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


def test_each_ring_is_watched_and_lets_the_next_one_have_it_after_a_while(pipeline: dict[str, Config]) -> None:
    found = {name: when for name, when in started(pipeline, TAG).items() if name.startswith("ring:")}
    for name, next_ in (("canary", True), ("early", True), ("latest", False)):
        assert found.pop(f"ring:{name}:gate") == "on_success"
        assert [found.pop(f"ring:{name}:back:{step}") for step in BACK] == ["on_failure", *["on_success"] * 4]
        if next_:
            steps = [found.pop(f"ring:{name}:next:{step}") for step in BACK]
            assert steps == ["delayed", *["on_success"] * 3, "always"]
            delayed = [rule for rule in pipeline[f"ring:{name}:next:record"]["rules"] if rule.get("when") == "delayed"]
            assert [rule["start_in"] for rule in delayed] == ["2 days"]
    assert found == {}


def test_where_people_approve_the_next_ring_waits_for_them() -> None:
    found = started(jobs(ring("canary", "release:outcome", "early", authorize="manual")), TAG)
    assert found["ring:canary:next:record"] == "manual"


@pytest.mark.parametrize(
    "variables", [{**TAG, "ROLLBACK_CHANNEL": "latest"}, {**TAG, "CI_COMMIT_REF_PROTECTED": "false"}]
)
def test_nothing_else_starts_a_ring(pipeline: dict[str, Config], variables: dict[str, str]) -> None:
    assert [name for name in started(pipeline, variables) if name.startswith("ring:")] == []


def test_every_job_waits_for_one_that_is_there(pipeline: dict[str, Config]) -> None:
    there = set(started(pipeline, TAG))
    for name in there:
        assert set(needs(pipeline[name])) <= there, name


def test_the_way_back_gets_the_verdict_of_a_gate_that_failed(pipeline: dict[str, Config]) -> None:
    gate = pipeline["ring:canary:gate"]
    assert (gate["artifacts"]["when"], gate["artifacts"]["paths"]) == ("always", ["packages/tag/.release/"])
    assert needs(pipeline["ring:canary:back:record"], with_artifacts=True) == ["ring:canary:gate"]
    assert needs(pipeline["ring:canary:next:record"]) == ["ring:canary:gate"]
    assert gate["resource_group"] not in {
        job.get("resource_group") for name, job in pipeline.items() if ":gate" not in name
    }


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ring:canary:gate", ["gate", "--watch", "30", "--", "canary"]),
        ("ring:canary:back:record", ["record", "rollback", "--from-gate", "--", "canary"]),
        ("ring:canary:next:record", ["record", "promote", "--version=1.2.3", "--", "early"]),
    ],
)
def test_a_job_runs_a_command_that_there_is(
    pipeline: dict[str, Config], tmp_path: Path, name: str, arguments: list[str]
) -> None:
    (tmp_path / "release").write_text(
        '#!/bin/sh\nfor word in "$@"; do echo "$word" >> called; done\n', encoding="utf-8"
    )
    (tmp_path / "release").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", **TAG}
    script = "set -e\n" + "\n".join(lines(pipeline[name]))
    subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, check=True)
    called = (tmp_path / "called").read_text(encoding="utf-8").splitlines()
    assert [word for word in called if word not in {"--config", "packages/tag/release.toml"}] == arguments
    assert main(called) == ConfigError.exit_code, "there is no release.toml here, and the arguments are right"
