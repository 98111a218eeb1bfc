"""Logs made to harm who verifies them: each is one clear error or one finding, in little memory and time.

They are verified by the real command in a process of its own, which may use so much of each and no more; it
verifies many of them one after the other, since all must fit into the limits anyway.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from release.adapters.log_tar import MOST_FILES
from release.core.dsse import seal
from release.core.entry import PAYLOAD_TYPE
from tests.fakes import log_files
from tests.functional.conftest import Ended

pytestmark = pytest.mark.xdist_group("hostile")

Files = dict[str, bytes]

MEMORY_MIB: Final = 110
"""What the process may have held at most, of which a Python with the command loaded is 40."""
PROCESSOR_SECONDS: Final = 20
ADDRESS_SPACE: Final = 1 << 30
HUGE: Final = 10 * 1000**3

_VERIFY: Final = """
import contextlib, io, json, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({space}, {space}))
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
from release.cli import main
for source in sys.argv[2:]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["log", "verify", source, "--key", sys.argv[1]])
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
print(re.search(r"VmHWM:\\s+([0-9]+) kB", open("/proc/self/status").read())[1])
"""


def verify(sources: Sequence[Path], key: Path) -> list[Ended]:
    """Verify within the limits; the memory and the absence of tracebacks are judged here."""
    script = _VERIFY.format(space=ADDRESS_SPACE, seconds=PROCESSOR_SECONDS)
    ended = subprocess.run(
        [sys.executable, "-c", script, str(key), *map(str, sources)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "TMPDIR": str(key.parent)},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    *results, peak = ended.stdout.splitlines()
    assert int(peak) / 1024 < MEMORY_MIB
    return [Ended(*json.loads(line)) for line in results]


def findings(ended: Ended) -> list[str]:
    """Give what stands below a check that failed."""
    return [line.strip() for line in ended.out.splitlines() if line.startswith("        ")]


def sparse(file: Path, size: int = HUGE) -> None:
    """Make a file of this size which takes no room."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as out:
        out.truncate(size)


@pytest.fixture(scope="module")
def files() -> Files:
    made = log_files.world()
    return log_files.files(log_files.entries(made)) | log_files.evidence(made)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def key(place: Path) -> Path:
    file = place / "log.vkey"
    file.write_text(f"{log_files.SIGNER.key.vkey}\n")
    return file


# A folder with one file that is not as it should be: which, what it becomes, and how it ends.


def cut(body: bytes) -> bytes:
    return body[:-5]


FOLDERS: Final[Mapping[str, tuple[str, Callable[[bytes], bytes] | None, int]]] = {
    "a cut tile": ("tile/0/000.p/", cut, 20),
    "a cut bundle": ("tile/entries/", cut, 20),
    "a bundle of nothing": ("tile/entries/", lambda _: b"", 20),
    "a bundle whose entry is longer than it": ("tile/entries/", lambda body: b"\xff\xff" + body[2:], 20),
    "a cut checkpoint": ("checkpoint", cut, 20),
    "an archived checkpoint of no text": ("checkpoints/000000000007", lambda _: b"\xff\xfe\n\n", 20),
    "10 GB for a checkpoint": ("checkpoint", None, 20),
    "10 GB for an archived checkpoint": ("checkpoints/000000000007", None, 20),
    "10 GB for a tile": ("tile/0/000.p/", None, 20),
    "10 GB for entries": ("tile/entries/", None, 20),
    "10 GB for evidence": ("evidence/", None, 22),
    "10 GB for a changelog": ("CHANGELOG.md", None, 22),
}


@pytest.fixture(scope="module")
def folders(place: Path, files: Files, key: Path) -> dict[str, Ended]:
    sources = []
    for number, (start, change, _) in enumerate(FOLDERS.values()):
        source = log_files.write(place / f"{number}", files)
        path = next((path for path in files if path.startswith(start)), start)
        if change:
            (source / path).write_bytes(change(files[path]))
        else:
            sparse(source / path)
        sources.append(source)
    return dict(zip(FOLDERS, verify(sources, key), strict=True))


@pytest.mark.parametrize("what", FOLDERS)
def test_a_file_that_is_not_as_it_should_be_is_one_finding(folders: dict[str, Ended], what: str) -> None:
    assert folders[what].code == FOLDERS[what][2]
    assert len(findings(folders[what])) == 1, folders[what]


