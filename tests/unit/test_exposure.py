"""Every secret here is made up; they are put together so that other people's scanners do not find them."""

import random
import string
from typing import Final

import pytest

from release.core.exposure import MOST, MOST_SIGNS, Exposed, randomness, scan

LETTERS: Final = string.ascii_letters + string.digits


def made_up(count: int, letters: str = LETTERS) -> str:
    return "".join(random.Random(count).choices(letters, k=count))  # noqa: S311 - no secret


SECRETS: Final = {
    "an AWS access key id": "AKIA" + made_up(16, string.ascii_uppercase + "234567"),
    "a GitHub token": "ghp" + "_" + made_up(36),
    "a GitHub token, fine-grained": "github" + "_pat_" + made_up(82),
    "a GitLab token": "glpat" + "-" + made_up(20),
    "a Slack token": "xoxb" + "-" + made_up(24, string.digits),
    "a Slack webhook": "hooks.slack" + ".com/services/T" + "ABCDEFGH/B" + "ABCDEFGH/" + made_up(24),
    "a Stripe secret key": "sk" + "_live_" + made_up(24),
    "a Google API key": "AIza" + made_up(35),
    "an npm token": "npm" + "_" + made_up(36),
    "a PyPI token": "pypi" + "-AgEIcHlwaS5vcmc" + made_up(60),
    "a SendGrid key": "SG" + "." + made_up(22) + "." + made_up(43),
    "a signed token (JWT)": "eyJ" + made_up(20) + ".eyJ" + made_up(40) + "." + made_up(43),
    "a private key": "-----BEGIN" + " RSA PRIVATE KEY-----",
}


def only(text: str, *, maps: bool = False) -> Exposed:
    found = scan("tag.min.js", text.encode(), maps=maps)
    assert len(found) == 1
    return found[0]


def kinds(text: str) -> list[str]:
    return [found.kind for found in scan("tag.min.js", text.encode(), maps=False)]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("around", ['var a="{}";', "const b='{}',c=1", "// {}\n", "f(`{}`)", "{}"])
def test_a_token_is_found_by_its_form_and_never_repeated(name: str, around: str) -> None:
    text = around.format(SECRETS[name])
    found = only(text)
    assert found.kind == "secret"
    assert name.partition(",")[0] in found.what
    assert found.offset == text.index(SECRETS[name])
    assert SECRETS[name][5:] not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        'apiKey:"{}"',
        "api_key='{}'",
        '"clientSecret":"{}"',
        "PASSWORD = `{}`",
        'headers["x-auth-token"]="{}"',
        'var accessTokenProd="{}"',
    ],
)
def test_what_is_named_like_a_secret_and_is_random_is_one(text: str) -> None:
    secret = made_up(32)
    found = only(text.format(secret))
    assert (found.kind, secret[5:] in str(found)) == ("secret", False)
    assert found.offset == text.index("{}")


@pytest.mark.parametrize(
    "text",
    [
        'apiKey:"aaaaaaaaaaaaaaaaaaaaaaaa"',
        'password:"short"',
        'key="' + made_up(32) + '"',
        'token_type="Bearer"',
        "var AKIA=1;x.AKIAISNOTAKEY",
        'integrity="sha384-' + made_up(64) + '"',
        'src="https://cdn.example.com/a@2/b.js"',
        'x="https://cdn.example.com:8443/@scope/pkg"',
        "class A{@decorated b(){}}",
        "/** @license MIT */",
        'href="/home/index.html"',
        'a="/builds"',
        'import"./Users.js"',
    ],
)
def test_what_only_looks_a_little_like_one_is_none(text: str) -> None:
    assert kinds(text) == []


def test_a_password_in_an_address_is_found() -> None:
    found = only('fetch("https://robot:hunter22@api.example.com/x")')
    assert found.kind == "password"
    assert "hunter22" not in str(found)


@pytest.mark.parametrize(
    "path",
    [
        "/home/ada/work/tag/src/index.js",
        "/Users/ada/work/tag.ts",
        "C:\\\\Users\\\\ada\\\\tag.js",
        "c:/Users/ada/tag.js",
        "/builds/group/tag/src/a.js",
        "/github/workspace/src/a.js",
        "file:///tmp/tag/a.js",
    ],
)
def test_a_path_of_the_machine_that_built_it_is_found(path: str) -> None:
    found = only(f'throw new Error("{path}: no")')
    assert found.kind == "path"
    assert path[:10] in found.what


@pytest.mark.parametrize(
    "comment", ["//# sourceMappingURL=tag.min.js.map", "/*# sourceMappingURL=data:application/json;base64,e30= */"]
)
def test_a_map_is_found_unless_maps_are_published_on_purpose(comment: str) -> None:
    assert only(f"a();\n{comment}\n").kind == "source-map"
    assert scan("tag.min.js", comment.encode(), maps=True) == []


def test_people_are_found_one_beside_the_other_and_examples_are_no_people() -> None:
    text = "/* ada@lovelace.org,bob@builder.co.uk */ x='you@example.com'; y='a@2x.png'"
    found = scan("tag.min.js", text.encode(), maps=False)
    assert [one.what for one in found] == [
        "an e-mail address: ada@lovelace.org",
        "an e-mail address: bob@builder.co.uk",
    ]


def test_everything_is_found_in_its_order_wherever_it_stands_in_a_long_line() -> None:
    rest = "var x=1;" * 20_000
    text = rest + f'"{SECRETS["an npm token"]}"' + rest + '"/home/ada/src/a.js"' + rest + '"ada@lovelace.org"'
    found = scan("tag.min.js", text.encode(), maps=False)
    assert [one.kind for one in found] == ["secret", "path", "person"]
    assert [one.offset for one in found] == sorted(one.offset for one in found)


def test_a_fingerprint_is_of_the_secret_alone_so_that_it_stays_when_the_file_changes() -> None:
    token = SECRETS["a GitLab token"]
    assert only(f'a="{token}"').fingerprint == only(f"/* moved */ b = '{token}'").fingerprint


def test_a_file_with_too_many_findings_says_so() -> None:
    text = "".join(f"'ada{n}@lovelace.org';" for n in range(MOST + 10))
    found = scan("tag.min.js", text.encode(), maps=False)
    assert len(found) == MOST + 1
    assert found[-1].kind == "more"


@pytest.mark.parametrize("sign", ["@", "://", "key", "AKIA", "eyJ"])
def test_a_file_made_to_cost_time_is_refused_unread(sign: str) -> None:
    assert kinds(sign * (MOST_SIGNS + 1)) == ["more"]


def test_bytes_that_are_no_text_are_read_all_the_same() -> None:
    token = SECRETS["a Google API key"]
    found = scan("tag.min.js", b"\xff\x00\xfe" + token.encode() + b"\x80", maps=False)
    assert [one.kind for one in found] == ["secret"]


def test_randomness_is_shannons() -> None:
    assert randomness(b"aaaa") == 0
    assert randomness(b"abcd") == 2
