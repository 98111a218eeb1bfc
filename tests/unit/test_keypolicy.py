import fnmatch
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from release.adapters import resources
from release.core.channels import Channel, check_names
from release.core.config import Config
from release.core.identities import STAGES, identities, partition
from release.core.keypolicy import KINDS, LIMITS, Policies, Policy, compact, policies, render, variables
from release.core.layout import SiteLayout
from release.errors import ConfigError
from tests.fakes import examples

GOLDEN = Path(__file__).parent / "golden"
ACCOUNT = "123456789012"
VALUES = variables(examples.config(), identities(examples.config(), account=ACCOUNT))
GITLAB = {"url": "https://gitlab.example.com", "project": "acme/tag"}
OWNERS: Mapping[str, Config] = {
    "users": examples.config(),
    "roles": examples.config(
        keys={"source-ips": ["198.51.100.0/24"], "gitlab": GITLAB, "trail": {"bucket": "trail"}},
    ),
    "customer": examples.config(site={"customer": "acme"}),
}


def made(config: Config | None = None) -> Policies:
    return policies(config or examples.config(), account=ACCOUNT, template=template_text)


def template_text(file: str) -> str:
    return resources.text("keys-policy", file)


def rendered(stage: str, config: Config | None = None) -> Policy:
    return made(config).stages[stage]


def allowed(stage: str, action: str, resource: str, config: Config | None = None) -> list[Policy]:
    """The statements that allow an action on a resource, whatever their conditions say."""
    return [
        statement
        for statement in rendered(stage, config)["Statement"]
        if action in statement["Action"]
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in statement["Resource"])
    ]


REVIEWED = [(owner, name) for owner, config in OWNERS.items() for name in made(config).named()]


@pytest.mark.parametrize(("owner", "name"), REVIEWED)
def test_a_policy_is_the_one_that_was_reviewed(owner: str, name: str) -> None:
    """To renew a golden file after a change that is meant: delete it, run this test twice, review what it wrote."""
    policy = json.dumps(made(OWNERS[owner]).named()[name], indent=2) + "\n"
    golden = GOLDEN / owner / f"{name}.json"
    if not golden.exists():
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(policy, encoding="utf-8")
        pytest.fail(f"{owner}/{name}.json was written: review it")
    assert policy == golden.read_text(encoding="utf-8")


def test_every_template_is_known_and_every_golden_file_is_of_a_policy() -> None:
    folder = Path(__file__).parents[2] / "keys-policy"
    assert {f"{name}.json.j2" for name in KINDS} == {path.name for path in folder.iterdir()}
    goldens = {(path.parent.name, path.stem) for path in GOLDEN.rglob("*.json")}
    assert goldens == set(REVIEWED)


@pytest.mark.parametrize("name", [name for name in KINDS if not name.startswith("trust")])
def test_long_names_give_a_policy_that_iam_takes(name: str) -> None:
    long = examples.config(
        library={"name": "l" * 24},
        site={"bucket": "b" * 40, "prefix": "p" * 15 + "/"},
        log={"bucket": "c" * 40},
    )
    assert len(compact(made(long).named()[name])) <= LIMITS[KINDS[name]]


