"""CloudTrail's log files: bytes in, records out, one at a time, in memory that does not grow with the file.

A file is one JSON object `{"Records": [...]}`, usually compressed with gzip.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

Python's own JSON scanner reads each record from a window of the text, so that no parser of ours
and no further package is needed. Whatever is damaged becomes a `Flaw`, never an exception.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from release.core.jsonstream import DamagedError, Text, decoded

LARGEST_FILE: Final = 2 * 1024**3
"""Bytes of one file after decompression. CloudTrail's own files have some tens of megabytes."""
LARGEST_RECORD: Final = 1024 * 1024
"""Characters of one record. AWS's quota for an event is a quarter of that, and was less before:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One call that AWS recorded. Text that AWS left out is empty.

    Attributes:
        event: its id.
        at: seconds since 1970.
        service: `s3`, `iam`, `sts` and so on.
        name: of the call, such as PutObject.
        address: from where; the name of a service if AWS itself called.
        caller: ARN of the user or of the session.
        issuer: ARN of the session's role.
        kind: of the caller, such as AssumedRole.
        account: of the caller; all that is known of one in another account, or of nobody at all.
        user: the caller's name; of a web identity, the token's subject.
        access_key: the id of the key that signed.
        invoked_by: the service that called on the caller's behalf.
        error: empty if the call took effect.
        parameters: what was asked.
    """

    event: str
    at: int
    service: str
    name: str
    address: str
    caller: str
    issuer: str
    kind: str
    account: str
    user: str
    access_key: str
    invoked_by: str
    error: str
    parameters: Mapping[str, Any]

    def parameter(self, *names: str) -> str:
        """Give the first parameter of these names that is a text; empty if there is none."""
        return next((found for name in names if isinstance(found := self.parameters.get(name), str)), "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """What could not be read, and where: `Records[7]`, or `the file` for what is outside of every record."""

    place: str
    why: str


class _RecordError(ValueError):
    """One record is not as AWS writes them."""


def read(chunks: Iterable[bytes], *, limit: int = LARGEST_FILE) -> Iterator[Record | Flaw]:
    """Read one file of at most `limit` bytes after decompression.

    After a flaw in the file's structure nothing more is read of it; a record that is JSON but no
    event is a flaw of its own, and the next one is read.
    """
    text = Text(decoded(chunks, limit=limit), longest=LARGEST_RECORD)
    number = -1
    try:
        text.expect("{")
        if text.value() != "Records":
            raise DamagedError("it does not begin with the name Records")  # noqa: TRY301 - one place that yields it
        text.expect(":")
        text.expect("[")
        more = text.peek() != "]"
        while more:
            number += 1
            value = text.value()
            try:
                yield _record(value)
            except _RecordError as why:
                yield Flaw(place=f"Records[{number}]", why=str(why))
            more = text.peek() == ","
            if more:
                text.expect(",")
        number = -1
        text.expect("]")
        text.expect("}")
        if text.peek():
            raise DamagedError("something follows its end")  # noqa: TRY301
    except DamagedError as why:
        yield Flaw(place="the file" if number < 0 else f"Records[{number}]", why=str(why))


def _record(value: object) -> Record:
    """Take from a record what we judge by.

    Raises:
        _RecordError: it lacks what every event has, or a field has another type.
    """
    if not isinstance(value, dict):
        raise _RecordError("it is no object")
    caller = _table(value, "userIdentity", needed=True)
    issuer = _table(_table(caller, "sessionContext"), "sessionIssuer")
    when = _text(value, "eventTime", needed=True)
    try:
        at = int(datetime.fromisoformat(when).timestamp()) if _TIME.fullmatch(when) else None
    except ValueError:
        at = None
    if at is None:
        raise _RecordError(f"eventTime {when[:40]!r} is no time")
    return Record(
        event=_text(value, "eventID", needed=True),
        at=at,
        service=_text(value, "eventSource", needed=True).partition(".")[0],
        name=_text(value, "eventName", needed=True),
        address=_text(value, "sourceIPAddress"),
        caller=_text(caller, "arn"),
        issuer=_text(issuer, "arn"),
        kind=_text(caller, "type"),
        account=_text(caller, "accountId"),
        user=_text(caller, "userName"),
        access_key=_text(caller, "accessKeyId"),
        invoked_by=_text(caller, "invokedBy"),
        error=_text(value, "errorCode"),
        parameters=_table(value, "requestParameters"),
    )


def _table(value: Mapping[str, Any], name: str, *, needed: bool = False) -> dict[str, Any]:
    found = value.get(name)
    if found is None and not needed:
        return {}
    if not isinstance(found, dict):
        raise _RecordError(f"it has no {name}" if found is None else f"{name} is no object")
    return found


def _text(value: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    found = value.get(name)
    if not found and needed:
        raise _RecordError(f"it has no {name}")
    if found is not None and not isinstance(found, str):
        raise _RecordError(f"{name} is no text")
    return found or ""
