"""One library's workspace: from release.toml and the environment to the ports of one stage.

Adapters are imported when they are needed: `release --help` must not load an AWS SDK.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from release.adapters import environment as environments
from release.adapters import resources
from release.adapters.clock import SystemClock
from release.adapters.directory import Directory
from release.adapters.seen_checkpoint import SeenCheckpoint, own_file
from release.adapters.terminal import Terminal
from release.core.config import Config, parse
from release.core.customer import is_customer_file, of_customer, parse_customer, place_of
from release.core.identities import Identities, identities, owner
from release.core.key_environment import KEYS_FILE, foreign, require_protected
from release.core.keypolicy import Policies, policies
from release.core.layout import LogLayout
from release.core.pipeline import Pipeline
from release.effects.gate import Gatekeeper
from release.effects.log_view import LogView
from release.effects.slots import Slots
from release.effects.trail import TrailBucket
from release.effects.tree import Tree
from release.errors import ConfigError, CredentialError, ReleaseError
from release.ports import (
    Cdn,
    Clock,
    ErrorSource,
    KeyDirectory,
    KeyTrial,
    ObjectHistory,
    ObjectStore,
    PublicSite,
    Repository,
    Runner,
    TrailFiles,
)

if TYPE_CHECKING:
    from release.adapters.aws import AwsClients
    from release.adapters.keyring import Keyring
    from release.core.log_keys import LogKeys
    from release.core.tlog.note import Key

HANDOVER: Final = ".release"
TEMPLATES: Final = "keys-policy"
ONE_KEY: Final = "scope each stage's variables to its own environment, and unset all others"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """One library's folder with its release.toml, and the environment of this process.

    Attributes:
        file: what --config names: release.toml, or the file of one of the library's customers.
        library: release.toml.
        config: what both say together.
    """

    file: Path
    library: Path
    config: Config
    environment: Mapping[str, str]
    console: Terminal

    @property
    def folder(self) -> Path:
        """The folder of release.toml; all its paths are relative to it."""
        return self.library.parent

    @property
    def customer(self) -> str | None:
        """The customer whose file --config names; None for the library itself."""
        return None if self.file == self.library else self.config.site.customer

    @property
    def project(self) -> Directory:
        """The library's working copy."""
        return Directory(self.folder)

    @property
    def output(self) -> Directory:
        """What the build writes."""
        return Directory(self.folder / self.config.build.output, within=self.folder)

    @property
    def handover(self) -> Directory:
        """What one stage leaves for the next; git never sees it."""
        own = HANDOVER if self.customer is None else f"{HANDOVER}/{place_of(self.customer)}"
        return Directory(self.folder / own, within=self.folder)

    @property
    def clock(self) -> Clock:
        """The clock."""
        return SystemClock()

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline this process runs in."""
        return environments.pipeline(self.environment)

    def repository(self) -> Repository:
        """Open the git repository around the library."""
        from release.adapters.git import GitRepository  # noqa: PLC0415

        return GitRepository(self.folder)

    def runner(self) -> Runner:
        """Run child processes."""
        from release.adapters.process import ProcessRunner  # noqa: PLC0415

        return ProcessRunner()

    def site(self, stage: str) -> ObjectStore:
        """Open the site bucket with a stage's key."""
        return self._store(stage, self.config.site.bucket)

    def history(self, stage: str, bucket: str) -> ObjectHistory:
        """Open all versions of a bucket's objects with a stage's key."""
        from release.adapters.s3_history import S3History  # noqa: PLC0415

        return S3History(self.clients(stage).s3(), bucket=bucket, stage=stage)

    def slots(self, stage: str) -> Slots:
        """Open the release log with a stage's key."""
        store = self._store(stage, self.config.log.bucket)
        return Slots(store=store, layout=self.config.log_layout, keys=self.log_keys)

    @property
    def log_keys(self) -> "LogKeys":
        """Give the release log's keys: the one that signs it now, and those that did before.

        Raises:
            ConfigError: one is malformed, or another log's.
        """
        from release.core.log_keys import Former, LogKeys  # noqa: PLC0415 - loads the cryptography

        log = self.config.log
        former = (
            Former(key=self._log_key(f"[log] retired[{place}]", one.key), entries=one.entries)
            for place, one in enumerate(log.retired)
        )
        return LogKeys(current=self._log_key("[log] key", log.key), retired=tuple(former))

    def _log_key(self, name: str, line: str) -> "Key":
        from release.core.tlog import TlogError  # noqa: PLC0415 - only who signs or verifies needs it
        from release.core.tlog.note import ED25519, parse_vkey  # noqa: PLC0415

        try:
            key = parse_vkey(line)
        except TlogError as why:
            raise ConfigError(f"{name} is no public key: {why}", hint="'release log key FILE' prints it") from why
        origin = self.config.log.origin
        if (key.name, key.kind) != (origin, ED25519):
            raise ConfigError(
                f"{name} is the key {key.name}, not of the log {origin}", hint="'release log key FILE' makes one"
            )
        return key

    def log_view(self, stage: str) -> LogView:
        """Open the release log's tree for reading with a stage's key.

        Raises:
            ConfigError: the log's key is malformed, or another log's.
        """
        return LogView(
            store=self._store(stage, self.config.log.bucket),
            layout=self.config.log_layout,
            origin=self.config.log.origin,
            keys=self.log_keys,
        )

    def checkpoint_memory(self, file: Path | None = None) -> SeenCheckpoint:
        """Open the file that keeps the newest checkpoint somebody saw of this log, by default one of his own.

        Raises:
            ConfigError: no file was named, and he has no home.
        """
        return SeenCheckpoint(file or own_file(self.environment, self.config.log.origin))

    def tree(self, stage: str) -> Tree:
        """Open the release log's tree for appending with a stage's key and the log's.

        Raises:
            ConfigError: the private key is not the one that release.toml names.
            CredentialError: there is no private key.
        """
        from release.adapters.log_key import log_signer  # noqa: PLC0415 - loads the cryptography

        keys = self.log_keys
        return Tree(
            store=self._store(stage, self.config.log.bucket),
            layout=self.config.log_layout,
            origin=self.config.log.origin,
            signer=log_signer(self.environment, keys.current),
            keys=keys,
        )

    def cdn(self) -> Cdn:
        """Reach the cache in front of the bucket with the invalidate stage's key."""
        if (delivery := self.config.delivery) is not None:
            require_protected(self.environment, what="the invalidate stage")
            from release.adapters.delivery import other  # noqa: PLC0415

            return other(delivery, site=self.config.site.url, environment=self.environment)
        from release.adapters.delivery.cloudfront import CloudFront  # noqa: PLC0415

        distribution = self.config.distribution
        if distribution is None:  # the check of release.toml does not let it pass
            raise ConfigError("release.toml names no cache", hint="write [distribution] or [delivery]")
        return CloudFront(
            self.clients("invalidate").cloudfront(),
            distribution=distribution.id_,
            stage="invalidate",
            account=distribution.account or "*",
        )

    def gatekeeper(self) -> Gatekeeper | None:
        """Give who asks the rings' gate, with the keys of this environment; None if there is none."""
        rings = self.config.rings
        if rings is None or rings.gate is None:
            return None
        gate, clock = rings.gate, self.clock

        def opened() -> ErrorSource:
            from release.adapters.gates import source  # noqa: PLC0415

            return source(gate, folder=self.folder, environment=self.environment, clock=clock)

        return Gatekeeper(gate=gate, source=opened, clock=clock)

    def public(self) -> PublicSite:
        """Reach the public address, with no key."""
        from release.adapters.public_site import HttpSite  # noqa: PLC0415

        return HttpSite(self.config.site.url, connections=16)

    def clients(self, stage: str) -> "AwsClients":
        """Make the AWS clients of a stage: its profile in the file RELEASE_KEYS names, or this environment's key."""
        from release.adapters.aws import AwsAccess, AwsClients  # noqa: PLC0415

        require_protected(self.environment, what=f"the {stage} stage")
        keyring = self.keyring()
        if keyring is None and (wrong := foreign(self.environment, owner=owner(self.config), stage=stage)):
            raise CredentialError(
                f"the {stage} stage sees another stage's key, and does not start: {'; '.join(wrong)}", hint=ONE_KEY
            )
        return AwsClients(
            AwsAccess(
                stage=stage,
                region=self.config.site.region,
                environment=self.environment,
                endpoint=self.config.site.endpoint,
                profile=keyring.profile(stage) if keyring else None,
                credentials_file=keyring.file if keyring else None,
            )
        )

    def keyring(self) -> "Keyring | None":
        """Open the credentials file that RELEASE_KEYS names; None if it names none."""
        from release.adapters.keyring import Keyring  # noqa: PLC0415

        file = self.environment.get(KEYS_FILE)
        return Keyring(Path(file), owner(self.config)) if file else None

    def slots_in(self, folder: Path) -> Slots:
        """Open a copy of the log bucket on disk, or of the part of it that begins with seq/."""
        from release.adapters.folder_store import FolderStore  # noqa: PLC0415

        part = (folder / "seq").is_dir()
        layout = LogLayout(prefix="") if part else self.config.log_layout
        return Slots(store=FolderStore(folder), layout=layout, keys=self.log_keys)

    def trail(self, account: str, since: datetime, until: datetime) -> TrailFiles:
        """Open CloudTrail's bucket with the audit key.

        Raises:
            ConfigError: release.toml names none.
        """
        trail = self.config.keys.trail
        if trail is None:
            raise ConfigError(
                "release.toml has no [keys.trail], and no file was named",
                hint="write [keys.trail] bucket = '...', or name CloudTrail's files",
            )
        return TrailBucket(
            self._store("audit", trail.bucket),
            prefix=trail.prefix,
            account=account,
            since=int(since.timestamp()),
            until=int(until.timestamp()),
        )

    def trail_on_disk(self, paths: Sequence[Path]) -> TrailFiles:
        """Read CloudTrail's files from disk."""
        from release.adapters.trail_files import TrailOnDisk  # noqa: PLC0415

        return TrailOnDisk(paths)

    def identities(self, account: str | None = None) -> Identities:
        """Say who the stages are in IAM; the account is release.toml's if none is given.

        Raises:
            ConfigError: the account is wrong, or not known.
        """
        return identities(self.config, account=self._account(account))

    def key_policies(self, account: str | None = None) -> Policies:
        """Render all key policies; the account is release.toml's if none is given.

        Raises:
            ConfigError: a template or the account is wrong, or no account is known.
        """
        return policies(
            self.config, account=self._account(account), template=lambda file: resources.text(TEMPLATES, file)
        )

    def _account(self, given: str | None) -> str:
        known = given or self.config.account
        if known is None:
            raise ConfigError(
                "the buckets' and the distribution's account is not known, and the ARNs need it",
                hint="write account = '123456789012' in [distribution], or else in [keys]; or pass --account",
            )
        return known

    def key_directory(self, account: str) -> KeyDirectory:
        """Read IAM and the buckets' policies with the audit stage's key."""
        from release.adapters.key_directory import AwsKeyDirectory  # noqa: PLC0415

        clients = self.clients("audit")
        return AwsKeyDirectory(clients.iam(), clients.s3(), self.identities(account))

    def key_trial(self, stage: str) -> KeyTrial:
        """Try a stage's key on what it should not be able to do."""
        from release.adapters.key_trial import AwsKeyTrial  # noqa: PLC0415

        return AwsKeyTrial(self.clients(stage), stage=stage)

    def _store(self, stage: str, bucket: str) -> ObjectStore:
        from release.adapters.s3 import S3Store  # noqa: PLC0415

        return S3Store(self.clients(stage).s3(), bucket=bucket, stage=stage)


