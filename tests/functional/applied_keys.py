"""All that `keys render` prints, put into an embedded AWS by its administrator."""

import json
from dataclasses import dataclass
from typing import Any

from release.adapters import resources
from release.adapters.embedded.aws import ACCOUNT, AccessKey, EmbeddedAws
from release.core.config import parse
from release.core.identities import BOUNDARY
from release.core.keypolicy import Policies, policies
from tests.functional.conftest import Ended, Run
from tests.functional.library import Library

GITLAB = '\n[keys.gitlab]\nurl = "https://gitlab.example.com"\nproject = "acme/tag"\n'
BUCKETS = {"site-bucket": "site", "log-bucket": "release-log"}


@dataclass(kw_only=True)
class Applied:
    """An account in which everything is as rendered."""

    aws: EmbeddedAws
    run: Run
    policies: Policies
    keys: dict[str, AccessKey]
    iam: Any
    s3: Any

    def as_(self, key: AccessKey, *command: str, **more: str) -> Ended:
        own = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
        return self.run(*command, AWS_ENDPOINT_URL=self.aws.endpoint, **own, **more)

    def findings(self, key: AccessKey | None = None) -> list[str]:
        """What `keys check` finds, with the audit key unless another is given."""
        ended = self.as_(key or self.keys["audit"], "keys", "check", "--json")
        assert ended.code in {0, 15}, ended
        found = json.loads(ended.out)["findings"]
        assert (ended.code == 15) == bool(found)
        assert all(one["stage"] and one["remedy"] for one in found)
        return [f"{one['stage']}: {one['what']}" for one in found]


def applied(aws: EmbeddedAws, library: Library, run: Run) -> Applied:
    config = parse((library.folder / "release.toml").read_bytes())
    made = policies(config, account=ACCOUNT, template=lambda file: resources.text("keys-policy", file))
    owned = made.identities
    iam = aws.session().client("iam", endpoint_url=aws.endpoint)
    s3 = aws.session().client("s3", endpoint_url=aws.endpoint)
    for name, policy in {BOUNDARY: made.boundary, **made.stages}.items():
        iam.create_policy(PolicyName=owned.name(name), Path=owned.path, PolicyDocument=json.dumps(policy))
    keys = {}
    for stage in owned.stages:
        name, cap, arn = owned.name(stage), owned.policy_arn(BOUNDARY), owned.policy_arn(stage)
        if owned.kind == "users":
            iam.create_user(UserName=name, Path=owned.path, PermissionsBoundary=cap)
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
            key = iam.create_access_key(UserName=name)["AccessKey"]
            keys[stage] = AccessKey(id=key["AccessKeyId"], secret=key["SecretAccessKey"])
        else:
            trust = json.dumps(made.trust[stage])
            iam.create_role(RoleName=name, Path=owned.path, PermissionsBoundary=cap, AssumeRolePolicyDocument=trust)
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for policy_name, bucket in BUCKETS.items():
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(made.buckets[policy_name]))
    return Applied(aws=aws, run=run, policies=made, keys=keys, iam=iam, s3=s3)
