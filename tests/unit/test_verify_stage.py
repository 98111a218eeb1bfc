from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest

from release.core import document
from release.core.handover import Pointer, read_verification
from release.errors import ServiceError, VerificationError
from release.ports import Download
from release.stages import verify as stage
from tests.fakes.public_site import FakePublicSite, Page
from tests.fakes.scenario import World, files

Pages = dict[str, Page]

ORIGINS_OWN: Final = "https://cdn.example.com"
MANIFEST: Final = "/tag/1.1.0/manifest.json"
VERSION_FILE: Final = "/tag/1.1.0/tag.min.js"
CHANNEL_FILE: Final = "/tag/latest/tag.min.js"
CHANNEL_CHUNK: Final = "/tag/latest/chunks/shared.js"
POINTER: Final = "/tag/channels/latest.json"
JS: Final = "text/javascript; charset=utf-8"
SHORT: Final = "public, max-age=300, s-maxage=60, no-transform"
FOREVER: Final = "public, max-age=31536000, immutable, no-transform"


@pytest.fixture(scope="module")
def promoted() -> World:
    world = World()
    world.release("1.0.0", "latest")
    world.release("1.1.0")
    world.visit("latest")
    world.authorize("latest", "1.1.0")
    world.promote("latest")
    return world


@pytest.fixture
def stale(promoted: World) -> World:
    """A world whose caches still hold 1.0.0 of a channel that was promoted to 1.1.0."""
    return promoted.twin()


@pytest.fixture
def world(stale: World) -> World:
    """A world whose channel serves 1.1.0 everywhere."""
    stale.invalidate("latest")
    return stale


def findings(world: World, pages: Pages | None = None, site: FakePublicSite | None = None) -> tuple[str, ...]:
    """Verify and give the findings; they must be a failure."""
    report = world.verify("latest", site=site or (FakePublicSite(pages) if pages else None))
    assert report.verification.passed is False
    with pytest.raises(VerificationError):
        stage.require_passed([report])
    return report.verification.findings


def with_headers(page: Page, **headers: str | None) -> Page:
    """Give a page with other headers; None takes one away."""
    changed = {**page[0], **{name.replace("_", "-"): value for name, value in headers.items() if value is not None}}
    return {
        name: value for name, value in changed.items() if headers.get(name.replace("-", "_"), "") is not None
    }, page[1]


def pointer_of(world: World) -> Pointer:
    pointer = world.pointer("latest")
    assert pointer is not None
    return pointer


# When all is right.


def test_a_channel_that_serves_every_byte_passes(world: World) -> None:
    report = world.verify("latest")
    assert (report.verification.passed, report.verification.findings) == (True, ())
    assert report.verification.order == world.order("latest")
    stage.require_passed([report])


def test_every_file_is_asked_for_in_every_encoding_from_a_customers_page(world: World) -> None:
    world.verify("latest")
    asked = {(path, encoding) for path, encoding, _ in world.public.requests}
    for folder in ("1.1.0", "latest"):
        for path in files("1.1.0"):
            assert {(f"/tag/{folder}/{path}", encoding) for encoding in ("identity", "gzip", "br")} <= asked
    assert {origin for _, _, origin in world.public.requests} == {stage.ORIGIN, ""}
    assert not stage.ORIGIN.startswith(world.config.site.url)


def test_the_report_counts_what_was_loaded(world: World) -> None:
    report = world.verify("latest")
    # Four files twice in three encodings; the manifest and the pointer.
    assert report.downloads == len(world.public.requests) >= 2 * 4 * 3 + 2
    assert all(report.served[encoding] >= 2 * 4 for encoding in ("identity", "gzip", "br"))


def test_a_verification_says_the_same_to_the_job_that_reads_it(world: World) -> None:
    verification = world.verify("latest").verification
    body = document.encode(verification)
    assert read_verification(body, name="latest.verification.json", library="tag") == verification


def test_an_address_that_answers_for_each_origin_and_says_so_passes(world: World) -> None:
    pages = {
        path: with_headers(page, access_control_allow_origin=stage.ORIGIN, vary="Accept-Encoding, Origin")
        for path, page in world.pages().items()
    }
    assert world.verify("latest", site=FakePublicSite(pages)).verification.findings == ()


def test_a_media_type_may_be_written_in_other_letters_and_without_its_charset(world: World) -> None:
    pages = world.pages()
    pages[VERSION_FILE] = with_headers(pages[VERSION_FILE], content_type="Text/JavaScript")
    assert world.verify("latest", site=FakePublicSite(pages)).verification.findings == ()


# Wrong bytes.

