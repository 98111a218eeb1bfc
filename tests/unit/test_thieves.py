"""Thieves, each with one stolen key, at the evaluator: what the conditions, IAM and CloudFront leave them.

Those that Ceph's gateway can decide are in tests/functional/test_thieves_on_ceph.py; docs/threats.md
says all of it in words, and the last tests here hold that page to the tests it names.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from release.adapters import resources
from release.core.evaluation import Request, refusal
from release.core.identities import BOUNDARY, PROVISION, ROTATE, STAGES
from release.core.keypolicy import Policies, policies
from release.core.matrix import DUTIES, Call, calls, capped, permits, walled
from tests.fakes import examples

ACCOUNT: Final = "123456789012"
CONFIG: Final = examples.config(keys={"source-ips": ["198.51.100.0/24"], "trail": {"bucket": "trail"}})
MADE: Final[Policies] = policies(CONFIG, account=ACCOUNT, template=lambda file: resources.text("keys-policy", file))
ALL: Final = tuple(calls(CONFIG, MADE.identities))
BUCKETS: Final = (CONFIG.site.bucket, CONFIG.log.bucket)
EVERYTHING: Final = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

VERSIONS: Final = ("a version's file", "a version's manifest")
LOG: Final = tuple(place for place, acts in DUTIES["record"].items() if "create" in acts)
LOOKS: Final = frozenset({"read", "list", "read the policy of", "see how a purge goes at"})
LOOKS_AT: Final = ("Get", "List", "list ", "see the ")


def reach(stage: str, **context: str | None) -> set[str]:
    """Give all that a stage's stolen key can do, looking apart."""
    return {str(call) for call in ALL if not looks(call) and permits(MADE, stage, call, **context)}


def looks(call: Call) -> bool:
    return call.act in LOOKS or call.act.startswith(LOOKS_AT)


def test_a_publish_thief_creates_versions_and_changes_no_byte_that_exists() -> None:
    assert reach("publish") == {f"create {place}" for place in VERSIONS}


def test_a_record_thief_appends_and_rewrites_nothing_but_the_head() -> None:
    assert {"a log entry", "a version's log index", "a recorded pointer", "an archived checkpoint"} <= set(LOG)
    assert reach("record") == {f"create {place}" for place in LOG} | {"replace the log's head"}


def test_the_log_bucket_lets_nobody_overwrite_the_head_blindly() -> None:
    asked = {call.act: call for call in ALL if call.place == "the log's head"}
    refused = {act for act in ("create", "replace", "overwrite") if walled(CONFIG, MADE, "record", asked[act])}
    assert refused == {"overwrite"}
    others = [call for call in ALL if call.place in LOG and call.act == "replace" and call.place != "the log's head"]
    assert others
    assert all(walled(CONFIG, MADE, "record", call) for call in others)


def test_a_promote_thief_fills_channels_with_what_was_published_and_recorded() -> None:
    assert reach("promote") == {
        "fill from a published file a channel's file",
        "fill from a recorded pointer a channel's pointer",
    }


def test_an_invalidate_thief_costs_cache_misses_at_one_distribution() -> None:
    assert reach("invalidate") == {"purge the distribution"}
    assert {str(call) for call in ALL if permits(MADE, "invalidate", call)} == {
        "purge the distribution",
        "see how a purge goes at the distribution",
    }


def test_a_collect_thief_deletes_what_he_has_seen_from_channels_and_reaches_no_version() -> None:
    """And no pointer, no log, nothing of others; the bucket keeps below a marker whatever he deletes."""
    assert reach("collect") == {"delete a channel's file"}
    versions = [call for call in ALL if call.act == "delete a version of" and is_at_site(call)]
    assert versions
    assert all(refused_by_bucket("collect", call) for call in versions)


@pytest.mark.parametrize("act", ["delete", "delete blindly", "delete a version of"])
def test_the_bucket_lets_the_collect_key_delete_what_is_unchanged_in_channels_and_nobody_else_anything(
    act: str,
) -> None:
    asked = [call for call in ALL if call.act == act and is_at_site(call)]
    assert len(asked) > 8
    for stage in (*MADE.stages, "somebody"):
        let = {str(call) for call in asked if not walled(CONFIG, MADE, stage, call)}
        assert let == ({"delete a channel's file"} if (stage, act) == ("collect", "delete") else set())


def is_at_site(call: Call) -> bool:
    return call.resource.split(":::")[-1].startswith(f"{CONFIG.site.bucket}/")


def test_an_audit_thief_changes_nothing() -> None:
    assert reach("audit") == set()


def test_an_audit_thief_reads_no_more_of_a_version_than_any_browser_and_no_customers_file_or_name() -> None:
    reads = {str(call) for call in ALL if looks(call) and permits(MADE, "audit", call)}
    assert "read a version's file" in reads
    assert "see the names in the folders of the library" in reads
    assert [text for text in reads if ", of " in text or text.startswith("list all")] == []
    assert "list versions of all in the folders of the library" not in reads