TLS = {"Bool": {"aws:SecureTransport": "true"}}
SITE, RELEASE_LOG = "arn:aws:s3:::site/tag", "arn:aws:s3:::release-log/tag"
ABILITIES = {
    ("publish", "s3:PutObject", f"{SITE}/1.4.2/tag.min.js"): True,
    ("collect", "s3:GetObject", f"{SITE}/latest/tag.min.js"): True,
    ("collect", "s3:GetObject", f"{SITE}/1.4.2/tag.min.js"): False,
    ("collect", "s3:PutObject", f"{SITE}/latest/tag.min.js"): False,
    ("promote", "s3:DeleteObject", f"{SITE}/latest/tag.min.js"): False,
    ("publish", "s3:PutObject", f"{SITE}/latest/tag.min.js"): False,
    ("publish", "s3:PutObject", f"{SITE}/channels/latest.json"): False,
    ("publish", "s3:PutObject", f"{RELEASE_LOG}/seq/000000000001"): False,
    ("record", "s3:PutObject", f"{RELEASE_LOG}/seq/000000000001"): True,
    ("record", "s3:PutObject", f"{RELEASE_LOG}/versions/1.4.2.json"): True,
    ("record", "s3:PutObject", f"{SITE}/1.4.2/tag.min.js"): False,
    ("record", "s3:GetObject", f"{SITE}/1.4.2/manifest.json"): True,
    ("record", "s3:GetObject", f"{SITE}/1.4.2/tag.min.js"): False,
    ("promote", "s3:PutObject", f"{SITE}/latest/tag.min.js"): True,
    ("promote", "s3:PutObject", f"{SITE}/v1.4/tag.min.js"): True,
    ("promote", "s3:PutObject", f"{SITE}/channels/v1.json"): True,
    ("promote", "s3:PutObject", f"{SITE}/1.4.2/tag.min.js"): False,
    ("promote", "s3:PutObject", f"{SITE}/customers/acme/latest/tag.min.js"): False,
    ("promote", "s3:PutObject", f"{RELEASE_LOG}/seq/000000000001"): False,
    ("promote", "s3:GetObject", f"{RELEASE_LOG}/seq/000000000001"): True,
    ("audit", "s3:GetObject", f"{SITE}/1.4.2/manifest.json"): True,
    ("audit", "s3:GetObject", f"{SITE}/1.4.2/tag.min.js"): True,
    ("audit", "s3:GetObjectRetention", f"{RELEASE_LOG}/seq/000000000001"): True,
    ("promote", "s3:GetObjectRetention", f"{RELEASE_LOG}/seq/000000000001"): False,
    ("audit", "s3:PutObject", f"{SITE}/1.4.2/tag.min.js"): False,
    ("invalidate", "cloudfront:CreateInvalidation", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2EXAMPLE12345"): True,
    (
        "invalidate",
        "cloudfront:CreateInvalidation",
        f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2OTHER1234567",
    ): False,
    ("invalidate", "s3:GetObject", f"{SITE}/1.4.2/tag.min.js"): False,
}


@pytest.mark.parametrize(
    ("ability", "can"), ABILITIES.items(), ids=[" ".join(ability).replace("/", ".") for ability in ABILITIES]
)
def test_a_stages_key_can_do_that_stage_and_no_other(ability: tuple[str, str, str], can: bool) -> None:
    assert bool(allowed(*ability)) is can


@pytest.mark.parametrize("stage", STAGES)
def test_no_key_can_change_a_rule_and_one_can_delete(stage: str) -> None:
    actions = {action for statement in rendered(stage)["Statement"] for action in statement["Action"]}
    assert ("s3:DeleteObject" in actions) is (stage == "collect")
    assert {action for action in actions if not action.startswith("iam:")} - {"s3:DeleteObject"} <= {
        "s3:GetBucketPolicy",
        "s3:GetObject",
        "s3:GetObjectRetention",
        "s3:PutObject",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "cloudfront:CreateInvalidation",
        "cloudfront:GetInvalidation",
    }


@pytest.mark.parametrize(
    ("stage", "resource"),
    [("publish", f"{SITE}/1.4.2/tag.min.js"), ("record", f"{RELEASE_LOG}/seq/000000000001")],
)
def test_what_is_immutable_can_only_be_created(stage: str, resource: str) -> None:
    (statement,) = allowed(stage, "s3:PutObject", resource)
    assert statement["Condition"] == {"Null": {"s3:if-none-match": "false"}, **TLS}


def test_garbage_can_only_be_deleted_from_channels_and_if_it_is_unchanged() -> None:
    (statement,) = allowed("collect", "s3:DeleteObject", f"{SITE}/latest/chunks/old.js")
    assert statement["Condition"] == {"Null": {"s3:if-match": "false"}, **TLS}
    for key in ("1.4.2/tag.min.js", "channels/latest.json", "customers/acme/latest/tag.min.js", "latest", "other"):
        assert not allowed("collect", "s3:DeleteObject", f"{SITE}/{key}")
    assert not allowed("collect", "s3:DeleteObject", "arn:aws:s3:::site/other/latest/tag.min.js")


def test_a_channel_can_only_be_filled_from_published_versions() -> None:
    (statement,) = allowed("promote", "s3:PutObject", f"{SITE}/latest/tag.min.js")
    assert statement["Condition"].keys() == {"StringLike", "Bool"}
    (sources,) = statement["Condition"]["StringLike"].values()
    assert any(fnmatch.fnmatchcase("site/tag/1.4.2/tag.min.js", source) for source in sources)
    for other in ("site/tag/next/tag.min.js", "site/other/1.4.2/tag.min.js", "evil/tag/1.4.2/tag.min.js"):
        assert not any(fnmatch.fnmatchcase(other, source) for source in sources)


@pytest.mark.parametrize("channel", ["c{major}", "custom{major}", "ch{major}.{minor}", "c{major}-x", "cust{major}.x"])
def test_no_channels_name_opens_pointers_or_customers_to_the_promote_key(channel: str) -> None:
    """In IAM `*` also matches a slash: c* would be customers/acme/... too. Refuse the name, or narrow the pattern."""
    if list(check_names({channel: Channel()})):
        return
    config = examples.config(channels={channel: {}})
    for customer in ("acme", "acme-x", "a.x"):
        assert not allowed("promote", "s3:PutObject", f"{SITE}/customers/{customer}/latest/tag.min.js", config)


def test_the_root_of_a_prefix_is_part_of_every_resource() -> None:
    prefixed = examples.config(site={"prefix": "js/"}, log={"prefix": "logs/tag/"})
    layout = SiteLayout(prefix="js/", library="tag")
    assert allowed("publish", "s3:PutObject", f"arn:aws:s3:::site/{layout.manifest('1.4.2')}", prefixed)
    assert not allowed("publish", "s3:PutObject", f"{SITE}/1.4.2/manifest.json", prefixed)
    assert allowed("record", "s3:PutObject", "arn:aws:s3:::release-log/logs/tag/seq/000000000001", prefixed)
    assert not allowed("record", "s3:PutObject", f"{RELEASE_LOG}/seq/000000000001", prefixed)


@pytest.mark.parametrize(
    ("region", "name"),
    [("eu-west-1", "aws"), ("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_a_region_is_in_its_partition(region: str, name: str) -> None:
    assert partition(region) == name
    config = examples.config(site={"region": region})
    for stage in STAGES:
        for statement in rendered(stage, config)["Statement"]:
            assert all(resource.startswith(f"arn:{name}:") for resource in statement["Resource"])


def policy(**changes: object) -> str:
    statement = {"Sid": "S", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::site/a"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changes]})


def template(resource: str) -> str:
    return policy(Resource="@").replace('"@"', resource)


BAD_TEMPLATES = {
    "misspelt variable": (template("{{ slot_objcts | tojson }}"), "slot_objcts"),
    "misspelt variable in a sum": (
        template("{{ (slot_objcts + log_objects) | tojson }}"),
        "'slot_objcts' is undefined",
    ),
    "misspelt variable without tojson": (template("{{ slot_objcts }}"), "a value is printed without '| tojson'"),
    "raw list": (template("{{ slot_objects }}"), "a value is printed without '| tojson'"),
    "raw text in quotes": (template('["{{ site_bucket }}"]'), "a value is printed without '| tojson'"),
    "raw constant": (template('["{{ 1 }}"]'), "a value is printed without '| tojson'"),
    "tojson in quotes": (template('["{{ site_bucket | tojson }}"]'), "does not render to JSON: it is not JSON"),
    "broken template": (template("{% for %}"), "Expected an expression"),
    "a way into Python": (template('{{ "".__class__.__mro__ | tojson }}'), "unsafe"),
    "not JSON": ("Version: 2012-10-17", "does not render to JSON: it is not JSON"),
    "an action twice": (
        policy().replace('"Action"', '"Action": ["s3:PutObject"], "Action"'),
        "does not render to JSON: it has the name 'Action' twice",
    ),
    "a list": ("[]", "the policy's Version is not 2012-10-17"),
    "old language": (policy().replace("2012-10-17", "2008-10-17"), "the policy's Version is not 2012-10-17"),
    "no statement": ('{"Version": "2012-10-17", "Statement": []}', "the policy has no list of statements"),
    "one bare statement": ('{"Version": "2012-10-17", "Statement": {}}', "the policy has no list of statements"),
    "a statement that is text": ('{"Version": "2012-10-17", "Statement": ["Allow"]}', "statement"),
    "deny": (policy(Effect="Deny"), "S is not an Allow"),
    "everything but": (policy(NotResource=["arn:aws:s3:::site/a"]), "S uses NotResource"),
    "all actions but": (policy(NotAction=["s3:GetObject"]), "S uses NotAction"),
    "for anybody": (policy(Principal="*"), "S uses Principal"),
    "every action": (policy(Action=["*"]), "S allows '*': name each action"),
    "every action of a service": (policy(Action=["s3:*"]), "S allows 's3:*': name each action"),
    "every action that begins so": (policy(Action=["s3:Get*"]), "S allows 's3:Get*': name each action"),
    "any letter in an action": (policy(Action=["s3:?etObject"]), "S allows 's3:?etObject': name each action"),
    "an action without a service": (policy(Action=["GetObject"]), "S allows 'GetObject': name each action"),
    "no action": (policy(Action=[]), "S allows '': name each action"),
    "every resource": (policy(Resource=["*"]), "S is about '*': name the resource"),
    "every resource, bare": (policy(Resource="*"), "S is about '': name the resource"),
    "every bucket": (policy(Resource=["arn:aws:s3:::*"]), "S is about 'arn:aws:s3:::*': name the resource"),
    "every object": (policy(Resource=["arn:aws:s3:::*/*"]), "S is about 'arn:aws:s3:::*/*': name the resource"),
    "every name": (policy(Resource=["arn:*"]), "S is about 'arn:*': name the resource"),
    "every bucket's library": (policy(Resource=["arn:aws:s3:::*/tag/1*"]), "S is about 'arn:aws:s3:::*/tag/1*'"),
    "every bucket like it": (policy(Resource=["arn:aws:s3:::sit?/tag/1*"]), "S is about 'arn:aws:s3:::sit?/tag/1*'"),
    "every distribution": (
        policy(Resource=[f"arn:aws:cloudfront::{ACCOUNT}:distribution/*"]),
        f"S is about 'arn:aws:cloudfront::{ACCOUNT}:distribution/*': name the resource",
    ),
    "every account": (
        policy(Resource=["arn:aws:cloudfront::*:distribution/E2EXAMPLE12345"]),
        "S is about 'arn:aws:cloudfront::*:distribution/E2EXAMPLE12345': name the resource",
    ),
    "no resource": (policy(Resource=[]), "S is about '': name the resource"),
    "too big": (
        policy(Resource=[f"arn:aws:s3:::site/{n:0100d}" for n in range(60)]),
        "characters, AWS takes 6144",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_TEMPLATES.values(), ids=BAD_TEMPLATES.keys())
def test_a_bad_template_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        render(text, VALUES, name="bad.json.j2")
    assert caught.value.message.startswith("bad.json.j2")
    assert message in caught.value.message
    assert caught.value.hint or "JSON" in message


def test_a_misspelt_variable_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        render(template("{{ (slot_objcts + log_objects) | tojson }}"), VALUES, name="bad.json.j2")
    assert caught.value.hint == f"it may use: {', '.join(sorted(VALUES))}"


def test_a_quote_in_a_value_stays_a_quote() -> None:
    """Raw interpolation would make a second statement of it."""
    evil = 'arn:aws:s3:::site"], "Action": ["s3:PutObject"], "x": ["'
    policy = render(template("{{ [site_bucket] | tojson }}"), {"site_bucket": evil}, name="t")
    assert policy["Statement"][0]["Resource"] == [evil]
    assert policy["Statement"][0]["Action"] == ["s3:GetObject"]


def test_a_quote_in_a_bucket_name_never_reaches_a_template() -> None:
    with pytest.raises(Exception, match=r"is not a bucket name"):
        examples.config(site={"bucket": 'site"],"Action":["*"]'})


def test_a_compact_policy_is_the_same_policy() -> None:
    policy = rendered("promote")
    assert json.loads(compact(policy)) == policy
    assert "\n" not in compact(policy)
