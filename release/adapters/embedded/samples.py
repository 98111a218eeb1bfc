"""Libraries with a git history of their own, for the demo and the tests."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from release.adapters.directory import Directory
from release.adapters.log_key import make_key
from release.adapters.process import ProcessRunner
from release.errors import SourceError

_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
# The builder that the example library pins; a real library pins its own.
ROLLDOWN: Final = "1.2.19"


class SampleLibrary:
    """A library's repository in `folder`, on the branch main."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = dict(environment)
        self._files = Directory(folder)
        self._runner = ProcessRunner()

    def start(self, files: Mapping[str, bytes], *, message: str) -> None:
        """Create the repository with one commit."""
        self.folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch", "main")
        self.commit(files, message=message)

    def commit(self, files: Mapping[str, bytes], *, message: str) -> None:
        """Write files and commit them with all that changed."""
        for path, body in files.items():
            self._files.write(path, body)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)

    def tag(self, name: str) -> None:
        """Tag the newest commit."""
        self._git("tag", name)

    def read(self, path: str) -> bytes:
        """Give a file of the working copy, b"" if there is none."""
        return self._files.read(path, limit=64 * 1024 * 1024) or b""

    def set_version(self, version: str) -> None:
        """Write a version to package.json and the lock file; nothing is committed."""
        package = json.loads(self.read("package.json"))
        package["version"] = version
        self._files.write("package.json", (json.dumps(package, indent=2) + "\n").encode())
        if lock_file := self.read("package-lock.json"):
            lock = json.loads(lock_file)
            lock["version"] = lock["packages"][""]["version"] = version
            self._files.write("package-lock.json", (json.dumps(lock, indent=2) + "\n").encode())

    def lock(self) -> None:
        """Have npm write the lock file."""
        finished = self._runner.run(
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"],
            folder=self.folder,
            env=self._environment,
            seconds=300,
        )
        if finished.code != 0:
            raise SourceError(f"npm install failed\n{finished.output[-2000:]}", hint="is the npm registry reachable?")

    def _git(self, *arguments: str) -> None:
        finished = self._runner.run(
            ["git", *arguments], folder=self.folder, env=self._environment | _IDENTITY, seconds=60
        )
        if finished.code != 0:
            raise SourceError(f"git {arguments[0]} failed\n{finished.output[-2000:]}")


def ssh_key(file: Path, environment: Mapping[str, str]) -> str:
    """Make an SSH key without a passphrase; gives its public half as one line.

    Raises:
        SourceError: ssh-keygen fails.
        MissingToolError: it is not installed.
    """
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)]
    finished = ProcessRunner().run(command, folder=file.parent, env=environment, seconds=60)
    if finished.code != 0:
        raise SourceError(f"ssh-keygen failed\n{finished.output[-2000:]}")
    return file.with_suffix(".pub").read_text(encoding="ascii").strip()


def trust_toml(key: str) -> bytes:
    """Write a trust epoch of one person, who keeps it and approves every release."""
    return f"""threshold = 1

[[trust-keys]]
principal = "cto"
key = "{key}"

[[approvers]]
principal = "cto"
role = "CTO"
keys = [{{key = "{key}"}}]
actors = ["u:1"]
authors = ["cto@example.com"]

[[thresholds]]
channels = "*"
approvals = 1
roles = ["CTO"]
""".encode()


def from_npm(name: str, version: str) -> dict[str, bytes]:
    """Give a library that bundles one published npm package as it is."""
    package = {
        "name": name,
        "version": version,
        "private": True,
        "type": "module",
        "devDependencies": {name: version, "rolldown": ROLLDOWN},
    }
    return {
        "package.json": (json.dumps(package, indent=2) + "\n").encode(),
        "src/index.js": f'export * from "{name}";\n'.encode(),
        ".gitignore": b"node_modules/\ndist/\n.release/\n",
    }


def release_toml(
    *, library: str, bucket: str, log_bucket: str, distribution: str, account: str, url: str, log_key_file: Path
) -> bytes:
    """Write the release.toml of a sample library on an embedded AWS, and the private key of its log to a new file."""
    origin = f"demo.example.com/log/{library}"
    key = make_key(log_key_file, origin).vkey
    return f"""[library]
name = "{library}"

[site]
bucket = "{bucket}"
region = "eu-west-1"
url = "{url}"

[distribution]
id = "{distribution}"
account = "{account}"

[log]
bucket = "{log_bucket}"
origin = "{origin}"
key = "{key}"

[approvals]
required = false

[channels."v{{major}}"]
accepts = "stable"

[channels.latest]
accepts = "stable"
""".encode()
