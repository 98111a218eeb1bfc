"""Garbage of a channel through the command line, each job with its own key, on an embedded AWS that keeps versions."""

import json
from collections.abc import Iterator
from contextlib import chdir, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from release import compose
from release.adapters.keyring import Keyring
from release.commands import handed
from release.commands.record import recorder
from release.core.handover import Verification
from release.effects.choice import order_of
from release.stages import publish as publishing
from release.stages import record as stage
from tests.fakes.clock import StoppedClock
from tests.functional.conftest import Run, environment
from tests.functional.embedded import Account, account
from tests.functional.library import Library, signing

pytestmark = pytest.mark.moto

BUILD = """\
import pathlib
text = pathlib.Path("src/tag.js").read_text()
out = pathlib.Path("dist"); (out / "chunks").mkdir(parents=True, exist_ok=True)
name = "chunks/" + "".join(filter(str.isdigit, text)) + ".js"
(out / name).write_text("export const chunk = " + repr(text) + ";\\n")
(out / "tag.min.js").write_text(f"import './{name}';\\n" + text)
"""
OLD, NEW = "tag/latest/chunks/1.js", "tag/latest/chunks/2.js"


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    """A library whose channel serves 1.1.0 since five weeks, and 1.0.0 before that."""
    library.write("build.py", BUILD)
    library.commit("build: chunks")
    with account(library, run, tmp_path / "keys") as opened:
        for number, weeks in enumerate((6, 5), start=1):
            release(
                opened, f"1.{number - 1}.0", f"window.tag = {number};\n", datetime.now(UTC) - timedelta(weeks=weeks)
            )
        yield opened


def release(tag: Account, version: str, source: str, when: datetime) -> None:
    """Release a version some time ago: the stages are the real ones, and the log is told another time."""
    tag.library.release(version, source)
    for stage_, command in (("", "build"), ("publish", "publish")):
        assert tag.as_(stage_, command).code == 0
    key = Keyring(tag.keys, "tag").variables("record") | signing("record", {})
    with chdir(tag.library.folder), environment({**tag.endpoint, **key}):
        work = compose.workspace(Path("release.toml"), quiet=True)
        log = replace(recorder(work), clock=StoppedClock(when))
        manifest, body = publishing.read_bundle(work.config, work.output)
        stage.publish(log, work.site("record"), manifest, body, handed.evidence(work), dry_run=False)
        site = work.site("record")
        moved = stage.authorize(log, site, "latest", version, reason=None, rollback=False, dry_run=False)
    assert tag.as_("promote", "promote latest").code == 0
    with chdir(tag.library.folder), environment({**tag.endpoint, **key}):
        verification = Verification(order=order_of(moved.event, "tag"), passed=True)
        stage.conclude(log, handed.promotion(work, "latest"), verification, dry_run=False)


def versions(tag: Account, key: str) -> list[Any]:
    with closing(tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)) as s3:
        return list(s3.list_object_versions(Bucket="site", Prefix=key).get("Versions", []))


def keys(tag: Account) -> set[str]:
    with closing(tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)) as s3:
        return {item["Key"] for item in s3.list_objects_v2(Bucket="site", Prefix="tag/latest/")["Contents"]}


def test_garbage_goes_by_four_commands_and_its_bytes_stay_below_delete_markers(tag: Account) -> None:
    assert keys(tag) >= {OLD, NEW}
    planned = json.loads(tag.as_("record", "record collect --dry-run --json").out)
    assert [file["path"] for file in planned[0]["collection"]["files"]] == ["chunks/1.js"]
    assert tag.as_("collect", "collect").code == 5
    ordered = tag.as_("record", "record collect latest")
    assert ordered.code == 0
    assert ordered.out.startswith("appended log entry 6: collect.ordered 1 files, ")
    assert "would" not in tag.as_("record", "record collect").out
    dry = tag.as_("collect", "collect --dry-run")
    assert dry.out.startswith(f"delete   {OLD}  sha256 ")
    assert OLD in keys(tag)

    done = tag.as_("collect", "collect latest --json")
    assert json.loads(done.out)[0]["deleted"] == 1
    assert keys(tag) == {NEW, "tag/latest/tag.min.js"}
    assert len(versions(tag, OLD)) == 1, "the bucket keeps what was deleted"
    again = tag.as_("collect", "collect")
    assert again.out == "latest: 0 of 1 files deleted (log entry 6), the others were gone\n"
    purged = tag.as_("invalidate", "invalidate latest")
    assert "latest: 1 paths dropped" in purged.out
    ended = tag.as_("record", "record outcome latest")
    assert ended.out == "appended log entry 7: collect.finished 1 files deleted on latest\n"

    assert tag.as_("collect", "collect").code == 5
    assert tag.as_("record", "record collect").code == 5
    assert tag.as_("", "verify latest --patience 5").code == 0
    audited = tag.as_("audit", "audit --only channels --only progress --only log --no-cdn")
    assert audited.code == 0, audited
    shown = tag.as_("audit", "log show 6")
    assert "collect.ordered" in shown.out


def test_what_is_drift_is_told_and_stays_and_no_other_key_deletes(tag: Account) -> None:
    with closing(tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)) as s3:
        s3.copy_object(
            Bucket="site", Key="tag/latest/mine.js", CopySource="site/tag/1.0.0/tag.min.js", MetadataDirective="REPLACE"
        )
    ordered = tag.as_("record", "record collect")
    assert "tag/latest/mine.js is of no version, which latest was never to serve: that is no garbage" in ordered.err
    for wrong in ("publish", "record", "promote", "audit"):
        assert tag.as_(wrong, "collect").code == 9
    assert OLD in keys(tag)
    assert tag.as_("collect", "collect").code == 0
    assert keys(tag) == {NEW, "tag/latest/tag.min.js", "tag/latest/mine.js"}
    assert tag.as_("collect", "record outcome").code != 0


def test_a_rollback_to_what_is_being_collected_waits(tag: Account) -> None:
    assert tag.as_("record", "record collect").code == 0
    waits = tag.as_("record", "record rollback latest --to 1.0.0 --reason broken")
    assert (waits.code, "chunks/1.js of 1.0.0 may be deleted from latest at this moment" in waits.err) == (12, True)
    assert tag.as_("collect", "collect").code == 0
    assert tag.as_("record", "record outcome").code == 0
    for stage_, command in (
        ("record", "record rollback latest --to 1.0.0 --reason broken"),
        ("promote", "promote latest"),
        ("invalidate", "invalidate latest"),
        ("", "verify latest --patience 5"),
    ):
        assert tag.as_(stage_, command).code == 0, command
    assert keys(tag) == {OLD, NEW, "tag/latest/tag.min.js"}
