"""Promote: point a channel at a version. Bytes come from the published objects, never from a build."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from release.core import plan as planning
from release.core.caching import left_unlogged
from release.core.config import Config
from release.core.entry import ChannelState, Event
from release.core.handover import LARGEST as LARGEST_POINTER
from release.core.handover import Order, Pointer, Promotion, read_pointer
from release.core.manifest import LARGEST, Artifact, Manifest, decode, digest
from release.core.plan import ChannelNow, MovePointer, Plan, Served
from release.effects.choice import order_of
from release.effects.execute import THREADS, Done, execute, total
from release.effects.published import published_manifest
from release.effects.read_only_log import earlier, require_logged
from release.effects.readback import sha256_of
from release.effects.slots import Slots
from release.effects.trusted import load
from release.errors import FormatError, IntegrityError, NotFoundError, RefusedError
from release.ports import Console, ObjectStore

_OVERTAKEN: Final = "a later release or rollback took over; run its pipeline instead of this one"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the channel now serves and what had to change for it."""

    promotion: Promotion
    plan: Plan
    done: Done


def run(config: Config, order: Order, slots: Slots, site: ObjectStore, console: Console, *, dry_run: bool) -> Report:
    """Carry out an order that the log authorises; re-running it converges.

    A job that was overtaken while it copied may have copied over what the faster one had found right: S3's ETags are
    made of bytes, and `If-Match` sees no difference between an entry file that stayed and one that came back. So it
    puts the channel to what the log says now before it stops.

    Raises:
        RefusedError: the log does not, or no longer, authorise it; nobody approved it; or another job was faster.
        IntegrityError: the published bytes are not those of the log.
        NotFoundError: the version is not there.
    """
    authorised = authorisation(config, slots, order)
    load(config, slots).check(authorised)
    manifest = published_manifest(config, site, order.version, order.manifest)
    _check_sources(config, manifest, site)
    pointer = _recorded_pointer(slots, planning.pointer_for(config, manifest, authorised))
    now = _now(config, order, manifest, slots, site)
    if order.leaves is None:
        require_logged(slots, authorised, left_unlogged(now.pointer_headers))
    plan = planning.promote(config, manifest, pointer, now, leaves=order.leaves)
    promotion = Promotion(order=order, changed=_changed(config, slots, authorised, manifest, site, plan, now))
    if dry_run:
        return Report(promotion=promotion, plan=plan, done=Done())
    try:
        with console.progress(f"promoting {order.version} to {order.channel}", total(plan)) as progress:
            done = execute(plan, site, log=slots.store, progress=progress)
    except RefusedError:
        _give_way(config, order, slots, site, console)
        raise
    return Report(promotion=promotion, plan=plan, done=done)


def _give_way(config: Config, order: Order, slots: Slots, site: ObjectStore, console: Console) -> None:
    """Put a channel to what the log says, if that is not this order any more.

    Raises:
        RefusedError: it is not; the channel is as the newer order wants it.
    """
    state = slots.tail().state.channels[order.channel]
    if state.entry == (order.entry if order.leaves is None else order.leaves):
        return
    newer = order_of(slots.read(state.entry), order.library)
    run(config, newer, slots, site, console, dry_run=False)
    raise RefusedError(
        f"entry {newer.entry} ({newer.version}) took {order.channel} over while entry {order.entry} ({order.version}) "
        "was carried out; the channel is as the newer entry says",
        hint=f"{_OVERTAKEN}; if an edge kept a file meanwhile: release invalidate {order.channel} --attempt 2 there",
    )


def authorisation(config: Config, slots: Slots, order: Order) -> Event:
    """Give the log entry of an order, if it is the newest word on its channel.

    While the log cannot be written, release.toml may allow also an earlier entry of the channel, for the way back.

    Raises:
        RefusedError: it is not.
    """
    tail = slots.tail()
    state = tail.state.channels.get(order.channel)
    if order.leaves is not None and state is not None and state.entry == order.leaves:
        if config.log.when_read_only != "degrade":
            raise RefusedError(
                "release.toml does not allow a rollback that is not logged",
                hint="[log] when-read-only = 'degrade' does: docs/rollback.md",
            )
        found = earlier(slots, tail, order.channel, order.version)
        if (found.index, found.manifest) == (order.entry, order.manifest):
            return found
    if state is None or (state.entry, state.version, state.manifest) != (order.entry, order.version, order.manifest):
        newest = f"entry {state.entry} ({state.version})" if state else "nothing"
        raise RefusedError(
            f"entry {order.entry} does not authorise {order.channel} to serve {order.version}: the log says {newest}",
            hint=_OVERTAKEN,
        )
    return slots.read(order.entry)


