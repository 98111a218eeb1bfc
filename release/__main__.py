"""`python -m release` and the command `release`."""

import sys
from typing import NoReturn

from release.cli import main


def run() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
