"""A GitLab job of a branch or tag that is not protected: no command takes a key there."""

import pytest

from tests.functional.conftest import Run
from tests.functional.library import SIGNING

KEY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE22", "AWS_SECRET_ACCESS_KEY": "canary-secret"}
CLOSED = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
COMMANDS = (
    "status",
    "log list",
    "promote",
    "record collect",
    "yank 1.0.0 --reason broken",
    "keys check",
    "keys provision --credentials-file keys",
    "log witness . --key release.vkey --memory memory",
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("protected", [{}, {"CI_COMMIT_REF_PROTECTED": "false"}], ids=["not said", "false"])
def test_no_command_takes_a_key_on_a_ref_that_is_not_protected(
    run: Run, command: str, protected: dict[str, str]
) -> None:
    ended = run(*command.split(), **KEY, **CLOSED, **SIGNING, **protected, GITLAB_CI="true")
    assert (ended.code, ended.out) == (8, "")
    assert "does not start in a GitLab job whose branch or tag is not protected" in ended.err