@pytest.mark.parametrize("stage", MADE.stages)
@pytest.mark.parametrize("context", [{"aws_securetransport": "false"}, {"aws_sourceip": "203.0.113.9"}])
def test_from_elsewhere_or_without_tls_no_stolen_key_does_anything(stage: str, context: Mapping[str, str]) -> None:
    assert [str(call) for call in ALL if permits(MADE, stage, call, **context)] == []


@pytest.mark.parametrize("stage", MADE.stages)
def test_no_stolen_key_reaches_another_library_or_another_customer(stage: str) -> None:
    assert [str(call) for call in ALL if ", of a" in call.place and permits(MADE, stage, call)] == []


CUSTOMER: Final = examples.config(site={"customer": "acme"})


def test_a_customers_stolen_keys_reach_neither_other_customers_nor_the_library_itself() -> None:
    made = policies(CUSTOMER, account=ACCOUNT, template=lambda file: resources.text("keys-policy", file))
    asked = list(calls(CUSTOMER, made.identities))
    foreign = [call for call in asked if ", of a" in call.place or ", of the library itself" in call.place]
    assert len(foreign) > 200
    assert [(stage, str(call)) for stage in made.stages for call in foreign if permits(made, stage, call)] == []


def test_the_librarys_stolen_keys_reach_no_customer() -> None:
    """Nor with policies that were widened: the boundary leaves customers out."""
    foreign = [call for call in ALL if ", of another customer" in call.place]
    assert [(stage, str(call)) for stage in MADE.stages for call in foreign if capped(MADE, stage, call)] == []


# IAM: the two keys that make keys.


def asks(key: str, action: str, resource: str, **context: str) -> bool:
    """Tell whether the key that rotates, or the one that provisions, may do something to an identity."""
    policy = MADE.provision if key == PROVISION else MADE.stages[key]
    circumstances: dict[str, str | None] = {
        **dict.fromkeys(("iam:permissionsboundary", "iam:policyarn")),
        "aws:securetransport": "true",
        "aws:sourceip": "198.51.100.7",
    }
    changed = {name.replace("_", ":"): value for name, value in context.items()}
    owned = MADE.identities
    who = owned.policy_arn(PROVISION) if key == PROVISION else owned.arn(key)
    request = Request(principal=who, action=f"iam:{action}", resource=resource, context={**circumstances, **changed})
    return refusal(request, identity=[policy]) is None


def test_a_rotate_thief_makes_himself_keys_of_every_stage() -> None:
    """So this key is worth all the others together; the tests below are what is left to stop it."""
    for stage in STAGES:
        assert asks(ROTATE, "CreateAccessKey", MADE.identities.arn(stage))


def test_a_rotate_thief_makes_no_key_of_his_own_user_nor_of_anybody_elses() -> None:
    owned = MADE.identities
    for arn in (
        owned.arn(ROTATE),
        owned.arn("publish").replace("/release/tag/tag-", "/release/other/other-"),
        f"arn:aws:iam::{ACCOUNT}:user/administrator",
        owned.arn("publish").replace(ACCOUNT, "210987654321"),
    ):
        for action in ("CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"):
            assert not asks(ROTATE, action, arn), (action, arn)


def test_a_rotate_thief_changes_no_policy_no_boundary_and_nobodys_rights() -> None:
    owned = MADE.identities
    users, documents = [owned.arn(stage) for stage in owned.stages], [owned.policy_arn(s) for s in (*STAGES, BOUNDARY)]
    for action, arns in {
        **dict.fromkeys(("PutUserPolicy", "AttachUserPolicy", "DetachUserPolicy", "DeleteUserPolicy"), users),
        **dict.fromkeys(("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary", "CreateUser"), users),
        **dict.fromkeys(("CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy"), documents),
    }.items():
        for arn in arns:
            assert not asks(ROTATE, action, arn, iam_permissionsboundary=owned.policy_arn(BOUNDARY)), (action, arn)


def test_a_rotate_thief_uses_what_he_made_from_the_configured_addresses_only() -> None:
    """The new keys have the stages' policies, and so their guard; nothing is done with the rotate key in S3 itself."""
    assert {call.action for call in ALL if permits(MADE, ROTATE, call)} == {
        f"iam:{action}" for action in DUTIES[ROTATE]["a stage's {noun}"]
    }
    assert not any(permits(MADE, stage, call, aws_sourceip="203.0.113.9") for stage in STAGES for call in ALL)


