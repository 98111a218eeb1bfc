import dataclasses
import json

import pytest

from release.core import document, plan
from release.core.caching import immutable, mutable
from release.core.entry import State
from release.core.handover import Pointer
from release.core.layout import ChannelKey, ObjectHeaders, PointerKey, VersionKey
from release.core.manifest import digest, encode
from release.core.plan import AppendEntry, ChannelNow, CopyObject, CreateObject, Invalidate, MovePointer, Served
from tests.fakes import examples

CONFIG = examples.config()
MANIFEST = examples.manifest()
BODY = encode(MANIFEST)
POINTER = examples.pointer()
EMPTY = ChannelNow(files={}, pointer=None, pointer_headers=None, pointer_etag=None)
JS = "text/javascript; charset=utf-8"


def keys(planned: plan.Plan) -> list[list[str]]:
    return [[a.key for a in group if isinstance(a, CreateObject | CopyObject | MovePointer)] for group in planned]


def after(planned: plan.Plan, pointer: Pointer = POINTER) -> ChannelNow:
    """The channel once a plan was carried out."""
    actions = [action for group in planned for action in group]
    copies = [action for action in actions if isinstance(action, CopyObject)]
    copied = {copy.key: Served(sha256=copy.sha256, headers=copy.headers, etag='"1"') for copy in copies}
    (swap,) = [action for action in actions if isinstance(action, MovePointer)]
    return ChannelNow(
        files=copied, pointer=document.encode(pointer), pointer_headers=swap.headers, pointer_etag='"new"'
    )


def test_a_version_is_created_with_its_manifest_last() -> None:
    planned = plan.publish(CONFIG, MANIFEST, BODY)
    assert keys(planned) == [
        ["tag/1.4.2/chunks/vendor.js", "tag/1.4.2/tag.esm.min.js", "tag/1.4.2/tag.min.js"],
        ["tag/1.4.2/manifest.json"],
    ]
    assert planned[0][0] == CreateObject(
        key="tag/1.4.2/chunks/vendor.js",
        path="chunks/vendor.js",
        sha256=digest(examples.FILES["chunks/vendor.js"]),
        size=25,
        headers=immutable(JS),
    )
    assert planned[1][0] == CreateObject(
        key="tag/1.4.2/manifest.json",
        path="manifest.json",
        sha256=digest(BODY),
        size=len(BODY),
        headers=immutable("application/json"),
    )


def test_a_channel_gets_chunks_then_entries_then_its_pointer() -> None:
    planned = plan.promote(CONFIG, MANIFEST, POINTER, EMPTY)
    assert keys(planned) == [
        ["tag/latest/chunks/vendor.js"],
        ["tag/latest/tag.esm.min.js", "tag/latest/tag.min.js"],
        ["tag/channels/latest.json"],
    ]
    headers = mutable(JS, CONFIG.cache.lifetime, version="1.4.2")
    assert planned[0][0] == CopyObject(
        source="tag/1.4.2/chunks/vendor.js",
        key="tag/latest/chunks/vendor.js",
        sha256=digest(examples.FILES["chunks/vendor.js"]),
        headers=headers,
        etag=None,
    )
    (swap,) = planned[2]
    assert isinstance(swap, MovePointer)
    assert swap.etag is None
    assert swap.headers == dataclasses.replace(headers, content_type="application/json")


def test_a_promotion_that_was_carried_out_leaves_nothing_to_do() -> None:
    done = after(plan.promote(CONFIG, MANIFEST, POINTER, EMPTY))
    assert plan.promote(CONFIG, MANIFEST, POINTER, done) == ((), (), ())


def test_only_what_differs_is_copied() -> None:
    newer = examples.manifest("1.4.3", {**examples.FILES, "tag.min.js": b"window.tag = 2;\n"})
    served = after(plan.promote(CONFIG, MANIFEST, POINTER, EMPTY))
    same_label = {
        key: dataclasses.replace(there, headers=mutable(JS, CONFIG.cache.lifetime, version="1.4.3"))
        for key, there in served.files.items()
    }
    now = dataclasses.replace(served, files=same_label)
    planned = plan.promote(CONFIG, newer, examples.pointer(version="1.4.3"), now)
    assert keys(planned) == [[], ["tag/latest/tag.min.js"], ["tag/channels/latest.json"]]
    (swap,) = planned[2]
    assert isinstance(swap, MovePointer)
    assert swap.etag == '"new"'


