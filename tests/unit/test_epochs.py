"""Trust epochs: one follows another only with the signatures of both."""

import dataclasses

import pytest

from release.core import document, epochs
from release.core.epochs import Known
from release.core.sshkey import PublicKey
from release.core.trust import ApproverKey, Emergency, SignedTrust, Threshold, Trust, TrustKey, author_id
from release.errors import LogError
from tests.fakes import people
from tests.fakes.log_keys import log_signer, witness_signer
from tests.fakes.people import key, signed, terms, trust
from tests.fakes.ssh import SshKey

SMALL_ORDER_LINE = PublicKey("ssh-ed25519", (bytes([1, *bytes(31)]),)).line


def accept(body: bytes, before: Known | None = None) -> Known:
    return epochs.accept(body, before=before, origin=people.ORIGIN, name="the epoch")


def keepers(*names: str) -> tuple[TrustKey, ...]:
    return tuple(TrustKey(principal=name, key=key(name).line) for name in names)


def test_the_first_epoch_is_signed_by_its_own_keepers() -> None:
    first = accept(signed(trust()))
    assert first.trust == trust()
    assert first.sha256 == accept(signed(trust(), "bob", "cyd")).sha256  # who signed does not change what is pinned
    with pytest.raises(LogError, match="signed by 1 of the 2 trust keys"):
        accept(signed(trust(), "ann"))


def test_one_keeper_who_signs_twice_is_one_keeper() -> None:
    with pytest.raises(LogError, match="signed by 1 of the 2"):
        accept(signed(trust(), "ann", "ann"))
    both = terms(trust_keys=(*keepers("ann", "bob"), TrustKey(principal="ann", key=key("ann/2").line)))
    with pytest.raises(LogError, match="signed by 1 of the 2"):
        accept(signed(trust(terms=both), "ann", "ann/2"))


def test_a_forged_epoch_is_refused() -> None:
    """Somebody who can write to the bucket makes himself keeper and approver."""
    first = people.known()
    mallory = terms(trust_keys=keepers("mallory"), threshold=1, approvers=(people.approver("mallory", "CTO"),))
    mallory = dataclasses.replace(mallory, thresholds=(Threshold(channels="*", approvals=1, roles=("CTO",)),))
    with pytest.raises(LogError, match="signed by 0 of the 2 trust keys of epoch 0"):
        accept(signed(trust(first, terms=mallory), "mallory"), first)


def test_keepers_change_only_when_the_old_and_the_new_ones_sign() -> None:
    first = people.known()
    second = trust(first, terms=terms(trust_keys=keepers("dan", "eve", "fay")))
    with pytest.raises(LogError, match="signed by 0 of the 2 trust keys of epoch 1"):
        accept(signed(second, "ann", "bob"), first)
    with pytest.raises(LogError, match="signed by 0 of the 2 trust keys of epoch 0"):
        accept(signed(second, "dan", "eve"), first)
    renewed = accept(signed(second, "ann", "bob", "dan", "eve"), first)
    third = trust(renewed, terms=renewed.trust.terms)
    with pytest.raises(LogError, match="signed by 0"):
        accept(signed(third, "ann", "bob"), renewed)
    assert accept(signed(third, "dan", "fay"), renewed).trust.epoch == 2


def test_an_epoch_that_was_altered_after_it_was_signed_is_refused() -> None:
    honest, _ = epochs.read_signed(signed(trust()), name="the epoch")
    easier = document.encode(trust(terms=terms(threshold=1))).decode()
    with pytest.raises(LogError, match="is wrong"):
        accept(document.encode(dataclasses.replace(honest, trust=easier)))


def test_a_signature_that_was_given_for_something_else_is_none() -> None:
    text = document.encode(trust())
    signatures = tuple(key(name).sign(text, "release-approval") for name in ("ann", "bob"))
    with pytest.raises(LogError, match="is for 'release-approval'"):
        accept(document.encode(SignedTrust(trust=text.decode(), signatures=signatures)))


