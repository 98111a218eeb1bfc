"""Every attack on the log that docs/threats.md names, each played by whoever could, and what gives him away.

The attacker holds the record role, and where it is said the log's key. Where he does the best that he can, the test
says first what he gets away with: that nobody notices without an anchor is why there are anchors.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from botocore.exceptions import ClientError

from release.adapters.embedded.aws import EmbeddedAws
from release.adapters.embedded.provision import provision
from release.adapters.s3 import S3Store
from release.core.layout import ObjectHeaders
from release.core.log_finding import Finding
from release.core.tag_anchor import trailer
from release.core.tlog.merkle import leaf_hash
from release.core.tlog.note import open_note
from release.errors import LogError, TamperedError
from release.stages import approve as approving
from release.stages import export_log, verify_log
from tests.fakes import examples, log_files, people
from tests.fakes.examples import sealed
from tests.fakes.log_files import NOW, SIGNER
from tests.fakes.log_keys import log_signer
from tests.fakes.log_thief import Files, forged, history
from tests.fakes.scenario import World

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from release.ports import Repository


class Copy(dict[str, bytes]):
    """A log's copy, in memory."""

    def add(self, path: str, body: bytes) -> None:
        self[path] = body


@pytest.fixture
def world() -> World:
    """1.0.0 went live with approvals, 1.0.1 was published and yanked, 1.1.0 went live; all of it signed."""
    made = World()
    made.trust()
    made.release("1.0.0")
    made.approved("latest", "1.0.0", "cto", "lead")
    made.finish("latest")
    made.release("1.0.1")
    made.yank("1.0.1")
    made.release("1.1.0")
    made.clock.sleep(600)
    made.approved("latest", "1.1.0", "cto", "lead")
    made.finish("latest")
    return made


def copied(world: World) -> Files:
    """Take the copy that an auditor gets, as `release log export` makes it."""
    copy = Copy()
    slots = world.slots()
    export_log.run(slots, export_log.head(slots), None, copy)
    return copy


def audit(
    files: Files,
    *,
    remembered: bytes | None = None,
    trust: str | None = None,
    repository: "Repository | None" = None,
    witnessed: bool = False,
    now: datetime = NOW,
) -> verify_log.Report:
    question = verify_log.Question(
        policy=log_files.policy(witnessed=witnessed), now=now, remembered=remembered, trust=trust
    )
    return verify_log.run(log_files.Held(files), question, World().console, repository)


def kinds(findings: Sequence[Finding]) -> set[str]:
    return {finding.kind for finding in findings}


def pinned(world: World) -> str:
    return world.config.approvals.trust or ""


def index_of(world: World, action: str) -> int:
    return next(event.index for event in world.events() if event.action == action)


def test_an_honest_log_passes_with_every_anchor(world: World) -> None:
    files = copied(world)
    report = audit(files, remembered=files["checkpoint"], trust=pinned(world), repository=world.repository)
    assert (report.findings, report.channels["latest"].version) == ([], "1.1.0")


# With the record role alone.


def test_edit_without_the_logs_key(world: World) -> None:
    """He puts other bytes where tiles and entries are served."""
    files = copied(world)
    other = forged(world, history([dataclasses.replace(e, reason="another") for e in world.events()]))
    for path in [path for path in files if path.startswith("tile/")]:
        assert kinds(audit(files | {path: other[path]}).findings) & {"tree", "rule"}, path
    assert kinds(audit(files | {"checkpoint": other["checkpoint"]}).findings) >= {"tree"}


def test_delete_and_reorder_without_the_logs_key(world: World) -> None:
    """Nor does it help to leave the head, and to serve other entries where it says how many there are."""
    files = copied(world)
    for how in ("delete", "reorder"):
        other = {folder(path): body for path, body in log_files.files(rewritten(world, how)).items()}
        tiles = {path: other[folder(path)] for path in files if path.startswith("tile/")}
        assert kinds(audit(files | tiles).findings) >= {"tree"}


