"""Tag objects and allowed signers, read strictly: every byte that is changed is refused or means the same."""

import pytest

from release.core.allowed_signers import parse_allowed_signers
from release.core.sshkey import SshError
from release.core.tag_anchor import anchor_of, parse_tag, trailer
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from tests.fakes.ssh import SshKey

SEEN = Checkpoint("log.example.com/tag", 1207, bytes(range(32)))
LINE = trailer(SEEN).encode()
ANN, BOB = SshKey("ann"), SshKey("bob")


def test_the_line_is_read_as_it_was_written_wherever_it_stands() -> None:
    assert LINE == b"Release-Log: log.example.com/tag 1207 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    for message in (LINE, b"v1\n\n" + LINE + b"\n", LINE + b"\n\nSigned-off-by: A\n"):
        assert anchor_of(message) == SEEN
    assert anchor_of(b"v1\n\nSee Release-Log: below\n") is None
    assert anchor_of(b"") is None


def test_a_line_with_any_byte_changed_names_another_checkpoint_or_none() -> None:
    for at in range(len(LINE)):
        for byte in range(256):
            changed = LINE[:at] + bytes([byte]) + LINE[at + 1 :]
            if changed == LINE:
                continue
            try:
                assert anchor_of(changed) != SEEN, changed
            except TlogError:
                continue
    for length in range(len(LINE)):
        try:
            assert anchor_of(LINE[:length]) is None
        except TlogError:
            continue


def test_a_tag_is_its_headers_message_and_signature() -> None:
    head = b"object " + b"1" * 40 + b"\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n"
    armored = ANN.sign(b"x", "git").encode()
    tag = parse_tag(head + b"\nmessage\n" + armored, name="v1")
    assert (tag.message, tag.signed, tag.signature.encode()) == (b"message\n", head + b"\nmessage\n", armored)
    plain = parse_tag(head + b"\nmessage\n", name="v1")
    assert (plain.message, plain.signed, plain.signature) == (b"message\n", head + b"\nmessage\n", "")
    # As git does: the last line that begins a signature begins it, in the message and not in the headers.
    twice = parse_tag(head + b"\n" + armored + armored, name="v1")
    assert twice.signature.encode() == armored
    assert parse_tag(head + b"x -----BEGIN SSH SIGNATURE-----\n\nm", name="v1").signature == ""
    for wrong in (b"", head, head.replace(b"tag v1", b"tag v2") + b"\nm", b"tree " + head + b"\nm"):
        if wrong != head:
            with pytest.raises(TlogError):
                parse_tag(wrong, name="v1")
    with pytest.raises(TlogError, match="larger"):
        parse_tag(head + b"\n" + b"x" * 65_536, name="v1")


def test_allowed_signers_are_lines_of_who_and_key() -> None:
    text = f'# people\n\nann {ANN.line} laptop\nbob@x,b namespaces="file,git" {BOB.line}\n'
    assert parse_allowed_signers(text.encode(), namespace="git") == {ANN.public: "ann", BOB.public: "bob@x,b"}
    assert parse_allowed_signers(text.encode(), namespace="other") == {ANN.public: "ann"}


@pytest.mark.parametrize(
    "line",
    [
        f"ann cert-authority {ANN.line}",
        f'ann valid-before="20270101" {ANN.line}',
        f'ann namespaces="git",valid-after="20270101" {ANN.line}',
        f"ann {ANN.line[:-6]}",
        ANN.line,
        "ann ssh-dss AAAA",
        '"ann b" ' + ANN.line,
        f'ann namespaces="g*" {ANN.line}',
        "x" * 300_000,
    ],
)
def test_what_would_mean_something_else_to_ssh_keygen_is_refused(line: str) -> None:
    with pytest.raises(SshError):
        parse_allowed_signers(line.encode(), namespace="git")
