"""The first `.gitlab-ci.yml` of a library is one that GitLab takes, with the jobs that release it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.core.config import Config
from release.core.starter_pipeline import Origin, checklist, ignored, pipeline_file, tag_pattern
from tests.fakes import examples
from tests.fakes.gitlab import configuration, jobs

ROOT = Path(__file__).parents[2]
ORIGIN = Origin(project="tools/release", ref="7" * 40, image="a@sha256:1", build_image="b@sha256:2")
ROLES = {"gitlab": {"url": "https://gitlab.example.com", "project": "acme/tag"}}


def included(config: Config, *, folder: str = "") -> dict[str, dict[str, Any]]:
    """Give the includes by their templates, as YAML reads them."""
    found = yaml.safe_load(pipeline_file(config, ORIGIN, folder=folder))
    return {Path(one["file"]).stem: one for one in found["include"]}


def test_each_include_is_pinned_and_takes_its_inputs() -> None:
    found = included(examples.config(), folder="packages/tag/")
    assert list(found) == ["release", "announce", "audit", "watch", "rotate"]
    for name, one in found.items():
        assert (one["project"], one["ref"]) == ("tools/release", "7" * 40)
        configuration(ROOT, f"pipelines/{name}.yml", one["inputs"])
    whole = jobs(configuration(ROOT, "pipelines/release.yml", found["release"]["inputs"]))
    assert (whole["release:publish"]["image"], whole["release:build"]["image"]) == ("a@sha256:1", "b@sha256:2")


def test_runners_are_asked_for_by_every_job_that_may_have_a_key() -> None:
    tagged = Origin(image="a@sha256:1", build_image="b@sha256:2", runner_tags=("protected", "docker"))
    for one in yaml.safe_load(pipeline_file(examples.config(), tagged, folder=""))["include"]:
        path = one["file"].removeprefix("/")
        if path != "pipelines/announce.yml":
            assert one["inputs"]["runner-tags"] == ["protected", "docker"]
            assert all(
                job["tags"] == ["protected", "docker"]
                for job in jobs(configuration(ROOT, path, one["inputs"])).values()
            )


def test_what_release_toml_says_is_what_the_pipeline_gets() -> None:
    config = examples.config(
        library={"tag-prefix": "tag/v"}, build={"output": "out"}, approvals={"required": True}, keys=ROLES
    )
    found = included(config)
    inputs = found["release"]["inputs"]
    assert (inputs["tags"], inputs["output"], inputs["authorize"]) == ("/^tag\\/v[0-9]/", "out", "manual")
    assert "rotate" not in found, "roles have no keys to rotate"
    assert "inputs" not in found["announce"]


@pytest.mark.parametrize("name", ["true", "1.0", "0x10", "on", "null", "1e3"])
def test_a_name_stays_text_whatever_yaml_makes_of_it(name: str) -> None:
    assert included(examples.config(library={"name": name}))["audit"]["inputs"]["library"] == name


def test_gitlabs_schema_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "ci.json"
    file.write_text(json.dumps(yaml.safe_load(pipeline_file(examples.config(), Origin(), folder=""))), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(file)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize(("prefix", "pattern"), [("v", "/^v[0-9]/"), ("a.b-v", "/^a\\.b\\-v[0-9]/"), ("", "/^[0-9]/")])
def test_a_prefix_stands_for_itself(prefix: str, pattern: str) -> None:
    assert tag_pattern(prefix) == pattern


@pytest.mark.parametrize(
    ("there", "lines"),
    [
        ("", [".release/", "dist/", "node_modules/"]),
        ("/dist\n.release/\nnode_modules", []),
        ("# dist/\n!dist/\n", [".release/", "dist/", "node_modules/"]),
    ],
)
def test_only_lines_that_are_not_there_are_to_be_added(there: str, lines: list[str]) -> None:
    assert ignored(examples.config(), there=there) == lines


def test_the_check_list_is_short_and_fits_the_keys() -> None:
    assert any("AWS_ROLE_ARN" in line for line in checklist(examples.config(keys=ROLES)))
    assert any("v*" in line for line in checklist(examples.config()))
    assert len(checklist(examples.config())) < 10
