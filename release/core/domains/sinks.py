"""What loads, sends, injects or runs in a browser: by the names that the Web's APIs have."""

from dataclasses import dataclass
from typing import Final, Literal

from release.core.domains.lists import Kind, Rule

Way = Literal["url", "markup", "code", "timer", "css", "attribute", "element", "message", "peer", "srcset"]


@dataclass(frozen=True, slots=True)
class Sink:
    """What one argument or property means. `argument` -1: each of them."""

    way: Way
    argument: int = 0
    kinds: tuple[Kind, ...] = ()
    rule: Rule = "load"


CONNECT: Final[tuple[Kind, ...]] = ("connect",)
SOURCE: Final[tuple[Kind, ...]] = ("script", "img", "frame", "media")
LINK: Final[tuple[Kind, ...]] = ("navigate", "style", "script", "connect", "img", "font")
_CONNECTS: Final = Sink("url", 0, CONNECT, "connect")
_WORKS: Final = Sink("url", 0, ("worker",))

BY_NAME: Final[dict[str, Sink]] = {
    "fetch": _CONNECTS,
    "fetchLater": _CONNECTS,
    "sendBeacon": _CONNECTS,
    "WebSocket": _CONNECTS,
    "WebSocketStream": _CONNECTS,
    "EventSource": _CONNECTS,
    "WebTransport": _CONNECTS,
    "Request": _CONNECTS,
    "Worker": _WORKS,
    "SharedWorker": _WORKS,
    "addModule": _WORKS,
    "importScripts": Sink("url", -1, ("worker",)),
    "Audio": Sink("url", 0, ("media",)),
    "FontFace": Sink("css", 1, ("font",), "style"),
    "RTCPeerConnection": Sink("peer", 0, CONNECT, "peer"),
    "webkitRTCPeerConnection": Sink("peer", 0, CONNECT, "peer"),
    "mozRTCPeerConnection": Sink("peer", 0, CONNECT, "peer"),
    "eval": Sink("code", 0, (), "code"),
    "execScript": Sink("code", 0, (), "code"),
    "Function": Sink("code", -1, (), "code"),
    "setTimeout": Sink("timer", 0, (), "code"),
    "setInterval": Sink("timer", 0, (), "code"),
    "insertAdjacentHTML": Sink("markup", 1, (), "markup"),
    "createContextualFragment": Sink("markup", 0, (), "markup"),
    "setHTMLUnsafe": Sink("markup", 0, (), "markup"),
    "parseHTMLUnsafe": Sink("markup", 0, (), "markup"),
    "setAttribute": Sink("attribute", 0, (), "attribute"),
    "setAttributeNS": Sink("attribute", 1, (), "attribute"),
    "createElement": Sink("element", 0, (), "element"),
    "createElementNS": Sink("element", 1, (), "element"),
    "insertRule": Sink("css", 0, ("style", "img", "font"), "style"),
    "addRule": Sink("css", 1, ("style", "img", "font"), "style"),
    "replaceSync": Sink("css", 0, ("style", "img", "font"), "style"),
    "parseFromString": Sink("markup", 0, (), "markup"),
    "getScript": Sink("url", 0, ("script",)),
    "getJSON": _CONNECTS,
    "openWindow": Sink("url", 0, ("navigate",), "navigate"),
    "PaymentRequest": Sink("peer", 0, CONNECT, "connect"),
    "XSLTProcessor": Sink("peer", 0, (), "markup"),
    "createAttribute": Sink("peer", 0, (), "attribute"),
    "setAttributeNode": Sink("peer", 0, (), "attribute"),
    "setAttributeNodeNS": Sink("peer", 0, (), "attribute"),
    "setNamedItem": Sink("peer", 0, (), "attribute"),
    "getAttributeNode": Sink("peer", 0, (), "attribute"),
    "getNamedItem": Sink("peer", 0, (), "attribute"),
    "registerProtocolHandler": Sink("url", 1, ("navigate",), "navigate"),
}
"""Whoever has such a method: that is how it is known even where the object is not."""
TOO_COMMON: Final = frozenset({"Request", "addRule", "Audio", "Function"})
"""Names that count only where the window's own property may be meant."""

