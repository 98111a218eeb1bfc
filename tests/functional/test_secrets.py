"""No secret ever leaves the process: canaries are planted, and everything that is written is searched for them."""

import base64
import os
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from release.adapters.keyring import Keyring
from release.cli import build_app
from release.core.identities import STAGES
from release.core.tlog.note import COSIGNATURE
from release.core.tlog.skey import parse_skey, skey
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import PIPELINE, Account, account
from tests.functional.library import Library

PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIACANARY0000000001",
    "AWS_SECRET_ACCESS_KEY": "canary/secret+1f0a7c",
    "AWS_SESSION_TOKEN": "canary-session-2b9d",
    "CI_JOB_TOKEN": "canary-job-3c1e",
    "NPM_TOKEN": "canary-npm-4d5f",
    "RELEASE_GATE_TOKEN": "canary-gate-8e9f",
    "DD_API_KEY": "canary-datadog-9f0a",
    "RELEASE_GITLAB_TOKEN": "canary-gitlab-5a6b",
    "RELEASE_WITNESS_KEY": skey("w.example", b"canary-witness-seed-7d8e".ljust(32, b"."), kind=COSIGNATURE),
    "RELEASE_LOG_KEY": skey("log.example.com/tag", b"canary-log-seed-6c7d".ljust(32, b".")),
}
SECRET = {name: value for name, value in PLANTED.items() if name != "AWS_ACCESS_KEY_ID"}
SPY = """\
#!{python}
import os, sys
lines = [repr(dict(os.environ)), repr(sys.argv)]
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        lines.append(open(f"/proc/{{pid}}/cmdline", "rb").read().replace(b"\\0", b" ").decode("utf-8", "replace"))
    except OSError:
        pass
open({out!r}, "a").write("\\n".join(lines) + "\\n")
os.execv({real!r}, [{real!r}, *sys.argv[1:]])
"""


def spellings(secret: str) -> set[str]:
    """Give a secret as it may stand in text: plain, quoted for a URL, in base64."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, urllib.parse.quote(secret, safe=""), encoded}


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """Name the secrets that a text holds."""
    return [name for name, secret in secrets.items() if any(form in text for form in spellings(secret))]


def written_below(folder: Path, *, but: Path | None = None) -> str:
    files = [path for path in folder.rglob("*") if path.is_file() and path != but]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@pytest.fixture
def spied(tmp_path: Path) -> tuple[Path, str]:
    """A git and a python3 that write down their environment and all processes' arguments; gives (that file, PATH)."""
    out, folder = tmp_path / "seen-by-children", tmp_path / "spies"
    folder.mkdir()
    for name in ("git", "python3"):
        real = shutil.which(name)
        assert real
        spy = folder / name
        spy.write_text(SPY.format(python=sys.executable, out=str(out), real=real))
        spy.chmod(0o755)
    return out, f"{folder}:{os.environ['PATH']}"


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - Typer vendors its Click
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


LEAVES = dict(leaves(typer.main.get_command(build_app([]))))
SAMPLES = {"channel": "latest", "version": "1.0.0", "entry": "0", "index": "0", "stage": "publish", "document": "entry"}


def arguments(path: tuple[str, ...], folder: Path) -> list[str]:
    """Fill what a command needs with something plausible."""
    given = list(path)
    for parameter in LEAVES[path].params:
        if parameter.required:
            value = SAMPLES.get(parameter.name, str(folder / "a-file"))
            given += [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]
        elif parameter.name == "json":
            given.append("--json")
    return given


@pytest.mark.parametrize("path", [path for path in LEAVES if path != ("demo",)], ids=" ".join)
def test_no_command_tells_a_secret_when_its_key_is_refused(
    path: tuple[str, ...], run: Run, library: Library, tmp_path: Path, spied: tuple[Path, str]
) -> None:
    """Every command there is, with every secret planted; most fail, for nothing listens where AWS should be."""
    library.sign_log(parse_skey(PLANTED["RELEASE_LOG_KEY"]).key.vkey)
    library.git("tag", "v1.0.0")
    seen, search = spied
    ended = run(
        *arguments(path, tmp_path), **PLANTED, PATH=search, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1"
    )
    assert ended.code not in {1, 2}, ended
    assert leaks(ended.out + ended.err, SECRET) == []
    assert leaks(written_below(tmp_path, but=seen), SECRET) == []
    if seen.exists():
        # git may need the job's token to reach the remote; a stage's key it never needs.
        assert leaks(seen.read_text(), {k: v for k, v in SECRET.items() if k.startswith(("AWS_", "RELEASE_"))}) == []


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        yield opened


@pytest.mark.moto
def test_a_whole_release_and_its_failures_tell_no_key(tag: Account, spied: tuple[Path, str]) -> None:
    seen, search = spied
    ring = Keyring(tag.keys, "tag")
    keys = {stage: ring.variables(stage)["AWS_SECRET_ACCESS_KEY"] for stage in STAGES}
    planted = {name: value for name, value in PLANTED.items() if not name.startswith("AWS_")}
    told: list[Ended] = []

    def go(stage: str, command: str, *more: str) -> None:
        key = ring.variables(stage) if stage else {}
        told.append(tag.run(*command.split(), *more, **tag.endpoint, **key, **planted, PATH=search))

    tag.library.sign_log(parse_skey(PLANTED["RELEASE_LOG_KEY"]).key.vkey)
    tag.library.release("1.0.0", "window.tag = 1;\n")
    for stage, command in PIPELINE:
        go(stage, command)
        assert told[-1].code == 0, (command, told[-1])
    for stage in STAGES:  # each with each other's work, and with --json
        for wrong in ("publish --json", "record promote --json", "promote latest --json", "status --json"):
            go(stage, wrong)
    secrets = keys | planted | {"the key alone": PLANTED["RELEASE_LOG_KEY"].rpartition("+")[2]}
    assert leaks("".join(ended.out + ended.err for ended in told), secrets) == []
    assert leaks(written_below(tag.library.folder), secrets) == []
    assert (
        leaks(seen.read_text(), keys | {name: PLANTED[name] for name in PLANTED if name.startswith("RELEASE_")}) == []
    )
    client = tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)
    for bucket in ("site", "release-log"):
        for item in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            body = client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode("utf-8", "replace")
            assert leaks(body, secrets) == [], item["Key"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_traceback_tells_no_secret(library: Library) -> None:
    """A full disk under stdout is an error nobody handles: Python prints a traceback."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "release", "config", "schema"],
            cwd=library.folder,
            env={**os.environ, **PLANTED},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode != 0
    assert "No space left" in ended.stderr
    assert leaks(ended.stderr, PLANTED) == []


def test_the_search_finds_what_is_planted() -> None:
    for name, secret in SECRET.items():
        for form in spellings(secret):
            assert leaks(f"<{form}>", SECRET) == [name]
