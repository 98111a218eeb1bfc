"""What moving a channel costs: requests and seconds of promote, rollback, re-runs, and of a bundle of 1,000 files."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from release.adapters.aws import AwsAccess, AwsClients
from release.adapters.delivery.cloudfront import CloudFront
from release.adapters.embedded.aws import EmbeddedAws
from release.adapters.embedded.edge import EmbeddedEdge
from release.adapters.embedded.provision import provision
from release.adapters.public_site import HttpSite
from release.adapters.s3 import S3Store
from release.core.layout import ObjectHeaders
from release.effects.choice import previous_good
from release.effects.execute import THREADS
from release.ports import Download, ObjectInfo, ObjectStore, StoredObject
from tests.fakes import examples
from tests.fakes.scenario import World

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FILES = 1_000
FILE_BYTES = 2_048
CONNECTIONS = 16


class Counted:
    """A bucket that counts what is asked of it."""

    def __init__(self, store: ObjectStore, calls: Counter[str]) -> None:
        self._store = store
        self.calls = calls

    def describe(self, key: str) -> ObjectInfo | None:
        self.calls["any"] += 1
        return self._store.describe(key)

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        self.calls["any"] += 1
        return self._store.read(key, limit=limit)

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        self.calls["any"] += 1
        return self._store.create(key, body, headers)

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        self.calls["any"] += 1
        return self._store.replace(key, body, headers, etag=etag)

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        self.calls["any"] += 1
        return self._store.copy(source, target, headers, replacing=replacing)

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        self.calls["any"] += 1
        return self._store.keys(prefix, after=after, most=most)


class CountedSite:
    """A public address that counts what is asked of it."""

    def __init__(self, site: HttpSite, calls: Counter[str]) -> None:
        self.site = site
        self.calls = calls

    def fetch(self, path: str, *, encoding: str, origin: str, limit: int, query: str = "") -> Download:
        self.calls["downloads"] += 1
        return self.site.fetch(path, encoding=encoding, origin=origin, limit=limit, query=query)


class Bench:
    """A library on the embedded AWS, its stages run in this process; gives each step's requests and seconds."""

    def __init__(self, aws: EmbeddedAws, bucket: str, stack: ExitStack) -> None:
        site = provision(aws.session(), bucket=bucket, log_bucket=f"{bucket}-log", endpoint=aws.endpoint)
        edge = stack.enter_context(EmbeddedEdge(aws, site))
        environment = {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ACCESS_KEY_ID": aws.admin.id,
            "AWS_SECRET_ACCESS_KEY": aws.admin.secret,
        }
        clients = AwsClients(AwsAccess(stage="bench", region="eu-west-1", environment=environment))
        s3 = clients.s3()
        self.bucket = bucket
        self.plain: S3Client = s3
        self.calls: Counter[str] = Counter()
        self.public = CountedSite(stack.enter_context(HttpSite(edge.url, connections=CONNECTIONS)), self.calls)
        self.log = S3Store(s3, bucket=f"{bucket}-log", stage="bench")
        self.world = World(examples.config(site={"bucket": bucket, "url": edge.url}))
        vars(self.world).update(
            site=Counted(S3Store(s3, bucket=bucket, stage="bench"), self.calls),
            log=Counted(self.log, self.calls),
            public=self.public,
            cdn=CloudFront(clients.cloudfront(), distribution=site.distribution, stage="bench", account="123456789012"),
        )

    def run(self, step: Callable[[], object]) -> tuple[float, int, int]:
        """Give a step's seconds, requests to S3, and downloads."""
        before, started = Counter(self.calls), perf_counter()
        step()
        took = perf_counter() - started
        return took, self.calls["any"] - before["any"], self.calls["downloads"] - before["downloads"]

    def floor(self, requests: int, downloads: int) -> float:
        """Give the seconds of as many plain requests, one after the other, and plain downloads, 16 at once."""
        started = perf_counter()
        for _ in range(requests):
            self.log.read("none", limit=1)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            path = f"/{self.world.config.layout.pointer('latest')}"
            fetch = self.public.site.fetch
            list(pool.map(lambda _: fetch(path, encoding="identity", origin="", limit=2**20), range(downloads)))
        return perf_counter() - started

    def row(self, what: str, step: Callable[[], object], floor: float | None = None, name: str = "") -> None:
        """Print one step."""
        took, requests, downloads = self.run(step)
        least = self.floor(requests, downloads) if floor is None else floor
        cost = f"{requests} requests" + (f", {downloads} downloads" if downloads else "")
        print(
            f"{what + ', ' + cost:<66} {took:8.3f} s  {took / least:5.2f} x {name or 'as many plain ones'}", flush=True
        )


