"""One good example of every object, for tests to change."""

import base64
import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

from release.core import document
from release.core import manifest as manifests
from release.core.approval import Review, Seen
from release.core.caching import media_type
from release.core.channels import Channel
from release.core.config import Config
from release.core.dsse import seal
from release.core.entry import (
    PAYLOAD_TYPE,
    Action,
    ChannelState,
    Event,
    Origin,
    Previous,
    State,
    decode,
    encode,
    statement,
)
from release.core.entry import leaf_hash as hash_of
from release.core.handover import Order, PointedFile, Pointer
from release.core.manifest import Artifact, Build, LockFile, Manifest, Source
from release.core.pipeline import Pipeline
from release.core.shape import kebab, read
from release.core.succession import Intent, Log, Tail, follow
from release.core.tlog.note import Signer
from tests.fakes.clock import MIDNIGHT
from tests.fakes.log_keys import log_signer

SIGNER: Final = log_signer("log.example.com/tag")
COMMIT: Final = "6f1ed002ab5595859014ebf0951522d9a1b2c3d4"
DIGEST: Final = "9" * 64
SRI: Final = "sha384-" + "A" * 64
FILES: Final[Mapping[str, bytes]] = {
    "chunks/vendor.js": b"export const vendor = 1;\n",
    "tag.esm.min.js": b"export const tag = 1;\n",
    "tag.min.js": b"window.tag = 1;\n",
}
CHANNELS: Final[Mapping[str, Channel]] = {
    "v{major}.{minor}": Channel(accepts="stable"),
    "v{major}": Channel(accepts="stable"),
    "latest": Channel(accepts="stable"),
    "next": Channel(accepts="prerelease"),
}
_CONFIG: Final[Mapping[str, Mapping[str, object]]] = {
    "library": {"name": "tag"},
    "site": {"bucket": "site", "region": "eu-west-1", "url": "https://cdn.example.com"},
    "distribution": {"id": "E2EXAMPLE12345", "account": "123456789012"},
    "log": {"bucket": "release-log", "origin": SIGNER.key.name, "key": SIGNER.key.vkey},
    "approvals": {"required": False},
}


def config(*, channels: Mapping[str, Mapping[str, object]] | None = None, **sections: Mapping[str, object]) -> Config:
    """Give a configuration; sections are merged, channels replaced. Names are those of release.toml."""
    value: dict[str, object] = {
        name: {**_CONFIG.get(name, {}), **sections.get(name, {})} for name in {**_CONFIG, **sections}
    }
    return read(Config, value if channels is None else {**value, "channels": channels}, naming=kebab)


def artifact(path: str, body: bytes) -> Artifact:
    """Describe a file; those below chunks/ are chunks."""
    role: manifests.Role = "chunk" if path.startswith("chunks/") else "entry"
    return manifests.measure(path, body, role=role, media_type=media_type(path))


def manifest(version: str = "1.4.2", files: Mapping[str, bytes] = FILES, **changes: Any) -> Manifest:  # noqa: ANN401 - any field
    """Give the manifest of a version that has these files."""
    whole = Manifest(
        type_=manifests.TYPE,
        library="tag",
        version=version,
        source=Source(commit=COMMIT, commit_time=1_700_000_000, tag=f"v{version}"),
        build=Build(
            command=("npm", "run", "build"),
            toolchain={"node": "22.11.0", "rolldown": "1.0.0"},
            lock_file=LockFile(path="package-lock.json", sha256=DIGEST),
        ),
        artifacts=tuple(artifact(path, body) for path, body in sorted(files.items())),
    )
    return dataclasses.replace(whole, **changes)


def channel_state(version: str = "1.4.2", **changes: Any) -> ChannelState:  # noqa: ANN401 - any field
    """Say that a channel is to serve a version."""
    state = ChannelState(version=version, manifest=DIGEST, pointer_version=1, entry=7, outcome="authorized")
    return dataclasses.replace(state, **changes)