@pytest.mark.parametrize(
    "changes",
    [{"epoch": 2}, {"epoch": 0}, {"previous": "0" * 64}, {"previous": None}, {"origin": "log.example.com/other"}],
    ids=str,
)
def test_an_epoch_of_another_place_or_log_is_refused(changes: dict[str, object]) -> None:
    first = people.known()
    with pytest.raises(LogError, match="does not follow"):
        accept(signed(trust(first, **changes)), first)


def test_an_epoch_cannot_be_older_than_the_one_it_follows() -> None:
    first = people.known()
    with pytest.raises(LogError, match="issued before"):
        accept(signed(trust(first, issued="2026-10-01T00:00:00Z")), first)


def test_a_revoked_keeper_does_not_count() -> None:
    revoked = terms(revoked=(key("bob").public.fingerprint,))
    with pytest.raises(LogError, match="signed by 1 of the 2"):
        accept(signed(trust(terms=revoked), "ann", "bob"))
    assert accept(signed(trust(terms=revoked), "ann", "cyd")).trust.terms == revoked


W1 = witness_signer()
W1_AGAIN = dataclasses.replace(W1.key, name="witness.example/w2")
NONSENSE: dict[str, tuple[Trust, str]] = {
    "over before it begins": (trust(expires="2026-10-01T00:00:00Z"), "expires before"),
    "too few keepers": (trust(terms=terms(threshold=4)), "4 people must sign an epoch, 3 could"),
    "a comment": (
        trust(terms=terms(trust_keys=(TrustKey(principal="ann", key=f"{key('ann').line} ann"),), threshold=1)),
        "comment",
    ),
    "no key": (trust(terms=terms(trust_keys=(TrustKey(principal="a", key="ssh-rsa x"),), threshold=1)), "not base64"),
    "a key that lets anybody sign": (
        trust(terms=terms(approvers=(people.approver("cto", "CTO", ApproverKey(key=SMALL_ORDER_LINE)),))),
        "lets anybody sign",
    ),
    "a shared key": (
        trust(
            terms=terms(
                approvers=(
                    people.approver("cto", "CTO"),
                    people.approver("lead", "lead", ApproverKey(key=key("cto").line)),
                )
            )
        ),
        "share a key",
    ),
    "somebody twice": (
        trust(terms=terms(approvers=(people.approver("cto", "CTO"),
                                     people.approver("cto", "lead", ApproverKey(key=key("x").line))))),
        "listed twice",
    ),
    "a threshold that nobody meets": (
        trust(terms=terms(thresholds=(Threshold(channels="*", approvals=2, roles=("CTO",)),))),
        "needs 2 approvals, 1 people could",
    ),
    "an emergency for nobody": (trust(terms=terms(emergency=Emergency(roles=("pope",)))), "in an emergency"),
    "a name of an author": (
        trust(terms=terms(approvers=(people.approver("cto", "CTO", authors=("cto@example.com",)),
                                     people.approver("lead", "lead")))),
        "opaque id",
    ),
    "a log key that is none": (trust(terms=terms(log_keys=("log+00000000+AA==",))), "keys of type 0x00"),
    "a log key of another log": (trust(terms=terms(log_keys=(log_signer("other").key.vkey,))), "a key of another log"),
    "a log key twice": (trust(terms=terms(log_keys=(log_signer(people.ORIGIN).key.vkey,) * 2)), "listed twice"),
    "a witness under two names": (
        trust(terms=terms(quorum=2, witnesses=(W1.key.vkey, W1_AGAIN.vkey))),
        "the same key twice",
    ),
    "a quorum of nobody": (trust(terms=terms(quorum=1)), "quorum of 1 cannot be reached by 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", NONSENSE)
def test_an_epoch_that_makes_no_sense_is_refused_whoever_signed_it(case: str) -> None:
    epoch, why = NONSENSE[case]
    with pytest.raises(LogError, match=why):
        accept(signed(epoch, "ann", "bob", "cyd"))


def test_an_author_is_the_same_in_any_spelling_of_his_address_and_another_in_another_log() -> None:
    assert author_id("a", " Ann@Example.com") == author_id("a", "ann@example.com") != author_id("b", "ann@example.com")
    assert SshKey("ann").line == key("ann").line
