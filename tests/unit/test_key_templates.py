"""The templates for a platform team's own tools hold the same documents as `keys render` prints."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint import ManualArgs, lint

from release.core.cloudformation import cloudformation
from release.core.identities import BOUNDARY
from release.core.key_resources import key_resources
from release.core.terraform import literal, terraform
from release.errors import ConfigError
from tests.fakes import examples
from tests.unit.test_keypolicy import OWNERS, made

owners = pytest.mark.parametrize("owner", OWNERS)


def expected(owner: str) -> dict[str, Any]:
    """All policies by name, but for the one of whoever runs `keys provision`."""
    return {name: policy for name, policy in made(OWNERS[owner]).named().items() if name != "provision"}


def cloud(owner: str, only: str | None = None) -> dict[str, Any]:
    return cloudformation(key_resources(OWNERS[owner], made(OWNERS[owner]), only))


def terra(owner: str, only: str | None = None) -> dict[str, Any]:
    return terraform(key_resources(OWNERS[owner], made(OWNERS[owner]), only))


def understood(text: str) -> str:
    """Read a string of Terraform that must hold no expression."""
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", text), text
    return text.replace("$${", "${").replace("%%{", "%{")


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in strings(part))
    elif isinstance(value, list):
        yield from (text for item in value for text in strings(item))
    elif isinstance(value, str):
        yield value


@owners
def test_cfn_lint_has_nothing_to_say(owner: str) -> None:
    found = lint(json.dumps(cloud(owner), indent=2), config=ManualArgs(regions=["eu-west-1"]))
    assert [str(match) for match in found] == []


def test_cfn_lint_would_say_something() -> None:
    template = cloud("roles")
    del template["Resources"]["Publish"]["Properties"]["AssumeRolePolicyDocument"]
    assert lint(json.dumps(template), config=ManualArgs(regions=["eu-west-1"]))


@owners
def test_cloudformation_holds_the_same_documents(owner: str) -> None:
    resources = cloud(owner)["Resources"]
    found = {}
    for name, resource in resources.items():
        properties = resource["Properties"]
        stem = name.removesuffix("Policy")
        if resource["Type"] == "AWS::S3::BucketPolicy":
            found["-".join(re.findall("[A-Z][a-z]+", stem)).lower()] = properties["PolicyDocument"]
        elif resource["Type"] == "AWS::IAM::ManagedPolicy":
            found[stem.lower()] = properties["PolicyDocument"]
        elif resource["Type"] == "AWS::IAM::Role":
            found[f"trust-{name.lower()}"] = properties["AssumeRolePolicyDocument"]
    assert found == expected(owner)


@owners
def test_cloudformation_caps_each_identity_and_gives_it_its_own_policy_only(owner: str) -> None:
    owned, resources = made(OWNERS[owner]).identities, cloud(owner)["Resources"]
    for stage in owned.stages:
        name, policy = stage.capitalize(), f"{stage.capitalize()}Policy"
        properties = resources[name]["Properties"]
        assert properties["PermissionsBoundary"] == {"Ref": "BoundaryPolicy"}
        assert properties["ManagedPolicyArns"] == [{"Ref": policy}]
        assert properties["Path"] == resources[policy]["Properties"]["Path"] == owned.path
        assert properties[f"{owned.noun.capitalize()}Name"] == owned.name(stage)
        assert resources[policy]["Properties"]["ManagedPolicyName"] == owned.name(stage)
    assert resources["BoundaryPolicy"]["Properties"]["ManagedPolicyName"] == owned.name(BOUNDARY)
    assert {r["Type"] for r in resources.values()} <= {
        "AWS::IAM::ManagedPolicy",
        f"AWS::IAM::{owned.noun.capitalize()}",
        "AWS::S3::BucketPolicy",
    }


@owners
def test_terraform_holds_the_same_documents(owner: str) -> None:
    resources = terra(owner)["resource"]
    found = {name: block["policy"] for name, block in resources["aws_iam_policy"].items()}
    found |= {name: block["policy"] for name, block in resources["aws_s3_bucket_policy"].items()}
    roles = resources.get("aws_iam_role", {})
    found |= {f"trust-{name}": block["assume_role_policy"] for name, block in roles.items()}
    assert {name: json.loads(understood(text)) for name, text in found.items()} == expected(owner)


@owners
def test_terraform_caps_each_identity_and_gives_it_its_own_policy_only(owner: str) -> None:
    owned, resources = made(OWNERS[owner]).identities, terra(owner)["resource"]
    noun = owned.noun
    assert set(resources[f"aws_iam_{noun}"]) == set(owned.stages)
    for stage, block in resources[f"aws_iam_{noun}"].items():
        assert block["permissions_boundary"] == "${aws_iam_policy.boundary.arn}"
        assert (block["name"], block["path"]) == (owned.name(stage), owned.path)
        assert resources["aws_iam_policy"][stage]["name"] == owned.name(stage)
    assert resources[f"aws_iam_{noun}_policy_attachment"] == {
        stage: {noun: f"${{aws_iam_{noun}.{stage}.name}}", "policy_arn": f"${{aws_iam_policy.{stage}.arn}}"}
        for stage in owned.stages
    }


@owners
def test_every_reference_of_terraform_is_to_something_that_is_there(owner: str) -> None:
    configuration = terra(owner)
    for text in strings(configuration):
        for kind, name in re.findall(r"(?<!\$)\$\{(\w+)\.(\w+)", text):
            assert name in (configuration["variable"] if kind == "var" else configuration["resource"][kind]), text


def test_text_that_looks_like_an_expression_stays_text() -> None:
    assert literal("arn:${aws:username}/%{if}") == "arn:$${aws:username}/%%{if}"
    assert understood(literal("arn:${aws:username}/%{if}")) == "arn:${aws:username}/%{if}"


@owners
def test_no_template_makes_an_access_key(owner: str) -> None:
    for template in (cloud(owner), terra(owner)):
        assert not {"AWS::IAM::AccessKey", "aws_iam_access_key"} & set(strings(template))


def test_a_part_names_the_boundary_that_it_does_not_hold() -> None:
    arn = made().identities.policy_arn(BOUNDARY)
    part = cloud("users", "publish")["Resources"]
    assert set(part) == {"PublishPolicy", "Publish"}
    assert part["Publish"]["Properties"]["PermissionsBoundary"] == arn
    blocks = terra("users", "publish")["resource"]
    assert blocks["aws_iam_user"]["publish"]["permissions_boundary"] == arn
    assert set(cloud("users", "log-bucket")["Resources"]) == {"LogBucketPolicy"}
    assert set(terra("users", "log-bucket")["resource"]) == {"aws_s3_bucket_policy"}
    assert "Parameters" not in cloud("users", "boundary")


@pytest.mark.parametrize("only", ["provision", "trust-publish", "pblish"])
def test_what_no_template_can_hold_alone_is_answered_with_what_it_can(only: str) -> None:
    with pytest.raises(ConfigError, match="no template holds") as caught:
        cloud("roles", only)
    assert (
        caught.value.hint
        == "there are: publish, record, promote, invalidate, collect, audit, boundary, site-bucket, log-bucket"
    )


def test_bucket_policies_can_be_switched_off_and_say_why() -> None:
    template, blocks = cloud("users"), terra("users")
    for name in ("SiteBucketPolicy", "LogBucketPolicy"):
        assert template["Resources"][name]["Condition"] in template["Conditions"]
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"
        assert "same Sid" in template["Resources"][name]["Metadata"]["SharedBuckets"]
    for block in blocks["resource"]["aws_s3_bucket_policy"].values():
        assert block["count"] == "${var.bucket_policies ? 1 : 0}"
        assert "same Sid" in block["//"]


def test_two_libraries_of_one_bucket_have_a_policy_together() -> None:
    """What the templates say of shared buckets: the same Sid is the same statement."""
    mine = made().buckets["site-bucket"]["Statement"]
    theirs = made(examples.config(library={"name": "other"})).buckets["site-bucket"]["Statement"]
    together = {statement["Sid"]: statement for statement in [*mine, *theirs]}
    assert all(together[statement["Sid"]] == statement for statement in [*mine, *theirs])
    assert len(together) < len(mine) + len(theirs)
