"""Jobs in processes of their own append to one log on a real S3 server at the same time, and some are killed.

The server is Ceph's gateway, and the bucket keeps no versions: there, of several writes with `If-None-Match: *` or with
the same `If-Match`, exactly one wins, also at the same moment. With versions it ignores both (test_object_lock).
"""

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Barrier
from typing import TYPE_CHECKING, Final

import pytest

from release.core.caching import NOTE
from release.core.entry import decode, leaf_hash
from release.core.logcheck import Verifier, archived_sizes
from release.core.logtree import TreeFiles
from release.errors import LogError, ServiceError
from tests.fakes import log_files, log_writer
from tests.fakes.ceph import CephGateway
from tests.fakes.log_writer import LAYOUT, Careless, Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]

WRITERS: Final = 4
EACH: Final = 10
KILLS: Final = 16
PATIENCE: Final = 60
ROUNDS: Final = 40


@dataclass(kw_only=True)
class Race:
    """Several jobs on one log; whoever is killed is started again with all of its work."""

    place: Place
    s3: "S3Client"
    lots: random.Random
    jobs: dict[int, BaseProcess] = field(default_factory=dict)

    def start(self, number: int) -> None:
        self.jobs[number] = log_writer.start(self.place, versions(number))

    def run(self, *, kills: int) -> None:
        """Run all jobs to their ends, and kill one of those that run every now and then.

        Who gets no clear answer is started again, too: Ceph says 500 to some who lost.
        """
        for number in range(WRITERS):
            self.start(number)
        deadline = time.monotonic() + PATIENCE
        while running := {number: job for number, job in self.jobs.items() if job.exitcode is None}:
            assert time.monotonic() < deadline
            pause = self.lots.uniform(0.02, 0.3) if kills else PATIENCE
            if not wait([job.sentinel for job in running.values()], timeout=pause):
                number = self.lots.choice(sorted(running))
                running[number].kill()
                running[number].join()
                kills -= 1
                self.start(number)
            for number in running:
                if self.jobs[number].exitcode == ServiceError.exit_code:
                    self.start(number)

    def stop(self) -> None:
        """Kill all jobs at once."""
        for job in self.jobs.values():
            job.kill()
        for job in self.jobs.values():
            job.join()

    def size(self) -> int:
        """Count the entries."""
        return self.s3.list_objects_v2(Bucket=self.place.bucket, Prefix=LAYOUT.slots)["KeyCount"]

    def wait_for(self, size: int) -> None:
        """Let the jobs work until the log has so many entries."""
        deadline = time.monotonic() + PATIENCE
        while self.size() < size:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def files(self) -> dict[str, bytes]:
        """Give everything that is below the log's prefix."""
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.place.bucket, Prefix=LAYOUT.prefix):
            for item in page.get("Contents", []):
                with closing(self.s3.get_object(Bucket=self.place.bucket, Key=item["Key"])["Body"]) as body:
                    found[item["Key"].removeprefix(LAYOUT.prefix)] = body.read()
        return found

    def must_be_one_log(self, *, everything: bool = False) -> None:
        """Demand that nothing is doubled or forked, every file what the entries amount to; and that nothing is lost."""
        found = self.files()
        bodies = [body for path, body in sorted(found.items()) if path.startswith("seq/")]
        events = [decode(body, index=index, keys=[log_files.SIGNER.key]) for index, body in enumerate(bodies)]
        assert [e.prev.leaf_hash for e in events[1:] if e.prev] == [leaf_hash(body) for body in bodies[:-1]]
        expected = {f"seq/{index:012d}": body for index, body in enumerate(bodies)}
        for size in range(1, len(bodies) + 1):
            expected |= log_files.files(bodies[:size])
        assert found == expected
        policy = log_files.policy()
        read = TreeFiles(lambda path, _: found.get(path))
        assert [*Verifier(files=read, policy=policy, archived=archived_sizes(list(found))).run()] == []
        made, wanted = Counter(e.version for e in events), Counter(v for n in range(WRITERS) for v in versions(n))
        assert made == wanted if everything else made <= wanted


def versions(number: int) -> list[str]:
    return [f"{number}.{step}.0" for step in range(EACH)]


@pytest.fixture
def race(ceph: CephGateway) -> Iterator[Race]:
    lots = random.Random(seed := random.SystemRandom().randrange(2**32))  # noqa: S311 - when somebody dies is no secret
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    with closing(ceph.clients(ceph.administrator).s3()) as s3:
        opened = Race(place=Place(gateway=ceph, bucket=f"race-{uuid.uuid4().hex}"), s3=s3, lots=lots)
        s3.create_bucket(Bucket=opened.place.bucket)
        yield opened
        opened.stop()


def test_jobs_that_append_at_the_same_time_and_are_killed_make_one_log(race: Race) -> None:
    race.run(kills=KILLS)
    race.must_be_one_log(everything=True)


def test_what_jobs_leave_that_all_die_is_repaired(race: Race) -> None:
    for more in (2, 4, 6):
        for number in range(WRITERS):
            race.start(number)
        race.wait_for(race.size() + more)
        race.stop()
        with race.place.opened() as store:
            assert log_writer.tree(store).repair() == race.size()
        race.must_be_one_log()


def test_the_same_race_without_conditions_is_noticed(race: Race) -> None:
    race.place = replace(race.place, store=Careless)
    race.run(kills=0)
    assert {job.exitcode for job in race.jobs.values()} <= {0, LogError.exit_code}
    with pytest.raises(AssertionError):
        race.must_be_one_log(everything=True)


def winners(attempt: Callable[[int, int], bool]) -> list[set[int]]:
    """Let several threads try at the same moment, round after round; tell who was told that he won each round."""
    start = Barrier(WRITERS)

    def writer(number: int) -> list[set[int]]:
        won = []
        for step in range(ROUNDS):
            start.wait()
            try:
                won.append({number} if attempt(number, step) else set())
            except ServiceError:
                won.append(set())
        return won

    with ThreadPoolExecutor(WRITERS) as pool:
        return [set.union(*step) for step in zip(*pool.map(writer, range(WRITERS)), strict=True)]


def test_of_writes_at_the_same_moment_exactly_one_wins(race: Race) -> None:
    """All order rests on this. AWS: "the first write operation to finish succeeds" (user guide, conditional writes)."""
    with race.place.opened() as store:
        etags = []
        for step in range(ROUNDS):
            assert store.create(f"swap/{step}", b"before", NOTE)
            found = store.describe(f"swap/{step}")
            etags.append(found.etag if found else "")
        told = {
            "create": winners(lambda number, step: store.create(f"create/{step}", b"%d" % number, NOTE)),
            "swap": winners(lambda number, step: store.replace(f"swap/{step}", b"%d" % number, NOTE, etag=etags[step])),
        }
        for kind, rounds in told.items():
            for step, won in enumerate(rounds):
                there = store.read(f"{kind}/{step}", limit=6)
                assert there
                # Who won may not have been told so; but nobody was told so who did not.
                assert won <= {int(there.body)}, (kind, step)
            assert sum(map(len, rounds)) > ROUNDS / 2
