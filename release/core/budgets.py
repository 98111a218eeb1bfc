"""[budgets] of release.toml: how large the files may be, by themselves and against the release before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from release.core.layout import PATH
from release.core.manifest import Artifact, Manifest
from release.core.shape import rule

Measure = Literal["bytes", "gzip", "brotli"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
_WORDS: Final[Mapping[Measure, str]] = {"bytes": "bytes", "gzip": "bytes with gzip", "brotli": "bytes with brotli"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """How large something may be, in bytes: as it is, with gzip -9, with brotli 11."""

    bytes: int | None = rule(None, minimum=1)
    gzip: int | None = rule(None, minimum=1)
    brotli: int | None = rule(None, minimum=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Budgets:
    """What a page may have to load."""

    total: Limit = rule(Limit, doc="Of all files together.")
    entries: Mapping[str, Limit] = rule(
        dict, most=100, key_pattern=PATH, key_means="a file of the bundle", doc="Of single files."
    )
    files: int | None = rule(None, minimum=1, doc="How many files a bundle may have.")
    growth_percent: int | None = rule(
        None, minimum=0, maximum=1000, doc="How much an entry may grow with brotli against the release before."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """One file's sizes, now and in the release before; None where there was none."""

    path: str
    now: Mapping[Measure, int]
    before: Mapping[Measure, int] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Excess:
    """Something that is larger than it may be, or cannot be judged."""

    path: str
    what: str
    hint: str


TOTAL: Final = "all files"


def sizes(manifest: Manifest, before: Manifest | None) -> tuple[Size, ...]:
    """Measure every file and all together, the largest last."""
    earlier = {artifact.path: _measures(artifact) for artifact in before.artifacts} if before else {}
    found = [
        Size(path=artifact.path, now=_measures(artifact), before=earlier.get(artifact.path))
        for artifact in manifest.artifacts
    ]
    total = Size(path=TOTAL, now=_sum(manifest), before=_sum(before) if before else None)
    return (*sorted(found, key=lambda size: (size.now["brotli"], size.path)), total)


def judge(budgets: Budgets, manifest: Manifest, before: Manifest | None) -> Iterator[Excess]:
    """Hold a bundle against its budgets.

    Args:
        budgets: what is allowed.
        manifest: the bundle.
        before: the release before; None if there is none.
    """
    measured = {size.path: size for size in sizes(manifest, before)}
    yield from _above(measured[TOTAL], budgets.total, "[budgets.total]")
    for path, limit in budgets.entries.items():
        place = f'[budgets.entries."{path}"]'
        if path in measured:
            yield from _above(measured[path], limit, place)
        else:
            yield Excess(path=path, what="has a budget and is not in the bundle", hint=f"correct {place}")
    if budgets.files is not None and (count := len(manifest.artifacts)) > budgets.files:
        yield Excess(
            path=TOTAL, what=f"{count} files, at most {budgets.files} are allowed", hint="raise [budgets] files"
        )
    if budgets.growth_percent is not None and before is not None:
        for entry in manifest.entries:
            yield from _grown(measured[entry.path], budgets.growth_percent, before.version)


def _above(size: Size, limit: Limit, place: str) -> Iterator[Excess]:
    allowed: Mapping[Measure, int | None] = {"bytes": limit.bytes, "gzip": limit.gzip, "brotli": limit.brotli}
    for measure, most in allowed.items():
        if most is not None and (now := size.now[measure]) > most:
            yield Excess(
                path=size.path,
                what=f"{now:,} {_WORDS[measure]}, {now - most:,} above its budget of {most:,}",
                hint=f"make it smaller, or raise {measure} in {place}",
            )


def _grown(size: Size, percent: int, version: str) -> Iterator[Excess]:
    if size.before is None:
        return
    was, now = size.before["brotli"], size.now["brotli"]
    if now * 100 > was * (100 + percent):
        yield Excess(
            path=size.path,
            what=f"{now:,} bytes with brotli, {(now - was) * 100 / was:.1f} % more than the {was:,} of {version}",
            hint=f"{percent} % are allowed: make it smaller, or raise [budgets] growth-percent for this release",
        )


def _measures(artifact: Artifact) -> Mapping[Measure, int]:
    return {"bytes": artifact.bytes, "gzip": artifact.gzip_bytes, "brotli": artifact.brotli_bytes}


def _sum(manifest: Manifest) -> Mapping[Measure, int]:
    all_ = [_measures(artifact) for artifact in manifest.artifacts]
    return {measure: sum(one[measure] for one in all_) for measure in MEASURES}
