"""SSH signatures: what is taken, and that nothing else is."""

import base64

import pytest

from release.core import sshkey, sshsig
from release.core.sshkey import ECDSA, ED25519, SK_ECDSA, SK_ED25519, SshError, Wire, parse_line, string
from tests.fakes.ssh import SshKey

MESSAGE = b'{"version":"1.4.2"}'
SPACE = "release-approval"
KINDS = (ED25519, SK_ED25519, ECDSA, SK_ECDSA)


def blob(armored: str) -> bytes:
    return base64.b64decode("".join(armored.splitlines()[1:-1]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hashed", ["sha256", "sha512"])
def test_a_signature_names_the_key_that_made_it(kind: str, hashed: str) -> None:
    key = SshKey("cto", kind)
    assert sshsig.verify(key.sign(MESSAGE, SPACE, hashed=hashed), MESSAGE, namespace=SPACE) == key.public
    assert parse_line(f"{key.line} cto@example.com") == parse_line(key.line) == key.public


@pytest.mark.parametrize("kind", KINDS)
def test_another_message_or_namespace_is_refused(kind: str) -> None:
    armored = SshKey("cto", kind).sign(MESSAGE, SPACE)
    with pytest.raises(SshError, match="is wrong"):
        sshsig.verify(armored, MESSAGE + b" ", namespace=SPACE)
    with pytest.raises(SshError, match="is for 'release-approval', not for 'git'"):
        sshsig.verify(armored, MESSAGE, namespace="git")


@pytest.mark.parametrize("kind", KINDS)
def test_no_bit_of_a_signature_can_be_changed(kind: str) -> None:
    """The armor is rewritten after each change, so that every field is reached."""
    right = SshKey("cto", kind)
    whole = blob(right.sign(MESSAGE, SPACE))
    for at in range(len(whole)):
        for bit in (0x01, 0x80):
            changed = bytes([*whole[:at], whole[at] ^ bit, *whole[at + 1 :]])
            with pytest.raises(SshError):
                sshsig.verify(sshsig.armor(changed), MESSAGE, namespace=SPACE)


def test_no_character_of_the_armor_can_be_changed_added_or_left_out() -> None:
    armored = SshKey("cto").sign(MESSAGE, SPACE)
    for at in range(len(armored)):
        for text in ("", "\n", "A", "=", " ", "\r\n", armored[at] + "\n", armored[at] + "A"):
            changed = armored[:at] + text + armored[at + 1 :]
            if changed != armored:
                with pytest.raises(SshError):
                    sshsig.verify(changed, MESSAGE, namespace=SPACE)


def test_the_key_of_somebody_else_inside_does_not_help() -> None:
    mine, theirs = SshKey("mallory"), SshKey("cto")
    forged = blob(mine.sign(MESSAGE, SPACE)).replace(mine.public.blob, theirs.public.blob)
    with pytest.raises(SshError, match="is wrong"):
        sshsig.verify(sshsig.armor(forged), MESSAGE, namespace=SPACE)


@pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
def test_a_security_token_that_nobody_touched_does_not_count(kind: str) -> None:
    with pytest.raises(SshError, match="nobody touched"):
        sshsig.verify(SshKey("cto", kind).sign(MESSAGE, SPACE, flags=0), MESSAGE, namespace=SPACE)
    sshsig.verify(SshKey("cto", kind).sign(MESSAGE, SPACE, flags=5), MESSAGE, namespace=SPACE)


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
@pytest.mark.parametrize("sign", [0, 1])
def test_an_ed25519_key_with_which_anybody_can_sign_is_refused(y: int, sign: int) -> None:
    public = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(SshError, match="lets anybody sign"):
        sshkey.parse_blob(string(b"ssh-ed25519") + string(public))


def test_a_key_of_the_wrong_length_curve_or_kind_is_refused() -> None:
    good = SshKey("cto").public
    for body, why in (
        (string(b"ssh-ed25519") + string(good.parts[0][:31]), "has 32 bytes, not 31"),
        (good.blob + b"\0", "1 bytes more"),
        (good.blob[:-1], "ends too early"),
        (string(b"ssh-dss") + string(b""), "are not taken"),
        (string(b"ssh-ed25519-cert-v01@openssh.com"), "are not taken"),
        (string(b"ecdsa-sha2-nistp256") + string(b"nistp384") + string(b"\4" + bytes(64)), "nistp256"),
        (string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\4" + bytes(64)), "no point"),
        (string(b"ssh-rsa") + string(b"\1\0\1") + string(b"\0" + b"\xff" * 128), "2048 to 8192 bits"),
        (string(b"ssh-rsa") + string(b"\1") + string(b"\0" + b"\xff" * 256), "exponent"),
        (string(b"ssh-rsa") + string(b"\xff\0\1") + string(b"\0" + b"\xff" * 256), "negative"),
        (string(b"\xff\xfe"), "printable ASCII"),
        (bytes(3000), "at most"),
    ):
        with pytest.raises(SshError, match=why):
            sshkey.parse_blob(body)


def test_a_line_that_says_another_kind_than_its_key_is_refused() -> None:
    encoded = SshKey("cto").line.split()[1]
    for line in (f"ssh-rsa {encoded}", encoded, "", f"ssh-ed25519 {encoded[:-1]}", f"ssh-ed25519 {encoded}\nmore"):
        with pytest.raises(SshError):
            parse_line(line)


def test_a_signature_of_the_wrong_type_version_or_hash_is_refused() -> None:
    whole = blob(SshKey("cto").sign(MESSAGE, SPACE))
    key = SshKey("cto").public
    inner = string(b"ssh-ed25519") + string(bytes(64))

    def made(*fields: bytes, version: int = 1) -> str:
        return sshsig.armor(b"SSHSIG" + version.to_bytes(4, "big") + b"".join(map(string, fields)))

    space = SPACE.encode()
    for armored, why in (
        (made(key.blob, space, b"", b"sha512", inner, version=2), "version 1"),
        (made(key.blob, space, b"x", b"sha512", inner), "reserved"),
        (made(key.blob, space, b"", b"md5", inner), "hash 'md5'"),
        (made(key.blob, space, b"", b"sha512", string(b"ssh-rsa") + string(b"")), "cannot make"),
        (made(key.blob, space, b"", b"sha512", string(b"ssh-ed25519") + string(bytes(63))), "has 64 bytes, not 63"),
        (made(key.blob, space, b"", b"sha512", inner + b"\0"), "1 bytes more"),
        (sshsig.armor(whole + b"\0"), "1 bytes more"),
        ("x" * 9000, "at most"),
        ("hello", "no SSH signature"),
    ):
        with pytest.raises(SshError, match=why):
            sshsig.verify(armored, MESSAGE, namespace=SPACE)


def test_a_number_of_a_gigabyte_is_not_waited_for() -> None:
    with pytest.raises(SshError, match="ends too early"):
        Wire(b"\x7f\xff\xff\xff").string()