def folder(path: str) -> str:
    return path.rpartition("/")[0]


# With the log's key: everything fits, and the lock of the bucket and the anchors are what is left.


def rewritten(world: World, how: str) -> list[bytes]:
    """Give a history of which every signature, hash and rule is right."""
    events, yank = world.events(), index_of(world, "version.yanked")
    match how:
        case "edit":
            events = [dataclasses.replace(e, reason="nothing to see") if e.index == yank else e for e in events]
        case "delete":
            events = [e for e in events if e.index != yank]
        case "reorder":
            first, second = events[yank + 1], events[yank]
            events = [*events[:yank], first, second, *events[yank + 2 :]]
        case _:
            events = events[:yank]
    return history(events)


REWRITTEN = ["edit", "delete", "reorder", "truncate"]


@pytest.mark.parametrize("how", REWRITTEN)
def test_edit_delete_reorder_or_truncate_and_sign_again(world: World, how: str) -> None:
    false = forged(world, rewritten(world, how))
    assert audit(false).findings == [], "with nothing from elsewhere nobody can tell"

    true = copied(world)
    remembering = audit(false, remembered=true["checkpoint"])
    assert "fork" in kinds(remembering.findings)
    if how in {"edit", "reorder"}:  # a shorter log may be an old copy: that is no misbehaviour of the key's holder
        assert remembering.proof == (true["checkpoint"], false["checkpoint"])
    for note in remembering.proof:
        open_note(note, [SIGNER.key])

    archive = {path: body for path, body in true.items() if path.startswith("checkpoints/")}
    assert "fork" in kinds(audit(false | archive).findings), "archived checkpoints are locked"

    world.repository.tag("v1.1.0", world.repository.tags()["v1.1.0"], annotated=True, message=anchor(true))
    assert "fork" in kinds(audit(false, repository=world.repository).findings)


def anchor(files: Files) -> bytes:
    return trailer(log_files.head(files)).encode()


@pytest.mark.parametrize("how", ["edit", "delete", "reorder"])
def test_edit_delete_or_reorder_before_an_approval(world: World, how: str) -> None:
    """The approvals cannot be made again, and say what their signers saw."""
    findings = audit(forged(world, rewritten(world, how)), trust=pinned(world)).findings
    assert findings
    assert kinds(findings) == {"fork"}
    assert "what cto and lead saw when approving entry" in findings[0].message


def test_truncate_before_an_approver_who_remembers(world: World) -> None:
    view = world.view()
    remembered = view.head().note
    request = world.ask("v1", "1.1.0")
    restore(world, rewritten(world, "truncate"))
    with pytest.raises(TamperedError, match="entries are withheld"):
        approving.same_log(view, request, remembered)


def test_fork_shown_to_one_of_two_auditors(world: World) -> None:
    """A split view: to each his log is right. They compare what `--remember` kept, and have the proof."""
    mine, his = copied(world), forged(world, rewritten(world, "edit"))
    assert (audit(mine).findings, audit(his).findings) == ([], [])
    for files, other in ((mine, his), (his, mine)):
        report = audit(files, remembered=other["checkpoint"])
        assert kinds(report.findings) == {"fork"}
        assert report.proof == (other["checkpoint"], files["checkpoint"])


def test_fork_before_an_approver_and_a_recording_job(world: World) -> None:
    """Who asks saw the true log; the approver, and the job that records, are shown another one."""
    world.release("1.2.0")
    request = world.ask("latest", "1.2.0")
    approval = people.approval(request, by=("cto", "lead"))
    restore(world, rewritten(world, "edit"))
    view = world.view()
    with pytest.raises(TamperedError, match="the checkpoint of the request is of another log"):
        approving.same_log(view, request, None)
    with pytest.raises(TamperedError, match="what cto and lead saw is of another log"):
        world.authorize("latest", "1.2.0", approvals=[approval])


