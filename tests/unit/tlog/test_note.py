# ruff: noqa: E501 - published notes stand here as they were published
"""https://c2sp.org/signed-note and https://c2sp.org/tlog-cosignature; all that is read comes from an attacker."""

import base64
import hashlib
import sys
import time
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from release.core.tlog import TlogError
from release.core.tlog.note import (
    COSIGNATURE,
    ED25519,
    LARGEST,
    MOST_SIGNATURES,
    Key,
    Note,
    Signature,
    Signer,
    check_name,
    cosignatures,
    cosigned,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
    unbase64,
    verify_note,
)
from tests.fakes.log_keys import log_signer, witness_signer
from tests.unit.tlog import edwards25519 as curve

LOG: Final = log_signer()
OTHER: Final = log_signer("log.example/other")
WITNESS: Final = witness_signer()
TEXT: Final = "Größe\n\n7\n".encode()
NOTE: Final = sign_note(TEXT, [LOG])
SECONDS: Final = 1_700_000_000

# The example of https://c2sp.org/signed-note, and those of Go's package golang.org/x/mod/sumdb/note.
SPEC_VKEY: Final = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE: Final = """\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
""".encode()
GO_VKEYS: Final = (
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
)
GO_NOTE: Final = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=
""".encode()
# The examples of the specifications whose keys they do not give.
POEM: Final = """\
Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
""".encode()
COSIGNED: Final = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
""".encode()
# A head of a public log with cosignatures of public witnesses; their keys are published by them.
REAL_LOG: Final = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REAL_WITNESSES: Final = (
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
)
REAL: Final = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
""".encode()
REAL_SECONDS: Final = 0x6A122120


def line(name: str, encoded: str) -> bytes:
    return f"— {name} {encoded}\n".encode()


def encoded(signature: Signature) -> str:
    return base64.b64encode(signature.key_id + signature.value).decode()


# --- what others signed


def test_the_specifications_example_is_signed_by_its_key() -> None:
    key = parse_vkey(SPEC_VKEY)
    assert open_note(SPEC_NOTE, [key]).text == b"This is an example message.\n"
    assert (key.name, key.kind, key.id.hex(), key.vkey) == ("example.com/foo", ED25519, "530d903a", SPEC_VKEY)


def test_a_note_that_go_signed_is_signed_by_both_keys_and_ours_is_the_same() -> None:
    keys = [parse_vkey(vkey) for vkey in GO_VKEYS]
    assert open_note(GO_NOTE, keys).signed == ((keys[0], None), (keys[1], None))
    assert open_note(GO_NOTE, keys[1:]).signed == ((keys[1], None),)
    # Go's example gives the private key: the 32 bytes after the type.
    private = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    signer = Signer(keys[0], Ed25519PrivateKey.from_private_bytes(private))
    text = parse_note(GO_NOTE).text
    assert parse_note(sign_note(text, [signer])).signatures == parse_note(GO_NOTE).signatures[:1]


def test_a_head_of_a_public_log_is_signed_by_its_log_and_by_its_witnesses() -> None:
    log, *witnesses = keys = [parse_vkey(vkey) for vkey in (REAL_LOG, *REAL_WITNESSES)]
    opened = open_note(REAL, keys)
    assert dict(opened.signed) == {log: None, **dict.fromkeys(witnesses, REAL_SECONDS)}
    # Its first signature is of the log's other key, of a type that we do not know (0x05).
    assert parse_note(REAL).signatures[0].name == log.name
    with pytest.raises(TlogError, match="wrong"):
        open_note(REAL.replace(b"1432088532", b"1432088531"), keys[1:])


def test_the_text_may_have_empty_lines_and_ends_before_the_last() -> None:
    note = parse_note(POEM)
    assert note.text.decode().endswith("sole:\n\ned è subito sera.\n")
    assert [signature.name for signature in note.signatures] == ["quasimodo.example/salvatore"]


def test_a_cosignature_is_a_time_and_a_signature_over_it_and_the_text() -> None:
    note = parse_note(COSIGNED)
    witness = note.signatures[1]
    assert (witness.key_id.hex(), len(witness.value)) == ("8d66cf3f", 8 + 64)
    seconds = int.from_bytes(witness.value[:8], "big")
    # The message of the specification's example.
    assert cosigned(note.text, seconds) == (
        b"cosignature/v1\ntime 1679315147\n"
        b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


@pytest.mark.parametrize("body", [SPEC_NOTE, GO_NOTE, POEM, COSIGNED, REAL], ids=["spec", "go", "poem", "two", "six"])
def test_a_note_is_written_as_it_was_read(body: bytes) -> None:
    assert parse_note(body).encode() == body


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=200))
def test_every_text_that_is_signed_is_opened_as_it_was(text: str) -> None:
    body = f"{text}\n".encode()
    assert open_note(sign_note(body, [LOG, OTHER]), [OTHER.key, LOG.key]).text == body


@pytest.mark.parametrize("text", [b"", b"no end", b"a\n\nno end", b"a\rb\n", b"a\x00\n", b"a\tb\n", b"\xff\n"])
def test_a_text_that_is_none_is_not_signed(text: bytes) -> None:
    with pytest.raises(TlogError):
        sign_note(text, [LOG])


def test_a_note_without_a_signature_is_none() -> None:
    with pytest.raises(TlogError):
        sign_note(TEXT, [])


# --- every byte counts


def test_a_note_with_any_byte_changed_is_refused() -> None:
    # There is no exception: one signature, by the key that is known.
    for at, old in enumerate(NOTE):
        for new in range(256):
            if new != old:
                with pytest.raises(TlogError):
                    open_note(NOTE[:at] + bytes([new]) + NOTE[at + 1 :], [LOG.key])


def test_a_note_with_any_byte_dropped_or_added_is_refused() -> None:
    for at in range(len(NOTE) + 1):
        changed = [NOTE[:at] + bytes([more]) + NOTE[at:] for more in b"\n\r\t\0 +=-AZaz09/\x7f\xa0\xe2\xff"]
        changed += [NOTE[:at] + "—".encode() + NOTE[at:], NOTE[:at], NOTE[:at] + NOTE[at + 1 :]]
        for body in changed:
            if body != NOTE:
                with pytest.raises(TlogError):
                    open_note(body, [LOG.key])


def test_only_the_line_of_an_unknown_key_may_change() -> None:
    # "Verifiers MUST ignore signatures from unknown keys": with such a line changed, and well-formed, it is the same
    # note. Whatever else changes is refused.
    body = sign_note(TEXT, [LOG, OTHER])
    expected = open_note(body, [LOG.key])
    unknown = range(len(sign_note(TEXT, [LOG])), len(body))
    same = 0
    for at, old in enumerate(body):
        for new in {*b"\n\r\0 +=AZaz09/-\x7f\xa0\xff", old ^ 1, old ^ 0x80, (old + 1) % 256} - {old}:
            try:
                opened = open_note(body[:at] + bytes([new]) + body[at + 1 :], [LOG.key])
            except TlogError:
                continue
            assert opened == expected
            assert at in unknown
            same += 1
    assert same > len(unknown)


def test_a_cosigned_note_with_any_byte_of_the_time_or_the_signature_changed_is_refused() -> None:
    note = Note(TEXT, (LOG.sign(TEXT),)).with_signatures([WITNESS.sign(TEXT, time=SECONDS)])
    witness = note.signatures[1]
    for at in range(len(witness.value)):
        for bit in range(8):
            value = bytearray(witness.value)
            value[at] ^= 1 << bit
            changed = Note(TEXT, (note.signatures[0], Signature(witness.name, witness.key_id, bytes(value))))
            with pytest.raises(TlogError, match=r"witness\.example/w1"):
                open_note(changed.encode(), [LOG.key, WITNESS.key])


def test_a_line_end_added_or_taken_anywhere_makes_another_note() -> None:
    for changed in (
        NOTE + b"\n",
        b"\n" + NOTE,
        NOTE[:-1],
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace(b"\n\n", b"\n \n"),
        NOTE.replace(b"\n\n", b"\n\n\n"),
        NOTE.replace("—".encode(), b"--"),
        NOTE.replace("—".encode(), "\u2013".encode()),
        NOTE.replace("— ".encode(), "—".encode()),
        NOTE.replace("— ".encode(), "—  ".encode()),
        NOTE.replace("— ".encode(), "—\u00a0".encode()),
        NOTE.replace("— ".encode(), " — ".encode()),
        NOTE.replace(b"acme ", b"acme  "),
        b"\xef\xbb\xbf" + NOTE,
    ):
        with pytest.raises(TlogError):
            open_note(changed, [LOG.key])


# --- what is no note


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"\n\n",
        b"\n\n\n",
        TEXT,
        TEXT + b"\n",
        TEXT + b"\n\n",
        TEXT + b"\n" + "— \n".encode(),
        TEXT + b"\n" + "— a\n".encode(),
        TEXT + b"\n" + "— a \n".encode(),
        TEXT + b"\n" + "—  AAAAAAA=\n".encode(),
        TEXT + b"\n" + line("a", "AAAA"),  # 3 bytes: no key ID
        TEXT + b"\n" + line("a", "AAAAAA=="),  # 4 bytes: no signature
        TEXT + b"\n" + line("a", "AAAAAAA= AAAAAAA="),
        TEXT + b"\n" + line("a b", "AAAAAAA="),
        TEXT + b"\n" + line("a+b", "AAAAAAA="),
        TEXT + b"\n" + line("a\u2003b", "AAAAAAA="),
        NOTE + b"not a signature\n",
        line("a", "AAAAAAA="),
        NOTE.decode().encode("utf-16"),
    ],
)
def test_what_is_no_note_is_refused(body: bytes) -> None:
    with pytest.raises(TlogError):
        parse_note(body)


@pytest.mark.parametrize("control", [chr(code) for code in range(0x20) if chr(code) != "\n"])
def test_a_control_character_anywhere_is_refused(control: str) -> None:
    for at in (0, 3, len(TEXT), len(TEXT) + 1, len(NOTE)):
        with pytest.raises(TlogError):
            parse_note(NOTE[:at] + control.encode() + NOTE[at:])


@pytest.mark.parametrize(
    "wrong", [b"\xff", b"\xc0\x80", b"\xc1\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80", b"\x80"]
)
def test_what_is_not_utf8_is_refused(wrong: bytes) -> None:
    with pytest.raises(TlogError, match="not UTF-8 at byte 0"):
        parse_note(wrong + NOTE)
    with pytest.raises(TlogError, match="not UTF-8"):
        parse_note(TEXT + b"\n" + "— ".encode() + wrong + b" AAAAAAA=\n")


@given(st.binary(max_size=300))
def test_whatever_is_read_is_refused_or_written_back_as_it_was(body: bytes) -> None:
    for candidate in (body, TEXT + b"\n" + body, TEXT + b"\n" + "— ".encode() + body + b"\n"):
        try:
            note = parse_note(candidate)
        except TlogError:
            continue
        assert note.encode() == candidate


# --- sizes


def test_ten_megabytes_are_refused_at_once() -> None:
    started = time.perf_counter()
    for body in (bytes(10_000_000), b"a" * 10_000_000, line("a", "AAAAAAA=") * 500_000, NOTE * 70_000):
        with pytest.raises(TlogError, match="at most"):
            parse_note(body)
    with pytest.raises(TlogError):
        parse_vkey("a" * 10_000_000)
    with pytest.raises(TlogError):
        parse_vkey("a+00000000+" + "A" * 10_000_000)
    assert time.perf_counter() - started < 2


def test_the_longest_note_is_read_quickly() -> None:
    for filling in (b"\n", b"a", "—".encode(), b"\n\n"):
        text = filling * ((LARGEST - 200) // len(filling)) + b"\n"
        note = sign_note(text, [LOG])
        started = time.perf_counter()
        assert open_note(note, [LOG.key]).text == text
        assert time.perf_counter() - started < 2


@pytest.mark.parametrize("count", [16, MOST_SIGNATURES])
def test_many_signatures_are_read(count: int) -> None:
    # "MUST accept at least up to 16 signatures"; "post-quantum signatures can be up to nearly 5kB in size".
    others = b"".join(line(f"x{n}", base64.b64encode(bytes(5000)).decode()) for n in range(count - 1))
    body = TEXT + b"\n" + others + LOG.sign(TEXT).line.encode()
    assert len(parse_note(body).signatures) == count
    assert open_note(body, [LOG.key]).signed == ((LOG.key, None),)


def test_one_signature_too_many_is_refused() -> None:
    body = NOTE + line("x", "AAAAAAA=") * MOST_SIGNATURES
    with pytest.raises(TlogError, match="101 signatures, at most 100"):
        parse_note(body)


def test_a_message_of_an_error_does_not_repeat_a_long_or_a_strange_name() -> None:
    for encoding in ("AAAA", "????"):
        with pytest.raises(TlogError) as caught:
            parse_note(TEXT + b"\n" + line("\u009b2J" + "x" * 500_000, encoding))
        assert len(str(caught.value)) < 300
        assert str(caught.value).isprintable()


# --- known and unknown keys


def test_an_unknown_key_is_ignored() -> None:
    note = sign_note(TEXT, [OTHER, LOG])
    assert open_note(note, [LOG.key]).signed == ((LOG.key, None),)


def test_without_a_known_key_the_text_is_not_given() -> None:
    for keys in ([], [OTHER.key], [Key(OTHER.key.name, ED25519, LOG.key.public)]):
        with pytest.raises(TlogError, match="no known key"):
            open_note(NOTE, keys)


def test_a_key_of_the_same_name_with_another_id_is_unknown() -> None:
    renewed = log_signer(seed="renewed")
    assert renewed.key.name == LOG.key.name
    assert open_note(sign_note(TEXT, [renewed, LOG]), [LOG.key]).signed == ((LOG.key, None),)
    with pytest.raises(TlogError, match="no known key"):
        open_note(sign_note(TEXT, [renewed]), [LOG.key])


def test_a_key_of_another_name_with_the_same_id_is_unknown() -> None:
    signature = LOG.sign(TEXT)
    stranger = Signature("log.example/stranger", signature.key_id, signature.value)
    with pytest.raises(TlogError, match="no known key"):
        open_note(Note(TEXT, (stranger,)).encode(), [LOG.key])


def test_a_wrong_signature_of_a_known_key_refuses_the_note_whatever_else_is_there() -> None:
    wrong = LOG.sign(b"another text\n")
    for signatures in ((wrong, OTHER.sign(TEXT)), (OTHER.sign(TEXT), wrong), (LOG.sign(TEXT), wrong)):
        with pytest.raises(TlogError, match=r"log\.example/acme is wrong"):
            open_note(Note(TEXT, signatures).encode(), [LOG.key, OTHER.key])


@pytest.mark.parametrize("length", [1, 63, 65, 72, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    value = (LOG.sign(TEXT).value * 2)[:length]
    with pytest.raises(TlogError, match=f"{length} bytes long"):
        open_note(Note(TEXT, (Signature(LOG.key.name, LOG.key.id, value),)).encode(), [LOG.key])


def test_a_key_that_signed_twice_is_refused() -> None:
    with pytest.raises(TlogError, match="twice"):
        open_note(Note(TEXT, (LOG.sign(TEXT), LOG.sign(TEXT))).encode(), [LOG.key])
    assert open_note(NOTE + OTHER.sign(TEXT).line.encode() * 2, [LOG.key]).signed == ((LOG.key, None),)


def test_two_keys_that_cannot_be_told_apart_are_refused() -> None:
    class Twin(Key):
        @property
        def id(self) -> bytes:
            return LOG.key.id

    twin = Twin(LOG.key.name, ED25519, OTHER.key.public)
    with pytest.raises(TlogError, match="same name and ID"):
        open_note(NOTE, [LOG.key, twin])
    assert open_note(NOTE, [LOG.key, LOG.key]).signed == ((LOG.key, None),)


def test_a_signature_is_added_once() -> None:
    note = parse_note(NOTE).with_signatures([OTHER.sign(TEXT), LOG.sign(TEXT), OTHER.sign(TEXT)])
    assert [signature.name for signature in note.signatures] == [LOG.key.name, OTHER.key.name]
    assert note.with_signatures([OTHER.sign(TEXT)]) == note


def test_a_signer_does_not_show_its_private_key() -> None:
    private = LOG._private.private_bytes_raw()
    assert "Ed25519PrivateKey" not in repr(LOG)
    assert private.hex() not in repr(LOG)
    assert str(private) not in repr(LOG)


# --- cosignatures


def test_a_cosignature_says_when() -> None:
    note = Note(TEXT, (LOG.sign(TEXT), WITNESS.sign(TEXT, time=SECONDS)))
    assert open_note(note.encode(), [LOG.key, WITNESS.key]).signed == ((LOG.key, None), (WITNESS.key, SECONDS))


def test_of_several_cosignatures_of_a_witness_each_counts_once() -> None:
    lines = [WITNESS.sign(TEXT, time=seconds) for seconds in (9, 0, 7, 9)]
    note = Note(TEXT, (*lines, LOG.sign(TEXT)))
    assert verify_note(note, [WITNESS.key]).signed == ((WITNESS.key, 9), (WITNESS.key, 0), (WITNESS.key, 7))
    assert cosignatures(note, WITNESS.key) == ((0, lines[1]), (7, lines[2]), (9, lines[0]))
    assert cosignatures(note, LOG.key) == ()


def test_a_signature_does_not_pass_for_a_cosignature_nor_the_other_way_round() -> None:
    plain = Signer(Key(WITNESS.key.name, ED25519, WITNESS.key.public), WITNESS._private)
    assert plain.key.id != WITNESS.key.id
    assert WITNESS.sign(TEXT, time=SECONDS).value[8:] != plain.sign(TEXT).value
    # With the other's key ID, so that it is known: the message that was signed is still another.
    moved = Signature(WITNESS.key.name, WITNESS.key.id, bytes(8) + plain.sign(TEXT).value)
    with pytest.raises(TlogError, match="wrong"):
        verify_note(Note(TEXT, (moved,)), [WITNESS.key])
    message = cosigned(TEXT, SECONDS)
    moved = Signature(plain.key.name, plain.key.id, WITNESS.sign(TEXT, time=SECONDS).value[8:])
    assert verify_note(Note(message, (moved,)), [plain.key]).text == message
    with pytest.raises(TlogError, match="wrong"):
        verify_note(Note(TEXT, (moved,)), [plain.key])


def test_a_cosignature_has_a_time_and_a_signature_has_none() -> None:
    for signer, seconds in ((LOG, SECONDS), (WITNESS, None)):
        with pytest.raises(TlogError, match="has a time"):
            signer.sign(TEXT, time=seconds)
    with pytest.raises(TlogError, match="has a time"):
        sign_note(TEXT, [WITNESS])


def test_a_time_is_at_most_63_bits() -> None:
    # "It MUST NOT exceed 2^63 - 1".
    last = WITNESS.sign(TEXT, time=2**63 - 1)
    assert verify_note(Note(TEXT, (last,)), [WITNESS.key]).signed == ((WITNESS.key, 2**63 - 1),)
    for seconds in (-1, 2**63, 2**64 - 1, 2**64):
        with pytest.raises(TlogError, match="time"):
            WITNESS.sign(TEXT, time=seconds)
    for seconds in (2**63, 2**64 - 1):
        value = seconds.to_bytes(8, "big") + WITNESS._private.sign(cosigned(TEXT, seconds))
        with pytest.raises(TlogError, match="impossible time"):
            verify_note(Note(TEXT, (Signature(WITNESS.key.name, WITNESS.key.id, value),)), [WITNESS.key])


# --- public keys


def vkey(name: str, body: bytes, key_id: str = "") -> str:
    right = hashlib.sha256(f"{name}\n".encode() + body).hexdigest()[:8]
    return f"{name}+{key_id or right}+{base64.b64encode(body).decode()}"


@pytest.mark.parametrize("line_", [SPEC_VKEY, *GO_VKEYS, REAL_LOG, *REAL_WITNESSES])
def test_a_key_is_written_as_it_was_read(line_: str) -> None:
    assert parse_vkey(line_).vkey == line_


@given(
    st.text(st.characters(categories=["L", "N", "P"], exclude_characters="+"), min_size=1, max_size=30), st.integers(0)
)
def test_every_key_is_read_as_it_was_written(name: str, seed: int) -> None:
    for key in (log_signer(name, seed=str(seed)).key, witness_signer(name, seed=str(seed)).key):
        assert parse_vkey(key.vkey) == key


def test_the_same_bytes_with_another_type_are_another_key() -> None:
    assert Key("a", ED25519, LOG.key.public).id != Key("a", COSIGNATURE, LOG.key.public).id


@pytest.mark.parametrize(
    "line_",
    [
        "",
        "+",
        "++",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903a+",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+0x30d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+\u066530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l",
        SPEC_VKEY + "\n",
        SPEC_VKEY + " ",
        " " + SPEC_VKEY,
        SPEC_VKEY + "=",
        SPEC_VKEY[:-1],
        vkey("", b"\x01" + LOG.key.public),
        vkey("a b", b"\x01" + LOG.key.public),
        vkey("a\u00a0b", b"\x01" + LOG.key.public),
        vkey("a\u200bb", b"\x01" + LOG.key.public),
        vkey("a\u202eb", b"\x01" + LOG.key.public),
        vkey("a\x1bb", b"\x01" + LOG.key.public),
        vkey("a\x9bb", b"\x01" + LOG.key.public),
        vkey("a\nb", b"\x01" + LOG.key.public),
        vkey("a", b""),
        vkey("a", b"\x01"),
        vkey("a", b"\x01" + LOG.key.public[:-1]),
        vkey("a", b"\x01" + LOG.key.public + b"\x00"),
        *(vkey("a", bytes([kind]) + LOG.key.public) for kind in (0, 2, 3, 5, 6, 0xFA, 0xFF)),
    ],
)
def test_what_is_no_key_is_refused(line_: str) -> None:
    with pytest.raises(TlogError):
        parse_vkey(line_)


# The white space of Unicode (https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt, White_Space).
SPACES: Final = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def test_a_name_has_no_space_of_unicode_and_no_plus() -> None:
    for space in (*SPACES, "+"):
        for name in (space, f"a{space}", f"{space}a", f"a{space}b"):
            with pytest.raises(TlogError, match="no key's name"):
                check_name(name)
            with pytest.raises(TlogError):
                parse_note(TEXT + b"\n" + line(name, "AAAAAAA="))


def test_a_signature_of_an_unknown_key_may_have_any_other_name() -> None:
    # "Verifiers MUST ignore signatures from unknown keys", so a strange name is no reason to refuse the note, and
    # whether it is read must not depend on which version of Unicode this Python knows.
    for name in (
        "日本.example",
        "👩\u200d🚀.example",
        "a\u200bb",
        "a\u202eb",
        "\u0378",
        "\ue000",
        "\U0010ffff",
        "a\u007fb",
        "a\u009bb",
    ):
        body = NOTE + line(name, "AAAAAAA=")
        assert open_note(body, [LOG.key]).text == TEXT
        assert parse_note(body).encode() == body


def test_every_character_but_spaces_controls_and_plus_makes_a_name() -> None:
    refused = {chr(code) for code in range(0x20)} | {*SPACES, "+"} | {chr(code) for code in range(0xD800, 0xE000)}
    for plane in range(0, sys.maxunicode + 1, 0x10000):
        names = [chr(code) for code in range(plane, plane + 0x10000) if chr(code) not in refused]
        for at in range(0, len(names), 60_000):
            parse_note(TEXT + b"\n" + line("".join(names[at : at + 60_000]), "AAAAAAA="))


# --- unsafe keys


def test_the_points_of_small_order_are_these_eight() -> None:
    # All points form a group of order 8 * L, and L is prime: L times a point has an order that divides 8, and one of
    # order 8 makes all that do (RFC 8032, 5.1).
    assert curve.P % 8 == 5
    start = next(
        point for y in range(2, 50) if (point := curve.point_at(y)) and curve.order(curve.multiply(curve.L, point)) == 8
    )
    torsion = curve.multiply(curve.L, start)
    small = [curve.multiply(n, torsion) for n in range(8)]
    assert len(set(small)) == 8
    assert all(curve.on_curve(point) for point in small)
    assert sorted(curve.order(point) for point in small) == [1, 2, 4, 4, 8, 8, 8, 8]
    for _, y in small:
        for sign in (0, 1 << 255):
            with pytest.raises(TlogError, match="lets anybody sign"):
                Key("a", ED25519, (y | sign).to_bytes(32, "little"))


def test_a_key_that_is_not_written_in_the_canonical_way_is_refused() -> None:
    # RFC 8032, 5.1.3: y is below 2**255 - 19.
    for y in range(curve.P, 2**255):
        for sign in (0, 1 << 255):
            for kind in (ED25519, COSIGNATURE):
                with pytest.raises(TlogError, match="lets anybody sign"):
                    Key("a", kind, (y | sign).to_bytes(32, "little"))


def test_no_other_key_is_refused() -> None:
    for y in (2, 3, 4, 5, 6, curve.P - 2, curve.P - 3, 4 * pow(5, -1, curve.P) % curve.P):
        for sign in (0, 1 << 255):
            assert Key("a", ED25519, (y | sign).to_bytes(32, "little")).kind == ED25519


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    y = next(y for y in range(2, 50) if curve.point_at(y) is None)
    key = Key(LOG.key.name, ED25519, y.to_bytes(32, "little"))
    with pytest.raises(TlogError, match="wrong"):
        key.verify(TEXT, LOG.sign(TEXT).value)


def test_a_signature_with_a_number_that_is_too_large_is_refused() -> None:
    # RFC 8032, 5.1.7: S is below L; with S + L it would be a second signature of the same.
    signature = LOG.sign(TEXT).value
    number = int.from_bytes(signature[32:], "little")
    assert number < curve.L
    for larger in range(number + curve.L, 2**256, curve.L):
        with pytest.raises(TlogError, match="wrong"):
            LOG.key.verify(TEXT, signature[:32] + larger.to_bytes(32, "little"))
    LOG.key.verify(TEXT, signature)


# --- base64


@pytest.mark.parametrize(
    "text",
    [
        "AAA",
        "AA",
        "A",
        "AA=",
        "AAA==",
        "AAAA=",
        "AAAA====",
        "=",
        "====",
        "=AAA",
        "AA=A",
        "AA==AA==",
        "AAB=",  # the last two bits of the third letter are not zero
        "AB==",
        "A/==",
        "AA A",
        " AAAA",
        "AAAA ",
        "AAAA\n",
        "AA\nAA",
        "AA\r\nAA",
        "AA\tAA",
        "AA\0A",
        "--__",
        "AA-_",
        "ÄAAA",
        "АAAA",  # noqa: RUF001 - a Cyrillic letter that looks like a Latin one
        "AA.A",
        "AA%3D",
    ],
)
def test_base64_that_is_written_in_another_way_is_refused(text: str) -> None:
    with pytest.raises(TlogError, match=r"this is base64 written|this is not base64"):
        unbase64(text, what="this")
    with pytest.raises(TlogError):
        parse_note(TEXT + b"\n" + line("a", f"AAAAAAAA{text}"))


@given(st.binary(max_size=100))
def test_bytes_have_one_base64(body: bytes) -> None:
    text = base64.b64encode(body).decode()
    assert unbase64(text, what="this") == body


@given(st.text(st.sampled_from("ABab01+/=-_ \n"), max_size=12))
def test_text_that_is_read_as_base64_is_the_one_way_to_write_it(text: str) -> None:
    try:
        body = unbase64(text, what="this")
    except TlogError:
        return
    assert base64.b64encode(body).decode() == text
