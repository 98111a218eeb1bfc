"""What a customer's page must allow for the library, and nothing more: a Content-Security-Policy from [domains].

https://www.w3.org/TR/CSP3/. The lists that `release check` judges the bundle by are enforced by browsers with it, for
what nobody could see before the code ran.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from release.core.config import Config
from release.core.domains.lists import Kind

# `navigate` has no directive but form-action: navigate-to was taken out of CSP3.
_DIRECTIVES: Final[Mapping[str, Kind]] = {
    "script-src": "script",
    "connect-src": "connect",
    "img-src": "img",
    "style-src": "style",
    "font-src": "font",
    "frame-src": "frame",
    "media-src": "media",
    "worker-src": "worker",
    "form-action": "navigate",
}
STRICT: Final = (
    ("default-src", ("'none'",)),
    ("base-uri", ("'none'",)),
    ("object-src", ("'none'",)),
)
"""What a page that has only this library would say first."""


def sources(config: Config) -> dict[str, tuple[str, ...]]:
    """Give the sources that each directive must have for the library; a directive that needs none is left out."""
    site = urlsplit(config.site.url)
    found: dict[str, tuple[str, ...]] = {}
    for directive, kind in _DIRECTIVES.items():
        hosts = [f"https://{host}" for host in config.domains.hosts(kind)]
        if kind == "connect":
            hosts += [f"wss://{host}" for host in config.domains.hosts(kind)]
        if kind == "script":
            hosts.insert(0, f"{site.scheme}://{site.netloc}")
        if hosts:
            found[directive] = tuple(dict.fromkeys(hosts))
    return found


def policy(config: Config, *, alone: bool) -> str:
    """Write the policy as a header's value.

    Args:
        config: the library's, or a customer's.
        alone: whether the page has nothing else, so that all the rest is forbidden; else it is to be merged with
            the page's own.
    """
    parts: list[tuple[str, tuple[str, ...]]] = list(STRICT) if alone else []
    parts += list(sources(config).items())
    return "; ".join(f"{directive} {' '.join(values)}" for directive, values in parts)