WRONG = {
    "other bytes": {"sha256": "0" * 64},
    "bytes the server keeps no digest of": {"sha256": None},
    "another lifetime": {"headers": ObjectHeaders(content_type=JS, cache_control="no-cache")},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_not_certainly_right_is_copied(change: dict[str, object]) -> None:
    done = after(plan.promote(CONFIG, MANIFEST, POINTER, EMPTY))
    key = "tag/latest/tag.min.js"
    is_ = dataclasses.asdict(done.files[key]) | {"headers": done.files[key].headers} | change
    now = dataclasses.replace(done, files={**done.files, key: Served(**is_)})
    assert keys(plan.promote(CONFIG, MANIFEST, POINTER, now)) == [[], [key], []]


def test_every_key_of_a_plan_is_a_key_of_the_layout() -> None:
    prefixed = examples.config(site={"prefix": "js/"})
    for group in keys(plan.publish(prefixed, MANIFEST, BODY)):
        assert all(isinstance(prefixed.layout.parse(key), VersionKey) for key in group)
    *files, pointers = keys(plan.promote(prefixed, MANIFEST, POINTER, EMPTY))
    assert all(isinstance(prefixed.layout.parse(key), ChannelKey) for group in files for key in group)
    assert [prefixed.layout.parse(key) for key in pointers] == [PointerKey("latest")]


def test_a_pointer_says_what_the_log_authorised_and_until_when_to_believe_it() -> None:
    state = examples.channel_state(pointer_version=5)
    authorised = examples.event(7, after=State(channels={"latest": state}))
    assert plan.pointer_for(CONFIG, MANIFEST, authorised) == Pointer(
        origin="log.example.com/tag",
        channel="latest",
        pointer_version=5,
        version="1.4.2",
        manifest=examples.DIGEST,
        log_index=7,
        issued="2026-11-24T00:12:33Z",
        expires="2027-11-24T00:12:33Z",
        files=plan.pointer_for(CONFIG, MANIFEST, authorised).files,
    )
    files = {file.path: file.integrity for file in plan.pointer_for(CONFIG, MANIFEST, authorised).files}
    assert files == {artifact.path: artifact.integrity for artifact in MANIFEST.artifacts}


def test_what_caches_hold_otherwise_is_rewritten_and_the_version_alone_is_no_change() -> None:
    planned = plan.promote(CONFIG, MANIFEST, POINTER, EMPTY)
    everything = ("tag/latest/chunks/vendor.js", "tag/latest/tag.esm.min.js", "tag/latest/tag.min.js")
    assert plan.rewritten(planned, EMPTY) == everything
    done = after(planned)
    older = {
        key: dataclasses.replace(served, headers=dataclasses.replace(served.headers, metadata={"version": "1.4.1"}))
        for key, served in done.files.items()
    }
    before = dataclasses.replace(done, files=older)
    again = plan.promote(CONFIG, MANIFEST, POINTER, before)
    assert keys(again) == [[everything[0]], [*everything[1:]], []]
    assert plan.rewritten(again, before) == ()
    other = dataclasses.replace(older[everything[2]], sha256="0" * 64)
    changed = dataclasses.replace(before, files={**older, everything[2]: other})
    assert plan.rewritten(again, changed) == (everything[2],)


HEADERS = ObjectHeaders(content_type=JS, cache_control="no-cache")
MIXED: plan.Plan = (
    (
        CreateObject(key="tag/1.4.2/tag.js", path="tag.js", sha256="ab" * 32, size=12345, headers=HEADERS),
        CopyObject(source="tag/1.4.2/tag.js", key="tag/latest/tag.js", sha256="ab" * 32, headers=HEADERS, etag=None),
    ),
    (),
    (
        MovePointer(source="p/1", sha256="cd" * 32, key="tag/channels/latest.json", headers=HEADERS, etag=None),
        MovePointer(source="p/2", sha256="cd" * 32, key="tag/channels/v1.json", headers=HEADERS, etag='"e"'),
        AppendEntry(action="promote.authorized", version="1.4.2", channel="latest"),
        AppendEntry(action="version.yanked", version="1.4.1", reason="it leaks"),
        Invalidate(paths=("/tag/latest/tag.js", "/tag/channels/latest.json"), reference="7-latest"),
    ),
)


def test_a_plan_is_written_for_people() -> None:
    assert "\n".join(plan.describe(MIXED)) == (
        "create   tag/1.4.2/tag.js  12,345 bytes  sha256 abababababab\n"
        "copy     tag/1.4.2/tag.js -> tag/latest/tag.js  sha256 abababababab\n"
        "move     tag/channels/latest.json to p/1  if it is still absent\n"
        'move     tag/channels/v1.json to p/2  if it is still "e"\n'
        "append   promote.authorized 1.4.2 on latest\n"
        "append   version.yanked 1.4.1: it leaks\n"
        "drop     /tag/latest/tag.js\n"
        "drop     /tag/channels/latest.json"
    )


def test_a_plan_is_written_for_machines_with_the_order_of_its_groups() -> None:
    written = json.loads(json.dumps(plan.as_json(MIXED)))
    assert [(action["group"], action["action"]) for action in written] == [
        (0, "create"),
        (0, "copy"),
        (2, "move"),
        (2, "move"),
        (2, "append"),
        (2, "append"),
        (2, "invalidate"),
    ]
    assert written[0] == {
        "group": 0,
        "action": "create",
        "key": "tag/1.4.2/tag.js",
        "bytes": 12345,
        "sha256": "ab" * 32,
    }
    assert written[3]["ifMatch"] == '"e"'
    assert (written[4]["event"], written[4]["version"], written[4]["channel"]) == (
        "promote.authorized",
        "1.4.2",
        "latest",
    )
    assert written[6]["paths"] == ["/tag/latest/tag.js", "/tag/channels/latest.json"]
