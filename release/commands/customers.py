"""release customers: what some, or all, customers' variants have in common to do."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from release import compose
from release.commands.customers_report import report
from release.commands.customers_run import run
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, columns, emit, emit_json
from release.commands.workshop import Snapshot, Tag, workshop
from release.compose.customers import customers_of, workspace_of
from release.core.choice_of_customers import choose
from release.core.lockfile import Locked, read_lock_file
from release.core.shards import parse_shard
from release.stages import build as building
from release.stages import vary as stage

app = typer.Typer(no_args_is_help=True, help="Customers with a variant of their own: docs/customers.md")

Only = Annotated[
    list[str] | None, typer.Option(metavar="WHO", help="A name, a pattern such as 'a*', or a label: tier=gold.")
]
OfShard = Annotated[str | None, typer.Option("--shard", metavar="K/N", help="Only those of the K-th of N shards.")]


@app.command("list")
def list_(only: Only = None, shard: OfShard = None, config: ConfigFile = DEFAULT_CONFIG, *, json: Json = False) -> None:
    """List the customers with their features, labels and pins."""
    work = compose.workspace(config, quiet=json)
    chosen = choose(customers_of(work), only or [], parse_shard(shard) if shard else None)
    facts: list[dict[str, Any]] = [
        {
            "customer": one.name,
            "features": sorted(one.file.features),
            "labels": dict(one.file.labels),
            "pins": dict(one.file.pins),
            "logKey": workspace_of(work, one).config.log.key,
        }
        for one in chosen
    ]
    if json:
        return emit_json(facts)
    rows = [["CUSTOMER", "FEATURES", "LABELS", "PINS"]]
    for fact in facts:
        pairs = [" ".join(f"{k}={v}" for k, v in sorted(fact[name].items())) or "-" for name in ("labels", "pins")]
        rows.append([fact["customer"], ",".join(fact["features"]) or "-", *pairs])
    return emit(columns(rows))


@app.command()
def build(
    only: Only = None,
    shard: OfShard = None,
    config: ConfigFile = DEFAULT_CONFIG,
    tag: Tag = None,
    *,
    snapshot: Snapshot = False,
    json: Json = False,
) -> None:
    """Build the bundle once for each combination of features in use, and put each customer's configuration in.

    Customers' bundles are left in .release/customers/NAME/dist; dist/ holds the one without a feature.
    """
    work = compose.workspace(config, quiet=json)
    chosen = choose(customers_of(work), only or [], parse_shard(shard) if shard else None)
    inputs = building.Inputs(
        config=work.config, environment=work.environment, pipeline=work.pipeline, tag=tag or None, snapshot=snapshot
    )
    bases = _bases(work, inputs, {frozenset(one.file.features) for one in chosen})
    locked = _locked(work)
    made = []
    with work.console.progress("customers' bundles", len(chosen)) as progress:
        for customer in chosen:
            own = workspace_of(work, customer)
            places = {"output": own.output, "handover": own.handover}
            base = bases[frozenset(customer.file.features)]
            made.append(stage.run(base, customer, own.config, locked, work.pipeline, places))
            progress.advance()
    if json:
        return emit_json(made)
    return emit(columns([["CUSTOMER", "VERSION", "MANIFEST"], *([m.customer, m.version, m.digest] for m in made)]))


def _bases(
    work: compose.Workspace, inputs: building.Inputs, wanted: set[frozenset[str]]
) -> dict[frozenset[str], stage.Shared]:
    """Build each combination; the one without a feature last, so that it stays in dist/."""
    placeholder = work.config.customers.placeholder if work.config.customers else ""
    bases = {}
    for features in sorted(wanted | {frozenset[str]()}, key=lambda one: (-len(one), sorted(one))):
        report = building.run(workshop(work), replace(inputs, features=features))
        bases[features] = stage.shared(report.manifest, work.output, placeholder)
    return bases


def _locked(work: compose.Workspace) -> Locked | None:
    name = work.config.build.lock_file
    body = work.project.read(name, limit=building.LARGEST_LOCK)
    return read_lock_file(body, name=name) if body and name.endswith("package-lock.json") else None


app.command()(report)
app.command("run", context_settings={"allow_interspersed_args": False})(run)
