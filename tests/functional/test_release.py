"""The main job on an embedded AWS with IAM enforced: every stage has only its own key."""

import json
import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from release.adapters.keyring import Keyring
from release.core.identities import STAGES
from release.errors import PermissionDenied, RefusedError
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import PIPELINE, Account, account
from tests.functional.library import SIGNING, Library, signing

pytestmark = pytest.mark.moto

V1, V2 = "window.tag = 1;\n", "window.tag = 2; // " + "x" * 2000 + "\n"


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        yield opened


def served(tag: Account, path: str) -> str:
    return urllib3.request("GET", f"{tag.edge.url}/tag/{path}").data.decode()


def log_actions(tag: Account) -> list[tuple[str, str, str | None]]:
    entries = json.loads(tag.as_("audit", "log list --last 0 --json").out)
    return [(e["action"], e["version"], e.get("channel")) for e in entries]


def test_a_release_goes_from_a_tag_to_the_public_address_and_into_the_log(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    assert served(tag, "latest/tag.min.js") == served(tag, "1.0.0/tag.min.js") == V1
    assert log_actions(tag) == [
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


def test_every_step_can_be_run_again_and_changes_nothing(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    before = log_actions(tag)
    for stage, command in PIPELINE:
        ended = tag.as_(stage, command)
        assert ended.code == 0, (command, ended)
    assert log_actions(tag) == before
    assert "nothing to do" in tag.as_("publish", "publish").out


def test_a_promotion_reaches_pages_that_the_edge_had_cached(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    assert served(tag, "latest/tag.min.js") == V1
    tag.pipeline("1.1.0", V2)
    assert served(tag, "latest/tag.min.js") == V2
    assert served(tag, "1.0.0/tag.min.js") == V1


def test_a_promotion_without_invalidation_does_not_pass_verification_and_the_log_says_so(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    tag.library.release("1.1.0", V2)
    for stage, command in PIPELINE:
        if command.startswith("verify"):
            break
        if command != "invalidate":
            assert tag.as_(stage, command).code == 0
    ended = tag.as_("", "verify --patience 0")
    assert ended.code == 13
    assert "/tag/latest/tag.min.js (br): HTTP 200, 16 bytes" in ended.err
    assert tag.as_("record", "record outcome").code == 0
    assert ("promote.failed", "1.1.0", "latest") in log_actions(tag)
    assert tag.as_("audit", "status").code == 15


def test_rollback_needs_no_git_no_build_and_no_tools(tag: Account, tmp_path: Path) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "release.toml").write_bytes((tag.library.folder / "release.toml").read_bytes())
    ended = tag.run(
        *("rollback", "latest", "--reason", "breaks checkout", "--config", str(bare / "release.toml")),
        **tag.endpoint,
        **SIGNING,
        RELEASE_KEYS=str(tag.keys),
        PATH="/nonexistent",
    )
    assert (ended.code, ended.out) == (0, "latest serves 1.0.0 again\n")
    assert served(tag, "latest/tag.min.js") == V1
    assert served(tag, "v1/tag.min.js") == V2
    assert log_actions(tag)[-2:] == [
        ("rollback.authorized", "1.0.0", "latest"),
        ("rollback.completed", "1.0.0", "latest"),
    ]


def test_a_rollback_without_a_reason_is_refused_and_a_dry_run_only_tells(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    keys = {**tag.endpoint, "RELEASE_KEYS": str(tag.keys)}
    before = log_actions(tag)
    ended = tag.run("rollback", **keys)
    assert ended.code == 3
    assert "release rollback latest --to 1.0.0 --reason" in ended.err
    dry = tag.run("rollback", "--dry-run", **keys)
    assert dry.code == 0
    assert [line.split()[1] for line in dry.out.splitlines()] == ["record", "promote", "invalidate", "verify", "record"]
    assert log_actions(tag) == before


@pytest.mark.parametrize(("answers", "code"), [("breaks checkout\ny\n", 0), ("breaks checkout\nn\n", 1)])
def test_a_rollback_without_arguments_explains_what_it_would_do_and_asks(
    tag: Account, monkeypatch: pytest.MonkeyPatch, answers: str, code: int
) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    before = log_actions(tag)
    ours, theirs = pty.openpty()
    os.write(ours, answers.encode())
    with os.fdopen(theirs) as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        ended = tag.run("rollback", **tag.endpoint, **SIGNING, RELEASE_KEYS=str(tag.keys))
    os.close(ours)
    assert ended.code == code, ended
    assert "latest serves 1.1.0; it will serve 1.0.0, no byte is built or uploaded" in ended.err
    assert "roll latest back to 1.0.0?" in ended.err
    done = log_actions(tag)
    assert served(tag, "latest/tag.min.js") == (V2 if code else V1)
    assert [action for action, _, _ in done[len(before) :]] == (
        [] if code else ["rollback.authorized", "rollback.completed"]
    )
    if not code:
        assert json.loads(tag.as_("audit", "log list --last 1 --json").out)[0]["action"] == "rollback.completed"


def test_a_yanked_version_cannot_be_promoted_again(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    serving = tag.as_("record", "yank 1.1.0 --reason bad")
    assert serving.code == 12
    assert "is what latest, v1 serves" in serving.err
    keys = {**tag.endpoint, **SIGNING, "RELEASE_KEYS": str(tag.keys)}
    for channel in ("latest", "v1"):
        assert tag.run("rollback", channel, "--reason", "bad", **keys).code == 0
    assert tag.as_("record", "yank 1.1.0 --reason bad").code == 0
    ended = tag.as_("record", "record promote latest --version 1.1.0")
    assert ended.code == 12
    assert "version 1.1.0 was yanked (log entry" in ended.err
    assert "yanked: 1.1.0" in tag.as_("audit", "status").out


def test_going_back_without_saying_so_is_refused(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    ended = tag.as_("record", "record promote latest --version 1.0.0")
    assert ended.code == 12
    assert "channel latest serves 1.1.0: 1.0.0 would take it backwards" in ended.err


def test_a_backport_moves_only_its_own_line(tag: Account) -> None:
    toml = (tag.library.folder / "release.toml").read_text()
    tag.library.write("release.toml", toml + '\n[channels."v{major}.{minor}"]\n')
    tag.library.commit("chore: a channel per minor")
    administrator = {"AWS_ACCESS_KEY_ID": tag.aws.admin.id, "AWS_SECRET_ACCESS_KEY": tag.aws.admin.secret}
    assert tag.run("keys", "provision", "--credentials-file", str(tag.keys), **tag.endpoint, **administrator).code == 0
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    tag.pipeline("1.0.1", "window.tag = 3;\n")
    assert served(tag, "v1.0/tag.min.js") == "window.tag = 3;\n"
    assert served(tag, "v1/tag.min.js") == served(tag, "latest/tag.min.js") == V2


def test_a_hostile_reason_cannot_play_with_the_terminal(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    reason = "bad\x1b]0;owned\x07 \u202egnp.js"
    assert tag.as_("record", "record rollback latest --reason", reason).code == 0
    listed = tag.as_("audit", "log list").out
    assert "bad\\u001b]0;owned\\u0007 \\u202egnp.js" in listed


def test_a_prerelease_goes_to_its_own_channel_only(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0-rc.1", V2)
    assert served(tag, "next/tag.min.js") == V2
    assert served(tag, "latest/tag.min.js") == V1
    ended = tag.as_("record", "record promote latest --version 1.1.0-rc.1")
    assert ended.code == 12
    assert "channel latest does not take version 1.1.0-rc.1" in ended.err


def test_what_the_log_does_not_authorise_does_not_go_live(tag: Account) -> None:
    tag.library.release("1.0.0", V1)
    assert tag.as_("", "build").code == 0
    assert tag.as_("publish", "publish").code == 0
    unpublished = tag.as_("record", "record promote")
    assert unpublished.code == 10
    assert "does not say that version 1.0.0 was published" in unpublished.err
    unauthorised = tag.as_("promote", "promote latest")
    assert unauthorised.code == 5
    assert "authorises nothing for channel latest" in unauthorised.err


def test_published_bytes_stay_even_against_another_build_of_the_same_version(tag: Account) -> None:
    tag.pipeline("1.0.0", V1)
    tag.library.git("tag", "--delete", "v1.0.0")
    tag.library.release("1.0.0", V2)
    assert tag.as_("", "build").code == 0
    ended = tag.as_("publish", "publish")
    assert ended.code == 7
    assert "version 1.0.0 is already published with other bytes" in ended.err
    assert served(tag, "1.0.0/tag.min.js") == V1


STEPS = [(key, command) for key, command in PIPELINE if key]


@pytest.mark.parametrize(("own", "command"), [pytest.param(*step, id=step[1]) for step in STEPS])
def test_no_stage_works_with_the_key_of_another(tag: Account, own: str, command: str) -> None:
    """Everything up to the step is done with the right keys; the step is tried with all others first."""
    tag.pipeline("1.0.0", V1)
    tag.library.release("1.1.0", V2)
    for key, before in PIPELINE:
        if before == command:
            break
        assert tag.as_(key, before).code == 0
    for stranger in [stage for stage in STAGES if stage != own]:
        ended = tag.as_(stranger, command, **signing(own, {}))
        assert ended.code == 9, (stranger, command, ended)
        assert "may not " in ended.err
        assert "arn:aws:" in ended.err
    assert tag.as_(own, command).code == 0


def test_a_dry_run_prints_what_the_real_run_then_does(tag: Account) -> None:
    tag.library.release("1.0.0", V1)
    assert tag.as_("", "build").code == 0
    plan = json.loads(tag.as_("publish", "publish --dry-run --json").out)["plan"]
    assert [(a["group"], a["action"], a["key"]) for a in plan] == [
        (0, "create", "tag/1.0.0/tag.min.js"),
        (1, "create", "tag/1.0.0/manifest.json"),
    ]
    done = json.loads(tag.as_("publish", "publish --json").out)
    assert (done["plan"], done["done"]["created"]) == (plan, 2)


def test_keys_are_provisioned_once_and_shown_as_a_difference_first(tag: Account) -> None:
    key = Keyring(tag.keys.with_name("provision-key"), "tag").variables("provision")

    def provision(*more: str) -> Ended:
        return tag.run("keys", "provision", *more, **tag.endpoint, **key)

    where = ("--credentials-file", str(tag.keys))
    assert provision(*where).out == "all keys and policies are as they should be\n"
    lost = provision("--credentials-file", str(tag.keys.with_name("elsewhere")))
    assert lost.code == RefusedError.exit_code
    assert "delete it" in lost.err
    toml = (tag.library.folder / "release.toml").read_text()
    tag.library.write("release.toml", toml.replace("[channels.latest]", "[channels.beta]\n\n[channels.latest]"))
    assert "--foundation" in provision(*where).err  # the buckets' policies speak of channels too
    administrator = {"AWS_ACCESS_KEY_ID": tag.aws.admin.id, "AWS_SECRET_ACCESS_KEY": tag.aws.admin.secret}
    foundation = tag.run("keys", "provision", "--foundation", **tag.endpoint, **administrator)
    assert foundation.out == "did write the policy of site-bucket\n"
    dry = provision("--dry-run", *where)
    changed = ["record", "promote", "collect", "audit"]  # whose policies name channels
    assert dry.out == "".join(f"would replace the policy of {stage}\n" for stage in changed)
    assert '+        "arn:aws:s3:::site/tag/beta/*"' in dry.err
    made = json.loads(provision("--json", *where).out)
    assert [change["name"] for change in made["changes"]] == changed
    assert provision(*where).out == "all keys and policies are as they should be\n"
    assert tag.keys.stat().st_mode & 0o777 == 0o600
    assert provision("--foundation").code == PermissionDenied.exit_code


def test_no_secret_is_ever_printed(tag: Account) -> None:
    tag.library.release("1.0.0", V1)
    ring = Keyring(tag.keys, "tag")
    secrets = [ring.variables(stage)["AWS_SECRET_ACCESS_KEY"] for stage in STAGES]
    assert len(set(secrets)) == len(STAGES)
    printed = [tag.as_(key, f"{command} --json") for key, command in PIPELINE]
    printed += [tag.as_("invalidate", command) for _, command in PIPELINE]
    text = "".join(ended.out + ended.err for ended in printed)
    left = b"".join(p.read_bytes() for p in tag.library.folder.rglob("*") if p.is_file() and ".git/" not in str(p))
    for secret in secrets:
        assert secret not in text
        assert secret.encode() not in left