def restore(world: World, bodies: Sequence[bytes]) -> None:
    """Let the log bucket hold this history, slots and all."""
    layout = world.config.log_layout
    derived = (layout.slots, f"{layout.prefix}tile/", layout.checkpoint)  # and "checkpoints/"
    for key in world.log.bodies():
        if key.startswith(derived):
            world.log.remove(key)
    for path, body in log_files.files(bodies).items():
        world.log.put(f"{layout.prefix}{path}", body)
    for index, body in enumerate(bodies):
        world.log.put(layout.slot(index), body)


def test_freeze_at_an_old_head(world: World) -> None:
    """He serves what was true a week ago: right in itself. An anchor knows more, or no witness has seen it lately."""
    bodies, seen, later = log_files.entries(world), int(NOW.timestamp()), NOW + timedelta(days=7, seconds=1)
    old = log_files.files(bodies[:4], cosigned_at=seen) | log_files.evidence(world)
    assert audit(old).findings == []
    assert audit(old, witnessed=True).findings == []
    assert kinds(audit(old, witnessed=True, now=later).findings) == {"freshness"}
    true = copied(world)
    (finding,) = audit(old, remembered=true["checkpoint"]).findings
    assert (finding.kind, "entries are withheld" in finding.message) == ("fork", True)
    world.repository.tag("v1.0.0", world.repository.tags()["v1.0.0"], annotated=True, message=anchor(true))
    findings = audit(old, repository=world.repository).findings
    assert kinds(findings) == {"fork", "repository"}, "and tags of releases that this copy does not know"


def test_back_date_an_entry(world: World) -> None:
    """Earlier than the entry before it: a rule. A little: whatever a false clock can say, and no more."""
    last = world.events()[-1]
    for back, found in (("2026-11-01T00:00:00Z", {"rule"}), (last.occurred_at, set[str]())):
        bodies = [*log_files.entries(world)[:-1], sealed(dataclasses.replace(last, occurred_at=back))]
        assert kinds(audit(forged(world, bodies)).findings) == found


def test_back_date_a_release_into_another_week(world: World) -> None:
    """An approval is valid from when it was asked for, whatever the entry says."""
    event = next(event for event in reversed(world.events()) if event.approvals)
    bodies = log_files.entries(world)[: event.index]
    early = dataclasses.replace(event, occurred_at=world.events()[event.index - 1].occurred_at)
    findings = audit(forged(world, [*bodies, sealed(early)]), trust=pinned(world)).findings
    assert "approval" in kinds(findings)
    assert "it is valid from" in next(f.message for f in findings if f.kind == "approval")


def test_back_date_a_release_to_a_slot_before_what_its_approver_saw(world: World) -> None:
    event = next(event for event in reversed(world.events()) if event.approvals)
    events = [e for e in world.events()[: event.index] if e.action != "version.yanked"]
    findings = audit(forged(world, history([*events, event])), trust=pinned(world)).findings
    assert [finding.kind for finding in findings] == ["fork"]
    assert "the entry was not there yet" in findings[0].message


# Around the log.


def test_unlogged_release_that_has_a_tag(world: World) -> None:
    """Published and served past the log. The clone has a tag, since the pipeline takes nothing without one."""
    world.publish("1.2.0")
    (finding,) = audit(copied(world), repository=world.repository).findings
    assert (finding.kind, "v1.2.0 is of no release that the log knows" in finding.message) == ("repository", True)


# Taking slots.


def test_slot_squatting_far_ahead(world: World) -> None:
    """Who lists the log sees a gap."""
    layout, size = world.config.log_layout, world.slots().tail().size
    for ahead in (1, 2, 500):
        twin = world.twin()
        twin.log.put(layout.slot(size + ahead), b"{}")
        with pytest.raises(LogError, match="has a gap between its entries") as caught:
            twin.slots().tail()
        assert "a slot was taken ahead of its time" in caught.value.hint


