"""A ring's gate: how many errors a version may make, and what its error source answered.

The gate is open only for a clear answer with few enough errors among enough samples. Anything else is closed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from release.core import document
from release.core.key_section import URL
from release.core.layout import CHANNEL, LARGEST_SLOT, LIBRARY, VERSION
from release.core.manifest import SHA256
from release.core.shape import Place, Problem, rule
from release.errors import FormatError, ServiceError, TrippedError

MEDIA_TYPE: Final = "application/vnd.js-release.gate+json"
LARGEST: Final = 64 * 1024
MOST_SAMPLES: Final = 10**15
Kind = Literal["prometheus", "datadog", "command"]
Answer = Literal["open", "tripped", "silent"]

_QUERY: Final = 4000
_NUMBER: Final = r"[0-9]{1,15}(\.[0-9]{1,15})?"
_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_PLACE: Final = re.compile(r"\{\{([^{}]*)\}\}")
_PLACES: Final = ("version", "ring")
# PromQL's =~ and !~ read their right side as a regular expression, in which a version's dots match anything.
# https://prometheus.io/docs/prometheus/latest/querying/basics/#time-series-selectors
_IN_PATTERN: Final = re.compile(r"[=!]~\s*[\"'`][^\"'`]*\{\{")
# https://docs.datadoghq.com/getting_started/tagging/#define-tags: other characters become underscores.
_NO_TAG: Final = re.compile(r"[^a-z0-9_:./-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """Where to ask how a ring's version does, and how many errors it may make. `{{version}}` and `{{ring}}` are filled.

    Prometheus' token comes from RELEASE_GATE_TOKEN, Datadog's keys from DD_API_KEY and DD_APP_KEY.
    """

    kind: Kind
    url: str | None = rule(None, pattern=URL, means="a URL", doc="Of the API, such as https://api.datadoghq.eu.")
    errors: str = rule("", longest=_QUERY, doc="The query that counts the version's errors.")
    samples: str = rule("", longest=_QUERY, doc="The query that counts what could have failed, such as page loads.")
    command: tuple[str, ...] = rule((), most=50, longest=_QUERY, doc='For command: prints {"errors":1,"samples":900}.')
    environment: tuple[str, ...] = rule(
        (), most=50, pattern=r"[A-Za-z_][A-Za-z0-9_]{0,99}", means="a variable's name", doc="What the command may see."
    )
    max_: str = rule(pattern=_NUMBER, means='a number such as "0.01"', doc="The most errors for each sample, as text.")
    min_samples: int = rule(minimum=1, maximum=MOST_SAMPLES, doc="With fewer samples there is no answer.")
    minutes: int = rule(30, minimum=1, maximum=10080, doc="For datadog: how far back to count.")
    timeout_seconds: int = rule(20, minimum=1, maximum=300)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What the source counted for one version."""

    errors: Decimal
    samples: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What is on trial: the version that a ring serves by this log entry."""

    library: str = rule(pattern=LIBRARY, means="a library's name")
    ring: str = rule(pattern=CHANNEL, means="a channel's name")
    version: str = rule(pattern=VERSION, means="a version")
    manifest: str = rule(pattern=SHA256, means="a SHA-256 in hex")
    entry: int = rule(minimum=0, maximum=LARGEST_SLOT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The gate's answer, for the log. Numbers are text: they are compared exactly, and stay what was answered."""

    type_: Literal["release-gate/v1"] = rule("release-gate/v1", required=True)
    trial: Trial
    kind: Kind
    asked: tuple[str, ...] = rule(minimum=1, most=50, longest=_QUERY + 1000, doc="The queries, or the command.")
    at: str = rule(pattern=_TIME, means="a time such as 2026-11-24T00:12:33Z")
    max_: str = rule(pattern=_NUMBER, means="a number")
    min_samples: int = rule(minimum=1, maximum=MOST_SAMPLES)
    answer: Answer
    errors: str | None = rule(None, pattern=_NUMBER, means="a number")
    samples: str | None = rule(None, pattern=_NUMBER, means="a number")
    why: str = rule("", longest=500)

    def said(self) -> str:
        """Say the answer in one line."""
        about = f"gate {self.kind} of {self.trial.ring}, {self.trial.version}"
        if self.errors is None or self.samples is None:
            return f"{about}: no answer: {self.why}"
        counted = f"{self.errors} errors in {self.samples} samples, at most {self.max_} of each are permitted"
        return f"{about}: {self.answer}: {counted}{f'; {self.why}' if self.why else ''}"

    def require_open(self) -> None:
        """Refuse what is not clearly open.

        Raises:
            TrippedError: there were too many errors.
            ServiceError: there was no answer, or one of too little.
        """
        if self.answer == "tripped":
            raise TrippedError(
                self.said(),
                hint=f"take it back: release rollback {self.trial.ring} --from-gate",
                evidence=self._facts(),
            )
        if self.answer == "silent":
            raise ServiceError(self.said(), hint="no answer is closed: ask again later", evidence=self._facts())

    def _facts(self) -> dict[str, str]:
        return {"asked": "; ".join(self.asked)[:500], "at": self.at}


