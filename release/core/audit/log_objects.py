"""The keys of the log bucket that are written once, as a list of versions shows them."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from release.core.audit.finding import Finding, drift, soon
from release.core.audit.versions import ObjectVersion, about_one_version
from release.core.layout import LogLayout
from release.errors import LogError, TamperedError


@dataclass(kw_only=True, slots=True)
class LogObjects:
    """What is to be seen of a log of which the head covers `covered` entries; keys come in order.

    Attributes:
        slots: how many entries there are without a gap.
        checkpoints: how many sizes there are a checkpoint of, without a gap.
    """

    layout: LogLayout
    covered: int
    published: Collection[str]
    now: datetime
    grace: timedelta
    slots: int = 0
    checkpoints: int = 0
    _epochs: set[int] = field(default_factory=set)

    def slot(self, key: str, found: Sequence[ObjectVersion]) -> Iterator[Finding]:
        """Judge a key below seq/."""
        index = self.layout.parse_slot(key)
        if index is None:
            yield drift(f"{key} is no slot of the log", LogError)
            return
        yield from about_one_version(key, found, TamperedError)
        if index > self.slots:
            missing = (
                f"entry {self.slots} is" if index == self.slots + 1 else f"entries {self.slots} to {index - 1} are"
            )
            yield drift(
                f"{missing} not there and entry {index} is: deleted, or a slot was taken ahead of its time", LogError
            )
        self.slots = index + 1
        if index >= self.covered:
            yield self._uncovered(index, min(version.modified for version in found))

    def tile(self, key: str, found: Sequence[ObjectVersion]) -> Iterator[Finding]:
        """Judge a key below tile/; what it says is for who verifies the tree."""
        yield from about_one_version(key, found, TamperedError)

    def index(self, key: str, found: Sequence[ObjectVersion]) -> Iterator[Finding]:
        """Judge a key below versions/."""
        version = key.removeprefix(self.layout.indices).removesuffix(".json")
        if version not in self.published or key != self.layout.version_index(version):
            yield drift(f"{key} is of a version that was never published", LogError)
        yield from about_one_version(key, found, TamperedError)

    def checkpoint(self, key: str, found: Sequence[ObjectVersion]) -> Iterator[Finding]:
        """Judge a key below checkpoints/; all of seq/ was judged before."""
        name = key.removeprefix(self.layout.checkpoints)
        if not re.fullmatch("[0-9]{12}", name, re.ASCII) or int(name) == 0:
            yield drift(f"{key} is no checkpoint of the log", LogError)
            return
        yield from about_one_version(key, found, TamperedError)
        size = int(name)
        if size > self.slots:
            yield drift(f"{key} is of {size} entries, and there are {self.slots}: entries are withheld", TamperedError)
        yield from self._missing_before(size)
        self.checkpoints = size

    def end(self) -> Iterator[Finding]:
        """Judge what should have come after the last key."""
        if self.slots < self.covered:
            yield drift(f"the head covers {self.covered} entries, and there are {self.slots}", TamperedError)
        yield from self._missing_before(self.covered + 1)
        if self._epochs and max(self._epochs) != len(self._epochs) - 1:
            yield drift(f"the trust epochs have a gap: {len(self._epochs)} up to {max(self._epochs)}", TamperedError)

    def evidence(self, key: str, found: Sequence[ObjectVersion]) -> Iterator[Finding]:
        """Judge a key below evidence/."""
        if not re.fullmatch("[0-9a-f]{64}", key.removeprefix(self.layout.blobs), re.ASCII):
            yield drift(f"{key} is no evidence: its name is no digest", LogError)
        yield from about_one_version(key, found, TamperedError)

    def epoch(self, key: str, found: Sequence[ObjectVersion]) -> Iterator[Finding]:
        """Judge a key below trust/."""
        name = key.removeprefix(self.layout.trust).removesuffix(".json")
        if not re.fullmatch("0|[1-9][0-9]{0,5}", name, re.ASCII) or key != self.layout.epoch(int(name)):
            yield drift(f"{key} is no trust epoch", LogError)
            return
        self._epochs.add(int(name))
        yield from about_one_version(key, found, TamperedError)

    def _uncovered(self, index: int, since: datetime) -> Finding:
        text = f"entry {index} is not covered by the log's head"
        if since > self.now - self.grace:
            return soon(f"{text} yet: a job is at it, or died")
        return drift(f"{text} since {since:%Y-%m-%dT%H:%M:%SZ}: release log repair", LogError)

    def _missing_before(self, size: int) -> Iterator[Finding]:
        first, last = self.checkpoints + 1, min(size - 1, self.covered)
        if first <= last:
            which = f"{first}" if first == last else f"{first} to {last}"
            yield drift(f"the checkpoints of size {which} are missing", TamperedError)
