"""A release log as files, as an auditor gets it: made from entries, and then forged by tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.merkle import Frontier, leaf_hash
from release.core.tlog.note import open_note, parse_note, sign_note
from release.core.tlog.policy import Policy, parse_policy
from release.core.tlog.tile import Edge, bundles_of, encode_bundle, tiles_of
from tests.fakes import examples
from tests.fakes.log_keys import witness_signer
from tests.fakes.scenario import World

ORIGIN = "log.example.com/tag"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
SIGNER = examples.SIGNER
WITNESS = witness_signer()


class Held:
    """The files of a log in memory, as the port gives them."""

    def __init__(self, found: dict[str, bytes]) -> None:
        self._found = found

    def read(self, path: str, limit: int) -> bytes | None:
        body = self._found.get(path)
        if body is not None and len(body) > limit:
            raise TlogError(f"{path} is larger than {limit} bytes")
        return body

    def names(self, folder: str) -> Sequence[str]:
        start = f"{folder}/" if folder else ""
        rest = [path.removeprefix(start) for path in self._found if path.startswith(start)]
        return sorted(path for path in rest if "/" not in path)


def policy(*, witnessed: bool = False) -> Policy:
    """Trust the log's key, and with it a witness."""
    lines = [f"log {SIGNER.key.vkey}"]
    lines += [f"witness w1 {WITNESS.key.vkey}", "quorum w1"] if witnessed else ["quorum none"]
    return parse_policy(("\n".join(lines) + "\n").encode())


def world() -> World:
    """A log with everything in it: releases, a rollback, a failed promotion, a yank."""
    made = World()
    made.release("1.0.0", "latest")
    made.release("1.1.0", "latest")
    made.go_back("latest", "1.0.0")
    made.yank("1.1.0")
    made.release("1.2.0")
    made.move("latest", "1.2.0", passed=False)
    made.authorize("latest", "1.2.0")
    made.finish("latest")
    return made


def entries(made: World) -> list[bytes]:
    """Give the leaves of its log in order."""
    slots = made.config.log_layout.slots
    return [body for key, body in sorted(made.log.bodies().items()) if key.startswith(slots)]


def evidence(made: World) -> dict[str, bytes]:
    root = made.config.log_layout.prefix
    return {key.removeprefix(root): body for key, body in made.log.bodies().items() if "/evidence/" in key}


def files(bodies: Sequence[bytes], *, cosigned_at: int | None = None, archive: bool = True) -> dict[str, bytes]:
    """Give the files of a log with these entries: tiles, bundles, a checkpoint of each size, the head."""
    found: dict[str, bytes] = {}
    edge, frontier = Edge(0, ()), Frontier()
    tiles: dict[tuple[int | None, int], bytes] = {}
    for body in bodies:
        edge, changed = edge.extended(leaf_hash(body))
        tiles |= {(tile.level, tile.index): content for tile, content in changed.items()}
        frontier = frontier.extended([leaf_hash(body)])
        if archive:
            found[f"checkpoints/{frontier.size:012d}"] = signed(frontier)
    found |= {tile.path: tiles[tile.level, tile.index] for tile in tiles_of(len(bodies))}
    for bundle in bundles_of(len(bodies)):
        found[bundle.path] = encode_bundle(bodies[bundle.start : bundle.start + bundle.width])
    found["checkpoint"] = signed(frontier, cosigned_at=cosigned_at)
    return found


def signed(frontier: Frontier, *, cosigned_at: int | None = None, origin: str = ORIGIN) -> bytes:
    note = sign_note(Checkpoint(origin, frontier.size, frontier.root()).encode(), [SIGNER])
    if cosigned_at is None:
        return note
    opened = parse_note(note)
    return opened.with_signatures([WITNESS.sign(opened.text, time=cosigned_at)]).encode()


def head(found: dict[str, bytes]) -> Checkpoint:
    return parse_checkpoint(open_note(found["checkpoint"], [SIGNER.key]).text)


def edited(body: bytes, **fields: object) -> bytes:
    """Change fields of an entry's event, keep it canonical, and sign it as the holder of the log's key can."""
    value = examples.said(body)
    value["predicate"].update(fields)
    return examples.resealed(value)


def many(count: int, body: bytes = b"x" * 100) -> dict[str, bytes]:
    """A log of opaque entries, to look at hashes only; no archive."""
    return files([body + index.to_bytes(4, "big") for index in range(count)], archive=False)


def write(top: Path, found: dict[str, bytes]) -> Path:
    """Write the files of a log below a folder."""
    for path, body in found.items():
        target = top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return top
