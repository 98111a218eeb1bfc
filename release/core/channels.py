"""Channels: which versions each takes, and how it may move."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from semver import Version

from release.core.layout import RESERVED_CHANNELS, is_channel
from release.core.shape import rule
from release.errors import RefusedError

# As many digits as core.layout allows a version's number; a name must have room for them.
_LONGEST_NUMBER: Final = "9" * 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A mutable name that customers load."""

    accepts: Literal["stable", "prerelease", "any"] = rule("stable", doc="Which versions this channel takes.")

    def takes(self, version: Version) -> bool:
        """Tell whether a version is of the kind that this channel takes."""
        match self.accepts:
            case "stable":
                return version.prerelease is None
            case "prerelease":
                return version.prerelease is not None
            case "any":
                return True


def check_names(channels: Mapping[str, Channel]) -> Iterator[tuple[str, str]]:
    """Give (name, problem) for every declared name that is none.

    A name may hold `{major}` and `{minor}`, which stand for the version's numbers.
    """
    for name in channels:
        if not is_channel(_fill(name, "0", "0")):
            yield name, "is not a channel's name: a letter, then a-z, 0-9, '.' and '-'; 'channels' is taken"
        elif "{minor}" in name and "{major}" not in name:
            yield name, "has {minor} without {major}: two lines would share it"
        elif re.search(r"\}[0-9]*\{", name):
            yield name, "has two numbers that run together: put something between them"
        elif not is_channel(_fill(name, _LONGEST_NUMBER, _LONGEST_NUMBER)):
            yield name, "grows too long with a large version number: shorten it"
        elif taken := [word for word in RESERVED_CHANNELS if "{" in name and word.startswith(name.partition("{")[0])]:
            # In a policy the number is "*", and that spans slashes: "c*" would open "channels/" and "customers/".
            yield name, f"begins as {taken[0]!r} does, which has another meaning: choose another"
        elif twins := [other for other in channels if other != name and _shares(name, other)]:
            yield name, f"is also what {twins[0]!r} makes: two declarations would share it"
    if not channels:
        yield "", "declares no channel: nobody could load a release"


def names_for(channels: Mapping[str, Channel], version: Version) -> tuple[str, ...]:
    """List the channels a version belongs to, in the order they are declared."""
    return tuple(
        _fill(name, str(version.major), str(version.minor))
        for name, channel in channels.items()
        if channel.takes(version)
    )


def check_move(
    channels: Mapping[str, Channel],
    name: str,
    version: Version,
    *,
    serves: Version | None,
    backwards: bool,
) -> None:
    """Refuse a move that the channel's rules forbid.

    Args:
        channels: the declared channels.
        name: the channel to move.
        version: where to.
        serves: the version it serves now, None for none.
        backwards: whether going back is meant, as in a rollback.

    Raises:
        RefusedError: no such channel, not its kind or line of version, or an older version
            without `backwards`.
    """
    declared = find(channels, name)
    if name not in names_for({declared: channels[declared]}, version):
        raise RefusedError(
            f"channel {name} does not take version {version}",
            hint=f"{version} belongs to: {', '.join(names_for(channels, version)) or 'no channel'}",
        )
    if serves is not None and version < serves and not backwards:
        raise RefusedError(
            f"channel {name} serves {serves}: {version} would take it backwards",
            hint=f"going back on purpose: release rollback {name} --to {version} --reason '...'",
        )


def find(channels: Mapping[str, Channel], name: str) -> str:
    """Give the declaration that a channel's name comes from.

    Raises:
        RefusedError: there is none.
    """
    for declared in declarations(channels, name):
        return declared
    raise RefusedError(
        f"there is no channel {name!r}",
        hint=f"release.toml declares: {', '.join(channels)}",
    )


def declarations(channels: Iterable[str], name: str) -> Iterator[str]:
    """Give the declared names that a channel's name comes from."""
    return (declared for declared in channels if re.fullmatch(_pattern(declared), name, re.ASCII))


def is_declared(channels: Iterable[str], name: str) -> bool:
    """Tell whether release.toml declares a channel: no key may do anything with another."""
    return any(declarations(channels, name))


def key_patterns(channels: Iterable[str]) -> tuple[str, ...]:
    """Write the declared names as IAM resource patterns: `v{major}` is `v*`."""
    return tuple(dict.fromkeys(re.sub(r"\*(\.?\*)*$", "*", _fill(name, "*", "*")) for name in channels))


def _shares(name: str, other: str) -> bool:
    """Tell whether a declared name can become what another one makes too: `v{major}.0` is `v{major}.{minor}` at times.

    It is enough to try the numbers that stand in either name, with all their parts.
    """
    runs = re.findall(r"[0-9]+", f"{name} {other}")
    parts = {run[start:end] for run in runs for start in range(len(run)) for end in range(start + 1, len(run) + 1)}
    numbers = {"0", "7", *(part for part in parts if part == "0" or not part.startswith("0"))}
    made = {_fill(name, major, minor) for major in numbers for minor in numbers}
    return any(re.fullmatch(_pattern(other), one, re.ASCII) for one in made)


def _pattern(declared: str) -> str:
    pattern = re.escape(declared)
    for part in ("major", "minor"):
        pattern = pattern.replace(re.escape(f"{{{part}}}"), "(0|[1-9][0-9]*)")
    return pattern


def _fill(name: str, major: str, minor: str) -> str:
    return name.replace("{major}", major).replace("{minor}", minor)
