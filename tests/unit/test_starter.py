import tomllib
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release.core.config import BuildSection, Config, json_schema, parse
from release.core.layout import LIBRARY
from release.core.starter import library_name, release_toml
from tests.fakes import examples
from tests.fakes.strategies import PATHS, TEXTS


def started(package: dict[str, Any], *, branch: str = "main", bucket: str = "") -> Config:
    return parse(release_toml(package, branch=branch, bucket=bucket).encode(), keyless=True)


def test_a_library_without_a_build_is_bundled_by_rolldown() -> None:
    config = started({"name": "@acme/visitor-tag", "source": "./src/main.js"})
    assert config.library.name == "visitor-tag"
    assert config.build == BuildSection(input="src/main.js")
    assert (config.site.bucket, config.log.bucket) == ("visitor-tag-site", "visitor-tag-release-log")
    assert config.log.origin == "releases.example.com/log/visitor-tag"
    assert list(config.channels) == ["v{major}.{minor}", "v{major}", "latest", "next"]


def test_a_librarys_own_build_is_used() -> None:
    config = started(
        {
            "name": "tag",
            "scripts": {"build": "make"},
            "unpkg": "./dist/tag.min.js",
            "module": "dist/tag.esm.js",
            "main": "dist/tag.min.js",
        }
    )
    assert config.build.command == ("npm", "run", "build")
    assert config.build.entries == ("tag.min.js", "tag.esm.js")


def test_the_site_bucket_may_be_known() -> None:
    config = started({"name": "tag"}, bucket="acme-cdn")
    assert (config.site.bucket, config.log.bucket) == ("acme-cdn", "acme-cdn-release-log")


def test_all_that_is_written_is_explained_or_a_guess_to_correct() -> None:
    text = release_toml({"name": "tag"}, branch="trunk")
    assert text.startswith("# How tag is released. Every name is explained by: release config schema\n")
    assert '# repository = "https://gitlab.example.com/group/project"\n' in text
    assert 'protected-branch = "trunk"\n' in text


def test_the_json_schema_accepts_what_is_written() -> None:
    text = release_toml({"name": "tag", "scripts": {"build": "make"}}, branch="main")
    value = tomllib.loads(text)
    value["log"]["key"] = examples.SIGNER.key.vkey
    jsonschema.Draft202012Validator(json_schema()).validate(value)


NAMES = {
    "@acme/visitor-tag": "visitor-tag",
    "Tag": "tag",
    "tag.js": "tag.js",
    "my tag!": "my-tag",
    "--tag--": "tag",
    "": "my-library",
    "@acme/": "my-library",
    "\u6a19\u7c64": "my-library",
    "x" * 300: "x" * 64,
}


@pytest.mark.parametrize(("package", "name"), NAMES.items(), ids=[name[:20] for name in NAMES])
def test_a_package_name_becomes_a_librarys_name(package: str, name: str) -> None:
    assert library_name({"name": package}) == name


@pytest.mark.parametrize("name", [None, 5, ["tag"], {}])
def test_a_package_without_a_proper_name_gets_one(name: object) -> None:
    assert started({"name": name}).library.name


REPOSITORIES = {
    "git+https://github.com/acme/tag.git": "https://github.com/acme/tag",
    "https://gitlab.com/acme/web/tag": "https://gitlab.com/acme/web/tag",
    "git@github.com:acme/tag.git": None,
    "github:acme/tag": None,
    "https://user:secret@github.com/acme/tag": None,
    'https://github.com/acme/tag"\nname = "evil': None,
}


@pytest.mark.parametrize(("url", "link"), REPOSITORIES.items())
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_link_to_the_repository_is_taken_if_it_is_one(url: str, link: str | None, wrapped: bool) -> None:
    repository = {"type": "git", "url": url} if wrapped else url
    assert started({"name": "tag", "repository": repository}).library.repository == link


ODD = {
    "a name with an underscore": {"name": "my_tag"},
    "a name of 64 characters": {"name": "x" * 64},
    "a name of one letter": {"name": "x"},
    "a source that climbs": {"name": "tag", "source": "../tag.js"},
    "a source that is absolute": {"name": "tag", "source": "/tag.js"},
    "a source that is this folder": {"name": "tag", "main": "."},
    "an output that climbs": {"name": "tag", "scripts": {"build": "x"}, "main": "dist/../tag.js"},
    "an output that is the folder": {"name": "tag", "scripts": {"build": "x"}, "main": "dist/"},
    "scripts that are none": {"name": "tag", "scripts": None, "main": 5, "repository": []},
}


@pytest.mark.parametrize("package", ODD.values(), ids=ODD.keys())
def test_whatever_a_package_says_the_first_file_is_good(package: dict[str, Any]) -> None:
    started(package)


BRANCHES = {
    "a slash": "release/1.x",
    "a quote": 'it"s',
    "a backslash": "back\\slash",
    "a letter with two dots": "\u00fcber",
    "a picture": "\U0001f680",
}


@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES.keys())
def test_a_branch_is_written_as_it_is_called(branch: str) -> None:
    assert started({"name": "tag"}, branch=branch).library.protected_branch == branch


names = st.from_regex(rf"(@[a-z]+/)?{LIBRARY.replace('._', '.')}", fullmatch=True).map(lambda name: name[:40])
files = PATHS | PATHS.map("./{}".format) | PATHS.map("dist/{}".format) | st.none()


@settings(max_examples=50)
@given(
    name=names,
    build=st.booleans(),
    files=st.fixed_dictionaries(dict.fromkeys(("source", "module", "main", "unpkg"), files)),
    repository=TEXTS,
)
def test_any_usual_package_gets_a_good_first_file(
    name: str, build: bool, files: dict[str, str | None], repository: str
) -> None:
    scripts = {"build": "make"} if build else {}
    config = started({"name": name, "scripts": scripts, "repository": repository, **files})
    assert bool(config.build.command) is build
