"""Real processes, killed with SIGKILL at their n-th request to a real HTTP server, and the same command again.

The proxy in front of the embedded AWS kills the whole process group, as a runner whose machine goes away: before it
hands the request on, or when the server has done it and the answer is on its way.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from release.adapters.keyring import Keyring
from tests.fakes.faulty_s3 import FORWARD, RESET, Answer, FaultyS3, Request
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import PIPELINE, Account, account
from tests.functional.library import SIGNING, Library, signing

pytestmark = pytest.mark.moto

BUILD = """\
import hashlib, pathlib
own = pathlib.Path("src/tag.js").read_bytes()
chunks = pathlib.Path("dist/chunks"); chunks.mkdir(parents=True, exist_ok=True)
name = f"own-{hashlib.sha256(own).hexdigest()[:8]}.js"
(chunks / name).write_bytes(own)
(chunks / "shared.js").write_bytes(b"window.shared = 1;")
pathlib.Path("dist/tag.min.js").write_text(f"import('./chunks/{name}'); import('./chunks/shared.js');")
"""
SOURCES = {"1.0.0": "window.tag = 1;\n", "1.1.0": "window.tag = 2;\n"}


class Killer(FaultyS3):
    """Hands requests on, until the n-th one kills whoever made it."""

    def __init__(self, upstream: str) -> None:
        super().__init__(otherwise=FORWARD, upstream=upstream)
        self._count = threading.Lock()
        self._left = 0
        self._after = False
        self._victim: subprocess.Popen[bytes] | None = None
        self.made = 0

    def aim(self, nth: int, *, after: bool) -> None:
        """Kill at the nth request from now; 0 kills nobody."""
        self._left, self._after, self.made, self._victim = nth, after, 0, None

    def next_answer(self, request: Request) -> Answer:
        with self._count:
            self.made += 1
            self._left -= 1
            if self._left != 0 or self._victim is None:
                return super().next_answer(request)
            if self._after:
                super().next_answer(request)
            os.killpg(self._victim.pid, signal.SIGKILL)
            return RESET

    def run(self, arguments: list[str], folder: Path, variables: dict[str, str]) -> int:
        """Run `release` as a process group of its own; gives its exit code, or minus the signal."""
        command = [sys.executable, "-P", "-m", "release", *arguments]
        variables = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self.url, **variables}
        nowhere = subprocess.DEVNULL
        self._victim = subprocess.Popen(
            command, cwd=folder, env=variables, start_new_session=True, stderr=nowhere, stdout=nowhere
        )
        return self._victim.wait(300)


class Site:
    """A library whose latest served 1.0.0, and whose 1.1.0 is published."""

    def __init__(self, tag: Account, killer: Killer) -> None:
        self.tag = tag
        self.killer = killer
        self.s3 = tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)
        self.bundles: dict[str, dict[str, bytes]] = {}

    def build(self, version: str) -> None:
        self.tag.library.release(version, SOURCES[version])
        self.ends("", "build")
        dist = self.tag.library.folder / "dist"
        files = {path.relative_to(dist).as_posix(): path.read_bytes() for path in dist.rglob("*.js")}
        self.bundles[version] = {name: files[name] for name in files if name in self._listed()}

    def _listed(self) -> set[str]:
        manifest = json.loads((self.tag.library.folder / "dist" / "manifest.json").read_text())
        return {artifact["path"] for artifact in manifest["artifacts"]}

    def ends(self, stage: str, command: str) -> Ended:
        """Run a command in this process; it must end well."""
        ended = self.tag.as_(stage, command)
        assert ended.code == 0, (command, ended)
        return ended

    def killed(self, stage: str, command: str, nth: int, *, after: bool) -> bool:
        """Run a command as a process that is killed at its nth request; False if it makes fewer, and ends well."""
        key = Keyring(self.tag.keys, "tag").variables(stage) if stage else {"RELEASE_KEYS": str(self.tag.keys)}
        self.killer.aim(nth, after=after)
        variables = {**key, **(signing(stage, {}) if stage else SIGNING)}
        code = self.killer.run(command.split(), self.tag.library.folder, variables)
        self.is_whole()
        assert code in {0, -signal.SIGKILL}, (command, code)
        return code != 0

    def is_whole(self, *, must_be: str = "") -> None:
        """Load the page from the bucket: the entry, and the chunks of its version; and what the pointer says."""
        held = {key: self._get(key) for key in self._keys()}
        entry = held["tag/latest/tag.min.js"]
        (version,) = [v for v, files in self.bundles.items() if files["tag.min.js"] == entry]
        assert {path: held.get(f"tag/latest/{path}") for path in self.bundles[version]} == self.bundles[version]
        pointed = json.loads(held["tag/channels/latest.json"])["version"]
        assert pointed in self.bundles
        assert must_be in {"", version}
        assert must_be in {"", pointed}

    def channel(self) -> list[str]:
        """Keep a copy of the channel; gives its keys."""
        for key in self._keys():
            self.s3.copy_object(Bucket="site", Key=f"kept/{key}", CopySource={"Bucket": "site", "Key": key})
        return self._keys()

    def put_back(self, keys: list[str]) -> None:
        """Let the channel be as it was when it was kept; the bucket's own policy forbids that to everybody."""
        policy = self.s3.get_bucket_policy(Bucket="site")["Policy"]
        self.s3.delete_bucket_policy(Bucket="site")
        for key in set(self._keys()) - set(keys):
            self.s3.delete_object(Bucket="site", Key=key)
        for key in keys:
            self.s3.copy_object(Bucket="site", Key=key, CopySource={"Bucket": "site", "Key": f"kept/{key}"})
        self.s3.put_bucket_policy(Bucket="site", Policy=policy)

    def _keys(self) -> list[str]:
        pages = [self.s3.list_objects_v2(Bucket="site", Prefix=f"tag/{part}/") for part in ("latest", "channels")]
        return [found["Key"] for page in pages for found in page["Contents"]]

    def _get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket="site", Key=key)["Body"].read()
        return body

    def serves(self, version: str, actions: list[str]) -> None:
        """Demand that log, bucket and edge say this, and that the log's newest entries are these."""
        status = json.loads(self.ends("audit", "status --json").out)
        assert [(c["version"], c["outcome"], c["drift"]) for c in status["channels"]] == [(version, "completed", [])]
        got = urllib3.request("GET", f"{self.tag.edge.url}/tag/latest/tag.min.js")
        assert got.data == self.bundles[version]["tag.min.js"]
        log = json.loads(self.ends("audit", f"log list --last {len(actions)} --json").out)
        assert [entry["action"] for entry in log] == actions


