"""What a code host says of a project's settings."""

from typing import Protocol

from release.core.doctor.facts import ProjectFacts


class ProjectSettings(Protocol):
    """One project's settings; what could not be read is said to be so, and is no error."""

    def facts(self) -> ProjectFacts:
        """Read all of them."""
        ...
