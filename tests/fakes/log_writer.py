"""A job that appends to a log on Ceph's gateway, in a process of its own, which may be killed at any moment."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Final

from release.adapters.clock import SystemClock
from release.adapters.s3 import S3Store
from release.core.channels import Channel
from release.core.layout import LogLayout, ObjectHeaders
from release.core.log_keys import LogKeys
from release.core.pipeline import Pipeline
from release.core.succession import Intent, Log
from release.effects.growth import append
from release.effects.slots import Slots
from release.effects.tree import Tree
from release.errors import ReleaseError
from release.ports import ObjectStore
from tests.fakes import log_files
from tests.fakes.ceph import CephGateway

LAYOUT: Final = LogLayout(prefix="tag/")

# A forked server that has imported all this starts a job in milliseconds; a job shares nothing with the others.
_PROCESSES: Final = get_context("forkserver")


class Careless(S3Store):
    """A mutant: what is created takes the place of what was there."""

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        self._put(key, body, headers, {})
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A bucket on the gateway, and how it is written to."""

    gateway: CephGateway
    bucket: str
    store: type[S3Store] = S3Store

    @contextmanager
    def opened(self) -> Iterator[S3Store]:
        with closing(self.gateway.clients(self.gateway.administrator, stage="record").s3()) as s3:
            yield self.store(s3, bucket=self.bucket, stage="record")


def start(place: Place, versions: Sequence[str]) -> BaseProcess:
    """Start a job that yanks these versions one after the other; all of them again if it is a second run.

    It ends as the command line does, with the code of its error.
    """
    _PROCESSES.set_forkserver_preload([__name__])
    process = _PROCESSES.Process(target=_work, args=(place, versions))
    process.start()
    return process


def _work(place: Place, versions: Sequence[str]) -> None:
    try:
        with place.opened() as store:
            for version in versions:
                record(store, version)
    except ReleaseError as why:
        sys.exit(why.exit_code)


def tree(store: ObjectStore) -> Tree:
    return Tree(
        store=store,
        layout=LAYOUT,
        origin=log_files.ORIGIN,
        signer=log_files.SIGNER,
        keys=LogKeys(current=log_files.SIGNER.key),
    )


def record(store: ObjectStore, version: str) -> tuple[int, bool]:
    """Append that a version was yanked; gives the entry's number and whether it is new."""
    log = Log(
        origin=log_files.ORIGIN,
        component="tag",
        channels={"latest": Channel()},
        pipeline=Pipeline(tool="release 1"),
    )
    intent = Intent(action="version.yanked", version=version, manifest="a" * 64, reason="broken")
    slots = Slots(store=store, layout=LAYOUT, keys=LogKeys(current=log_files.SIGNER.key))
    done = append(slots, tree(store), log, intent, clock=SystemClock())
    return done.event.index, done.new
