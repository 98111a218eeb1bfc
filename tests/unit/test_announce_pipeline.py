"""The template that shows a version as a GitLab release, put together with the release pipeline."""

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
INPUTS: Final = {"library": "tag", "image": "registry.example.com/release@sha256:0", "folder": "packages/tag/"}
TAG: Final = {"CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "push"}


@pytest.fixture(scope="module")
def config() -> Config:
    """Give what GitLab makes of both includes: of one job that stands in both, all parts."""
    release = configuration(ROOT, "pipelines/release.yml", INPUTS | {"build-image": INPUTS["image"]})
    announce = configuration(ROOT, "pipelines/announce.yml", {"folder": INPUTS["folder"]})
    whole = {**release, **{name: {**release.get(name, {}), **job} for name, job in announce.items()}}
    assert whole["release:outcome"]["extends"] == release["release:outcome"]["extends"]
    return whole


def test_a_version_is_announced_after_its_outcome_with_what_that_left(config: Config) -> None:
    found = jobs(config)
    job, outcome = found["release:announce"], found["release:outcome"]
    assert needs(job, with_artifacts=True) == ["release:outcome"]
    assert outcome["artifacts"]["paths"] == ["packages/tag/.release/"]
    assert [line for line in lines(job) if line] == ['release announce --config "packages/tag/release.toml"']
    assert main(["announce", "--config", "packages/tag/release.toml"]) == ConfigError.exit_code


def test_it_has_no_key_and_takes_nothing_of_the_project(config: Config) -> None:
    job = jobs(config)["release:announce"]
    assert not {"id_tokens", "environment", "secrets", "cache"} & set(job)
    assert job["inherit"] == {"default": False, "variables": False}
    assert job["variables"]["GIT_STRATEGY"] == "clone"


def test_only_a_protected_tag_of_the_library_announces(config: Config) -> None:
    found = jobs(config)
    assert started(found, TAG)["release:announce"] == "on_success"
    for other in (
        TAG | {"CI_COMMIT_REF_PROTECTED": "false"},
        TAG | {"CI_COMMIT_TAG": "tool-v1"},
        TAG | {"ROLLBACK_CHANNEL": "latest", "CI_PIPELINE_SOURCE": "api"},
        {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "push"},
    ):
        assert "release:announce" not in started(found, other)


def test_gitlabs_schema_accepts_it(config: Config, tmp_path: Path) -> None:
    (tmp_path / "ci.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    finished = subprocess.run([*command, str(tmp_path / "ci.json")], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
