"""What a bundle gives away: keys, passwords in addresses, paths of the machine that built it, its sources, people.

Each pattern of a secret is a token's published form, so that a match is no guess; what only a name and much randomness
speak for is found too. A finding never repeats a secret: it shows the first letters, and a fingerprint to accept it by.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["secret", "password", "path", "source-map", "person", "more"]

MOST: Final = 500
"""Findings that one file can have; one more says that there are more."""
MOST_SIGNS: Final = 200_000
"""Places in one file that are looked at for one sign, so that a hostile file costs seconds; with more it is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposed:
    """Something that a file gives away.

    Attributes:
        offset: of its first byte.
        what: in words, with no more than the first letters of a secret.
        fingerprint: the SHA-256 (hex) of the text itself, to accept it by.
        hint: what to do.
    """

    kind: Kind
    path: str
    offset: int
    what: str
    fingerprint: str
    hint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """How something looks: its pattern is tried only around its `signs`, at most `before` bytes before one.

    A pattern may have a group `value`: what counts of it.
    """

    kind: Kind
    name: str
    signs: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    before: int = 0
    hidden: bool = True


_AFTER: Final = 600
_WORD: Final = rb"(?<![A-Za-z0-9_-])"
_FOLDER: Final = rb"(?<![A-Za-z0-9._/:\\-])"
_REST: Final = rb"[A-Za-z0-9._/-]{1,200}"
_RANDOM_ENOUGH: Final = 3.5
_SECRETIVE: Final = (b"key", b"Key", b"KEY", b"ecret", b"ECRET", b"assw", b"ASSW", b"oken", b"OKEN")


def _secret(name: str, signs: str, pattern: bytes) -> _Form:
    return _Form(kind="secret", name=name, signs=tuple(signs.encode().split()), pattern=re.compile(_WORD + pattern))


def _path(name: str, signs: str, pattern: bytes, *, before: int = 0) -> _Form:
    named = tuple(signs.encode().split())
    return _Form(
        kind="path", name=name, signs=named, pattern=re.compile(_FOLDER + pattern), before=before, hidden=False
    )


