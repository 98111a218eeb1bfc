"""The tables of release.toml that say which cache is in front of the bucket: CloudFront, or another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from release.core.key_section import URL
from release.core.shape import Problem, rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """The CloudFront distribution in front of the bucket."""

    id_: str = rule(pattern=r"[A-Z0-9]{8,20}", means="a distribution id such as E2EXAMPLE1234")
    account: str | None = rule(None, pattern=r"[0-9]{12}", means="an account number of 12 digits")
    wait_seconds: int = rule(900, minimum=0, maximum=7200, doc="How long to wait for an invalidation.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A cache in front of the bucket that is not CloudFront. Its token comes from RELEASE_CDN_TOKEN."""

    kind: Literal["purge", "fastly", "cloudflare"] = rule(doc="purge: servers of your own, such as Varnish or nginx.")
    servers: tuple[str, ...] = rule((), most=100, pattern=URL, means="a URL", doc="For purge: every server to ask.")
    method: Literal["PURGE", "BAN"] = rule("PURGE", doc="For purge: what the servers are asked.")
    zone: str | None = rule(None, pattern=r"[0-9a-f]{32}", means="a zone's id", doc="For cloudflare.")


_NEEDED: Final[Mapping[str, str]] = {"purge": "servers", "cloudflare": "zone"}


def check_delivery(distribution: Distribution | None, delivery: Delivery | None) -> Iterator[Problem]:
    """Give what no single field of the two tables can tell."""
    if distribution is None and delivery is None:
        yield Problem(("distribution",), "is missing: which cache is in front of the bucket? Or write [delivery]")
        return
    if delivery is None:
        return
    if distribution is not None:
        yield Problem(("delivery",), "there is [distribution] too: one cache is in front of the bucket")
    needed = _NEEDED.get(delivery.kind)
    for field in ("servers", "zone"):
        given = bool(getattr(delivery, field))
        if field == needed and not given:
            yield Problem(("delivery", field), f"is missing: kind {delivery.kind!r} needs it")
        elif field != needed and given:
            yield Problem(("delivery", field), f"is not for kind {delivery.kind!r}")