@contextmanager
def bench(bucket: str) -> Iterator[Bench]:
    with EmbeddedAws() as aws, ExitStack() as stack:
        yield Bench(aws, bucket, stack)


def back_and_again() -> None:
    """A rollback after few and many versions, each with its floor, and every stage once more with nothing to do."""
    for versions in (2, 50):
        with bench("few" if versions == 2 else "many") as made:
            world = made.world
            for number in range(versions):
                world.release(f"1.{number}.0")
            for version in (f"1.{versions - 2}.0", f"1.{versions - 1}.0"):
                world.serve("latest", version)

            def whole(world: World = world) -> None:
                world.go_back("latest", previous_good(world.slots(), "latest", world.slots().tail()))

            made.row(f"roll back 4 files, {versions} versions", whole)
            if versions == 2:
                again(made)


def again(made: Bench) -> None:
    """Run every stage once more, with nothing to do."""
    world, version = made.world, "1.0.0"
    steps: dict[str, Callable[[], object]] = {
        "publish": lambda: world.publish(version),
        "record publish": lambda: world.record(version),
        "record rollback": lambda: world.roll_back("latest", version),
        "promote": lambda: world.promote("latest"),
        "invalidate": lambda: world.invalidate("latest"),
        "verify": lambda: world.verify("latest"),
        "record outcome": lambda: world.conclude("latest"),
    }
    for name, step in steps.items():
        if name != "invalidate":  # asks CloudFront twice, and S3 nothing
            made.row(f"{name}, already done", step)


def bundle() -> None:
    """A bundle of 1,000 files through the stages, each against plain boto3 on the same objects with as many threads."""
    with bench("bundle") as made:
        world, s3, bucket = made.world, made.plain, made.bucket
        content = {f"chunks/{n:04}.js": (f"export const n = {n};\n" * 200).encode()[:FILE_BYTES] for n in range(FILES)}
        content |= {"tag.min.js": b"window.tag = 1;\n"}
        world.build("1.0.0", content)

        def floor(request: Callable[[str], object], threads: int = THREADS) -> float:
            started = perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(request, content))
            return perf_counter() - started

        def read(path: str) -> None:
            s3.get_object(Bucket=bucket, Key=f"plain/{path}")["Body"].read()

        put = floor(lambda path: s3.put_object(Bucket=bucket, Key=f"plain/{path}", Body=content[path]))
        got = floor(read)
        made.row(f"publish {FILES:,} files", lambda: world.publish("1.0.0"), put, "put_object")
        made.row("publish again", lambda: world.publish("1.0.0"), got, "get_object")
        world.record("1.0.0")
        world.authorize("latest", "1.0.0")
        copied = floor(
            lambda path: s3.copy_object(
                Bucket=bucket, Key=f"copy/{path}", CopySource={"Bucket": bucket, "Key": f"plain/{path}"}
            )
        )
        headed = floor(lambda path: s3.head_object(Bucket=bucket, Key=f"plain/{path}"))
        made.row(f"promote {FILES:,} files", lambda: world.promote("latest"), copied, "copy_object")
        made.row("promote again", lambda: world.promote("latest"), headed, "head_object")
        fetch = made.public.site.fetch
        path_of = world.config.layout.channel_file
        fetched = floor(
            lambda path: fetch(f"/{path_of('latest', path)}", encoding="identity", origin="", limit=2**20), CONNECTIONS
        )
        made.row(f"verify {FILES:,} files", lambda: world.verify("latest"), fetched, "1,000 downloads")
