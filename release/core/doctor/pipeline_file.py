"""Whether `.gitlab-ci.yml` includes the release pipeline, pinned and for this library, and what else would run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from release.core.config import Config
from release.core.doctor.ci_file import FILE, CiFile, Include, Job
from release.core.doctor.finding import Finding, advice, missing, ok
from release.core.starter_pipeline import EXAMPLE_IMAGE, UNPINNED, tag_pattern

_COMMIT: Final = r"[0-9a-f]{40}|[0-9a-f]{64}"
_VERSION: Final = r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?"
_WITH_KEYS: Final = frozenset({"release", "rollback", "rotate", "audit", "watch"})
# Variables of pipelines that are no release, with the template that has their jobs.
_OTHER_PIPELINES: Final = (
    ("ROLLBACK_CHANNEL", frozenset({"release", "rollback"})),
    ("RELEASE_WATCH", frozenset({"watch"})),
    ("RELEASE_AUDIT", frozenset({"audit"})),
    ("RELEASE_ROTATE", frozenset({"rotate"})),
)


def about_pipeline(config: Config, ci: CiFile, *, folder: str) -> Iterator[Finding]:
    """Judge the file.

    Args:
        config: of the library.
        ci: the file.
        folder: of release.toml, from the repository's root, with a slash at its end; empty for the root.
    """
    mine = sorted(ci.includes, key=lambda include: include.inputs.get("library") == config.library.name)
    ours = {name: include for include in mine if (name := template(include))}  # of several libraries', this one's
    release = ours.get("release")
    if release is None:
        yield missing(
            "include",
            f"{FILE} does not include /pipelines/release.yml",
            "a tag releases nothing",
            "release init prints the lines",
        )
    else:
        yield ok("include", f"{FILE} includes {release.file}")
        yield from _inputs(config, release, folder)
        if not ci.runners and not release.inputs.get("runner-tags"):
            yield advice(
                "runners",
                "any runner of the project may take the jobs with keys",
                "who runs one of them, or a job beside it, can read their keys",
                f"{FILE}: inputs: runner-tags: [...], of protected runners (Settings > CI/CD > Runners)",
            )
    for name, include in sorted(ours.items()):
        yield from _pinned(name, include)
        yield from _library(config, name, include)
    yield from _schedules(config, set(ours))
    yield from _along(ci, set(ours))


def template(include: Include) -> str | None:
    """Name the template of this program that an include is; None if it is none."""
    path = PurePosixPath(include.file)
    known = {"release", "rollback", "rotate", "audit", "watch", "witness", "announce"}
    if include.kind == "component":
        return path.name if path.name in known else None
    return path.stem if path.parent.name == "pipelines" and path.stem in known and path.suffix == ".yml" else None


def _pinned(name: str, include: Include) -> Iterator[Finding]:
    check, why = f"pin of {name}", "this code runs with your keys, and who owns that name can change it"
    mend = f"{FILE}: ref: the full commit SHA that you reviewed"
    if include.kind == "local":
        yield ok(check, "it is a file of this repository")
    elif include.kind in {"remote", "template"}:
        yield missing(check, f"{include.file} is not pinned", why, f"{FILE}: include it by project, file and ref")
    elif include.ref == UNPINNED:
        yield missing(check, "still the example that release init wrote", "GitLab finds no such commit", mend)
    elif include.ref and re.fullmatch(_COMMIT, include.ref):
        yield ok(check, f"at commit {include.ref[:12]}")
    elif include.ref and re.fullmatch(_VERSION, include.ref):
        yield advice(check, f"at the tag {include.ref}", "a tag can be moved; " + why, mend)
    else:
        yield missing(check, f"at {include.ref or 'the newest commit'}, which moves by itself", why, mend)


def _library(config: Config, name: str, include: Include) -> Iterator[Finding]:
    if name in _WITH_KEYS and include.inputs.get("library") != config.library.name:
        yield missing(
            f"inputs of {name}",
            f"library is {include.inputs.get('library')!r}, release.toml says {config.library.name!r}",
            "its jobs are not kept apart from the other jobs of this library",
            f"{FILE}: inputs: library: {config.library.name}",
        )
    for key in ("image", "build-image"):
        image = include.inputs.get(key)
        if image and image.startswith(EXAMPLE_IMAGE):
            mend = f"{FILE}: inputs: {key}: ...@sha256:..."
            yield missing(f"image of {name}", f"{key} is still an example", "there is no such image", mend)
        elif image and not re.search(r"@sha256:[0-9a-f]{64}$", image):
            yield advice(
                f"image of {name}",
                f"{key} {image} is not named by its digest",
                "whoever can push that name has the keys of the jobs in it",
                f"{FILE}: inputs: {key}: ...@sha256:...",
            )


def _inputs(config: Config, release: Include, folder: str) -> Iterator[Finding]:
    wanted = {"folder": folder, "output": config.build.output}
    given = {"folder": "", "output": "dist"} | {k: v for k, v in release.inputs.items() if k in wanted}
    for key, value in wanted.items():
        if given[key] != value:
            yield missing(
                "inputs of release",
                f"{key} is {given[key]!r}, it must be {value!r}",
                "the jobs look for files where there are none",
                f"{FILE}: inputs: {key}: {value}",
            )
    tags = release.inputs.get("tags", "/^v[0-9]/")
    if not _starts(tags, f"{config.library.tag_prefix}1.2.3"):
        yield missing(
            "tags",
            f"tags {tags} does not match {config.library.tag_prefix}1.2.3, as release.toml writes tags",
            "a tag releases nothing",
            f"{FILE}: inputs: tags: {tag_pattern(config.library.tag_prefix)}",
        )
    if config.approvals.required and release.inputs.get("authorize") != "manual":
        yield advice(
            "authorize",
            "releases need approval, and release:authorize starts by itself",
            "it fails in each pipeline until somebody retries it with RELEASE_APPROVAL",
            f"{FILE}: inputs: authorize: manual",
        )


def _starts(pattern: str, tag: str) -> bool:
    """Tell whether GitLab's pattern (RE2 between slashes) matches; what cannot be read does not."""
    if not (len(pattern) > 2 and pattern[0] == pattern[-1] == "/"):  # noqa: PLR2004 - two slashes
        return False
    try:
        return re.search(pattern[1:-1], tag) is not None
    except re.error:
        return False


