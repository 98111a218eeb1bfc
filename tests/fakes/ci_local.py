"""GitLab's part, done by npm `gitlab-ci-local`: it reads the templates, makes the pipeline and runs each job's script.

It runs jobs with the shell of this machine, in a copy of the clone and with the artifacts that `needs` names, and gives
each the variables whose environment scope matches. It knows no protected variables, no resource groups and no runners.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[1] / "gitlab_ci_local"
CATALOG: Final = Path(__file__).parents[2] / ".ci" / "catalog"
HOST: Final = "gitlab.example.com"
TOOLS: Final = "tools/release"
REF: Final = "787123b47f14b552955ca2786bc9542ae66fee5b"
_STATE: Final = ".gitlab-ci-local"
_ENDS_AFTER: Final = 240


def lacking() -> str:
    """Say which program is not installed."""
    missing = [name for name in ("node", "npm", "rsync") if shutil.which(name) is None]
    return f"{', '.join(missing)} not installed" if missing else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a run of one or more jobs ended, and all that it printed."""

    code: int
    output: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A GitLab with one project's variables, and the project of the templates.

    Attributes:
        program: the folder that gitlab-ci-local is installed in.
        folder: of its own files.
        variables: the project's; a value, or for each environment scope one, or a file's text for each.
    """

    program: Path
    folder: Path
    variables: Mapping[str, object] = field(repr=False)

    def pipeline(self, repository: Path, ref: str, *, name: str, number: int, **variables: str) -> "Pipeline":
        """Make the pipeline of a branch or tag, in a clone of its own."""
        clone = self.folder / name / "clone"
        seen = self.folder / name / "seen"
        seen.mkdir(parents=True)
        git = ["git", "-c", "advice.detachedHead=false"]
        subprocess.run([*git, "clone", "--quiet", "--branch", ref, str(repository), str(clone)], check=True)
        address = f"https://{HOST}/team/tag.git"
        subprocess.run([*git, "remote", "add", "gcl-origin", address], cwd=clone, check=True)
        tools = clone / _STATE / "includes" / HOST / TOOLS / REF
        subprocess.run(["sh", str(CATALOG), str(tools)], check=True)
        (self.folder / name / "variables.json").write_text(json.dumps(self.variables), encoding="utf-8")
        given = {"GITLAB_CI": "true", "CI_PIPELINE_ID": str(number), "CI_COMMIT_REF_NAME": ref, **variables}
        return Pipeline(program=self.program, clone=clone, seen=seen, variables=given)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """One pipeline. Its jobs can be run together or one by one, and again.

    Attributes:
        seen: where jobs that do what `SETUP` says leave their environment, one file a job.
    """

    program: Path
    clone: Path
    seen: Path
    variables: Mapping[str, str]

    def run(self, *jobs: str, manual: str = "", **variables: str) -> Ended:
        """Run the named jobs, or all with those manual ones that somebody clicks, and wait for the end."""
        started = self.start(*jobs, manual=manual, **variables)
        output, _ = started.communicate(timeout=_ENDS_AFTER)
        return Ended(code=started.returncode, output=output)

    def start(self, *jobs: str, manual: str = "", **variables: str) -> "subprocess.Popen[str]":
        """Start the named jobs in a process group of their own."""
        command = ["node", str(self.program / "node_modules/gitlab-ci-local/src/index.js"), *jobs]
        command += ["--force-shell-executor", "--shell-isolation", "--no-color", "--no-artifacts-to-source"]
        command += ["--variables-file", "../variables.json", "--home", str(self.clone.parent)]
        for name, value in {**self.variables, **variables}.items():
            command += ["--variable", f"{name}={value}"]
        if "CI_COMMIT_TAG" in self.variables:
            command += ["--unset-variable", "CI_COMMIT_BRANCH"]
        if manual:
            command += ["--manual", manual]
        own = {
            "HOME": str(self.clone.parent),
            "NO_COLOR": "1",
            "SEEN": str(self.seen),
            "TMPDIR": str(self.clone.parent),
        }
        return subprocess.Popen(
            command,
            cwd=self.clone,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def environment(self, job: str) -> dict[str, str]:
        """Give the environment that a job saw at its start."""
        text = (self.seen / job).read_text(encoding="utf-8")
        return dict(pair.split("=", 1) for pair in text.split("\0") if pair)

    @property
    def artifacts(self) -> bytes:
        """All that jobs left for others."""
        files = sorted((self.clone / _STATE / "artifacts").rglob("*"))
        return b"".join(file.read_bytes() for file in files if file.is_file())

    @property
    def ran(self) -> set[str]:
        """The jobs that began."""
        return {file.name for file in self.seen.iterdir()}


SETUP: Final = 'env -0 > "$SEEN/$CI_JOB_NAME"'


def kill(process: "subprocess.Popen[str]") -> None:
    """End a run and its job at once, as a runner that loses its power."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=_ENDS_AFTER)


def ci_yaml(*, component: bool = False, announce: bool = False, **inputs: object) -> str:
    """Give the .gitlab-ci.yml of a library's repository: the one include of docs/gitlab.md, or as a component.

    Args:
        component: of GitLab's catalog, in the place of a file of a project.
        announce: include the template that makes a GitLab release, too.
        inputs: others than usual.
    """
    given: dict[str, object] = {"library": "tag", "image": "release", "build-image": "release"}
    given |= {"runner-tags": ["protected"], "setup": [SETUP], "build-setup": [SETUP]}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    where = {"project": TOOLS, "ref": REF, "file": "/pipelines/release.yml"}
    if component:
        where = {"component": f"{HOST}/{TOOLS}/release@{REF}"}
    more = {"project": TOOLS, "ref": REF, "file": "/pipelines/announce.yml"}
    return json.dumps({"include": [{**where, "inputs": given}, *([more] if announce else [])]}, indent=2)
