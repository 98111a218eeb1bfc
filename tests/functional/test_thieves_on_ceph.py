"""Thieves, each with one stolen key, at a library that is released: what they get done, and what tells.

On a real S3 server, with the policies of keys and buckets; docs/threats.md says the same in words. What this
server does not enforce (tests/contract/test_ceph.py) is refused by the evaluator (tests/unit/test_thieves.py).
"""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from release.core.document import canonical
from tests.fakes.ceph import CephGateway
from tests.functional.library import Library
from tests.functional.on_ceph import CephSite, ceph_site, runner
from tests.functional.s3_calls import EVIL, put

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]

V1, V2 = "window.tag = 1;\n", "window.tag = 2;\n"
JS: Final = "text/javascript; charset=utf-8"


@pytest.fixture(scope="module")
def tag(ceph: CephGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephSite]:
    """A library with two versions, of which both channels serve the second. Every test leaves it so."""
    library = Library(Path(tmp_path_factory.mktemp("library")) / "tag")
    library.start()
    with ceph_site(ceph, library, runner(library.folder)) as opened:
        opened.pipeline("1.0.0", V1)
        opened.pipeline("1.1.0", V2)
        yield opened


@pytest.fixture
def untouched(tag: CephSite) -> Iterator[CephSite]:
    """The same, and after the test all that was there is as it was, and `release status` finds nothing."""
    before = tag.etags()
    yield tag
    after = tag.etags()
    assert {key: after[key] for key in before} == before
    assert tag.as_("audit", "status").code == 0


@pytest.fixture
def thief(request: pytest.FixtureRequest, tag: CephSite) -> Iterator["S3Client"]:
    """The key of the stage that the test is parametrised with, used with other tools than ours."""
    with tag.client(request.param) as s3:
        yield s3