CHANGES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "one other byte": lambda body: body[:-1] + b"!",
    "a byte more": lambda body: body + b"\n",
    "much more": lambda body: body + b"evil();" * 100,
    "a byte less": lambda body: body[:-1],
    "nothing": lambda _: b"",
    "a page that says sorry": lambda _: b"<html>Sorry</html>",
    "capitals": bytes.upper,
}


@pytest.mark.parametrize("path", [MANIFEST, VERSION_FILE, CHANNEL_FILE, CHANNEL_CHUNK, POINTER])
@pytest.mark.parametrize("change", CHANGES)
def test_wrong_bytes_are_a_finding(world: World, change: str, path: str) -> None:
    world.public.transform(path, CHANGES[change])
    found = findings(world)
    assert all(path in finding for finding in found)
    assert found != ()


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
@pytest.mark.parametrize("path", [VERSION_FILE, CHANNEL_FILE])
def test_wrong_bytes_in_one_encoding_are_a_finding_about_it(world: World, path: str, encoding: str) -> None:
    world.public.transform(path, bytes.upper, encoding=encoding)
    (found,) = findings(world)
    assert found.startswith(f"{path} ({encoding}): HTTP 200, ")
    assert "expected sha256 " in found


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
@pytest.mark.parametrize("path", [MANIFEST, POINTER])
def test_a_document_that_is_wrong_in_one_encoding_is_a_finding(world: World, path: str, encoding: str) -> None:
    world.public.transform(path, bytes.upper, encoding=encoding)
    assert all(finding.startswith(path) for finding in findings(world))


def test_a_proxy_that_rewrites_scripts_is_found_out(world: World) -> None:
    for path in world.pages():
        if path.endswith(".js"):
            world.public.transform(path, lambda body: b"/* optimised */" + body.strip())
    assert len(findings(world)) == 2 * 4 * 3


def test_files_of_another_version_under_this_ones_name_are_findings(world: World) -> None:
    pages = world.pages()
    pages[CHANNEL_FILE] = pages["/tag/1.0.0/tag.min.js"]
    found = findings(world, pages)
    assert {finding.partition(" ")[0] for finding in found} == {CHANNEL_FILE}


def test_an_answer_that_does_not_decode_is_a_finding(world: World) -> None:
    world.public.fail(CHANNEL_FILE, VerificationError("the body is not gzip"))
    (found,) = findings(world)
    assert "the body is not gzip" in found


def test_a_manifest_that_is_not_the_logs_ends_the_verification_with_a_finding(world: World) -> None:
    pages = world.pages()
    pages[MANIFEST] = pages["/tag/1.0.0/manifest.json"]
    site = FakePublicSite(pages)
    (found,) = findings(world, site=site)
    assert f"the log says manifest {world.order('latest').manifest[:12]}" in found
    assert len(site.requests) == 1


# Wrong answers.


@pytest.mark.parametrize("status", [206, 301, 404, 503])
@pytest.mark.parametrize("path", [MANIFEST, VERSION_FILE, CHANNEL_FILE, POINTER])
def test_another_status_is_a_finding_even_with_the_right_bytes(world: World, path: str, status: int) -> None:
    world.public.answer_with(path, status)
    found = findings(world)
    assert all(finding.startswith(path) for finding in found)
    assert any(str(status) in finding for finding in found)


@pytest.mark.parametrize("path", [MANIFEST, VERSION_FILE, CHANNEL_FILE, CHANNEL_CHUNK, POINTER])
def test_what_is_missing_is_a_finding(world: World, path: str) -> None:
    pages = world.pages()
    del pages[path]
    assert all(finding.startswith(path) for finding in findings(world, pages))


def test_an_address_that_does_not_answer_for_one_file_is_a_finding(world: World) -> None:
    world.public.fail(VERSION_FILE, ServiceError("no answer"))
    world.public.fail(POINTER, ServiceError("no answer"))
    assert sorted(finding.partition(": ")[2] for finding in findings(world)) == ["no answer", "no answer"]


def test_an_address_that_does_not_answer_at_all_is_an_error(world: World) -> None:
    world.public.fail(MANIFEST, ServiceError("no answer"))
    with pytest.raises(ServiceError):
        world.verify("latest")


# Wrong headers.


@pytest.mark.parametrize("path", [VERSION_FILE, CHANNEL_FILE, MANIFEST, POINTER])
def test_an_answer_without_cors_is_a_finding_since_browsers_refuse_it(world: World, path: str) -> None:
    world.public.drop_cors(path)
    found = findings(world)
    assert all(finding.startswith(path) and "Access-Control-Allow-Origin is None" in finding for finding in found)


