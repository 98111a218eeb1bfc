"""Figures of this program as ratios to a floor or a peer measured in the same run.

    make bench

Only ratios travel between machines. Nothing here is a test: a slow machine fails nothing.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.scenario import World

sys.path.insert(0, str(Path(__file__).parents[1]))

HELLO = """
import typer
app = typer.Typer(pretty_exceptions_enable=False)
@app.command()
def one() -> None: print("hello")
@app.command()
def two() -> None: pass
app()
"""
COMMITS = 100_000
NEWEST = "2.0.0"
OBJECTS = 1_000
OBJECT_BYTES = 10_240
RECORDS = 50_000
ENTRIES = 100_000
ENTRY_BYTES = 6_000
READ_ENTRIES = 20_000
REFERENCE = 1.75e9
"""The bytes a second of the machine that the budgets of `log` were set on."""


def seconds(work: Callable[[], object], *, times: int) -> float:
    """Give the median time of one run."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return median(took)


def process(*argv: str, folder: Path | None = None) -> Callable[[], object]:
    """Make a run of a child process."""
    return lambda: subprocess.run(argv, cwd=folder, check=True, capture_output=True)


def row(what: str, ours: float, floor: float, name: str) -> None:
    """Print one figure."""
    print(f"{what:<44} {ours:9.3f} s   {ours / floor:6.2f} x {name} ({floor:.3f} s)", flush=True)


def start_up(folder: Path) -> None:
    """`release --version` against a bare Typer command."""
    hello = folder / "hello.py"
    hello.write_text(HELLO)
    floor = seconds(process(sys.executable, str(hello), "one"), times=11)
    row("release --version", seconds(process(sys.executable, "-m", "release", "--version"), times=11), floor, "hello")
    row("release --help", seconds(process(sys.executable, "-m", "release", "--help"), times=11), floor, "hello")


def history(folder: Path) -> None:
    """The next version and a whole changelog of a long history, against `git log` alone."""
    repository = folder / "long"
    make_history(repository)
    release = (sys.executable, "-m", "release")
    floor = seconds(process("git", "log", "-z", "--format=%H%x00%ct%x00%B", folder=repository), times=3)
    following = seconds(process(*release, "next", folder=repository), times=5)
    row(f"release next, {COMMITS:,} commits, 500 tags", following, floor, "git log of all")
    tags = subprocess.run(["git", "tag"], cwd=repository, check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["git", "tag", "--delete", *tags], cwd=repository, check=True, capture_output=True)
    whole = process(*release, "changelog", "1.0.0", "--dry-run", folder=repository)
    row(f"release changelog, all {COMMITS:,} commits", seconds(whole, times=3), floor, "git log of all")


def make_history(repository: Path) -> None:
    """Make a repository with many conventional commits through git fast-import."""
    from tests.functional.library import RELEASE_TOML

    repository.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=repository, check=True)
    kinds = ("feat", "fix", "docs", "chore", "perf", "refactor")
    lines = []
    for number in range(COMMITS):
        message = f"{kinds[number % 6]}(part{number % 9}): change number {number}\n\nWhy it was changed.\n"
        lines.append(f"commit refs/heads/main\ncommitter A <a@example.com> {1_600_000_000 + number} +0000\n")
        lines.append(f"data {len(message)}\n{message}")
        if number % (COMMITS // 500) == COMMITS // 500 - 1 and number < COMMITS - 1:
            minor = number // (COMMITS // 500) + 1
            lines.append(f"reset refs/tags/v0.{minor}.0\nfrom refs/heads/main\n")
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository, input="".join(lines).encode(), check=True)
    names = {"bucket": "site", "log_bucket": "release-log", "distribution": "E2EXAMPLE12345"}
    toml = RELEASE_TOML.format(url="https://cdn.example.com", **names)
    (repository / "release.toml").write_text(toml)
    (repository / "package.json").write_text('{"name": "tag", "version": "0.499.0"}')


def count(what: str, world: "World", step: "Callable[[World], object]") -> None:
    """Print how many requests a step makes."""
    before = world.requests()
    step(world)
    print(f"{what:<50} {world.requests() - before:6d} requests", flush=True)


def requests() -> None:
    """Requests to the object store, which is what a run costs on AWS; counted on the in-memory fake."""
    from tests.fakes.scenario import World
    from tests.unit.test_rollback_requests import after, cost

    for versions in (2, 200):
        world = World()
        for version in [*(f"1.{minor}.0" for minor in range(versions - 1)), NEWEST]:
            world.release(version)
        world.serve("latest", f"1.{versions - 2}.0")
        world.authorize("latest", NEWEST)
        count(f"promote a channel of 4 files, {versions} versions", world, lambda world: world.promote("latest"))
        world.settle("latest")
        count(f"publish, already done, {versions} versions", world, lambda world: world.publish(NEWEST))
        count(f"roll back a channel of 4 files, {versions} versions", world, lambda world: world.go_back("latest"))
    for customers in (1, 200):
        at_site, at_log, downloads = cost(after(3, customers=customers))
        what = f"roll back as the command does, {customers} customers"
        print(f"{what:<50} {at_site + at_log:6d} requests, {downloads} downloads", flush=True)


