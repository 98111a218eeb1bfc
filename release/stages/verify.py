"""Verify: load everything from the public address as browsers do, and compare digests. Needs no key."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from release.core.caching import immutable, media_type, mutable
from release.core.config import Config
from release.core.handover import Order, Pointer, Verification, read_pointer
from release.core.layout import ObjectHeaders
from release.core.manifest import LARGEST, Artifact, Manifest, decode, digest, encode
from release.core.plan import pointed_files
from release.errors import FormatError, ServiceError, VerificationError
from release.ports import Clock, Console, Download, PublicSite

ENCODINGS: Final = ("identity", "gzip", "br")
# Any origin but our own: what a customer's page sends with <script crossorigin>.
ORIGIN: Final = "https://customer.example"
THREADS: Final = 16
OK: Final = 200  # RFC 9110, 15.3.1: anything else is not the file, whatever its body
PAUSE: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was loaded and found. `served`: how often each Content-Encoding came back."""

    verification: Verification
    downloads: int
    served: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Expected:
    """One address and what it must serve."""

    path: str
    sha256: str
    size: int
    headers: ObjectHeaders


@dataclass(kw_only=True, slots=True)
class _Tally:
    downloads: int = 0
    served: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def run(config: Config, order: Order, site: PublicSite, clock: Clock, console: Console, *, patience: float) -> Report:
    """Check a version's addresses and a channel's, for each encoding.

    Args:
        config: for addresses and cache headers.
        order: what the log says the channel serves; its manifest digest is what all else hangs on.
        site: the public address.
        clock: to wait for caches.
        console: for talk.
        patience: seconds to go on asking while the channel still serves something else.

    Returns:
        A report whose findings are empty if and only if every byte was right.

    Raises:
        ServiceError: the address does not answer.
    """
    tally = _Tally()
    manifest = _manifest(config, order, site, tally)
    if manifest is None:
        return _report(order, tally)
    console.say(f"verifying {order.channel} {order.version} at {config.site.url}")
    _check(site, list(_version_files(config, manifest, order)), tally)
    channel = list(_channel_files(config, order.channel, manifest))
    deadline = clock.now().timestamp() + patience
    while True:
        attempt = _Tally()
        _check(site, channel, attempt)
        _check_pointer(config, order, manifest, site, attempt)
        if not attempt.findings or clock.now().timestamp() >= deadline:
            break
        console.say(f"{order.channel} does not serve {order.version} everywhere yet; asking again")
        clock.sleep(PAUSE)
    if not attempt.findings:
        entry = _channel_file(config, order.channel, manifest.entries[0], manifest)
        _check_mixed_pages(site, entry, query=f"verify={order.entry}-{clock.now().timestamp():.0f}", tally=tally)
    tally.downloads += attempt.downloads
    tally.findings += attempt.findings
    for encoding, count in attempt.served.items():
        tally.served[encoding] = tally.served.get(encoding, 0) + count
    return _report(order, tally)


def of_version(config: Config, order: Order, site: PublicSite) -> Report:
    """Check a version's addresses only, for each encoding (ServiceError)."""
    tally = _Tally()
    manifest = _manifest(config, order, site, tally)
    if manifest is not None:
        _check(site, list(_version_files(config, manifest, order)), tally)
    return _report(order, tally)


def require_passed(reports: Sequence[Report]) -> None:
    """Raise VerificationError with all findings, if there is one."""
    failed = [report.verification for report in reports if not report.verification.passed]
    findings = [finding for verification in failed for finding in verification.findings]
    if findings:
        names = ", ".join(f"{v.order.channel} {v.order.version}" for v in failed)
        raise VerificationError(
            f"{names}: {len(findings)} finding(s)\n  " + "\n  ".join(findings[:50]),
            hint="does the cache change what the bucket has? Set it right (docs/delivery.md) and verify again; "
            f"otherwise record this outcome, then: release rollback {failed[0].order.channel} --reason '...'",
        )


def _report(order: Order, tally: _Tally) -> Report:
    findings = tuple(text[:500] for text in tally.findings[:100])
    return Report(
        verification=Verification(order=order, passed=not findings, findings=findings),
        downloads=tally.downloads,
        served=tally.served,
    )


def _manifest(config: Config, order: Order, site: PublicSite, tally: _Tally) -> Manifest | None:
    path = "/" + config.layout.manifest(order.version)
    try:
        got = site.fetch(path, encoding="identity", origin=ORIGIN, limit=LARGEST)
    except VerificationError as why:
        tally.findings.append(f"{path}: {why.message}")
        return None
    tally.downloads += 1
    if got.status != OK or digest(got.body) != order.manifest:
        tally.findings.append(f"{path}: {_answer(got)}, the log says manifest {order.manifest[:12]}")
        return None
    return decode(got.body, name=path)


def _version_files(config: Config, manifest: Manifest, order: Order) -> Iterator[_Expected]:
    key = config.layout.manifest(manifest.version)
    size = len(encode(manifest))
    yield _Expected(path=f"/{key}", sha256=order.manifest, size=size, headers=immutable(media_type(key)))
    for artifact in manifest.artifacts:
        key = config.layout.artifact(manifest.version, artifact.path)
        yield _expected(key, artifact, immutable(artifact.media_type))


def _channel_files(config: Config, channel: str, manifest: Manifest) -> Iterator[_Expected]:
    for artifact in manifest.artifacts:
        yield _channel_file(config, channel, artifact, manifest)


def _channel_file(config: Config, channel: str, artifact: Artifact, manifest: Manifest) -> _Expected:
    headers = mutable(artifact.media_type, config.cache.lifetime, version=manifest.version)
    return _expected(config.layout.channel_file(channel, artifact.path), artifact, headers)


