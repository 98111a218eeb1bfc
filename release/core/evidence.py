"""Evidence: what an entry of the release log refers to by digest, and how stages hand it on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from release.core import document, provenance, sbom
from release.core.manifest import SHA256, Manifest, digest, encode
from release.core.shape import rule
from release.errors import FormatError, IntegrityError

Built = Literal["sbom", "provenance"]
Kind = Literal["sbom", "provenance", "rotation", "trust", "gate", "check", "collection"]

SBOM: Final = "sbom.cdx.json"
PROVENANCE: Final = "provenance.intoto.json"
FILES: Final[Mapping[Built, str]] = {"sbom": SBOM, "provenance": PROVENANCE}
"""By kind, the files that build leaves for record."""
LARGEST: Final[Mapping[Built, int]] = {"sbom": sbom.LARGEST, "provenance": provenance.LARGEST}
MEDIA_TYPES: Final[Mapping[Built, str]] = {"sbom": sbom.MEDIA_TYPE, "provenance": provenance.MEDIA_TYPE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One blob below `evidence/sha256/` of the log bucket."""

    kind: Kind
    media_type: str = rule(longest=100)
    sha256: str = rule(pattern=SHA256, means="a SHA-256 in hex")


def about(manifest: Manifest, kind: Built, body: bytes) -> Evidence:
    """Describe a file that build left, once it is proven to be about this very version.

    Raises:
        FormatError: it is not JSON, or not of its kind.
        IntegrityError: it is about other bytes.
    """
    try:
        value = document.parse(body, limit=LARGEST[kind])
        named = _named(kind, value)
    except (ValueError, LookupError, TypeError, AttributeError) as why:
        raise FormatError(f"{FILES[kind]} is not what build leaves: {why}", hint="release build, again") from why
    wanted = {artifact.path: artifact.sha256 for artifact in manifest.artifacts}
    if kind == "provenance":
        wanted["manifest.json"] = digest(encode(manifest))
    if named != wanted:
        raise IntegrityError(
            f"{FILES[kind]} is about other files than version {manifest.version}",
            hint="release build, again; both come from one build",
            evidence={"wanted": str(sorted(wanted.items()))[:500], "found": str(sorted(named.items()))[:500]},
        )
    return Evidence(kind=kind, media_type=MEDIA_TYPES[kind], sha256=digest(body))


def _named(kind: Built, value: Any) -> dict[str, str]:  # noqa: ANN401 - parsed JSON
    """Give {path: SHA-256} of the files that a document is about."""
    if kind == "provenance":
        return {subject["name"].partition("/")[2]: subject["digest"]["sha256"] for subject in value["subject"]}
    files = value["metadata"]["component"]["components"]
    return {file["name"]: {row["alg"]: row["content"] for row in file["hashes"]}["SHA-256"] for file in files}
