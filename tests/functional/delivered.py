"""A library on Ceph's S3 gateway, delivered through a real cache with the configuration that docs/caches/ shows."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fakes.bucket_proxy import BucketProxy
from tests.fakes.caches import Asked, nginx, nginx_asked, varnish, varnish_asked
from tests.fakes.ceph import REGION, CephGateway, Key
from tests.functional.conftest import Run
from tests.functional.library import Library
from tests.functional.on_ceph import CephSite, ceph_site

PROMOTION: Final = (
    ("record", "record promote"),
    ("promote", "promote"),
    ("", "invalidate"),
    ("", "verify --patience 0"),
    ("record", "record outcome"),
)
BUILD_AND_PUBLISH: Final = (("", "build"), ("publish", "publish"), ("record", "record publish"))
ROLLBACK: Final = ("record", "record rollback latest --reason breaks")

# An entry that pages load, and a part of it that is loaded when it is needed. Its name is its content's, as every
# bundler's are; the entry is another in each version, since it names the part.
BUILD: Final = """\
import hashlib, pathlib
out = pathlib.Path("dist"); out.mkdir(exist_ok=True)
part = pathlib.Path("src/part.js").read_bytes()
name = f"part-{hashlib.sha256(part).hexdigest()[:12]}.js"
(out / name).write_bytes(part)
(out / "tag.min.js").write_bytes(pathlib.Path("src/tag.js").read_bytes().replace(b"PART", name.encode()))
"""
ENTRY: Final = 'globalThis.tag = {{ version: "{version}", part: async () => (await import("./PART")).default }};\n'
PART: Final = 'export default "part of {version}";\n'


@dataclass(frozen=True, kw_only=True)
class Cache:
    """A kind of cache: how it is started, how it is asked to drop a path, and what it says it was asked."""

    start: Callable[..., AbstractContextManager[str]]
    asked: Callable[[Path], list[Asked]]
    method: str = "PURGE"


CACHES: Final = {
    "varnish": Cache(start=varnish, asked=varnish_asked, method="BAN"),
    "nginx": Cache(start=nginx, asked=nginx_asked),
}


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A library's site behind a cache. `origin` is the port of the bucket behind it."""

    site: CephSite
    cache: Cache
    folder: Path
    origin: int

    @property
    def url(self) -> str:
        return self.site.url

    def asked(self) -> list[Asked]:
        """Give every request that the cache answered."""
        return self.cache.asked(self.folder)

    def stored(self, path: str) -> bytes:
        """Give what the bucket has."""
        return self.site.owner.get_object(Bucket=self.site.bucket, Key=f"tag/{path}")["Body"].read()

    def integrity(self, version: str) -> str:
        """Give the integrity of a version's entry, as the pointer has it."""
        return f"sha384-{base64.b64encode(hashlib.sha384(self.stored(f'{version}/tag.min.js')).digest()).decode()}"

    def overwrite(self, path: str, body: bytes) -> None:
        """Change an object with the rights of the bucket's owner, and nothing else about it."""
        was = self.site.owner.head_object(Bucket=self.site.bucket, Key=f"tag/{path}")
        self.site.owner.put_object(
            Bucket=self.site.bucket,
            Key=f"tag/{path}",
            Body=body,
            ContentType=was["ContentType"],
            CacheControl=was["CacheControl"],
            ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
        )

    def part(self, version: str) -> str:
        """Give the name of a version's part."""
        return f"part-{hashlib.sha256(PART.format(version=version).encode()).hexdigest()[:12]}.js"

    def write(self, version: str) -> None:
        """Write the sources of a version, commit and tag them."""
        self.site.library.write("src/part.js", PART.format(version=version))
        self.site.library.release(version, ENTRY.format(version=version))

    def release(self, version: str) -> None:
        """Take a version from its tag to the public address."""
        self.write(version)
        self.site.steps((*BUILD_AND_PUBLISH, *PROMOTION))

    def roll_back(self) -> None:
        """Take `latest` to the version before."""
        self.site.steps((ROLLBACK, *((stage, f"{command} latest") for stage, command in PROMOTION[1:])))


@contextmanager
def delivered(
    ceph: CephGateway, library: Library, run: Run, *, cache: Cache, folder: Path, max_age: int = 300
) -> Iterator[Delivered]:
    """Put a cache before a library's bucket and say so in release.toml; `max_age` is that of browsers."""
    origin = 0

    @contextmanager
    def edge(gateway: CephGateway, bucket: str, reader: Key) -> Iterator[str]:
        nonlocal origin
        proxy = BucketProxy(gateway.endpoint, bucket, region=REGION, key=reader, ca=str(gateway.ca))
        with proxy.open() as origin, cache.start(origin, folder) as url:
            deliver_through(library, url, cache.method, max_age)
            yield url

    library.write("build.py", BUILD)
    with ceph_site(ceph, library, run, edge) as site:
        yield Delivered(site=site, cache=cache, folder=folder, origin=origin)


def deliver_through(library: Library, server: str, method: str, max_age: int) -> None:
    toml = (library.folder / "release.toml").read_text()
    start, end = toml.index("[distribution]"), toml.index("[log]")
    delivery = f'[delivery]\nkind = "purge"\nservers = ["{server}"]\nmethod = "{method}"\n'
    library.write("release.toml", f"{toml[:start]}{delivery}\n[cache]\nmax-age = {max_age}\n\n{toml[end:]}")
