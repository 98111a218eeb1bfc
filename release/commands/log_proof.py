"""release log proof, verify-proof: that one entry is in the log, in one small file that proves it anywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from release.commands.keys_to_trust import KeyFile, keys_to_trust
from release.commands.log_source import Source, SourceKeys, signed_log
from release.commands.named_files import read_file, write_file
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json, write
from release.core.entry import LARGEST, decode
from release.errors import ConfigError, FormatError, LogError, TamperedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.core.tlog.checkpoint import Checkpoint
    from release.core.tlog.note import Key


def proof(
    index: Annotated[int | None, typer.Argument(min=0, help="The entry's number.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    version: Annotated[str | None, typer.Option(help="The entry that says this version was published.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the proof.")] = None,
    entry: Annotated[Path | None, typer.Option(help="Where to write the entry that is proven.")] = None,
    source: Source = None,
    key: SourceKeys = None,
    *,
    json: Json = False,
) -> None:
    """Prove that an entry is in the log: a C2SP .tlog-proof, with the audit key or from a copy; printed without -o."""
    from release.stages import prove as stage  # noqa: PLC0415 - loads the cryptography

    if (index is None) == (version is None):
        raise ConfigError("name one entry: by its number, or by the --version that it published")
    with signed_log(config, source, key, quiet=json) as log:
        made = stage.run(log, index, version)
    if entry:
        write_file(entry, made.entry)
    body = made.proof.encode()
    if output:
        write_file(output, body)
    if json:
        facts = {"proof": body.decode(), "entry": made.entry.decode("utf-8", "replace")}
        return emit_json({"index": made.proof.index, "size": made.head.size, "root": made.head.root.hex()} | facts)
    if not output:
        return write(body.decode())
    return emit([f"{output}: entry {made.proof.index} is in the log of {made.head.size} entries"])


def verify_proof(
    file: Annotated[Path, typer.Argument(help="The .tlog-proof.")],
    entry: Annotated[Path, typer.Option(help="The entry that it is to prove, byte for byte.")],
    key: KeyFile,
    *,
    json: Json = False,
) -> None:
    """Check offline that an entry is in the log, from its proof, the entry and the keys to trust."""
    from release.core.tlog import TlogError  # noqa: PLC0415 - loads the cryptography
    from release.core.tlog.note import LARGEST as LARGEST_NOTE  # noqa: PLC0415
    from release.core.tlog.proof import parse_proof  # noqa: PLC0415

    policy = keys_to_trust(key)
    body = read_file(entry, "an entry of the log", LARGEST)
    try:
        proof = parse_proof(read_file(file, "a proof", LARGEST_NOTE))
    except TlogError as why:
        raise FormatError(f"{file} is no proof: {why}", hint="release log proof makes one") from why
    try:
        head = proof.verify(body, policy)
    except TlogError as why:
        raise TamperedError(
            f"{file} does not prove that {entry} is entry {proof.index} of the log: {why}",
            hint="keep both as they are; ask for the entry and the proof again, from another copy",
        ) from why
    facts = _facts(proof.index, body, head, policy.logs)
    if json:
        return emit_json(facts)
    return emit([f"entry {proof.index} is in the log {head.origin} of {head.size} entries", f"  {facts['event']}"])


def _facts(index: int, body: bytes, head: "Checkpoint", keys: "Sequence[Key]") -> dict[str, Any]:
    try:
        event = decode(body, index=index, keys=keys)
        said = " ".join(filter(None, [event.action, event.version, event.channel, event.occurred_at]))
    except LogError as why:
        said = f"which is no entry that can be read: {why.message}"
    return {"index": index, "origin": head.origin, "size": head.size, "root": head.root.hex(), "event": said}
