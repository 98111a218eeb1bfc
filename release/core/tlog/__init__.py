"""A transparency log as the C2SP specifications describe it: tree, tiles, notes, checkpoints, proofs, policies.

Pure, and of no other part of this program: bytes in, verified values out. Everything that is parsed
here is believed to come from an attacker. https://c2sp.org/tlog-tiles, https://www.rfc-editor.org/rfc/rfc6962
"""


class TlogError(Exception):
    """A note, tile, proof or policy is malformed, or does not prove what it should."""
