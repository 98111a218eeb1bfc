"""release log anchor: what a signed git tag is to say of the log."""

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core.tag_anchor import trailer


def anchor(config: ConfigFile = DEFAULT_CONFIG, *, json: Json = False) -> None:
    """Print the line that makes a git tag an anchor of the log, after verifying its newest checkpoint (audit key).

    git tag -s -m v1.4.2 -m "$(release log anchor)" v1.4.2
    """
    work = compose.workspace(config, quiet=json)
    seen = work.log_view("audit").head().checkpoint
    if json:
        return emit_json({"origin": seen.origin, "size": seen.size, "root": seen.root.hex(), "trailer": trailer(seen)})
    return emit([trailer(seen)])
