import json
from typing import Any, Final

import pytest

from release.core.config import Config
from release.core.customer import is_customer_file, of_customer, parse_customer
from release.core.tlog.note import parse_vkey
from release.errors import ConfigError
from tests.fakes import examples

FILE: Final = "customers/acme.toml"


def config(**customers: Any) -> Config:  # noqa: ANN401 - as in a file
    return examples.config(customers=customers)


def text(more: str = "", of: str = "../release.toml") -> bytes:
    return f'customer-of = "{of}"\n{more}'.encode()


def test_a_customers_file_is_named_after_the_customer() -> None:
    body = text(
        'features = ["chat"]\n[labels]\ntier = "gold"\n[configuration]\nsite = "acme-42"\nlimits = [1, 2.5, true]\n'
    )
    acme = parse_customer(body, file=FILE)
    assert (acme.name, acme.file.features, acme.file.labels) == ("acme", ("chat",), {"tier": "gold"})
    assert acme.configuration_text == '{"limits":[1,2.5,true],"site":"acme-42"}'


def test_the_same_values_give_the_same_configuration_in_any_order() -> None:
    first = parse_customer(text("[configuration]\na = 1\nb = {d = 1, c = 2}\n"), file=FILE)
    second = parse_customer(text("[configuration]\nb = {c = 2, d = 1}\na = 1\n"), file=FILE)
    assert first.configuration_text == second.configuration_text


def test_a_file_says_itself_that_it_is_a_customers() -> None:
    assert is_customer_file(text())
    assert is_customer_file(b'# first\n "customer-of"="../x"')
    assert not is_customer_file(b'[library]\nname = "customer-of"\n')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "customer-of: is missing"),
        (b"\xff", "not valid TOML"),
        (text(of="/etc/passwd"), "is not the way to the library's release.toml"),
        (text(of="../../../../../release.toml"), "is not the way"),
        (text(of="../a/../release.toml"), "is not the way"),
        (text('tier = "gold"'), "tier: unknown name"),
        (text("[pins]\nlatest = 1"), "pins.latest: must be text"),
        (text('[pins]\nlatest = "newest"'), "is not a version"),
        (text('[pins]\n"../x" = "1.0.0"'), "is not a channel"),
        (text('[labels]\nTier = "gold"'), "is not a label"),
        (text("[configuration]\nsince = 2026-11-25"), "configuration.since: JSON has no date"),
        (text("[configuration]\nn = nan"), "configuration.n: nan is no number"),
        (text("[configuration]\nn = 9007199254740992"), "is no number that browsers read as it is"),
        (text("configuration = 3"), "configuration: must be a table"),
        (text("[configuration]\na = " + "[" * 40 + "]" * 40), "is nested more than"),
        (text('[configuration]\na = "' + "x" * 70_000 + '"'), "the configuration has"),
        (text("# " + "x" * 300_000), "at most 262,144 are read"),
    ],
)
def test_what_is_no_customers_file_is_refused_with_its_place(body: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_customer(body, file=FILE)
    assert said in caught.value.message
    assert FILE in caught.value.message


@pytest.mark.parametrize("name", ["", "Acme", "a/b", "..", "a.b", "-a", "x" * 64])
def test_a_name_that_cannot_be_a_customers_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no customer's name"):
        parse_customer(text(), file=f"customers/{name.replace('/', '_')}.toml" if name else "customers/.toml")


def test_a_customers_variant_has_a_place_and_a_log_of_its_own() -> None:
    own = of_customer(config(features=["chat"]), parse_customer(text(), file=FILE))
    assert own.layout.root == "tag/customers/acme/"
    assert own.log_layout.prefix == "tag/customers/acme/"
    assert own.log.origin == f"{config().log.origin}/customers/acme"
    assert own.build.output == ".release/customers/acme/dist"


def test_a_customers_log_is_signed_by_the_librarys_key_under_a_name_of_its_own() -> None:
    shared = parse_vkey(config().log.key)
    keys = [
        parse_vkey(of_customer(config(), parse_customer(text(), file=f"customers/{name}.toml")).log.key)
        for name in ("acme", "zeta")
    ]
    assert {key.public for key in keys} == {shared.public}
    assert len({key.id for key in [shared, *keys]}) == 3
    assert keys[0].name == f"{shared.name}/customers/acme"


def test_a_customer_may_have_lists_of_its_own_in_the_place_of_the_librarys() -> None:
    shared = examples.config(customers={}, domains={"connect": ["api.example.com"]})
    own = of_customer(shared, parse_customer(text('[domains]\nconnect = ["api.acme.example"]\n'), file=FILE))
    assert own.domains.connect == ("api.acme.example",)
    assert of_customer(shared, parse_customer(text(), file=FILE)).domains == shared.domains
    with pytest.raises(ConfigError, match=r"domains\.connect"):
        parse_customer(text('[domains]\nconnect = ["10.0.0.1"]\n'), file=FILE)


def test_a_feature_must_be_one_of_the_librarys() -> None:
    body = text('features = ["chta"]')
    with pytest.raises(ConfigError, match="has the feature 'chta'"):
        of_customer(config(features=["chat"]), parse_customer(body, file=FILE))


def test_a_library_without_customers_or_of_one_customer_has_none() -> None:
    with pytest.raises(ConfigError, match=r"no \[customers\]"):
        of_customer(examples.config(), parse_customer(text(), file=FILE))


def test_a_configuration_is_never_other_than_what_the_file_says() -> None:
    values = {"__proto__": {"x": 1}, "a": "</script><!--", "b": "\u2028\u2029", "c": "'\"`${x}\\"}
    lines = "".join(f"{json.dumps(key)} = {_toml(value)}\n" for key, value in values.items())
    acme = parse_customer(text("[configuration]\n" + lines), file=FILE)
    assert json.loads(acme.configuration_text) == values


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
