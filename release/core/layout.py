"""Every object key, forwards and backwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectHeaders:
    """What the server says of an object besides its bytes. Metadata names are lower case."""

    content_type: str
    cache_control: str
    metadata: Mapping[str, str] = field(default_factory=dict)
