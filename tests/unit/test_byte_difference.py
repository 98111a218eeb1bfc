import random

import pytest

from release.core.byte_difference import Difference, first_difference


def difference(first: bytes, second: bytes, *known: tuple[str, str]) -> Difference:
    found = first_difference(first, second, known=known)
    assert found is not None
    return found


def test_the_same_bytes_have_no_difference() -> None:
    assert first_difference(b"var a=1;", b"var a=1;") is None
    assert first_difference(b"", b"") is None


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_the_first_byte_that_differs_is_found_anywhere(size: int) -> None:
    body = random.Random(size).randbytes(size)  # noqa: S311 - no secret
    found = difference(body + b"one" + body, body + b"two" + body)
    assert found.offset == size
    assert difference(body, body + b"more").offset == size


def test_both_sides_are_shown_printable() -> None:
    found = difference(b'a="\x1b[31m\xff1"', b'a="\x1b[31m\xff2"')
    assert (found.first, found.second) == ('a="\\x1b[31m\\xff1"', 'a="\\x1b[31m\\xff2"')


@pytest.mark.parametrize(
    ("first", "second", "cause"),
    [
        (b"var built=1732500000;", b"var built=1732500007;", "a date or time of day"),
        (b"var built=1732500000123;", b"var built=1732500007321;", "a date or time of day"),
        (b"/* 2026-11-25 */", b"/* 2026-11-26 */", "a date or time of day"),
        (b'"at 9:05"', b'"at 23:05"', "a date or time of day"),
        (b'id="0123456789abcdef0"', b'id="fedcba9876543210f"', "an id or digest"),
        (b"import'./a.js';import'./b.js'", b"import'./b.js';import'./a.js'", "in another order"),
        (b"x+1", b"x+2", "unknown"),
    ],
)
def test_a_difference_is_said_to_look_like_its_cause(first: bytes, second: bytes, cause: str) -> None:
    assert cause in difference(first, second).cause


def test_what_one_build_only_could_know_is_the_cause_wherever_it_stands() -> None:
    first = b"(()=>{" + b"x" * 200 + b'f("/home/ci/tag/src/a.js")'
    second = b"(()=>{" + b"y" * 200 + b'f("/tmp/elsewhere/src/a.js")'
    known = [("/home/ci/tag", "the folder it was built in"), ("tr_TR.UTF-8", "the build's LANG")]
    assert difference(first, second, *known).cause == "the bundle holds the folder it was built in"
