"""What was published, by the log's word and the bucket's."""

from release.core.config import Config
from release.core.entry import Event
from release.core.manifest import LARGEST, Manifest, decode, digest
from release.core.version import parse_version
from release.effects.slots import Slots
from release.errors import IntegrityError, NotFoundError
from release.ports import ObjectStore


def published_entry(slots: Slots, version: str) -> Event:
    """Give the entry that says a version was published.

    Raises:
        SourceError: it is no version.
        NotFoundError: there is no such entry.
    """
    parse_version(version)
    if (event := slots.published(version)) is None:
        raise NotFoundError(
            f"the release log does not say that version {version} was published",
            hint="release publish, then release record publish",
        )
    return event


def published_manifest(config: Config, site: ObjectStore, version: str, recorded: str) -> Manifest:
    """Read a version's manifest, whose SHA-256 the log recorded.

    Raises:
        NotFoundError: it is not there.
        IntegrityError: another one is.
    """
    key = config.layout.manifest(version)
    found = site.read(key, limit=LARGEST)
    if found is None:
        raise NotFoundError(f"version {version} is not published: there is no {key}", hint="release publish")
    if digest(found.body) != recorded:
        raise IntegrityError(
            f"{key} is not the manifest that the log recorded",
            hint="somebody changed a published object: do not promote it, run release audit",
            evidence={"recorded": recorded, "found": digest(found.body)},
        )
    return decode(found.body, name=key)
