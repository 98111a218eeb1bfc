"""A version shown as a release of a GitLab project, with the token of a job."""

import json
from collections.abc import Iterator

import pytest

from release.adapters.gitlab_api import Place, place_of
from release.adapters.gitlab_releases import GitLabReleases
from release.core.key_section import GitLab
from release.core.release_page import Link, Page, block
from release.errors import (
    ConfigError,
    CredentialError,
    NotFoundError,
    PermissionDenied,
    RefusedError,
    ReleaseError,
    ServiceError,
)
from release.stages.announce import run
from tests.fakes.gitlab_project import COMMIT, JOB_TOKEN, TOKEN, Project
from tests.fakes.web_server import serving

TAG = "release/v1.4.2"
FILE = Link(name="tag.min.js", url="https://cdn.example.com/tag/1.4.2/tag.min.js")
PAGE = Page(tag=TAG, commit=COMMIT, name="tag 1.4.2", description=block("ours"), links=(FILE,))


@pytest.fixture
def project() -> Iterator[Project]:
    with serving(Project()) as server:
        server.tags[TAG] = COMMIT
        yield server


def releases(project: Project, *, token: str = JOB_TOKEN) -> GitLabReleases:
    environment = {"CI_API_V4_URL": f"{project.url}/api/v4", "CI_PROJECT_ID": "42"}
    return GitLabReleases(place_of(None, environment), token=token, sleep=lambda _: None)


def test_a_release_is_made_once_and_found_as_it_was_made(project: Project) -> None:
    pages = releases(project)
    assert pages.find(TAG) is None
    assert pages.create(PAGE)
    assert pages.find(TAG) == PAGE
    assert not pages.create(PAGE)
    assert project.asked[0] == f"GET /api/v4/projects/42/releases/{TAG}"


def test_text_and_links_are_brought_up_to_date(project: Project) -> None:
    pages, other = releases(project), Link(name="manifest.json", url="https://cdn.example.com/tag/1.4.2/manifest.json")
    pages.create(PAGE)
    pages.describe(TAG, "new")
    pages.add_link(TAG, other)
    pages.add_link(TAG, other)  # as a request that was sent twice
    found = pages.find(TAG)
    assert found
    assert (found.description, found.links) == ("new", (FILE, other))
    with pytest.raises(ServiceError, match="HTTP 400"):
        pages.add_link(TAG, Link(name="manifest.json", url="https://evil.example/"))


def test_an_answer_that_was_lost_makes_no_second_release(project: Project) -> None:
    releases(project).create(PAGE)
    project.bad = [(404, {}, b"{}")]  # it was not there when it was looked for
    assert run(PAGE, releases(project), dry_run=False).done == "nothing"
    assert len(project.releases) == 1


def test_no_tag_is_ever_made(project: Project) -> None:
    project.tags.clear()
    with pytest.raises(ServiceError, match="HTTP 422") as refused:
        releases(project).create(PAGE)
    assert refused.value.hint == "is the tag in the project?"
    assert project.releases == {}


def test_a_tag_that_was_moved_is_told(project: Project) -> None:
    project.tags[TAG] = "e" * 40
    with pytest.raises(ServiceError, match="another commit"):
        releases(project).create(PAGE)
    with pytest.raises(RefusedError, match="another commit"):
        run(PAGE, releases(project), dry_run=False)


def test_a_person_s_token_is_never_sent_as_a_job_s(project: Project) -> None:
    with pytest.raises(CredentialError, match="not accepted"):
        releases(project, token=TOKEN).create(PAGE)
    with pytest.raises(CredentialError, match="CI_JOB_TOKEN holds no access token"):
        releases(project, token="")


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (401, {}, b"{}", CredentialError),
        (403, {}, b"{}", PermissionDenied),
        (302, {"Location": "http://127.0.0.1:9/"}, b"", ConfigError),
        (200, {}, b"<html>Sign in</html>", ServiceError),
        (200, {}, b'{"tag_name": "release/v1.4.2", "descr', ServiceError),
        (200, {}, b"[" * 5_000_000, ServiceError),
        (200, {}, b"[]", ServiceError),
        (200, {}, json.dumps({"tag_name": "v9"}).encode(), ServiceError),
        (200, {}, json.dumps({"tag_name": TAG, "assets": {"links": []}}).encode(), ServiceError),
        (200, {}, json.dumps({"tag_name": TAG, "commit": {"id": COMMIT}, "assets": {}}).encode(), ServiceError),
        (
            200,
            {},
            json.dumps({"tag_name": TAG, "commit": {"id": COMMIT}, "assets": {"links": [{"name": "a"}]}}).encode(),
            ServiceError,
        ),
        (418, {}, JOB_TOKEN.encode(), ServiceError),
    ],
)
def test_a_bad_answer_is_one_error_and_never_an_absent_release(
    project: Project, status: int, headers: dict[str, str], body: bytes, expected: type[ReleaseError]
) -> None:
    project.bad = [(status, headers, body)]
    with pytest.raises(expected) as refused:
        releases(project).find(TAG)
    assert JOB_TOKEN not in f"{refused.value.message} {refused.value.hint} {refused.value.evidence}"
    assert len(project.asked) == 1


def test_an_answer_that_is_cut_off_is_asked_for_again(project: Project) -> None:
    releases(project).create(PAGE)
    project.bad = [(200, {"Content-Length": "1000"}, b'{"tag_name"'), (429, {"Retry-After": "1"}, b"")]
    assert releases(project).find(TAG) == PAGE


def test_a_project_that_is_not_there_is_an_error_when_a_release_is_to_be_made(project: Project) -> None:
    elsewhere = Place(api=f"{project.url}/api/v4", project="acme/other", stated="a test")
    with pytest.raises(NotFoundError, match="acme/other"):
        GitLabReleases(elsewhere, token=JOB_TOKEN).create(PAGE)


def test_release_toml_says_which_project_before_a_variable_does() -> None:
    job = {"CI_API_V4_URL": "https://gitlab.example.com/api/v4/", "CI_PROJECT_ID": "42"}
    assert place_of(None, job).api == "https://gitlab.example.com/api/v4"
    named = place_of(GitLab(url="https://git.example.com/", project="acme/tag"), job)
    assert (named.api, named.project) == ("https://git.example.com/api/v4", "acme/tag")


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"CI_API_V4_URL": "https://gitlab.example.com/api/v4"},
        {"CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_PROJECT_ID": "../1"},
        {"CI_API_V4_URL": "http://gitlab.example.com/api/v4", "CI_PROJECT_ID": "42"},
        {"CI_API_V4_URL": "https://user:pass@gitlab.example.com/api/v4", "CI_PROJECT_ID": "42"},
        {"CI_API_V4_URL": "https://gitlab.example.com/api?x=", "CI_PROJECT_ID": "42"},
    ],
)
def test_no_token_goes_to_an_address_that_is_not_clear_and_safe(job: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        place_of(None, job)
