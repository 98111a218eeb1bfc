import dataclasses
import gzip
import hashlib
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core import document
from release.core.manifest import Artifact, Build, LockFile, Manifest, Source, decode, digest, encode, measure
from release.errors import FormatError
from tests.fakes import examples
from tests.fakes.strategies import DIGESTS, LIBRARIES, PATHS, TEXTS, VERSIONS

SIZES = st.integers(1, 1_000_000)
paths = st.lists(PATHS, min_size=1, max_size=5, unique_by=str.lower).map(sorted)


@st.composite
def artifacts(draw: st.DrawFn) -> tuple[Artifact, ...]:
    chosen = [path for path in draw(paths) if path.lower() != "manifest.json"] or ["a.js"]
    one = st.builds(
        Artifact,
        path=st.just(""),
        role=st.sampled_from(["entry", "chunk"]),
        media_type=TEXTS,
        bytes=SIZES,
        gzip_bytes=SIZES,
        brotli_bytes=SIZES,
        sha256=DIGESTS,
        sha512=st.just("0f" * 64),
        integrity=st.just(examples.SRI),
    )
    found = [dataclasses.replace(draw(one), path=path) for path in chosen]
    return (dataclasses.replace(found[0], role="entry"), *found[1:])


manifests = st.builds(
    Manifest,
    type_=st.just("release-manifest/v1"),
    library=LIBRARIES,
    version=VERSIONS,
    source=st.builds(Source, commit=st.just(examples.COMMIT), commit_time=st.integers(0, 2**40), tag=st.none() | TEXTS),
    build=st.builds(
        Build,
        command=st.lists(TEXTS, max_size=3).map(tuple),
        toolchain=st.dictionaries(TEXTS, TEXTS, max_size=3),
        lock_file=st.builds(LockFile, path=TEXTS, sha256=DIGESTS),
    ),
    artifacts=artifacts(),
)


@given(manifests)
def test_a_manifest_comes_back_as_it_was_written(manifest: Manifest) -> None:
    assert decode(encode(manifest)) == manifest


def test_one_manifest_has_one_digest() -> None:
    build = examples.manifest().build
    swapped = dataclasses.replace(build, toolchain=dict(sorted(build.toolchain.items(), reverse=True)))
    assert digest(encode(examples.manifest(build=swapped))) == digest(encode(examples.manifest()))


def test_the_digest_is_the_sha256_of_the_bytes() -> None:
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_file_is_measured() -> None:
    body = b"alert('Hello, world.');"
    found = measure("chunks/a.js", body, role="chunk", media_type="text/javascript")
    assert found == Artifact(
        path="chunks/a.js",
        role="chunk",
        media_type="text/javascript",
        bytes=23,
        gzip_bytes=len(gzip.compress(body, 9, mtime=0)),
        brotli_bytes=len(brotli.compress(body, quality=11)),
        sha256=hashlib.sha256(body).hexdigest(),
        sha512=hashlib.sha512(body).hexdigest(),
        # The example of W3C Subresource Integrity, 3.5
        integrity="sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO",
    )


def test_entries_are_what_pages_load_and_chunks_what_entries_load() -> None:
    manifest = examples.manifest()
    assert [a.path for a in manifest.entries] == ["tag.esm.min.js", "tag.min.js"]
    assert [a.path for a in manifest.chunks] == ["chunks/vendor.js"]


def test_nothing_of_the_time_or_place_of_a_build_is_in_it() -> None:
    written = document.parse(encode(examples.manifest()), limit=100_000)
    assert set(written) == {"artifacts", "build", "library", "source", "type", "version"}
    assert set(written["build"]) == {"command", "lockFile", "toolchain"}
    assert set(written["source"]) == {"commit", "commitTime", "tag"}


def one(**changes: object) -> dict[str, Any]:
    return {"artifacts": [document.parse(document.encode(examples.artifact("a.js", b"a")), limit=9999) | changes]}


def several(*named: str) -> dict[str, Any]:
    return {"artifacts": [one(path=path)["artifacts"][0] for path in named]}


BAD = {
    "no artifact": ({"artifacts": []}, "artifacts: must have at least 1 item(s)"),
    "no entry": (one(role="chunk"), "no artifact is an entry"),
    "not in order": (several("b.js", "a.js"), "the artifacts are not in order"),
    "one path twice": (several("a.js", "a.js"), "a.js and a.js are one path on some disks"),
    "one path in two cases": (several("A.js", "a.js"), "A.js and a.js are one path on some disks"),
    "the manifest itself": (several("manifest.json"), "an artifact has the manifest's own name"),
    "the manifest itself, in capitals": (several("Manifest.json"), "an artifact has the manifest's own name"),
    "a path that climbs": (several("../a.js"), "artifacts[0].path: '../a.js' is not a relative path of plain names"),
    "an empty file": (one(bytes=0), "artifacts[0].bytes: must be at least 1"),
    "a file that is too large": (one(bytes=32 * 1024 * 1024 + 1), "artifacts[0].bytes: must be at most 33554432"),
    "a digest in capitals": (one(sha256="A" * 64), f"artifacts[0].sha256: '{'A' * 64}' is not a SHA-256 in hex"),
    "SRI with another hash": (one(integrity="sha256-" + "A" * 64), "artifacts[0].integrity: 'sha256-"),
    "an unknown role": (one(role="entrance"), "artifacts[0].role: must be one of entry, chunk"),
    "an unknown name": ({"built": "today"}, "built: unknown name; did you mean 'build'?"),
    "another type": ({"type": "release-manifest/v2"}, "type: must be one of release-manifest/v1"),
    "no version": ({"version": "latest"}, "version: 'latest' is not a version"),
    "no library": ({"library": "../tag"}, "library: '../tag' is not a library's name"),
    "a short commit": ({"source": {"commit": "6f1ed00", "commitTime": 0}}, "source.commit: '6f1ed00' is not a full"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_manifest_is_refused(change: dict[str, Any], message: str) -> None:
    written = document.parse(encode(examples.manifest()), limit=100_000) | change
    with pytest.raises(FormatError) as caught:
        decode(document.canonical(written), name="dist/manifest.json")
    assert caught.value.message.startswith(f"dist/manifest.json: {message}")
