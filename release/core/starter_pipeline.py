"""The first `.gitlab-ci.yml` of a library, and what else of its repository and project must be set once."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from release.core.config import Config

UNPINNED: Final = "0" * 40
EXAMPLE_IMAGE: Final = "registry.example.com/"
_NO_DIGEST: Final = "@sha256:" + "0" * 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a library's pipeline comes from; what is not known yet is an example that `release doctor` refuses.

    Attributes:
        project: that keeps this program's templates.
        ref: the full commit SHA that was reviewed.
        image: has `release` and git.
        build_image: has Node and npm too.
        runner_tags: of the runners that take the jobs; any runner if there are none.
    """

    project: str = "tools/release"
    ref: str = UNPINNED
    image: str = f"{EXAMPLE_IMAGE}release{_NO_DIGEST}"
    build_image: str = f"{EXAMPLE_IMAGE}release-node{_NO_DIGEST}"
    runner_tags: tuple[str, ...] = ()


def pipeline_file(config: Config, origin: Origin, *, folder: str) -> str:
    """Write the includes of a library.

    Args:
        config: of the library.
        origin: of the templates.
        folder: of release.toml, with a slash at its end; empty for the repository's root.
    """
    lines = [
        "# How GitLab releases this library; docs/gitlab.md of the program explains each line. Check: release doctor"
    ]
    lines += ["include:"]
    lines += _include(origin, "release", _release_inputs(config, origin, folder), first=True)
    lines += _include(origin, "announce", [("folder", folder)])
    common: list[tuple[str, str | tuple[str, ...]]] = [("library", config.library.name), ("image", "*image")]
    common += [("folder", folder), ("runner-tags", origin.runner_tags)]
    for name in ("audit", "watch", *(["rotate"] if config.keys.kind == "users" else [])):
        lines += _include(origin, name, common)
    return "\n".join(lines) + "\n"


def _include(
    origin: Origin, name: str, inputs: Sequence[tuple[str, str | tuple[str, ...]]], *, first: bool = False
) -> list[str]:
    pin = f"&pin {_text(origin.ref)}  # a full commit SHA that you reviewed: this code runs with your keys"
    lines = [
        f"  - project: {_text(origin.project)}",
        f"    ref: {pin if first else '*pin'}",
        f"    file: /pipelines/{name}.yml",
    ]
    given = [f"      {key}: {_text(value)}" for key, value in inputs if value]
    return [*lines, *(["    inputs:", *given] if given else [])]


def _release_inputs(config: Config, origin: Origin, folder: str) -> list[tuple[str, str | tuple[str, ...]]]:
    prefix = config.library.tag_prefix
    changed: dict[str, str | tuple[str, ...]] = {
        "folder": folder,
        "runner-tags": origin.runner_tags,
        "output": "" if config.build.output == "dist" else config.build.output,
        "tags": "" if prefix == "v" else tag_pattern(prefix),
        "authorize": "manual" if config.approvals.required else "",
    }
    named = [("library", config.library.name), ("image", f"&image {origin.image}"), ("build-image", origin.build_image)]
    return [*named, *changed.items()]


def tag_pattern(prefix: str) -> str:
    """Give GitLab's pattern (RE2) of the tags that begin with a prefix and a digit."""
    return f"/^{re.escape(prefix).replace('/', chr(92) + '/')}[0-9]/"


def ignored(config: Config, *, there: str) -> list[str]:
    """Give the lines that .gitignore still lacks: what stages leave, what the build makes and installs."""
    has = {line.strip().strip("/") for line in there.splitlines()}
    return [f"{name}/" for name in (".release", config.build.output, "node_modules") if name not in has]


def checklist(config: Config) -> list[str]:
    """Say, shortly, what to set in GitLab; `release doctor` looks whether it is."""
    kind = "AWS_ROLE_ARN" if config.keys.kind == "roles" else "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return [
        f"Settings > Repository > Protected tags: {config.library.tag_prefix}*, created by those who may release",
        f"Settings > Repository > Branch rules: protect {config.library.protected_branch}, no force push",
        "Settings > CI/CD > Protected environments (Premium): release/publish, release/record, release/promote, ...",
        f"Settings > CI/CD > Variables: {kind} of each stage with its scope: release keys provision --gitlab",
        "Settings > CI/CD > Variables: RELEASE_LOG_KEY_FILE, type File, scope release/record, protected",
        "Settings > CI/CD > Variables > Minimum role to use pipeline variables: Maintainer, for rollbacks",
        "Build > Pipeline schedules: daily with RELEASE_AUDIT=1, hourly with RELEASE_WATCH=1",
    ]


def _text(value: str | tuple[str, ...]) -> str:
    """Quote a value as YAML and JSON both read it; an anchor stays before it, and a reference is none."""
    if isinstance(value, tuple):
        return json.dumps(value)
    if value == "*image":
        return value
    anchor, _, rest = value.partition(" ") if value.startswith("&") else ("", "", value)
    return f"{anchor} {json.dumps(rest)}".strip()
