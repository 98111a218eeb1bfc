"""A library's repository for functional tests: real git, real files, a build that needs no network."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.fakes.log_keys import log_signer, log_skey

BUILD: Final = """\
import pathlib, sys
out = pathlib.Path("dist"); out.mkdir(exist_ok=True)
(out / "tag.min.js").write_bytes(pathlib.Path("src/tag.js").read_bytes())
"""
ORIGIN: Final = "log.example.com/tag"
VKEY: Final = log_signer(ORIGIN).key.vkey
SIGNING: Final = {"RELEASE_LOG_KEY": log_skey(ORIGIN)}


def signing(stage: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Give the jobs of the record stage the log's key, unless a test gives one itself."""
    given = any(name.startswith("RELEASE_LOG_KEY") for name in variables)
    return SIGNING if stage == "record" and not given else {}


RELEASE_TOML: Final = """\
[library]
name = "tag"

[site]
bucket = "{bucket}"
region = "eu-west-1"
url = "{url}"

[distribution]
id = "{distribution}"
account = "123456789012"
wait-seconds = 5

[log]
bucket = "{log_bucket}"
origin = "log.example.com/tag"
key = "{key}"

[approvals]
required = false

[build]
command = ["python3", "build.py"]
install = []
entries = ["tag.min.js"]

[channels."v{{major}}"]
[channels.latest]
[channels.next]
accepts = "prerelease"
"""


class Library:
    """A small library in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *, url: str = "https://cdn.example.com", distribution: str = "E2EXAMPLE12345") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        names = {"bucket": "site", "log_bucket": "release-log", "url": url, "distribution": distribution}
        self.write("release.toml", RELEASE_TOML.format(**names, key=VKEY))
        self.write("build.py", BUILD)
        self.write(".gitignore", "dist/\nnode_modules/\n")
        self.write("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": {"": {}}}))
        self.write("src/tag.js", "window.tag = 1;\n")
        self.version("1.0.0")
        self.commit("feat: first")

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def sign_log(self, vkey: str) -> None:
        """Say in release.toml that another key signs the log."""
        toml = (self.folder / "release.toml").read_text()
        self.write("release.toml", re.sub(r'(?m)^key = ".*"$', lambda _: f'key = "{vkey}"', toml, count=1))
        self.commit("build: another key signs the log")

    def version(self, version: str) -> None:
        self.write("package.json", json.dumps({"name": "tag", "version": version}))

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def release(self, version: str, source: str, message: str = "feat: change") -> None:
        """Commit and tag a version; nothing is built."""
        self.write("src/tag.js", source)
        self.version(version)
        self.commit(message)
        self.git("tag", f"v{version}")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout
