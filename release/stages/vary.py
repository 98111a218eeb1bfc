"""Vary: make customers' bundles from the shared one. Needs no key; nothing is built again."""

from collections.abc import Mapping
from dataclasses import dataclass

from release.core.config import Config
from release.core.customer import Customer
from release.core.evidence import PROVENANCE, SBOM
from release.core.layout import MANIFEST
from release.core.lockfile import Locked
from release.core.manifest import LARGEST_ARTIFACT, Manifest, decode, digest, encode
from release.core.pipeline import Pipeline
from release.core.provenance import provenance
from release.core.sbom import sbom
from release.core.variant import Piece, cut, vary
from release.errors import BuildError, FormatError, IntegrityError
from release.ports import Folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """A bundle that customers share: those with the same features."""

    manifest: Manifest
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A customer's bundle; `digest` is its manifest's SHA-256."""

    customer: str
    version: str
    digest: str


def shared(manifest: Manifest, output: Folder, placeholder: str) -> Shared:
    """Read a bundle that was just built, to make variants of it.

    Raises:
        BuildError: the placeholder stands where no configuration can.
        IntegrityError: a file is not what the manifest says.
    """
    found = []
    for artifact in manifest.artifacts:
        body = output.read(artifact.path, limit=LARGEST_ARTIFACT)
        if body is None or digest(body) != artifact.sha256:
            raise IntegrityError(f"{artifact.path} is not the file that was built", hint="let nothing else write there")
        found.append((artifact, body))
    return Shared(manifest=manifest, pieces=tuple(cut(found, placeholder)))


def run(
    base: Shared,
    customer: Customer,
    config: Config,
    locked: Locked | None,
    pipeline: Pipeline,
    places: Mapping[str, Folder],
) -> Variant:
    """Write a customer's bundle, its manifest last, with its bill of materials and provenance.

    Args:
        base: the shared bundle with this customer's features.
        customer: whose.
        config: the customer's own.
        locked: what the lock file says.
        pipeline: that does it.
        places: the folders `output` and `handover` of this customer.

    Raises:
        BuildError: the configuration has no place in the bundle, or makes a file too large.
    """
    if customer.configuration and not any(piece.varies for piece in base.pieces):
        raise BuildError(
            f"{customer.name} has a configuration, and the bundle has no placeholder for it",
            hint='write JSON.parse("__CUSTOMER_CONFIGURATION__") in the source, or what [customers] placeholder says',
        )
    manifest, files = vary(base.manifest, base.pieces, customer.configuration_text)
    body = encode(manifest)
    try:
        decode(body)
    except FormatError as why:
        raise BuildError(f"{customer.name}: the configuration makes the bundle unusable: {why.message}") from why
    output, handover = places["output"], places["handover"]
    output.clear()
    for path, content in files.items():
        output.write(path, content)
    handover.write(SBOM, sbom(manifest, locked))
    handover.write(PROVENANCE, provenance(config, manifest, pipeline))
    output.write(MANIFEST, body)
    return Variant(customer=customer.name, version=manifest.version, digest=digest(body))
