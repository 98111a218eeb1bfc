"""Carry a plan out on an object store. It knows nothing of releases."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from release.core.manifest import LARGEST_ARTIFACT, digest
from release.core.plan import Action, CopyObject, CreateObject, DeleteObject, MovePointer, Plan
from release.errors import IntegrityError, NotFoundError, RefusedError
from release.ports import Folder, ObjectStore, Progress

THREADS: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """How many actions of each kind were carried out; `present`: the bytes were there already."""

    created: int = 0
    present: int = 0
    copied: int = 0
    moved: int = 0
    deleted: int = 0


def execute(
    plan: Plan,
    store: ObjectStore,
    *,
    folder: Folder | None = None,
    log: ObjectStore | None = None,
    progress: Progress,
) -> Done:
    """Carry out the groups in order, the actions of a group at the same time.

    The first failure stops what has not started; nothing of a later group ever starts.

    Args:
        plan: what to do.
        store: the site bucket.
        folder: where the files of a bundle are, for a plan that creates objects.
        log: the log bucket, for a plan that moves a pointer.
        progress: told of each action.

    Raises:
        IntegrityError: a key is taken by other bytes, or a file is not the one that was planned.
        RefusedError: somebody else replaced the object first.
        ReleaseError: as the store raises.
    """
    outcomes: list[str] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for group in plan:
            futures = [pool.submit(_step(action, store, folder, log), progress) for action in group]
            done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
            for future in waiting:
                future.cancel()
            outcomes += [future.result() for future in done]
    return Done(**{name: outcomes.count(name) for name in set(outcomes)})


def total(plan: Plan) -> int:
    """Count the actions of a plan."""
    return sum(len(group) for group in plan)


def _step(
    action: Action, store: ObjectStore, folder: Folder | None, log: ObjectStore | None
) -> Callable[[Progress], str]:
    def step(progress: Progress) -> str:
        outcome = _carry_out(action, store, folder, log)
        progress.advance()
        return outcome

    return step


def _carry_out(action: Action, store: ObjectStore, folder: Folder | None, log: ObjectStore | None) -> str:
    match action:
        case CreateObject():
            return _create(action, store, folder)
        case CopyObject():
            _copy(action, store, store)
            return "copied"
        case MovePointer() if log is not None:
            _copy(action, log, store)
            return "moved"
        case DeleteObject():
            if not store.delete(action.key, etag=action.etag):
                raise _overtaken(action.key)
            return "deleted"
        case _:
            raise TypeError(action)


def _overtaken(key: str) -> RefusedError:
    return RefusedError(
        f"{key} was changed by another job at the same time",
        hint="run the same command again: it goes on, unless the log says that a newer release took over",
    )


def _create(action: CreateObject, store: ObjectStore, folder: Folder | None) -> str:
    if folder is None:
        raise TypeError(action)
    body = folder.read(action.path, limit=LARGEST_ARTIFACT)
    if body is None or digest(body) != action.sha256:
        raise IntegrityError(
            f"{action.path} is not the file that was built",
            hint="build again, and let nothing else write to the output folder",
            evidence={"planned": action.sha256, "found": "no file" if body is None else digest(body)},
        )
    if store.create(action.key, body, action.headers):
        return "created"
    # S3 answers 412 to a client's retry of its own success too: only the bytes can tell.
    found = store.read(action.key, limit=LARGEST_ARTIFACT)
    if found is None or found.body != body:
        raise IntegrityError(
            f"{action.key} is already published with other bytes",
            hint="published bytes never change: release a new version",
            evidence={"ours": action.sha256, "published": digest(found.body) if found else "gone"},
        )
    return "present"


def _copy(action: CopyObject | MovePointer, origin: ObjectStore, store: ObjectStore) -> None:
    source = origin.describe(action.source)
    if source is None:
        raise NotFoundError(f"{action.source} does not exist any more", hint="somebody deleted it: run an audit")
    copied = store.copy(source, action.key, action.headers, replacing=action.etag)
    if copied is None:
        raise _overtaken(action.key)
    if copied != action.sha256:
        raise IntegrityError(
            f"{action.key} is not a copy of {action.source}",
            hint="run the same command again; if it stays so, somebody else writes to this channel",
            evidence={"source": action.sha256, "copied": copied},
        )
