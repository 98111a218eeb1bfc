"""What the library's own build may see of this process's environment: names that are listed, and no more.

A build runs code from hundreds of packages. It never sees a key of ours, and what it does see
is the same on every machine, so that the bytes are too.
"""

from collections.abc import Iterable, Mapping
from typing import Final

_ALWAYS: Final = ("PATH", "TMPDIR", "SYSTEMROOT")
_NETWORK: Final = (
    "HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "npm_config_registry",
    "npm_config_cache",
    "npm_config_userconfig",
    "npm_config_cafile",
)


def for_install(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the environment for fetching packages: with the network's settings and the user's .npmrc."""
    # npm reads its settings in either case.
    return _pick(environment, (*_ALWAYS, *_NETWORK, *(name.upper() for name in _NETWORK)))


def for_build(environment: Mapping[str, str], *, named: Iterable[str], commit_time: int) -> dict[str, str]:
    """Give the environment for the build itself.

    Args:
        environment: of this process.
        named: names that release.toml adds.
        commit_time: seconds since 1970, given to tools as SOURCE_DATE_EPOCH
            (https://reproducible-builds.org/specs/source-date-epoch/).
    """
    fixed = {
        "CI": "true",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NODE_ENV": "production",
        "NO_COLOR": "1",
        "SOURCE_DATE_EPOCH": str(commit_time),
    }
    return fixed | _pick(environment, (*_ALWAYS, *named))


def _pick(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    wanted = set(names)
    return {name: value for name, value in environment.items() if name in wanted}
