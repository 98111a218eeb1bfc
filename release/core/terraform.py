"""The keys as a Terraform configuration in JSON syntax, for a file `*.tf.json`.

Every string in it is a template (https://developer.hashicorp.com/terraform/language/syntax/json), so that what
is meant literally is escaped (https://developer.hashicorp.com/terraform/language/expressions/strings). No access
key is in it: Terraform would keep its secret in the state.
"""

from typing import Any, Final

from release.core.identities import BOUNDARY
from release.core.key_resources import SHARED_BUCKETS, KeyResources
from release.core.keypolicy import Policy, compact

Block = dict[str, Any]

SWITCH: Final = "bucket_policies"
_SESSION_SECONDS: Final = 3600


def terraform(found: KeyResources) -> dict[str, Any]:
    """Give the configuration; the provider must be of the owner's account."""
    owned = found.identities
    managed = {} if found.boundary is None else {BOUNDARY: found.boundary}
    resources: dict[str, dict[str, Block]] = {
        "aws_iam_policy": {name: _managed(found, name, p) for name, p in {**managed, **found.stages}.items()},
        f"aws_iam_{owned.noun}": {stage: _identity(found, stage) for stage in found.stages},
        f"aws_iam_{owned.noun}_policy_attachment": {stage: _attachment(owned.noun, stage) for stage in found.stages},
        "aws_s3_bucket_policy": {
            name: {
                "//": SHARED_BUCKETS,
                "count": f"${{var.{SWITCH} ? 1 : 0}}",
                "bucket": literal(policy.bucket),
                "policy": literal(compact(policy.document)),
            }
            for name, policy in found.buckets.items()
        },
    }
    configuration: dict[str, Any] = {
        "//": f"js-release: the keys of {owned.owner}, for account {owned.account} only",
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
    }
    if found.buckets:
        described = "Replace the buckets' policies; false, where libraries share a bucket."
        configuration["variable"] = {SWITCH: {"type": "bool", "default": True, "description": described}}
    return {**configuration, "resource": {kind: blocks for kind, blocks in resources.items() if blocks}}


def literal(text: str) -> str:
    """Write text so that Terraform takes it as it is."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _managed(found: KeyResources, name: str, policy: Policy) -> Block:
    owned = found.identities
    return {"name": literal(owned.name(name)), "path": literal(owned.path), "policy": literal(compact(policy))}


def _identity(found: KeyResources, stage: str) -> Block:
    owned = found.identities
    cap = literal(owned.policy_arn(BOUNDARY)) if found.boundary is None else f"${{aws_iam_policy.{BOUNDARY}.arn}}"
    block = {"name": literal(owned.name(stage)), "path": literal(owned.path), "permissions_boundary": cap}
    if owned.kind == "users":
        return block
    trust = literal(compact(found.trust[stage]))
    return {**block, "assume_role_policy": trust, "max_session_duration": _SESSION_SECONDS}


def _attachment(noun: str, stage: str) -> Block:
    return {noun: f"${{aws_iam_{noun}.{stage}.name}}", "policy_arn": f"${{aws_iam_policy.{stage}.arn}}"}
