"""Ceph's S3 gateway: a real S3 server that enforces IAM policies, for as long as a context is open.

One monitor, one disk that is memory, one gateway, all on the loopback, all in a temporary folder; the
gateway speaks TLS with a certificate of its own CA, and plain HTTP beside it for what must not work there.
Debian: `radosgw ceph-mon ceph-osd ceph-common`; a manager is not needed.

    with ceph_gateway() as gateway:
        key = gateway.add_user("publish", {"Version": "2012-10-17", "Statement": [...]})
        gateway.clients(key).s3().put_object(...)
"""

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import trustme

from release.adapters.aws import AwsAccess, AwsClients

PROGRAMS: Final = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool", "setpriv")
REGION: Final = "eu-west-1"
START_SECONDS: Final = 60
COMMAND_SECONDS: Final = 30
_TAIL: Final = 15

# Without `crc` between its parts, and no keys, the gateway ends with EACCES. The two of paxos are for speed:
# by default the monitor collects changes for a second, and a start is a chain of a dozen changes. An answer is written
# in two parts: without `tcp_nodelay` the second waits 40 ms for this side to acknowledge the first.
_CONF: Final = """\
[global]
fsid = {fsid}
mon host = {monitor}
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms client mode = crc
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
paxos propose interval = 0.02
paxos min wait = 0.01
mon allow pool size one = true
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
mon data = {folder}/mon
osd data = {folder}/osd
run dir = {folder}
crash dir = {folder}
keyring = {folder}/keyring
log file = {folder}/$name.log
mon cluster log file = {folder}/cluster.log
admin socket =
pid file =
[client.rgw.a]
rgw frontends = beast tcp_nodelay=1 endpoint=127.0.0.1:{plain} ssl_endpoint=127.0.0.1:{port} ssl_certificate={pem}
rgw data = {folder}/rgw
rgw thread pool size = 64
"""


class CephError(Exception):
    """The server did not start or did not obey; says what its logs say last."""


class Key(NamedTuple):
    """An access key."""

    id: str
    secret: str

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": self.secret}


@dataclass(frozen=True, kw_only=True, slots=True)
class CephGateway:
    """A running gateway. `administrator` may do everything in S3, and makes the buckets.

    `ca` is the file with the CA that `endpoint` is trusted by; `plain_endpoint` has no TLS.
    """

    folder: Path
    endpoint: str
    plain_endpoint: str
    ca: Path
    administrator: Key

    def add_user(self, name: str, policy: Mapping[str, Any] | None = None) -> Key:
        """Make a user with this identity policy (None: no rights at all) and one key."""
        # A user of the gateway may make buckets of its own without being asked; -1 takes that away.
        key = _add_user(self.folder, name, "--max-buckets", "-1")
        if policy is not None:
            self.set_policy(name, policy)
        return key

    def set_policy(self, name: str, policy: Mapping[str, Any]) -> None:
        """Give a user this policy in the place of the one it has."""
        iam = self.clients(self.administrator).iam()
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=json.dumps(policy))
        iam.close()

    def environment(self, key: Key | None) -> dict[str, str]:
        """Give the variables with which a program uses the gateway."""
        return {"AWS_CA_BUNDLE": str(self.ca), **(key.environment if key else {})}

    def clients(self, key: Key, *, stage: str = "test", endpoint: str | None = None) -> AwsClients:
        """Make the clients of a key."""
        access = AwsAccess(
            stage=stage,
            region=REGION,
            environment=self.environment(key),
            endpoint=endpoint or self.endpoint,
            attempts=2,
            pool=8,
        )
        return AwsClients(access)


@contextmanager
def ceph_gateway() -> Iterator[CephGateway]:
    """Run a cluster of one node.

    Raises:
        CephError: it does not start.
    """
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ceph-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        first, second, plain, port = _free_ports(4)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        try:
            _start(stack, folder, monitor=f"[v2:127.0.0.1:{first},v1:127.0.0.1:{second}]", plain=plain, port=port)
            administrator = _add_user(folder, "administrator", "--caps", "user-policy=*")
        except (CephError, OSError, subprocess.SubprocessError) as why:
            raise CephError(f"{why}\n{_tails(folder)}") from why
        gateway = CephGateway(
            folder=folder,
            endpoint=f"https://127.0.0.1:{port}",
            plain_endpoint=f"http://127.0.0.1:{plain}",
            ca=folder / "ca.pem",
            administrator=administrator,
        )
        # An object belongs to who made it: without this the administrator could not read what others left.
        everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        gateway.set_policy("administrator", {"Version": "2012-10-17", "Statement": [everything]})
        yield gateway


def _start(stack: ExitStack, folder: Path, *, monitor: str, plain: int, port: int) -> None:
    fsid, disk = str(uuid.uuid4()), str(uuid.uuid4())
    conf = _CONF.format(fsid=fsid, monitor=monitor, folder=folder, plain=plain, port=port, pem=folder / "server.pem")
    (folder / "ceph.conf").write_text(conf, encoding="utf-8")
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir()
    _command(folder, "monmaptool", "--create", "--fsid", fsid, "--addv", "a", monitor, str(folder / "map"))
    _command(folder, "ceph-mon", "--mkfs", "-i", "a", "--monmap", str(folder / "map"))
    _daemon(stack, folder, "ceph-mon", "-i", "a")
    _command(folder, "ceph", "--connect-timeout", str(COMMAND_SECONDS), "osd", "create", disk)
    _command(folder, "ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", disk)
    _daemon(stack, folder, "ceph-osd", "-i", "0")
    gateway = _daemon(stack, folder, "radosgw", "-n", "client.rgw.a")
    deadline = time.monotonic() + START_SECONDS
    while not _answers(plain):
        if gateway.poll() is not None:
            raise CephError(f"radosgw ended with {gateway.returncode}")
        if time.monotonic() > deadline:
            raise CephError(f"radosgw did not answer within {START_SECONDS} seconds")
        time.sleep(0.05)


def _add_user(folder: Path, name: str, *more: str) -> Key:
    out = _command(folder, "radosgw-admin", "user", "create", "--uid", name, "--display-name", name, *more)
    made = json.loads(out)["keys"][0]
    return Key(made["access_key"], made["secret_key"])


def _command(folder: Path, program: str, *arguments: str) -> str:
    """Run one of Ceph's programs to its end."""
    argv = [program, "--conf", str(folder / "ceph.conf"), *arguments]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    if ended.returncode:
        raise CephError(f"{program} ended with {ended.returncode}: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended.stdout


def _daemon(stack: ExitStack, folder: Path, program: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Run one of Ceph's servers until the stack closes, or this process dies of whatever."""
    with (folder / f"{program}.out").open("wb") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program, "-f", "--conf", str(folder / "ceph.conf"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    # Nothing is worth a slow farewell: all there is, is in memory.
    stack.callback(process.wait, COMMAND_SECONDS)
    stack.callback(process.kill)
    return process


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _tails(folder: Path) -> str:
    shown = []
    for file in sorted([*folder.glob("*.log"), *folder.glob("*.out")]):
        lines = file.read_text(errors="replace").splitlines()[-_TAIL:]
        shown += [f"--- {file.name}", *lines] if lines else []
    return "\n".join(shown)
