import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.adapters import resources
from release.core.caching import ChannelLifetime
from release.core.channels import Channel
from release.core.config import Config, is_safe_url, is_secret_name, json_schema, parse
from release.core.layout import LogLayout, SiteLayout
from release.errors import ConfigError
from tests.fakes import examples

BASE = """\
[library]
name = "tag"

[site]
bucket = "site"
region = "eu-west-1"
url = "https://cdn.example.com"

[distribution]
id = "E2EXAMPLE12345"

[log]
bucket = "release-log"
origin = "log.example.com/tag"
key = "KEY"
""".replace("KEY", examples.SIGNER.key.vkey)
HINT = "'release config schema' prints every name that is allowed"


def changed(old: str, new: str) -> str:
    assert BASE.count(old) == 1
    return BASE.replace(old, new)


def added(text: str) -> str:
    return f"{BASE}\n{text}\n"


NO_CHANNEL = "is not a channel's name: a letter, then a-z, 0-9, '.' and '-'; 'channels' is taken"

# What no single value can tell is for the program only; all else the JSON Schema refuses too.
BAD_SHAPES = {
    "misspelt name": (
        changed('name = "tag"', 'nmae = "tag"'),
        [
            "2: library.nmae: unknown name; did you mean 'name'?",
            "1: library.name: is missing: First part of every URL.",
        ],
    ),
    "misspelt table": (
        changed("[site]", "[sight]"),
        ["4: sight: unknown name; did you mean 'site'?", "1: site: is missing"],
    ),
    "name like no other": (added("[monitoring]\nevery = 5"), ["17: monitoring: unknown name"]),
    "name with an underscore": (
        added("[cache]\nmax_age = 5"),
        ["18: cache.max_age: unknown name; did you mean 'max-age'?"],
    ),
    "number for text": (changed('"tag"', "5"), ["2: library.name: must be text, is a whole number"]),
    "text for a number": (
        changed("[log]", 'wait-seconds = "5"\n[log]'),
        ["12: distribution.wait-seconds: must be a whole number, is text"],
    ),
    "boolean for a number": (
        added("[cache]\nmax-age = true"),
        ["18: cache.max-age: must be a whole number, is true or false"],
    ),
    "fraction for a number": (
        added("[cache]\nmax-age = 0.5"),
        ["18: cache.max-age: must be a whole number, is a float"],
    ),
    "text for a list": (added('[build]\nformats = "esm"'), ["18: build.formats: must be a list, is text"]),
    "number for a boolean": (
        added("[build]\nsource-maps = 1"),
        ["18: build.source-maps: must be true or false, is a whole number"],
    ),
    "text for a table": ('build = "make"\n' + BASE, ["1: build: must be a table, is text"]),
    "list for a table": (added("[[cache]]\nmax-age = 5"), ["1: cache: must be a table, is a list"]),
    "unknown format": (
        added('[build]\nformats = [\n  "iife",\n  "es",\n]'),
        ["18: build.formats[1]: must be one of iife, esm; did you mean 'esm'?"],
    ),
    "no format": (added("[build]\nformats = []"), ["18: build.formats: must have at least 1 item(s)"]),
    "too long a cache": (added("[cache]\ns-maxage = 86401"), ["18: cache.s-maxage: must be at most 86400"]),
    "library's name": (
        changed('"tag"', '"Tag/1"'),
        ["2: library.name: 'Tag/1' is not a name of a-z, 0-9, '.', '_' and '-'"],
    ),
    "bucket's name": (changed('"site"', '"site/js"'), ["5: site.bucket: 'site/js' is not a bucket name"]),
    "region": (changed('"eu-west-1"', '"Ireland"'), ["6: site.region: 'Ireland' is not an AWS region"]),
    "not a URL": (changed("https://cdn", "cdn"), ["7: site.url: 'cdn.example.com' is not a URL"]),
    "password in a URL": (
        changed("https://cdn", "https://me:secret@cdn"),
        ["7: site.url: 'https://me:secret@cdn.example.com' is not a URL"],
    ),
    "prefix without a slash": (
        changed("region", 'prefix = "js"\nregion'),
        ["6: site.prefix: 'js' is not a prefix that ends with a slash"],
    ),
    "output that climbs": (
        added('[build]\noutput = "../dist"'),
        ["18: build.output: '../dist' is not a relative path of plain names"],
    ),
    "distribution": (
        changed("E2EXAMPLE12345", "d111.cloudfront.net"),
        ["10: distribution.id: 'd111.cloudfront.net' is not a distribution id such as E2EXAMPLE1234"],
    ),
    "an origin that no log entry can hold": (
        changed('origin = "log.example.com/tag', 'origin = "' + "l" * 201),
        ["14: log.origin: is longer than 200 characters"],
    ),
    "misspelt kind of version": (
        added('[channels.latest]\naccepts = "stabel"'),
        ["18: channels.latest.accepts: must be one of stable, prerelease, any; did you mean 'stable'?"],
    ),
    "kind in an inline table": (
        added('[channels]\nlatest = { accepts = "all" }'),
        ["18: channels.latest.accepts: must be one of stable, prerelease, any"],
    ),
    "kind with a dotted name": (
        added('[channels]\nlatest.accepts = "all"'),
        ["18: channels.latest.accepts: must be one of stable, prerelease, any"],
    ),
    "kind of a quoted channel": (
        added('[channels."v{major}.{minor}"] # exact\naccepts = "all"'),
        ["18: channels.v{major}.{minor}.accepts: must be one of stable, prerelease, any"],
    ),
}
BAD_TOGETHER = {
    "plain HTTP": (
        changed("https:", "http:"),
        ["7: site.url: must be https: only a loopback address may be plain"],
    ),
    "plain HTTP endpoint": (
        changed("region", 'endpoint = "http://localhost.example.com"\nregion'),
        ["6: site.endpoint: must be https: only a loopback address may be plain"],
    ),
    "one bucket for both": (
        changed('"release-log"', '"site"'),
        ["13: log.bucket: must not be the site's bucket: other rules protect it"],
    ),
    "variables that hold secrets": (
        added('[build]\nenvironment = ["THEME", "NPM_TOKEN", "AWS_PROFILE"]'),
        [
            "18: build.environment[1]: NPM_TOKEN is a credential: the build never sees one",
            "18: build.environment[2]: AWS_PROFILE is a credential: the build never sees one",
        ],
    ),
    "a command without entries": (
        added('[build]\ncommand = ["make"]'),
        ["17: build.entries: is missing: name the files pages load from your build"],
    ),
    "names that are no channel": (
        added('[channels.latest]\n[channels.Beta]\n[channels."{major}"]\n[channels.channels]'),
        [f"{line}: channels.{name}: {NO_CHANNEL}" for line, name in ((18, "Beta"), (19, "{major}"), (20, "channels"))],
    ),
    "a line shared by two": (
        added('[channels."v{minor}"]'),
        ["17: channels.v{minor}: has {minor} without {major}: two lines would share it"],
    ),
    "no channel": (added("[channels]"), ["17: channels: declares no channel: nobody could load a release"]),
    "problems of two kinds of place": (
        changed("https:", "http:").replace('"release-log"', '"site"'),
        [
            "13: log.bucket: must not be the site's bucket: other rules protect it",
            "7: site.url: must be https: only a loopback address may be plain",
        ],
    ),
}


