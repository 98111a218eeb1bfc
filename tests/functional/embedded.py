"""A library on an embedded AWS, each stage run through the command line with only its own key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from release.adapters.embedded.aws import EmbeddedAws
from release.adapters.embedded.edge import EmbeddedEdge
from release.adapters.embedded.provision import provision
from release.adapters.keyring import Keyring
from tests.functional.conftest import Ended, Run
from tests.functional.library import Library, signing

PIPELINE = (
    ("", "build"),
    ("publish", "publish"),
    ("record", "record publish"),
    ("record", "record promote"),
    ("promote", "promote"),
    ("invalidate", "invalidate"),
    ("", "verify --patience 5"),
    ("record", "record outcome"),
)

PROVISION = ("keys", "provision", "--credentials-file")


@dataclass(kw_only=True)
class Account:
    """The embedded AWS with one library's keys."""

    aws: EmbeddedAws
    edge: EmbeddedEdge
    keys: Path
    library: Library
    run: Run
    endpoint: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.endpoint = {"AWS_ENDPOINT_URL": self.aws.endpoint}

    def as_(self, stage: str, command: str, *more: str, **variables: str) -> Ended:
        """Run a command with the key of `stage` ("" for none), these variables, and nothing else."""
        key = Keyring(self.keys, "tag").variables(stage) if stage else {}
        return self.run(*command.split(), *more, **self.endpoint, **key, **signing(stage, variables), **variables)

    def pipeline(self, version: str, source: str) -> None:
        """Release a version; every step must end well."""
        self.library.release(version, source)
        for stage, command in PIPELINE:
            ended = self.as_(stage, command)
            assert ended.code == 0, (command, ended)


@contextmanager
def account(library: Library, run: Run, keys: Path) -> Iterator[Account]:
    """Open an account with buckets, a distribution, an edge, and one key a stage made by `keys provision`."""
    with EmbeddedAws() as aws:
        site = provision(aws.session(), bucket="site", log_bucket="release-log", endpoint=aws.endpoint)
        with EmbeddedEdge(aws, site) as edge:
            toml = (library.folder / "release.toml").read_text()
            toml = toml.replace("https://cdn.example.com", edge.url).replace("E2EXAMPLE12345", site.distribution)
            library.write("release.toml", toml)
            library.commit("chore: point at the embedded site")
            made = Account(aws=aws, edge=edge, keys=keys, library=library, run=run)
            administrator = {"AWS_ACCESS_KEY_ID": aws.admin.id, "AWS_SECRET_ACCESS_KEY": aws.admin.secret}
            mine = keys.with_name("provision-key")
            ended = run(*PROVISION, str(mine), "--foundation", **made.endpoint, **administrator)
            assert ended.code == 0, ended
            ended = run(*PROVISION, str(keys), **made.endpoint, **Keyring(mine, "tag").variables("provision"))
            assert ended.code == 0, ended
            yield made
