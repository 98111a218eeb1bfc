"""The tags of a clone held against the log: what they saw, and what each of the two has and the other has not."""

import pytest

from release.core.log_finding import Finding
from release.core.sshkey import PublicKey
from release.core.tag_anchor import trailer
from release.core.tag_check import TagCheck
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import Frontier, leaf_hash
from release.effects.tagged import read_tags
from release.errors import SourceError
from release.stages import verify_log
from tests.fakes import log_files
from tests.fakes.log_files import NOW
from tests.fakes.repository import FakeRepository
from tests.fakes.scenario import World
from tests.fakes.ssh import SshKey


@pytest.fixture
def world() -> World:
    made = World()
    made.repository.commit("chore: before there was a log")
    made.repository.tag("v0.9.0")
    made.release("1.0.0", "latest")
    made.release("1.1.0", "latest")
    return made


def findings(world: World, *, signers: dict[PublicKey, str] | None = None, cut: int = 0) -> list[Finding]:
    bodies = log_files.entries(world)
    found = log_files.files(bodies[: len(bodies) - cut]) | log_files.evidence(world)
    question = verify_log.Question(policy=log_files.policy(), now=NOW, signers=signers)
    return verify_log.run(log_files.Held(found), question, world.console, world.repository).findings


def seen(world: World, size: int) -> Checkpoint:
    tree = Frontier().extended(leaf_hash(body) for body in log_files.entries(world)[:size])
    return Checkpoint(log_files.ORIGIN, size, tree.root())


def said(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.kind, finding.message) for finding in found]


def anchored(world: World, name: str, *lines: str, signed_by: SshKey | None = None) -> None:
    """Replace a tag by an annotated one with these lines in its message."""
    world.repository.tag(name, world.repository.tags().get(name), annotated=True, message=message(*lines))
    body = world.repository.tag_objects([name], limit=1 << 20)[name] or b""
    if signed_by:
        world.repository.put_tag_object(name, body + signed_by.sign(body, "git").encode())


def message(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in ("v1", "", *lines)).encode()


def test_tags_that_say_what_the_log_says_are_no_finding(world: World) -> None:
    assert findings(world) == []
    anchored(world, "v1.0.0", trailer(seen(world, 3)))
    anchored(world, "v1.1.0", trailer(seen(world, 6)))
    assert findings(world) == []


def test_a_log_that_does_not_continue_what_a_tag_saw_is_a_fork(world: World) -> None:
    anchored(world, "v1.1.0", trailer(Checkpoint(log_files.ORIGIN, 3, bytes(32))))
    assert said(findings(world)) == [("fork", "what the tag v1.1.0 saw is of another log")]
    anchored(world, "v1.1.0", trailer(seen(world, 6)))
    (finding,) = findings(world, cut=1)
    assert (finding.kind, "knows 6 entries, this log shows only 5" in finding.message) == ("fork", True)
    anchored(world, "v1.1.0", trailer(Checkpoint("log.example.com/other", 3, seen(world, 3).root)))
    assert said(findings(world)) == [("fork", "what the tag v1.1.0 saw is of the log log.example.com/other")]


def test_a_tag_of_no_logged_release_is_found_and_older_and_foreign_tags_are_left_alone(world: World) -> None:
    world.repository.commit("feat: past the log")
    for name in ("v1.2.0", "other-v2.0.0", "nightly", "v1", "v1.2.0.1"):
        world.repository.tag(name)
    assert said(findings(world)) == [
        ("repository", "the tag v1.2.0 is of no release that the log knows: 1.2.0 is not published there")
    ]


def test_a_publication_whose_tag_is_gone_or_elsewhere_is_found(world: World) -> None:
    world.repository.tag("v1.0.0")
    (moved,) = findings(world)
    assert (moved.kind, moved.index, "has elsewhere" in moved.message) == ("repository", 0, True)
    world.repository.delete_tag("v1.0.0")
    (gone,) = findings(world)
    assert "does not have" in gone.message


