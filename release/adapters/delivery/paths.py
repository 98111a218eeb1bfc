"""What every cache is asked to drop: exact paths, written as URLs write them."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from release.errors import NothingToDoError, RefusedError

# Escape what RFC 1738 calls unsafe and nothing else, or CloudFront looks for another object:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
_AS_THEY_ARE: Final = "/!$&'()+,;=:@"


def in_urls(paths: Sequence[str]) -> list[str]:
    """Write paths of the bucket, each with a leading slash, as they stand in a URL.

    Raises:
        NothingToDoError: there are no paths.
        RefusedError: one is not exact.
    """
    if not paths:
        raise NothingToDoError("there are no paths to invalidate")
    for path in paths:
        if not path.startswith("/") or "*" in path:
            raise RefusedError(f"{path!r} is not an exact path that begins with a slash")
    return [quote(path, safe=_AS_THEY_ARE) for path in paths]
