"""What the log states, read by in-toto's own package: nothing in it that in-toto's formats do not know."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from release.core import document, entry
from release.core.provenance import provenance
from tests.fakes import examples, log_files


def understood(body: bytes) -> Any:  # noqa: ANN401 - generated code has no types
    """Read and validate a statement (in-toto attestation v1), strictly."""
    found = Statement.copy_from_pb(json_format.Parse(body, statement_pb2.Statement()))
    found.validate()
    return found.pb


def test_every_entry_is_a_statement() -> None:
    events = log_files.world().events()
    assert len(events) > 10
    for event in events:
        found = understood(document.encode(entry.statement(event)))
        assert found.predicate_type == entry.PREDICATE
        assert [dict(subject.digest) for subject in found.subject] == [{"sha256": event.manifest}]
        assert found.predicate["action"] == event.action


def test_provenance_is_a_statement_with_slsa_provenance() -> None:
    manifest = examples.manifest()
    body = provenance(examples.config(library={"repository": "https://git.example/tag"}), manifest, examples.PIPELINE)
    found = understood(body)
    assert found.predicate_type == "https://slsa.dev/provenance/v1"
    assert len(found.subject) == len(manifest.artifacts) + 1
    read = json_format.ParseDict(json_format.MessageToDict(found.predicate), Provenance())
    assert next(dict(one.digest) for one in read.build_definition.resolved_dependencies) == {
        "gitCommit": manifest.source.commit
    }
    assert read.run_details.builder.id.startswith("https://")


@pytest.mark.parametrize(
    "wrong", [{"_type": "https://in-toto.io/Statement/v0.1"}, {"subject": []}, {"predicate": {}}, {"unheardOf": 1}]
)
def test_it_would_notice_what_is_no_statement(wrong: dict[str, Any]) -> None:
    body = json.loads(document.encode(entry.statement(examples.event())))
    understood(json.dumps(body).encode())
    with pytest.raises((ValueError, json_format.ParseError)):
        understood(json.dumps(body | wrong).encode())
