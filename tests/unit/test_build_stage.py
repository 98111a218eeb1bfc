import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from release.core.config import Config
from release.core.evidence import PROVENANCE, SBOM
from release.core.layout import MANIFEST
from release.core.manifest import LARGEST_ARTIFACT, Manifest, decode, digest
from release.errors import BuildError, MissingToolError, ReleaseError, SourceError
from release.stages import build as stage
from release.stages import publish
from tests.fakes import examples
from tests.fakes.console import RecordingConsole
from tests.fakes.folder import InMemoryFolder
from tests.fakes.repository import FakeRepository
from tests.fakes.runner import Call, FakeRunner, Program

TIME: Final = 1_700_000_123
OWN: Final = {"command": ["make", "dist"], "install": [], "entries": ["tag.min.js"]}
FILES: Final[Mapping[str, bytes]] = {
    "chunks/vendor-1a2b.js": b"export const vendor = 1;\n",
    "tag.min.js": b"window.tag = 1;\n",
    "tag.min.js.map": b'{"version":3}',
}
LOCK: Final = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "tag"},
            "node_modules/rolldown": {"version": "1.2.3", "integrity": "sha512-a"},
            "node_modules/@rolldown/binding-for-another-machine": {"version": "1.2.3", "optional": True},
        },
    }
).encode()
INSTALLED: Final = json.dumps(
    {"lockfileVersion": 3, "packages": {"node_modules/rolldown": {"version": "1.2.3", "integrity": "sha512-a"}}}
).encode()
ROLLDOWN: Final[Mapping[str, bytes]] = {
    "node_modules/.package-lock.json": INSTALLED,
    "node_modules/rolldown/package.json": b"{}",
    "src/index.js": b"export const tag = 1;\n",
}


@dataclass(kw_only=True)
class Shop:
    """A working copy at the tag v1.4.2 with a build that writes `writes` to dist/.

    Attributes:
        happens: what else the build does.
    """

    config: Config = field(default_factory=lambda: examples.config(build=OWN))
    writes: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/bin"})
    place: Path = Path("/library")
    happens: Callable[[], object] = lambda: None
    console: RecordingConsole = field(default_factory=RecordingConsole)
    output: InMemoryFolder = field(default_factory=InMemoryFolder)
    handover: InMemoryFolder = field(default_factory=InMemoryFolder)
    repository: FakeRepository = field(default_factory=FakeRepository)
    tag: str | None = None
    snapshot: bool = False

    def __post_init__(self) -> None:
        self.project = InMemoryFolder({"package.json": b'{"version": "1.4.2"}', "package-lock.json": LOCK})
        self.runner = FakeRunner(node=Program(prints="v22.11.0\n"), make=Program(does=self.make))
        self.repository.commit("feat: a", time=TIME)
        self.repository.tag("v1.4.2")

    def make(self, _: Call) -> None:
        self.output.files.update(self.writes)
        self.happens()

    def build(self) -> stage.Report:
        workshop = stage.Workshop(
            place=self.place,
            project=self.project,
            output=self.output,
            handover=self.handover,
            repository=self.repository,
            runner=self.runner,
            console=self.console,
        )
        inputs = stage.Inputs(
            config=self.config,
            environment=self.environment,
            pipeline=examples.PIPELINE,
            tag=self.tag,
            snapshot=self.snapshot,
        )
        return stage.run(workshop, inputs)

    def started(self, program: str) -> list[Call]:
        return [call for call in self.runner.calls if call.argv[0].endswith(program)]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def rolldown_shop(**build: object) -> Shop:
    shop = Shop(config=examples.config(build=build))
    shop.writes = {"tag.min.js": b"iife", "tag.esm.min.js": b"esm", "chunks/a-1.js": b"a", "tag.min.js.map": b"{}"}
    shop.project.files.update(ROLLDOWN)
    shop.runner.programs["rolldown"] = Program(does=shop.make)
    return shop


def made(shop: Shop) -> Manifest:
    """Build, and read the manifest as the next stage will."""
    report = shop.build()
    body = shop.output.files[MANIFEST]
    assert report.digest == digest(body)
    assert decode(body) == report.manifest
    return report.manifest


# What a build is.


def test_a_build_describes_every_file_it_wrote(shop: Shop) -> None:
    manifest = made(shop)
    assert [(a.path, a.role, a.media_type, a.bytes) for a in manifest.artifacts] == [
        ("chunks/vendor-1a2b.js", "chunk", "text/javascript; charset=utf-8", 25),
        ("tag.min.js", "entry", "text/javascript; charset=utf-8", 16),
    ]
    assert manifest.artifacts[1].sha256 == digest(FILES["tag.min.js"])
    assert (manifest.library, manifest.version) == ("tag", "1.4.2")


