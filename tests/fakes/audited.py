"""A log with everything in it that auditors ask for, on three days, and the copy of it that they get."""

from release.core.period import Period
from release.core.tlog.policy import NONE, Policy
from release.ports import LogFiles
from release.stages import export_log
from tests.fakes import log_files, people
from tests.fakes.scenario import World

DAY = 24 * 3600


def world() -> World:
    """The 24th: a release before anybody approved; the 25th: one in an emergency, back; the 26th: reviewed, yanked."""
    made = World()
    made.signer = log_files.SIGNER
    made.release("1.0.0", "v1")
    made.clock.sleep(DAY)
    made.trust(people.trust(issued="2026-11-24T12:00:00Z"))
    made.release("1.1.0")
    made.approved("v1", "1.1.0", "cto", emergency=True, reason="checkout is down")
    emergency = made.events()[-1].index
    made.finish("v1")
    made.go_back("v1", "1.0.0")
    made.clock.sleep(DAY)
    made.review(emergency, finding="the fix was wrong")
    made.yank("1.1.0")
    made.release("1.2.0")
    made.approved("latest", "1.2.0", "cto", "lead")
    made.finish("latest")
    return made


class Kept:
    """An archive in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def add(self, path: str, body: bytes) -> None:
        assert path not in self.files
        self.files[path] = body


def exported(made: World, period: Period | None = None) -> dict[str, bytes]:
    """Give the files of a copy, as `release log export` makes it."""
    kept = Kept()
    about = export_log.About(period=period, policy=Policy(made.keys.ever, {}, {}, NONE)) if period else None
    export_log.run(made.slots(), export_log.head(made.slots()), None, kept, about)
    return kept.files


class InMemory:
    """A copy's files in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def read(self, path: str, limit: int) -> bytes | None:
        body = self.files.get(path)
        assert body is None or len(body) <= limit
        return body

    def names(self, folder: str) -> list[str]:
        start = f"{folder}/" if folder else ""
        rest = (path[len(start) :] for path in self.files if path.startswith(start))
        return sorted(name for name in rest if "/" not in name)


def opened(files: dict[str, bytes]) -> LogFiles:
    """Read a copy."""
    return InMemory(files)