HARMLESS: Final = frozenset(
    {
        "history",
        "console",
        "Math",
        "JSON",
        "performance",
        "crypto",
        "localStorage",
        "sessionStorage",
        "Promise",
        "Object",
    }
)
"""Globals that have none of these: a name of theirs comes from objects that were taken for each other."""

NATIVE: Final = frozenset(
    {"document", "navigator", "location", "Reflect", "Function", "Array", "String", "Document", "URL"}
)
APPENDS: Final = frozenset({"append", "appendChild", "prepend", "insertBefore", "replaceChildren"})
_SHEETS: Final[tuple[Kind, ...]] = ("style", "img", "font")
OF_TEXT: Final[dict[str, Sink]] = {
    "script": Sink("code", -1, (), "code"),
    "style": Sink("css", -1, _SHEETS, "style"),
}
"""What the text of an element is."""

BY_PATH: Final[dict[str, Sink]] = {
    "document.write": Sink("markup", -1, (), "markup"),
    "document.writeln": Sink("markup", -1, (), "markup"),
    "document.execCommand": Sink("markup", 2, (), "markup"),
    "open": Sink("url", 0, ("navigate",), "navigate"),
    "document.open": Sink("url", 0, ("navigate",), "navigate"),
    "caches.open": Sink("peer", 0, CONNECT, "connect"),
    "location": Sink("url", 0, ("navigate",), "navigate"),
    "location.assign": Sink("url", 0, ("navigate",), "navigate"),
    "location.replace": Sink("url", 0, ("navigate",), "navigate"),
    "navigation.navigate": Sink("url", 0, ("navigate",), "navigate"),
    "navigator.serviceWorker.register": _WORKS,
    "postMessage": Sink("message", 1, (), "message"),
}
ON_DOCUMENT: Final = frozenset({"write", "writeln"})

_CSS: Final = Sink("css", 0, ("img", "font", "style"), "style")
_MARKUP: Final = Sink("markup", 0, (), "markup")
_SRC: Final = Sink("url", 0, SOURCE)
PROPERTIES: Final[dict[str, Sink]] = {
    "src": _SRC,
    "href": Sink("url", 0, LINK),
    "srcset": Sink("srcset", 0, ("img",)),
    "imageSrcset": Sink("srcset", 0, ("img",)),
    "poster": Sink("url", 0, ("img",)),
    "lowsrc": Sink("url", 0, ("img",)),
    "formAction": Sink("url", 0, ("navigate",), "navigate"),
    "ping": Sink("url", 0, CONNECT, "connect"),
    "innerHTML": _MARKUP,
    "outerHTML": _MARKUP,
    "srcdoc": _MARKUP,
    "cssText": _CSS,
    "style": _CSS,
    "location": Sink("url", 0, ("navigate",), "navigate"),
}
"""Properties that mean this on any object."""
OF_ELEMENTS: Final[dict[str, Sink]] = {
    "data": Sink("url", 0, ("frame",)),
    "action": Sink("url", 0, ("navigate",), "navigate"),
    "background": Sink("url", 0, ("img",)),
    "codeBase": Sink("url", 0, ("frame",)),
    "style": _CSS,
}
"""Properties that are common elsewhere, too."""
OF_LOCATION: Final = frozenset({"href", "host", "hostname", "protocol", "port"})
OF_STYLE: Final[dict[str, Sink]] = dict.fromkeys(
    (
        "background",
        "backgroundImage",
        "borderImage",
        "borderImageSource",
        "listStyle",
        "listStyleImage",
        "content",
        "cursor",
        "filter",
        "mask",
        "maskImage",
        "webkitMaskImage",
        "clipPath",
        "shapeOutside",
        "background-image",
        "border-image",
        "list-style-image",
        "mask-image",
        "cssText",
    ),
    _CSS,
)
ATTRIBUTES: Final[dict[str, Sink]] = {
    "src": _SRC,
    "href": Sink("url", 0, LINK),
    "xlink:href": Sink("url", 0, LINK),
    "srcset": Sink("srcset", 0, ("img",)),
    "imagesrcset": Sink("srcset", 0, ("img",)),
    "poster": Sink("url", 0, ("img",)),
    "lowsrc": Sink("url", 0, ("img",)),
    "dynsrc": Sink("url", 0, ("img",)),
    "background": Sink("url", 0, ("img",)),
    "data": Sink("url", 0, ("frame",)),
    "codebase": Sink("url", 0, ("frame",)),
    "archive": Sink("url", 0, ("frame",)),
    "classid": Sink("url", 0, ("frame",)),
    "action": Sink("url", 0, ("navigate",), "navigate"),
    "formaction": Sink("url", 0, ("navigate",), "navigate"),
    "ping": Sink("url", 0, CONNECT, "connect"),
    "manifest": Sink("url", 0, CONNECT, "connect"),
    "longdesc": Sink("url", 0, ("navigate",), "navigate"),
    "cite": Sink("url", 0, ("text", "navigate")),
    "attributionsrc": Sink("url", 0, CONNECT, "connect"),
    "srcdoc": _MARKUP,
    "style": _CSS,
    "content": Sink("css", 0, ("navigate",), "navigate"),
}
"""Attributes in markup and of setAttribute; those that begin with `on` are code."""

