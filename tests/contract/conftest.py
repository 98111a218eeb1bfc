import pytest


@pytest.fixture
def git_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of the person or the CI that runs the tests out of git."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