def test_a_pipe_in_the_place_of_a_file_makes_nobody_wait(place: Path, files: Files, key: Path) -> None:
    sources = []
    for number, path in enumerate(("checkpoint", "tile/0/000.p/14")):
        sources.append(log_files.write(place / f"pipe {number}", files))
        (sources[-1] / path).unlink()
        os.mkfifo(sources[-1] / path)
    assert [(ended.code, len(findings(ended))) for ended in verify(sources, key)] == [(20, 1), (20, 1)]


def test_folders_that_are_none_and_names_that_no_terminal_shows_are_one_clear_error(
    place: Path, files: Files, key: Path
) -> None:
    flat = log_files.write(place / "flat", {path: body for path, body in files.items() if "checkpoints/" not in path})
    (flat / "checkpoints").write_bytes(b"")
    sources = [flat]
    for number, name in enumerate((b"\xff\xfe", b"\x1b[2J")):
        sources.append(log_files.write(place / f"name {number}", files | {"cosigned/x": b"forged"}))
        (sources[-1] / "cosigned/x").rename(sources[-1] / "cosigned" / os.fsdecode(name))
    assert [ended.code for ended in verify(sources, key)] == [16, 16, 16]


def test_thousands_of_checkpoints_of_nothing_are_not_all_said(place: Path, files: Files, key: Path) -> None:
    more = {f"checkpoints/{size:012d}": b"forged" for size in range(100, 1100)}
    (ended,) = verify([log_files.write(place / "many", files | more)], key)
    assert ended.code == 20
    assert findings(ended)[20:] == ["and 980 more"]


# Entries that are no entries: what anybody may put into a slot, and what the log's own key may have signed.

STATEMENT: Final = b'{"_type":"https://in-toto.io/Statement/v1"'
BODIES: Final[Mapping[str, bytes]] = {
    "nothing": b"",
    "no UTF-8": b"\xff\xfe" * 30_000,
    "arrays in arrays": b"[" * 65_000,
    "tables in tables": b'{"a":' * 13_000,
    "a name twice": STATEMENT + b',"_type":"x"}',
    "a number of 60,000 digits": b"9" * 60_000,
    "a fraction": STATEMENT + b',"x":1e999}',
    "half of a pair": STATEMENT + b',"x":"\\ud800"}',
    "6,000 names": b"{" + b",".join(b'"%05d":0' % number for number in range(6_000)) + b"}",
    "a byte order mark": b"\xef\xbb\xbf{}",
}


def test_what_is_no_entry_is_one_finding_signed_or_not(place: Path, files: Files, key: Path) -> None:
    made = log_files.entries(log_files.world())
    bodies = [
        *BODIES.values(),
        *(seal(body, PAYLOAD_TYPE, log_files.SIGNER.sign) for body in BODIES.values() if len(body) < 48_000),
    ]
    sources = []
    for number, body in enumerate(bodies):
        log = {**files, **log_files.files([*made, body])}
        sources.append(log_files.write(place / f"entry {number}", log))
    ended = verify(sources, key)
    assert [(one.code, len(findings(one))) for one in ended] == [(21, 1)] * len(bodies)
    assert all(f"entry {len(made)}" in one.out for one in ended)


def test_a_log_of_nothing_but_garbage_does_not_fill_the_memory(place: Path, key: Path) -> None:
    """A hundred thousand findings would."""
    garbage = log_files.files([b"%d" % number for number in range(20_000)], archive=False)
    (ended,) = verify([log_files.write(place / "garbage", garbage)], key)
    assert ended.code == 21
    assert findings(ended)[20:] == ["and 981 more"]


# Tar files, and how each is made.


def headers(count: int) -> Iterator[bytes]:
    """Give as many headers of empty files, each with a name of its own."""
    plain = bytearray(tarfile.TarInfo("checkpoints/000000000000").tobuf(tarfile.USTAR_FORMAT))
    plain[148:156] = b" " * 8
    zeros = sum(plain)
    for number in range(count):
        digits = b"%012d" % number
        plain[12:24] = digits
        plain[148:156] = b"%06o\0 " % (zeros + sum(digits) - 12 * ord("0"))
        yield bytes(plain)


