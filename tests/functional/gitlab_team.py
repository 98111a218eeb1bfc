"""A library whose repository GitLab has: tags are pushed, pipelines run, keys are variables of its environments."""

import io
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from release.adapters.keyring import Keyring
from release.cli import main
from release.errors import NothingToDoError
from tests.fakes.ci_local import Pipeline, Server, ci_yaml
from tests.functional.conftest import Ended, environment
from tests.functional.embedded import Account, account
from tests.functional.library import SIGNING, Library

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STAGES: Final = ("publish", "record", "promote", "invalidate", "audit")
TAG: Final = {"CI_COMMIT_REF_PROTECTED": "true", "CI_PIPELINE_SOURCE": "push"}


@dataclass(kw_only=True)
class Team:
    """Who pushes tags and starts pipelines.

    Attributes:
        secrets: what each stage's key consists of.
    """

    account: Account
    server: Server
    secrets: Mapping[str, set[str]] = field(repr=False)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def library(self) -> Library:
        return self.account.library

    def tag(self, source: str | None = None) -> str:
        """Push the tag of the next version."""
        version = f"1.{next(self.numbers)}.0"
        self.library.release(version, f"window.tag = '{version}';\n" if source is None else source)
        return version

    def announced_tag(self) -> str:
        """Push a tag of the next version whose pipeline includes announce.yml too."""
        before = (self.library.folder / ".gitlab-ci.yml").read_text()
        self.library.write(".gitlab-ci.yml", ci_yaml(announce=True))
        version = self.tag()
        self.library.write(".gitlab-ci.yml", before)
        self.library.commit("ci: announce nothing")
        return version

    def released(self) -> str:
        """Release the next version outside GitLab, which takes less time."""
        version = f"1.{next(self.numbers)}.0"
        self.account.pipeline(version, f"window.tag = '{version}';\n")
        return version

    def pipeline(self, version: str, **variables: str) -> Pipeline:
        """Make the pipeline of a version's protected tag."""
        return self._pipeline(f"v{version}", **{**TAG, "CI_COMMIT_TAG": f"v{version}", **variables})

    def elsewhere(self, more: Mapping[str, object], **variables: str) -> Pipeline:
        """Make the pipeline of a branch or tag that somebody made with jobs of his own."""
        name = f"feature-{next(self.numbers)}"
        self.library.git("checkout", "--quiet", "-b", name)
        self.library.write(".gitlab-ci.yml", json.dumps(json.loads(ci_yaml()) | more))
        self.library.commit("ci: jobs of my own")
        self.library.git("checkout", "--quiet", "main")
        return self._pipeline(name, **variables)

    def _pipeline(self, ref: str, **variables: str) -> Pipeline:
        number = next(self.numbers)
        return self.server.pipeline(self.library.folder, ref, name=f"{ref}-{number}", number=number, **variables)

    def serves(self, channel: str = "latest") -> str | None:
        """Ask the bucket which version a channel serves."""
        pointer = f"tag/channels/{channel}.json"
        if pointer not in self._keys(pointer):
            return None
        body = self._s3.get_object(Bucket="site", Key=pointer)["Body"].read()
        return str(json.loads(body)["version"])

    def published(self, version: str) -> list[str]:
        """Give the names of the files that the bucket has of a version."""
        return [key.rpartition("/")[2] for key in self._keys(f"tag/{version}/")]

    def logged(self) -> list[tuple[str, str | None, str | None]]:
        """Give what the log says: action, version and channel, oldest first."""
        ended = self.account.as_("audit", "log list --json")
        if ended.code == NothingToDoError.exit_code:
            return []
        assert ended.code == 0
        return [(entry["action"], entry.get("version"), entry.get("channel")) for entry in json.loads(ended.out)]

    @property
    def _s3(self) -> "S3Client":
        return self.account.aws.session().client("s3", endpoint_url=self.account.aws.endpoint)

    def _keys(self, prefix: str) -> list[str]:
        found = self._s3.list_objects_v2(Bucket="site", Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]


@contextmanager
def team_with(program: Path, folder: Path) -> Iterator[Team]:
    """Set a library up on an embedded AWS, and a GitLab for it.

    Args:
        program: where gitlab-ci-local is installed.
        folder: for all files.
    """
    library = Library(folder / "tag")
    library.start()
    library.write(".gitlab-ci.yml", ci_yaml())
    library.commit("ci: release with GitLab")

    def run(*arguments: str, **variables: str) -> Ended:
        settings = {"XDG_CONFIG_HOME": str(folder / "settings")}
        out = io.StringIO()
        with chdir(library.folder), environment(settings | variables), redirect_stdout(out):
            return Ended(main(list(arguments)), out.getvalue(), "")

    with account(library, run, folder / "keys") as opened:
        keys = Keyring(opened.keys, "tag")
        held = {stage: keys.variables(stage) for stage in STAGES}
        scoped = {
            name: {"type": "variable", "values": {f"release/{stage}": key[name] for stage, key in held.items()}}
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        }
        log = {"RELEASE_LOG_KEY_FILE": {"type": "file", "values": {"release/record": SIGNING["RELEASE_LOG_KEY"]}}}
        server = Server(program=program, folder=folder, variables={**scoped, **log, **opened.endpoint})
        yield Team(account=opened, server=server, secrets={stage: set(key.values()) for stage, key in held.items()})
