"""Requests and approvals as files in .release/, and as the variable that hands approvals to a job."""

import base64
import binascii
from pathlib import Path
from typing import Final

from release.adapters.directory import Directory
from release.compose import HANDOVER, Workspace
from release.core import document
from release.core.approval import LARGEST, Approval, Request, Review, merge, read_approval, read_asked
from release.errors import ConfigError, NotFoundError, NothingToDoError

VARIABLE: Final = "RELEASE_APPROVAL"
MOST: Final = 20


def leave_request(work: Workspace, request: Request | Review) -> None:
    """Write a request, of a channel or of a review; approvals of an earlier one go."""
    work.handover.write(".gitignore", b"*\n")
    work.handover.remove(f"{_name(request)}.approval.json")
    work.handover.write(f"{_name(request)}.request.json", document.encode(request))


def leave_approval(work: Workspace, asked: Request | Review, approval: Approval) -> None:
    """Write the approval of a request."""
    work.handover.write(".gitignore", b"*\n")
    work.handover.write(f"{_name(asked)}.approval.json", document.encode(approval))


def requests(work: Workspace, chosen: list[Path] | None) -> list[tuple[Approval, Request | Review]]:
    """Read the requests that were chosen, or all in .release/, each with the signatures that it has already.

    Raises:
        NothingToDoError: there is none.
        NotFoundError: a file does not exist.
        FormatError: one is malformed.
    """
    if chosen:
        return [_read(work, Directory(path.absolute().parent), path.name) for path in chosen]
    names = [path for path in work.handover.paths() if path.endswith(".request.json")]
    if not names:
        raise NothingToDoError(f"{HANDOVER}/ holds no request", hint="release request CHANNEL VERSION")
    return [_read(work, work.handover, name) for name in names]


def given(work: Workspace) -> tuple[Approval, ...]:
    """Read all approvals that this job was handed: the variable's, then those in .release/.

    Raises:
        ConfigError: the variable is malformed.
        FormatError: an approval is.
    """
    words = work.environment.get(VARIABLE, "").replace(",", " ").split()
    if len(words) > MOST:
        raise ConfigError(f"{VARIABLE} holds {len(words)} approvals, at most {MOST} are read")
    bodies = [(f"{VARIABLE}[{place}]", _decoded(word)) for place, word in enumerate(words)]
    left = [name for name in work.handover.paths() if name.endswith(".approval.json")]
    bodies += [(f"{HANDOVER}/{name}", work.handover.read(name, limit=2 * LARGEST) or b"") for name in left]
    return tuple(read_approval(body, name=name)[0] for name, body in bodies)


def variable(made: list[Approval]) -> str:
    """Give approvals as the variable's value."""
    return ",".join(base64.b64encode(document.encode(approval)).decode() for approval in made)


def _name(asked: Request | Review) -> str:
    """No channel's name begins with a digit."""
    return f"{asked.entry}-review" if isinstance(asked, Review) else asked.channel


def _read(work: Workspace, folder: Directory, name: str) -> tuple[Approval, Request | Review]:
    body = folder.read(name, limit=2 * LARGEST)
    if body is None:
        raise NotFoundError(f"there is no {name}", hint="release request CHANNEL VERSION")
    if name.endswith(".approval.json"):
        return read_approval(body, name=name)
    request = read_asked(body, name=name)
    approval = Approval(request=body.decode())
    earlier = work.handover.read(f"{_name(request)}.approval.json", limit=2 * LARGEST)
    if earlier is not None:
        found, _ = read_approval(earlier, name=f"{_name(request)}.approval.json")
        approval = merge(found, approval) if found.request == approval.request else approval
    return approval, request


def _decoded(word: str) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError) as why:
        raise ConfigError(
            f"{VARIABLE} is not what 'release approve' prints", hint="copy the whole line that it prints"
        ) from why
