"""Keys that go from IAM into a GitLab project's variables and never through a file."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from release.adapters.keyring import Keyring
from release.core.identities import STAGES
from release.errors import CredentialError, NothingToDoError
from tests.fakes.gitlab_project import TOKEN, Project
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import Account, account
from tests.functional.library import Library

pytestmark = pytest.mark.moto


@pytest.fixture
def project() -> Iterator[Project]:
    with Project() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path, project: Project) -> Iterator[Account]:
    toml = (library.folder / "release.toml").read_text()
    gitlab = f'\n[keys]\nidentities = "users"\n\n[keys.gitlab]\nurl = "{project.url}"\nproject = "acme/tag"\n'
    library.write("release.toml", toml + gitlab)
    with account(library, run, tmp_path / "keys") as opened:
        yield opened


def test_a_key_is_renewed_into_gitlab_and_the_new_one_publishes(tag: Account, project: Project) -> None:
    provisioner = Keyring(tag.keys.with_name("provision-key"), "tag").variables("provision")
    told: list[Ended] = []

    def go(*arguments: str, token: str = TOKEN, **key: str) -> Ended:
        told.append(tag.run(*arguments, "--gitlab", RELEASE_GITLAB_TOKEN=token, **tag.endpoint, **key))
        return told[-1]

    # The account's keys are in a file: GitLab has none, and their secrets cannot be read again.
    refused = go("keys", "provision", **provisioner)
    assert refused.code not in {0, 1, 2}
    assert "the user of the publish stage already has the access key" in refused.err
    # An administrator takes the old keys away; then the same command fills GitLab.
    iam = tag.aws.session().client("iam", endpoint_url=tag.aws.endpoint)
    for stage in (*STAGES, "rotate"):
        for key in iam.list_access_keys(UserName=f"tag-{stage}")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=f"tag-{stage}", AccessKeyId=key["AccessKeyId"])
    assert go("keys", "provision", token="glpat-wrong", **provisioner).code == CredentialError.exit_code
    assert go("keys", "provision", **provisioner).code == 0, told[-1]
    assert go("keys", "provision", **provisioner).out == "all keys and policies are as they should be\n"
    scopes = {scope for name, scope in project.variables if name == "AWS_SECRET_ACCESS_KEY"}
    assert scopes == {f"release/{stage}" for stage in (*STAGES, "rotate")}

    def variables(stage: str) -> dict[str, str]:
        return {name: row["value"] for (name, scope), row in project.variables.items() if scope == f"release/{stage}"}

    old = variables("publish")
    tag.library.release("1.0.0", "window.tag = 1;\n")
    assert tag.as_("", "build").code == 0
    assert go("keys", "rotate", "--due", **variables("rotate")).code == NothingToDoError.exit_code
    assert go("keys", "rotate", "publish", **variables("rotate")).code == 0, told[-1]
    new = variables("publish")
    assert new["AWS_ACCESS_KEY_ID"] != old["AWS_ACCESS_KEY_ID"]
    assert tag.run("publish", **tag.endpoint, **old).code == CredentialError.exit_code
    assert tag.run("publish", **tag.endpoint, **new).code == 0
    secrets = [row["value"] for (name, _), row in project.variables.items() if "SECRET" in name]
    said = "".join(ended.out + ended.err for ended in told)
    assert not [secret for secret in [*secrets, old["AWS_SECRET_ACCESS_KEY"], TOKEN] if secret in said]