# The tokens' forms are published: docs.aws.amazon.com/IAM (reference_identifiers), docs.github.com (about
# authentication to GitHub), docs.gitlab.com/security/tokens, api.slack.com/authentication/token-types,
# docs.stripe.com/keys, cloud.google.com/docs/authentication/api-keys, docs.npmjs.com (about access tokens),
# RFC 7519 and RFC 7468.
_FORMS: Final = (
    _secret("an AWS access key id", "AKIA ASIA", rb"(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    _secret("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _secret("a GitHub token", "github_pat_", rb"github_pat_[A-Za-z0-9_]{50,255}"),
    _secret("a GitLab token", "glpat- gldt- glrt- glcbt- glptt- gloas- glsoat- glft-", rb"gl[a-z]{2,4}-[\w-]{20,128}"),
    _secret("a Slack token", "xox xapp-", rb"(?:xox[abeoprs]-|xapp-[0-9]-)[A-Za-z0-9-]{10,250}"),
    _secret(
        "a Slack webhook", "hooks.slack.com/services/", rb"hooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/\w{16,32}"
    ),
    _secret("a Stripe secret key", "sk_live_ sk_test_ rk_live_ rk_test_", rb"[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}"),
    _secret("a Google API key", "AIza", rb"AIza[A-Za-z0-9_-]{35}"),
    _secret("an npm token", "npm_", rb"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _secret("a PyPI token", "pypi-AgE", rb"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _secret("a SendGrid key", "SG.", rb"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    _secret("a signed token (JWT)", "eyJ", rb"eyJ[\w-]{8,300}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    _secret("a private key", "-----BEGIN", rb"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----"),
    _Form(
        kind="secret",
        name="something named like a secret",
        signs=_SECRETIVE,
        pattern=re.compile(
            rb"(?i)(?:api[_-]?key|secret|passw(?:or)?d|access[_-]?token|auth[_-]?token|private[_-]?key)[a-z0-9_]{0,20}"
            rb"[\"']?\]?\s{0,3}[:=]\s{0,3}(?P<quote>[\"'`])(?P<value>[A-Za-z0-9+/=_.~-]{16,200})(?P=quote)"
        ),
        before=12,
    ),
    _Form(
        kind="password",
        name="a password in an address",
        signs=(b"://",),
        pattern=re.compile(rb"[a-z][a-z0-9+.-]{0,12}://[^\s/@:\"'`<>(){}$]{1,64}:[^\s/@\"'`<>(){}$]{1,64}@[\w.-]+"),
        before=13,
    ),
    _path("a user's folder", "/home/ /Users/", rb"/(?:home|Users)/[\w.-]{1,64}/" + _REST),
    _path(
        "a user's folder", r":\Users :\\Users :/Users", rb"[A-Za-z]:[\\/]{1,2}Users[\\/]{1,2}[\w.\\/-]{3,200}", before=1
    ),
    _path("a build machine's folder", "/builds/", rb"/builds/[\w.-]{1,64}/" + _REST),
    _path(
        "a build machine's folder",
        "/root/ /github/workspace/ /var/lib/",
        rb"/(?:root|github/workspace|var/lib)/" + _REST,
    ),
    _path("a local file", "file:///", rb"file:///[\w./%-]{1,200}"),
    _Form(
        kind="source-map",
        name="its sources, by a map",
        signs=(b"sourceMappingURL",),
        pattern=re.compile(rb"(?://|/\*)[#@]\s{0,3}sourceMappingURL=\s{0,3}(?P<value>[^\s*]{1,120})"),
        before=6,
        hidden=False,
    ),
    _Form(
        kind="person",
        name="an e-mail address",
        signs=(b"@",),
        pattern=re.compile(rb"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w-])"),
        before=64,
        hidden=False,
    ),
)
_NO_PERSON: Final = re.compile(rb"@(?:[a-z0-9-]+\.)*(?:example|invalid|test)(?:\.[a-z]{2,3})?\Z|\.(?:js|css|png|svg)\Z")
_HINTS: Final[dict[Kind, str]] = {
    "secret": "whoever loads the page has it: revoke it and take it out of the source",
    "password": "whoever loads the page has it: change it and take it out of the source",
    "path": "have the build write paths from the library's folder",
    "source-map": "turn source maps off in the build, or publish them: [build] source-maps = true",
    "person": "is everybody meant to see it?",
    "more": "mend those that are listed, then look again",
}


def scan(path: str, body: bytes, *, maps: bool) -> list[Exposed]:
    """Give what one file gives away, in its order, at most `MOST` findings and one that says that there are more.

    Args:
        path: the file's.
        body: its bytes.
        maps: whether source maps are published on purpose.
    """
    if signs := [sign for form in _FORMS for sign in form.signs if body.count(sign) > MOST_SIGNS]:
        return [_more(path, body.find(signs[0]))]
    found: dict[tuple[int, Kind], Exposed] = {}
    for form in _FORMS:
        if form.kind == "source-map" and maps:
            continue
        for at in _matches(form, body):
            group = "value" if "value" in form.pattern.groupindex else 0
            place = (at.start(group), form.kind)
            found.setdefault(place, _exposed(form, path, at.start(group), at[group]))
            if len(found) > MOST:
                break
    listed = [found[place] for place in sorted(found)]
    if len(listed) > MOST:
        listed[MOST:] = [_more(path, listed[MOST].offset)]
    return listed


def randomness(text: bytes) -> float:
    """Give the entropy of a text's bytes, in bits a byte (Shannon)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _matches(form: _Form, body: bytes) -> Iterator[re.Match[bytes]]:
    for sign in form.signs:
        place = body.find(sign)
        while place >= 0:
            end = place + len(sign)
            around = form.pattern.finditer(body, max(0, place - form.before), end + _AFTER)
            at = next((at for at in around if at.end() > place), None)
            if at and at.start() <= place and _counts(form, at):
                yield at
                end = max(end, at.end())
            place = body.find(sign, end)


def _counts(form: _Form, at: re.Match[bytes]) -> bool:
    if form.kind == "person":
        return _NO_PERSON.search(at[0]) is None
    if form.pattern.groupindex and form.kind == "secret":
        return randomness(at["value"]) >= _RANDOM_ENOUGH
    return True


def _exposed(form: _Form, path: str, offset: int, text: bytes) -> Exposed:
    shown = text[:4] if form.hidden else text[:120]
    words = "".join(c if c.isprintable() else "?" for c in shown.decode("ascii", "backslashreplace"))
    return Exposed(
        kind=form.kind,
        path=path,
        offset=offset,
        what=f"{form.name}: {words}{'...' if form.hidden else ''}",
        fingerprint=hashlib.sha256(text).hexdigest(),
        hint=_HINTS[form.kind],
    )


def _more(path: str, offset: int) -> Exposed:
    return Exposed(
        kind="more",
        path=path,
        offset=offset,
        what="too much of this kind to list or look at",
        fingerprint="",
        hint=_HINTS["more"],
    )