@pytest.fixture
def site(library: Library, run: Run, tmp_path: Path) -> Iterator[Site]:
    library.write("build.py", BUILD)
    toml = (library.folder / "release.toml").read_text()
    toml = toml.replace('[channels."v{major}"]\n', "").replace('[channels.next]\naccepts = "prerelease"\n', "")
    library.write("release.toml", toml)
    library.commit("chore: chunks, and one channel")
    with account(library, run, tmp_path / "keys") as tag, Killer(tag.aws.endpoint) as killer:
        made = Site(tag, killer)
        made.build("1.0.0")
        for stage, command in PIPELINE[1:]:
            made.ends(stage, command)
        yield made


FORTH = ["publish.completed", "promote.authorized", "promote.completed"]
BACK = ["rollback.authorized", "rollback.completed"]


def test_a_release_and_its_way_back_survive_sigkill_at_any_request(site: Site) -> None:
    site.build("1.1.0")
    assert publish_and_record(site) >= 7
    assert promote(site) >= 20
    for stage, command in PIPELINE[5:]:
        if stage:
            site.killed(stage, command, 3, after=True)
        site.ends(stage, command)
    site.serves("1.1.0", FORTH)
    assert roll_back(site) >= 4
    site.serves("1.0.0", BACK)


def publish_and_record(site: Site) -> int:
    """Kill each stage at requests here and there; gives the number of kills."""
    kills = 0
    for stage, command in PIPELINE[1:4]:
        for nth, after in ((2, True), (4, False), (7, True)):
            kills += site.killed(stage, command, nth, after=after)
        site.ends(stage, command)
    return kills


def promote(site: Site) -> int:
    """Kill the promotion at each of its requests, from the same start, and run it again; gives the number of kills."""
    before, nth = site.channel(), 1
    while site.killed("promote", "promote latest", nth, after=bool(nth % 2)):
        site.ends("promote", "promote latest")
        site.is_whole(must_be="1.1.0")
        site.put_back(before)
        nth += 1
    assert site.killer.made == nth - 1
    return nth - 1


def roll_back(site: Site) -> int:
    """Kill the way back, five processes, at requests here and there, each time from where the last one got."""
    command, kills = "rollback latest --reason broken", 0
    for nth in (5, 16, 27, 36, 45):
        kills += site.killed("", command, nth, after=bool(nth % 2))
    keys = {**site.tag.endpoint, **SIGNING, "RELEASE_KEYS": str(site.tag.keys)}
    for _ in ("the same command", "the same command after its last answer was lost"):
        ended = site.tag.run(*command.split(), **keys)
        assert (ended.code, ended.out) == (0, "latest serves 1.0.0 again\n"), ended
    return kills
