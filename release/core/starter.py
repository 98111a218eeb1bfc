"""The first release.toml of a library, from what its package.json says."""

import json
import re
from typing import Any, Final

from release.core.layout import LIBRARY, PATH

_DEFAULT: Final = "my-library"


def library_name(package: dict[str, Any]) -> str:
    """Make a library name of a package name: the scope goes, odd characters become dashes."""
    bare = str(package.get("name", "")).rpartition("/")[2].lower()
    name = re.sub(r"[^a-z0-9._-]+", "-", bare).strip("-._")[:64]
    return name if re.fullmatch(LIBRARY, name) else _DEFAULT


def bucket_name(library: str, ending: str) -> str:
    """Make a bucket name: 3 to 63 of a-z, 0-9, '.' and '-' (Amazon S3 user guide, "Bucket naming rules")."""
    room = 63 - len(ending)
    return re.sub(r"[^a-z0-9-]", "-", library)[:room].strip("-") + ending


def release_toml(package: dict[str, Any], *, branch: str, bucket: str = "") -> str:
    """Write a release.toml that is right but for the names only its owner knows.

    Args:
        package: the parsed package.json.
        branch: the protected branch.
        bucket: the site bucket if it is known.
    """
    name = library_name(package)
    own_build = isinstance(scripts := package.get("scripts"), dict) and "build" in scripts
    build = _own_build(package) if own_build else _default_build(package)
    repository = _repository(package)
    return f"""# How {name} is released. Every name is explained by: release config schema

[library]
name = {_text(name)}
protected-branch = {_text(branch)}
{f"repository = {_text(repository)}" if repository else '# repository = "https://gitlab.example.com/group/project"'}

[site]
bucket = {_text(bucket or bucket_name(name, "-site"))}          # the S3 bucket behind the CDN
region = "eu-west-1"
url = "https://cdn.example.com"     # what customers load, without the library's name

[distribution]
id = "E2EXAMPLE12345"               # the CloudFront distribution in front of the bucket
account = "123456789012"

[log]
bucket = {_text(bucket_name(bucket or name, "-release-log"))}    # a bucket of its own, with Object Lock
origin = {_text(f"releases.example.com/log/{name}")}
# key = "..."                       # signs the log: 'release log key FILE' makes it and prints this line

[approvals]
required = false                    # releases need nobody's signature; to change that: release trust propose

{build}
[cache]
max-age = 300                       # seconds a browser may keep a channel's file
s-maxage = 60                       # seconds the CDN may

# The channels customers load, the most exact first.
[channels."v{{major}}.{{minor}}"]
accepts = "stable"

[channels."v{{major}}"]
accepts = "stable"

[channels.latest]
accepts = "stable"

[channels.next]
accepts = "prerelease"
"""


def _own_build(package: dict[str, Any]) -> str:
    entries = _entries(package) or [f"{library_name(package)}.min.js"]
    return f"""[build]
command = ["npm", "run", "build"]
output = "dist"
entries = {json.dumps(entries)}  # the files pages load
"""


def _default_build(package: dict[str, Any]) -> str:
    named = (_path(package.get(field)) for field in ("source", "module", "main"))
    source = next((path for path in named if path and not path.startswith(("dist/", "node_modules/"))), "src/index.js")
    return f"""[build]                             # no command: rolldown bundles this, to IIFE and ESM
input = {_text(source)}
target = "es2020"
"""


def _entries(package: dict[str, Any]) -> list[str]:
    found = (package.get(field) for field in ("unpkg", "jsdelivr", "browser", "module", "main"))
    paths = (_path(value) for value in found)
    return list(dict.fromkeys(p.removeprefix("dist/") for p in paths if p.startswith("dist/")))


def _path(value: object) -> str:
    path = value.removeprefix("./") if isinstance(value, str) else ""
    return path if re.fullmatch(PATH, path, re.ASCII) else ""


def _repository(package: dict[str, Any]) -> str:
    found = package.get("repository")
    url = found.get("url") if isinstance(found, dict) else found
    match = re.fullmatch(r"(?:git\+)?(https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._-]+)+)", str(url or ""))
    return match[1].removesuffix(".git") if match else ""


def _text(value: str) -> str:
    # JSON's text is TOML's too, but for characters beyond U+FFFF written as surrogate pairs.
    return json.dumps(value, ensure_ascii=False)
