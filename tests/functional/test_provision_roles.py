"""`keys provision` of roles on an embedded AWS, with exactly the provision key's policy enforced."""

import json
from pathlib import Path

import pytest

from release.adapters.embedded.aws import EmbeddedAws
from release.adapters.keyring import Keyring
from release.errors import NotFoundError
from tests.functional.applied_keys import BUCKETS, GITLAB
from tests.functional.conftest import Ended, Run
from tests.functional.library import Library

pytestmark = pytest.mark.moto


def test_roles_are_made_by_the_provision_key_alone(library: Library, run: Run, tmp_path: Path) -> None:
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml + GITLAB)
    mine = tmp_path / "provision-key"
    with EmbeddedAws() as aws:

        def provision(*more: str) -> Ended:
            key = Keyring(mine, "tag").variables("provision") if mine.exists() else {}
            administrator = {"AWS_ACCESS_KEY_ID": aws.admin.id, "AWS_SECRET_ACCESS_KEY": aws.admin.secret}
            used = administrator if "--foundation" in more else key
            return run("keys", "provision", *more, AWS_ENDPOINT_URL=aws.endpoint, **used)

        s3 = aws.session().client("s3", endpoint_url=aws.endpoint)
        iam = aws.session().client("iam", endpoint_url=aws.endpoint)
        for bucket in BUCKETS.values():
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        foundation = ("--foundation", "--credentials-file", str(mine))
        early = provision(*foundation)
        assert early.code == NotFoundError.exit_code
        assert "release-publish" in early.err
        stages = ("publish", "record", "promote", "invalidate", "collect", "audit")
        iam.create_open_id_connect_provider(
            Url="https://gitlab.example.com", ClientIDList=[f"release-{stage}" for stage in stages]
        )
        assert provision(*foundation).code == 0
        made = provision("--json")
        assert made.code == 0, made
        kinds = [change["kind"] for change in json.loads(made.out)["changes"]]
        assert kinds == ["policy", "create", "attach"] * len(stages)
        assert provision().out == "all keys and policies are as they should be\n"
        role = iam.get_role(RoleName="tag-promote")["Role"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("policy/release/tag/tag-boundary")
        other = iam.get_role(RoleName="tag-publish")["Role"]["AssumeRolePolicyDocument"]
        iam.update_assume_role_policy(RoleName="tag-promote", PolicyDocument=json.dumps(other))
        assert provision().out == "did replace who may take the role of promote\n"
