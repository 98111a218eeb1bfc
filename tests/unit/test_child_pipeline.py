"""The pipeline that releases customers' variants, as `release matrix` prints it."""

import itertools
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from release.core.child_pipeline import STAGES, Jobs, child_pipeline, shards_for
from release.core.shards import MOST

JOBS: Final = Jobs(
    library="tag",
    config="packages/tag/release.toml",
    image="registry.example.com/release@sha256:0",
    build_image="registry.example.com/release-node@sha256:0",
    setup=("pip install .",),
    runner_tags=("protected",),
)


def pipeline(shards: int = 3) -> dict[str, Any]:
    return child_pipeline(JOBS, shards)


def jobs(shards: int = 3) -> dict[str, dict[str, Any]]:
    return {name: job for name, job in pipeline(shards).items() if "script" in job}


def test_gitlabs_schema_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "customers.json"
    file.write_text(json.dumps(pipeline()))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(file)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


def test_the_largest_stays_within_gitlabs_limits() -> None:
    found = jobs(MOST)
    assert len(found) == MOST * (len(STAGES) - 1) + 1 < 2000
    assert len(json.dumps(pipeline(MOST), indent=1)) < 2 * 1024 * 1024
    assert max(len(job.get("needs", [])) for job in found.values()) <= 50


def test_customers_do_not_make_it_larger() -> None:
    assert shards_for(10_000, 250) == 40
    assert (shards_for(1, 250), shards_for(250, 250), shards_for(251, 250)) == (1, 1, 2)


def test_each_shard_is_a_chain_and_what_joins_them_waits_for_all() -> None:
    found = jobs()
    for number in (1, 2, 3):
        for before, stage in itertools.pairwise(STAGES[:-1]):
            assert found[f"{stage} {number}/3"]["needs"] == [{"job": f"{before} {number}/3"}]
    assert "needs" not in found["join"]
    assert found["join"]["when"] == "always"


def test_a_job_with_a_key_asks_whether_its_ref_is_protected_and_others_have_no_environment() -> None:
    keyed = {
        "publish": "publish",
        "record": "record",
        "authorize": "record",
        "promote": "promote",
        "invalidate": "invalidate",
        "outcome": "record",
    }
    for name, job in jobs().items():
        stage = name.partition(" ")[0]
        assert job.get("environment") == ({"name": f"release/{keyed[stage]}"} if stage in keyed else None), name
        assert ("CI_COMMIT_REF_PROTECTED" in job["before_script"][0]) is (stage in keyed), name
        assert "cache" not in job


def test_one_failing_customer_lets_its_shard_go_on_and_the_join_fails() -> None:
    for name, job in jobs().items():
        assert job.get("allow_failure") == (None if name == "join" else {"exit_codes": [29]})


def test_shards_run_beside_each_other_and_never_twice_at_once() -> None:
    groups = [job["resource_group"] for name, job in jobs().items() if name.startswith("promote")]
    assert groups == [f"tag-customers-{n}-of-3" for n in (1, 2, 3)]


@pytest.mark.parametrize("name", ["build 2/3", "publish 2/3", "verify 2/3", "outcome 2/3", "join"])
def test_every_command_is_one_that_release_has(name: str) -> None:
    from release.cli import build_app  # noqa: PLC0415

    (line,) = jobs()[name]["script"]
    words = shlex.split(line)
    assert words[:2] == ["release", "customers"]
    with pytest.raises(SystemExit) as ended:
        build_app(words[1:])([*words[1:3], "--help"])
    assert ended.value.code == 0
