"""`.gitlab-ci.yml` as far as it can be understood without GitLab: what it includes, and its own jobs.

https://docs.gitlab.com/ci/yaml/. What is behind an include is not read here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from release.errors import FormatError

FILE: Final = ".gitlab-ci.yml"
LARGEST: Final = 512 * 1024
_GLOBAL: Final = frozenset(
    {"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script"}
    | {"after_script", "spec"}
)

Kind = Literal["project", "local", "component", "remote", "template"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Include:
    """One file that is included: from where, by which name of a version, and with what inputs; a list is one text."""

    kind: Kind
    where: str
    file: str
    ref: str | None
    inputs: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job that stands in the file itself. `rules` are what decides whether it runs; None: nothing of its own."""

    name: str
    rules: tuple[Mapping[str, object], ...] | None
    limited: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CiFile:
    """The file. `runners`: the tags that its `default` asks of a runner."""

    includes: tuple[Include, ...] = ()
    jobs: tuple[Job, ...] = ()
    workflow: tuple[Mapping[str, object], ...] = ()
    runners: tuple[str, ...] = ()


def read_ci_file(body: bytes) -> CiFile:
    """Read the file (FormatError: it is too large, or no YAML with names at its top)."""
    whole = _parsed(body)
    return CiFile(
        includes=tuple(_includes(whole.get("include"))),
        jobs=tuple(_jobs(whole)),
        workflow=_rules(_table(whole.get("workflow")).get("rules")) or (),
        runners=tuple(_texts(_table(whole.get("default")).get("tags"))),
    )


def _parsed(body: bytes) -> Mapping[str, Any]:
    import yaml  # noqa: PLC0415 - one command reads YAML

    class Loader(yaml.SafeLoader):
        """Reads plain data; GitLab's own tags (`!reference`) stand for nothing."""

    Loader.add_constructor(None, lambda _, __: None)
    if len(body) > LARGEST:
        raise FormatError(f"{FILE} has {len(body):,} bytes, at most {LARGEST:,} are read")
    try:
        documents = list(yaml.load_all(body, Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as why:
        line = getattr(getattr(why, "problem_mark", None), "line", None)
        where = f", line {line + 1}" if line is not None else ""
        raise FormatError(f"{FILE} is not YAML{where}", hint="GitLab's pipeline editor shows where") from why
    whole = documents[-1] if documents else None
    if not isinstance(whole, dict):
        raise FormatError(f"{FILE} has no jobs and no includes")
    return _table(whole)


def _includes(found: object) -> Iterator[Include]:
    for item in found if isinstance(found, list) else [found]:
        if isinstance(item, str):
            yield Include(kind="remote" if "://" in item else "local", where="", file=item, ref=None, inputs={})
            continue
        table = _table(item)
        inputs = {name: " ".join(_texts(value)) for name, value in _table(table.get("inputs")).items()}
        if "project" in table:
            ref = _text(table.get("ref")) or None
            for file in _texts(table.get("file")):
                yield Include(
                    kind="project",
                    where=_text(table["project"]),
                    file=file,
                    ref=ref,
                    inputs=inputs,
                )
        elif "component" in table:
            where, _, ref_ = _text(table["component"]).rpartition("@")
            yield Include(kind="component", where=where, file=where.rpartition("/")[2], ref=ref_, inputs=inputs)
        else:
            for kind in ("local", "remote", "template"):
                if kind in table:
                    yield Include(kind=kind, where="", file=_text(table[kind]), ref=None, inputs=inputs)


def _jobs(whole: Mapping[str, Any]) -> Iterator[Job]:
    for name, body in whole.items():
        table = _extended(whole, name, 10)
        if name.startswith(".") or name in _GLOBAL or not isinstance(body, dict):
            continue
        if not {"script", "trigger", "extends", "run"} & set(table):
            continue  # only changes a job that an include brings
        yield Job(name=name, rules=_rules(table.get("rules")), limited=bool({"only", "except"} & set(table)))


def _extended(whole: Mapping[str, Any], name: str, deepest: int) -> dict[str, Any]:
    table = _table(whole.get(name))
    result: dict[str, Any] = {}
    for parent in _texts(table.get("extends")) if deepest else ():
        result |= _extended(whole, parent, deepest - 1)
    return result | table


def _rules(found: object) -> tuple[Mapping[str, object], ...] | None:
    return tuple(_table(rule) for rule in found) if isinstance(found, list) else None


def _texts(found: object) -> list[str]:
    return [text for item in (found if isinstance(found, list) else [found]) if (text := _text(item))]


def _text(value: object) -> str:
    """Give a text or number; of what is nested nothing is printed, since aliases can make it without end."""
    return str(value) if isinstance(value, str | int) else ""


def _table(value: object) -> dict[str, Any]:
    return {_text(name): item for name, item in value.items()} if isinstance(value, dict) else {}
