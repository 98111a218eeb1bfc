"""Announce: show a completed version as a GitLab release. Needs no key of AWS and not the log's private key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from release.core import changelog_check
from release.core.announcement import announcement
from release.core.config import Config
from release.core.handover import Order
from release.core.log_keys import LogKeys
from release.core.manifest import LARGEST, Manifest, decode, digest
from release.core.outcome import Outcome, proven, require_completed
from release.core.release_page import Change, Page, change
from release.errors import RefusedError, ServiceError, VerificationError
from release.ports import Folder, PublicSite, ReleasePages

OK: Final = 200  # RFC 9110, 15.3.1
CHANGED_BY_OTHERS: Final = 2
"""How often a release may appear while it is being made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was done, or would be: `unknown` where a dry run had nobody to ask.

    Attributes:
        page: what the release is to say.
        added: the links that it did not have.
    """

    done: Literal["created", "updated", "nothing", "unknown"]
    page: Page
    added: tuple[str, ...] = ()


def wanted(
    config: Config,
    keys: LogKeys,
    orders: Sequence[Order],
    outcomes: Sequence[Outcome],
    site: PublicSite,
    project: Folder,
) -> Page:
    """Give the release of the version that the orders are of, from what is proven.

    Args:
        config: of the library.
        keys: the log's public keys.
        orders: what each channel was to do.
        outcomes: how it ended, in the same order.
        site: the public address; the manifest comes from there and must have the digest that the log has.
        project: a checkout of the tag, for the changelog.

    Raises:
        RefusedError: the log does not show that the version was completed; or it is a customer's variant, whose
            addresses and changes are for nobody else, while a GitLab release is for all who see the project.
        VerificationError: the public address does not serve the manifest.
        IntegrityError: a proof or the changelog's section is not what it must be.
    """
    if config.site.customer is not None:
        raise RefusedError(
            f"{config.site.customer}'s variant is not announced: everybody who sees the project would see it",
            hint="announce the library: --config release.toml",
        )
    done = require_completed(
        orders,
        [
            proven(outcome, keys, origin=config.log.origin, name=f"the outcome of {order.channel}")
            for order, outcome in zip(orders, outcomes, strict=True)
        ],
    )
    manifest = _manifest(config, site, orders[0])
    body = project.read(config.library.changelog, limit=changelog_check.LARGEST)
    return announcement(config, manifest, None if body is None else body.decode("utf-8", "replace"), done)


def require_tag(page: Page, tag: str | None) -> None:
    """Make sure that a pipeline announces its own tag only (RefusedError)."""
    if tag and tag != page.tag:
        raise RefusedError(
            f"this is the pipeline of {tag}, and what was released is {page.tag}",
            hint=f"announce in the pipeline of {page.tag}",
        )


def run(page: Page, pages: ReleasePages | None, *, dry_run: bool) -> Report:
    """Make the release, or what is missing of it; the second time there is nothing to do.

    Args:
        page: what it is to say.
        pages: where; None in a dry run that has nobody to ask.
        dry_run: change nothing.

    Raises:
        RefusedError: the release that is there cannot be made right without touching what is somebody else's.
        ServiceError: it is there and is not shown, or no clear answer came.
    """
    if pages is None:
        return Report(done="unknown", page=page)
    for _ in range(CHANGED_BY_OTHERS):
        there = pages.find(page.tag)
        if there is not None:
            return _update(page, there, change(there, page), pages, dry_run=dry_run)
        if dry_run or pages.create(page):
            return Report(done="created", page=page, added=tuple(link.name for link in page.links))
    raise ServiceError(
        f"GitLab says that {page.tag} has a release, and shows none",
        hint="may this token see the project's releases? Else run the same command again",
    )


def _update(page: Page, there: Page, needed: Change, pages: ReleasePages, *, dry_run: bool) -> Report:
    if not dry_run:
        for link in needed.links:
            pages.add_link(there.tag, link)
        if needed.description is not None:
            pages.describe(there.tag, needed.description)
    added = tuple(link.name for link in needed.links)
    return Report(done="nothing" if needed.nothing else "updated", page=page, added=added)


def _manifest(config: Config, site: PublicSite, order: Order) -> Manifest:
    path = "/" + config.layout.manifest(order.version)
    got = site.fetch(path, encoding="identity", origin="", limit=LARGEST)
    if got.status != OK or digest(got.body) != order.manifest:
        raise VerificationError(
            f"{config.site.url}{path} is not the manifest that the log has",
            hint="run 'release verify'; does a cache stand before it?",
            evidence={"recorded": order.manifest, "served": f"HTTP {got.status}, sha256 {digest(got.body)}"},
        )
    return decode(got.body, name=path)
