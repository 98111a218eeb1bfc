import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core import document
from release.core.shape import rule
from release.errors import FormatError, LogError
from tests.fakes.strategies import TEXTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    text: str
    count: int = 0
    tags: Mapping[str, str] = rule(dict)


REFUSED = {
    "empty": (b"", "it is not JSON"),
    "no JSON": (b"text: x", "it is not JSON"),
    "not UTF-8": (b'{"count":0,"tags":{},"text":"\xff"}', "it is not JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{"text":"x"}', "it is not JSON"),
    "cut off": (b'{"text":"x', "it is not JSON"),
    "two documents": (b'{"text":"x"}{"text":"x"}', "it is not JSON"),
    "raw control character": (b'{"text":"\x01"}', "it is not JSON"),
    "a line end after": (b'{"text":"x"}\n', "it is not canonical JSON"),
    "white space": (b'{"text": "x"}', "it is not canonical JSON"),
    "names out of order": (b'{"text":"x","count":1}', "it is not canonical JSON"),
    "needless escape": (rb'{"text":"\u0078"}', "it is not canonical JSON"),
    "escaped slash": (rb'{"text":"\/"}', "it is not canonical JSON"),
    "capital hex digits": (rb'{"text":"\u001F"}', "it is not canonical JSON"),
    "minus zero": (b'{"count":-0,"text":"x"}', "it is not canonical JSON"),
    "half of a surrogate pair": (rb'{"text":"\ud800"}', "it has half of a surrogate pair"),
    "a name twice": (b'{"text":"x","text":"y"}', "it has the name 'text' twice"),
    "a name twice, below": (b'{"tags":{"a":"1","a":"1"},"text":"x"}', "it has the name 'a' twice"),
    "a fraction": (b'{"count":1.0,"text":"x"}', "it has the number '1.0', only integers are allowed"),
    "an exponent": (b'{"count":1e3,"text":"x"}', "it has the number '1e3', only integers are allowed"),
    "not a number": (b'{"count":NaN,"text":"x"}', "it has the number 'NaN', only integers are allowed"),
    "infinity": (b'{"count":-Infinity,"text":"x"}', "it has the number '-Infinity', only integers are allowed"),
    "2 to the 53rd": (b'{"count":9007199254740992,"text":"x"}', "it has an integer of more than 53 bits"),
    "a number of 5000 digits": (b'{"count":' + b"9" * 5000 + b"}", "it has an integer of more than 53 bits"),
    "deep": (b"[" * 33 + b"]" * 33, "it is nested deeper than 32 levels"),
    "thousands of levels": (b"[" * 9_999, "it is nested deeper than 32 levels"),
    "deep, after closing brackets in a text": (
        b'{"a":"' + b"]" * 99 + b'","b":' + b"[" * 33 + b"]" * 33 + b"}",
        "it is nested deeper than 32 levels",
    ),
    "large": (b'{"text":"' + b"x" * 10_000 + b'"}', "it is 10011 bytes long, at most 10000 are read"),
    "another shape": (b'{"texts":"x"}', "texts: unknown name; did you mean 'text'? (and 1 more)"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_one_canonical_document_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        document.decode(Note, body, name="note.json", limit=10_000)
    assert caught.value.message.startswith(f"note.json: {reason}")


def test_a_refusal_carries_the_digest_of_what_was_read() -> None:
    with pytest.raises(FormatError) as caught:
        document.decode(Note, b"{ }", name="note.json", limit=100)
    assert caught.value.evidence == {"sha256": hashlib.sha256(b"{ }").hexdigest()}


@pytest.mark.parametrize("body", [b"{ }", b"{}"])
def test_the_reader_chooses_the_error(body: bytes) -> None:
    with pytest.raises(LogError):
        document.decode(Note, body, name="entry", limit=100, error=LogError)


@given(st.binary(max_size=60) | TEXTS.map(str.encode))
def test_no_bytes_get_another_answer_than_a_note_or_a_refusal(body: bytes) -> None:
    try:
        note = document.decode(Note, body, name="note.json", limit=10_000)
    except FormatError:
        return
    assert document.encode(note) == body


@given(st.builds(Note, text=TEXTS, count=st.integers(-(2**53) + 1, 2**53 - 1), tags=st.dictionaries(TEXTS, TEXTS)))
def test_a_document_comes_back_as_it_was_written(note: Note) -> None:
    body = document.encode(note)
    assert document.decode(Note, body, name="note.json", limit=1_000_000) == note


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_any_value_has_one_canonical_text(value: Any) -> None:  # noqa: ANN401 - any JSON value
    body = document.canonical(value)
    assert document.canonical(document.parse(body, limit=100_000)) == body


def test_the_order_of_names_does_not_matter() -> None:
    one, other = {"b": 1, "a": {"d": 2, "c": 3}}, {"a": {"c": 3, "d": 2}, "b": 1}
    assert document.canonical(one) == document.canonical(other) == b'{"a":{"c":3,"d":2},"b":1}'


def test_names_are_in_the_order_of_rfc_8785() -> None:
    """The example of section 3.2.3: names are sorted by UTF-16 code units, not by code points."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    body = document.canonical(dict.fromkeys(names, 0))
    assert list(document.parse(body, limit=1000)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_brackets_in_a_text_are_no_nesting() -> None:
    note = Note(text="[" * 100)
    assert document.decode(Note, document.encode(note), name="note.json", limit=1000) == note
