"""release demo: the whole pipeline on an embedded AWS, told in plain words."""

import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from release.adapters import environment as environments
from release.adapters import resources
from release.adapters.keyring import Keyring
from release.adapters.stage_process import environment_for, run_captured
from release.core.approval import digest
from release.core.epochs import read_signed
from release.errors import IntegrityError, PermissionDenied, RefusedError, ReleaseError

if TYPE_CHECKING:
    from release.adapters.embedded.samples import SampleLibrary

EXAMPLE = "visitor-tag"
LONGEST = 500  # a line that the demo shows whole
FROM_NPM = "web-vitals"
FROM_NPM_VERSION = "6.2.3"


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


def demo(
    directory: Annotated[
        Path | None, typer.Option(help="Where to put the demo's files; default: a new temporary folder.")
    ] = None,
    *,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the embedded AWS running until Ctrl-C.")] = False,
) -> None:
    """Run the whole pipeline on an embedded AWS: no account, nothing is sent anywhere but to npm.

    Two releases of a small library, each approved with an SSH key that is made for it, one of a real
    library from npm, an attempt with the wrong key, an attempt to change published bytes, a rollback,
    and at the end the release log and an audit of everything.
    """
    started = time.monotonic()
    folder = (directory or Path(tempfile.mkdtemp(prefix="release-demo-"))).absolute()
    with _world(folder) as world:
        tag = _install(world)
        _trust(tag)
        _first_release(tag)
        _second_release(tag)
        _real_library(world)
        _attacks(tag)
        _rollback(tag)
        _look(tag)
        _next_steps(tag, seconds=time.monotonic() - started, serving=serve)
        if serve:
            _wait()


@contextmanager
def _world(folder: Path) -> Iterator[World]:
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


def _install(world: World) -> Actor:
    from release.adapters.embedded.samples import SampleLibrary  # noqa: PLC0415

    _title(
        "Set up",
        "An S3 server with IAM, a CloudFront API and a caching edge run inside this process. A human with"
        " the administrator's key creates one key per stage; from here on nobody uses that key again.",
    )
    library = SampleLibrary(world.folder / EXAMPLE, world.environment)
    files = resources.example(EXAMPLE)
    files["release.toml"] = world.release_toml(EXAMPLE)
    library.start(files, message="feat: collect page views and personalise by segment")
    actor = Actor(world=world, library=library, name=EXAMPLE)
    actor.provision()
    return actor


def _trust(tag: Actor) -> None:
    """Let one person, who neither writes nor runs anything, approve every release."""
    from release.adapters.embedded.samples import ssh_key, trust_toml  # noqa: PLC0415

    _title(
        "Who approves",
        "Releases need a person's signature, made with an SSH key that no pipeline has. Who that is stands in the log"
        " bucket, signed; release.toml pins it.",
    )
    folder = tag.world.folder
    line = ssh_key(tag.approver, tag.world.environment)
    (folder / "trust.toml").write_bytes(trust_toml(line))
    tag.run("audit", "trust", "propose", str(folder / "trust.toml"))
    tag.run("audit", "trust", "sign", "--yes", "--key", str(tag.approver))
    tag.run_as_admin("trust", "apply")
    signed, _ = read_signed(tag.library.read(".release/trust.json"), name="trust.json")
    toml = tag.library.read("release.toml").replace(b"required = false", f'trust = "{digest(signed.trust)}"'.encode())
    tag.library.commit({"release.toml": toml}, message="chore: releases need approval")


def _first_release(tag: Actor) -> None:
    _title("Release 1.0.0", "A tag push starts these commands in GitLab, one a job, each with its own key or none.")
    tag.run(None, "changelog", "1.0.0")
    tag.library.commit({}, message="chore: changelog of 1.0.0")
    tag.library.tag("v1.0.0")
    _pipeline(tag)


def _second_release(tag: Actor) -> None:
    _title("Release 1.1.0", "A feature is committed. The next version comes from the commits, not from a meeting.")
    source = tag.library.read("src/index.js") + b'\nexport const version = "1.1.0";\n'
    tag.library.commit({"src/index.js": source}, message="feat: tell its own version")
    tag.run(None, "next")
    tag.run(None, "changelog", "1.1.0")
    tag.library.set_version("1.1.0")
    tag.library.commit({}, message="chore: version 1.1.0")
    tag.library.tag("v1.1.0")
    _pipeline(tag)


