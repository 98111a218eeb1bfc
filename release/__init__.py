"""Release a JavaScript library that web pages load from a CDN."""

from typing import Final

VERSION: Final = "0.1.0"