def member(name: str = "tile/0/001", size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info.tobuf(tarfile.GNU_FORMAT)


END: Final = bytes(1024)
GB: Final = 1000**3

TARS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "a link": lambda log: member(kind=tarfile.SYMTYPE, link="/etc/passwd") + log,
    "a hard link": lambda log: member(kind=tarfile.LNKTYPE, link="checkpoint") + log,
    "a device": lambda log: member(kind=tarfile.CHRTYPE) + log,
    "a pipe": lambda log: member(kind=tarfile.FIFOTYPE) + log,
    "an absolute path": lambda log: member("/etc/passwd") + log,
    "a path that leads out": lambda log: member("tile/../../checkpoint") + log,
    "a file twice": lambda log: member("checkpoint") + log,
    "a file twice, once with another spelling": lambda log: member("./checkpoint") + log,
    "a file of 10 GB": lambda log: member(size=HUGE) + log,
    "a file of 7 GB that ends first": lambda log: member(size=7 * GB) + log,
    "a file of less than nothing": lambda log: member()[:124] + b"\xff" * 12 + member()[136:] + log,
    "a sparse file": lambda log: member(size=512, kind=tarfile.GNUTYPE_SPARSE) + bytes(512) + log,
    "a name of 7 GB": lambda log: member(size=7 * GB, kind=tarfile.GNUTYPE_LONGNAME) + log,
    "a header of 7 GB": lambda log: member(size=7 * GB, kind=tarfile.XHDTYPE) + log,
    "a wrong sum": lambda log: member()[:100] + b"1" + member()[101:] + log,
    "one byte": lambda _: b"x",
    "nothing at all": lambda _: b"",
    "another format": lambda _: b"PK\x03\x04" + bytes(2000),
    "a cut": lambda log: log[: len(log) // 2],
    "no end": lambda log: log[: len(log.rstrip(b"\0")) // 512 * 512 + 512],
    "bzip2": lambda _: b"BZh91AY&SY" + bytes(600),
    "a cut gzip": lambda log: gzip.compress(log)[:-9],
    "gzip with a wrong sum": lambda log: gzip.compress(log)[:-8] + bytes(8),
    "gzip of gzip": lambda log: gzip.compress(gzip.compress(log)),
    # Zeros are the end of a tar file after the first 512 of them, and shrink to a thousandth.
    "a gzip bomb of 2 GB": lambda _: gzip.compress(bytes(1000**2)) * 2000,
}


def plain_tar(files: Files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, body in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


@pytest.fixture(scope="module")
def tars(place: Path, files: Files, key: Path) -> dict[str, Ended]:
    sources, log = [], plain_tar(files)
    for number, make in enumerate(TARS.values()):
        sources.append(place / f"{number}.tar")
        sources[-1].write_bytes(make(log))
    return dict(zip(TARS, verify(sources, key), strict=True))


@pytest.mark.parametrize("what", TARS)
def test_a_hostile_tar_file_is_one_clear_error(tars: dict[str, Ended], what: str) -> None:
    ended = tars[what]
    assert (ended.code, ended.out) == (16, ""), ended
    assert ".tar" in ended.err
    assert "Traceback" not in ended.err
    if "bomb" in what:
        assert "unpacks to more than" in ended.err


def test_what_is_not_of_the_log_is_passed_over(place: Path, files: Files, key: Path) -> None:
    """Five thousand headers of times and owners, a folder, and a film."""
    times = (member(size=30, kind=tarfile.XHDTYPE) + b"30 mtime=1700000000.123456789\n".ljust(512, b"\0")) * 5000
    small, large = place / "times.tar", place / "film.tar"
    small.write_bytes(times + member("tile", kind=tarfile.DIRTYPE) + plain_tar(files))
    large.write_bytes(member("film.mp4", size=7 * 1024**3))
    sparse(large, 7 * 1024**3 + 512)
    with large.open("ab") as out:
        out.write(plain_tar(files))
    assert [ended.code for ended in verify([small, large], key)] == [0, 0]


def test_a_tar_file_of_more_files_than_a_log_has_is_left(place: Path, key: Path) -> None:
    file = place / "members.tar"
    with file.open("wb") as out:
        out.writelines(headers(MOST_FILES + 1))
        out.write(END)
    (ended,) = verify([file], key)
    file.unlink()
    assert ended.code == 16, ended
    assert f"more than {MOST_FILES} files" in ended.err


def test_keys_of_ten_gigabytes_are_refused(place: Path, files: Files) -> None:
    sparse(place / "large.vkey")
    (ended,) = verify([log_files.write(place / "right", files)], place / "large.vkey")
    assert ended.code == 3
