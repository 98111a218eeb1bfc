"""Who runs a stage: a pipeline of GitLab, or a person."""

from dataclasses import dataclass

from release.core.shape import rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """Who did it: opaque ids only, since an entry can never be erased. All absent: a person's terminal."""

    url: str | None = rule(None, longest=500)
    id_: str | None = rule(None, longest=64)
    job: str | None = rule(None, longest=64)
    actor: str | None = rule(None, longest=128)
    tool: str = rule(longest=64)
