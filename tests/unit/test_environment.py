"""What a log entry says of the pipeline: opaque ids, never a person or a secret."""

import pytest

from release.adapters.environment import pipeline

GITLAB = {
    "CI_PIPELINE_URL": "https://gitlab.example.com/acme/tag/-/pipelines/184",
    "CI_PIPELINE_ID": "184",
    "CI_JOB_ID": "9921",
    "GITLAB_USER_ID": "1042",
    "GITLAB_USER_EMAIL": "jane@example.com",
    "GITLAB_USER_NAME": "Jane",
    "CI_JOB_TOKEN": "canary-77aa",
}


def test_a_gitlab_job_is_named_by_its_ids() -> None:
    found = pipeline(GITLAB)
    assert (found.url, found.id_, found.job) == (GITLAB["CI_PIPELINE_URL"], "184", "9921")
    assert found.actor == "u:1042"


def test_no_person_and_no_secret_is_taken() -> None:
    text = repr(pipeline(GITLAB))
    assert not [word for word in ("Jane", "jane@", "canary") if word in text]


def test_outside_a_pipeline_only_the_tool_is_named() -> None:
    found = pipeline({})
    assert (found.url, found.id_, found.job, found.actor) == (None, None, None, None)
    assert found.tool.startswith("release ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CI_PIPELINE_URL", "javascript:alert(1)"),
        ("CI_PIPELINE_URL", "http://gitlab.example.com/x"),
        ("CI_PIPELINE_URL", "https://x/" + "y" * 600),
        ("CI_PIPELINE_ID", "1\n2"),
        ("CI_JOB_ID", "$(id)"),
    ],
)
def test_a_value_that_is_no_id_is_left_out(name: str, value: str) -> None:
    found = pipeline({name: value})
    assert (found.url, found.id_, found.job) == (None, None, None)
