"""A customer's variant of a bundle: the same files, with the customer's configuration in the placeholder's place.

The placeholder stands in the bundle as a whole string literal, which the library parses as JSON:

    const configuration = JSON.parse("__CUSTOMER_CONFIGURATION__");

What takes its place is a string literal again, so a configuration is never code: no quote, line end, `</script>` or
`<!--` in it ends anything, and a key `__proto__` is a key (https://tc39.es/ecma262/#sec-json.parse).
"""

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from release.core.manifest import Artifact, Manifest
from release.errors import BuildError

# Within HTML these end a script or begin a comment (https://html.spec.whatwg.org/#restrictions-for-contents-of-script-elements).
_MARKUP: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of the shared bundle, cut where configurations go in."""

    artifact: Artifact
    parts: tuple[bytes, ...]

    @property
    def varies(self) -> bool:
        """Whether it differs from customer to customer."""
        return len(self.parts) > 1


def cut(artifacts: Iterable[tuple[Artifact, bytes]], placeholder: str) -> list[Piece]:
    """Find the placeholder in a bundle's files.

    Raises:
        BuildError: it stands where it is no string literal of its own.
    """
    mark = placeholder.encode()
    literal = re.compile(rb"([\"'`])%b\1" % re.escape(mark))
    pieces = []
    for artifact, body in artifacts:
        parts = literal.split(body)[::2]  # the quotes are every second one
        if any(mark in part for part in parts):
            raise BuildError(
                f"{artifact.path}: {placeholder} is not a string literal of its own",
                hint=f'write JSON.parse("{placeholder}") in the source, and nothing more about it',
            )
        pieces.append(Piece(artifact, tuple(parts)))
    return pieces


def literal_of(configuration: str) -> bytes:
    """Give a JSON text as a string literal of JavaScript, in ASCII, harmless inside HTML."""
    return "".join(_MARKUP.get(letter, letter) for letter in json.dumps(configuration)).encode("ascii")


def vary(shared: Manifest, pieces: Iterable[Piece], configuration: str) -> tuple[Manifest, Mapping[str, bytes]]:
    """Give a customer's manifest and files.

    The compressed sizes of files that vary are estimates: the shared file's, and every byte put in as it is.

    Args:
        shared: the manifest of the shared bundle.
        pieces: its files.
        configuration: JSON.
    """
    literal = literal_of(configuration)
    files = {}
    artifacts = []
    for piece in pieces:
        files[piece.artifact.path] = body = literal.join(piece.parts)
        artifacts.append(_measured(piece, body, len(literal)) if piece.varies else piece.artifact)
    return dataclasses.replace(shared, artifacts=tuple(artifacts)), files


def _measured(piece: Piece, body: bytes, more: int) -> Artifact:
    put_in = more * (len(piece.parts) - 1)
    return dataclasses.replace(
        piece.artifact,
        bytes=len(body),
        gzip_bytes=piece.artifact.gzip_bytes + put_in,
        brotli_bytes=piece.artifact.brotli_bytes + put_in,
        sha256=hashlib.sha256(body).hexdigest(),
        sha512=hashlib.sha512(body).hexdigest(),
        integrity="sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode(),
    )