def stolen(stage: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("thief", [stage], indirect=True)


def refused(*requests: Any) -> None:  # noqa: ANN401 - requests to botocore
    for request in requests:
        with pytest.raises(ClientError, match="AccessDenied"):
            request()


def drift(tag: CephSite) -> dict[str, list[str]]:
    """Ask for the status, which must find something; gives what it finds by channel."""
    ended = tag.as_("audit", "status --json")
    assert ended.code == 15
    return {channel["channel"]: channel["drift"] for channel in json.loads(ended.out)["channels"] if channel["drift"]}


@stolen("publish")
def test_a_publish_thief_adds_files_that_no_channel_serves(untouched: CephSite, thief: "S3Client") -> None:
    log = untouched.log()
    put(thief, untouched.bucket, "tag/9.9.9/tag.min.js", EVIL, IfNoneMatch="*")
    put(thief, untouched.bucket, "tag/1.1.0/evil.js", EVIL, IfNoneMatch="*")
    assert untouched.served("latest/tag.min.js") == untouched.served("v1/tag.min.js") == V2
    assert untouched.log() == log


@stolen("publish")
def test_a_publish_thief_reaches_no_channel_no_log_and_nothing_that_exists(
    untouched: CephSite, thief: "S3Client"
) -> None:
    site, log = untouched.bucket, untouched.log_bucket
    with pytest.raises(ClientError, match="PreconditionFailed"):
        put(thief, site, "tag/1.1.0/tag.min.js", EVIL, IfNoneMatch="*")
    refused(
        lambda: put(thief, site, "tag/latest/tag.min.js"),
        lambda: put(thief, site, "tag/channels/latest.json"),
        lambda: put(thief, site, "tag/customers/acme/1.0.0/tag.min.js"),
        lambda: put(thief, site, "other/1.0.0/tag.min.js"),
        lambda: put(thief, log, "tag/seq/000000000099"),
        lambda: thief.delete_object(Bucket=site, Key="tag/1.0.0/tag.min.js"),
        # What it made itself it may not take away or give an ACL either.
        lambda: thief.delete_object(Bucket=site, Key="tag/9.9.9/tag.min.js"),
        lambda: thief.put_object_acl(Bucket=site, Key="tag/1.1.0/tag.min.js", ACL="public-read"),
    )


@stolen("publish")
def test_a_version_that_a_thief_published_first_is_not_released(untouched: CephSite, thief: "S3Client") -> None:
    put(thief, untouched.bucket, "tag/1.2.0/tag.min.js", EVIL, IfNoneMatch="*")
    untouched.library.release("1.2.0", "window.tag = 3;\n")
    assert untouched.as_("", "build").code == 0
    ended = untouched.as_("publish", "publish")
    assert (ended.code, "tag/1.2.0/tag.min.js" in ended.err) == (7, True)
    assert untouched.as_("record", "record publish").code != 0


@stolen("record")
def test_a_record_thief_authorises_what_was_published_and_status_tells(tag: CephSite, thief: "S3Client") -> None:
    assert tag.as_("record", "record rollback latest --reason stolen").code == 0
    pointer = f"{tag.log_bucket}/tag/pointers/{len(tag.log()) - 1:012}.json"
    refused(lambda: thief.copy_object(Bucket=tag.bucket, Key="tag/channels/latest.json", CopySource=pointer))
    assert tag.served("latest/tag.min.js") == V2
    assert tag.log()[-1] == ("rollback.authorized", "1.0.0", "latest")
    assert any("the log says entry" in found for found in drift(tag)["latest"])
    # The way back is a promotion, as after any rollback.
    tag.steps([("record", "record promote latest --version 1.1.0"), ("promote", "promote latest")])
    tag.steps([("", "verify latest --patience 0"), ("record", "record outcome latest")])
    assert tag.as_("audit", "status").code == 0


@stolen("record")
def test_a_record_thief_rewrites_deletes_and_releases_nothing(untouched: CephSite, thief: "S3Client") -> None:
    site, log = untouched.bucket, untouched.log_bucket
    for key in untouched.keys_in(log):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            put(thief, log, key, EVIL, IfNoneMatch="*")
        refused(lambda key=key: thief.delete_object(Bucket=log, Key=key))
    refused(
        lambda: put(thief, site, "tag/1.1.0/tag.min.js"),
        lambda: put(thief, site, "tag/9.9.8/tag.min.js"),
        lambda: put(thief, site, "tag/latest/tag.min.js"),
        lambda: put(thief, log, "other/seq/000000000000"),
        lambda: thief.put_bucket_lifecycle_configuration(
            Bucket=log,
            LifecycleConfiguration={
                "Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
            },
        ),
    )


def test_an_entry_that_was_rewritten_all_the_same_is_found_by_whoever_reads_the_log(tag: CephSite) -> None:
    """An administrator of a server without Object Lock."""
    for key in ("tag/seq/000000000000", "tag/seq/000000000003"):
        with closing(tag.owner.get_object(Bucket=tag.log_bucket, Key=key)["Body"]) as stream:
            true = stream.read()
        put(tag.owner, tag.log_bucket, key, true.replace(b'"payload":"ey', b'"payload":"fy'))
        ended = tag.as_("audit", "log list --last 0")
        put(tag.owner, tag.log_bucket, key, true)
        assert ended.code == 14, key
    assert tag.as_("audit", "log list --last 0").code == 0


@stolen("promote")
def test_a_promote_thief_shows_another_published_version_and_status_and_verify_tell(
    tag: CephSite, thief: "S3Client"
) -> None:
    log = tag.log()
    first = next(index for index, entry in enumerate(log) if entry == ("promote.authorized", "1.0.0", "latest"))
    copies = {
        "tag/latest/tag.min.js": f"{tag.bucket}/tag/1.0.0/tag.min.js",
        "tag/channels/latest.json": f"{tag.log_bucket}/tag/pointers/{first:012}.json",
    }
    for key, source in copies.items():
        thief.copy_object(
            Bucket=tag.bucket,
            Key=key,
            CopySource=source,
            MetadataDirective="REPLACE",
            ContentType=JS if key.endswith(".js") else "application/json",
            CacheControl="public, max-age=300",
        )
    assert tag.served("latest/tag.min.js") == V1
    found = drift(tag)
    assert found.keys() == {"latest"}
    assert any("tag.min.js has other bytes than version 1.1.0" in said for said in found["latest"])
    assert any(f"its pointer follows log entry {first} (version 1.0.0)" in said for said in found["latest"])
    assert tag.as_("", "verify latest --patience 0").code == 13
    assert tag.log() == log
    assert tag.as_("promote", "promote latest").code == 0
    assert tag.as_("audit", "status").code == 0


@stolen("promote")
def test_a_promote_thief_gives_a_file_other_headers_and_status_and_verify_tell(
    tag: CephSite, thief: "S3Client"
) -> None:
    thief.copy_object(
        Bucket=tag.bucket,
        Key="tag/latest/tag.min.js",
        CopySource=f"{tag.bucket}/tag/1.1.0/tag.min.js",
        MetadataDirective="REPLACE",
        ContentType="text/html",
        CacheControl="max-age=31536000, immutable",
    )
    assert drift(tag) == {"latest": ["tag.min.js has other headers than release.toml says"]}
    assert tag.as_("", "verify latest --patience 0").code == 13
    assert tag.as_("promote", "promote latest").code == 0
    assert tag.as_("audit", "status").code == 0


@stolen("promote")
def test_a_promote_thief_brings_in_no_bytes_and_hides_nothing(untouched: CephSite, thief: "S3Client") -> None:
    site, log = untouched.bucket, untouched.log_bucket
    put(untouched.owner, site, "other/1.0.0/tag.min.js", EVIL)

    def copied(source: str, key: str = "tag/latest/tag.min.js") -> None:
        thief.copy_object(Bucket=site, Key=key, CopySource=source, MetadataDirective="REPLACE")

    refused(
        lambda: put(thief, site, "tag/latest/tag.min.js"),
        lambda: put(thief, site, "tag/channels/latest.json"),
        lambda: put(thief, site, "tag/1.1.0/tag.min.js"),
        lambda: put(thief, site, "tag/9.9.7/tag.min.js"),
        lambda: put(thief, log, "tag/seq/000000000099"),
        lambda: put(thief, log, "tag/pointers/000000000099.json"),
        lambda: copied(f"{site}/other/1.0.0/tag.min.js"),
        lambda: copied(f"{site}/tag/v1/tag.min.js"),
        lambda: copied(f"{site}/tag/1.0.0/tag.min.js", "tag/1.1.0/tag.min.js"),
        lambda: copied(f"{site}/tag/1.0.0/tag.min.js", "tag/channels/latest.json"),
        lambda: copied(f"{site}/tag/1.0.0/tag.min.js", "other/latest/tag.min.js"),
        lambda: thief.delete_object(Bucket=site, Key="tag/latest/tag.min.js"),
        lambda: thief.delete_object(Bucket=log, Key="tag/seq/000000000001"),
    )


def test_publish_record_and_promote_thieves_together_serve_evil_bytes_and_status_and_verify_tell(tag: CephSite) -> None:
    """Each with his own tools, past the log. Through the log they could release it like any other version."""
    log = tag.log()
    with tag.client("publish") as publish, tag.client("record") as record, tag.client("promote") as promote:
        put(publish, tag.bucket, "tag/9.9.5/evil.js", EVIL, IfNoneMatch="*")
        forged = json.loads(tag.served("channels/latest.json")) | {"version": "9.9.5", "logIndex": 99}
        put(record, tag.log_bucket, "tag/pointers/000000000099.json", canonical(forged), IfNoneMatch="*")
        for key, source in {
            "tag/latest/tag.min.js": f"{tag.bucket}/tag/9.9.5/evil.js",
            "tag/channels/latest.json": f"{tag.log_bucket}/tag/pointers/000000000099.json",
        }.items():
            promote.copy_object(
                Bucket=tag.bucket, Key=key, CopySource=source, MetadataDirective="REPLACE", CacheControl="max-age=300"
            )
    assert tag.served("latest/tag.min.js") == EVIL.decode()
    found = drift(tag)
    assert found.keys() == {"latest"}
    assert any("tag.min.js has other bytes than version 1.1.0" in said for said in found["latest"])
    assert any(said.startswith("its pointer ") for said in found["latest"])
    assert tag.as_("", "verify latest --patience 0").code == 13
    assert tag.log() == log
    assert tag.as_("promote", "promote latest").code == 0
    assert tag.as_("audit", "status").code == 0


@stolen("collect")
def test_a_collect_thief_takes_files_from_channels_and_a_promotion_brings_them_back(
    untouched: CephSite, thief: "S3Client"
) -> None:
    site, log = untouched.bucket, untouched.log_bucket
    etag = thief.head_object(Bucket=site, Key="tag/latest/tag.min.js")["ETag"]
    refused(
        lambda: thief.delete_object(Bucket=site, Key="tag/1.1.0/tag.min.js", IfMatch=etag),
        lambda: thief.delete_object(Bucket=site, Key="tag/channels/latest.json"),
        lambda: thief.delete_object(Bucket=log, Key="tag/seq/000000000000"),
        lambda: thief.delete_object(Bucket=site, Key="tag/latest/tag.min.js", VersionId="null"),
        lambda: put(thief, site, "tag/latest/tag.min.js"),
    )
    thief.delete_object(Bucket=site, Key="tag/latest/tag.min.js", IfMatch=etag)
    assert drift(untouched) == {"latest": ["tag.min.js is missing from the channel"]}
    assert untouched.as_("", "verify latest --patience 0").code == 13
    assert untouched.as_("promote", "promote latest").code == 0
    assert untouched.served("latest/tag.min.js") == V2


@stolen("audit")
def test_an_audit_thief_reads_the_log_and_writes_nothing(untouched: CephSite, thief: "S3Client") -> None:
    assert len(untouched.log()) > 0
    manifest = f"{untouched.bucket}/tag/1.0.0/manifest.json"
    for bucket, _, key in (name.partition("/") for name in untouched.etags()):
        refused(
            lambda bucket=bucket, key=key: put(thief, bucket, key),
            lambda bucket=bucket, key=key: thief.delete_object(Bucket=bucket, Key=key),
            lambda bucket=bucket, key=key: thief.copy_object(
                Bucket=bucket, Key=key, CopySource=manifest, MetadataDirective="REPLACE"
            ),
        )


@stolen("publish")
def test_without_the_guard_of_an_address_or_of_tls_a_stolen_key_would_do_and_with_it_does_not(
    untouched: CephSite, thief: "S3Client"
) -> None:
    key = untouched.keys["publish"]
    with closing(untouched.gateway.clients(key, endpoint=untouched.gateway.plain_endpoint).s3()) as plain:
        refused(lambda: put(plain, untouched.bucket, "tag/9.9.6/a.js", IfNoneMatch="*"))
    text = json.dumps(untouched.policies["publish"]).replace("127.0.0.0/8", "198.51.100.0/24")
    untouched.gateway.set_policy(untouched.user("publish"), json.loads(text))
    refused(lambda: put(thief, untouched.bucket, "tag/9.9.6/a.js", IfNoneMatch="*"))
    untouched.gateway.set_policy(untouched.user("publish"), untouched.policies["publish"])
    put(thief, untouched.bucket, "tag/9.9.6/a.js", IfNoneMatch="*")
