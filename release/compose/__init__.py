"""Where adapters are chosen, and the only place that knows them and the stages' ports both."""

from release.compose.key_setup import administrator, administrators_slots, gitlab_variables, provisioning, rotator
from release.compose.library import HANDOVER, ONE_KEY, Workspace, terminal, workspace

__all__ = [
    "HANDOVER",
    "ONE_KEY",
    "Workspace",
    "administrator",
    "administrators_slots",
    "gitlab_variables",
    "provisioning",
    "rotator",
    "terminal",
    "workspace",
]