def event(index: int = 7, **changes: Any) -> Event:  # noqa: ANN401 - any field
    """Give the event of entry `index`, a promotion to latest."""
    whole = Event(
        event_id="a" * 64,
        origin="log.example.com/tag",
        index=index,
        action="promote.authorized",
        occurred_at="2026-11-24T00:12:33Z",
        component="tag",
        version="1.4.2",
        channel="latest",
        manifest=DIGEST,
        prev=Previous(index=index - 1, leaf_hash="b" * 64) if index else None,
        after=State(channels={"latest": channel_state(entry=index)}),
        source=Origin(commit=COMMIT, tag="v1.4.2"),
        pipeline=PIPELINE,
    )
    return dataclasses.replace(whole, **changes)


def sealed(event: Event, *, signer: Signer = SIGNER) -> bytes:
    """Give the slot of an event, signed."""
    return encode(statement(event), signer.sign)


def opened(body: bytes, *, index: int) -> Event:
    """Read a slot that `SIGNER` signed."""
    return decode(body, index=index, keys=[SIGNER.key])


def said(body: bytes) -> dict[str, Any]:
    """Give the statement in a slot, without a look at the signature."""
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(body)["payload"]))
    return found


def resealed(value: object, *, signer: Signer = SIGNER) -> bytes:
    """Give a slot of any statement at all, as the holder of the log's key can make it."""
    return seal(document.canonical(value), PAYLOAD_TYPE, signer.sign)


PIPELINE: Final = Pipeline(
    url="https://gitlab.example.com/group/tag/-/pipelines/4711", id_="4711", job="815", actor="u:42", tool="release 1"
)
LOG: Final = Log(origin="log.example.com/tag", component="tag", channels=CHANNELS, pipeline=PIPELINE)


def intent(action: Action, version: str = "1.4.2", channel: str | None = None, **changes: Any) -> Intent:  # noqa: ANN401 - any field
    """Say what is to be logged; each version has a manifest of its own."""
    return dataclasses.replace(
        Intent(action=action, version=version, manifest=manifests.digest(version.encode()), channel=channel), **changes
    )


def tail_after(*intents: Intent, log: Log = LOG) -> Tail:
    """Give the newest entry of a log in which these things were logged, in order."""
    tail = Tail()
    for wanted in intents:
        follower = follow(log, tail, wanted, at=MIDNIGHT)
        tail = Tail(size=tail.size + 1, event=follower, leaf_hash=hash_of(sealed(follower)))
    return tail


def log_of(*intents: Intent, log: Log = LOG) -> list[bytes]:
    """Give the entries of a log in which these follow each other."""
    tail, bodies = Tail(), []
    for one in intents:
        event = follow(log, tail, one, at=MIDNIGHT)
        bodies.append(sealed(event))
        tail = Tail(size=tail.size + 1, event=event, leaf_hash=hash_of(bodies[-1]))
    return bodies


def review(**changes: Any) -> Review:  # noqa: ANN401 - any field
    """Say what came out of an emergency."""
    whole = Review(
        origin="log.example.com/tag",
        component="tag",
        entry=5,
        leaf_hash=DIGEST,
        finding="it was right",
        seen=Seen(size=6, root=DIGEST),
    )
    return dataclasses.replace(whole, **changes)


def order(**changes: Any) -> Order:  # noqa: ANN401 - any field
    """Give the order to promote 1.4.2 to latest."""
    whole = Order(kind="promote", library="tag", channel="latest", version="1.4.2", manifest=DIGEST, entry=7)
    return dataclasses.replace(whole, **changes)


def pointer(**changes: Any) -> Pointer:  # noqa: ANN401 - any field
    """Give the pointer of latest at 1.4.2."""
    whole = Pointer(
        origin="log.example.com/tag",
        channel="latest",
        pointer_version=1,
        version="1.4.2",
        manifest=DIGEST,
        log_index=7,
        issued="2026-11-24T00:12:33Z",
        expires="2027-11-24T00:12:33Z",
        files=(PointedFile(path="tag.min.js", integrity=SRI, bytes=16),),
    )
    return dataclasses.replace(whole, **changes)
