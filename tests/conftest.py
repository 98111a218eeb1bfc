"""Tiers: tests that need a server or a program. One that cannot run is said loudly, and fails in CI."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.fakes import aics, browser, caches, ci_local, go_checker
from tests.fakes.ceph import PROGRAMS, CephGateway, ceph_gateway
from tests.fakes.iam_simulator import Simulator, simulated


def _moto() -> str:
    return "" if importlib.util.find_spec("moto") else "moto is not installed"


def _node() -> str:
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed" if missing else ""


def _rgw() -> str:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    return "" if os.geteuid() == 0 else "its daemons start as root only"


TIERS: Final[dict[str, Callable[[], str]]] = {
    "moto": _moto,
    "node": _node,
    "rgw": _rgw,
    "go": go_checker.missing,
    "aics": aics.missing,
    "caches": caches.lacking,
    "browser": lambda: _rgw() or browser.lacking(),
    "gitlab": ci_local.lacking,
}
_NOT_RUN: Final = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    lacking = {tier: why for tier, check in TIERS.items() if (why := check())}
    config.stash[_NOT_RUN] = lacking


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for tier, why in config.stash[_NOT_RUN].items():
            if item.get_closest_marker(tier):
                item.add_marker(pytest.mark.skip(reason=f"tier {tier}: {why}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for tier, why in config.stash[_NOT_RUN].items():
        terminalreporter.write_sep("!", f"TIER NOT RUN: {tier} ({why})", red=True, bold=True)
    for report in terminalreporter.getreports("passed"):
        for what, figure in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {what}: {figure}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if os.environ.get("CI") and session.config.stash[_NOT_RUN] and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def ceph() -> Iterator[CephGateway]:
    """One real S3 server for all tests of the tier rgw; each makes buckets and users of its own."""
    with ceph_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="session")
def simulator(pytestconfig: pytest.Config) -> Simulator:
    """An IAM evaluator that is not ours, for tests of the tier node; installed once for each state of its lock file."""
    assert pytestconfig.cache is not None
    return simulated(pytestconfig.cache.mkdir("iam-simulate"))
