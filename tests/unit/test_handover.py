from collections.abc import Callable

import pytest

from release.core import document
from release.core.handover import (
    Order,
    Promotion,
    Verification,
    read_order,
    read_pointer,
    read_promotion,
    read_verification,
)
from release.errors import FormatError
from tests.fakes import examples

ORDER = examples.order()
PROMOTION = Promotion(order=ORDER, changed=("tag/latest/tag.min.js", "tag/channels/latest.json"))
VERIFICATION = Verification(order=ORDER, passed=False, findings=("tag.min.js: other bytes",))
Read = Callable[..., Order | Promotion | Verification]

HANDED = {
    "order": (ORDER, read_order),
    "promotion": (PROMOTION, read_promotion),
    "verification": (VERIFICATION, read_verification),
}


@pytest.mark.parametrize(("value", "reader"), HANDED.values(), ids=HANDED.keys())
def test_a_stage_reads_what_the_one_before_left(value: object, reader: Read) -> None:
    assert reader(document.encode(value), name="latest.json", library="tag") == value


@pytest.mark.parametrize(("value", "reader"), HANDED.values(), ids=HANDED.keys())
def test_another_librarys_file_is_refused(value: object, reader: Read) -> None:
    with pytest.raises(FormatError) as caught:
        reader(document.encode(value), name="latest.json", library="other")
    assert caught.value.message == "latest.json is for library tag, this is other"


@pytest.mark.parametrize(("value", "reader"), HANDED.values(), ids=HANDED.keys())
def test_a_file_must_say_what_it_is(value: object, reader: Read) -> None:
    typed = document.parse(document.encode(value), limit=10_000)
    del typed["type"]
    with pytest.raises(FormatError, match=r"^latest\.json: type: is missing$"):
        reader(document.canonical(typed), name="latest.json", library="tag")


def test_one_kind_of_file_does_not_pass_for_another() -> None:
    with pytest.raises(FormatError):
        read_promotion(document.encode(VERIFICATION), name="latest.json", library="tag")
    with pytest.raises(FormatError):
        read_verification(document.encode(PROMOTION), name="latest.json", library="tag")


HOSTILE = {
    "a channel that climbs": {"channel": "../v1"},
    "a channel that is a folder": {"channel": "v1/x"},
    "no version": {"version": "latest"},
    "a version that climbs": {"version": "../1.0.0"},
    "no digest": {"manifest": "9" * 63},
    "an entry before the first": {"entry": -1},
    "an entry after the last": {"entry": 10**12},
    "an unknown kind": {"kind": "force"},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_order_is_refused(change: dict[str, object]) -> None:
    written = document.parse(document.encode(ORDER), limit=10_000) | change
    with pytest.raises(FormatError):
        read_order(document.canonical(written), name="latest.order.json", library="tag")


def test_a_pointer_comes_back_as_it_was_written() -> None:
    pointer = examples.pointer()
    assert read_pointer(document.encode(pointer), name="channels/latest.json") == pointer


def test_a_pointer_to_no_file_is_refused() -> None:
    with pytest.raises(FormatError, match="at least 1 item"):
        read_pointer(document.encode(examples.pointer(files=())), name="channels/latest.json")
