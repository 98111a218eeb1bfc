"""Real libraries from npm, each with the list that its makers would write, for `release check` to be held against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.core.domains.bundle import Item, judge_file
from release.core.domains.finding import Finding
from release.core.domains.lists import DomainsSection

SOURCE: Final = Path(__file__).parents[1] / "checked_libraries"


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """One library: its files below node_modules, as patterns, and an honest list."""

    files: tuple[str, ...]
    lists: DomainsSection = DomainsSection()

    def bodies(self, folder: Path) -> dict[str, bytes]:
        """Give the files' bytes by path."""
        modules = folder / "node_modules"
        paths = sorted(path for pattern in self.files for path in modules.glob(pattern))
        return {str(path.relative_to(modules)): path.read_bytes() for path in paths}


LIBRARIES: Final = {
    "web-vitals": Library(files=("web-vitals/dist/web-vitals.attribution.iife.js",)),
    "preact": Library(files=("preact/dist/preact.mjs",)),
    "htmx": Library(files=("htmx.org/dist/htmx.min.js",)),
    "snowplow": Library(
        files=("@snowplow/browser-tracker/dist/index.umd.min.js",), lists=DomainsSection(text=("github.com",))
    ),
    "alpine": Library(files=("alpinejs/dist/cdn.min.js",), lists=DomainsSection(text=("alpinejs.dev",))),
    "jquery": Library(files=("jquery/dist/jquery.min.js",)),
    "sentry": Library(
        files=("@sentry/browser/build/npm/esm/prod/**/*.js",),
        lists=DomainsSection(
            connect=("o447951.ingest.sentry.io",),
            script=("browser.sentry-cdn.com",),
            text=("docs.sentry.io", "spotlightjs.com"),
        ),
    ),
    "datadog rum": Library(
        files=("@datadog/browser-rum/bundle/datadog-rum.js",),
        lists=DomainsSection(
            text=(
                "docs.datadoghq.com",
                "www.datadoghq-browser-agent.com",
                "www.datad0g-browser-agent.com",
                "d3uc069fcn7uxw.cloudfront.net",
                "d20xtzwzcl0ceb.cloudfront.net",
            )
        ),
    ),
    "amplitude": Library(
        files=("@amplitude/analytics-browser/lib/scripts/amplitude-min.js",),
        lists=DomainsSection(
            connect=(
                "api2.amplitude.com",
                "api.eu.amplitude.com",
                "diagnostics.prod.us-west-2.amplitude.com",
                "diagnostics.prod.eu-central-1.amplitude.com",
                "sr-client-cfg.amplitude.com",
                "sr-client-cfg.eu.amplitude.com",
            ),
            script=("cdn.amplitude.com",),
            text=(
                "app.amplitude.com",
                "app.eu.amplitude.com",
                "apps.stag2.amplitude.com",
                "www.docs.developers.amplitude.com",
            ),
        ),
    ),
    "posthog": Library(
        files=("posthog-js/dist/array.js",),
        lists=DomainsSection(
            connect=("us.i.posthog.com",),
            script=("us.i.posthog.com",),
            text=("app.posthog.com", "posthog.com", "us.posthog.com", "sentry.io", "yandex.com"),
        ),
    ),
    "three": Library(files=("three/build/three.module.js", "three/build/three.core.js")),
}


def judged(bodies: dict[str, bytes], lists: DomainsSection) -> list[Finding]:
    """Judge a library's files."""
    return [found for path, body in bodies.items() for found in judge_file(Item(path, body, None, lists))]
