"""The embedded edge keeps, compresses and forgets as CloudFront does."""

import gzip
from collections.abc import Callable, Mapping

import brotli
import pytest

from release.adapters.embedded.edge_cache import Behavior, EdgeCache, Response, freshness, normalized_encoding

OPTIMIZED = Behavior(least=1, default=86_400, most=31_536_000, compress=True, cors=True)
SCRIPT = b"console.log('tag');" * 100
JS = "text/javascript; charset=utf-8"


class World:
    """An origin, a clock and a list of invalidations that a test can change."""

    def __init__(self, behavior: Behavior = OPTIMIZED, error_seconds: Mapping[int, float] | None = None) -> None:
        self.objects: dict[str, Response] = {}
        self.asked: list[str] = []
        self.time = 1000.0
        self.purges: list[list[str]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        more = {} if error_seconds is None else {"error_seconds": error_seconds}
        self.edge = EdgeCache(
            behavior=behavior,
            origin=self.origin,
            purges=lambda after: self.purges[after:],
            now=lambda: self.time,
            **more,
        )

    def origin(self, path: str) -> Response:
        self.asked.append(path)
        absent = Response(status=404, headers={"content-type": "application/xml"}, body=b"no")
        found = self.objects.get(path, absent)
        self.meanwhile()
        return found

    def put(self, path: str, body: bytes = SCRIPT, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.objects[path] = Response(status=200, headers={"content-type": JS, **named}, body=body)

    def get(self, path: str, encoding: str = "", origin: str = "") -> Response:
        return self.edge.get(path, accept_encoding=encoding, origin=origin)


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_answer_is_a_miss_and_the_next_a_hit_with_its_age(world: World) -> None:
    world.put("/t.js", cache_control="max-age=60")
    first = world.get("/t.js")
    world.time += 7.9
    second = world.get("/t.js")
    assert (first.headers["x-cache"], "age" in first.headers) == ("Miss from edge", False)
    assert (second.headers["x-cache"], second.headers["age"]) == ("Hit from edge", "7")
    assert first.body == second.body == SCRIPT
    assert world.asked == ["/t.js"]


LIFETIMES = {
    "s-maxage before max-age": ("public, max-age=60, s-maxage=600, no-transform", 600),
    "max-age alone": ("max-age=60", 60),
    "no header": ("", 86_400),
    "nothing about time": ("public", 86_400),
    "no-store": ("no-store", 1),
    "no-cache beats a time": ("no-cache, max-age=60", 1),
    "private": ("private", 1),
    "zero": ("max-age=0", 1),
    "beyond the policy's maximum": ("max-age=99999999999", 31_536_000),
    "capitals and quotes": ('Max-Age="60"', 60),
    "not a number": ("max-age=abc", 86_400),
    "negative": ("max-age=-1", 86_400),
    "not ASCII": ("max-age=٣", 86_400),
}


@pytest.mark.parametrize(("cache_control", "seconds"), LIFETIMES.values(), ids=LIFETIMES)
def test_an_object_is_kept_for_as_long_as_its_header_and_the_policy_say(cache_control: str, seconds: int) -> None:
    world = World()
    world.put("/t.js", cache_control=cache_control)
    world.get("/t.js")
    world.time += seconds - 0.5
    assert world.get("/t.js").headers["x-cache"] == "Hit from edge"
    world.time += 0.5
    assert world.get("/t.js").headers["x-cache"] == "Miss from edge"


def test_a_policy_without_a_lower_bound_does_not_keep_no_store() -> None:
    unbounded = Behavior(least=0, default=0, most=31_536_000, compress=True, cors=False)
    assert freshness({"no-store": ""}, unbounded) == 0
    world = World(unbounded)
    world.put("/t.js", cache_control="no-store")
    world.get("/t.js")
    world.get("/t.js")
    assert len(world.asked) == 2


def test_an_old_object_is_served_until_an_invalidation_names_it(world: World) -> None:
    world.put("/t.js", b"old")
    world.get("/t.js")
    world.put("/t.js", b"new")
    assert world.get("/t.js").body == b"old"
    world.purges.append(["/t.js"])
    assert world.get("/t.js").body == b"new"
    assert world.get("/t.js").headers["x-cache"] == "Hit from edge"


PURGES = {
    "the path itself": ("/tag/latest/t.js", True),
    "all": ("/*", True),
    "the folder": ("/tag/latest/*", True),
    "the beginning of its name": ("/tag/lat*", True),
    "another case": ("/tag/latest/T.js", False),
    "the folder without *": ("/tag/latest/", False),
    "another channel": ("/tag/v1/*", False),
    "without a leading slash": ("tag/latest/t.js", False),
    "* in the middle": ("/tag/*/t.js", False),
    "encoded where it need not be": ("/tag/latest/t%2Ejs", False),
}


@pytest.mark.parametrize(("named", "dropped"), PURGES.values(), ids=PURGES)
def test_an_invalidation_drops_exactly_what_it_names(named: str, dropped: bool) -> None:
    world = World()
    world.put("/tag/latest/t.js", b"old")
    world.get("/tag/latest/t.js")
    world.put("/tag/latest/t.js", b"new")
    world.purges.append(["/other.js", named])
    assert (world.get("/tag/latest/t.js").body == b"new") is dropped


def test_an_invalidation_drops_every_encoding(world: World) -> None:
    for body in (b"old" * 1000, b"new" * 1000):
        world.put("/t.js", body)
        world.purges.append(["/t.js"])
        assert world.get("/t.js").body == body
        assert gzip.decompress(world.get("/t.js", "gzip").body) == body
        assert brotli.decompress(world.get("/t.js", "br").body) == body


def test_an_invalidation_is_worked_off_once(world: World) -> None:
    world.put("/t.js")
    world.purges.append(["/t.js", "/*"])
    for _ in range(3):
        world.get("/t.js")
    assert len(world.asked) == 1


def test_an_answer_that_was_on_its_way_during_an_invalidation_is_not_kept(world: World) -> None:
    world.put("/t.js", b"old")

    def release() -> None:
        world.put("/t.js", b"new")
        world.purges.append(["/t.js"])
        world.meanwhile = lambda: None

    world.meanwhile = release
    assert world.get("/t.js").body == b"old"
    assert world.get("/t.js").body == b"new"


def test_an_absent_object_is_remembered_for_ten_seconds(world: World) -> None:
    assert world.get("/t.js").status == 404
    world.put("/t.js")
    world.time += 9.9
    assert world.get("/t.js").status == 404
    world.time += 0.2
    assert world.get("/t.js").status == 200


@pytest.mark.parametrize("status", [403, 500, 502, 503])
def test_other_errors_are_not_kept_unless_told(status: int) -> None:
    for world, asked in ((World(), 2), (World(error_seconds={status: 10.0}), 1)):
        world.objects["/t.js"] = Response(status=status, headers={}, body=b"")
        world.get("/t.js")
        world.get("/t.js")
        assert len(world.asked) == asked


def test_an_error_that_states_a_time_is_kept_for_it(world: World) -> None:
    world.objects["/t.js"] = Response(status=403, headers={"cache-control": "max-age=30"}, body=b"")
    world.get("/t.js")
    world.time += 29
    world.get("/t.js")
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", "identity"),
        ("identity", "identity"),
        ("*", "identity"),
        ("deflate, zstd", "identity"),
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000", "identity"),
    ],
)
def test_accept_encoding_comes_to_one_encoding(header: str, encoding: str) -> None:
    assert normalized_encoding(header) == encoding