def _real_library(world: World) -> None:
    from release.adapters.embedded.samples import SampleLibrary, from_npm  # noqa: PLC0415

    _title(
        f"A real library: {FROM_NPM} {FROM_NPM_VERSION} from npm",
        "Same bucket, same distribution, own prefix, own log, own five keys.",
    )
    library = SampleLibrary(world.folder / FROM_NPM, world.environment)
    files = from_npm(FROM_NPM, FROM_NPM_VERSION)
    files["release.toml"] = world.release_toml(FROM_NPM)
    library.start(files, message=f"feat: bundle {FROM_NPM} {FROM_NPM_VERSION}")
    library.lock()
    library.commit({}, message="chore: lock the dependencies")
    library.tag(f"v{FROM_NPM_VERSION}")
    actor = Actor(world=world, library=library, name=FROM_NPM)
    actor.provision()
    _pipeline(actor)


def _pipeline(actor: Actor) -> None:
    actor.run(None, "build")
    actor.run("publish", "publish")
    actor.run("record", "record", "publish")
    if actor.approver.exists():
        actor.run("record", "record", "promote", expect=RefusedError.exit_code)
        actor.run("audit", "request")
        actor.run("audit", "approve", "--yes", "--key", str(actor.approver))
    actor.run("record", "record", "promote")
    actor.run("promote", "promote")
    actor.run("invalidate", "invalidate")
    actor.run(None, "verify")
    actor.run("record", "record", "outcome")


def _attacks(tag: Actor) -> None:
    _title(
        "What must not work",
        "The publish stage with another stage's key; then other bytes under a version that is published.",
    )
    tag.run("invalidate", "publish", expect=PermissionDenied.exit_code)
    manifest = tag.library.folder / "dist" / "manifest.json"
    honest = manifest.read_bytes()
    manifest.write_bytes(honest.replace(b'"commitTime":', b'"commitTime":1'))
    tag.run("publish", "publish", expect=IntegrityError.exit_code)
    manifest.write_bytes(honest)


def _rollback(tag: Actor) -> None:
    _title(
        "Roll back",
        "1.1.0 turns out bad. Going back is the same machine with an older version: no build, nothing uploaded.",
    )
    tag.run_with_all_keys("rollback", "latest", "--reason", "demo: 1.1.0 breaks checkout pages")


def _look(tag: Actor) -> None:
    _title("Look", "What every channel serves now, the log that says how it came to this, and an audit of everything.")
    tag.run("audit", "status")
    tag.run("audit", "log", "list")
    tag.run("audit", "audit")


def _next_steps(tag: Actor, *, seconds: float, serving: bool) -> None:
    world = tag.world
    _title(f"Done in {seconds:.0f} s", f"All files are in {world.folder}: the libraries, their CHANGELOG.md, dist/.")
    lines = ["In your own library's folder:", "  release init               # writes release.toml from package.json"]
    lines += ["  release next               # the next version from your commits", "  release build --snapshot   #"]
    lines[-1] += " the bundle and its manifest, without a tag"
    lines += ["  release keys render        # the policies to review before anything else"]
    if serving:
        lines += ["", "The embedded AWS is still running. In another terminal:"]
        lines += [f"  cd {tag.library.folder}", f"  export AWS_ENDPOINT_URL={world.environment['AWS_ENDPOINT_URL']}"]
        lines += [f"  export RELEASE_KEYS={world.keys}", "  release status", "  release log show 0"]
        lines += [f"  curl -i {world.settings['url']}/{EXAMPLE}/latest/{EXAMPLE}.min.js", "", "Ctrl-C ends it."]
    else:
        lines += ["", "To try commands against this embedded AWS yourself: release demo --serve"]
    typer.echo("\n".join(f"   {line}".rstrip() for line in lines))


def _title(title: str, text: str) -> None:
    typer.echo(f"\n== {title}")
    typer.echo(textwrap.fill(text, width=100, initial_indent="   ", subsequent_indent="   "))
    sys.stdout.flush()


def _wait() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        typer.echo("ended")