def upload() -> None:
    """Create-only, checksummed upload against plain boto3 with as many threads, on one server."""
    from botocore.config import Config as BotoConfig

    from release.adapters.aws import AwsAccess, AwsClients
    from release.adapters.embedded.aws import EmbeddedAws
    from release.adapters.s3 import S3Store
    from release.core.caching import immutable

    body = os.urandom(OBJECT_BYTES)
    headers = immutable("text/javascript; charset=utf-8")
    with EmbeddedAws() as aws:
        plain = aws.session().client(
            "s3", endpoint_url=aws.endpoint, config=BotoConfig(max_pool_connections=32, s3={"addressing_style": "path"})
        )
        plain.create_bucket(Bucket="bench", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        environment = {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ACCESS_KEY_ID": aws.admin.id,
            "AWS_SECRET_ACCESS_KEY": aws.admin.secret,
        }
        clients = AwsClients(AwsAccess(stage="publish", region="eu-west-1", environment=environment))
        store = S3Store(clients.s3(), bucket="bench", stage="publish")

        def all_of(put: Callable[[int], object]) -> None:
            with ThreadPoolExecutor(32) as pool:
                list(pool.map(put, range(OBJECTS)))

        floor = seconds(lambda: all_of(lambda n: plain.put_object(Bucket="bench", Key=f"a/{n}", Body=body)), times=1)
        ours = seconds(lambda: all_of(lambda n: store.create(f"b/{n}", body, headers)), times=1)
    row(f"create {OBJECTS:,} x {OBJECT_BYTES // 1024} KiB (server-bound)", ours, floor, "boto3 put_object")


def watch() -> None:
    """A CloudTrail file read and judged, against the JSON scanner alone on the same bytes in memory."""
    import json

    from release.core.cloudtrail import Record, read
    from release.core.ledger import Ledger
    from release.core.watch import Limits, Watch
    from tests.fakes.cloudtrail import at, clean_day, config

    trail, _ = clean_day(config())
    body = json.dumps({"Records": trail.records * (RECORDS // len(trail.records))}).encode()

    def judge() -> None:
        now = int(at("20:00:00").timestamp())
        judged = Watch(trail.config, trail.owned, Ledger([], near=1), now=now, limits=Limits())
        for item in read(body[start : start + 2**18] for start in range(0, len(body), 2**18)):
            assert isinstance(item, Record)
            judged.see(item, "day.json")

    ours, floor = seconds(judge, times=3), seconds(lambda: json.loads(body), times=3)
    row(f"watch {RECORDS:,} records, {len(body) / 2**20:.0f} MiB", ours, floor, "json.loads")


def append() -> None:
    """One entry more in a log of 100,000, on a server on this machine, against ten empty requests to it."""
    from release.adapters.aws import AwsAccess, AwsClients
    from release.adapters.embedded.aws import EmbeddedAws
    from release.adapters.s3 import S3Store
    from release.core.caching import NOTE
    from tests.unit.test_append_requests import appended, costs, grown

    made = grown(ENTRIES)
    ((_, requests),) = costs(grown(ENTRIES), first=ENTRIES, count=1)
    with EmbeddedAws() as aws:
        session = aws.session().client("s3", endpoint_url=aws.endpoint)
        session.create_bucket(Bucket="log", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        environment = {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ACCESS_KEY_ID": aws.admin.id,
            "AWS_SECRET_ACCESS_KEY": aws.admin.secret,
        }
        clients = AwsClients(AwsAccess(stage="record", region="eu-west-1", environment=environment))
        store = S3Store(clients.s3(), bucket="log", stage="record")
        for key, body in made.bodies().items():
            store.create(key, body, NOTE)
        numbers = iter(range(ENTRIES, ENTRIES + 11))
        ours = seconds(lambda: appended(store, next(numbers)), times=11)
        floor = seconds(lambda: [store.read("none", limit=1) for _ in range(requests)], times=5)
    row(f"append at {ENTRIES:,} entries, {requests} requests", ours, floor, f"{requests} requests")


def log(folder: Path) -> None:
    """An auditor's verification of a folder, the whole process, against one SHA-256 of the same bytes."""
    # Made in processes of their own, for memory that is given back.
    for name, make, options in (("opaque", opaque_log, ["--hashes-only"]), ("read", read_log, [])):
        with ProcessPoolExecutor(1) as pool:
            count, budget = pool.submit(make, folder / name).result()
        audit(folder / name, options, count, budget)


def opaque_log(folder: Path) -> tuple[int, float]:
    """Write a log to look at hashes only; gives its entries, and what 100,000 of them may cost."""
    from tests.fakes import log_files

    entries = [os.urandom(8).hex().encode() * (ENTRY_BYTES // 16) for _ in range(ENTRIES)]
    log_files.write(folder, log_files.files(entries, archive=False))
    return ENTRIES, 1.0


def read_log(folder: Path) -> tuple[int, float]:
    """Write a log whose entries and archived checkpoints are read too."""
    from tests.fakes import examples, log_files

    intents = [examples.intent("publish.completed", f"1.0.{n}", reason="r" * 1500) for n in range(READ_ENTRIES)]
    log_files.write(folder, log_files.files(examples.log_of(*intents)))
    return READ_ENTRIES, 25.0


def audit(folder: Path, options: Sequence[str], count: int, budget: float) -> None:
    """Verify one log; the budget is for 100,000 entries where openssl hashes 1.75 GB/s, and scaled to here."""
    from tests.fakes import log_files

    key = folder / "key"
    key.write_text(log_files.SIGNER.key.vkey)
    verify = [str(Path(sys.executable).with_name("release")), "log", "verify", str(folder), "--key", str(key), *options]
    bundles = [path for path in sorted((folder / "tile" / "entries").rglob("*")) if path.is_file()]
    floor = seconds(process("openssl", "dgst", "-sha256", *map(str, bundles)), times=3)
    ours = seconds(process(*verify), times=3)
    child = subprocess.Popen(verify, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    used = os.wait4(child.pid, 0)[2]  # by it and the processes that it started; of their memory, the largest
    size = sum(path.stat().st_size for path in bundles) / 2**20
    row(
        f"log verify {' '.join(options)} {size:.0f} MiB, peak {used.ru_maxrss // 1024} MiB",
        ours,
        floor,
        "openssl sha256",
    )
    allowed = budget * REFERENCE / openssl_speed()
    for what, took in (("passed", ours), ("of one processor", used.ru_utime + used.ru_stime)):
        scaled = took * ENTRIES / count
        print(f"    {ENTRIES:,} entries: {scaled:.2f} s {what}, {scaled / allowed:.2f} x the budget", flush=True)


def openssl_speed() -> float:
    """Give how many bytes a second openssl hashes."""
    argv = ["openssl", "speed", "-mr", "-seconds", "2", "-bytes", "16384", "-evp", "sha256"]
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return float(next(line for line in out.splitlines() if line.startswith("+F:")).rpartition(":")[2])


def check(folder: Path) -> None:
    """Reading real libraries for what they load, against the parser alone; memory by a process of its own."""
    from release.core.domains.script import parse
    from tests.fakes.checked_libraries import LIBRARIES, SOURCE, judged
    from tests.fakes.npm_packages import installed

    modules = installed(SOURCE, folder / "libraries")
    for name in ("preact", "snowplow", "datadog rum", "posthog", "three"):
        library = LIBRARIES[name]
        bodies = library.bodies(modules)
        size = sum(map(len, bodies.values()))
        floor = seconds(lambda: [parse(body) for body in bodies.values()], times=3)  # noqa: B023 - called at once
        ours = seconds(lambda: judged(bodies, library.lists), times=3)  # noqa: B023 - called at once
        row(f"check {name}, {size / ours / 1e6:.2f} MB/s", ours, floor, "the parser")
    program = (
        "import sys; from pathlib import Path; from release.core.domains.bundle import *; "
        "kb = lambda: int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]); "
        "judge_file(Item('a.js', b'1', None, DomainsSection())); before = kb(); body = Path(sys.argv[1]).read_bytes(); "
        "judge_file(Item('a.js', body, None, DomainsSection())); print((kb() - before) * 1024 / len(body))"
    )
    for file in ("posthog-js/dist/array.js", "three/build/three.core.js"):
        argv = [sys.executable, "-c", program, str(modules / "node_modules" / file)]
        out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        print(f"check {file}: {float(out):.0f} bytes of memory a byte", flush=True)


def main(chosen: Sequence[str]) -> None:
    """Run the benches that are named, or all."""
    from bench import channels

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        benches: dict[str, Callable[[], None]] = {
            "start-up": lambda: start_up(folder),
            "history": lambda: history(folder),
            "requests": requests,
            "upload": upload,
            "watch": watch,
            "log": lambda: log(folder),
            "append": append,
            "back": channels.back_and_again,
            "bundle": channels.bundle,
            "check": lambda: check(folder),
        }
        for bench in chosen or benches:
            benches[bench]()


if __name__ == "__main__":
    main(sys.argv[1:])