def _schedules(config: Config, ours: set[str]) -> Iterator[Finding]:
    wanted = {
        "audit": "nobody sees when the bucket, the CDN, the tags or the keys are not what the log says",
        "watch": "uses of a stolen key are not seen",
    }
    if config.keys.kind == "users":
        wanted["rotate"] = "static keys get older than they may"
    for name, why in wanted.items():
        if name not in ours:
            yield advice(
                name, f"/pipelines/{name}.yml is not included", why, "docs/gitlab.md: include it, and make its schedule"
            )


def _along(ci: CiFile, ours: set[str]) -> Iterator[Finding]:
    for variable, templates in _OTHER_PIPELINES:
        if not templates & ours or _ends(ci.workflow, variable):
            continue
        along = [job.name for job in ci.jobs if not _stays_away(job, variable)]
        if along:
            yield advice(
                "jobs that run along",
                f"with {variable} set, these of your jobs seem to start too: {', '.join(along[:10])}",
                "they delay a rollback or a check, and when they fail it looks as if that failed",
                f"{FILE}: their first rule: {{if: ${variable}, when: never}}",
            )


def _stays_away(job: Job, variable: str) -> bool:
    """Tell whether a job does not start in a pipeline with this variable; no rule at all starts it."""
    if job.rules is None:
        return job.limited  # only and except: what they mean here is not judged
    return _ends(job.rules, variable) or not any("if" not in rule for rule in job.rules)


def _ends(rules: Sequence[Mapping[str, object]], variable: str) -> bool:
    """Tell whether a rule says `never` for this variable, before any rule that always holds."""
    for rule in rules:
        said, never = rule.get("if"), rule.get("when") == "never"
        if said is None:
            return never
        condition = said.strip() if isinstance(said, str) else ""
        on_tags = variable == "ROLLBACK_CHANNEL" and condition == "$CI_COMMIT_TAG"
        scheduled = variable != "ROLLBACK_CHANNEL" and condition == '$CI_PIPELINE_SOURCE == "schedule"'
        if never and (condition == f"${variable}" or on_tags or scheduled):
            return True
    return False
