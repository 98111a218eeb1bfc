"""What a verifier finds wrong with a release log."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "signature", "freshness", "tree", "fork", "entry", "rule", "approval", "evidence", "changelog", "repository", "copy"
]
"""The classes of findings, each with its own exit code (`commands.log_verify`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it must be. `index` is the entry's, `facts` are both pieces of evidence."""

    kind: Kind
    message: str
    index: int | None = None
    facts: tuple[tuple[str, str], ...] = ()
