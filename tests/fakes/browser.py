"""Chromium as Debian has it, without a window, and the pages of a library's customers."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.fakes import caches
from tests.fakes.web_server import Reply, Request, WebServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PROGRAM: Final = "chromium"
# It runs as root in the pipeline, where its sandbox does not start, and talks to this machine only.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE: Final = 15_000  # milliseconds


def lacking() -> str:
    """Say what is not installed."""
    if why := caches.lacking():
        return why
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM} is not installed"
    return "" if importlib.util.find_spec("playwright") else "playwright is not installed"


class CustomerSite(WebServer):
    """Somebody's web site on an origin of its own."""

    def __init__(self) -> None:
        super().__init__({})
        self._pages: list[str] = []

    def page(self, body: str) -> str:
        """Put a page there; gives its address."""
        self._pages.append(f"<!doctype html><meta charset=utf-8><title>shop</title>\n{body}\n")
        return f"{self.url}/{len(self._pages) - 1}.html"

    def reply(self, request: Request) -> Reply:
        name = request.path.strip("/").removesuffix(".html")
        if not name.isdigit():
            return Reply(status=204)  # its icon
        return Reply(
            headers=[("Content-Type", "text/html"), ("Cache-Control", "no-store")], body=self._pages[int(name)].encode()
        )


class Tab:
    """One page in one tab. `complaints` is what the browser says in its console, `loaded` what was asked for."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self.complaints: list[str] = []
        self.loaded: list[str] = []
        page.set_default_timeout(_PATIENCE)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.loaded.append(request.url))

    def open(self, url: str) -> "Tab":
        """Go there and wait until all that the page names was loaded."""
        self._page.goto(url)
        return self

    def run(self, script: str) -> Any:  # noqa: ANN401 - any JavaScript value
        """Evaluate an expression in the page; a promise is waited for."""
        return self._page.evaluate(script)


class Visitor:
    """Somebody with a browser of his own, whose cache lasts as long as he does."""

    def __init__(self, context: "BrowserContext") -> None:
        self._context = context

    def open(self, url: str) -> Tab:
        """Open a page in a new tab."""
        return Tab(self._context.new_page()).open(url)


class Chromium:
    """A running browser."""

    def __init__(self, browser: "Browser") -> None:
        self._browser = browser

    def visitor(self) -> Visitor:
        """Give somebody who was never here."""
        return Visitor(self._browser.new_context())


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Run the browser until the context closes."""
    # Imported here: who runs other tests may not have it.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which(PROGRAM), args=_ARGUMENTS)
        try:
            yield Chromium(browser)
        finally:
            browser.close()
