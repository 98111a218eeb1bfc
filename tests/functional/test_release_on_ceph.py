"""The main job on a real S3 server that is not AWS, each stage with only its own key."""

import json
from collections.abc import Iterator

import pytest

from tests.fakes.ceph import CephGateway
from tests.functional.conftest import Run
from tests.functional.library import Library, signing
from tests.functional.on_ceph import PIPELINE, STAGES, CephSite, ceph_site

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]

V1, V2 = "window.tag = 1;\n", "window.tag = 2; // " + "x" * 2000 + "\n"


@pytest.fixture
def tag(ceph: CephGateway, library: Library, run: Run) -> Iterator[CephSite]:
    with ceph_site(ceph, library, run) as opened:
        yield opened


def test_a_release_goes_from_a_tag_to_the_public_address_and_the_log_and_again_changes_nothing(tag: CephSite) -> None:
    tag.pipeline("1.0.0", V1)
    assert tag.served("latest/tag.min.js") == tag.served("1.0.0/tag.min.js") == V1
    assert tag.log() == [
        ("publish.completed", "1.0.0", None),
        ("promote.authorized", "1.0.0", "v1"),
        ("promote.authorized", "1.0.0", "latest"),
        ("promote.completed", "1.0.0", "v1"),
        ("promote.completed", "1.0.0", "latest"),
    ]
    status = json.loads(tag.as_("audit", "status --json").out)
    assert {c["channel"]: (c["version"], c["outcome"], c["drift"]) for c in status["channels"]} == {
        "latest": ("1.0.0", "completed", []),
        "v1": ("1.0.0", "completed", []),
    }

    before = tag.log()
    tag.steps(PIPELINE)
    assert tag.log() == before
    assert "nothing to do" in tag.as_("publish", "publish").out
    assert tag.served("latest/tag.min.js") == V1


def test_a_channel_moves_on_and_back_and_versions_stay(tag: CephSite) -> None:
    """The pointer moves by compare-and-swap, with the ETag as this server compares it."""
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    assert (tag.served("latest/tag.min.js"), tag.served("1.0.0/tag.min.js")) == (V2, V1)
    assert tag.as_("record", "record rollback latest --reason", "breaks checkout").code == 0
    tag.steps([("promote", "promote latest"), ("", "verify latest --patience 0"), ("record", "record outcome latest")])
    assert (tag.served("latest/tag.min.js"), tag.served("v1/tag.min.js")) == (V1, V2)
    assert tag.log()[-2:] == [("rollback.authorized", "1.0.0", "latest"), ("rollback.completed", "1.0.0", "latest")]
    assert tag.as_("audit", "status").code == 0


def test_a_log_that_takes_no_writes_lets_a_channel_go_back_if_configured_and_is_told_later(tag: CephSite) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    before, back = tag.log(), ("record rollback latest --reason", "breaks checkout")
    steps = (("promote", "promote latest"), ("", "verify latest --patience 0"))
    with tag.without("record", f"{tag.log_bucket}/*"):
        refused = tag.as_("record", *back)
        assert (refused.code, "latest was left as it is" in refused.err) == (24, True), refused
        toml = (tag.library.folder / "release.toml").read_text()
        tag.library.write("release.toml", toml.replace("\n[log]\n", '\n[log]\nwhen-read-only = "degrade"\n'))
        assert tag.as_("record", *back).code == 25
        tag.steps(steps)
        assert tag.as_("record", "record outcome latest").code == 25
    assert (tag.served("latest/tag.min.js"), tag.log()) == (V1, before)
    assert "rolled back from entry 7 to 1.0.0, and that is not logged yet" in tag.as_("audit", "status").err
    tag.steps([("record", "record rollback latest --reason again"), *steps, ("record", "record outcome latest")])
    assert tag.log()[len(before) :] == [
        ("rollback.authorized", "1.0.0", "latest"),
        ("rollback.completed", "1.0.0", "latest"),
    ]
    assert tag.as_("audit", "status").code == 0


def test_published_bytes_stay_even_against_another_build_of_the_same_version(tag: CephSite) -> None:
    tag.pipeline("1.0.0", V1)
    tag.library.git("tag", "--delete", "v1.0.0")
    tag.library.release("1.0.0", V2)
    assert tag.as_("", "build").code == 0
    ended = tag.as_("publish", "publish")
    assert ended.code == 7
    assert "version 1.0.0 is already published with other bytes" in ended.err
    assert tag.served("1.0.0/tag.min.js") == V1


def test_every_command_is_refused_to_every_other_stages_key(tag: CephSite) -> None:
    tag.library.release("1.0.0", V1)
    for stage, command in PIPELINE:
        for other in set(STAGES) - {stage} if stage else ():
            ended = tag.as_(other, command, **signing(stage, {}))
            assert ended.code == 9, (other, command, ended)
            assert "may not s3:" in ended.err
        assert tag.as_(stage, command).code == 0, command


def test_a_stage_that_was_stopped_half_way_ends_its_work_with_the_same_key(tag: CephSite) -> None:
    """Each time the key loses a right, and so the stage its last write, or its last but one; then it is run again."""
    tag.pipeline("1.0.0", V1)
    tag.library.release("1.1.0", V2)
    site, log = f"{tag.bucket}/tag", f"{tag.log_bucket}/tag"
    stops = {
        "publish": (f"{site}/1.1.0/manifest.json", f"{site}/1.1.0/tag.min.js"),
        "record publish": (f"{log}/versions/1.1.0.json", f"{log}/seq/000000000005"),
        "record promote": (f"{log}/pointers/000000000007.json", f"{log}/seq/000000000007"),
        "promote": (f"{site}/channels/latest.json", f"{site}/latest/tag.min.js"),
    }
    for stage, command in PIPELINE:
        if command in stops:
            missing, written = stops[command]
            with tag.without(stage, missing):
                assert tag.as_(stage, command).code == 9, command
            there = {f"{bucket}/{key}" for bucket in (tag.bucket, tag.log_bucket) for key in tag.keys_in(bucket)}
            assert written in there, command
            if command == "promote":
                assert tag.served("latest/tag.min.js") == V2
                assert json.loads(tag.served("channels/latest.json"))["version"] == "1.0.0"
        ended = tag.as_(stage, command)
        assert ended.code == 0, (command, ended)
    assert tag.served("latest/tag.min.js") == tag.served("v1/tag.min.js") == V2
    assert [action for action, version, _ in tag.log() if version == "1.1.0"] == [
        "publish.completed",
        "promote.authorized",
        "promote.authorized",
        "promote.completed",
        "promote.completed",
    ]
    assert tag.as_("audit", "status").code == 0