JUNK: Final = {
    "garbage": (b"{}", "it changes nothing"),
    "nothing": (b"", "it changes nothing"),
    "bytes": (bytes(range(256)), "it changes nothing"),
    "an entry that another key signed": (
        sealed(examples.event(9), signer=log_signer("log.example.com/tag", seed="mallory")),
        "is not signed by a key of this log",
    ),
    "an oversized entry": (b"x" * 70_000, "holds an object of 70000 bytes, at most 65535 fit"),
}


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("ahead", [0, 1])
def test_slot_squatting_with_garbage_or_an_oversized_entry_stalls_nothing(world: World, junk: str, ahead: int) -> None:
    """He cannot sign: what he leaves is a leaf, changes no state, and is named by every verification."""
    body, why = JUNK[junk]
    taken = world.slots().tail().size + ahead
    world.log.put(world.config.log_layout.slot(taken), body)
    world.release("1.2.0")
    world.approved("latest", "1.2.0", "cto", "lead")
    world.finish("latest")
    report = audit(copied(world), trust=pinned(world))
    assert [(finding.kind, finding.index) for finding in report.findings] == [("entry", taken)]
    assert why in report.findings[0].message
    assert report.channels["latest"].version == "1.2.0"


# With an administrator's key: delete markers. On the embedded AWS, which keeps versions and locks as AWS does.


@dataclass(frozen=True, kw_only=True)
class Locked:
    """A log bucket with Object Lock, as its owner reaches it, and what was released into it."""

    world: World
    s3: "S3Client"
    bucket: str

    @property
    def store(self) -> S3Store:
        return S3Store(self.s3, bucket=self.bucket, stage="record")

    def overwrite(self, path: str, body: bytes) -> None:
        """Hide an object behind a delete marker, which no lock forbids, and create another in its place."""
        key = f"{self.world.config.log_layout.prefix}{path}"
        self.s3.delete_object(Bucket=self.bucket, Key=key)
        assert self.store.create(key, body, ObjectHeaders(content_type="application/json", cache_control="no-store"))

    def versions(self, path: str) -> list[tuple[str, bytes]]:
        """Give the versions of an object with their bytes, the oldest first."""
        key = f"{self.world.config.log_layout.prefix}{path}"
        listed = self.s3.list_object_versions(Bucket=self.bucket, Prefix=key)["Versions"]
        rows = sorted(listed, key=lambda row: row["IsLatest"])
        return [(row["VersionId"], self._body(key, row["VersionId"])) for row in rows if row["Key"] == key]

    def _body(self, key: str, version: str) -> bytes:
        with closing(self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=version)["Body"]) as stream:
            return stream.read()


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as opened:
        yield opened


@pytest.fixture
def locked(aws: EmbeddedAws, request: pytest.FixtureRequest) -> Locked:
    """A log of two releases, each object locked for a day."""
    name = f"log-{abs(hash(request.node.name))}"
    provision(aws.session(), bucket=f"site-{name}", log_bucket=name, endpoint=aws.endpoint, retention_days=1)
    made = World()
    found = Locked(world=made, s3=aws.session().client("s3", endpoint_url=aws.endpoint), bucket=name)
    for version in ("1.0.0", "1.1.0"):
        made.publish(version)
        made.record(version, log=found.store)
        made.clock.sleep(60)
    return found


def slot(index: int) -> str:
    return f"seq/{index:012d}"


@pytest.mark.moto
def test_delete_marker_overwrite_of_an_entry_is_seen_by_whoever_lists_versions(locked: Locked) -> None:
    ((first, true),) = locked.versions(slot(1))
    locked.overwrite(slot(1), b"forged")
    assert [body for _, body in locked.versions(slot(1))] == [true, b"forged"], "the locked one stays beside it"
    with pytest.raises(ClientError, match="AccessDenied"):
        locked.s3.delete_object(Bucket=locked.bucket, Key=f"tag/{slot(1)}", VersionId=first)


