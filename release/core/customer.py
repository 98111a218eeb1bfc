"""One customer's file: what its variant of the library has of its own.

    customers/acme.toml

A customer's variant is released as the library is, below a prefix, with keys and a log of its own. Its log is signed
with the library's log key under a name of its own, so that no head of one customer's log passes for another's.
"""

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from release.core.config import PIN_RULES, Config, LogSection, RetiredKey
from release.core.domains.lists import DomainsSection
from release.core.domains.lists import problems as domain_problems
from release.core.layout import CUSTOMER, CUSTOMERS
from release.core.shape import ShapeError, dotted, kebab, read, rule
from release.errors import ConfigError

LARGEST: Final = 256 * 1024
LARGEST_CONFIGURATION: Final = 64 * 1024
DEEPEST: Final = 16
_LARGEST_NUMBER: Final = 2**53
"""Beyond it a browser reads another number (https://www.rfc-editor.org/rfc/rfc8259#section-6)."""
MARK: Final = "customer-of"
CONFIGURATION: Final = "configuration"


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerFile:
    """What a customer's file says besides its configuration."""

    customer_of: str = rule(
        pattern=r"(\.\./){1,4}[A-Za-z0-9_][A-Za-z0-9._-]*",
        means="the way to the library's release.toml, such as ../release.toml",
        doc="Whose customer this is.",
    )
    labels: Mapping[str, str] = rule(
        dict,
        most=20,
        longest=64,
        key_pattern=r"[a-z][a-z0-9-]{0,31}",
        key_means="a label",
        doc="To choose customers by.",
    )
    features: tuple[str, ...] = rule((), most=8, doc="Of [customers] features, those that this customer has.")
    pins: Mapping[str, str] = rule(dict, **PIN_RULES, doc="Channels that stay at a version.")
    domains: DomainsSection | None = rule(None, doc="In the place of the library's [domains], for this customer.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """One customer. `configuration` is what its bundle is told: JSON values only."""

    name: str
    file: CustomerFile
    configuration: Mapping[str, Any]

    @property
    def configuration_text(self) -> str:
        """The configuration as JSON: the same for the same values, in ASCII."""
        return json.dumps(self.configuration, sort_keys=True, separators=(",", ":"), allow_nan=False)


def is_customer_file(text: bytes) -> bool:
    """Tell whether a file says that it is a customer's; whether it is a right one is not asked."""
    return re.search(rb"(?m)^\s*[\"']?customer-of[\"']?\s*=", text[:LARGEST]) is not None


def parse_customer(text: bytes, *, file: str) -> Customer:
    """Read a customer's file; its name is the customer's.

    Raises:
        ConfigError: with every problem.
    """
    name = PurePosixPath(file).name.removesuffix(".toml")
    if not re.fullmatch(CUSTOMER, name, re.ASCII):
        raise ConfigError(f"{file}: {name!r} is no customer's name", hint="name the file with a-z, 0-9 and '-'")
    if len(text) > LARGEST:
        raise ConfigError(f"{file} is {len(text):,} bytes long, at most {LARGEST:,} are read")
    try:
        value = tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as why:
        raise ConfigError(f"{file} is not valid TOML: {why}", hint="correct the line it names") from why
    configuration = value.pop(CONFIGURATION, {})
    customer = Customer(name=name, file=_said(value, file), configuration=configuration)
    if not isinstance(configuration, dict):
        raise _refusal(file, [f"{CONFIGURATION}: must be a table"])
    if problems := _not_json(configuration):
        raise _refusal(file, problems)
    if (size := len(customer.configuration_text)) > LARGEST_CONFIGURATION:
        raise ConfigError(f"{file}: the configuration has {size:,} bytes, at most {LARGEST_CONFIGURATION:,} are taken")
    return customer


def _said(value: Mapping[str, Any], file: str) -> CustomerFile:
    try:
        said = read(CustomerFile, value, naming=kebab)
    except ShapeError as why:
        problems = [f"{dotted(problem.place)}: {problem.message}" for problem in why.problems]
        raise _refusal(file, problems) from why
    if said.domains and (wrong := domain_problems(said.domains)):
        raise _refusal(file, [f"{dotted(('domains', *place))}: {message}" for place, message in wrong])
    return said


def _refusal(file: str, problems: list[str]) -> ConfigError:
    return ConfigError(f"{file}: " + "; ".join(problems), hint="docs/customers.md shows such a file")


def _not_json(value: object, place: str = CONFIGURATION, depth: int = 0) -> list[str]:
    """Give what of a configuration JSON cannot say, or says differently in different places."""
    if depth > DEEPEST:
        return [f"{place}: is nested more than {DEEPEST} deep"]
    if isinstance(value, dict):
        return [bad for key, inner in value.items() for bad in _not_json(inner, f"{place}.{key}"[:200], depth + 1)]
    if isinstance(value, list):
        return [bad for n, inner in enumerate(value) for bad in _not_json(inner, f"{place}[{n}]", depth + 1)]
    if (why := _odd(value)) is None:
        return []
    return [f"{place}: {why}"]


def _odd(value: object) -> str | None:
    """Tell why JSON cannot say a single value."""
    match value:
        case bool() | str():
            return None
        case int() if abs(value) < _LARGEST_NUMBER:
            return None
        case float() if math.isfinite(value):
            return None
        case int() | float():
            return f"{value} is no number that browsers read as it is"
        case _:
            return f"JSON has no {type(value).__name__}"


def of_customer(config: Config, customer: Customer) -> Config:
    """Give the release.toml of a customer's variant.

    Raises:
        ConfigError: the library has no customers, or is a customer's itself, or does not know what the file names.
    """
    section = config.customers
    if section is None:
        raise ConfigError("release.toml has no [customers]", hint="write it: docs/customers.md")
    if config.site.customer is not None or config.log.prefix is not None:
        raise ConfigError(
            "a library with [customers] has neither [site] customer nor [log] prefix",
            hint="each customer's file gives its variant a place of its own",
        )
    if unknown := [name for name in customer.file.features if name not in section.features]:
        raise ConfigError(
            f"customers: {customer.name} has the feature {unknown[0]!r}, which the library has not",
            hint=f"[customers] features names: {', '.join(section.features) or 'none'}",
        )
    return dataclasses.replace(
        config,
        site=dataclasses.replace(config.site, customer=customer.name),
        log=_own_log(config.log, customer.name),
        build=dataclasses.replace(config.build, output=variant_output(customer.name)),
        pins={**config.pins, **customer.file.pins},
        domains=customer.file.domains or config.domains,
    )


def place_of(name: str) -> str:
    """Give the folder below the handover that belongs to a customer."""
    return f"{CUSTOMERS}/{name}"


def variant_output(name: str) -> str:
    """Give the folder of a customer's bundle, from the library's folder."""
    return f".release/{place_of(name)}/dist"


def _own_log(log: LogSection, name: str) -> LogSection:
    origin = f"{log.origin}/{CUSTOMERS}/{name}"
    return dataclasses.replace(
        log,
        origin=origin,
        key=_renamed(log.key, origin, "[log] key"),
        retired=tuple(
            RetiredKey(key=_renamed(one.key, origin, "[log] retired"), entries=one.entries) for one in log.retired
        ),
    )


def _renamed(line: str, name: str, place: str) -> str:
    """Give the line of the same public key under another name."""
    from release.core.tlog import TlogError  # noqa: PLC0415 - loads the cryptography
    from release.core.tlog.note import Key, parse_vkey  # noqa: PLC0415

    try:
        key = parse_vkey(line)
        return Key(name, key.kind, key.public).vkey
    except TlogError as why:
        raise ConfigError(f"{place} is no public key: {why}", hint="'release log key FILE' prints it") from why
