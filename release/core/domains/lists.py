"""[domains] of release.toml: which hosts a bundle may load from, send to and inject from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from release.core.manifest import SHA256
from release.core.shape import rule as declared

Kind = Literal["script", "connect", "img", "style", "font", "frame", "media", "worker", "navigate", "text"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

Rule = Literal[
    "url",
    "load",
    "connect",
    "navigate",
    "markup",
    "style",
    "code",
    "element",
    "attribute",
    "computed",
    "message",
    "peer",
    "text",
    "file",
    "waiver",
    "secret",
    "private",
    "size",
    "level",
    "surface",
    "dependency",
]
"""What a finding is about; docs/check.md says what each means."""

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = rf"{_LABEL}(\.{_LABEL})+"
_HOST: Final[Mapping[str, str]] = {
    "pattern": rf"(\*\.)?{_NAME}(:[0-9]{{1,5}})?",
    "means": "a host such as api.example.com or *.example.com, in small letters, without scheme and path",
}
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One finding that is accepted, by whom, why and until when."""

    files: str = declared(longest=200, doc="A file of the bundle, or a pattern such as *.min.js.")
    rule: Rule
    sink: str | None = declared(None, longest=100, doc="As the finding names it; absent: any of the rule.")
    host: str | None = declared(
        None,
        pattern=r"[^\s/?#@\\]{1,253}",
        means="a host as the finding says it",
        doc="Needed to accept a host that is on no list.",
    )
    snippet: str | None = declared(
        None, pattern=SHA256, means="a SHA-256 in hex", doc="As the finding says it: this very code and no other."
    )
    reason: str = declared(pattern=r"[\s\S]*\S[\s\S]*", means="a reason", doc="Why this is no danger.")
    owner: str = declared(pattern=r".*\S.*", means="a name", longest=200, doc="Who answers for it.")
    expires: str = declared(pattern=_DATE, means="a date such as 2027-01-31", doc="The last day it counts.")

    @property
    def last_day(self) -> date:
        """The last day that it counts (ValueError if it is no day of the calendar)."""
        return date.fromisoformat(self.expires)


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainsSection:
    """Where the bundle may load from and send to. A kind without hosts: nowhere but the page's own origin."""

    script: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of scripts and modules.")
    connect: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of requests and beacons, https and wss.")
    img: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of images.")
    style: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of style sheets.")
    font: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of fonts.")
    frame: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of frames, objects and embedded documents.")
    media: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of audio, video and their tracks.")
    worker: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of workers.")
    navigate: tuple[str, ...] = declared((), **_HOST, most=200, doc="Of links, forms and windows.")
    text: tuple[str, ...] = declared((), **_HOST, most=200, doc="Named in texts only, such as links to documentation.")
    waivers: tuple[Waiver, ...] = declared((), most=500, doc="What is accepted all the same.")

    def hosts(self, kind: Kind) -> tuple[str, ...]:
        """Give the hosts of a kind."""
        found: tuple[str, ...] = getattr(self, kind)
        return found


def allows(entry: str, host: str, port: int | None = None) -> bool:
    """Tell whether an entry of a list is about a host: itself, or with `*.` any below it and not itself."""
    name, _, wanted = entry.partition(":")
    if port != (int(wanted) if wanted else None):
        return False
    return host.endswith(name[1:]) and len(host) > len(name) - 1 if name.startswith("*.") else host == name


def problems(section: DomainsSection) -> list[tuple[tuple[str | int, ...], str]]:
    """Say what no single field of the section can tell, with its place in the section."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    for kind in KINDS:
        for index, entry in enumerate(section.hosts(kind)):
            name = entry.removeprefix("*.").partition(":")[0]
            if re.fullmatch(r"[0-9.]+", name):
                found.append(((kind, index), f"{entry} is an address, not a name"))
            if entry in section.hosts(kind)[:index]:
                found.append(((kind, index), f"{entry} stands there twice"))
    for index, waiver in enumerate(section.waivers):
        try:
            _ = waiver.last_day
        except ValueError:
            found.append((("waivers", index, "expires"), f"{waiver.expires} is no day of the calendar"))
    return found