HOSTILE = {
    "two lines": [f"Release-Log: {log_files.ORIGIN} 3 {'A' * 43}="] * 2,
    "other case": [f"release-log: {log_files.ORIGIN} 3 {'A' * 43}="],
    "indented": [f" Release-Log: {log_files.ORIGIN} 3 {'A' * 43}="],
    "leading zero": [f"Release-Log: {log_files.ORIGIN} 03 {'A' * 43}="],
    "no size": [f"Release-Log: {log_files.ORIGIN} 0 {'A' * 43}="],
    "huge size": [f"Release-Log: {log_files.ORIGIN} {'9' * 30} {'A' * 43}="],
    "short root": [f"Release-Log: {log_files.ORIGIN} 3 AAAA"],
    "loose base64": [f"Release-Log: {log_files.ORIGIN} 3 {'A' * 42}B="],
    "more": [f"Release-Log: {log_files.ORIGIN} 3 {'A' * 43}= x"],
    "not ASCII": [f"Release-Log: {log_files.ORIGIN} \uff13 {'A' * 43}="],
    "a line end": [f"Release-Log: {log_files.ORIGIN} 3 {'A' * 43}=\r"],
    "too large": ["x" * 70_000],
}


@pytest.mark.parametrize("lines", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_is_one_finding_and_no_anchor(world: World, lines: list[str]) -> None:
    anchored(world, "v1.1.0", *lines)
    (finding,) = findings(world)
    assert (finding.kind, "the tag v1.1.0 is not taken" in finding.message) == ("repository", True)


def test_a_tag_object_that_is_none_or_was_moved_below_another_name_is_found(world: World) -> None:
    anchored(world, "v1.0.0", trailer(seen(world, 3)))
    body = world.repository.tag_objects(["v1.0.0"], limit=10_000)["v1.0.0"] or b""
    for forged, why in (
        (body, "the object of the tag 'v1.0.0', moved"),
        (b"", "no tag object"),
        (b"\xff\n\n", "no tag"),
    ):
        world.repository.put_tag_object("v1.1.0", forged)
        (finding,) = findings(world)
        assert why in finding.message


def test_with_allowed_signers_only_their_tags_count(world: World) -> None:
    ann, mallory = SshKey("ann"), SshKey("mallory")
    world.repository.delete_tag("v0.9.0")
    anchored(world, "v1.0.0", trailer(seen(world, 3)), signed_by=ann)
    anchored(world, "v1.1.0", trailer(seen(world, 3)), signed_by=ann)
    signers = {ann.public: "ann@example.com"}
    assert findings(world, signers=signers) == []
    false = trailer(Checkpoint(log_files.ORIGIN, 3, bytes(32)))
    for by, why in ((mallory, "none of the allowed signers"), (None, "nobody signed it")):
        anchored(world, "v1.1.0", false, signed_by=by)
        (finding,) = findings(world, signers=signers)
        assert (finding.kind, why in finding.message) == ("repository", True), "and no fork: his word does not count"
    anchored(world, "v1.1.0", trailer(seen(world, 3)), signed_by=ann)
    body = world.repository.tag_objects(["v1.1.0"], limit=10_000)["v1.1.0"] or b""
    world.repository.put_tag_object("v1.1.0", body.replace(b" 3 ", b" 4 "))
    (finding,) = findings(world, signers=signers)
    assert "is wrong" in finding.message
    anchored(world, "v1.1.0", false, signed_by=ann)
    (finding,) = findings(world, signers=signers)
    assert finding.message == "what the tag v1.1.0, signed by ann@example.com, saw is of another log"
    world.repository.tag("v1.1.0", world.repository.tags()["v1.1.0"])
    (finding,) = findings(world, signers=signers)
    assert "is not signed" in finding.message


def test_a_line_after_the_signature_or_inside_it_is_not_the_makers(world: World) -> None:
    anchored(world, "v1.1.0", "a release", signed_by=SshKey("ann"))
    body = world.repository.tag_objects(["v1.1.0"], limit=10_000)["v1.1.0"] or b""
    world.repository.put_tag_object("v1.1.0", body + trailer(Checkpoint(log_files.ORIGIN, 3, bytes(32))).encode())
    assert findings(world) == []
    (finding, *_) = findings(world, signers={SshKey("ann").public: "ann"})
    assert finding.kind == "repository"


def test_a_shallow_clone_says_nothing_and_is_refused(world: World) -> None:
    world.repository.shallow = True
    with pytest.raises(SourceError, match="shallow"):
        findings(world)


def test_a_clone_of_something_else_has_none_of_the_tags(world: World) -> None:
    world.repository = FakeRepository()
    world.repository.commit("another library")
    assert {finding.index for finding in findings(world)} == {0, 3}
    assert read_tags(world.repository, TagCheck()).objects == {}
