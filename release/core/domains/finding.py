"""What is found in a bundle, and how the owner can answer it."""

import bisect
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from release.core.domains.address import PAGE, Address
from release.core.domains.lists import KINDS, DomainsSection, Kind, Rule, allows
from release.core.shape import rule as declared

Status = Literal["unauthorised", "undecided", "refused", "found"]
"""`unauthorised`: it leads to a host on no list; `undecided`: nobody can tell; `refused`: no waiver helps;
`found`: anything else that must not be."""

MOST: Final = 2_000
"""Findings of one file that are listed."""
SHOWN: Final = 160
LARGEST_SNIPPET: Final = 4_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The place in the source that a source map names."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing in one file. Lines and columns begin with 1; `digest` is the SHA-256 of the code that it is about."""

    file: str
    line: int
    column: int
    rule: Rule
    sink: str
    status: Status
    message: str
    advice: str
    snippet: str
    digest: str
    host: str | None = None
    source: Origin | None = declared(None)


@dataclass(kw_only=True, slots=True)
class Report:
    """The findings of one file as they come; the same one is kept once."""

    file: str
    body: bytes
    lists: DomainsSection
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0
    _spans: list[tuple[int, int]] = field(default_factory=list)
    _seen: set[tuple[int, str, str, str | None]] = field(default_factory=set)
    _lines: list[int] = field(default_factory=list)

    def add(
        self,
        span: tuple[int, int],
        rule: Rule,
        sink: str,
        status: Status,
        message: str,
        *,
        host: str | None = None,
        kinds: Sequence[Kind] = (),
    ) -> None:
        """Add what was found at a span of the file's bytes."""
        name = (span[0], rule, sink, host)
        if name in self._seen:
            return
        self._seen.add(name)
        if len(self.findings) >= MOST:
            self.left_out += 1
            return
        self._spans.append(span)
        line, column = self.place(span[0])
        code = self.body[span[0] : min(span[1], span[0] + LARGEST_SNIPPET)]
        whole = self.body[span[0] : span[1]]
        self.findings.append(
            Finding(
                file=self.file,
                line=line,
                column=column,
                rule=rule,
                sink=sink,
                status=status,
                message=message,
                advice=_advice(status, rule, host, kinds),
                snippet=" ".join(code.decode("utf-8", "replace").split())[:SHOWN],
                digest=hashlib.sha256(whole).hexdigest(),
                host=host,
            )
        )

    def distinct(self) -> list[Finding]:
        """Give the findings without texts that hold a host which is already said of what they are used for."""
        used: dict[str | None, list[tuple[int, int]]] = {}
        for one, span in zip(self.findings, self._spans, strict=True):
            if one.host is not None and one.rule != "url":
                used.setdefault(one.host, []).append(span)
        return [
            one
            for one, (first, last) in zip(self.findings, self._spans, strict=True)
            if one.rule != "url" or not any(a <= first and last <= b for a, b in used.get(one.host, ()))
        ]

    def place(self, offset: int) -> tuple[int, int]:
        """Give the line and the column of a byte."""
        if not self._lines:
            self._lines = [0]
            at = self.body.find(b"\n")
            while at >= 0:
                self._lines.append(at + 1)
                at = self.body.find(b"\n", at + 1)
        line = bisect.bisect_right(self._lines, offset)
        start = self._lines[line - 1]
        return line, len(self.body[start:offset].decode("utf-8", "replace")) + 1

    def address(self, span: tuple[int, int], rule: Rule, sink: str, at: Address, kinds: Sequence[Kind]) -> None:
        """Judge where a URL leads that something loads, sends to or goes to."""
        if at.form == "relative" or at.host == PAGE or not kinds:
            return
        if at.form == "open":
            self.add(
                span, rule, sink, "undecided", f"{sink}: the host depends on what is known at run time", kinds=kinds
            )
        elif at.form == "code":
            self.add(span, "code", sink, "undecided", f"{sink}: runs the code of a {at.scheme}: URL")
        elif at.form == "absolute":
            self._host(span, rule, sink, at, kinds)
        elif at.form in {"data", "blob"} and at.scheme in _runs(kinds):
            self.add(span, "code", sink, "undecided", f"{sink}: runs what a {at.scheme}: URL holds")

    def _host(self, span: tuple[int, int], rule: Rule, sink: str, at: Address, kinds: Sequence[Kind]) -> None:
        secure = {"https", "wss"} if set(kinds) & {"connect", "text"} else {"https"}
        named = at.host if at.port is None else f"{at.host}:{at.port}"
        listed = any(allows(entry, at.host, at.port) for kind in kinds for entry in self.lists.hosts(kind))
        named_only = rule == "url" and any(allows(entry, at.host, at.port) for entry in self.lists.text)
        if named_only or (listed and at.scheme in secure):
            return
        why = "is on no list for it" if not listed else f"is authorised for https, not for {at.scheme}:"
        self.add(span, rule, sink, "unauthorised", f"{sink}: {named} {why}", host=named, kinds=kinds)


def _runs(kinds: Sequence[Kind]) -> frozenset[str]:
    """Give the schemes whose URLs bring code with them where they are loaded as one of these kinds."""
    single = set(kinds) if len(set(kinds)) == 1 else set()
    return frozenset({"data", "blob"}) if single & {"script", "worker", "frame", "navigate"} else frozenset()


def _advice(status: Status, rule: Rule, host: str | None, kinds: Sequence[Kind]) -> str:
    if status == "refused":
        return "renew it with a new expiry, or change the bundle"
    waiver = f'[[domains.waivers]] with rule = "{rule}"'
    if host is not None:
        named = sorted(set(kinds), key=KINDS.index) or ["text"]
        lists = " or ".join(named[:4])
        return f'[domains] {lists} = ["{host}"] authorises it; or {waiver} and host = "{host}"'
    return f"use a constant host that [domains] names; or {waiver}, a reason, an owner and an expiry"
