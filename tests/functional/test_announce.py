"""`release announce` through the command line, on a GitLab that answers as documented, without any AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.core import document
from tests.fakes.announced import left, released
from tests.fakes.gitlab_project import JOB_TOKEN, Project
from tests.fakes.scenario import World
from tests.fakes.web_server import Reply, WebServer, serving
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import Account, account
from tests.functional.library import Library

CHANNELS = ("v1", "latest")


@pytest.fixture
def project() -> Iterator[Project]:
    with serving(Project()) as server:
        yield server


class Job:
    """A job in a checkout of the tag, with what the jobs before it left."""

    def __init__(self, run: Run, library: Library, project: Project, world: World) -> None:
        self.run, self.library, self.project = run, library, project
        manifest = world.bundles["1.1.0"].read("manifest.json", limit=1_000_000)
        assert manifest
        self.site = WebServer({"/tag/1.1.0/manifest.json": Reply(body=manifest)})
        toml = (library.folder / "release.toml").read_text()
        library.write("release.toml", toml.replace("https://cdn.example.com", self.site.url))
        library.write("CHANGELOG.md", world.changelog)
        orders, outcomes = left(world, *CHANNELS)
        for name, order, outcome in zip(CHANNELS, orders, outcomes, strict=True):
            library.write(f".release/{name}.order.json", document.encode(order).decode())
            library.write(f".release/{name}.outcome.json", document.encode(outcome).decode())
        project.tags["v1.1.0"] = world.manifest("1.1.0").source.commit

    def announce(self, *more: str, **variables: str) -> Ended:
        job = {"CI_API_V4_URL": f"{self.project.url}/api/v4", "CI_PROJECT_ID": "42", "CI_JOB_TOKEN": JOB_TOKEN}
        return self.run("announce", *more, **{**job, "CI_COMMIT_TAG": "v1.1.0", **variables})


@pytest.fixture
def job(run: Run, library: Library, project: Project) -> Iterator[Job]:
    made = Job(run, library, project, released("1.1.0", *CHANNELS))
    with made.site:
        yield made


def test_a_version_becomes_a_release_and_a_second_run_does_nothing(job: Job) -> None:
    first = job.announce()
    assert (first.code, first.out.splitlines()[0]) == (0, "made the GitLab release v1.1.0")
    release = job.project.releases["v1.1.0"]
    assert "- a *feature*" in release["description"]
    assert [link["name"] for link in release["links"]] == ["tag.esm.min.js", "tag.min.js", "manifest.json"]
    before = dict(release)
    again = job.announce("--json")
    assert json.loads(again.out)["done"] == "nothing"
    assert job.project.releases == {"v1.1.0": before}
    assert not [one for one in job.project.asked[2:] if not one.startswith("GET")]


def test_a_dry_run_shows_the_release_and_makes_none(job: Job) -> None:
    asked = job.announce("--dry-run")
    assert asked.out.startswith("would make the GitLab release v1.1.0\n")
    assert "## Load it" in asked.out
    alone = job.announce("--dry-run", CI_JOB_TOKEN="")
    assert (alone.code, alone.out.splitlines()[0]) == (
        0,
        "would announce v1.1.0; GitLab was not asked: there is no CI_JOB_TOKEN",
    )
    assert job.project.releases == {}


def test_what_people_wrote_stays(job: Job) -> None:
    job.announce()
    release = job.project.releases["v1.1.0"]
    wanted = release["description"]
    release["description"] = f"Hello.\n{wanted.replace('feature', 'lie')}\nBye."
    release["links"].pop(0)
    ended = job.announce()
    assert ended.out.splitlines() == ["brought the GitLab release v1.1.0 up to date", "  link tag.esm.min.js"]
    assert release["description"] == f"Hello.\n{wanted}\nBye."
    assert len(release["links"]) == 3


def test_another_tags_pipeline_and_a_missing_outcome_announce_nothing(job: Job) -> None:
    assert job.announce(CI_COMMIT_TAG="v9.9.9").code == 12
    (job.library.folder / ".release/v1.outcome.json").unlink()
    missing = job.announce()
    assert (missing.code, "release record outcome v1" in missing.err) == (5, True)
    assert job.announce("next").code == 5
    assert job.project.releases == {}


@pytest.mark.parametrize(("token", "code"), [("", 8), ("canary-not-accepted", 8), ("two\nlines", 8)])
def test_a_token_that_is_no_good_is_never_told(job: Job, token: str, code: int) -> None:
    ended = job.announce(CI_JOB_TOKEN=token)
    assert ended.code == code
    assert not token or token not in ended.out + ended.err


@pytest.mark.moto
def test_what_a_real_release_leaves_is_enough_to_announce_it(
    library: Library, run: Run, tmp_path: Path, project: Project
) -> None:
    with account(library, run, tmp_path / "keys") as tag:
        library.write("CHANGELOG.md", "# Changelog\n\n## [1.0.0] - 2026-11-24\n\n- the first\n")
        tag.pipeline("1.0.0", "window.tag = 1;\n")
        project.tags["v1.0.0"] = library.git("rev-parse", "v1.0.0").strip()
        job = {"CI_API_V4_URL": f"{project.url}/api/v4", "CI_PROJECT_ID": "42", "CI_JOB_TOKEN": JOB_TOKEN}
        ended = run("announce", **job)
        assert ended.code == 0, ended
        text = project.releases["v1.0.0"]["description"]
        assert "- the first" in text
        assert f'<script src="{tag.edge.url}/tag/1.0.0/tag.min.js" integrity="sha384-' in text
        _proves_itself(tag, text, tmp_path)


def _proves_itself(tag: Account, text: str, folder: Path) -> None:
    """Do what the release says to do to check it."""
    lines = [line.partition("  #")[0].split()[1:] for line in text.splitlines() if line.startswith("release log")]
    key = folder / "log.vkey"
    key.write_text((tag.library.folder / "release.toml").read_text().split('key = "')[1].split('"')[0] + "\n")
    made = tag.as_("audit", " ".join(lines[0]))
    assert made.code == 0, made
    checked = tag.as_("", " ".join(lines[1]).replace("log.vkey", str(key)))
    assert checked.code == 0, checked
    assert "promote.completed 1.0.0 latest" in checked.out
