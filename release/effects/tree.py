"""The release log's tree: tiles, entry bundles, checkpoints and the head, derived from the slots that were claimed.

The slot is where order is decided (`effects.slots`); all that is written here follows from the slots, so that
any later job can finish what a dead one left: tiles and archived checkpoints are create-once, and racing
writers write the same bytes (Ed25519 signatures are deterministic, RFC 8032, 5.1.6). The head is only moved
up, by compare and swap, and never past a size whose files are not all there. Nothing is signed before its
entry can no longer be changed (C2SP tlog-checkpoint: a log must not sign what is inconsistent with what it
signed before).
"""

from dataclasses import dataclass, replace
from typing import Final

from release.core.caching import BLOB, NOTE
from release.core.layout import LogLayout
from release.core.log_keys import LogKeys
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import inclusion_proof, leaf_hash, verify_inclusion
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.note import Note
from release.core.tlog.tile import (
    LARGEST_BUNDLE,
    LARGEST_TILE,
    WIDTH,
    Edge,
    Tile,
    edge,
    encode_bundle,
    split_bundle,
    subtree_reader,
)
from release.effects.log_view import LogView
from release.effects.slot import read_leaf
from release.errors import LogError, ServiceError
from release.ports import NoteSigner, ObjectStore

TRIES: Final = 20
_ALARM: Final = "treat the log as tampered with; compare with the replica and with CloudTrail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Grown:
    """A tree up to some entry: its right edge, the entries of its last partial bundle, and its last entry.

    `covered` is the size that the head said when it was read, `etag` what to compare with when it is moved.
    """

    edge: Edge
    entries: tuple[bytes, ...] = ()
    last: bytes | None = None
    covered: int = 0
    etag: str | None = None

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.edge.size


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """One library's tree in one bucket; what one of its `keys` signed in its time is believed."""

    store: ObjectStore
    layout: LogLayout
    origin: str
    signer: NoteSigner
    keys: LogKeys

    @property
    def view(self) -> LogView:
        """The same tree for who only reads."""
        return LogView(store=self.store, layout=self.layout, origin=self.origin, keys=self.keys)

    def resume(self) -> Grown:
        """Load what the head says, from one bundle and at most one tile a level; the empty tree without a head.

        Raises:
            LogError: the head is not this log's, or the tiles and entries are not the head's.
        """
        head, etag = self._head()
        if head is None or head.size == 0:
            return Grown(edge=Edge(0, ()), etag=etag)
        try:
            return replace(self._loaded(head), covered=head.size, etag=etag)
        except TlogError as why:
            raise LogError(f"the log's tree is not what its checkpoint says: {why}", hint=_ALARM) from why

    def integrate(self, grown: Grown) -> Grown:
        """Derive the files of every claimed slot from `grown` on, and move the head up to the last of them.

        Raises:
            LogError: a file is there already and says something else.
        """
        while (body := self.claimed(grown)) is not None:
            grown = self.add(grown, body)
        self.publish(grown)
        return grown

    def claimed(self, grown: Grown) -> bytes | None:
        """Read the leaf that stands after the last one; None if its slot was not claimed yet."""
        return read_leaf(self.store, self.layout, grown.size)

    def repair(self) -> int:
        """Finish the work of jobs that died; gives the number of entries that the head now covers."""
        return self.integrate(self.resume()).size

    def add(self, grown: Grown, body: bytes) -> Grown:
        """Derive the files of the next size, whose last entry is the one with these bytes; the head stays."""
        longer, tiles = grown.edge.extended(leaf_hash(body))
        entries = (*grown.entries, body)
        bundle = Tile(None, grown.size // WIDTH, len(entries))
        for tile, content in ((bundle, encode_bundle(entries)), *tiles.items()):
            self._once(self.layout.tile(tile.path), content)
        after = replace(grown, edge=longer, entries=entries if len(entries) < WIDTH else (), last=body)
        self._archive(after)
        return after

    def publish(self, grown: Grown) -> None:
        """Move the head up to this size, unless it is there or further already.

        Raises:
            ServiceError: other jobs moved it too often.
        """
        covered, etag = grown.covered, grown.etag
        for _ in range(TRIES):
            if grown.size <= covered:
                return
            if self.store.replace(self.layout.checkpoint, self._signed(grown), NOTE, etag=etag):
                return
            head, etag = self._head()
            covered = head.size if head else 0
        raise ServiceError(f"{TRIES} other jobs moved the log's head first", hint="run the same command again")

    def _head(self) -> tuple[Checkpoint | None, str | None]:
        found = self.store.read(self.layout.checkpoint, limit=LARGEST_NOTE)
        if found is None:
            return None, None
        try:
            return self.keys.checkpoint(found.body, origin=self.origin), found.info.etag
        except TlogError as why:
            raise LogError(f"{self.layout.checkpoint} cannot be believed: {why}", hint=_ALARM) from why

    def _loaded(self, head: Checkpoint) -> Grown:
        """Load the edge of the head's tree; the partial lowest tile is not asked for, its entries are needed anyway."""
        entries = self._last_entries(head.size)
        seen = {Tile(0, head.size // WIDTH, len(entries)): b"".join(map(leaf_hash, entries))}

        def tile(wanted: Tile) -> bytes:
            if wanted not in seen:
                seen[wanted] = self._must(self.layout.tile(wanted.path), LARGEST_TILE)
            return seen[wanted]

        loaded = edge(head.size, tile)
        if loaded.frontier().root() != head.root:
            raise TlogError(f"the tiles and entries of {head.size} entries have another root")
        if entries:
            # One request more, which the append that fills a bundle cannot spare: it has most to write.
            if len(entries) < WIDTH - 1 and self._last_leaf(head.size) != entries[-1]:
                raise TlogError(f"{self.layout.slot(head.size - 1)} is another entry than the one that was integrated")
            return Grown(edge=loaded, entries=entries, last=entries[-1])
        last = self._last_leaf(head.size)
        path = inclusion_proof(head.size - 1, head.size, subtree_reader(head.size, tile))
        verify_inclusion(leaf_hash(last), head.size - 1, head.size, path, head.root)
        return Grown(edge=loaded, last=last)

    def _last_leaf(self, size: int) -> bytes:
        leaf = read_leaf(self.store, self.layout, size - 1)
        if leaf is None:
            raise TlogError(f"{self.layout.slot(size - 1)} is missing")
        return leaf

    def _last_entries(self, size: int) -> tuple[bytes, ...]:
        if not (width := size % WIDTH):
            return ()
        bundle = Tile(None, size // WIDTH, width)
        return tuple(split_bundle(bundle, self._must(self.layout.tile(bundle.path), LARGEST_BUNDLE)))

    def _must(self, key: str, limit: int) -> bytes:
        found = self.store.read(key, limit=limit)
        if found is None:
            raise TlogError(f"{key} is missing")
        return found.body

    def _once(self, key: str, body: bytes) -> None:
        if self.store.create(key, body, BLOB):
            return
        found = self.store.read(key, limit=max(len(body), LARGEST_BUNDLE))
        if found is None or found.body != body:
            raise LogError(f"{key} is not what the log's entries amount to", hint=_ALARM)

    def _archive(self, grown: Grown) -> None:
        """Keep the checkpoint of this size; one that a key signed which was retired meanwhile is as good."""
        key = self.layout.archived_checkpoint(grown.size)
        if self.store.create(key, self._signed(grown), BLOB):
            return
        found = self.store.read(key, limit=LARGEST_NOTE)
        try:
            same = found is not None and self.keys.checkpoint(found.body, origin=self.origin) == self._point(grown)
        except TlogError:
            same = False
        if not same:
            raise LogError(f"{key} is not what the log's entries amount to", hint=_ALARM)

    def _point(self, grown: Grown) -> Checkpoint:
        return Checkpoint(self.origin, grown.size, grown.edge.frontier().root())

    def _signed(self, grown: Grown) -> bytes:
        text = self._point(grown).encode()
        return Note(text, (self.signer.sign(text),)).encode()
