"""What the stages need from the world, and nothing more.

Each port is small and belongs to its users. Adapters turn foreign errors into
`release.errors`; absence is a value only where the world said so clearly: an
answer that could mean either "absent" or "forbidden" is an error, never None.
"""

from release.ports.delivery import Cdn, Download, PublicSite
from release.ports.gate import ErrorSource
from release.ports.identities import BucketPolicyStore, IdentityStore, KeyProof, KeyVault, RoleVariables, RotatingKeys
from release.ports.inspection import KeyDirectory, KeyTrial, TrailFiles
from release.ports.log import Cosigner, LogArchive, LogFiles, NoteSigner
from release.ports.project import ProjectSettings
from release.ports.release_pages import ReleasePages
from release.ports.session import Clock, Console, Progress, Workers
from release.ports.storage import ObjectHistory, ObjectInfo, ObjectStore, StoredObject
from release.ports.working_copy import Finished, Folder, Repository, Runner

__all__ = [
    "BucketPolicyStore",
    "Cdn",
    "Clock",
    "Console",
    "Cosigner",
    "Download",
    "ErrorSource",
    "Finished",
    "Folder",
    "IdentityStore",
    "KeyDirectory",
    "KeyProof",
    "KeyTrial",
    "KeyVault",
    "LogArchive",
    "LogFiles",
    "NoteSigner",
    "ObjectHistory",
    "ObjectInfo",
    "ObjectStore",
    "Progress",
    "ProjectSettings",
    "PublicSite",
    "ReleasePages",
    "Repository",
    "RoleVariables",
    "RotatingKeys",
    "Runner",
    "StoredObject",
    "TrailFiles",
    "Workers",
]