def test_a_build_says_what_it_was_made_from_and_with_what(shop: Shop) -> None:
    manifest = made(shop)
    source = manifest.source
    assert (source.commit, source.tag, source.commit_time) == (shop.repository.head(), "v1.4.2", TIME)
    assert manifest.build.command == ("make", "dist")
    assert (manifest.build.lock_file.path, manifest.build.lock_file.sha256) == ("package-lock.json", digest(LOCK))
    assert manifest.build.toolchain["node"] == "v22.11.0"
    assert set(manifest.build.toolchain) == {"node", "release", "brotli", "zlib", "platform"}


def test_two_builds_of_one_commit_are_one_release_wherever_and_by_whomever() -> None:
    elsewhere = Shop(
        place=Path("/builds/another/place"),
        environment={"PATH": "/usr/bin", "USER": "somebody", "CI_JOB_ID": "4711", "AWS_REGION": "eu-west-1"},
    )
    elsewhere.output.files["left-over.js"] = b"old"
    assert made(elsewhere) == made(Shop())
    assert elsewhere.build().digest == Shop().build().digest


def test_building_again_gives_the_same_bytes(shop: Shop) -> None:
    first = made(shop)
    assert made(shop) == first


def test_one_other_byte_is_another_release(shop: Shop) -> None:
    other = Shop()
    other.writes["tag.min.js"] = b"window.tag = 2;\n"
    assert shop.build().digest != other.build().digest


def test_what_a_build_made_can_be_published(shop: Shop) -> None:
    shop.build()
    manifest, body = publish.prepare(shop.config, shop.output, shop.repository)
    assert (manifest.version, digest(body)) == ("1.4.2", shop.build().digest)


def test_files_of_an_older_build_are_no_part_of_this_one(shop: Shop) -> None:
    shop.output.files["old.js"] = b"old"
    assert [a.path for a in made(shop).artifacts] == ["chunks/vendor-1a2b.js", "tag.min.js"]
    assert "old.js" not in shop.output.files


def test_source_maps_are_published_only_on_request() -> None:
    shop = Shop(config=examples.config(build={**OWN, "source-maps": True}))
    assert [a.path for a in made(shop).artifacts] == sorted(FILES)


# What it may see.

SECRETS: Final = {
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "secret",
    "CI_JOB_TOKEN": "secret",
    "RELEASE_ID_TOKEN": "secret",
    "RELEASE_KEYS": "/keys",
    "NPM_TOKEN": "secret",
    "SSH_AUTH_SOCK": "/socket",
}


def test_the_build_sees_no_key_and_only_what_is_listed(shop: Shop) -> None:
    shop.config = examples.config(build={**OWN, "environment": ["THEME", "ABSENT"]})
    shop.environment = {
        **SECRETS,
        "PATH": "/bin",
        "HOME": "/home/me",
        "USER": "me",
        "THEME": "dark",
        "TZ": "Asia/Tokyo",
    }
    shop.build()
    (call,) = shop.started("make")
    assert call.env == {
        "PATH": "/bin",
        "HOME": "/empty",
        "THEME": "dark",
        "CI": "true",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NODE_ENV": "production",
        "NO_COLOR": "1",
        "SOURCE_DATE_EPOCH": str(TIME),
    }
    assert (call.argv, call.folder, call.seconds) == (("make", "dist"), shop.place, 600)


def test_no_program_of_a_build_sees_a_key() -> None:
    shop = rolldown_shop()
    shop.project.files["node_modules/.package-lock.json"] = b'{"packages": {}}'
    shop.runner.programs["npm"] = Program()
    shop.environment.update(SECRETS)
    shop.build()
    assert {call.argv[0].rpartition("/")[2] for call in shop.runner.calls} == {"npm", "rolldown", "node"}
    for call in shop.runner.calls:
        assert not set(SECRETS) & set(call.env)


def test_only_the_installation_sees_the_network_and_the_users_npmrc() -> None:
    shop = rolldown_shop()
    del shop.project.files["node_modules/.package-lock.json"]
    shop.runner.programs["npm"] = Program()
    shop.environment |= {"HOME": "/home/me", "HTTPS_PROXY": "http://proxy", "npm_config_registry": "https://npm"}
    shop.build()
    (install,) = shop.started("npm")
    assert install.argv == ("npm", "ci", "--ignore-scripts")
    assert {"HOME", "HTTPS_PROXY", "npm_config_registry"} <= set(install.env)
    for call in shop.started("rolldown"):
        assert call.env["HOME"] == "/empty"
        assert "HTTPS_PROXY" not in call.env


