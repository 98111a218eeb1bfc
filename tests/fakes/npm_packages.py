"""Programs of the tests that are written in JavaScript: installed from their lock files."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path


def installed(source: Path, cache: Path) -> Path:
    """Install what the lock file names, once for each state of the files; runs at the same time do not meet.

    Gives the folder that the programs run in.
    """
    files = sorted(path for path in source.iterdir() if path.is_file())
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = cache / digest
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache))
        for file in files:
            shutil.copy(file, made)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=made, check=True, capture_output=True
        )
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            shutil.rmtree(made)
    return folder