def test_each_encoding_is_compressed_and_kept_by_itself(world: World) -> None:
    world.put("/t.js", etag='"abc"', cache_control="no-transform")
    plain, zipped, brotlied = (world.get("/t.js", encoding) for encoding in ("identity", "gzip", "br, gzip"))
    assert plain.body == SCRIPT
    assert gzip.decompress(zipped.body) == SCRIPT
    assert brotli.decompress(brotlied.body) == SCRIPT
    assert [answer.headers.get("content-encoding") for answer in (plain, zipped, brotlied)] == [None, "gzip", "br"]
    assert [answer.headers["etag"] for answer in (plain, zipped, brotlied)] == ['"abc"', 'W/"abc"', 'W/"abc"']
    assert {answer.headers["vary"] for answer in (plain, zipped, brotlied)} == {"Accept-Encoding"}
    assert len(world.asked) == 3


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * 999, {}),
        (b"x" * 10_000_001, {}),
        (SCRIPT, {"content-type": "image/png"}),
        (SCRIPT, {"content-type": "application/octet-stream"}),
        (gzip.compress(SCRIPT), {"content-encoding": "gzip"}),
    ],
    ids=["too small", "too large", "image", "unknown type", "encoded already"],
)
def test_what_cloudfront_does_not_compress_passes_as_it_is(body: bytes, headers: dict[str, str]) -> None:
    world = World()
    world.objects["/t.js"] = Response(status=200, headers={"content-type": JS, "etag": '"a"', **headers}, body=body)
    got = world.get("/t.js", "br")
    assert got.body == body
    assert got.headers["etag"] == '"a"'
    assert got.headers.get("content-encoding") == headers.get("content-encoding")


def test_a_distribution_that_does_not_compress_has_one_copy() -> None:
    world = World(Behavior(least=1, default=60, most=60, compress=False, cors=True))
    world.put("/t.js")
    assert world.get("/t.js", "br").body == world.get("/t.js").body == SCRIPT
    assert len(world.asked) == 1


def test_cors_is_answered_to_pages_of_any_origin_and_only_with_the_policy() -> None:
    for cors in (True, False):
        world = World(Behavior(least=1, default=60, most=60, compress=True, cors=cors))
        world.put("/t.js")
        assert "access-control-allow-origin" not in world.get("/t.js").headers
        cross = world.get("/t.js", origin="https://shop.example")
        assert cross.headers.get("access-control-allow-origin") == ("*" if cors else None)


def test_headers_of_the_object_pass_and_those_of_the_service_do_not(world: World) -> None:
    world.put("/t.js", last_modified="yesterday", x_amz_meta_version="1.0.0", x_amz_request_id="1", server="AmazonS3")
    headers = world.get("/t.js").headers
    assert headers["last-modified"] == "yesterday"
    assert headers["x-amz-meta-version"] == "1.0.0"
    assert headers["content-type"] == JS
    assert not {"server", "x-amz-request-id"} & set(headers)


def test_the_query_is_not_part_of_the_key(world: World) -> None:
    world.put("/t.js")
    world.get("/t.js?a=1")
    world.get("/t.js?a=2")
    assert world.asked == ["/t.js"]
