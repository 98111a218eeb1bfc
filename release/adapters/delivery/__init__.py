"""The cache in front of the bucket as the Cdn port, one kind a module. A new kind is a module and a line in `other`."""

from collections.abc import Mapping
from typing import Final

from release.core.delivery import Delivery
from release.ports import Cdn

TOKEN_VARIABLE: Final = "RELEASE_CDN_TOKEN"  # noqa: S105 - the name of a variable


def other(delivery: Delivery, *, site: str, environment: Mapping[str, str]) -> Cdn:
    """Open a cache that is not CloudFront, with the token of this environment.

    Args:
        delivery: release.toml's.
        site: the public address.
        environment: of this process.

    Raises:
        CredentialError: a token is needed and there is none.
    """
    token = environment.get(TOKEN_VARIABLE, "")
    match delivery.kind:
        case "purge":
            from release.adapters.delivery.http_purge import HttpPurge  # noqa: PLC0415 - one of them is needed

            return HttpPurge(delivery.servers, site=site, method=delivery.method, token=token)
        case "fastly":
            from release.adapters.delivery.fastly import Fastly  # noqa: PLC0415

            return Fastly(site=site, token=token, variable=TOKEN_VARIABLE)
        case "cloudflare":
            from release.adapters.delivery.cloudflare import Cloudflare  # noqa: PLC0415

            return Cloudflare(zone=delivery.zone or "", site=site, token=token, variable=TOKEN_VARIABLE)
