"""DSSE envelopes: the published vector, and what is refused."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from release.core import document
from release.core.dsse import pae, seal, unseal
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import Key, Note, Signature, open_note
from release.errors import LogError
from tests.fakes.log_keys import log_signer, witness_signer

TYPE = "application/vnd.in-toto+json"
SIGNER = log_signer("log.example.com/tag")
OTHER = log_signer("log.example.com/tag", seed="other")
SEALED = seal(b'{"a":1}', TYPE, SIGNER.sign)


def opened(body: bytes, *keys: Key) -> bytes:
    return unseal(body, TYPE, keys or [SIGNER.key], name="entry", limit=1000)[0]


def changed(**fields: Any) -> bytes:  # noqa: ANN401 - any field
    return document.canonical(json.loads(SEALED) | fields)


def test_what_is_signed_is_what_the_specification_says() -> None:
    """protocol.md, "Test Vectors": the encoding, and a signature over it with NIST P-256."""
    encoded = pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    numbers = ec.EllipticCurvePublicNumbers(
        x=46950820868899156662930047687818585632848591499744589407958293238635476079160,
        y=5640078356564379163099075877009565129882514886557779369047442380624545832820,
        curve=ec.SECP256R1(),
    )
    raw = base64.b64decode("A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==")
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    numbers.public_key().verify(signature, encoded, ec.ECDSA(hashes.SHA256()))


def test_lengths_are_those_of_bytes() -> None:
    assert pae("ü", "é!".encode()) == b"DSSEv1 2 \xc3\xbc 3 \xc3\xa9!"
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_an_envelope_says_what_it_holds_and_which_key_signed_it() -> None:
    value = json.loads(SEALED)
    assert base64.b64decode(value["payload"]) == b'{"a":1}'
    assert value["payloadType"] == TYPE
    assert [signature["keyid"] for signature in value["signatures"]] == [SIGNER.key.id.hex()]
    assert unseal(SEALED, TYPE, [OTHER.key, SIGNER.key], name="entry", limit=1000) == (b'{"a":1}', SIGNER.key)
    assert seal(b'{"a":1}', TYPE, SIGNER.sign) == SEALED, "racing writers write the same bytes"


SIGNATURE = json.loads(SEALED)["signatures"][0]
BAD = {
    "no signature": (changed(signatures=[]), "signatures: must have at least 1"),
    "the signature twice": (changed(signatures=[SIGNATURE, SIGNATURE]), "signatures: has 2 items"),
    "a key ID of another key": (
        changed(signatures=[SIGNATURE | {"keyid": OTHER.key.id.hex()}]),
        "not signed by a key of this log",
    ),
    "no key ID": (changed(signatures=[{"sig": SIGNATURE["sig"]}]), "keyid: is missing"),
    "a short signature": (changed(signatures=[SIGNATURE | {"sig": "AAAA"}]), "is not a signature of 64 bytes"),
    "a signature with bits left over": (
        changed(signatures=[SIGNATURE | {"sig": "A" * 85 + "B=="}]),
        "its signature is base64 written in another way",
    ),
    "another payload": (changed(payload=base64.b64encode(b'{"a":2}').decode()), "not signed by the key it names"),
    "a payload in the alphabet for URLs": (changed(payload="_-8="), "its payload is not base64"),
    "a payload without padding": (changed(payload="eyJhIjoxfQ"), "its payload is not base64"),
    "a payload with a line break": (changed(payload="eyJhIjox\nfQ=="), "its payload is not base64"),
    "another type": (changed(payloadType="text/plain"), "a payload of another type: 'text/plain'"),
    "an unreadable type": (changed(payloadType="\u202e"), "a payload of another type: unreadable"),
    "another name": (changed(more=1), "more: unknown name"),
    "not canonical": (SEALED + b" ", "not canonical"),
    "no JSON": (b"", "entry: "),
    "a list": (b"[]", "must be a table"),
    "too large": (b'"' + b"x" * 1000 + b'"', "entry: "),
}


@pytest.mark.parametrize(("body", "said"), BAD.values(), ids=BAD)
def test_whatever_is_no_envelope_of_the_key_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(LogError) as caught:
        opened(body)
    assert caught.value.message.startswith("entry")
    assert said in caught.value.message


def test_no_byte_can_be_changed() -> None:
    for at in range(len(SEALED)):
        for bit in (1, 4, 32, 128):
            with pytest.raises(LogError):
                opened(SEALED[:at] + bytes([SEALED[at] ^ bit]) + SEALED[at + 1 :])


def test_only_the_keys_that_are_named_count() -> None:
    for keys in ([], [OTHER.key], [Key("log.example.com/other", SIGNER.key.kind, SIGNER.key.public)]):
        with pytest.raises(LogError, match="not signed by a key of this log"):
            unseal(SEALED, TYPE, keys, name="entry", limit=1000)
    with pytest.raises(LogError, match="not signed"):
        opened(SEALED, witness_signer().key)


def test_keys_with_the_same_id_are_told_apart() -> None:
    """32 bits can be made to collide: the ID says which key to try, and decides nothing."""

    class Twin(Key):
        @property
        def id(self) -> bytes:
            return SIGNER.key.id

    twin = Twin(OTHER.key.name, OTHER.key.kind, OTHER.key.public)
    assert unseal(SEALED, TYPE, [twin, SIGNER.key], name="entry", limit=1000)[1] == SIGNER.key
    with pytest.raises(LogError, match="not signed by the key it names"):
        opened(SEALED, twin)


def forged_note(made: Signature, text: bytes) -> Callable[[], object]:
    return lambda: open_note(Note(text, (made,)).encode(), [SIGNER.key])


def test_a_signature_of_a_checkpoint_is_none_of_an_entry_and_the_reverse() -> None:
    """One key signs both."""
    text = Checkpoint(SIGNER.key.name, 7, bytes(32)).encode()
    with pytest.raises(LogError, match="not signed by the key it names"):
        opened(seal(text, TYPE, lambda _: SIGNER.sign(text)))
    with pytest.raises(TlogError, match="signature"):
        forged_note(SIGNER.sign(pae(TYPE, text)), text)()
    assert not text.startswith(b"DSSEv1 ")
