"""A code host's pages of releases, in memory."""

import dataclasses

from release.core.release_page import Link, Page


class InMemoryPages:
    """The ReleasePages port: one page a tag, and no link twice."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}

    def find(self, tag: str) -> Page | None:
        return self.pages.get(tag)

    def create(self, page: Page) -> bool:
        if page.tag in self.pages:
            return False
        self.pages[page.tag] = page
        return True

    def describe(self, tag: str, description: str) -> None:
        self.pages[tag] = dataclasses.replace(self.pages[tag], description=description)

    def add_link(self, tag: str, link: Link) -> None:
        there = self.pages[tag]
        if link not in there.links:
            self.pages[tag] = dataclasses.replace(there, links=(*there.links, link))
