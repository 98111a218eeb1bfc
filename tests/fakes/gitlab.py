"""What GitLab makes of configuration files: inputs, include, extends and rules (https://docs.gitlab.com/ci/yaml/)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import yaml

Config = dict[str, Any]

_INPUT: Final = r"\$\[\[ inputs\.([a-z-]+) ]]"
_NOT_JOBS: Final = frozenset({"include", "stages", "variables", "default", "workflow"})


def documents(file: Path) -> tuple[Config, Config]:
    """Give a file's `spec` and its body."""
    found = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    return (found[0]["spec"], found[1]) if len(found) > 1 else ({}, found[0])


def inputs_used(body: object) -> set[str]:
    return set(re.findall(_INPUT, str(body)))


def configuration(root: Path, path: str, given: Mapping[str, object]) -> Config:
    """Give a file's body with its inputs put in, merged over all that it includes from the same project.

    Raises:
        ValueError: an input is missing, unknown or refused.
    """
    header, body = documents(root / path.removeprefix("/"))
    whole = cast("Config", _put_in(body, _accepted(header.get("inputs", {}), given)))
    config: Config = {}
    for item in whole.pop("include", []):
        config = _merge(config, configuration(root, item["local"], item.get("inputs", {})))
    return _merge(config, whole)


def jobs(config: Config) -> dict[str, Config]:
    """Give the jobs of a configuration, each with all that it extends."""

    def whole(name: str) -> Config:
        job = dict(config[name])
        parents = job.pop("extends", [])
        result: Config = {}
        for parent in [parents] if isinstance(parents, str) else parents:
            result = _merge(result, whole(parent))
        return _merge(result, job)

    return {name: whole(name) for name in config if not name.startswith(".") and name not in _NOT_JOBS}


def started(found: Mapping[str, Config], variables: Mapping[str, str]) -> dict[str, str]:
    """Give the jobs that a pipeline with these variables has, each with its `when`."""
    pipeline = {}
    for name, job in found.items():
        for rule in job["rules"]:
            if all(_holds(term, variables) for term in rule["if"].split(" && ")) if "if" in rule else True:
                pipeline[name] = rule.get("when", job.get("when", "on_success"))
                break
    return {name: when for name, when in pipeline.items() if when != "never"}


def lines(job: Config) -> list[str]:
    """Give the commands that a job's shell runs, in order."""

    def flat(value: object) -> Iterator[str]:
        if isinstance(value, list):
            for item in value:
                yield from flat(item)
        else:
            yield str(value)

    return [*flat(job.get("before_script", [])), *flat(job["script"])]


def needs(job: Config, *, with_artifacts: bool = False) -> list[str]:
    """Give the jobs that a job waits for, or only those whose files it gets."""
    found = [{"job": need} if isinstance(need, str) else need for need in job.get("needs", [])]
    return [need["job"] for need in found if need.get("artifacts", True) or not with_artifacts]


def _accepted(specs: Mapping[str, Config], given: Mapping[str, object]) -> Config:
    if unknown := set(given) - set(specs):
        raise ValueError(f"unknown inputs: {unknown}")
    values = {name: spec["default"] for name, spec in specs.items() if "default" in spec} | dict(given)
    if missing := set(specs) - set(values):
        raise ValueError(f"missing inputs: {missing}")
    for name, spec in specs.items():
        if not isinstance(values[name], list if spec.get("type") == "array" else str):
            raise ValueError(f"{name} has another type")  # noqa: TRY004 - GitLab has one error for all
        if "regex" in spec and not re.search(spec["regex"], values[name]):
            raise ValueError(f"{name} may not be {values[name]!r}")
    return values


def _put_in(value: object, inputs: Config) -> object:
    match value:
        case dict():
            return {str(_put_in(key, inputs)): _put_in(item, inputs) for key, item in value.items()}
        case list():
            return [_put_in(item, inputs) for item in value]
        case str() if whole := re.fullmatch(_INPUT, value):
            return inputs[whole[1]]
        case str():
            return re.sub(_INPUT, lambda found: str(inputs[found[1]]), value)
        case _:
            return value


def _merge(under: Config, over: Config) -> Config:
    both = {
        key: _merge(under[key], item) if isinstance(under.get(key), dict) and isinstance(item, dict) else item
        for key, item in over.items()
    }
    return under | both


def _holds(term: str, variables: Mapping[str, str]) -> bool:
    """Evaluate one term of a condition (https://docs.gitlab.com/ci/jobs/job_rules/)."""
    if literal := re.fullmatch(r'"([^"$]*)" == "([^"$]*)"', term):
        return literal[1] == literal[2]
    if unlike := re.fullmatch(r'"([^"$]*)" != "([^"$]*)"', term):
        return unlike[1] != unlike[2]
    found = re.fullmatch(r'\$(\w+)(?: == "([^"]*)"| =~ /(.+)/)?', term)
    if not found:
        raise ValueError(f"no known condition: {term}")
    value = variables.get(found[1], "")
    if found[2] is not None:
        return value == found[2]
    return re.search(found[3], value) is not None if found[3] else bool(value)
