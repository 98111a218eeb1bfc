import dataclasses
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core import document
from release.core.entry import LARGEST, Event, Origin, Previous, State, decode, leaf_hash
from release.errors import LogError
from tests.fakes import examples
from tests.fakes.log_keys import log_signer
from tests.fakes.strategies import CHANNELS, DIGESTS, TEXTS, VERSIONS


def written(index: int = 7, **changes: Any) -> bytes:  # noqa: ANN401 - any field
    return examples.sealed(examples.event(index, **changes))


states = st.builds(
    State,
    channels=st.dictionaries(
        CHANNELS,
        st.builds(
            examples.channel_state,
            VERSIONS,
            manifest=DIGESTS,
            pointer_version=st.integers(1, 2**40),
            entry=st.integers(0, 10**12 - 1),
            outcome=st.sampled_from(["authorized", "completed", "failed"]),
        ),
        max_size=3,
    ),
    yanked=st.dictionaries(VERSIONS, st.integers(0, 10**12 - 1), max_size=3),
)
events = st.builds(
    examples.event,
    st.integers(0, 10**12 - 1),
    action=st.sampled_from(["publish.completed", "promote.authorized", "rollback.failed", "version.yanked"]),
    version=VERSIONS,
    channel=st.none() | CHANNELS,
    manifest=DIGESTS,
    outcome_of=st.none() | st.integers(0, 10**12 - 1),
    reason=st.none() | TEXTS,
    before=st.none() | st.builds(examples.channel_state),
    after=states,
    source=st.none() | st.builds(Origin, commit=st.just(examples.COMMIT), tag=TEXTS),
)


@given(events)
def test_an_entry_comes_back_as_it_was_written(event: Event) -> None:
    assert examples.opened(examples.sealed(event), index=event.index) == event


def test_an_entry_is_an_in_toto_statement_about_the_manifest() -> None:
    value = examples.said(written())
    assert value["_type"] == "https://in-toto.io/Statement/v1"
    assert value["predicateType"] == "urn:js-release:release-event:v1"
    assert value["subject"] == [{"name": "tag@1.4.2/manifest.json", "digest": {"sha256": examples.DIGEST}}]
    assert value["predicate"]["action"] == "promote.authorized"
    assert "outcomeOf" not in value["predicate"]


def test_the_leaf_hash_is_that_of_rfc_6962() -> None:
    assert leaf_hash(b"") == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"x") == hashlib.sha256(b"\0x").hexdigest()


