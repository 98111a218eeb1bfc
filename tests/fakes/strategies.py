"""Hypothesis strategies of the words that keys, versions and channels are made of."""

from typing import Final

from hypothesis import strategies as st

from release.core.layout import CHANNEL, CUSTOMER, LIBRARY, RESERVED_CHANNELS

_SEGMENTS: Final = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)

PATHS: Final = st.lists(_SEGMENTS, min_size=1, max_size=6).map("/".join)
CHANNELS: Final = st.from_regex(CHANNEL, fullmatch=True).filter(lambda name: name not in RESERVED_CHANNELS)
CUSTOMERS: Final = st.from_regex(CUSTOMER, fullmatch=True)
LIBRARIES: Final = st.from_regex(LIBRARY, fullmatch=True)
VERSIONS: Final = st.from_regex(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(-[0-9A-Za-z.-]{1,30})?", fullmatch=True)
PREFIXES: Final = st.sampled_from(["", "js/", "a/b/c/", "2026.11/_/"])
DIGESTS: Final = st.text("0123456789abcdef", min_size=64, max_size=64)
# Text without halves of surrogate pairs: all that UTF-8 can say.
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