@pytest.mark.parametrize(
    ("text", "lines"), [*BAD_SHAPES.values(), *BAD_TOGETHER.values()], ids=[*BAD_SHAPES, *BAD_TOGETHER]
)
def test_a_bad_file_is_refused_with_every_problem_and_its_line(text: str, lines: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode())
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert caught.value.message == f"release.toml has {count}\n" + "\n".join(f"  release.toml:{line}" for line in lines)
    assert caught.value.hint == HINT


def test_an_empty_file_lacks_every_table_that_is_needed() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(b"", file="lib/release.toml")
    assert caught.value.message == (
        "lib/release.toml has 3 problems\n"
        "  lib/release.toml:1: library: is missing\n"
        "  lib/release.toml:1: site: is missing\n"
        "  lib/release.toml:1: log: is missing"
    )


NOT_TOML = {
    "cut off": (
        BASE + "[build",
        "is not valid TOML: Expected ']' at the end of a table declaration (at end of document)",
    ),
    "a name twice": (BASE + "origin = 'x'", "is not valid TOML: Cannot overwrite a value"),
    "thousands of levels": ("a = " + "[" * 9999, "is not valid TOML: "),
    "too large": (BASE + "#" * (262_145 - len(BASE)), "is 262145 bytes long, at most 262144 are read"),
}