# Installing.


def test_what_is_installed_already_is_not_installed_again() -> None:
    shop = rolldown_shop()
    shop.build()
    assert shop.started("npm") == []


STALE: Final[Mapping[str, Callable[[dict[str, bytes]], object]]] = {
    "nothing": lambda files: files.pop("node_modules/.package-lock.json"),
    "an older package": lambda files: files.update(
        {"node_modules/.package-lock.json": INSTALLED.replace(b"1.2.3", b"1.2.2")}
    ),
    "another package under its name": lambda files: files.update(
        {"node_modules/.package-lock.json": INSTALLED.replace(b"sha512-a", b"sha512-b")}
    ),
    "too few packages": lambda files: files.update({"node_modules/.package-lock.json": b'{"packages": {}}'}),
    "too many packages": lambda files: files.update(
        {"node_modules/.package-lock.json": INSTALLED.replace(b'{"node_', b'{"node_modules/evil": {}, "node_')}
    ),
}


@pytest.mark.parametrize("stale", STALE)
def test_what_is_not_what_the_lock_file_says_is_installed_first(stale: str) -> None:
    shop = rolldown_shop()
    STALE[stale](shop.project.files)
    shop.runner.programs["npm"] = Program()
    shop.build()
    assert [call.argv[0].rpartition("/")[2] for call in shop.runner.calls][:2] == ["npm", "rolldown"]


def test_an_installation_that_fails_ends_the_build_with_its_last_words() -> None:
    shop = rolldown_shop()
    del shop.project.files["node_modules/.package-lock.json"]
    shop.runner.programs["npm"] = Program(code=1, prints="\n".join(f"line {n}" for n in range(100)))
    with pytest.raises(BuildError, match="npm ci --ignore-scripts ended with 1") as failed:
        shop.build()
    assert "line 99" in failed.value.message
    assert "line 69" not in failed.value.message
    assert shop.started("rolldown") == []


# Rolldown, the default.


def test_rolldown_of_the_lock_file_makes_one_entry_for_each_format() -> None:
    shop = rolldown_shop()
    manifest = made(shop)
    assert [a.path for a in manifest.entries] == ["tag.esm.min.js", "tag.min.js"]
    assert [a.path for a in manifest.chunks] == ["chunks/a-1.js"]
    calls = shop.started("rolldown")
    assert {call.argv[0] for call in calls} == {"/library/node_modules/.bin/rolldown"}
    assert [call.argv[call.argv.index("--format") + 1] for call in calls] == ["iife", "esm"]
    assert manifest.build.command == ("rolldown", "iife", "esm")
    assert manifest.build.toolchain["rolldown"] == "1.2.3"


def test_the_place_of_the_working_copy_is_no_part_of_the_release() -> None:
    here, there = rolldown_shop(), rolldown_shop()
    there.place = Path("/somewhere/else")
    assert here.build().digest == there.build().digest


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("node_modules/rolldown/package.json", "there is no rolldown in node_modules"),
        ("src/index.js", "src/index.js does not exist"),
    ],
)
def test_what_rolldown_needs_and_does_not_find_is_said(missing: str, message: str) -> None:
    shop = rolldown_shop()
    del shop.project.files[missing]
    with pytest.raises(BuildError, match=message):
        shop.build()


# What a build may not do.

Change = Callable[[Shop], object]
SORRY: Final[Mapping[str, tuple[Change, str]]] = {
    "fail": (
        lambda s: s.runner.programs.update(make=Program(code=2, prints="no rule")),
        r"the build ended with 2\n  \| no rule",
    ),
    "run too long": (lambda s: s.runner.programs.update(make=Program(takes=601)), "ran longer than 600 s"),
    "write nothing": (lambda s: s.writes.clear(), "wrote nothing to dist/"),
    "write source maps only": (lambda s: setattr(s, "writes", {"a.js.map": b"{}"}), "wrote nothing to dist/"),
    "forget an entry": (lambda s: s.writes.pop("tag.min.js"), "the build did not write tag.min.js"),
    "write an empty file": (lambda s: s.writes.update({"chunks/a.js": b""}), "chunks/a.js is empty"),
    "write an enormous file": (
        lambda s: s.writes.update({"a.js": bytes(LARGEST_ARTIFACT + 1)}),
        "a.js is larger than 33,554,432 bytes",
    ),
    "write a link": (lambda s: setattr(s, "happens", lambda: s.output.link("evil.js")), "evil.js is a symbolic link"),
    "write beside dist": (
        lambda s: setattr(s, "happens", lambda: s.repository.write("src/evil.js")),
        "the build wrote outside dist/: src/evil.js",
    ),
    "write a folder that begins like dist": (
        lambda s: setattr(s, "happens", lambda: s.repository.write("dist2/a.js")),
        "the build wrote outside dist/: dist2/a.js",
    ),
    "write a hidden file": (lambda s: s.writes.update({".env": b"SECRET=1"}), "'.env'"),
    "write a name with a space": (lambda s: s.writes.update({"a b.js": b"1"}), "'a b.js'"),
    "write a name with a line end": (lambda s: s.writes.update({"a.js\n": b"1"}), r"'a.js\\n'"),
    "write a name that is no ASCII": (
        lambda s: s.writes.update({"caf\N{LATIN SMALL LETTER E WITH ACUTE}.js": b"1"}),
        "cannot be part of a URL",
    ),
    "write two names that are one on some disks": (lambda s: s.writes.update({"TAG.min.js": b"1"}), "(?i)tag.min.js"),
    "write the manifest's own name": (lambda s: s.writes.update({MANIFEST: b'{"name": "My App"}'}), MANIFEST),
}


