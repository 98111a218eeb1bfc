"""Provision: carry out the steps that `core.provisioning` planned, in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from release.core.identities import Identities
from release.core.keypolicy import Policies
from release.core.provisioning import Seen, Step, audiences
from release.errors import ConfigError, NotFoundError, RefusedError
from release.ports import BucketPolicyStore, Console, IdentityStore, KeyVault, RoleVariables


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """What provision writes to. `vault` keeps static keys, `roles` the ARNs of roles; `buckets` are names by policy.

    `issuer` is the host that issues the jobs' tokens.
    """

    identities: IdentityStore
    policies: BucketPolicyStore
    buckets: Mapping[str, str]
    issuer: str | None = None
    vault: KeyVault | None = None
    roles: RoleVariables | None = None
    console: Console


def look(places: Places, owned: Identities, stage: str) -> Seen:
    """Read what there is of a stage, or of the provision key itself."""
    store = places.identities
    holder = store.holder(stage)
    stored = places.roles.role(stage) if places.roles else None
    return Seen(
        policy=store.policy(stage),
        holder=holder,
        keys=store.keys(stage) if holder and (owned.kind == "users" or places.vault) else (),
        stored=places.vault.key_id(stage) if places.vault else stored,
    )


def check_issuer(places: Places, policies: Policies) -> None:
    """Make sure that AWS knows the issuer of the jobs' tokens with every stage's audience.

    Raises:
        NotFoundError: it does not know the issuer.
        RefusedError: an audience is missing.
    """
    host = places.issuer or ""
    arn, wanted = policies.identities.provider_arn(host), audiences(policies.identities)
    found = places.identities.issuer_audiences(host)
    if found is None:
        raise NotFoundError(
            f"the identity provider {arn} does not exist",
            hint=f"an administrator creates it for https://{host} with the audiences {', '.join(sorted(wanted))}",
        )
    if missing := wanted - found:
        raise RefusedError(
            f"the identity provider {arn} lacks the audiences {', '.join(sorted(missing))}",
            hint="an administrator adds them (aws iam add-client-id-to-open-id-connect-provider)",
        )


def execute(places: Places, owned: Identities, steps: Sequence[Step]) -> None:
    """Carry out the steps; each is whole or not done, and a second run does what is left."""
    if any(step.kind == "key" for step in steps):
        if places.vault is None:
            raise ConfigError(
                "there is no place for the keys' secrets",
                hint="--credentials-file FILE, or --gitlab with [keys.gitlab]",
            )
        places.vault.require_writable()
    for step in steps:
        _do(places, owned, step)
        places.console.say(f"done: {step}")


def _do(places: Places, owned: Identities, step: Step) -> None:
    store = places.identities
    if step.kind == "policy" and step.after is not None:
        store.write_policy(step.name, step.after)
    elif step.kind == "bucket" and step.after is not None:
        places.policies.write(places.buckets[step.name], step.after, before=step.before)
    elif step.kind == "create":
        store.create(step.name, step.after)
    elif step.kind == "cap":
        store.cap(step.name)
    elif step.kind == "attach":
        store.attach(step.name)
    elif step.kind == "trust" and step.after is not None:
        store.set_trust(step.name, step.after)
    elif step.kind == "key" and places.vault is not None:
        places.vault.store(step.name, *store.create_key(step.name))
    elif step.kind == "role-variable" and places.roles is not None:
        places.roles.store_role(step.name, owned.arn(step.name))
