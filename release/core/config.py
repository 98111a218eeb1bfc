"""release.toml: what a library's owner decides once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from release.core import jsonschema
from release.core.budgets import Budgets
from release.core.caching import ChannelLifetime
from release.core.channels import Channel, check_names
from release.core.delivery import Delivery, Distribution, check_delivery
from release.core.domains.lists import DomainsSection
from release.core.domains.lists import problems as domain_problems
from release.core.key_section import BUCKET_RULES, URL, KeysSection, check_keys
from release.core.layout import (
    CHANNEL,
    CUSTOMER,
    CUSTOMERS,
    LARGEST_SLOT,
    LIBRARY,
    PATH,
    PREFIX,
    VERSION,
    LogLayout,
    SiteLayout,
)
from release.core.manifest import SHA256
from release.core.ring_section import Rings, check_rings
from release.core.shape import Place, Problem, ShapeError, dotted, kebab, read, rule
from release.core.supply import Supply
from release.errors import ConfigError

FILE: Final = "release.toml"
LARGEST: Final = 256 * 1024
SCHEMA: Final = "urn:js-release:config:v1"

VKEY: Final = r"[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{43,44}=?"
_VKEY_RULES: Final[Mapping[str, str]] = {"pattern": VKEY, "means": "the line that 'release log key' prints"}
_UNMADE: Final = "unmade+00000000+" + "A" * 44
_ENVIRONMENT: Final = r"[A-Za-z_][A-Za-z0-9_]{0,99}"

PIN_RULES: Final[Mapping[str, Any]] = {
    "most": 20,
    "pattern": VERSION,
    "means": "a version",
    "key_pattern": CHANNEL,
    "key_means": "a channel",
}
_PATH_RULES: Final[Mapping[str, str]] = {"pattern": PATH, "means": "a relative path of plain names"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """The library and its repository."""

    name: str = rule(pattern=LIBRARY, means="a name of a-z, 0-9, '.', '_' and '-'", doc="First part of every URL.")
    package: str = rule("package.json", **_PATH_RULES, doc="The library's package.json.")
    tag_prefix: str = rule(
        "v",
        pattern=r"[A-Za-z0-9._/@-]{0,64}",
        means="letters, digits and ._/@-",
        doc="What stands before the version in a tag.",
    )
    protected_branch: str = rule("main", longest=200, doc="A tag must be on this branch.")
    changelog: str = rule("CHANGELOG.md", **_PATH_RULES, doc="The changelog for people.")
    changelog_template: str | None = rule(None, **_PATH_RULES, doc="A Jinja template of your own for one section.")
    repository: str | None = rule(None, pattern=URL, means="a URL", doc="For links in the changelog.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where the files live and what address customers load them from."""

    bucket: str = rule(**BUCKET_RULES, doc="The S3 bucket behind the CDN.")
    region: str = rule(pattern=r"[a-z]{2}(-[a-z]+)+-[0-9]", means="an AWS region", doc="The bucket's region.")
    url: str = rule(pattern=URL, means="a URL", doc="The public address, without the library's name.")
    prefix: str = rule("", pattern=PREFIX, means="a prefix that ends with a slash", doc="Before every key.")
    endpoint: str | None = rule(None, pattern=URL, means="a URL", doc="Of an S3-compatible server; AWS if absent.")
    customer: str | None = rule(
        None, pattern=CUSTOMER, means="a name of a-z, 0-9 and '-'", doc="Whose variant of the library this is."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSection:
    """How dist/ is made: by your own command, or by rolldown from `input`."""

    command: tuple[str, ...] = rule((), most=50, doc="Your own build; the default is rolldown.")
    install: tuple[str, ...] = rule(
        ("npm", "ci", "--ignore-scripts"),
        most=50,
        doc="Run first if node_modules is not what the lock file says.",
    )
    lock_file: str = rule("package-lock.json", **_PATH_RULES)
    input: str = rule("src/index.js", **_PATH_RULES, doc="What rolldown bundles.")
    global_: str | None = rule(None, pattern=r"[A-Za-z_$][A-Za-z0-9_$]*", means="a JavaScript name")
    formats: tuple[Literal["iife", "esm"], ...] = rule(("iife", "esm"), minimum=1, most=2)
    target: str = rule("es2020", pattern=r"es(2015|201[6-9]|202[0-9]|next)", means="an ES level such as es2020")
    output: str = rule("dist", **_PATH_RULES, doc="The folder the build writes.")
    entries: tuple[str, ...] = rule((), **_PATH_RULES, doc="The files pages load; needed with a command.")
    source_maps: bool = rule(default=False, doc="Publish source maps too.")
    environment: tuple[str, ...] = rule(
        (), pattern=_ENVIRONMENT, means="a variable's name", doc="Names of variables the build may see."
    )
    timeout_seconds: int = rule(600, minimum=1, maximum=7200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """How long a channel's files may be kept. Versions are kept for ever."""

    max_age: int = rule(300, minimum=0, maximum=86400, doc="Seconds, by browsers.")
    s_maxage: int = rule(60, minimum=0, maximum=86400, doc="Seconds, by the CDN.")

    @property
    def lifetime(self) -> ChannelLifetime:
        """The same as the core's words for it."""
        return ChannelLifetime(browser=self.max_age, shared=self.s_maxage)


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectSection:
    """Garbage in channels: files that no version has which a channel served lately."""

    grace_days: int = rule(
        30,
        minimum=3,
        maximum=3650,
        doc="How long a page may stay open and still load what its version needs; caches alone may take two days.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RetiredKey:
    """A key that signed the log before."""

    key: str = rule(**_VKEY_RULES, doc="Its public line.")
    entries: int | None = rule(
        None,
        minimum=1,
        maximum=LARGEST_SLOT,
        doc="It signed only the first so many entries; absent: it may still sign.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSection:
    """The release log."""

    bucket: str = rule(**BUCKET_RULES, doc="A bucket of its own.")
    origin: str = rule(
        pattern=r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", means="a name such as log.example.com/tag", longest=200
    )
    prefix: str | None = rule(None, pattern=PREFIX, means="a prefix that ends with a slash")
    key: str = rule(**_VKEY_RULES, doc="Signs the log: 'release log key FILE' makes it and prints this line.")
    retired: tuple[RetiredKey, ...] = rule((), most=20, doc="Earlier keys: what they signed stays valid.")
    lock_days: int | None = rule(
        None,
        minimum=1,
        maximum=36500,
        doc="How long the bucket's Object Lock keeps each entry; audits hold it to that.",
    )
    when_read_only: Literal["refuse", "degrade"] = rule(
        "refuse", doc="What a rollback does while the log cannot be written: docs/rollback.md."
    )
    pointer_days: int = rule(365, minimum=1, maximum=3650, doc="How long a channel's pointer may be believed.")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalsSection:
    """Who must approve stands in the log's trust epochs; this says only that there are some, and which is the first."""

    required: bool = rule(default=True, doc="False: releases need no approval. Ignored once there is a trust epoch.")
    trust: str | None = rule(
        None, pattern=SHA256, means="a SHA-256 in hex", doc="Of the first trust epoch: 'release trust show' prints it."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomersSection:
    """Customers with a variant of their own, one file each."""

    folder: str = rule("customers", **_PATH_RULES, doc="Holds NAME.toml of each customer.")
    placeholder: str = rule(
        "__CUSTOMER_CONFIGURATION__",
        pattern=r"[A-Za-z_][A-Za-z0-9_]{7,63}",
        means="a word of 8 to 64 letters, digits and '_'",
        doc="The text in the bundle that a customer's configuration takes the place of, as JSON.",
    )
    features: tuple[str, ...] = rule(
        (),
        most=6,
        pattern=r"[a-z][a-z0-9-]{0,31}",
        means="a name of a-z, 0-9 and '-'",
        doc="What some customers have and others not; the bundle is built once for each combination in use.",
    )


def _default_channels() -> dict[str, Channel]:
    stable = Channel(accepts="stable")
    return {
        "v{major}.{minor}": stable,
        "v{major}": stable,
        "latest": stable,
        "next": Channel(accepts="prerelease"),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """release.toml: how one JavaScript library is released."""

    library: Library
    site: Site
    distribution: Distribution | None = None
    delivery: Delivery | None = None
    log: LogSection
    build: BuildSection = rule(BuildSection)
    cache: Cache = rule(Cache)
    domains: DomainsSection = rule(DomainsSection)
    collect: CollectSection = rule(CollectSection)
    keys: KeysSection = rule(KeysSection)
    approvals: ApprovalsSection = rule(ApprovalsSection)
    budgets: Budgets = rule(Budgets)
    supply: Supply = rule(Supply)
    channels: Mapping[str, Channel] = rule(_default_channels, most=100)
    pins: Mapping[str, str] = rule(dict, **PIN_RULES, doc="Channels that stay at a version until it is taken out here.")
    customers: CustomersSection | None = None
    rings: Rings | None = None

    @property
    def layout(self) -> SiteLayout:
        """Where this library's objects are."""
        return SiteLayout(prefix=self.site.prefix, library=self.library.name, customer=self.site.customer)

    @property
    def wait_seconds(self) -> int:
        """How long to wait for an invalidation; other caches than CloudFront answer when it is done."""
        return self.distribution.wait_seconds if self.distribution else 0

    @property
    def account(self) -> str | None:
        """The account that owns the buckets and the distribution, if it is known."""
        return self.distribution.account if self.distribution else self.keys.account

    @property
    def log_layout(self) -> LogLayout:
        """Where this library's log entries are."""
        if self.site.customer is not None:
            return LogLayout(prefix=f"{self.library.name}/{CUSTOMERS}/{self.site.customer}/")
        return LogLayout(prefix=f"{self.library.name}/" if self.log.prefix is None else self.log.prefix)


def parse(text: bytes, *, file: str = FILE, keyless: bool = False) -> Config:
    """Read release.toml.

    Args:
        text: its bytes.
        file: what to call it in an error.
        keyless: the log's key may be missing, for who is about to make it; what stands for it is no key.

    Raises:
        ConfigError: with every problem, each with file, line and name.
    """
    if len(text) > LARGEST:
        raise ConfigError(f"{file} is {len(text)} bytes long, at most {LARGEST} are read")
    try:
        source = text.decode("utf-8")
        value = tomllib.loads(source)
    except (ValueError, RecursionError) as why:
        raise ConfigError(f"{file} is not valid TOML: {why}", hint="correct the line it names") from why
    if keyless and isinstance(log := value.get("log"), dict):
        log.setdefault("key", _UNMADE)
    try:
        config = read(Config, value, naming=kebab)
    except ShapeError as why:
        raise _refusal(file, source, why.problems) from why
    if problems := list(_cross_check(config)):
        raise _refusal(file, source, problems)
    return config


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of release.toml, for editors."""
    return jsonschema.document(Config, naming=kebab, identifier=SCHEMA)


def _cross_check(config: Config) -> list[Problem]:
    """What no single field can tell."""
    problems = [
        Problem(("channels", name) if name else ("channels",), why) for name, why in check_names(config.channels)
    ]
    build = config.build
    if build.command and not build.entries:
        problems.append(Problem(("build", "entries"), "is missing: name the files pages load from your build"))
    problems += [
        Problem(("build", "environment", i), f"{name} is a credential: the build never sees one")
        for i, name in enumerate(build.environment)
        if is_secret_name(name)
    ]
    output = f"{build.output}/"
    precious = (
        build.input,
        build.lock_file,
        config.library.package,
        config.library.changelog,
        "node_modules",
        ".git",
    )
    if held := [path for path in precious if f"{path}/".startswith(output) or output.startswith(f"{path}/")]:
        problems.append(Problem(("build", "output"), f"holds {held[0]}: a build empties its output folder first"))
    if config.site.bucket == config.log.bucket:
        problems.append(Problem(("log", "bucket"), "must not be the site's bucket: other rules protect it"))
    urls: list[tuple[tuple[str, ...], str | None]] = [
        (("site", "url"), config.site.url),
        (("site", "endpoint"), config.site.endpoint),
    ]
    if config.keys.gitlab:
        urls.append((("keys", "gitlab", "url"), config.keys.gitlab.url))
    if config.rings:
        problems += [Problem(("rings", *p.place), p.message) for p in check_rings(config.rings, config.channels)]
        urls.append((("rings", "gate", "url"), config.rings.gate.url if config.rings.gate else None))
    if config.delivery:
        urls += [(("delivery", "servers", str(i)), url) for i, url in enumerate(config.delivery.servers)]
    problems += [
        Problem(place, "must be https: only a loopback address may be plain")
        for place, url in urls
        if url and not is_safe_url(url)
    ]
    if config.site.customer is not None and config.log.prefix is not None:
        own = config.log_layout.prefix
        problems.append(Problem(("log", "prefix"), f"is not for a customer's variant: its log is always below {own}"))
    problems += check_delivery(config.distribution, config.delivery)
    problems += [Problem(("domains", *place), why) for place, why in domain_problems(config.domains)]
    return problems + list(check_keys(config.keys))


def is_safe_url(url: str) -> bool:
    """Tell whether a URL is HTTPS, or plain HTTP to this machine itself."""
    loopback = r"http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?(/.*)?"
    return url.startswith("https://") or re.fullmatch(loopback, url) is not None


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of this name usually holds a secret."""
    pattern = r"AWS_.*|.*(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|(PRIVATE|API|ACCESS|SECRET|LOG)_?KEY)S?(_.*)?"
    return re.fullmatch(pattern, name.upper()) is not None


def _refusal(file: str, source: str, problems: tuple[Problem, ...] | list[Problem]) -> ConfigError:
    lines = [f"{file}:{_line(source, p.place)}: {dotted(p.place)}: {p.message}" for p in problems]
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return ConfigError(
        f"{file} has {count}\n  " + "\n  ".join(lines),
        hint="'release config schema' prints every name that is allowed",
    )


def _line(source: str, place: Place) -> int:
    """Find the line of a place, or of the nearest table around it; the parser keeps no positions."""
    names = [step for step in place if isinstance(step, str)]
    best, table, found = 1, [], 0
    for number, line in enumerate(source.split("\n"), start=1):
        if header := re.fullmatch(r"\s*\[([^\[\]]+)\]\s*(#.*)?", line):
            table = _names(header[1])
            here = table
        elif pair := re.match(r"\s*([A-Za-z0-9_.\"'{}-]+)\s*=", line):
            here = table + _names(pair[1])
        else:
            continue
        shared = _shared(here, names)
        if shared > found and shared == len(here):
            best, found = number, shared
    return best


def _names(text: str) -> list[str]:
    return [name.strip("\"' ") for name in re.findall(r"\"[^\"]*\"|'[^']*'|[^.\s]+", text)]


def _shared(here: list[str], names: list[str]) -> int:
    count = 0
    for mine, theirs in zip(here, names, strict=False):
        if mine != theirs:
            break
        count += 1
    return count
