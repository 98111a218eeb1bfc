"""The [keys] table of release.toml: how the stages' identities are made and from where they may be used."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from release.core.layout import PREFIX
from release.core.shape import Problem, rule

URL: Final = r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?"
BUCKET_RULES: Final[Mapping[str, str]] = {"pattern": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "means": "a bucket name"}
# https://docs.gitlab.com/user/reserved_names/: letters, digits, '_', '-' and '.'.
_PROJECT: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,20}"

SubjectPart = Literal[
    "project_path", "ref_type", "ref", "ref_protected", "environment", "environment_protected", "deployment_tier"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class GitLab:
    """The GitLab project whose jobs take the stages' roles, or whose variables hold the stages' keys."""

    url: str = rule(pattern=URL, means="a URL", doc="Of GitLab itself, such as https://gitlab.example.com")
    project: str = rule(pattern=_PROJECT, means="a path such as group/project", longest=255, doc="Its path.")
    subject: tuple[SubjectPart, ...] = rule(
        lambda: ("project_path", "ref_type", "ref"),
        minimum=3,
        most=7,
        doc="What the `sub` of the project's ID tokens is made of, in order (ci_id_token_sub_claim_components).",
    )

    @property
    def host(self) -> str:
        """Its address as an issuer of tokens, without https://."""
        return self.url.partition("://")[2].rstrip("/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trail:
    """Where CloudTrail leaves its records."""

    bucket: str = rule(**BUCKET_RULES)
    prefix: str = rule("AWSLogs/", pattern=PREFIX, means="a prefix that ends with a slash")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeysSection:
    """The keys of the stages."""

    identities: Literal["roles", "users"] | None = rule(
        None, doc="roles: jobs exchange GitLab's token (default with [keys.gitlab]); users: static keys."
    )
    source_ips: tuple[str, ...] = rule((), most=20, longest=49, doc="Address ranges the keys work from; all if empty.")
    account: str | None = rule(
        None, pattern=r"[0-9]{12}", means="an account number of 12 digits", doc="Where there is no [distribution]."
    )
    max_age_days: int = rule(90, minimum=1, maximum=365, doc="How old a static key may be.")
    gitlab: GitLab | None = None
    trail: Trail | None = None

    @property
    def kind(self) -> Literal["roles", "users"]:
        """What a stage's identity is in IAM."""
        return self.identities or ("roles" if self.gitlab else "users")


def check_keys(keys: KeysSection) -> Iterator[Problem]:
    """Give what no single field of the section can tell."""
    for i, text in enumerate(keys.source_ips):
        try:
            ipaddress.ip_network(text)
        except ValueError:
            yield Problem(("keys", "source-ips", i), f"{text!r} is not an address range such as 198.51.100.0/24")
    if keys.identities == "roles" and keys.gitlab is None:
        yield Problem(("keys", "gitlab"), "is missing: a role must know which GitLab project may take it")
    if keys.gitlab:
        subject = keys.gitlab.subject
        if subject[:3] != ("project_path", "ref_type", "ref"):
            yield Problem(("keys", "gitlab", "subject"), "must begin with project_path, ref_type, ref")
        if len(set(subject)) != len(subject):
            yield Problem(("keys", "gitlab", "subject"), "names a part twice")
