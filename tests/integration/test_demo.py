"""The demo as a new user runs it, and real libraries from npm through the whole pipeline."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.adapters import resources
from release.adapters.embedded.aws import EmbeddedAws
from release.adapters.embedded.edge import EmbeddedEdge
from release.adapters.embedded.provision import Site, provision
from release.adapters.embedded.samples import SampleLibrary, from_npm, release_toml
from release.adapters.keyring import Keyring
from release.adapters.stage_process import environment_for, run_captured

pytestmark = [pytest.mark.moto, pytest.mark.node]


def test_the_demo_tells_its_story_and_ends_well(tmp_path: Path) -> None:
    environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": "canary-1b2c", "AWS_ACCESS_KEY_ID": "AKIACANARY"}
    command = [sys.executable, "-m", "release", "demo", "--directory", str(tmp_path / "demo")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    story = ended.stdout
    titles = [line[3:] for line in story.splitlines() if line.startswith("== ")]
    assert titles[:5] == ["Set up", "Who approves", "Release 1.0.0", "A bundle that is rejected", "Release 1.1.0"]
    assert titles[5].startswith("A real library: web-vitals")
    assert titles[6:9] == ["What must not work", "Roll back", "Look"]
    assert titles[9].startswith("Done in ")
    assert "evil.example is on no list" in story
    assert "promote of 1.1.0 on v1 needs an approval" in story
    assert story.count("signed by cto (CTO)") == 4
    assert "the key of the publish stage may not s3:GetObject on arn:aws:s3:::demo-site/visitor-tag/" in story
    assert "version 1.1.0 is already published with other bytes" in story
    assert "latest serves 1.0.0 again" in story
    assert "rollback.completed   1.0.0    latest" in story
    keys = (tmp_path / "demo" / "stage-keys").read_text()
    secrets = [line.partition("= ")[2] for line in keys.splitlines() if "secret" in line]
    assert len(secrets) == 14
    assert not [secret for secret in [*secrets, "canary-1b2c"] if secret in story + ended.stderr]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[EmbeddedAws, Site, EmbeddedEdge]]:
    with EmbeddedAws() as aws:
        site = provision(aws.session(), bucket="npm-site", log_bucket="npm-log", endpoint=aws.endpoint)
        with EmbeddedEdge(aws, site) as edge:
            yield aws, site, edge


@pytest.mark.parametrize(("name", "version"), [("htmx.org", "2.0.7"), ("web-vitals", "6.2.3")])
def test_a_real_library_from_npm_is_built_twice_alike_released_and_verified(
    served: tuple[EmbeddedAws, Site, EmbeddedEdge], tmp_path: Path, name: str, version: str
) -> None:
    aws, site, edge = served
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CI", "RELEASE_"))}
    environment["AWS_ENDPOINT_URL"] = aws.endpoint
    library = SampleLibrary(tmp_path / "library", environment)
    files = from_npm(name, version)
    files["release.toml"] = release_toml(
        library=name,
        bucket=site.bucket,
        log_bucket=site.log_bucket,
        distribution=site.distribution,
        account=aws.account,
        url=edge.url,
        log_key_file=tmp_path / "log.key",
    )
    library.start(files, message="feat: bundle it")
    library.lock()
    library.commit({}, message="chore: lock")
    library.tag(f"v{version}")
    keys = tmp_path / "keys"
    administrator = {"AWS_ACCESS_KEY_ID": aws.admin.id, "AWS_SECRET_ACCESS_KEY": aws.admin.secret}

    def run(stage: str | None, command: str) -> str:
        env = environment_for(stage, environment=environment, keyring=Keyring(keys, name))
        env |= {"RELEASE_LOG_KEY_FILE": str(tmp_path / "log.key")} if stage == "record" else {}
        code, output = run_captured(command.split(), folder=library.folder, environment=env)
        assert code == 0, (command, output)
        return output

    foundation = Keyring(tmp_path / "provision-key", name)
    setup = ("keys", "provision", "--credentials-file")
    whole, own = [*setup, str(foundation.file), "--foundation"], [*setup, str(keys)]
    assert run_captured(whole, folder=library.folder, environment=environment | administrator)[0] == 0
    provisioner = environment_for("provision", environment=environment, keyring=foundation)
    assert run_captured(own, folder=library.folder, environment=provisioner)[0] == 0
    # Its talk, which comes first, is that the changelog has no section.
    first, again = (json.loads("{" + run(None, "build --json").partition("{")[2]) for _ in range(2))
    assert first == again
    assert [a["role"] for a in first["manifest"]["artifacts"]] == ["entry", "entry"]
    for stage, command in (
        ("publish", "publish"),
        ("record", "record publish"),
        ("record", "record promote latest"),
        ("promote", "promote latest"),
        ("invalidate", "invalidate latest"),
        (None, "verify latest"),
        ("record", "record outcome latest"),
        ("audit", "status"),
        ("audit", "keys check"),
    ):
        run(stage, command)


def test_the_example_library_gives_the_same_digest_from_a_clone_elsewhere(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CI", "RELEASE_"))}
    first = SampleLibrary(tmp_path / "one", environment)
    first.start(resources.example("visitor-tag"), message="feat: first")
    first.tag("visitor-tag-v1.0.0")
    second = tmp_path / "elsewhere" / "a longer name"
    second.parent.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(first.folder), str(second)], check=True)
    digests = set()
    for folder, zone in ((first.folder, "UTC"), (second, "Pacific/Auckland")):
        code, output = run_captured(
            ["build", "--json"], folder=folder, environment={**environment, "TZ": zone, "LANG": "de_DE.UTF-8"}
        )
        assert code == 0, output
        digests.add(json.loads(output[output.index("{") :])["digest"])
    assert len(digests) == 1
