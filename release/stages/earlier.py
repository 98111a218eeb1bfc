"""The release before this one, from the public address: to compare sizes and names with. Needs no key."""

from typing import Final

from release.core.check_findings import Earlier
from release.core.config import Config
from release.core.manifest import LARGEST, LARGEST_ARTIFACT, decode, digest
from release.core.version import parse_version, version_tags
from release.errors import IntegrityError, NotFoundError, SourceError
from release.ports import PublicSite, Repository

PREVIOUS: Final = "previous"
# As a page's request has one: some caches keep the answer to a request without it for those with it.
ORIGIN: Final = "https://customer.example"


def before(config: Config, repository: Repository, version: str) -> str:
    """Give the newest tagged version before one, of its kind: a stable one before a stable one.

    Raises:
        SourceError: there is none.
    """
    mine = parse_version(version)
    found = [
        one
        for one in version_tags(repository.tags(), config.library.tag_prefix)
        if one < mine and (mine.prerelease is not None or one.prerelease is None)
    ]
    if not found:
        raise SourceError(f"no version before {version} has a tag", hint="leave out --against for a first release")
    return str(max(found))


def fetch(config: Config, site: PublicSite, version: str) -> Earlier:
    """Load a published version's manifest and entries from where customers do.

    Raises:
        NotFoundError: it is not there.
        IntegrityError: a file is not what its manifest says.
        ServiceError: there is no clear answer.
    """
    body = _get(site, config.layout.manifest(version), version, limit=LARGEST)
    manifest = decode(body, name=f"the manifest of {version}")
    entries = {}
    for artifact in manifest.entries:
        key = config.layout.artifact(version, artifact.path)
        entries[artifact.path] = found = _get(site, key, version, limit=LARGEST_ARTIFACT)
        if digest(found) != artifact.sha256:
            raise IntegrityError(
                f"{key} is not the file that its manifest names",
                hint="release audit --only cdn tells more",
                evidence={"manifest": artifact.sha256, "found": digest(found)},
            )
    return Earlier(manifest=manifest, entries=entries)


def _get(site: PublicSite, key: str, version: str, *, limit: int) -> bytes:
    got = site.fetch(f"/{key}", encoding="identity", origin=ORIGIN, limit=limit)
    if got.status != 200:  # noqa: PLR2004 - HTTP's OK
        raise NotFoundError(
            f"{version} is not at the public address (HTTP {got.status})",
            hint="--against VERSION names one that is; leave it out to compare with none",
        )
    return got.body