UNREADABLE = {
    "a long reason": {"reason": "x" * 2001},
    "half of a surrogate pair in the reason": {"reason": "\ud800"},
    "a long tag": {"source": Origin(commit=examples.COMMIT, tag="v" * 101)},
    "a long origin": {"origin": "l" * 201},
    "a long job": {"pipeline": dataclasses.replace(examples.PIPELINE, job="8" * 65)},
    "no version": {"version": "latest"},
    "more channels than fit": {
        "after": State(channels={f"v{n}": examples.channel_state() for n in range(500)}),
    },
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_entry_that_nobody_could_read_is_never_written(change: dict[str, Any]) -> None:
    """A slot cannot be written twice, so one unreadable entry would end the log for ever."""
    with pytest.raises(LogError):
        written(**change)


def test_brackets_in_a_reason_are_words_like_others() -> None:
    assert examples.opened(written(reason="[" * 40), index=7).reason == "[" * 40


def test_an_entry_of_another_slot_is_refused() -> None:
    with pytest.raises(LogError, match=r"^log entry 8 says that it is entry 7: entries were moved$"):
        examples.opened(written(), index=8)


@pytest.mark.parametrize(
    ("index", "previous"),
    [(7, None), (7, Previous(index=5, leaf_hash="b" * 64)), (0, Previous(index=0, leaf_hash="b" * 64))],
    ids=["none before it", "a hole before it", "one before the first"],
)
def test_an_entry_that_does_not_follow_the_one_before_is_refused(index: int, previous: Previous | None) -> None:
    with pytest.raises(LogError, match=rf"^log entry {index} does not follow entry"):
        examples.opened(written(index, prev=previous), index=index)


@pytest.mark.parametrize(
    "subject",
    [
        {"name": "tag@1.4.2/manifest.json", "digest": {"sha256": "8" * 64}},
        {"name": "tag@1.4.3/manifest.json", "digest": {"sha256": examples.DIGEST}},
        {"name": "other@1.4.2/manifest.json", "digest": {"sha256": examples.DIGEST}},
    ],
    ids=["another manifest", "another version", "another library"],
)
def test_the_subject_is_what_the_event_is_about(subject: dict[str, object]) -> None:
    """A reader of in-toto statements believes the subject, and this program the event."""
    value = examples.said(written()) | {"subject": [subject]}
    with pytest.raises(LogError):
        examples.opened(examples.resealed(value), index=7)


APPROVED = {"principal": "cto", "role": "CTO", "request": "a" * 64, "approval": "b" * 64}
BAD_EVENTS = {
    "an unknown action": {"action": "promote.forced"},
    "a time with an offset": {"occurredAt": "2026-11-24T00:12:33+00:00"},
    "a day that no calendar has": {"occurredAt": "2026-02-30T00:12:33Z"},
    "an hour that no clock has": {"occurredAt": "2026-11-24T25:12:33Z"},
    "a year before which there is none": {"occurredAt": "0001-01-01T00:00:00Z"},
    "a year after which there is none": {"occurredAt": "9999-12-31T23:59:59Z"},
    "a time in Arabic digits": {"occurredAt": "\u0662026-11-24T00:12:33Z"},
    "a channel that climbs": {"channel": "../latest"},
    "a state of no channel": {"after": {"channels": {"V1": {}}, "yanked": {}}},
    "a yank of no version": {"after": {"channels": {}, "yanked": {"latest": 1}}},
    "a yank before the first entry": {"after": {"channels": {}, "yanked": {"1.4.2": -1}}},
    "an approver whose name leads out of a folder": {"approvals": [{**APPROVED, "principal": "../../../cto"}]},
    "a role of more than one line": {"approvals": [{**APPROVED, "role": "CTO\n"}]},
    "an unknown name": {"approvedBy": "me"},
    "an index that is text": {"index": "7"},
}


@pytest.mark.parametrize("change", BAD_EVENTS.values(), ids=BAD_EVENTS.keys())
def test_a_malformed_event_is_refused(change: dict[str, object]) -> None:
    value = examples.said(written())
    value["predicate"] |= change
    with pytest.raises(LogError, match=r"^log entry 7: "):
        examples.opened(examples.resealed(value), index=7)


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"entry",
    "a line end after": written() + b"\n",
    "too large": b'"' + b"x" * LARGEST + b'"',
    "another statement": examples.resealed(examples.said(written()) | {"_type": "https://in-toto.io/Statement/v2"}),
    "another predicate": examples.resealed(examples.said(written()) | {"predicateType": "urn:js-release:other:v1"}),
    "a list": examples.resealed([]),
    "cut off": written()[:-1],
    "the statement alone": document.canonical(examples.said(written())),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_what_is_no_entry_is_refused(body: bytes) -> None:
    with pytest.raises(LogError, match=r"^log entry 7: "):
        examples.opened(body, index=7)


@given(st.integers(0, len(written()) - 1), st.integers(1, 255))
def test_a_changed_byte_is_no_entry_and_changes_the_leaf_hash(place: int, change: int) -> None:
    body = bytearray(written())
    body[place] ^= change
    assert leaf_hash(bytes(body)) != leaf_hash(written())
    with pytest.raises(LogError):
        examples.opened(bytes(body), index=7)


def test_an_entry_of_another_log_is_refused_though_its_key_is_trusted() -> None:
    other = log_signer("log.example.com/other")
    body = examples.sealed(examples.event(7), signer=other)
    with pytest.raises(LogError, match=r"^log entry 7 is of the log .*/tag, and the key of .*/other signed it$"):
        decode(body, index=7, keys=[examples.SIGNER.key, other.key])


def test_the_largest_entry_fits_a_bundle_with_its_envelope() -> None:
    """Base64 takes four bytes for three, so a statement may have 48 KiB."""
    room = {f"v{n}": examples.channel_state() for n in range(290)}
    body = written(after=State(channels=room))
    assert 60_000 < len(body) <= LARGEST
    with pytest.raises(LogError, match=r"^the entry would be 6\d+ bytes long with its signature, at most 65535 fit"):
        written(after=State(channels=room | {f"w{n}": examples.channel_state() for n in range(25)}))
