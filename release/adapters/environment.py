"""This process's environment, read once, and what it says of the pipeline."""

import os
import re
from collections.abc import Mapping
from typing import Final

from release import VERSION
from release.core.config import is_safe_url
from release.core.pipeline import Pipeline

_OPAQUE: Final = r"[A-Za-z0-9._:@/+-]{1,64}"


def read() -> dict[str, str]:
    """Give the environment as it is now."""
    return dict(os.environ)


def pipeline(environment: Mapping[str, str]) -> Pipeline:
    """Say which GitLab pipeline this is (https://docs.gitlab.com/ci/variables/predefined_variables/).

    Only opaque ids are taken: a log entry cannot be erased, so it names no person.
    """

    def opaque(name: str) -> str | None:
        value = environment.get(name, "")
        return value if re.fullmatch(_OPAQUE, value, re.ASCII) else None

    url = environment.get("CI_PIPELINE_URL", "")
    actor = opaque("GITLAB_USER_ID")
    return Pipeline(
        url=url if is_safe_url(url) and url.isprintable() and len(url) <= 500 else None,  # noqa: PLR2004
        id_=opaque("CI_PIPELINE_ID"),
        job=opaque("CI_JOB_ID"),
        actor=f"u:{actor}" if actor else None,
        tool=f"release {VERSION}",
    )