def workspace(file: Path, *, quiet: bool = False, keyless: bool = False) -> Workspace:
    """Open the workspace of a release.toml, or of a customer's file.

    Args:
        file: either.
        quiet: nothing is said on the way.
        keyless: the log has no key yet: for who is about to make it.

    Raises:
        ConfigError: a file is missing, unreadable or wrong.
    """
    environment = environments.read()
    text = _read(file)
    library, config = file.absolute(), None
    if is_customer_file(text):
        customer = parse_customer(text, file=str(file))
        library = Path(os.path.normpath(library.parent / customer.file.customer_of))
        config = of_customer(parse(_read(library), file=str(library), keyless=keyless), customer)
        if config.customers and library.parent / config.customers.folder != file.absolute().parent:
            raise ConfigError(f"{file} is not in the folder [customers] folder of {library}", hint="move it there")
    return Workspace(
        file=file.absolute(),
        library=library,
        config=config or parse(text, file=str(file), keyless=keyless),
        environment=environment,
        console=Terminal(environment, quiet=quiet),
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as why:
        raise ConfigError(
            f"there is no {file}", hint="'release init' writes one; or name another: --config path/release.toml"
        ) from why
    except OSError as why:
        raise ConfigError(f"{file} cannot be read: {why.strerror}") from why


def top_folder(folder: Path) -> Path:
    """Give the top of the repository around a folder; the folder itself if there is none."""
    from release.adapters.git import GitRepository  # noqa: PLC0415 - few commands look at git

    try:
        return GitRepository(folder).root()
    except ReleaseError:
        return folder


def terminal() -> Terminal:
    """Talk before there is a workspace."""
    return Terminal(environments.read())