def test_cors_for_pages_with_an_origin_only_is_a_finding_since_browsers_keep_what_other_pages_got(world: World) -> None:
    world.public.send_cors_to_origins_only()
    (finding,) = findings(world)
    assert "a page without crossorigin is sent neither Access-Control-Allow-Origin nor 'Vary: Origin'" in finding


def test_a_cache_that_keeps_for_all_what_a_page_without_crossorigin_got_is_a_finding(world: World) -> None:
    world.public.keep_one_copy()
    (finding,) = findings(world)
    path, _, what = finding.partition(": ")
    assert what.startswith("once a page without crossorigin has loaded it, Access-Control-Allow-Origin is None")
    after = world.public.fetch(path, encoding="br", origin=ORIGINS_OWN, limit=100_000)
    assert after.headers["access-control-allow-origin"] == "*", "the check itself did customers harm"


def test_a_cache_that_refuses_queries_is_not_judged_by_them(world: World) -> None:
    class Strict(FakePublicSite):
        def fetch(self, path: str, *, encoding: str, origin: str, limit: int, query: str = "") -> Download:
            got = super().fetch(path, encoding=encoding, origin=origin, limit=limit)
            return replace(got, status=403) if query else got

    assert world.verify("latest", site=Strict(world.pages())).verification.findings == ()


@pytest.mark.parametrize("allowed", ["", "null", ORIGINS_OWN, "https://customer.example.evil.example"])
@pytest.mark.parametrize("path", [VERSION_FILE, CHANNEL_FILE])
def test_cors_for_somebody_else_is_a_finding(world: World, path: str, allowed: str) -> None:
    pages = world.pages()
    pages[path] = with_headers(pages[path], access_control_allow_origin=allowed)
    assert all(finding.startswith(path) for finding in findings(world, pages))


@pytest.mark.parametrize("vary", [None, "", "Accept-Encoding"])
def test_cors_for_one_origin_that_a_cache_gives_to_others_is_a_finding(world: World, vary: str | None) -> None:
    pages = world.pages()
    pages[CHANNEL_FILE] = with_headers(pages[CHANNEL_FILE], access_control_allow_origin=stage.ORIGIN, vary=vary)
    assert all("without 'Vary: Origin'" in finding for finding in findings(world, pages))


WRONG_TYPES: Final = [
    *((VERSION_FILE, value) for value in (None, "", "text/plain", "text/html", "text/javascripts")),
    *((CHANNEL_FILE, value) for value in (None, "application/octet-stream", "text/javascript-evil; charset=utf-8")),
    (MANIFEST, "text/html"),
    (POINTER, "text/html"),
]


@pytest.mark.parametrize(("path", "media_type"), WRONG_TYPES)
def test_a_wrong_media_type_is_a_finding_since_browsers_refuse_it(
    world: World, path: str, media_type: str | None
) -> None:
    pages = world.pages()
    pages[path] = with_headers(pages[path], content_type=media_type)
    assert all(finding.startswith(path) and "Content-Type is" in finding for finding in findings(world, pages))


WRONG_LIFETIMES: Final = [
    *((VERSION_FILE, value) for value in (None, "", "no-store", SHORT, "public, max-age=31536000")),
    (VERSION_FILE, "public, max-age=60, immutable"),
    (VERSION_FILE, "private, max-age=31536000, immutable, no-transform"),
    *((CHANNEL_FILE, value) for value in (None, "", "no-store", FOREVER, "public, max-age=300, s-maxage=60")),
    (CHANNEL_FILE, f"{SHORT}, immutable"),
    (MANIFEST, SHORT),
    (POINTER, FOREVER),
]


@pytest.mark.parametrize(("path", "cache_control"), WRONG_LIFETIMES)
def test_a_wrong_lifetime_is_a_finding(world: World, path: str, cache_control: str | None) -> None:
    pages = world.pages()
    pages[path] = with_headers(pages[path], cache_control=cache_control)
    assert all(finding.startswith(path) and "Cache-Control is" in finding for finding in findings(world, pages))


# Wrong pointers.

POINTERS: Final[Mapping[str, Callable[[Pointer], Pointer]]] = {
    "an older entry": lambda p: replace(p, log_index=p.log_index - 1),
    "an entry to come": lambda p: replace(p, log_index=p.log_index + 1),
    "another manifest": lambda p: replace(p, manifest="0" * 64),
    "another version": lambda p: replace(p, version="1.0.0"),
    "another channel": lambda p: replace(p, channel="v1"),
    "another log": lambda p: replace(p, origin="log.example.com/other"),
    "another file's integrity": lambda p: replace(p, files=(replace(p.files[0], integrity=p.files[1].integrity),)),
    "a file too few": lambda p: replace(p, files=p.files[1:]),
    "a file too many": lambda p: replace(p, files=(*p.files, replace(p.files[0], path="evil.js"))),
}


