import dataclasses
import hashlib
import json
from typing import Final

import pytest

from release.core.manifest import Manifest, decode, encode
from release.core.variant import cut, literal_of, vary
from release.errors import BuildError
from tests.fakes import examples

MARK: Final = "__CUSTOMER_CONFIGURATION__"


def shared(body: bytes) -> tuple[Manifest, bytes]:
    manifest = examples.manifest()
    artifact = next(a for a in manifest.artifacts if a.path == "tag.min.js")
    changed = dataclasses.replace(artifact, bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
    others = [a for a in manifest.artifacts if a.path != "tag.min.js"]
    return dataclasses.replace(manifest, artifacts=(*others, changed)), body


def varied(body: bytes, configuration: str) -> bytes:
    manifest, _ = shared(body)
    pieces = cut([(manifest.artifacts[-1], body)], MARK)
    return vary(manifest, pieces, configuration)[1]["tag.min.js"]


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_a_configuration_takes_the_place_of_the_whole_literal(quote: str) -> None:
    body = f"var c=JSON.parse({quote}{MARK}{quote});".encode()
    assert varied(body, '{"a":1}') == rb'var c=JSON.parse("{\"a\":1}");'


def test_every_place_is_filled_and_nothing_else_is_touched() -> None:
    body = f'a("{MARK}");b=\'{MARK}\'+"x";'.encode()
    assert varied(body, "{}") == b'a("{}");b="{}"+"x";'
    assert varied(b"no place\xff\x00", "{}") == b"no place\xff\x00"


@pytest.mark.parametrize("body", [f"var {MARK}=1", f'"prefix{MARK}"', f"'{MARK}\"", f"/*{MARK}*/"])
def test_a_placeholder_that_is_no_literal_of_its_own_is_refused(body: str) -> None:
    with pytest.raises(BuildError, match="is not a string literal of its own"):
        varied(body.encode(), "{}")


@pytest.mark.parametrize(
    "value", ["</script><script>", "<!--", "]]>", "\u2028\u2029", "'\"`${evil()}\\", "\x00\x1f\x7f", "\U0001f600"]
)
def test_no_value_ends_the_literal_or_the_page_around_it(value: str) -> None:
    text = json.dumps({"a": value})
    literal = literal_of(text)
    assert literal.isascii()
    assert not set(b"<>&\n\r") & set(literal)
    assert literal.count(b'"') - literal.count(b'\\"') == 2
    assert json.loads(json.loads(literal)) == {"a": value}


def test_a_variants_manifest_describes_its_own_bytes() -> None:
    body = f'x("{MARK}")'.encode()
    manifest, _ = shared(body)
    pieces = cut(
        [*((a, examples.FILES[a.path]) for a in manifest.artifacts[:-1]), (manifest.artifacts[-1], body)], MARK
    )
    mine, files = vary(manifest, pieces, '{"a":1}')
    assert decode(encode(mine)) == mine
    for artifact in mine.artifacts:
        assert artifact.sha256 == hashlib.sha256(files[artifact.path]).hexdigest()
        assert artifact.bytes == len(files[artifact.path])
    assert [a for a in mine.artifacts if a.path != "tag.min.js"] == list(manifest.artifacts[:-1])
