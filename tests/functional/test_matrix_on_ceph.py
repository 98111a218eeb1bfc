"""Every call of the matrix that S3 knows, really made, with every key: an S3 server must refuse all but the duties.

IAM's and CloudFront's calls are not S3's: evaluators decide those.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from release.core.matrix import DUTIES, Cell
from tests.fakes.ceph import CephGateway
from tests.functional.keys_on_ceph import Keyring, keyring
from tests.functional.s3_calls import sent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]

# RGW 16 knows no s3:if-none-match, and takes `Null` of a key it does not know as fulfilled: a key that may create may
# also overwrite, by a write or by a copy of what it can read; and who may delete what is unchanged may delete anything
# there. AWS refuses these, as `core.evaluation` does.
_CREATED: Final = {
    stage: [place for place, acts in DUTIES[stage].items() if "create" in acts] for stage in ("publish", "record")
}
_READABLE: Final = {"publish": "fill from a published file", "record": "fill from a recorded pointer"}
NOT_ENFORCED: Final = frozenset(
    (stage, f"{act} {place}")
    for stage, places in _CREATED.items()
    for place in places
    for act in ("replace", "overwrite", _READABLE[stage], "fill from elsewhere")
    if act not in DUTIES[stage][place]
) | {("collect", "delete blindly a channel's file")}
"""What this server allows and AWS does not: if it starts to refuse, the test below says so, and this goes."""

FORBIDDEN, DIFFERS, WITHOUT_LOCKS = 403, 412, 400


@pytest.fixture(scope="module", params=[None, "acme"], ids=["library", "customer"])
def keys(request: pytest.FixtureRequest, ceph: CephGateway) -> Iterator[Keyring]:
    with keyring(ceph, customer=request.param) as opened:
        yield opened


def answers(
    clients: Mapping[str, "S3Client"], asked: Sequence[Cell], chosen: Callable[[Cell], bool]
) -> dict[tuple[str, str], int]:
    """Make the chosen calls, each stage's one after the other, with its key."""

    def all_of(stage: str) -> Iterable[tuple[tuple[str, str], int]]:
        cells = [cell for cell in asked if cell.stage == stage and chosen(cell)]
        return [((stage, str(cell.call)), sent(clients[stage], cell.call)) for cell in cells]

    with ThreadPoolExecutor(len(clients)) as pool:
        return dict(answer for stage in pool.map(all_of, clients) for answer in stage)


def is_gap(cell: Cell) -> bool:
    return (cell.stage, str(cell.call)) in NOT_ENFORCED


def is_duty(cell: Cell) -> bool:
    return cell.wanted


def answer(call: str) -> int:
    """What whoever may make a call is answered."""
    if call.startswith("see the lock of "):
        return WITHOUT_LOCKS  # these buckets have no Object Lock
    return DIFFERS if call.startswith(("create ", "replace ")) else 200


def test_every_call_outside_a_keys_duties_is_refused_and_changes_nothing(keys: Keyring) -> None:
    before = keys.bodies()
    answered = answers(keys.clients, keys.cells, lambda cell: not cell.wanted and not is_gap(cell))
    assert len(answered) > 1500
    assert {call: status for call, status in answered.items() if status != FORBIDDEN} == {}
    assert keys.bodies() == before


def test_without_tls_no_key_does_anything(keys: Keyring) -> None:
    answered = answers(keys.plain, keys.cells, is_duty)
    assert set(answered.values()) == {FORBIDDEN}


def test_every_duty_is_allowed(keys: Keyring) -> None:
    """All places are taken, by other bytes: who may create or replace is told so, and not that it is forbidden."""
    kept = answers(keys.clients, keys.cells, lambda cell: cell.wanted and cell.call.act != "delete")
    for (_, call), status in kept.items():
        assert status == answer(call), call
    with keys.put_back():
        deleted = answers(keys.clients, keys.cells, lambda cell: cell.wanted and cell.call.act == "delete")
    assert deleted == {("collect", "delete a channel's file"): 200}


def test_what_this_server_does_not_enforce_is_known(keys: Keyring) -> None:
    assert not any(cell.allowed for cell in keys.cells if is_gap(cell)), "but IAM refuses them"
    with keys.put_back():
        answered = answers(keys.clients, keys.cells, is_gap)
    assert answered.keys() == NOT_ENFORCED
    assert {call: status for (_, call), status in answered.items() if status != answer(call)} == {}


def test_from_another_address_no_key_does_anything(ceph: CephGateway) -> None:
    with keyring(ceph, source_ips=("198.51.100.0/24",)) as elsewhere:
        answered = answers(elsewhere.clients, elsewhere.cells, is_duty)
    assert len(answered) > 30
    assert set(answered.values()) == {FORBIDDEN}
