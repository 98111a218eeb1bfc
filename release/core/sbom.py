"""The bill of materials of a version: CycloneDX 1.6 in JSON (https://cyclonedx.org/docs/1.6/json/).

Made from the manifest and the lock file alone, so two builds of one commit give the same bytes.
Packages that only build the library have the scope "excluded": they are not in what customers load.
"""

import base64
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from release.core import document
from release.core.lockfile import Locked, Package
from release.core.manifest import Artifact, Manifest, digest, encode

MEDIA_TYPE: Final = "application/vnd.cyclonedx+json; version=1.6"
LARGEST: Final = 64 * 1024 * 1024
_ALGORITHMS: Final = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_SIZES: Final = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}


def sbom(manifest: Manifest, locked: Locked | None) -> bytes:
    """Give the bill of materials of a version.

    Args:
        manifest: of the version.
        locked: what its lock file installs; None if the lock file is not npm's, and the bill says then
            that the dependencies are unknown.
    """
    root = f"{manifest.library}@{manifest.version}"
    # Where a package is installed twice, what customers load decides over what only builds.
    ordered = sorted(locked.packages if locked else (), key=lambda package: not package.development)
    packages = {purl(package): package for package in ordered}
    by_place = {package.place: purl(package) for package in (locked.packages if locked else ())}

    def depends(ref: str, needs: tuple[str, ...]) -> dict[str, Any]:
        return {"ref": ref, "dependsOn": sorted({by_place[place] for place in needs if place in by_place})}

    merged: dict[str, set[str]] = {}
    for package in locked.packages if locked else ():
        merged.setdefault(purl(package), set()).update(package.needs)
    return document.canonical(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:sha256:{digest(encode(manifest))}')}",
            "version": 1,
            "metadata": {
                "timestamp": datetime.fromtimestamp(manifest.source.commit_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "lifecycles": [{"phase": "build"}],
                "tools": {"components": list(_tools(manifest))},
                "component": {
                    "type": "library",
                    "bom-ref": root,
                    "name": manifest.library,
                    "version": manifest.version,
                    "components": [_file(artifact) for artifact in manifest.artifacts],
                },
            },
            "components": [_component(ref, packages[ref]) for ref in sorted(packages)],
            "dependencies": [
                depends(root, locked.needs if locked else ()),
                *(depends(ref, tuple(needs)) for ref, needs in sorted(merged.items())),
            ],
            "compositions": [{"aggregate": "complete" if locked else "unknown", "dependencies": [root]}],
        }
    )


def purl(package: Package) -> str:
    """Give the package URL (https://github.com/package-url/purl-spec, type npm)."""
    scope, slash, name = package.name.rpartition("/")
    return f"pkg:npm/{quote(scope, safe='')}{slash}{quote(name, safe='')}@{quote(package.version, safe='')}"


def _tools(manifest: Manifest) -> Iterator[dict[str, str]]:
    for name, version in sorted(manifest.build.toolchain.items()):
        if name != "platform":
            yield {"type": "application", "name": name, "version": version}


def _file(artifact: Artifact) -> dict[str, Any]:
    sha384 = base64.b64decode(artifact.integrity.partition("-")[2]).hex()
    return {
        "type": "file",
        "bom-ref": f"file:{artifact.path}",
        "name": artifact.path,
        "mime-type": artifact.media_type.partition(";")[0],
        "hashes": [
            {"alg": "SHA-256", "content": artifact.sha256},
            {"alg": "SHA-384", "content": sha384},
            {"alg": "SHA-512", "content": artifact.sha512},
        ],
    }


def _component(ref: str, package: Package) -> dict[str, Any]:
    scope, _, name = package.name.rpartition("/")
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": ref,
        "purl": ref,
        "name": name,
        "version": package.version,
        "scope": "excluded" if package.development else "optional" if package.optional else "required",
    }
    if scope:
        found["group"] = scope
    if hashes := list(_hashes(package.integrity)):
        found["hashes"] = hashes
    if package.license_:
        found["licenses"] = [{"license": {"name": package.license_[:200]}}]
    return found


def _hashes(integrity: str | None) -> Iterator[dict[str, str]]:
    for part in (integrity or "").split():
        algorithm, _, value = part.partition("-")
        try:
            raw = base64.b64decode(value, validate=True)
        except ValueError:
            continue
        if _SIZES.get(algorithm) == len(raw):
            yield {"alg": _ALGORITHMS[algorithm], "content": raw.hex()}