@pytest.mark.moto
def test_delete_marker_overwrite_of_what_the_tree_is_resumed_from_stops_the_next_append(locked: Locked) -> None:
    """He has no log key: what he puts there is not what the head is of."""
    before = locked.store.keys("tag/seq/")
    for path in ("checkpoint", "tile/entries/000.p/2"):
        _, true = locked.versions(path)[-1]
        locked.overwrite(path, true[:-1] + bytes([true[-1] ^ 1]))
        locked.world.publish("1.2.0")
        with pytest.raises(LogError, match=r"tag/checkpoint cannot be believed|the log's tree is not what"):
            locked.world.record("1.2.0", log=locked.store)
        assert locked.store.keys("tag/seq/") == before
        locked.overwrite(path, true)


@pytest.mark.moto
@pytest.mark.parametrize("forged_body", [b"forged", sealed(examples.event(1))], ids=["garbage", "signed"])
def test_delete_marker_overwrite_of_the_newest_entry_stops_the_next_append(locked: Locked, forged_body: bytes) -> None:
    """With the log's key or without: the slot is not what the tree has at its end."""
    locked.overwrite(slot(1), forged_body)
    before = locked.store.keys("tag/seq/")
    locked.world.publish("1.2.0")
    with pytest.raises(LogError, match="is another entry than the one that was integrated") as caught:
        locked.world.record("1.2.0", log=locked.store)
    assert "tampered" in caught.value.hint
    assert locked.store.keys("tag/seq/") == before


@pytest.mark.moto
def test_rewrite_of_an_entry_after_the_last_anchor_is_held_by_the_lock_alone(locked: Locked) -> None:
    """He has every key, and rewrites what nobody saw yet: only the versions tell, and the first is the true one."""
    slots = locked.world.slots(locked.store)
    true = Copy()
    export_log.run(slots, export_log.head(slots), None, true)
    anchor_at_one = true[f"checkpoints/{1:012d}"]
    events = list(slots.events(first=0, size=2))
    bodies = history([events[0], dataclasses.replace(events[1], reason="nothing to see")])
    false = log_files.files(bodies)
    locked.overwrite(slot(1), bodies[1])
    for path in [path for path in false if true[path] != false[path]]:
        locked.overwrite(path, false[path])
    shown = Copy()
    export_log.run(slots, export_log.head(slots), None, shown)
    assert audit(shown, remembered=anchor_at_one).findings == [], "the anchor is from before"
    assert kinds(audit(shown, remembered=true["checkpoint"]).findings) == {"fork"}
    for path in (slot(1), f"checkpoints/{2:012d}"):
        assert len(locked.versions(path)) == 2, path
    assert leaf_hash(locked.versions(slot(1))[0][1]).hex() in proven(true)


def proven(files: Files) -> str:
    """Give the lowest tile of a tree of two, in hex: what its checkpoint is of."""
    return files["tile/0/000.p/2"].hex()


# The page.

PAGE: Final = (Path(__file__).parents[2] / "docs" / "threats.md").read_text(encoding="utf-8")
ROWS: Final = re.findall(r"^\| (\*.*)$", PAGE.partition("## The log\n")[2], re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[0].strip() for row in ROWS])
def test_every_attack_of_the_page_is_played_here(row: str) -> None:
    attacks = re.findall(r"\*([^*]+)\*", row.split("|", maxsplit=1)[0])
    played = [name for name in re.findall(r"`(test_\w+)`", row) if name in globals()]
    for attack in attacks:
        assert any(re.sub("[ -]", "_", attack) in name for name in played), attack


def test_the_page_names_every_attack() -> None:
    named = {attack for row in ROWS for attack in re.findall(r"\*([^*]+)\*", row.split("|")[0])}
    assert named >= {"edit", "delete", "reorder", "truncate", "fork", "freeze", "back-date", "delete marker"}
    assert named >= {"unlogged release", "slot squatting", "oversized entry", "rewrite"}
