"""The pages on which a code host shows releases to people."""

from typing import Protocol

from release.core.release_page import Link, Page


class ReleasePages(Protocol):
    """One project's releases, each of a tag. Answers that are not clear are errors."""

    def find(self, tag: str) -> Page | None:
        """Give the release of a tag; None if none is shown, which may also mean that it is hidden."""
        ...

    def create(self, page: Page) -> bool:
        """Make the release of a tag that is there; False if it has one already.

        Raises:
            NotFoundError: there is no such project.
            PermissionDenied: it may not be made, for one because the tag is not there.
        """
        ...

    def describe(self, tag: str, description: str) -> None:
        """Replace a release's text."""
        ...

    def add_link(self, tag: str, link: Link) -> None:
        """Add a link to a release."""
        ...
