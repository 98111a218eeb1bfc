"""CloudTrail's files on disk, as `aws s3 sync` leaves them: streamed, since they may be large."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from release.errors import IntegrityError, NotFoundError

_ENDS: Final = (".json", ".json.gz")
_CHUNK: Final = 256 * 1024


class TrailOnDisk:
    """Implements `ports.TrailFiles`.

    A file that is named is read whatever its name; of a folder, all that ends with .json or .json.gz.

    Args:
        paths: files and folders.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self.skipped = 0

    def names(self) -> Iterator[str]:
        """Give the files, those of a folder in order of their names.

        Raises:
            NotFoundError: there is no such file or folder.
        """
        for path in self._paths:
            if path.is_dir():
                yield from self._below(path)
            elif path.exists():
                yield str(path)
            else:
                raise NotFoundError(f"there is no {path}")

    def chunks(self, name: str) -> Iterable[bytes]:
        """Give a file's bytes."""
        try:
            # O_NONBLOCK: a pipe in a file's place must not make us wait for its writer.
            handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise IntegrityError("it is not a regular file")
            with os.fdopen(handle, "rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except OSError as why:
            raise IntegrityError(f"it cannot be read: {why.strerror}") from why

    def _below(self, folder: Path) -> Iterator[str]:
        for top, folders, files in os.walk(folder, onerror=_refuse):
            folders.sort()
            for name in sorted(files):
                # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/: digests and insights have other names.
                if not name.endswith(_ENDS) or "_CloudTrail-" in name:
                    self.skipped += 1
                else:
                    yield os.path.join(top, name)  # noqa: PTH118 - the port's names are text


def _refuse(why: OSError) -> None:
    raise IntegrityError(f"{why.filename} cannot be read: {why.strerror}") from why
