"""The same scenarios on the folder in memory and on a folder on disk."""

import os
import threading
from pathlib import Path
from typing import Protocol

import pytest

from release.adapters.directory import MOST_FILES, Directory
from release.errors import BuildError
from release.ports import Folder
from tests.fakes.folder import InMemoryFolder


class World(Protocol):
    """A folder, and what builds and accidents do in it."""

    @property
    def folder(self) -> Folder: ...
    def put(self, path: str, body: bytes) -> None: ...
    def link(self, path: str) -> None: ...


class Memory:
    def __init__(self) -> None:
        self.folder = InMemoryFolder()

    def put(self, path: str, body: bytes) -> None:
        self.folder.files[path] = body

    def link(self, path: str) -> None:
        self.folder.link(path)


class Disk:
    """`dist` below a folder of its own, with a secret beside it that links lead to."""

    def __init__(self, place: Path) -> None:
        self.top = place / "dist"
        self.folder = Directory(self.top)
        self._outside = place / "outside"
        self._outside.mkdir()
        (self._outside / "secret").write_bytes(b"secret")

    def put(self, path: str, body: bytes) -> None:
        target = self.top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)

    def link(self, path: str) -> None:
        target = self.top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(self._outside)


@pytest.fixture(params=["memory", "disk"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return Memory() if request.param == "memory" else Disk(tmp_path)


def test_an_absent_folder_holds_nothing(world: World) -> None:
    assert world.folder.paths() == []
    assert world.folder.read("a.js", limit=1) is None
    world.folder.clear()


def test_all_files_are_listed_in_order_whatever_folder_they_are_in(world: World) -> None:
    paths = ["b.js", "a/z.js", "a/b/c.js", "a.js", "B.js", "a-b.js", ".hidden", "a/.hidden"]
    for path in paths:
        world.put(path, b"1")
    assert world.folder.paths() == sorted(paths)


def test_what_was_written_is_read_and_listed(world: World) -> None:
    world.folder.write("a/b/c.js", b"one")
    world.folder.write("manifest.json", b"two")
    assert world.folder.paths() == ["a/b/c.js", "manifest.json"]
    assert world.folder.read("a/b/c.js", limit=3) == b"one"


def test_writing_again_replaces_the_whole_file(world: World) -> None:
    world.folder.write("a.js", b"a long text")
    world.folder.write("a.js", b"short")
    assert world.folder.read("a.js", limit=100) == b"short"
    assert world.folder.paths() == ["a.js"]


@pytest.mark.parametrize("body", [b"", b"\0", b"a\r\nb", bytes(range(256)) * 300])
def test_any_bytes_survive(world: World, body: bytes) -> None:
    world.folder.write("a.bin", body)
    assert world.folder.read("a.bin", limit=len(body)) == body


def test_a_file_that_does_not_exist_is_none(world: World) -> None:
    world.put("a/b.js", b"1")
    for path in ("b.js", "a/c.js", "x/y/z.js", "a/b.js/c.js"):
        assert world.folder.read(path, limit=1) is None


def test_reading_more_than_allowed_is_refused(world: World) -> None:
    world.put("a.js", b"four")
    assert world.folder.read("a.js", limit=4) == b"four"
    with pytest.raises(BuildError, match=r"a\.js is larger than 3 bytes"):
        world.folder.read("a.js", limit=3)


OUT = ["", ".", "..", "../a.js", "a/../../b.js", "a/../b.js", "/etc/passwd", "//etc/passwd", "a\\..\\b.js", "a\0.js"]


@pytest.mark.parametrize("path", OUT)
def test_a_path_that_leads_out_is_refused(world: World, path: str) -> None:
    with pytest.raises(BuildError):
        world.folder.read(path, limit=1)
    with pytest.raises(BuildError):
        world.folder.write(path, b"evil")
    assert world.folder.paths() == []


def test_a_link_in_a_files_place_is_not_read_and_makes_the_folder_unusable(world: World) -> None:
    world.put("a.js", b"1")
    world.link("b.js")
    with pytest.raises(BuildError, match=r"b\.js is a symbolic link"):
        world.folder.paths()
    with pytest.raises(BuildError):
        world.folder.read("b.js", limit=100)


def test_a_link_in_a_folders_place_is_not_followed(world: World) -> None:
    world.link("a")
    with pytest.raises(BuildError):
        world.folder.paths()
    with pytest.raises(BuildError, match="through a symbolic link"):
        world.folder.read("a/secret", limit=100)
    with pytest.raises(BuildError, match="through a symbolic link"):
        world.folder.write("a/new", b"evil")


def test_a_link_is_overwritten_and_not_followed(world: World) -> None:
    world.link("a.js")
    world.folder.write("a.js", b"ours")
    assert world.folder.read("a.js", limit=4) == b"ours"
    assert world.folder.paths() == ["a.js"]


def test_clearing_removes_everything_links_included(world: World) -> None:
    world.put("a.js", b"1")
    world.put("a/b/c.js", b"1")
    world.link("link")
    world.folder.clear()
    assert world.folder.paths() == []
    world.folder.write("new.js", b"1")
    assert world.folder.paths() == ["new.js"]


def test_a_folder_in_a_files_place_is_an_error_and_not_an_absence(world: World) -> None:
    world.put("package.json/a.js", b"1")
    with pytest.raises(BuildError):
        world.folder.read("package.json", limit=100)


def test_a_file_cannot_be_written_where_a_folder_is(world: World) -> None:
    world.put("a/b.js", b"1")
    with pytest.raises(BuildError):
        world.folder.write("a", b"2")
    assert world.folder.paths() == ["a/b.js"]


def test_a_file_cannot_be_written_below_a_file(world: World) -> None:
    world.put("a", b"1")
    with pytest.raises(BuildError):
        world.folder.write("a/b.js", b"2")
    with pytest.raises(BuildError):
        world.folder.write("a/b/c.js", b"2")
    assert world.folder.read("a", limit=1) == b"1"
    assert world.folder.paths() == ["a"]


# Only on disk.


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_what_links_lead_to_stays(disk: Disk, tmp_path: Path) -> None:
    disk.link("link")
    disk.folder.write("link", b"ours")
    disk.link("other")
    disk.folder.clear()
    assert (tmp_path / "outside" / "secret").read_bytes() == b"secret"


def test_a_link_in_the_place_of_the_folder_itself_is_refused_and_removed(disk: Disk, tmp_path: Path) -> None:
    disk.top.symlink_to(tmp_path / "outside")
    with pytest.raises(BuildError, match="dist is a symbolic link"):
        disk.folder.paths()
    disk.folder.clear()
    assert not disk.top.exists()
    assert (tmp_path / "outside" / "secret").exists()


def test_a_link_to_nowhere_in_the_place_of_the_folder_is_refused_too(disk: Disk, tmp_path: Path) -> None:
    disk.top.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BuildError, match="dist is a symbolic link"):
        disk.folder.paths()


def test_what_is_no_regular_file_makes_the_folder_unusable(disk: Disk) -> None:
    disk.top.mkdir()
    os.mkfifo(disk.top / "odd")
    with pytest.raises(BuildError, match="odd is not a regular file"):
        disk.folder.paths()


def test_reading_a_pipe_is_refused_at_once_instead_of_waiting_for_a_writer(disk: Disk) -> None:
    disk.top.mkdir()
    pipe = disk.top / "package.json"
    os.mkfifo(pipe)
    refused: list[bool] = []

    def read() -> None:
        with pytest.raises(BuildError):
            disk.folder.read("package.json", limit=1)
        refused.append(True)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(0.5)
    waiting = reader.is_alive()
    # Whoever waits is released: a reader may open a pipe that has a writer.
    writer = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    reader.join(5)
    os.close(writer)
    assert (waiting, refused) == (False, [True])


def test_a_file_in_the_place_of_the_folder_is_refused_by_its_name(disk: Disk) -> None:
    """Such as a build makes that is told `--outfile dist`."""
    disk.top.write_bytes(b"window.tag = 1;\n")
    with pytest.raises(BuildError, match="dist"):
        disk.folder.paths()


def test_a_file_in_the_place_of_the_folder_is_removed_like_a_link(disk: Disk) -> None:
    disk.top.write_bytes(b"window.tag = 1;\n")
    disk.folder.clear()
    assert disk.folder.paths() == []


def test_writing_where_nothing_may_be_written_is_a_build_error_and_leaves_no_draft(disk: Disk) -> None:
    disk.put("a/b.js", b"1")
    with pytest.raises(BuildError):
        disk.folder.write("a", b"2")
    assert sorted(path.name for path in disk.top.rglob("*")) == ["a", "b.js"]


def test_a_name_that_is_too_long_for_the_disk_is_a_build_error(disk: Disk) -> None:
    with pytest.raises(BuildError):
        disk.folder.write("a" * 300, b"1")
    with pytest.raises(BuildError):
        disk.folder.read("a" * 300, limit=1)


def test_a_name_that_is_no_text_is_listed_so_that_somebody_can_refuse_it(disk: Disk) -> None:
    disk.top.mkdir()
    Path(os.fsdecode(os.fsencode(disk.top) + b"/\xff.js")).write_bytes(b"1")
    assert disk.folder.paths() == ["\udcff.js"]


def test_a_folder_with_far_too_many_files_is_the_wrong_folder(disk: Disk) -> None:
    disk.top.mkdir()
    first = disk.top / "0"
    first.touch()
    for number in range(1, MOST_FILES + 1):
        os.link(first, disk.top / str(number))
    with pytest.raises(BuildError, match="more than 20000 files"):
        disk.folder.paths()


def test_removing_a_file_again_does_no_harm(disk: Disk) -> None:
    disk.put("a.js", b"1")
    disk.folder.remove("a.js")
    disk.folder.remove("a.js")
    assert disk.folder.paths() == []
