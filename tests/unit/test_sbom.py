import base64
import dataclasses
import hashlib
import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.core import document
from release.core.lockfile import read_lock_file
from release.core.provenance import provenance
from release.core.sbom import LARGEST, sbom
from tests.fakes import examples

INTEGRITY = "sha512-" + base64.b64encode(hashlib.sha512(b"a").digest()).decode()
LOCK = {
    "": {"dependencies": {"@scope/a": "1"}, "devDependencies": {"rolldown": "1"}},
    "node_modules/@scope/a": {"version": "1.0.1+build.7", "integrity": INTEGRITY, "license": "MIT"},
    "node_modules/rolldown": {"version": "1.2.19", "dev": True, "dependencies": {"both": "1"}},
    "node_modules/rolldown/node_modules/both": {"version": "1.0.0", "dev": True},
    "node_modules/both": {"version": "1.0.0", "optional": True, "integrity": "sha512-short md5-AAAA"},
}
LOCKED = read_lock_file(json.dumps({"packages": LOCK}).encode(), name="package-lock.json")
MANIFEST = examples.manifest()


def bill(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a manifest
    return document.parse(sbom(dataclasses.replace(MANIFEST, **changes), LOCKED), limit=LARGEST)  # type: ignore[no-any-return]


def test_it_is_valid_cyclonedx() -> None:
    for locked in (LOCKED, None):
        text = sbom(MANIFEST, locked).decode()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_lists_each_package_once_and_says_what_only_builds() -> None:
    found = {component["purl"]: component for component in bill()["components"]}
    assert {ref: component["scope"] for ref, component in found.items()} == {
        "pkg:npm/%40scope/a@1.0.1%2Bbuild.7": "required",
        "pkg:npm/both@1.0.0": "optional",
        "pkg:npm/rolldown@1.2.19": "excluded",
    }
    a = found["pkg:npm/%40scope/a@1.0.1%2Bbuild.7"]
    assert (a["group"], a["name"]) == ("@scope", "a")
    assert a["hashes"] == [{"alg": "SHA-512", "content": hashlib.sha512(b"a").hexdigest()}]
    assert a["licenses"] == [{"license": {"name": "MIT"}}]
    assert "hashes" not in found["pkg:npm/both@1.0.0"], "a digest that is none is left out"


def test_it_says_what_needs_what() -> None:
    needs = {row["ref"]: row["dependsOn"] for row in bill()["dependencies"]}
    assert needs["tag@1.4.2"] == ["pkg:npm/%40scope/a@1.0.1%2Bbuild.7", "pkg:npm/rolldown@1.2.19"]
    assert needs["pkg:npm/rolldown@1.2.19"] == ["pkg:npm/both@1.0.0"]


def test_it_names_every_file_that_customers_load_with_its_digests() -> None:
    files = {file["name"]: file for file in bill()["metadata"]["component"]["components"]}
    assert set(files) == set(examples.FILES)
    for path, body in examples.FILES.items():
        contents = {row["alg"]: row["content"] for row in files[path]["hashes"]}
        assert contents == {
            "SHA-256": hashlib.sha256(body).hexdigest(),
            "SHA-384": hashlib.sha384(body).hexdigest(),
            "SHA-512": hashlib.sha512(body).hexdigest(),
        }


def test_without_an_npm_lock_file_it_says_that_dependencies_are_unknown() -> None:
    value = document.parse(sbom(MANIFEST, None), limit=LARGEST)
    assert value["compositions"] == [{"aggregate": "unknown", "dependencies": ["tag@1.4.2"]}]
    assert bill()["compositions"] == [{"aggregate": "complete", "dependencies": ["tag@1.4.2"]}]


def test_two_builds_of_one_commit_give_the_same_bill_and_another_version_another_number() -> None:
    assert sbom(MANIFEST, LOCKED) == sbom(examples.manifest(), LOCKED)
    assert bill()["serialNumber"] != bill(version="1.4.3")["serialNumber"]


def test_provenance_says_which_commit_and_lock_file_gave_which_bytes_in_which_job() -> None:
    config = examples.config(library={"repository": "https://gitlab.example.com/acme/tag"})
    value = document.parse(provenance(config, MANIFEST, examples.PIPELINE), limit=LARGEST)
    assert value["predicateType"] == "https://slsa.dev/provenance/v1"
    assert [subject["name"] for subject in value["subject"]] == [
        "tag@1.4.2/manifest.json",
        *(f"tag@1.4.2/{path}" for path in sorted(examples.FILES)),
    ]
    definition = value["predicate"]["buildDefinition"]
    commit, lock = definition["resolvedDependencies"]
    assert commit["digest"] == {"gitCommit": MANIFEST.source.commit}
    assert commit["uri"] == f"git+https://gitlab.example.com/acme/tag@refs/tags/{MANIFEST.source.tag}"
    assert lock["digest"] == {"sha256": MANIFEST.build.lock_file.sha256}
    details = value["predicate"]["runDetails"]
    pipeline = examples.PIPELINE
    assert details["metadata"] == {"invocationId": f"{pipeline.url}#{pipeline.job}"}
    assert details["builder"]["id"].startswith("https://")


def test_what_a_person_built_says_so() -> None:
    terminal = dataclasses.replace(examples.PIPELINE, url=None, id_=None, job=None, actor=None)
    value = document.parse(provenance(examples.config(), MANIFEST, terminal), limit=LARGEST)
    assert value["predicate"]["runDetails"]["builder"]["id"] == "urn:js-release:builder:terminal"
    assert "metadata" not in value["predicate"]["runDetails"]
