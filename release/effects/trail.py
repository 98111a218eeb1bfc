"""CloudTrail's files in their bucket: those of one account and of the days of a period, found with few requests.

    [<prefix>/]AWSLogs/[<organisation>/]<account>/CloudTrail/<region>/<year>/<month>/<day>/<file>.json.gz

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html. Accounts and
regions are found by listing one key and leaping over its folder.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from release.errors import IntegrityError, ServiceError
from release.ports import ObjectStore

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of one file as it is stored; it is compressed there."""
MOST_LEAPS: Final = 20_000
PAGE: Final = 1000

_REGION: Final = re.compile(r"((?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?(\d{12})/)(CloudTrail/[a-z0-9-]+/)", re.ASCII)
_ACCOUNT: Final = re.compile(r"(?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/[^/]+/", re.ASCII)


class TrailBucket:
    """Implements `ports.TrailFiles` on a bucket.

    Args:
        store: the trail's bucket.
        prefix: where to look, such as `AWSLogs/`.
        account: whose calls; a bucket of an organisation has the trails of many.
        since: seconds since 1970.
        until: the same.
    """

    skipped = 0

    def __init__(self, store: ObjectStore, *, prefix: str, account: str, since: int, until: int) -> None:
        self._store = store
        self._prefix = prefix
        self._account = account
        self._since = since
        # A record may come in a file of the next day.
        self._until = until + 24 * 3600

    def names(self) -> Iterator[str]:
        """Give the keys, region by region and day by day."""
        for region in self._regions():
            for day in _days(self._since, self._until):
                prefix, after = f"{region}{day:%Y/%m/%d}/", ""
                while page := self._store.keys(prefix, after=after, most=PAGE):
                    yield from page
                    after = page[-1]
                    if len(page) < PAGE:
                        break

    def chunks(self, name: str) -> Iterable[bytes]:
        """Give an object whole: S3 keeps it compressed, and its checksum covers all of it."""
        found = self._store.read(name, limit=LARGEST)
        if found is None:
            raise IntegrityError(f"{name} was listed and is gone")
        yield found.body

    def _regions(self) -> Iterator[str]:
        after = ""
        for _ in range(MOST_LEAPS):
            page = self._store.keys(self._prefix, after=after, most=1)
            if not page:
                return
            folder = self._folder(page[0])
            if (found := _REGION.match(page[0])) and found[2] == self._account:
                yield found[0]
            after = f"{folder[:-1]}0"  # what sorts after all that begins with the folder: '0' follows '/'
        raise ServiceError(
            f"the trail has more than {MOST_LEAPS:,} folders below {self._prefix!r}",
            hint="name a deeper prefix in [keys.trail]",
        )

    def _folder(self, key: str) -> str:
        """Give the largest folder of a key that holds nothing else that we look for."""
        if found := _REGION.match(key):
            return found[0] if found[2] == self._account else found[1]
        if found := _ACCOUNT.match(key):
            return found[0]
        # The key itself, or its folder below the prefix: something of others in the same bucket.
        top, slash, _ = key[len(self._prefix) :].partition("/")
        return f"{self._prefix}{top}{slash}" if slash and "AWSLogs" not in key else f"{key} "


def _days(since: int, until: int) -> Iterator[date]:
    day, last = (datetime.fromtimestamp(at, UTC).date() for at in (since, until))
    while day <= last:
        yield day
        day += timedelta(days=1)