@pytest.mark.parametrize("sorry", SORRY)
def test_a_build_that_does_this_is_refused_and_leaves_nothing_to_publish(shop: Shop, sorry: str) -> None:
    change, message = SORRY[sorry]
    change(shop)
    with pytest.raises(BuildError, match=message):
        shop.build()
    with pytest.raises(ReleaseError):
        publish.prepare(shop.config, shop.output, shop.repository)


def test_a_build_that_failed_leaves_no_manifest_of_an_earlier_one(shop: Shop) -> None:
    shop.build()
    shop.runner.programs["make"] = Program(code=1)
    with pytest.raises(BuildError):
        shop.build()
    assert shop.output.files == {}


def test_a_file_that_vanishes_while_it_is_described_is_noticed(shop: Shop) -> None:
    class Vanishing(InMemoryFolder):
        def paths(self) -> Sequence[str]:
            return [*super().paths(), "vanished.js"]

    shop.output = Vanishing()
    with pytest.raises(BuildError, match=r"vanished\.js vanished during the build"):
        shop.build()


# What it needs.

LACKING: Final[Mapping[str, tuple[Change, type[ReleaseError], str]]] = {
    "a lock file": (lambda s: s.project.files.pop("package-lock.json"), BuildError, "package-lock.json does not exist"),
    "package.json": (lambda s: s.project.files.pop("package.json"), BuildError, "package.json does not exist"),
    "a version": (lambda s: s.project.files.update({"package.json": b"{}"}), BuildError, "has no version"),
    "a version that is a text": (
        lambda s: s.project.files.update({"package.json": b'{"version": 1}'}),
        BuildError,
        "has no version",
    ),
    "a package.json that is JSON": (
        lambda s: s.project.files.update({"package.json": b"version"}),
        BuildError,
        "is not a JSON object",
    ),
    "a package.json that is UTF-8": (
        lambda s: s.project.files.update({"package.json": b'{"version": "\xff"}'}),
        BuildError,
        "is not a JSON object",
    ),
    "a package.json that is an object": (
        lambda s: s.project.files.update({"package.json": b"[1]"}),
        BuildError,
        "is not a JSON object",
    ),
    "a package.json that is no pit": (
        lambda s: s.project.files.update({"package.json": b"[" * 100_000}),
        BuildError,
        "is not a JSON object",
    ),
    "a small package.json": (
        lambda s: s.project.files.update({"package.json": b" " * 1024 * 1024 + b"{}"}),
        BuildError,
        "larger than",
    ),
    "the version of the tag": (
        lambda s: s.project.files.update({"package.json": b'{"version": "1.4.1"}'}),
        SourceError,
        "package.json says '1.4.1'",
    ),
    "the tag": (lambda s: s.repository.delete_tag("v1.4.2"), SourceError, "has no version tag"),
    "the tag that is asked for": (lambda s: setattr(s, "tag", "v1.4.3"), SourceError, "no tag 'v1.4.3'"),
    "a clean working copy": (lambda s: s.repository.write("src/index.js"), SourceError, "src/index.js"),
    "whole history": (lambda s: setattr(s.repository, "shallow", True), SourceError, "shallow"),
    "node": (lambda s: s.runner.programs.pop("node"), MissingToolError, "node is not installed"),
    "node that works": (
        lambda s: s.runner.programs.update(node=Program(code=1)),
        BuildError,
        "'node --version' failed",
    ),
    "the program": (lambda s: s.runner.programs.pop("make"), MissingToolError, "make is not installed"),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_build_without_this_is_refused(shop: Shop, lacking: str) -> None:
    change, error, message = LACKING[lacking]
    change(shop)
    with pytest.raises(error, match=message):
        shop.build()
    assert MANIFEST not in shop.output.files


@pytest.mark.parametrize(
    "lock", [b"", b"{}", b"[]", b'{"packages": []}', b'{"packages": {"node_modules/a": 1}}', b"\xff"]
)
def test_a_lock_file_that_is_none_is_refused(lock: bytes) -> None:
    shop = rolldown_shop()
    shop.project.files["package-lock.json"] = lock
    with pytest.raises(BuildError, match="is not an npm lock file"):
        shop.build()


def test_what_is_refused_before_the_build_starts_keeps_the_last_bundle(shop: Shop) -> None:
    shop.build()
    before = dict(shop.output.files)
    shop.repository.write("src/index.js")
    with pytest.raises(SourceError):
        shop.build()
    assert shop.output.files == before


# Snapshots.


def test_a_snapshot_needs_no_tag_and_no_clean_working_copy_and_is_never_published() -> None:
    shop = Shop(snapshot=True)
    shop.repository.delete_tag("v1.4.2")
    shop.repository.write("src/index.js")
    manifest = made(shop)
    assert manifest.version == f"0.0.0-snapshot.{shop.repository.head()[:12]}"
    assert manifest.source.tag is None
    with pytest.raises(SourceError, match="is a snapshot: it was built without a tag"):
        publish.prepare(shop.config, shop.output, shop.repository)


def test_a_snapshot_too_may_write_to_dist_only() -> None:
    shop = Shop(snapshot=True)
    shop.repository.write("src/index.js")
    shop.happens = lambda: shop.repository.write("src/other.js")
    with pytest.raises(BuildError, match=r"wrote outside dist/: src/other\.js$"):
        shop.build()


# Talk.


def test_a_build_says_what_it_runs(shop: Shop) -> None:
    shop.build()
    assert shop.console.said == ["building: make dist"]
    rolldown = rolldown_shop(install=["npm", "ci"])
    rolldown.project.files.pop("node_modules/.package-lock.json")
    rolldown.runner.programs["npm"] = Program()
    rolldown.build()
    assert rolldown.console.said[0] == "installing what package-lock.json names: npm ci"
    assert all(line.startswith("building: rolldown src/index.js ") for line in rolldown.console.said[1:])


def test_it_leaves_a_bill_of_materials_and_the_provenance_of_what_it_built() -> None:
    shop = rolldown_shop()
    manifest = made(shop)
    bill = json.loads(shop.handover.files[SBOM])
    assert [(item["purl"], item["scope"]) for item in bill["components"]] == [
        ("pkg:npm/%40rolldown/binding-for-another-machine@1.2.3", "optional"),
        ("pkg:npm/rolldown@1.2.3", "required"),
    ]
    statement = json.loads(shop.handover.files[PROVENANCE])
    assert statement["subject"][0]["digest"] == {"sha256": digest(shop.output.files[MANIFEST])}
    assert len(statement["subject"]) == 1 + len(manifest.artifacts)


def test_a_lock_file_of_another_tool_gives_a_bill_that_says_what_it_does_not_know() -> None:
    shop = Shop(config=examples.config(build={**OWN, "lock-file": "yarn.lock"}))
    shop.project.files["yarn.lock"] = b"# yarn lockfile v1\n"
    made(shop)
    assert json.loads(shop.handover.files[SBOM])["compositions"][0]["aggregate"] == "unknown"
    assert any("yarn.lock is not npm's" in line for line in shop.console.warned)


def test_the_manifest_binds_what_the_changelog_says_of_the_version(shop: Shop) -> None:
    section = "## [1.4.2] - 2026-11-24\n\n- Faster.\n"
    shop.project.files["CHANGELOG.md"] = f"# Changelog\n\n{section}\n## [1.4.1] - 2026-11-01\n\n- Older.\n".encode()
    first = made(shop).source.changelog
    assert first is not None
    shop.project.files["CHANGELOG.md"] = f"# Changes\r\n\r\n{section}".replace("\n", "\r\n").encode()
    assert made(shop).source.changelog == first, "only this version's words count, not line ends or other sections"
    shop.project.files["CHANGELOG.md"] = section.replace("Faster", "Slower").encode()
    assert made(shop).source.changelog not in {None, first}


def test_a_version_that_the_changelog_does_not_know_is_built_with_a_warning(shop: Shop) -> None:
    assert made(shop).source.changelog is None
    assert any("CHANGELOG.md has no section of 1.4.2" in line for line in shop.console.warned)
