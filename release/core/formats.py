"""The documents that readers in other languages meet, by name, each with its JSON Schema.

A schema says what `shape.read` says: names, types, patterns and bounds. It cannot say that a document must be
canonical, nor what `entry.decode`, `manifest.decode` and the verifier ask beyond one value.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from release.core import jsonschema
from release.core.approval import Approval, Request, Review
from release.core.dsse import Envelope
from release.core.entry import Entry
from release.core.handover import Pointer
from release.core.manifest import Manifest
from release.core.pack import Pack
from release.core.population import Population
from release.core.shape import camel
from release.core.trust import SignedTrust, Trust


class Format(StrEnum):
    """A document's name."""

    ENVELOPE = "envelope"
    ENTRY = "entry"
    REQUEST = "request"
    REVIEW = "review"
    APPROVAL = "approval"
    TRUST = "trust"
    SIGNED_TRUST = "signed-trust"
    MANIFEST = "manifest"
    POINTER = "pointer"
    POPULATION = "population"
    EVIDENCE = "evidence"


SHAPES: Final[Mapping[Format, type]] = {
    Format.ENVELOPE: Envelope,
    Format.ENTRY: Entry,
    Format.REQUEST: Request,
    Format.REVIEW: Review,
    Format.APPROVAL: Approval,
    Format.TRUST: Trust,
    Format.SIGNED_TRUST: SignedTrust,
    Format.MANIFEST: Manifest,
    Format.POINTER: Pointer,
    Format.POPULATION: Population,
    Format.EVIDENCE: Pack,
}


def schema(wanted: Format) -> str:
    """Give the JSON Schema (2020-12) of a document as text."""
    made = jsonschema.document(SHAPES[wanted], naming=camel, identifier=f"urn:js-release:{wanted.value}:v1")
    return json.dumps(made, indent=2) + "\n"
