"""A library whose releases need approval, on an embedded AWS, and the people who give it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from release.adapters.keyring import Keyring
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import Account, account
from tests.functional.library import Library, signing

TRUST = """\
expires-days = 365
threshold = 1
emergency = {{roles = ["CTO"]}}

[[trust-keys]]
principal = "cto"
key = "{cto}"

[[approvers]]
principal = "cto"
role = "CTO"
keys = [{{key = "{cto}"}}]
actors = ["u:1"]
authors = ["cto@example.com"]

[[approvers]]
principal = "lead"
role = "lead"
keys = [{{key = "{lead}"}}]

[[thresholds]]
channels = "*"
approvals = 1
roles = ["CTO", "lead"]

[[thresholds]]
channels = "latest"
approvals = 2
roles = ["CTO", "lead"]
"""


class Team:
    """A library whose releases need approval, and the people who give it, each with a key of his own."""

    def __init__(self, tag: Account, keys: Path) -> None:
        self.tag = tag
        self.keys = keys
        for name in ("cto", "lead", "mallory"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name, "-C", name], check=True)
        self.admin = {"AWS_ACCESS_KEY_ID": tag.aws.admin.id, "AWS_SECRET_ACCESS_KEY": tag.aws.admin.secret}

    def line(self, name: str) -> str:
        return " ".join((self.keys / f"{name}.pub").read_text().split()[:2])

    def run(self, stage: str, command: str, *more: str, **variables: str) -> Ended:
        key = Keyring(self.tag.keys, "tag").variables(stage) if stage else {}
        key |= signing(stage, variables)
        return self.tag.run(*command.split(), *more, **self.tag.endpoint, **key, **variables)

    def done(self, stage: str, command: str, *more: str, **variables: str) -> Ended:
        ended = self.run(stage, command, *more, **variables)
        assert ended.code == 0, (command, ended)
        return ended

    def sign(self, command: str, name: str) -> Ended:
        return self.run("audit", command, "--yes", "--key", str(self.keys / name))

    def found(self) -> None:
        """Lay down the first trust epoch, and pin it."""
        (self.keys / "trust.toml").write_text(TRUST.format(cto=self.line("cto"), lead=self.line("lead")))
        self.done("audit", "trust propose", str(self.keys / "trust.toml"))
        assert self.sign("trust sign", "mallory").code == 12
        assert self.sign("trust sign", "cto").code == 0
        applied = self.apply()
        toml = (self.tag.library.folder / "release.toml").read_text()
        self.tag.library.write(
            "release.toml", toml.replace("[approvals]\nrequired = false", applied.out.partition("\n\n")[2].strip())
        )
        self.tag.library.commit("chore: releases need approval")

    def apply(self) -> Ended:
        """Put the signed epoch up, as the administrator does."""
        applied = self.tag.run("trust", "apply", **self.tag.endpoint, **self.admin)
        assert applied.code == 0, applied
        return applied

    def publish(self, version: str, source: str) -> None:
        self.tag.library.release(version, source)
        self.done("", "build")
        self.done("publish", "publish")
        self.done("record", "record publish")

    def approve(self, channel: str, *names: str) -> dict[str, str]:
        """Ask and let people approve, one after the other; gives what the job is handed."""
        self.done("audit", f"request {channel}")
        printed = ""
        for name in names:
            ended = self.sign("approve", name)
            assert ended.code == 0, ended
            printed = ended.out.strip()
        variable, _, value = printed.partition("=")
        for left in (self.tag.library.folder / ".release").glob("*.approval.json"):
            left.unlink()  # the job has only the variable
        return {variable: value}

    def finish(self, channel: str) -> None:
        self.done("promote", f"promote {channel}")
        self.done("invalidate", f"invalidate {channel}")
        self.done("", f"verify {channel} --patience 5")
        self.done("record", f"record outcome {channel}")


@contextmanager
def team_of(library: Library, run: Run, folder: Path) -> Iterator[Team]:
    """Open an account with buckets, keys and a first trust epoch."""
    with account(library, run, folder / "keys") as opened:
        people = folder / "people"
        people.mkdir()
        made = Team(opened, people)
        made.found()
        yield made