@pytest.mark.parametrize("wrong", POINTERS)
def test_a_pointer_that_is_not_what_the_log_and_the_manifest_say_is_a_finding(world: World, wrong: str) -> None:
    """Pages that follow the pointer load what it says, with the integrity that it says."""
    pages = world.pages()
    forged = document.encode(POINTERS[wrong](pointer_of(world)))
    pages[POINTER] = (pages[POINTER][0], forged)
    assert all(finding.startswith(POINTER) for finding in findings(world, pages))


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b"{" * 1000, b"\xff\xfe"])
def test_a_pointer_that_is_malformed_is_a_finding(world: World, body: bytes) -> None:
    pages = world.pages()
    pages[POINTER] = (pages[POINTER][0], body)
    assert all(finding.startswith(POINTER) for finding in findings(world, pages))


def test_the_pointer_of_the_version_before_is_a_finding(stale: World) -> None:
    assert f"{POINTER} (identity): it follows log entry 1, expected 4" in findings(stale)


# Patience.


def test_a_channel_that_serves_the_old_version_is_a_finding(stale: World) -> None:
    assert {finding.split()[0].rstrip(":") for finding in findings(stale)} == {
        CHANNEL_FILE,
        "/tag/latest/tag.esm.min.js",
        "/tag/latest/chunks/own-1.1.0.js",
        POINTER,
    }
    assert stale.clock.slept == []


def test_a_patient_verification_waits_for_the_caches(stale: World) -> None:
    stale.clock.after(7, lambda: stale.invalidate("latest"))
    report = stale.verify("latest", patience=60)
    assert report.verification.passed
    assert 7 <= sum(stale.clock.slept) <= 7 + stage.PAUSE
    assert stale.console.said.count("latest does not serve 1.1.0 everywhere yet; asking again") == len(
        stale.clock.slept
    )


def test_patience_has_an_end(stale: World) -> None:
    report = stale.verify("latest", patience=10)
    assert not report.verification.passed
    assert 10 <= sum(stale.clock.slept) <= 10 + stage.PAUSE


def test_no_patience_is_lost_on_a_versions_own_files(world: World) -> None:
    """They are immutable: what is wrong once stays wrong."""
    world.public.transform(VERSION_FILE, bytes.upper)
    findings(world)
    assert not world.verify("latest", patience=60).verification.passed
    assert world.clock.slept == []


def test_a_channel_that_turns_wrong_while_waiting_is_not_passed_by_an_earlier_look(stale: World) -> None:
    def arrive_and_break() -> None:
        stale.invalidate("latest")
        stale.public.transform(CHANNEL_CHUNK, bytes.upper)

    stale.clock.after(4, arrive_and_break)
    report = stale.verify("latest", patience=20)
    assert {finding.partition(" ")[0] for finding in report.verification.findings} == {CHANNEL_CHUNK}


# Reports.


def test_very_many_findings_fit_the_file_for_the_next_job() -> None:
    world = World()
    world.build("1.0.0", {f"file{number:03d}.js": b"%d" % number for number in range(60)})
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    world.promote("latest")
    world.site.put("tag/channels/latest.json", b"x" * 3_000_000)
    for number in range(60):
        world.public.fail(f"/tag/latest/file{number:03d}.js", *[ServiceError("x" * 1000)] * 3)
    verification = world.verify("latest").verification
    assert (len(verification.findings), verification.passed) == (100, False)
    body = document.encode(verification)
    assert read_verification(body, name="latest.verification.json", library="tag") == verification


def test_all_channels_that_failed_are_named_with_a_way_back(world: World) -> None:
    world.authorize("v1", "1.1.0")
    world.promote("v1")
    world.public.transform("/tag/v1/tag.min.js", bytes.upper)
    world.public.transform(CHANNEL_FILE, bytes.upper)
    reports = [world.verify("latest"), world.verify("v1")]
    with pytest.raises(VerificationError, match=r"latest 1\.1\.0, v1 1\.1\.0: 6 finding\(s\)") as failed:
        stage.require_passed(reports)
    assert "release rollback latest" in failed.value.hint


def test_one_channel_that_failed_among_others_that_passed_fails_them_all(world: World) -> None:
    world.authorize("v1", "1.1.0")
    world.promote("v1")
    world.public.transform("/tag/v1/tag.min.js", bytes.upper)
    with pytest.raises(VerificationError, match=r"^v1 1\.1\.0: "):
        stage.require_passed([world.verify("latest"), world.verify("v1")])