@pytest.mark.parametrize(("text", "message"), NOT_TOML.values(), ids=NOT_TOML.keys())
def test_what_is_not_toml_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode())
    assert caught.value.message.startswith(f"release.toml {message}")


def test_what_is_not_utf_8_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^release\.toml is not valid TOML: 'utf-8' codec"):
        parse(BASE.encode() + b"# \xff")


def test_what_is_not_said_has_a_good_default() -> None:
    config = parse(BASE.encode())
    assert list(config.channels) == ["v{major}.{minor}", "v{major}", "latest", "next"]
    assert config.cache.lifetime == ChannelLifetime(browser=300, shared=60)
    assert config.build.install == ("npm", "ci", "--ignore-scripts")
    assert config.layout == SiteLayout(prefix="", library="tag")
    assert config.log_layout == LogLayout(prefix="tag/")


def test_the_log_may_have_a_bucket_to_itself() -> None:
    assert examples.config(log={"prefix": ""}).log_layout == LogLayout(prefix="")


def test_declared_channels_replace_the_default_ones() -> None:
    text = added('[channels.stable]\n[channels.canary]\naccepts = "any"')
    assert parse(text.encode()).channels == {"stable": Channel(accepts="stable"), "canary": Channel(accepts="any")}


def example_files() -> dict[str, bytes]:
    examples_folder = Path(__file__).parents[2] / "examples"
    return {folder.name: resources.example(folder.name)["release.toml"] for folder in examples_folder.iterdir()}


@pytest.mark.parametrize("text", example_files().values(), ids=example_files().keys())
def test_the_shipped_examples_are_good(text: bytes) -> None:
    parse(text)
    SCHEMA.validate(tomllib.loads(text.decode()))


SCHEMA = jsonschema.Draft202012Validator(json_schema())


def test_the_json_schema_is_a_json_schema_that_describes_itself() -> None:
    SCHEMA.check_schema(SCHEMA.schema)
    assert SCHEMA.schema["$id"] == "urn:js-release:config:v1"
    assert SCHEMA.schema["properties"]["library"]["properties"]["name"]["description"] == "First part of every URL."


@pytest.mark.parametrize(("text", "lines"), BAD_SHAPES.values(), ids=BAD_SHAPES.keys())
def test_the_json_schema_refuses_the_same_files(text: str, lines: list[str]) -> None:
    assert lines
    assert not SCHEMA.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("text", [BASE, *(text for text, _ in BAD_TOGETHER.values())], ids=["base", *BAD_TOGETHER])
def test_the_json_schema_refuses_nothing_else(text: str) -> None:
    assert SCHEMA.is_valid(tomllib.loads(text))


tables: dict[str, Any] = {
    "library": 'name = "tag"',
    "site": 'bucket = "site"\nregion = "eu-west-1"\nurl = "https://cdn.example.com"',
    "distribution": 'id = "E2EXAMPLE12345"',
    "log": f'bucket = "release-log"\norigin = "log.example.com/tag"\nkey = "{examples.SIGNER.key.vkey}"',
    "build": 'install = [\n  "npm",\n  "ci",\n]\nsource-maps = true',
    "cache": "max-age = 5",
    'channels."v{major}"': 'accepts = "stable"',
    "channels.latest": 'accepts = "stable"',
}