def _expected(key: str, artifact: Artifact, headers: ObjectHeaders) -> _Expected:
    return _Expected(path=f"/{key}", sha256=artifact.sha256, size=artifact.bytes, headers=headers)


def _check(site: PublicSite, files: Sequence[_Expected], tally: _Tally) -> None:
    jobs = [(file, encoding) for file in files for encoding in ENCODINGS]
    with ThreadPoolExecutor(THREADS) as pool:
        for (file, encoding), outcome in zip(jobs, pool.map(lambda job: _load(site, *job), jobs), strict=True):
            tally.downloads += 1
            if isinstance(outcome, str):
                tally.findings.append(f"{file.path} ({encoding}): {outcome}")
                continue
            served = outcome.encoding or "identity"
            tally.served[served] = tally.served.get(served, 0) + 1
            tally.findings += [f"{file.path} ({encoding}): {finding}" for finding in _findings(file, outcome)]


def _check_mixed_pages(site: PublicSite, file: _Expected, *, query: str, tally: _Tally) -> None:
    """Check that a page without `crossorigin` leaves nothing in a cache that a page with it cannot use.

    S3 names no CORS and no `Vary` to who sends no `Origin`. Browsers keep that for pages with one (RFC 9111, 4.1),
    and so may a shared cache. The query is new to it: no customer is given what this makes a wrong one keep.
    """
    plain = _load(site, file, "gzip", origin="", query=query)
    if isinstance(plain, Download) and plain.status != OK:
        return  # no address of a release: a cache may refuse it
    later = _load(site, file, "gzip", query=query)
    tally.downloads += 2
    if isinstance(plain, str) or isinstance(later, str):
        tally.findings.append(f"{file.path}?{query}: {plain if isinstance(plain, str) else later}")
    else:
        tally.findings += [f"{file.path}: {finding}" for finding in _mixed_findings(plain, later)]


def _mixed_findings(plain: Download, later: Download) -> Iterator[str]:
    if "access-control-allow-origin" not in plain.headers and "origin" not in plain.headers.get("vary", "").lower():
        yield (
            "a page without crossorigin is sent neither Access-Control-Allow-Origin nor 'Vary: Origin', "
            "so its browser refuses what it keeps to pages with crossorigin"
        )
    else:
        yield from (f"once a page without crossorigin has loaded it, {found}" for found in _cors_findings(later))


def _load(site: PublicSite, file: _Expected, encoding: str, *, origin: str = ORIGIN, query: str = "") -> Download | str:
    try:
        # One byte more than expected tells a longer file from the right one.
        return site.fetch(file.path, encoding=encoding, origin=origin, limit=file.size + 1, query=query)
    except (VerificationError, ServiceError) as why:
        return why.message


def _findings(file: _Expected, got: Download) -> Iterator[str]:
    if got.status != OK or digest(got.body) != file.sha256:
        yield f"{_answer(got)}, expected sha256 {file.sha256[:12]}"
    else:
        yield from _header_findings(file.headers, got)


def _header_findings(expected: ObjectHeaders, got: Download) -> Iterator[str]:
    yield from _cors_findings(got)
    if _essence(got.headers.get("content-type", "")) != _essence(expected.content_type):
        yield f"Content-Type is {got.headers.get('content-type')!r}, expected {expected.content_type!r}"
    if got.headers.get("cache-control") != expected.cache_control:
        yield f"Cache-Control is {got.headers.get('cache-control')!r}, expected {expected.cache_control!r}"


def _cors_findings(got: Download) -> Iterator[str]:
    allowed = got.headers.get("access-control-allow-origin")
    if allowed not in {"*", ORIGIN}:
        # Fetch standard, CORS check: without it a browser blocks <script integrity crossorigin>.
        yield f"Access-Control-Allow-Origin is {allowed!r}, so browsers refuse it with integrity"
    if allowed == ORIGIN and "origin" not in got.headers.get("vary", "").lower():
        yield "it answers for one origin without 'Vary: Origin', so a cache gives it to others"


def _check_pointer(config: Config, order: Order, manifest: Manifest, site: PublicSite, tally: _Tally) -> None:
    """Check what the pointer says in each encoding; pages that follow it load exactly that."""
    path = "/" + config.layout.pointer(order.channel)
    headers = mutable(media_type(path), config.cache.lifetime, version=order.version)
    for encoding in ENCODINGS:
        try:
            got = site.fetch(path, encoding=encoding, origin=ORIGIN, limit=LARGEST)
            tally.downloads += 1
            pointer = read_pointer(got.body, name=path)
        except (VerificationError, ServiceError, FormatError) as why:
            tally.findings.append(f"{path} ({encoding}): {why.message}")
            continue
        wrong = [_answer(got)] if got.status != OK else [*_pointer_findings(config, order, manifest, pointer)]
        tally.findings += [f"{path} ({encoding}): {text}" for text in (*wrong, *_header_findings(headers, got))]


def _pointer_findings(config: Config, order: Order, manifest: Manifest, pointer: Pointer) -> Iterator[str]:
    if (pointer.log_index, pointer.manifest) != (order.entry, order.manifest):
        yield f"it follows log entry {pointer.log_index}, expected {order.entry}"
        return
    says = (pointer.origin, pointer.channel, pointer.version, pointer.files)
    if says != (config.log.origin, order.channel, order.version, pointed_files(manifest)):
        yield "it does not say what the log and the manifest say"


def _answer(got: Download) -> str:
    return f"HTTP {got.status}, {len(got.body)} bytes, sha256 {digest(got.body)[:12]}"


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
