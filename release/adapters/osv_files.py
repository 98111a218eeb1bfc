"""Files of known vulnerabilities on disk: one record, a folder of records, or a zip as osv.dev gives one for npm."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from release.core.osv import LARGEST
from release.errors import ConfigError, FormatError, NotFoundError

MOST: Final = 1_000_000


def records(place: Path) -> Iterator[tuple[str, bytes]]:
    """Give (name, bytes) of every record.

    Raises:
        NotFoundError: there is no such file or folder, or it holds no record: nothing would be known.
        ConfigError: it cannot be read.
        FormatError: a record is too large, or there are too many.
    """
    if not place.exists():
        raise NotFoundError(f"there is no {place}", hint="osv.dev's all.zip for npm, or a folder of *.json")
    count = 0
    try:
        for count, (name, body) in enumerate(_all(place), start=1):
            if len(body) > LARGEST or count > MOST:
                raise FormatError(f"{place}: {name[:100]!r} is too large, or there are more than {MOST:,} records")
            yield name, body
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as why:
        raise ConfigError(f"{place} cannot be read: {why}", hint="fetch it again") from why
    if not count:
        raise NotFoundError(
            f"{place} holds no OSV record", hint="name osv.dev's all.zip for npm, or a folder of *.json"
        )


def _all(place: Path) -> Iterator[tuple[str, bytes]]:
    if place.is_dir():
        for file in sorted(place.rglob("*.json")):
            with file.open("rb") as stream:
                yield file.name, stream.read(LARGEST + 1)
    elif place.suffix == ".zip":
        with zipfile.ZipFile(place) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".json"):
                    with archive.open(member) as stream:
                        yield member.filename, stream.read(LARGEST + 1)
    elif place.is_file():
        yield place.name, place.read_bytes()
