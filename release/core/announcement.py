"""What a version's GitLab release says: the changelog's words, how to load it, and where the log proves it."""

from collections.abc import Iterator, Sequence

from release.core.changelog import section_digest, section_text
from release.core.config import Config
from release.core.manifest import Artifact, Manifest
from release.core.markdown import is_closed
from release.core.outcome import Concluded
from release.core.release_page import Link, Page, block
from release.core.version import parse_version
from release.errors import IntegrityError, RefusedError, SourceError


def announcement(config: Config, manifest: Manifest, changelog: str | None, done: Sequence[Concluded]) -> Page:
    """Give the GitLab release of a version that was completed.

    Args:
        config: for addresses.
        manifest: of the version, whose digest the log's entries have.
        changelog: the changelog's text, None if there is no such file.
        done: how each channel's move ended, by entry; at least one.

    Raises:
        RefusedError: the version was built without a tag.
        IntegrityError: the changelog's section is not the one that was recorded.
        SourceError: it cannot stand in a release.
    """
    source = manifest.source
    if source.tag is None:
        raise RefusedError(f"{manifest.version} was built without a tag", hint="a GitLab release is one of a tag")
    parts = [_notes(manifest, changelog), *_loading(config, manifest, done), *_proving(config, manifest, done)]
    return Page(
        tag=source.tag,
        commit=source.commit,
        name=f"{manifest.library} {manifest.version}",
        description=block("\n\n".join(part for part in parts if part)),
        links=_links(config, manifest),
    )


def snippet(config: Config, manifest: Manifest, artifact: Artifact) -> str:
    """Give the element that loads exactly this file of this version (W3C SRI, 3.5, needs CORS: crossorigin)."""
    kind = ' type="module"' if is_module(artifact.path) else ""
    url = _address(config, config.layout.artifact(manifest.version, artifact.path))
    return f'<script{kind} src="{url}" integrity="{artifact.integrity}" crossorigin="anonymous"></script>'


def is_module(path: str) -> bool:
    """Tell whether a file is an ES module by its name, as the default build names them."""
    return path.endswith((".mjs", ".esm.js", ".esm.min.js"))


def _links(config: Config, manifest: Manifest) -> tuple[Link, ...]:
    paths = [artifact.path for artifact in manifest.entries]
    keys = {path: config.layout.artifact(manifest.version, path) for path in paths}
    keys["manifest.json"] = config.layout.manifest(manifest.version)
    return tuple(Link(name=name, url=_address(config, key)) for name, key in keys.items())


def _notes(manifest: Manifest, changelog: str | None) -> str:
    recorded = manifest.source.changelog
    if recorded is None:
        return ""
    version = parse_version(manifest.version)
    try:
        found = section_digest(changelog or "", version)
    except SourceError as why:
        raise IntegrityError(
            f"the changelog has no section of {manifest.version}, and one was recorded",
            hint="announce from a checkout of the tag",
            evidence={"recorded": recorded},
        ) from why
    if found != recorded:
        raise IntegrityError(
            f"the changelog's section of {manifest.version} is not the one that was recorded",
            hint="announce from a checkout of the tag",
            evidence={"recorded": recorded, "found": found},
        )
    notes = section_text(changelog or "", version).partition("\n")[2].strip()
    # An open code block or comment would swallow what follows.
    return notes if is_closed(notes) else "What changed stands in the changelog of this tag."


def _loading(config: Config, manifest: Manifest, done: Sequence[Concluded]) -> Iterator[str]:
    yield "## Load it"
    yield "Exactly this version. Its bytes never change, and browsers refuse others:"
    yield "```html\n" + "\n".join(snippet(config, manifest, artifact) for artifact in manifest.entries) + "\n```"
    first = manifest.entries[0].path
    channels = (done_.event.channel or "" for done_ in done)
    rows = [f"| {name} | {_address(config, config.layout.channel_file(name, first))} |" for name in channels]
    yield "What follows new versions by itself, without `integrity`:"
    yield "\n".join(["| channel | address |", "|---|---|", *rows])


def _proving(config: Config, manifest: Manifest, done: Sequence[Concluded]) -> Iterator[str]:
    newest = done[-1]
    yield "## Check it"
    rows = [f"| {d.event.index} | {d.event.channel} | {d.event.occurred_at} | `{d.leaf}` |" for d in done]
    yield f"The release log `{config.log.origin}` says that {manifest.version} was published, authorised and verified:"
    yield "\n".join(["| entry | completed on | at | leaf hash (RFC 6962) |", "|---|---|---|---|", *rows])
    yield f"SHA-256 of `manifest.json`, which names every file: `{newest.event.manifest}`"
    yield f"Built from commit {manifest.source.commit}. With the log's public key in `log.vkey`:"
    number = newest.event.index
    yield (
        "```sh\n"
        f"release log proof {number} -o {number}.tlog-proof --entry {number}.json   # with the audit key, or a copy\n"
        f"release log verify-proof {number}.tlog-proof --entry {number}.json --key log.vkey\n"
        "```"
    )
    yield (
        f"<details><summary>Proof of entry {number} in the log of {newest.head.size} entries</summary>\n\n"
        f"```text\n{newest.proof.encode().decode().rstrip()}\n```\n\n</details>"
    )


def _address(config: Config, key: str) -> str:
    return f"{config.site.url.rstrip('/')}/{key}"
