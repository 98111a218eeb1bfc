"""What values mean where they are used: URLs, markup, style sheets, code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from release.core.domains import css
from release.core.domains.address import Address, addresses_in, read_address
from release.core.domains.finding import Report
from release.core.domains.lists import KINDS, Kind
from release.core.domains.markup import Element, MarkupError, elements
from release.core.domains.sinks import ATTRIBUTES, LINK, OF_TAG, Sink
from release.core.domains.value import Value, written

Span = tuple[int, int]
DEEPEST: Final = 3
"""How deep scripts in markup in scripts are read."""


@dataclass(kw_only=True, slots=True)
class Judge:
    """Judges what one file says. Everything in a text of a script is said at the span of that text.

    Attributes:
        report: where findings go.
        script: reads a script: its text, the span it is found at (None: the text is the file itself), and how deep.
    """

    report: Report
    script: "Callable[[Judge, bytes, Span | None, int], None]"
    depth: int = 0

    def value(self, span: Span, sink: Sink, label: str, value: Value, *, tag: str | None = None) -> None:
        """Judge what a sink is given."""
        if sink.way in {"url", "srcset"}:
            self._urls(span, sink, label, value, tag)
            return
        for atom in value:
            word = written(atom)
            if word is not None:
                self.text(span, sink, label, word)
            elif atom[0] not in "wn":
                self.undecided(span, sink, label)

    def undecided(self, span: Span, sink: Sink, label: str) -> None:
        """Say that nobody can tell what a sink is given."""
        what = {
            "markup": "puts markup into the page that is made at run time",
            "css": "sets a style that is made at run time",
            "srcset": "loads from where is known at run time only",
        }.get(sink.way, "runs a text that is made at run time")
        self.report.add(span, sink.rule, label, "undecided", f"{label}: {what}", kinds=sink.kinds)

    def text(self, span: Span, sink: Sink, label: str, word: str) -> None:
        """Judge a constant text that a sink is given."""
        match sink.way:
            case "markup":
                self.markup(word, span)
            case "css":
                self.style(word, span, label)
            case "code" | "timer":
                self.code(word, span, label)
            case _:
                self._srcset(span, sink, label, word)

    def _urls(self, span: Span, sink: Sink, label: str, value: Value, tag: str | None) -> None:
        kinds = OF_TAG.get(tag or "", sink.kinds)
        for atom in value:
            word = written(atom)
            if word is not None and sink.way == "srcset":
                self._srcset(span, sink, label, word)
            elif word is not None:
                self.report.address(span, sink.rule, label, read_address(word), kinds)
            elif atom[0] == "p":
                self.report.address(span, sink.rule, label, read_address(atom[1], more=True), kinds)
            elif atom[0] not in "wn":
                self.report.address(span, sink.rule, label, Address("open"), kinds)

    def _srcset(self, span: Span, sink: Sink, label: str, word: str) -> None:
        for candidate in word.split(","):
            url = (candidate.split() or [""])[0]
            self.report.address(span, sink.rule, label, read_address(url), sink.kinds)

    def said(self, span: Span, word: str, *, more: bool = False) -> None:
        """Judge the URLs in a text, wherever it is used."""
        for _, found in addresses_in(word, more=more):
            self.report.address(span, "url", "text", found, KINDS)

    def code(self, word: str, span: Span, label: str) -> None:
        """Judge a text that is run as a script."""
        if not word.strip():
            return
        if self.depth >= DEEPEST:
            self.report.add(span, "code", label, "undecided", f"{label}: scripts within scripts, too deep to read")
            return
        self._deeper(lambda: self.script(self, word.encode("utf-8", "surrogatepass"), span, self.depth))

    def _deeper(self, work: Callable[[], None]) -> None:
        self.depth += 1
        try:
            work()
        finally:
            self.depth -= 1

    def style(self, sheet: str, span: Span, label: str = "style") -> None:
        """Judge a style sheet, or a value of a style."""
        plain = css.plain(sheet)
        for name, url in css.loads(plain):
            kinds: tuple[Kind, ...] = ("style",) if name == "@import" else ("img", "font", "style")
            self.report.address(span, "style", name if name == "@import" else "url()", read_address(url), kinds)
        self.said(span, plain)
        del label

    def markup(self, source: str, span: Span | None) -> None:
        """Judge HTML or SVG; without a span it is the file itself."""
        if self.depth >= DEEPEST:
            whole = span or (0, len(self.report.body))
            self.report.add(
                whole, "markup", "markup", "undecided", "markup within scripts within markup, too deep to read"
            )
            return
        offsets = _offsets(source) if span is None else None
        try:
            for element in elements(source):
                self._deeper(lambda: self._element(element, _span(element, span, offsets)))  # noqa: B023 - called at once
        except MarkupError:
            whole = span or (0, len(self.report.body))
            self.report.add(
                whole, "markup", "markup", "undecided", "markup: elements begin within each other too often"
            )
        if span is not None:
            self.said(span, source)

    def _element(self, element: Element, span: Span) -> None:
        name, attributes = element.name, element.attributes
        for attribute, word in attributes.items():
            self.attribute(span, name, attribute, word)
        if name == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            url = attributes.get("content", "").partition("=")[2].strip(" '\"")
            self.report.address(span, "navigate", "meta refresh", read_address(url), ("navigate",))
        if name == "script" and _is_script(attributes.get("type", "")):
            self.code(element.text, span, "script")
        elif name == "script":
            self.said(span, element.text)
        elif name == "style":
            self.style(element.text, span)
        elif name in {"animate", "set"} and attributes.get("attributename", "").lower().endswith("href"):
            for part in ("to", "from", "values", "by"):
                for word in attributes.get(part, "").split(";"):
                    self.report.address(span, "load", f"{part}=", read_address(word), LINK)

    def attribute(self, span: Span, tag: str, name: str, word: str) -> None:
        """Judge one attribute of an element; `tag` is empty if it is not known."""
        if name.startswith("on"):
            self.code(word, span, f"{name}=")
        elif (sink := ATTRIBUTES.get(name)) is not None and name not in {"content", "cite"}:
            if sink.way == "url":
                kinds = OF_TAG.get(tag, sink.kinds) if name in {"src", "href", "xlink:href"} else sink.kinds
                self.report.address(span, sink.rule, f"{name}=", read_address(word), kinds)
            else:
                self.text(span, sink, f"{name}=", word)
        self.said(span, word)


def _is_script(kind: str) -> bool:
    plain = kind.strip().lower().partition(";")[0].strip()
    return plain in {"", "module", "importmap", "speculationrules"} or "javascript" in plain or "ecmascript" in plain


def _offsets(source: str) -> Callable[[int], int]:
    if source.isascii():
        return lambda place: place
    return lambda place: len(source[:place].encode("utf-8", "replace"))


def _span(element: Element, span: Span | None, offsets: Callable[[int], int] | None) -> Span:
    if span is not None or offsets is None:
        return span or (0, 0)
    return offsets(element.start), offsets(element.end)