def _recorded_pointer(slots: Slots, expected: Pointer) -> Pointer:
    """Give the pointer that the record stage left: the promote key can only copy it, and write none of its own."""
    found = slots.pointer(expected.log_index)
    if found is None:
        raise NotFoundError(
            f"the pointer of log entry {expected.log_index} was not recorded",
            hint=f"the job that wrote the entry did not finish: release record promote {expected.channel}, again",
        )
    if not found.says_the_same(expected):
        raise IntegrityError(
            f"the recorded pointer of log entry {expected.log_index} is not what the entry authorises",
            hint="somebody wrote it with the record key: authorise again, and find out who has that key",
            evidence={"authorised": str(expected)[:500], "recorded": str(found)[:500]},
        )
    return found


def _check_sources(config: Config, manifest: Manifest, site: ObjectStore) -> None:
    """Prove every published byte before the first byte of the channel changes."""

    def check(artifact: Artifact) -> None:
        key = config.layout.artifact(manifest.version, artifact.path)
        found = sha256_of(site, key, limit=artifact.bytes)
        if found is None:
            raise NotFoundError(f"{key} is missing from the published version", hint="release publish, again")
        if found != artifact.sha256:
            raise IntegrityError(
                f"{key} is not the file that the manifest names",
                hint="somebody changed a published object: do not promote it, run an audit",
                evidence={"manifest": artifact.sha256, "found": found},
            )

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(check, manifest.artifacts))


def _changed(
    config: Config, slots: Slots, authorised: Event, manifest: Manifest, site: ObjectStore, plan: Plan, now: ChannelNow
) -> tuple[str, ...]:
    """List the keys whose bytes an edge may hold an older copy of.

    What this run copies is not enough: a run that crashed before it changed keys too. So every
    version counts that the channel was to serve since it was last verified. Around a rollback that
    the log does not know, every file counts.
    """
    unlogged = left_unlogged(now.pointer_headers) is not None or _leaves(plan)
    older: list[dict[str, str]] = [{}] if unlogged else []
    state = authorised.before
    while state is not None:
        older.append(_files_of(config, state, site))
        if state.outcome == "completed":
            break
        state = slots.read(state.entry).before
    else:
        older.append({})
    channel = authorised.channel or ""
    different = {
        config.layout.channel_file(channel, artifact.path)
        for artifact in manifest.artifacts
        if any(files.get(artifact.path) != artifact.sha256 for files in older)
    }
    return tuple(sorted({*different, *planning.rewritten(plan, now), config.layout.pointer(channel)}))


def _leaves(plan: Plan) -> bool:
    return any(isinstance(a, MovePointer) and left_unlogged(a.headers) is not None for group in plan for a in group)


def _files_of(config: Config, state: ChannelState, site: ObjectStore) -> dict[str, str]:
    """Give {path: SHA-256} of an earlier version; nothing if it was damaged, so that every file counts as changed."""
    try:
        found = site.read(config.layout.manifest(state.version), limit=LARGEST)
        if found is None or digest(found.body) != state.manifest:
            return {}
        return {artifact.path: artifact.sha256 for artifact in decode(found.body).artifacts}
    except (IntegrityError, FormatError):
        return {}


def _now(config: Config, order: Order, manifest: Manifest, slots: Slots, site: ObjectStore) -> ChannelNow:
    """Look at the channel as it is.

    Raises:
        RefusedError: its pointer is already of a later log entry, and the log has that entry.
    """
    keys = [config.layout.channel_file(order.channel, artifact.path) for artifact in manifest.artifacts]
    with ThreadPoolExecutor(THREADS) as pool:
        infos = pool.map(site.describe, keys)
        files = {i.key: Served(sha256=i.sha256, headers=i.headers, etag=i.etag) for i in infos if i}
    key = config.layout.pointer(order.channel)
    there = site.read(key, limit=LARGEST_POINTER)
    if there and read_pointer(there.body, name=key).log_index > order.entry:
        # Only the log knows whether a later release was here: a stolen key may have left a pointer that says so.
        authorisation(config, slots, order)
    return ChannelNow(
        files=files,
        pointer=there.body if there else None,
        pointer_headers=there.info.headers if there else None,
        pointer_etag=there.info.etag if there else None,
    )
