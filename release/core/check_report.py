"""What `release check` leaves for publish and record: the report of one manifest."""

from typing import Final

from release.core import document
from release.core.evidence import Evidence
from release.core.manifest import Manifest, digest, encode
from release.errors import FormatError, RefusedError

FILE: Final = "check.json"
TYPE: Final = "release-check/v1"
LARGEST: Final = 16 * 1024 * 1024
MEDIA_TYPE: Final = "application/json"


def check_evidence(body: bytes, manifest: Manifest) -> Evidence | None:
    """Describe a report that let a bundle pass, with the waivers that it rests on; None if it is of another bundle.

    Raises:
        RefusedError: the bundle was rejected.
        FormatError: it is no report.
    """
    try:
        value = document.parse(body, limit=LARGEST)
        kind, about, findings = value["type"], value["manifest"], len(value["findings"])
    except (ValueError, LookupError, TypeError) as why:
        raise FormatError(f"{FILE} is not what check leaves: {why}", hint="release check, again") from why
    if kind != TYPE:
        raise FormatError(f"{FILE} is not what check leaves", hint="release check, again")
    if about != digest(encode(manifest)):
        return None
    if findings:
        raise RefusedError(
            f"{manifest.library} {manifest.version} was rejected by 'release check': {findings} findings",
            hint="release check says which; a bundle that passed may be published",
        )
    return Evidence(kind="check", media_type=MEDIA_TYPE, sha256=digest(body))