def judge(gate: Gate, trial: Trial, found: Counted | str, *, at: str) -> Verdict:
    """Judge what a source counted, or why it did not."""
    asked = (gate.errors, gate.samples) if gate.kind != "command" else gate.command
    wording = tag_of if gate.kind == "datadog" else str
    queries = tuple(filled(one, version=wording(trial.version), ring=wording(trial.ring)) for one in asked)
    counted = None if isinstance(found, str) or not _sane(found) else _rounded(found)
    answer, why = _answer(gate.max_, gate.min_samples, counted or found)
    return Verdict(
        trial=trial,
        kind=gate.kind,
        asked=queries,
        at=at,
        max_=gate.max_,
        min_samples=gate.min_samples,
        answer=answer,
        errors=_text(counted.errors) if counted else None,
        samples=_text(counted.samples) if counted else None,
        why=why[:500],
    )


def read_verdict(body: bytes, *, name: str) -> Verdict:
    """Read a verdict; its answer must be what its numbers say (FormatError)."""
    found = document.decode(Verdict, body, name=name, limit=LARGEST)
    counted: Counted | str = found.why
    if found.errors is not None and found.samples is not None:
        counted = Counted(errors=Decimal(found.errors), samples=Decimal(found.samples))
    if _answer(found.max_, found.min_samples, counted)[0] != found.answer:
        raise FormatError(f"{name} says {found.answer}, and its numbers say something else")
    return found


def filled(text: str, *, version: str, ring: str) -> str:
    """Put version and ring in their places."""
    words = {"version": version, "ring": ring}
    return _PLACE.sub(lambda found: words[found[1]], text)


def tag_of(text: str) -> str:
    """Write a version or ring as Datadog keeps it in a tag."""
    return _NO_TAG.sub("_", text.lower())


def number(text: str) -> Decimal:
    """Read a number that a source answered.

    Raises:
        ServiceError: it is none, or not finite.
    """
    try:
        found = Decimal(text) if len(text) <= 100 else Decimal("NaN")  # noqa: PLR2004 - no count is as long
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ServiceError(f"the gate's source answered {text[:40]!r}, which is no number", hint="look at the query")
    return found


def check_gate(gate: Gate) -> Iterator[Problem]:
    """Give what no single field of the gate can tell; places are below it."""
    http = gate.kind != "command"
    needed: Mapping[str, bool] = {"url": http, "errors": http, "samples": http, "command": not http}
    for field, wanted in needed.items():
        if wanted and not getattr(gate, field):
            yield Problem((field,), f"is missing: kind {gate.kind!r} needs it")
    for field in ("command", "environment") if http else ("url", "errors", "samples"):
        if getattr(gate, field):
            yield Problem((field,), f"is not for kind {gate.kind!r}")
    for index, name in enumerate(gate.environment):
        if name.upper().startswith(("AWS_", "RELEASE_")):
            yield Problem(("environment", index), f"{name} may hold a stage's key: the command never sees one")
    for field, text in (("errors", gate.errors), ("samples", gate.samples), ("command", " ".join(gate.command))):
        if text:
            yield from _check_query(gate.kind, (field,), text)


def _check_query(kind: Kind, place: Place, text: str) -> Iterator[Problem]:
    for name in _PLACE.findall(text):
        if name not in _PLACES:
            yield Problem(place, f"{{{{{name}}}}} stands for nothing: there are {{{{version}}}} and {{{{ring}}}}")
    if "{{version}}" not in text:
        yield Problem(place, "must name {{version}}: the gate is about one version's errors")
    if kind == "prometheus" and _IN_PATTERN.search(text):
        yield Problem(place, 'takes the version for a regular expression: write ="{{version}}"')


def _answer(most: str, least: int, found: Counted | str) -> tuple[Answer, str]:
    if isinstance(found, str):
        return "silent", found
    if not _sane(found):
        return "silent", "the source counts less than nothing, or too much to be true"
    if found.samples < least:
        return "silent", f"too few samples: {least} are needed"
    return ("tripped" if found.errors > Decimal(most) * found.samples else "open"), ""


def _sane(found: Counted) -> bool:
    return all(0 <= one < MOST_SAMPLES for one in (found.errors, found.samples))


def _rounded(found: Counted) -> Counted:
    """Give the numbers as the verdict keeps them, so that whoever judges it again judges the same."""
    return Counted(errors=Decimal(_text(found.errors)), samples=Decimal(_text(found.samples)))


def _text(value: Decimal) -> str:
    text = f"{value:.15f}"
    return text.rstrip("0").rstrip(".")
