"""What the demo runs in, and how one of its commands is run and shown."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from release.adapters import environment as environments
from release.adapters.keyring import Keyring
from release.adapters.stage_process import environment_for, run_captured
from release.errors import ReleaseError

if TYPE_CHECKING:
    from release.adapters.embedded.samples import SampleLibrary

LONGEST = 500  # a line that the demo shows whole


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What the demo runs in: a folder, the libraries' common settings, and this process's environment."""

    folder: Path
    keys: Path
    environment: Mapping[str, str]
    admin: Mapping[str, str]
    settings: Mapping[str, str]

    def log_key(self, library: str) -> Path:
        """The private key of a library's release log."""
        return self.folder / f"{library}-log.key"

    def release_toml(self, library: str) -> bytes:
        """Make the key of a library's release log, and write its release.toml."""
        from release.adapters.embedded.samples import release_toml  # noqa: PLC0415

        return release_toml(library=library, log_key_file=self.log_key(library), **self.settings)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """One library in that world."""

    world: World
    library: "SampleLibrary"
    name: str

    @property
    def approver(self) -> Path:
        """The SSH key of the person who approves this library's releases."""
        return self.world.folder / f"{self.name}-approver"

    def run(self, key: str | None, *arguments: str, expect: int = 0) -> None:
        """Run one command with one stage's key, show it, and stop the demo if it ends otherwise than it must."""
        ring = Keyring(self.world.keys, self.name)
        environment = environment_for(key, environment=self.world.environment, keyring=ring)
        if key == "record":
            environment["RELEASE_LOG_KEY_FILE"] = str(self.world.log_key(self.name))
        self._show(f"[{key} key]" if key else "[no key]", arguments, environment, expect)

    def run_as_admin(self, *arguments: str) -> None:
        """Run one command with the administrator's key: once, at installation."""
        self._show("[administrator]", arguments, {**self.world.environment, **self.world.admin}, 0)

    def provision(self) -> None:
        """Make the keys: the foundation as administrator, and then all stages' with the provision key only."""
        ring = Keyring(self.world.folder / "provision-keys", self.name)
        where = ("keys", "provision", "--credentials-file")
        self.run_as_admin(*where, str(ring.file), "--foundation", "--json")
        environment = environment_for("provision", environment=self.world.environment, keyring=ring)
        self._show("[provision key]", (*where, str(self.world.keys), "--json"), environment, 0)

    def run_with_all_keys(self, *arguments: str) -> None:
        """Run one command that starts the stages itself and hands each its own key."""
        environment = {**self.world.environment, "RELEASE_KEYS": str(self.world.keys)}
        environment["RELEASE_LOG_KEY_FILE"] = str(self.world.log_key(self.name))
        self._show("[a key per step]", arguments, environment, 0)

    def _show(self, who: str, arguments: tuple[str, ...], environment: Mapping[str, str], expect: int) -> None:
        shown = " ".join(f"'{a}'" if " " in a else a for a in arguments)
        typer.echo(f"   $ release {shown}   {who}")
        code, output = run_captured(arguments, folder=self.library.folder, environment=environment)
        for line in output.rstrip().splitlines():
            typer.echo(f"     {line}" if len(line) <= LONGEST else f"     {line[:60]}... ({len(line)} characters)")
        if code != expect:
            raise ReleaseError(f"'release {shown}' ended with {code}, expected {expect}")
        if expect:
            typer.echo(f"     (exit code {code}, as it must)")


@contextmanager
def embedded_world(folder: Path) -> Iterator[World]:
    """Run an embedded AWS with a bucket, a log bucket, a distribution and an edge until the context closes."""
    folder.mkdir(parents=True, exist_ok=True)
    from release.adapters.embedded.aws import EmbeddedAws  # noqa: PLC0415 - loads moto
    from release.adapters.embedded.edge import EmbeddedEdge  # noqa: PLC0415
    from release.adapters.embedded.provision import provision  # noqa: PLC0415

    environment = {
        k: v for k, v in environments.read().items() if not k.startswith(("AWS_", "CI", "GITLAB_", "RELEASE_"))
    }
    environment["GITLAB_USER_ID"] = "42"  # who runs the pipeline
    environment["XDG_CONFIG_HOME"] = str(folder / "settings")  # every demo has logs of its own
    with EmbeddedAws() as aws:
        site = provision(aws.session(), bucket="demo-site", log_bucket="demo-release-log", endpoint=aws.endpoint)
        with EmbeddedEdge(aws, site) as edge:
            yield World(
                folder=folder,
                keys=folder / "stage-keys",
                environment=environment | {"AWS_ENDPOINT_URL": aws.endpoint, "NO_COLOR": "1"},
                admin={"AWS_ACCESS_KEY_ID": aws.admin.id, "AWS_SECRET_ACCESS_KEY": aws.admin.secret},
                settings={
                    "bucket": site.bucket,
                    "log_bucket": site.log_bucket,
                    "distribution": site.distribution,
                    "account": aws.account,
                    "url": edge.url,
                },
            )
