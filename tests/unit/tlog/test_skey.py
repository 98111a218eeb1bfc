"""A private key as a line: the form of Go's package golang.org/x/mod/sumdb/note, whose example stands here."""

from typing import Final

import pytest

from release.core.tlog import TlogError
from release.core.tlog.note import COSIGNATURE, ED25519, base64_of, open_note, parse_note, sign_note
from release.core.tlog.skey import parse_skey, skey
from tests.unit.tlog.test_note import GO_NOTE, GO_VKEYS

GO_SKEY: Final = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
SEED: Final = bytes(range(32))
OURS: Final = skey("log.example.com/tag", SEED)


def test_the_key_of_gos_example_signs_as_it_does_there() -> None:
    signer = parse_skey(GO_SKEY)
    assert signer.key.vkey == GO_VKEYS[0]
    note = parse_note(GO_NOTE)
    assert signer.sign(note.text) == note.signatures[0]


def test_what_is_written_is_read() -> None:
    signer = parse_skey(OURS)
    assert open_note(sign_note(b"x\n", [signer]), [signer.key]).text == b"x\n"
    assert OURS not in repr(signer)


START, TAIL = OURS.rsplit("+", 1)
BAD: Final = {
    "nothing": "",
    "the public half": GO_VKEYS[0],
    "no start": OURS.removeprefix("PRIVATE+"),
    "cut": OURS[:-4],
    "no base64": f"{START}+{TAIL[:-1]}!",
    "a cosigner's": f"{START}+{base64_of(bytes([COSIGNATURE]) + SEED)}",
    "a longer seed": f"{START}+{base64_of(bytes([1]) + SEED + b'x')}",
    "no name": "PRIVATE+KEY++" + OURS.split("+", 3)[3],
    "another seed": f"{START}+{base64_of(bytes([1]) + SEED[:-1] + b'x')}",
    "another name": OURS.replace("/tag", "/tog"),
    "two lines": f"{OURS}\n{OURS}",
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD)
def test_anything_else_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(TlogError) as caught:
        parse_skey(line)
    assert TAIL[:20] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_witnesss_key_is_none_of_a_log_and_the_other_way_round() -> None:
    line = skey("w.example", SEED, kind=COSIGNATURE)
    assert parse_skey(line, kind=COSIGNATURE).key.kind == COSIGNATURE
    for other, kind in ((line, ED25519), (OURS, COSIGNATURE)):
        with pytest.raises(TlogError):
            parse_skey(other, kind=kind)
