"""Doctor: hold what a library's project is against what safe releases need. Changes nothing, needs no key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from release.core import changelog_check
from release.core.config import Config
from release.core.doctor.ci_file import FILE, LARGEST, read_ci_file
from release.core.doctor.finding import Finding, missing, unknown
from release.core.doctor.job import about_job
from release.core.doctor.pipeline_file import about_pipeline
from release.core.doctor.protection import about_protection
from release.core.doctor.repository import OWNERS, Checkout, about_checkout, about_config
from release.core.doctor.settings import about_settings
from release.core.doctor.token import about_token
from release.core.doctor.variables import about_variables
from release.errors import BuildError, FormatError
from release.ports import Folder, ProjectSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """What is looked at.

    Attributes:
        config: release.toml.
        root: the repository's top folder, where GitLab looks for its files.
        folder: of release.toml below it, with a slash at its end; empty for the top.
        tags: of the repository, or why they cannot be told.
        environment: of this process.
        project: GitLab's settings; or what stands for them where nobody asks for them.
    """

    config: Config
    root: Folder
    folder: str
    tags: Mapping[str, str] | str
    environment: Mapping[str, str]
    project: ProjectSettings | Finding


def run(patient: Patient) -> Iterator[Finding]:
    """Give all findings: of the files, of the job if this is one, and of the project."""
    config = patient.config
    yield from about_config(config)
    yield from _pipeline(patient)
    yield from about_checkout(
        config,
        Checkout(
            owners=_first(patient.root, OWNERS),
            changelog=_first(patient.root, [patient.folder + config.library.changelog]),
            tags=patient.tags,
        ),
    )
    yield from about_job(config, patient.environment)
    yield from about_token(config, patient.environment)
    if isinstance(patient.project, Finding):
        yield patient.project
        return
    facts = patient.project.facts()
    yield from about_protection(config, facts)
    yield from about_variables(config, facts.variables)
    yield from about_settings(config, facts)


def _pipeline(patient: Patient) -> Iterator[Finding]:
    try:
        body = patient.root.read(FILE, limit=LARGEST)
        found = None if body is None else read_ci_file(body)
    except (BuildError, FormatError) as why:
        yield unknown("include", why.message, why.hint)
        return
    if found is None:
        yield missing("include", f"there is no {FILE}", "GitLab runs nothing", "release init writes it")
        return
    yield from about_pipeline(patient.config, found, folder=patient.folder)


def _first(root: Folder, names: Sequence[str]) -> str | None:
    for name in names:
        try:
            body = root.read(name, limit=changelog_check.LARGEST)
        except BuildError:
            continue
        if body is not None:
            return body.decode("utf-8", "replace")
    return None