@given(
    order=st.permutations(list(tables)),
    wrong=st.sampled_from(list(tables)),
    gap=st.sampled_from(["", "\n", "# [library]\n# unknown = 1\n", "   # \u00fcber\n", "\r\n"]),
    indent=st.sampled_from(["", "  ", "\t"]),
    quoted=st.booleans(),
)
def test_a_problem_is_told_with_its_line_wherever_it_stands(
    order: list[str], wrong: str, gap: str, indent: str, quoted: bool
) -> None:
    name = '"unknown"' if quoted else "unknown"
    text = "".join(
        f"{gap}{indent}[{table}] # here\n{gap}{tables[table]}\n" + (f"{indent}{name} = 1\n" if table == wrong else "")
        for table in order
    )
    line = text.split("\n").index(f"{indent}{name} = 1") + 1
    with pytest.raises(ConfigError) as caught:
        parse(text.encode())
    place = wrong.replace('"', "")
    assert caught.value.message == (f"release.toml has 1 problem\n  release.toml:{line}: {place}.unknown: unknown name")


def test_only_a_line_end_ends_a_line() -> None:
    """Some programs also break lines at U+2028 and its like; TOML and editors do not."""
    with pytest.raises(ConfigError, match=r"release\.toml:2: nope: unknown name$"):
        parse(f"# one\u2028two\x85three\nnope = 1\n{BASE}".encode())


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://cdn.example.com/js", True),
        ("http://localhost", True),
        ("http://localhost:4566/x", True),
        ("http://127.0.0.1:9000", True),
        ("http://127.9.8.7", True),
        ("http://[::1]:80/", True),
        ("http://cdn.example.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost@example.com", False),
        ("http://example.com/localhost", False),
        ("http://example.com:80/http://127.0.0.1/", False),
        ("http://128.0.0.1", False),
        ("http://0.0.0.0", False),
        ("ftp://localhost", False),
        ("//localhost", False),
        ("http:", False),
        ("", False),
    ],
)
def test_plain_http_is_for_this_machine_only(url: str, safe: bool) -> None:
    assert is_safe_url(url) is safe


SECRET = ["AWS_PROFILE", "NPM_TOKEN", "npm_token", "CI_JOB_TOKEN", "GITHUB_TOKEN", "MY_SECRETS", "DB_PASSWORD"]
SECRET += ["PASSWD", "SSH_PRIVATE_KEY", "API_KEY_2", "SECRET_X", "GOOGLE_APPLICATION_CREDENTIALS", "AWS_"]


@pytest.mark.parametrize("name", SECRET)
def test_a_name_that_usually_holds_a_secret_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["THEME", "NODE_OPTIONS", "TOKENIZER", "KEYBOARD", "CI_COMMIT_TAG", "SECRETARY"])
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)


def test_a_configuration_reads_the_same_from_text_and_from_the_examples() -> None:
    text = BASE.replace('"E2EXAMPLE12345"', '"E2EXAMPLE12345"\naccount = "123456789012"')
    text += "\n[approvals]\nrequired = false\n"
    assert isinstance(parse(text.encode()), Config)
    assert parse(text.encode()) == examples.config()


@pytest.mark.parametrize(
    ("build", "held"),
    [
        ('input = "dist/index.js"', "dist/index.js"),
        ('input = "src/index.js"\noutput = "src"', "src/index.js"),
        ('output = "node_modules/tag"', "node_modules"),
        ('input = "d"', None),
        ('input = "dist.js"', None),
    ],
)
def test_a_build_never_empties_a_folder_that_holds_its_source(build: str, held: str | None) -> None:
    text = added(f"[build]\n{build}").encode()
    if held is None:
        assert parse(text).build.output == "dist"
    else:
        with pytest.raises(ConfigError, match=f"build.output: holds {held}: a build empties its output folder first"):
            parse(text)
