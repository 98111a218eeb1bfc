"""What `aws s3 sync` leaves on disk: CloudTrail's files, and a copy of the log bucket."""

import os
from pathlib import Path

import pytest

from release.adapters.folder_store import FolderStore
from release.adapters.trail_files import TrailOnDisk
from release.core.caching import LOG
from release.errors import IntegrityError, NotFoundError, RefusedError
from tests.fakes.object_store import InMemoryObjectStore


def write(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return [str(folder / name) for name in names]


def test_a_folder_gives_what_is_a_trails_and_counts_the_rest(tmp_path: Path) -> None:
    kept = write(tmp_path, "a/1_CloudTrail_eu-west-1_x.json.gz", "a/2.json", "b/c/3.json.gz")
    write(tmp_path, "a/1_CloudTrail-Digest_eu-west-1_x.json.gz", "b/README", "b/x_CloudTrail-Insight_y.json.gz")
    trail = TrailOnDisk([tmp_path])
    assert list(trail.names()) == kept
    assert trail.skipped == 3


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    (named,) = write(tmp_path, "events")
    trail = TrailOnDisk([Path(named)])
    assert list(trail.names()) == [named]
    assert b"".join(trail.chunks(named)) == b"events"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        list(TrailOnDisk([tmp_path / "none"]).names())
    with pytest.raises(IntegrityError, match="No such file"):
        list(TrailOnDisk([]).chunks(str(tmp_path / "none")))


def test_a_pipe_or_a_folder_in_a_files_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    trail = TrailOnDisk([tmp_path])
    for name in trail.names():
        with pytest.raises(IntegrityError):
            list(trail.chunks(name))
    with pytest.raises(IntegrityError):
        list(trail.chunks(str(tmp_path)))


# A copy of a bucket, and the bucket: the same answers.


def test_a_copy_on_disk_answers_as_the_bucket_does(tmp_path: Path) -> None:
    names = ["tag/seq/000000000000", "tag/seq/000000000001", "tag/versions/1.json", "tag/seq.x", "a", "tag-b/c"]
    write(tmp_path, *names)
    bucket = InMemoryObjectStore()
    for name in names:
        bucket.put(name, name.encode())
    copy = FolderStore(tmp_path)
    for prefix in ("", "tag/", "tag/seq/", "tag/seq", "none", "tag/seq/000000000000"):
        for after in ("", "a", "tag/seq/", "tag/seq/000000000000", "zz"):
            for most in (1, 1000):
                assert copy.keys(prefix, after=after, most=most) == bucket.keys(prefix, after=after, most=most)
    for key in (*names, "none", "tag", "tag/seq/none", "a/b"):
        ours, theirs = copy.read(key, limit=100), bucket.read(key, limit=100)
        assert (ours and ours.body) == (theirs and theirs.body)
        described = copy.describe(key)
        assert (described and described.sha256) == (ours and ours.info.sha256)


def test_a_copy_on_disk_is_bounded_follows_no_link_out_and_is_never_written(tmp_path: Path) -> None:
    write(tmp_path, "key")
    (tmp_path / "link").symlink_to("/etc/passwd")
    copy = FolderStore(tmp_path)
    with pytest.raises(IntegrityError, match="larger than 2 bytes"):
        copy.read("key", limit=2)
    with pytest.raises(IntegrityError, match="link cannot be read"):
        copy.read("link", limit=100_000)
    with pytest.raises(IntegrityError, match="leads out"):
        copy.read("../key", limit=100)
    info = copy.describe("key")
    assert info
    with pytest.raises(RefusedError):
        copy.create("new", b"", LOG)
    with pytest.raises(RefusedError):
        copy.replace("key", b"", LOG, etag=None)
    with pytest.raises(RefusedError):
        copy.copy(info, "new", LOG, replacing=None)
    with pytest.raises(NotFoundError):
        FolderStore(tmp_path / "none")
