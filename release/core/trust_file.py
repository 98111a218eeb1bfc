"""The file in which the keepers of the trust write the next epoch, as TOML. Addresses in it never get into the log."""

import tomllib
from dataclasses import dataclass, fields, replace

from release.core.shape import ShapeError, dotted, kebab, read, rule
from release.core.trust import Terms, author_id
from release.errors import ConfigError

LARGEST = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft(Terms):
    """The terms of an epoch, and for how many days it is to be in force."""

    expires_days: int = rule(365, minimum=1, maximum=1095)

    def terms(self, origin: str) -> Terms:
        """Give the terms as the log may keep them: an author's address becomes his opaque id."""
        approvers = tuple(
            replace(a, authors=tuple(author_id(origin, name) if "@" in name else name for name in a.authors))
            for a in self.approvers
        )
        given = {field.name: getattr(self, field.name) for field in fields(Terms)}
        return Terms(**{**given, "approvers": approvers})


def parse(body: bytes, *, name: str) -> Draft:
    """Read the file.

    Raises:
        ConfigError: with every problem and its place.
    """
    if len(body) > LARGEST:
        raise ConfigError(f"{name} is {len(body)} bytes long, at most {LARGEST} are read")
    try:
        return read(Draft, tomllib.loads(body.decode("utf-8")), naming=kebab)
    except ShapeError as why:
        lines = "\n  ".join(f"{dotted(problem.place)}: {problem.message}" for problem in why.problems)
        raise ConfigError(f"{name} is not as it must be\n  {lines}", hint="docs/approvals.md shows one") from why
    except (ValueError, RecursionError) as why:
        raise ConfigError(f"{name} is not valid TOML: {why}") from why
