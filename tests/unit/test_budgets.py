from collections.abc import Mapping
from typing import Final

import pytest

from release.core.budgets import TOTAL, Budgets, Excess, Limit, Measure, judge, sizes
from release.core.manifest import Artifact, Build, LockFile, Manifest, Source

LOCK: Final = LockFile(path="package-lock.json", sha256="0" * 64)


def bundle(version: str = "1.1.0", **files: tuple[int, int, int]) -> Manifest:
    """A bundle of entries with these sizes: raw, gzip, brotli; `a` is a.js."""

    def artifact(name: str, measured: tuple[int, int, int]) -> Artifact:
        raw, gzip, brotli = measured
        return Artifact(
            path=f"{name}.js",
            role="chunk" if name.startswith("chunk") else "entry",
            media_type="text/javascript",
            bytes=raw,
            gzip_bytes=gzip,
            brotli_bytes=brotli,
            sha256="0" * 64,
            sha512="0" * 128,
            integrity="sha384-" + "A" * 64,
        )

    return Manifest(
        type_="release-manifest/v1",
        library="tag",
        version=version,
        source=Source(commit="0" * 40, commit_time=0),
        build=Build(command=("make",), toolchain={}, lock_file=LOCK),
        artifacts=tuple(artifact(name, measured) for name, measured in sorted(files.items())),
    )


def excesses(budgets: Budgets, now: Manifest, before: Manifest | None = None) -> list[str]:
    return [f"{found.path}: {found.what}" for found in judge(budgets, now, before)]


def test_what_keeps_to_its_budget_is_no_finding() -> None:
    limit = Limit(bytes=100, gzip=50, brotli=40)
    budgets = Budgets(total=limit, entries={"a.js": limit}, files=1, growth_percent=0)
    assert excesses(budgets, bundle(a=(100, 50, 40)), bundle(a=(100, 50, 40))) == []
    assert excesses(Budgets(), bundle(a=(10**7, 10**6, 10**6)), bundle(a=(1, 1, 1))) == []


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (Limit(bytes=99), "a.js: 100 bytes, 1 above its budget of 99"),
        (Limit(gzip=49), "a.js: 50 bytes with gzip, 1 above its budget of 49"),
        (Limit(brotli=1), "a.js: 40 bytes with brotli, 39 above its budget of 1"),
    ],
)
def test_each_measure_has_a_limit_of_its_own(limit: Limit, said: str) -> None:
    assert excesses(Budgets(entries={"a.js": limit}), bundle(a=(100, 50, 40))) == [said]


def test_all_files_together_have_a_limit_chunks_too() -> None:
    now = bundle(a=(100, 50, 40), chunk=(100, 50, 40))
    assert excesses(Budgets(total=Limit(brotli=79)), now) == [
        f"{TOTAL}: 80 bytes with brotli, 1 above its budget of 79"
    ]
    assert excesses(Budgets(files=1), now) == [f"{TOTAL}: 2 files, at most 1 are allowed"]


def test_a_budget_for_a_file_that_is_not_there_is_a_finding_and_no_pass() -> None:
    found = list(judge(Budgets(entries={"tpyo.js": Limit(bytes=1)}), bundle(a=(1, 1, 1)), None))
    assert found == [
        Excess(
            path="tpyo.js",
            what="has a budget and is not in the bundle",
            hint='correct [budgets.entries."tpyo.js"]',
        )
    ]


@pytest.mark.parametrize(("now", "grown"), [(110, False), (111, True), (90, False)])
def test_growth_is_measured_against_the_release_before(now: int, grown: bool) -> None:
    found = excesses(Budgets(growth_percent=10), bundle(a=(1, 1, now)), bundle("1.0.0", a=(1, 1, 100)))
    assert found == (["a.js: 111 bytes with brotli, 11.0 % more than the 100 of 1.0.0"] if grown else [])


def test_what_is_new_has_nothing_to_grow_from() -> None:
    budgets = Budgets(growth_percent=0)
    assert excesses(budgets, bundle(a=(1, 1, 10**6), b=(1, 1, 10**6)), bundle("1.0.0", b=(1, 1, 10**6))) == []
    assert excesses(budgets, bundle(a=(1, 1, 10**6)), None) == []


def test_sizes_show_each_file_with_what_it_was() -> None:
    def brotli(measured: Mapping[Measure, int] | None) -> int | None:
        return measured["brotli"] if measured else None

    found = sizes(bundle(a=(9, 9, 9), chunk=(5, 5, 5)), bundle("1.0.0", a=(8, 8, 8), gone=(1, 1, 1)))
    assert [(size.path, brotli(size.now), brotli(size.before)) for size in found] == [
        ("chunk.js", 5, None),
        ("a.js", 9, 8),
        (TOTAL, 14, 9),
    ]
