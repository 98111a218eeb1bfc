"""What the log states and signs, read by the packages of in-toto and secure-systems-lab, who made the formats."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from release.core import document, entry
from release.core.provenance import provenance
from tests.fakes import documents, examples, log_files
from tests.fakes.scenario import World

_SIGNER = log_files.SIGNER.key
KEY = SSlibKey(_SIGNER.id.hex(), "ed25519", "ed25519", {"public": _SIGNER.public.hex()})


def understood(body: bytes) -> Any:  # noqa: ANN401 - generated code has no types
    """Read and validate a statement (in-toto attestation v1), strictly."""
    found = Statement.copy_from_pb(json_format.Parse(body, statement_pb2.Statement()))
    found.validate()
    return found.pb


@pytest.mark.parametrize("story", [log_files.world, documents.approved])
def test_every_entry_is_a_statement_in_an_envelope_that_the_logs_key_signed(story: Callable[[], World]) -> None:
    world = story()
    events, entries = world.events(), log_files.entries(world)
    assert len(events) == len(entries) > 5
    for event, body in zip(events, entries, strict=True):
        envelope = Envelope.from_dict(json.loads(body))
        assert envelope.verify([KEY], 1)
        assert envelope.payload_type == "application/vnd.in-toto+json"
        found = understood(envelope.payload)
        assert found.predicate_type == entry.PREDICATE
        assert [dict(subject.digest) for subject in found.subject] == [{"sha256": event.manifest}]
        assert found.predicate["action"] == event.action


@pytest.mark.parametrize(
    "wrong",
    [
        {"payload": base64.b64encode(b"{}").decode()},
        {"payloadType": "application/json"},
        {"signatures": [{"keyid": KEY.keyid, "sig": base64.b64encode(bytes(64)).decode()}]},
        {"signatures": [{"keyid": "00000000", "sig": base64.b64encode(bytes(64)).decode()}]},
        {"signatures": []},
    ],
)
def test_it_would_notice_what_the_key_did_not_sign(wrong: dict[str, Any]) -> None:
    signed = json.loads(log_files.entries(log_files.world())[3]) | wrong
    with pytest.raises(VerificationError):
        Envelope.from_dict(signed).verify([KEY], 1)


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
