"""The keys as a CloudFormation template: identities, their policies, the boundary, the buckets' policies.

No access key is in it: CloudFormation would show its secret to whoever may read the stack.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_IAM.html
"""

from typing import Any, Final

from release.core.identities import BOUNDARY
from release.core.key_resources import SHARED_BUCKETS, BucketPolicy, KeyResources
from release.core.keypolicy import Policy

Resource = dict[str, Any]

SWITCH: Final = "BucketPolicies"
_BOUNDARY: Final = "BoundaryPolicy"
_SESSION_SECONDS: Final = 3600


def cloudformation(found: KeyResources) -> dict[str, Any]:
    """Give the template; deploy it with `--capabilities CAPABILITY_NAMED_IAM`."""
    owned = found.identities
    resources: dict[str, Resource] = {}
    if found.boundary is not None:
        resources[_BOUNDARY] = _managed(found, BOUNDARY, found.boundary)
    for stage, policy in found.stages.items():
        resources[f"{stage.capitalize()}Policy"] = _managed(found, stage, policy)
        resources[stage.capitalize()] = _identity(found, stage)
    for name, of_bucket in found.buckets.items():
        resources[f"{name.title().replace('-', '')}Policy"] = _bucket(of_bucket)
    template: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"js-release: the keys of {owned.owner}, for account {owned.account} only",
    }
    if found.buckets:
        template["Parameters"] = {
            SWITCH: {
                "Type": "String",
                "AllowedValues": ["yes", "no"],
                "Default": "yes",
                "Description": "Replace the buckets' policies; no, where libraries share a bucket.",
            }
        }
        template["Conditions"] = {SWITCH: {"Fn::Equals": [{"Ref": SWITCH}, "yes"]}}
    return {**template, "Resources": resources}


def _managed(found: KeyResources, name: str, policy: Policy) -> Resource:
    owned = found.identities
    properties = {"ManagedPolicyName": owned.name(name), "Path": owned.path, "PolicyDocument": policy}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def _identity(found: KeyResources, stage: str) -> Resource:
    owned = found.identities
    capped = {
        "Path": owned.path,
        # The Ref of a managed policy is its ARN.
        "PermissionsBoundary": owned.policy_arn(BOUNDARY) if found.boundary is None else {"Ref": _BOUNDARY},
        "ManagedPolicyArns": [{"Ref": f"{stage.capitalize()}Policy"}],
    }
    if owned.kind == "users":
        return {"Type": "AWS::IAM::User", "Properties": {"UserName": owned.name(stage), **capped}}
    trusted = {"AssumeRolePolicyDocument": found.trust[stage], "MaxSessionDuration": _SESSION_SECONDS}
    return {"Type": "AWS::IAM::Role", "Properties": {"RoleName": owned.name(stage), **trusted, **capped}}


def _bucket(policy: BucketPolicy) -> Resource:
    """Describe a bucket's policy; deleting the stack must not leave published files without it."""
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Condition": SWITCH,
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Metadata": {"SharedBuckets": SHARED_BUCKETS},
        "Properties": {"Bucket": policy.bucket, "PolicyDocument": policy.document},
    }
