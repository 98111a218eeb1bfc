"""release keys check: an account that is right, and each way in which it can be wrong."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from release.adapters.embedded.aws import AccessKey, EmbeddedAws
from tests.functional.applied_keys import GITLAB, Applied, applied
from tests.functional.conftest import Run
from tests.functional.embedded import account
from tests.functional.library import Library

pytestmark = pytest.mark.moto
ANYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]}
)


@pytest.fixture
def users(library: Library, run: Run) -> Iterator[Applied]:
    with EmbeddedAws() as aws:
        yield applied(aws, library, run)


@pytest.fixture
def roles(library: Library, run: Run) -> Iterator[Applied]:
    library.write("release.toml", (library.folder / "release.toml").read_text() + GITLAB)
    with EmbeddedAws() as aws:
        yield applied(aws, library, run)


def new_version(at: Applied, name: str, change: Callable[[Any], None]) -> None:
    policy = json.loads(json.dumps({"boundary": at.policies.boundary, **at.policies.stages}[name]))
    change(policy["Statement"])
    arn = at.policies.identities.policy_arn(name)
    at.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(policy), SetAsDefault=True)


def new_bucket_policy(at: Applied, change: Callable[[Any], None]) -> None:
    policy = json.loads(json.dumps(at.policies.buckets["site-bucket"]))
    change(policy["Statement"])
    at.s3.put_bucket_policy(Bucket="site", Policy=json.dumps(policy))


def widen(statements: Any) -> None:  # noqa: ANN401 - JSON
    statements[0]["Action"].append("s3:PutObjectAcl")


def add_to_group(at: Applied) -> None:
    at.iam.create_group(GroupName="admins")
    at.iam.add_user_to_group(GroupName="admins", UserName="tag-promote")


def allow_others(statements: Any) -> None:  # noqa: ANN401 - JSON
    del statements[2]
    statements.append(
        {
            "Sid": "Backup",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:role/x"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::site/*",
        }
    )


# Each is done on top of the ones before, and adds exactly the findings that it names.
DRIFTS: list[tuple[Callable[[Applied], object], list[str]]] = [
    (
        lambda at: new_version(at, "publish", widen),
        ["publish: the policy tag-publish is not the rendered one: CreateVersionsAndNeverOverwrite: Action"],
    ),
    (
        lambda at: new_version(at, "boundary", lambda statements: statements.pop()),
        ["all stages: the policy tag-boundary is not the rendered one: it lacks the statement RotateNotItsOwn"],
    ),
    (
        lambda at: at.iam.put_user_policy(UserName="tag-record", PolicyName="more", PolicyDocument=ANYTHING),
        ["record: it has an inline policy: more"],
    ),
    (
        lambda at: at.iam.attach_user_policy(
            UserName="tag-record", PolicyArn=at.policies.identities.policy_arn("promote")
        ),
        ["record: it has another policy besides its own: arn:aws:iam::123456789012:policy/release/tag/tag-promote"],
    ),
    (add_to_group, ["promote: it is in the group admins"]),
    (
        lambda at: at.iam.delete_user_permissions_boundary(UserName="tag-promote"),
        ["promote: its permissions boundary is missing"],
    ),
    (
        lambda at: at.iam.detach_user_policy(
            UserName="tag-invalidate", PolicyArn=at.policies.identities.policy_arn("invalidate")
        ),
        ["invalidate: its policy arn:aws:iam::123456789012:policy/release/tag/tag-invalidate is not attached"],
    ),
    (
        lambda at: at.iam.create_access_key(UserName="tag-invalidate"),
        ["invalidate: it has 2 active keys: "],
    ),
    (
        lambda at: at.iam.update_access_key(UserName="tag-rotate", AccessKeyId=at.keys["rotate"].id, Status="Inactive"),
        ["rotate: it has no active key", "rotate: its key AKIA"],
    ),
    (
        lambda at: new_bucket_policy(at, allow_others),
        [
            "all stages: the policy of the bucket site: it lacks the statement NothingIsDeletedReplacedOrShared",
            "all stages: the policy of the bucket site lets others s3:PutObject (statement Backup)",
        ],
    ),
    (
        lambda at: at.s3.delete_bucket_policy(Bucket="release-log"),
        ["all stages: the bucket release-log has no policy"],
    ),
]


def test_what_is_as_rendered_has_no_finding_and_each_drift_has_its_own(users: Applied) -> None:
    before = users.findings()
    assert before == []
    for drift, expected in DRIFTS:
        drift(users)
        after = users.findings()
        new = [text for text in after if text not in before]
        assert len(new) == len(expected), (new, expected)
        assert all(text.startswith(start) for text, start in zip(sorted(new), sorted(expected), strict=True)), new
        assert set(before) <= set(after)
        before = after


def test_the_report_for_people_names_what_is_wrong_and_what_to_do(users: Applied) -> None:
    fine = users.as_(users.keys["audit"], "keys", "check")
    assert (fine.code, fine.out) == (
        0,
        "users of tag in 123456789012: all as rendered: publish, record, promote, invalidate, collect, audit, rotate\n",
    )
    users.iam.delete_access_key(UserName="tag-rotate", AccessKeyId=users.keys["rotate"].id)
    wrong = users.as_(users.keys["audit"], "keys", "check")
    assert (wrong.code, wrong.out) == (15, "")
    assert "rotate: it has no active key" in wrong.err
    assert "next: run `release keys rotate rotate`" in wrong.err


def test_what_keys_provision_made_is_as_rendered(library: Library, run: Run, tmp_path: Path) -> None:
    with account(library, run, tmp_path / "keys") as made:
        ended = made.as_("audit", "keys check")
        assert ended.code == 0, ended


def test_an_old_key_is_found(users: Applied, library: Library) -> None:
    """The age itself is tested without a server; here, that it is read and held against release.toml."""
    from moto.iam.models import iam_backends  # noqa: PLC0415 - an optional package

    for key in iam_backends["123456789012"]["aws"].users["tag-publish"].access_keys:
        key.create_date = key.create_date.replace(year=key.create_date.year - 1)
    text = (library.folder / "release.toml").read_text()
    library.write("release.toml", text + "\n[keys]\nmax-age-days = 30\n")
    (found,) = users.findings()
    assert found.startswith(f"publish: its key {users.keys['publish'].id} is 36")
    assert found.endswith("days old, at most 30 are allowed")


def test_what_may_not_be_looked_at_is_a_finding(users: Applied) -> None:
    new_version(users, "audit", lambda statements: statements.pop())
    found = users.findings()
    assert any(
        text.startswith("all stages: it cannot be looked at: the key of the audit stage may not") for text in found
    )
    assert len(found) == 3  # the policy itself, and two buckets


def test_roles_are_held_against_their_trust_policies(roles: Applied) -> None:
    admin: AccessKey = roles.aws.admin
    assert roles.findings(admin) == []
    trust = json.loads(json.dumps(roles.policies.trust["promote"]).replace("acme/tag", "acme/other"))
    roles.iam.update_assume_role_policy(RoleName="tag-promote", PolicyDocument=json.dumps(trust))
    roles.iam.put_role_policy(RoleName="tag-record", PolicyName="more", PolicyDocument=ANYTHING)
    roles.iam.delete_role_permissions_boundary(RoleName="tag-publish")
    found = roles.findings(admin)
    assert any(
        text.startswith("promote: who may take its role: JobsOfOneProjectAndOneStage: Condition") for text in found
    )
    assert "record: it has an inline policy: more" in found
    assert any(text.startswith("publish: its permissions boundary is missing") for text in found)
    assert {text.partition(":")[0] for text in found} == {"promote", "record", "publish"}


def test_a_job_with_a_role_is_told_whose_it_is(roles: Applied) -> None:
    """The embedded AWS has no issuer, so the administrator takes the role."""
    owned, sts = roles.policies.identities, roles.aws.session().client("sts", endpoint_url=roles.aws.endpoint)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    roles.iam.update_assume_role_policy(RoleName=owned.name("publish"), PolicyDocument=policy)
    taken = sts.assume_role(RoleArn=owned.arn("publish"), RoleSessionName="release-1-2")["Credentials"]
    key, token = AccessKey(id=taken["AccessKeyId"], secret=taken["SecretAccessKey"]), taken["SessionToken"]
    right = roles.as_(key, "keys", "check", "--stage", "publish", AWS_SESSION_TOKEN=token)
    assert right.code == 0, right
    assert "assumed-role/tag-publish/release-1-2" in right.out
    wrong = roles.as_(key, "keys", "check", "--stage", "promote", AWS_SESSION_TOKEN=token)
    assert (wrong.code, wrong.out) == (8, "")
    assert "the key in hand is the publish stage's, not the promote stage's" in wrong.err


def test_a_job_is_told_when_its_key_is_another_stages(users: Applied) -> None:
    right = users.as_(users.keys["publish"], "keys", "check", "--stage", "publish")
    assert (right.code, right.out) == (
        0,
        "the key is the publish stage's: arn:aws:iam::123456789012:user/release/tag/tag-publish\n",
    )
    for stage, key in (("promote", users.keys["publish"]), ("promote", users.aws.admin)):
        wrong = users.as_(key, "keys", "check", "--stage", stage)
        assert (wrong.code, wrong.out) == (8, "")
        assert "the promote stage's" in wrong.err
        assert key.secret not in wrong.err


def test_a_second_key_in_the_environment_is_refused_before_anything_is_asked(run: Run) -> None:
    one = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE22", "AWS_SECRET_ACCESS_KEY": "canary-1"}
    ended = run("keys", "check", "--stage", "publish", **one, PROMOTE_KEY="AKIA222222222EXAMPLE")
    assert (ended.code, ended.out) == (8, "")
    assert "PROMOTE_KEY holds the id of an access key" in ended.err
    assert "AKIA222222222EXAMPLE" not in ended.err
    assert "canary-1" not in ended.err


def test_a_stage_with_another_stages_role_does_not_start(run: Run) -> None:
    variables = {
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/release/tag/tag-promote",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
        "AWS_ROLE_SESSION_NAME": "release-1-2",
    }
    ended = run("record", "promote", "--version", "1.0.0", **variables)
    assert ended.code == 8
    assert "AWS_ROLE_ARN is the role of the promote stage" in ended.err


def test_an_unknown_stage_is_answered_with_those_there_are(run: Run) -> None:
    ended = run("keys", "check", "--stage", "pblish")
    assert ended.code == 3
    assert "there are: publish, record" in ended.err
