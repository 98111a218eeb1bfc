"""A pipeline of GitLab that releases all customers' variants, a shard a runner: GitLab is the scheduler.

Its size depends on the shards, not on the customers. GitLab's limits: a child pipeline's file may have 5 MB
(https://docs.gitlab.com/ci/pipelines/downstream_pipelines/), YAML 2 MB, and a job 50 `needs`
(https://docs.gitlab.com/administration/instance_limits/); so what joins the shards waits by stage and needs none.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from release.errors import SomeFailedError

STAGES: Final = ("build", "publish", "record", "authorize", "promote", "invalidate", "verify", "outcome", "join")
_PROTECTED: Final = (
    'if [ "${CI_COMMIT_REF_PROTECTED:-}" != "true" ]; then '
    'echo "release: this tag is not protected, so this job does not run" >&2; exit 8; fi'
)
# What each stage runs, and the environment whose secrets it gets; None for none.
_RUNS: Final[Mapping[str, tuple[tuple[str, ...], str | None]]] = {
    "publish": (("publish",), "publish"),
    "record": (("record", "publish"), "record"),
    "authorize": (("record", "promote"), "record"),
    "promote": (("promote",), "promote"),
    "invalidate": (("invalidate",), "invalidate"),
    "verify": (("verify",), None),
    "outcome": (("record", "outcome"), "record"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    """What all jobs of the pipeline share.

    Attributes:
        library: [library] name.
        config: release.toml, from the repository's root.
        image: for every stage but build.
        build_image: with what the build needs.
        setup: commands that put `release` on the PATH.
        runner_tags: of the runners that take the jobs.
    """

    library: str
    config: str
    image: str
    build_image: str
    setup: tuple[str, ...] = ()
    runner_tags: tuple[str, ...] = ()


def child_pipeline(jobs: Jobs, shards: int) -> dict[str, Any]:
    """Give the pipeline's configuration; written as JSON it is YAML."""
    folder = jobs.config.rpartition("/")[0]
    left = f"{folder}/.release/" if folder else ".release/"
    pipeline: dict[str, Any] = {
        "stages": list(STAGES),
        "default": {"interruptible": False},
        "workflow": {"rules": [{"when": "always"}]},
    }
    for number in range(1, shards + 1):
        before: list[str] = []
        for stage in STAGES[:-1]:
            name = f"{stage} {number}/{shards}"
            job = _job(jobs, stage, f"{number}/{shards}", left)
            job["needs"] = [{"job": one} for one in before]
            if stage not in {"build", "verify"}:
                job["resource_group"] = f"{jobs.library}-customers-{number}-of-{shards}"
            pipeline[name] = job
            before = [name]
    pipeline["join"] = {
        **_common(jobs, jobs.image),
        "stage": "join",
        "when": "always",
        "script": [shlex.join(["release", "customers", "report", "--shards", str(shards), "--config", jobs.config])],
        "artifacts": {"when": "always", "paths": [f"{left}customers.report.json"], "expire_in": "1 year"},
    }
    return pipeline


def _job(jobs: Jobs, stage: str, shard: str, left: str) -> dict[str, Any]:
    common = _common(jobs, jobs.build_image if stage == "build" else jobs.image)
    config = ("--config", jobs.config)
    # Where some customers failed the others go on; the job that joins them fails.
    common |= {
        "stage": stage,
        "allow_failure": {"exit_codes": [SomeFailedError.exit_code]},
        "artifacts": {"when": "always", "paths": [left], "expire_in": "1 week"},
    }
    if stage == "build":
        return common | {"script": [shlex.join(["release", "customers", "build", "--shard", shard, *config])]}
    arguments, environment = _RUNS[stage]
    line = ["release", "customers", "run", "--shard", shard, *config, "--", *arguments]
    job = common | {"script": [shlex.join(line)]}
    if environment is not None:
        job["environment"] = {"name": f"release/{environment}"}
        job["before_script"] = [_PROTECTED, *common["before_script"]]
    if stage == "outcome":
        job["when"] = "always"
    return job


def _common(jobs: Jobs, image: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "image": image,
        "inherit": {"default": False, "variables": False},
        "before_script": list(jobs.setup),
        "variables": {"GIT_STRATEGY": "clone", "GIT_DEPTH": "0"},
        "timeout": "3 hours",
        "retry": {"max": 1, "when": ["runner_system_failure"]},
    }
    return found | ({"tags": list(jobs.runner_tags)} if jobs.runner_tags else {})


def shards_for(customers: int, each: int) -> int:
    """Give how many shards of about `each` customers there are."""
    return max(1, -(-customers // each))
