"""The main job on a real S3 server that is not AWS, each stage with only its own key."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.fakes.ceph import CephGateway
from tests.functional.conftest import Run
from tests.functional.library import Library
from tests.functional.on_ceph import PIPELINE, STAGES, CephSite, ceph_site, rendered

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]

V1, V2 = "window.tag = 1;\n", "window.tag = 2; // " + "x" * 2000 + "\n"


@pytest.fixture
def tag(ceph: CephGateway, library: Library, run: Run) -> Iterator[CephSite]:
    with ceph_site(ceph, library, run) as opened:
        yield opened


def test_a_release_goes_from_a_tag_to_the_public_address_and_into_the_log(tag: CephSite) -> None:
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


def test_every_step_can_be_run_again_and_changes_nothing(tag: CephSite) -> None:
    tag.pipeline("1.0.0", V1)
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
            ended = tag.as_(other, command)
            assert ended.code == 9, (other, command, ended)
            assert "may not s3:" in ended.err
        assert tag.as_(stage, command).code == 0, command


def test_the_policy_of_the_invalidate_stage_is_refused_as_it_is_about_another_service(tag: CephSite) -> None:
    with pytest.raises(ClientError):
        tag.gateway.add_user(f"invalidate-{tag.bucket}", rendered(tag.run, "invalidate"))
