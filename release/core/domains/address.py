"""URLs as browsers read them, so that nothing is an authorised host here and another one there.

The rules are those of the URL Standard (https://url.spec.whatwg.org/#url-parsing): control characters are dropped,
a backslash is a slash, what stands before `@` is no host, hosts are percent-decoded and folded to small ASCII.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote

Form = Literal["relative", "absolute", "data", "blob", "code", "other", "open"]
"""`open`: it goes on with what is not known, and that could still decide the host."""

PAGE: Final = "page.invalid"
"""Stands for the page's own host: what is relative, or built from `location`, leads there."""

_DROPPED: Final = re.compile(r"[\t\n\r]")
_EDGES: Final = "".join(map(chr, range(33)))
_SCHEME: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_SPECIAL: Final = frozenset({"http", "https", "ws", "wss", "ftp"})
_AUTHORITY: Final = re.compile(r"[\\/]*([^\\/?#]*)([\\/?#]?)")
_PORT: Final = re.compile(r":([0-9]*)\Z")
_DEFAULT: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_CONSTANT_PART: Final = re.compile(r"[^:/\\?#]*[/?#]|[^:/\\?#]+[\\]")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL leads. `port` None is the scheme's own."""

    form: Form
    scheme: str = ""
    host: str = ""
    port: int | None = None


RELATIVE: Final = Address("relative")
OPEN: Final = Address("open")


def read_address(text: str, *, more: bool = False) -> Address:
    """Tell where a URL leads; `more`: an unknown text follows it."""
    text = _DROPPED.sub("", text).strip(_EDGES) if not more else _DROPPED.sub("", text).lstrip(_EDGES)
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    if scheme in _SPECIAL:
        return _with_authority(scheme, text[len(scheme) + 1 :], more=more)
    if scheme:
        form: Form = "other"
        if scheme in {"data", "blob"}:
            form = "data" if scheme == "data" else "blob"
        elif scheme in {"javascript", "vbscript"}:
            form = "code"
        return Address(form, scheme)
    if re.match(r"[\\/]{2}", text):
        return _with_authority("https", text, more=more)
    if not more or _is_rooted(text):
        return RELATIVE
    return OPEN


def _is_rooted(text: str) -> bool:
    """Tell whether a relative beginning stays relative whatever follows."""
    if text[:1] in {"/", "\\"}:
        return len(text) > 1
    return _CONSTANT_PART.match(text) is not None


def _with_authority(scheme: str, rest: str, *, more: bool) -> Address:
    found = _AUTHORITY.match(rest)
    authority, end = (found[1], found[2]) if found else ("", "")
    if more and not end:
        return Address("open", scheme)
    authority = authority.rpartition("@")[2]
    port = None
    if numbered := _PORT.search(authority):
        authority = authority[: numbered.start()]
        port = int(numbered[1][:6]) if numbered[1] else None
    return Address("absolute", scheme, fold_host(authority), None if port == _DEFAULT[scheme] else port)


def fold_host(text: str) -> str:
    """Write a host as browsers ask for it; what cannot be one stays as it is, and is on no list."""
    name = unicodedata.normalize("NFKC", unquote(text)).lower().replace("\u3002", ".").replace("\u00ad", "")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return name
    return name.rstrip(".")


# In text, a host is believed to be one where a URL could begin.
_IN_TEXT: Final = re.compile(
    r"(?:(?P<scheme>(?:https?|wss?|ftp):)[\\/]{1,9}|(?:\A|(?<=[\s\"'`(=,;>|:{\[]))[\\/]{2}(?=[a-zA-Z0-9\[%@]))"
    r"(?P<authority>[^\s\"'`<>\\/?#(){}|^,;*$]{0,300})(?P<end>[\\/?#]?)",
    re.IGNORECASE,
)
_HOST_NAME: Final = re.compile(
    r"[^.\s]+(\.[^.\s]+)*\.([a-z]{2,}|xn--[a-z0-9-]+|[0-9]+)|0x[0-9a-f]+|[0-9]{5,}", re.IGNORECASE
)
_ANY_HOST: Final = re.compile(r"[^\[\]:\s]+|\[[0-9a-f:.]+\]", re.IGNORECASE)
_NAMESPACES: Final = re.compile(
    r"http://www\.w3\.org/(?:1999/xhtml|1999/xlink|2000/svg|1998/Math/MathML|2000/xmlns/?|XML/1998/namespace)"
    r"(?![\w./?#%&=-])"
)


def addresses_in(text: str, *, more: bool = False) -> list[tuple[int, Address]]:
    """Find the absolute and protocol-relative URLs in a text, each with its place; names of XML namespaces are none.

    `more`: an unknown text follows; a URL that ends with the text and whose host may go on is `open`.
    """
    if "/" not in text and "\\" not in text:
        return []
    flat = _DROPPED.sub("", text)
    if "www.w3.org" in flat:
        flat = _NAMESPACES.sub("", flat)
    found = []
    for match in _IN_TEXT.finditer(flat):
        bare = match["scheme"] is None
        if more and match.end() == len(flat) and not match["end"] and not bare:
            found.append((match.start(), Address("open", match["scheme"][:-1].lower())))
            continue
        host = _PORT.sub("", match["authority"].rpartition("@")[2])
        if not (_HOST_NAME if bare else _ANY_HOST).fullmatch(host):
            continue
        address = read_address(match[0] if not bare else "//" + match[0].lstrip("/\\"))
        if address.host:
            found.append((match.start(), address))
    return found