OF_TAG: Final[dict[str, tuple[Kind, ...]]] = {
    "script": ("script",),
    "img": ("img",),
    "image": ("img",),
    "input": ("img",),
    "iframe": ("frame",),
    "frame": ("frame",),
    "embed": ("frame",),
    "object": ("frame",),
    "portal": ("frame",),
    "fencedframe": ("frame",),
    "audio": ("media",),
    "video": ("media",),
    "source": ("media", "img"),
    "track": ("media",),
    "link": ("style", "font", "script", "connect", "img"),
    "use": ("img",),
    "feimage": ("img",),
    "a": ("navigate",),
    "area": ("navigate",),
    "form": ("navigate",),
    "button": ("navigate",),
    "base": ("script",),
}
"""What the URL of an element is for."""
CARRIERS: Final = frozenset({"script", "iframe", "frame", "object", "embed", "portal", "fencedframe", "base"})
"""Elements that bring in code or documents: making one needs a host that may give it."""
READS_ALL: Final = frozenset(
    {
        "Object.keys",
        "Object.values",
        "Object.entries",
        "Object.getOwnPropertyNames",
        "Object.getOwnPropertyDescriptors",
        "Object.getOwnPropertyDescriptor",
        "Reflect.ownKeys",
        "Reflect.getOwnPropertyDescriptor",
    }
)
DESCRIBES: Final = frozenset({"getOwnPropertyDescriptor", "__lookupSetter__", "__lookupGetter__"})
"""Functions that give a property's setter, by the property's name."""


def means(name: str, *, begins: bool = False) -> bool:
    """Tell whether a name is one that loads, sends, injects or leads to the window; or whether one begins so."""
    return any(known.startswith(name) for known in _KNOWN) if begins else name in _KNOWN


GUARDED: Final = frozenset({"", "document", "navigator", "location", "navigator.serviceWorker"})
"""Globals whose properties must be named by constants."""

_KNOWN: Final = frozenset(
    {
        *BY_NAME,
        *PROPERTIES,
        *OF_ELEMENTS,
        *OF_STYLE,
        *OF_LOCATION,
        *ATTRIBUTES,
        *APPENDS,
        *(part for path in BY_PATH for part in path.split(".")),
        *("window", "self", "globalThis", "top", "parent", "frames", "document", "navigator", "defaultView"),
        *("contentWindow", "XMLHttpRequest", "Image", "Reflect", "Object", "constructor", "prototype", "text"),
        *("textContent", "innerText", "ownerDocument", "writeln", "send", "appendChild", "Blob", "URL", "setProperty"),
    }
)
