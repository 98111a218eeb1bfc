"""Git tags as anchors of a log: real git, real ssh-keygen, from `log anchor` to an auditor with a clone."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.functional.conftest import Run
from tests.functional.embedded import Account, account
from tests.functional.library import VKEY, Library

pytestmark = pytest.mark.moto


def released(tag: Account, key: Path, version: str, *lines: str) -> None:
    """Tag a version with a signature, and bring it as far as the log."""
    tag.library.release(version, f"window.tag = '{version}';\n")
    sign = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}", "tag", "--force", "--sign")
    tag.library.git(*sign, *(f"--message={line}" for line in (version, *lines)), f"v{version}")
    for stage, command in (("", "build"), ("publish", "publish"), ("record", "record publish")):
        ended = tag.as_(stage, command)
        assert ended.code == 0, (command, ended)


def test_a_signed_tag_says_what_was_seen_of_the_log_and_an_auditor_holds_the_log_against_it(
    library: Library, run: Run, tmp_path: Path
) -> None:
    key, signers, vkey = tmp_path / "ann", tmp_path / "signers", tmp_path / "log.vkey"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key, "-C", "ann"], check=True)
    public = " ".join((tmp_path / "ann.pub").read_text().split()[:2])
    signers.write_text(f'# who may tag\nann@example.com namespaces="git,file" {public} ann\n')
    vkey.write_text(f"{VKEY}\n")
    copy, early = tmp_path / "log.tar", tmp_path / "early.tar"
    with account(library, run, tmp_path / "keys") as tag:
        released(tag, key, "1.0.0")
        assert tag.as_("audit", "log export", str(early)).code == 0
        printed = tag.as_("audit", "log anchor")
        assert printed.out.startswith("Release-Log: log.example.com/tag 1 "), printed
        facts = json.loads(tag.as_("audit", "log anchor --json").out)
        assert (facts["size"], facts["trailer"]) == (1, printed.out.strip())
        released(tag, key, "1.1.0", printed.out.strip())
        assert tag.as_("audit", "log export", str(copy)).code == 0

    arguments = ("--key", str(vkey), "--repository", str(library.folder), "--allowed-signers", str(signers))
    ended = run("log", "verify", str(copy), *arguments)
    assert (ended.code, "ok    the tags of the repository and the log say the same" in ended.out) == (0, True), ended
    ended = run("log", "verify", str(early), *arguments)
    assert (ended.code, "v1.1.0 is of no release that the log knows" in ended.out) == (22, True), ended
    library.git("tag", "--force", "--annotate", "--message=v", "v1.1.0", "v1.1.0^{commit}")
    ended = run("log", "verify", str(copy), *arguments)
    assert (ended.code, "the tag v1.1.0 is not taken: nobody signed it" in ended.out) == (22, True), ended
    root = "Release-Log: log.example.com/tag 1 " + "A" * 43 + "="
    library.git("tag", "--force", "--annotate", "--message=v", f"--message={root}", "v1.1.0", "v1.1.0^{commit}")
    ended = run("log", "verify", str(copy), *arguments[:4])
    assert (ended.code, "what the tag v1.1.0 saw is of another log" in ended.out) == (20, True), ended
    signers.write_text(f"ann@example.com cert-authority {public}\n")
    refused = run("log", "verify", str(copy), *arguments)
    assert (refused.code, "line 1 of the allowed signers" in refused.err) == (3, True), refused