def test_a_provision_thief_rewrites_the_stages_policies_and_makes_their_keys() -> None:
    """And so has, after two calls, whatever the boundary leaves: this key is for one afternoon, and then deleted."""
    for stage in STAGES:
        assert asks(PROVISION, "CreatePolicyVersion", MADE.identities.policy_arn(stage))
        assert asks(PROVISION, "CreateAccessKey", MADE.identities.arn(stage))


def test_a_provision_thief_leaves_the_boundary_where_it_is() -> None:
    owned, administrator = MADE.identities, "arn:aws:iam::aws:policy/AdministratorAccess"
    capped_by_ours = {"iam_permissionsboundary": owned.policy_arn(BOUNDARY)}
    for stage in owned.stages:
        arn = owned.arn(stage)
        assert asks(PROVISION, "CreateUser", arn, **capped_by_ours)
        assert not asks(PROVISION, "CreateUser", arn)
        assert not asks(PROVISION, "CreateUser", arn, iam_permissionsboundary=administrator)
        assert not asks(PROVISION, "PutUserPermissionsBoundary", arn, iam_permissionsboundary=administrator)
        assert not asks(PROVISION, "DeleteUserPermissionsBoundary", arn, **capped_by_ours)
        assert not asks(PROVISION, "PutUserPolicy", arn, **capped_by_ours)
        assert not asks(PROVISION, "AttachUserPolicy", arn, **capped_by_ours, iam_policyarn=administrator)
    for action in ("CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion", "DeletePolicy"):
        assert not asks(PROVISION, action, owned.policy_arn(BOUNDARY)), action


def test_a_provision_thief_reaches_no_other_library_and_no_bucket() -> None:
    owned, boundary = MADE.identities, {"iam_permissionsboundary": MADE.identities.policy_arn(BOUNDARY)}
    for arn in (
        owned.arn("publish").replace("/release/tag/tag-", "/release/other/other-"),
        f"arn:aws:iam::{ACCOUNT}:user/x",
    ):
        for action in ("CreateUser", "CreateAccessKey", "AttachUserPolicy", "PutUserPermissionsBoundary"):
            assert not asks(PROVISION, action, arn, **boundary), (action, arn)
    actions = {action for statement in MADE.provision["Statement"] for action in statement["Action"]}
    assert {action for action in actions if not action.startswith("iam:")} == {"s3:GetBucketPolicy"}


@pytest.mark.parametrize("stage", MADE.stages)
def test_a_key_whose_policy_was_widened_still_does_no_other_stages_work(stage: str) -> None:
    """What boundary and buckets leave of everything, which is what a provision thief can write into a policy."""
    beyond = {
        "publish": {"create a file that is neither"},
        "promote": {
            "fill from a published file a channel's pointer",
            "fill from a recorded pointer a channel's file",
            "fill from a published file a file that is neither",
            "fill from a recorded pointer a file that is neither",
        },
    }
    left = {
        str(call)
        for call in ALL
        if not looks(call) and capped(MADE, stage, call) and not refused_by_bucket(stage, call)
    }
    assert left == reach(stage) | beyond.get(stage, set())


def refused_by_bucket(stage: str, call: Call) -> bool:
    bucket = call.resource.split(":::")[-1].partition("/")[0]
    return call.action.startswith("s3:") and bucket in BUCKETS and walled(CONFIG, MADE, stage, call)


@pytest.mark.parametrize(
    ("act", "place"),
    [
        *[("overwrite", place) for place in (*VERSIONS, *LOG, "a channel's file", "a channel's pointer")],
        *[
            (act, place)
            for place in (*VERSIONS, *LOG)
            for act in ("delete", "delete blindly", "delete a version of", "share")
        ],
        *[
            (act, place)
            for place in ("a channel's file", "a channel's pointer")
            for act in ("delete", "delete blindly")
        ],
        *[("fill from elsewhere", place) for place in (*VERSIONS, *LOG)],
        *[("shorten the lock of", place) for place in LOG],
        ("let things expire in", "the log bucket"),
    ],
)
def test_an_administrators_key_too_is_refused_by_the_buckets_policies(act: str, place: str) -> None:
    """Whoever may do everything: he must change the bucket's policy first, and that is one more call to be seen."""
    (call,) = (call for call in ALL if str(call) == f"{act} {place}")
    assert walled(CONFIG, MADE, "publish", call)


# The page.

PAGE: Final = Path(__file__).parents[2] / "docs" / "threats.md"
ROWS: Final = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| **")]


@pytest.mark.parametrize("row", ROWS, ids=[row.split("**")[1] for row in ROWS])
def test_every_cell_of_the_page_names_a_test(row: str) -> None:
    cells = row.strip("| ").split(" | ")
    assert len(cells) == 4
    assert [cell for cell in cells[1:] if not re.search(r"`test_\w+`", cell)] == []


def test_the_page_has_a_row_for_every_key() -> None:
    named = {row.split("**")[1] for row in ROWS}
    assert {*MADE.stages, PROVISION} <= named
