import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.childenv import for_build, for_install

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "s",
    "AWS_SESSION_TOKEN": "t",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
    "CI_JOB_TOKEN": "t",
    "RELEASE_KEYS": "/keys",
    "NODE_OPTIONS": "--require /evil.js",
    "SSH_AUTH_SOCK": "/agent",
}
USUAL = {"PATH": "/bin", "TMPDIR": "/tmp/x", "HOME": "/home/ci"}  # noqa: S108 - no file is made


def test_a_build_sees_what_is_fixed_and_nothing_else() -> None:
    assert for_build(USUAL | SECRETS, named=(), commit_time=1_700_000_000) == {
        "PATH": "/bin",
        "TMPDIR": "/tmp/x",  # noqa: S108
        "CI": "true",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NODE_ENV": "production",
        "NO_COLOR": "1",
        "SOURCE_DATE_EPOCH": "1700000000",
    }


def test_a_build_is_the_same_whatever_the_machine_is_set_to() -> None:
    german = {"LANG": "de_DE.UTF-8", "TZ": "Europe/Berlin", "NODE_ENV": "development", "SOURCE_DATE_EPOCH": "1"}
    assert for_build(USUAL | german, named=(), commit_time=5) == for_build(USUAL, named=(), commit_time=5)


def test_a_build_sees_the_variables_that_release_toml_names() -> None:
    seen = for_build({"THEME": "dark", "OTHER": "x"}, named=("THEME", "ABSENT"), commit_time=0)
    assert seen["THEME"] == "dark"
    assert not {"OTHER", "ABSENT"} & set(seen)


@pytest.mark.parametrize("name", SECRETS)
def test_no_key_reaches_an_installation_or_a_build(name: str) -> None:
    assert name not in for_install(SECRETS)
    assert name not in for_build(SECRETS, named=(), commit_time=0)


def test_an_installation_sees_the_network_and_the_registry() -> None:
    network = {"HTTPS_PROXY": "http://proxy:3128", "npm_config_registry": "https://npm.example.com"}
    assert for_install(USUAL | SECRETS | network) == USUAL | network


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=10)), st.lists(st.text(max_size=10)))
def test_only_listed_names_pass(environment: dict[str, str], named: list[str]) -> None:
    fixed = set(for_build({}, named=(), commit_time=0))
    assert set(for_build(environment, named=named, commit_time=0)) <= fixed | set(named) | {
        "PATH",
        "TMPDIR",
        "SYSTEMROOT",
    }
