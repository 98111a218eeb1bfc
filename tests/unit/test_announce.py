"""What a version's GitLab release says, what it is believed by, and what it leaves alone."""

import dataclasses
import re

import pytest
from markdown_it import MarkdownIt

from release.core.announcement import snippet
from release.core.outcome import Outcome, proven, read_outcome
from release.core.release_page import BEGIN, END, Link, Page, block, change
from release.errors import (
    FormatError,
    IntegrityError,
    LogError,
    RefusedError,
    ReleaseError,
    SourceError,
    VerificationError,
)
from release.stages.announce import require_tag, wanted
from tests.fakes import examples
from tests.fakes.announced import CHANGELOG, left, outcome, released
from tests.fakes.folder import InMemoryFolder
from tests.fakes.log_keys import log_signer
from tests.fakes.scenario import World


@pytest.fixture(scope="module")
def world() -> World:
    return released()


def page(world: World, *channels: str, changelog: str | None = CHANGELOG) -> Page:
    orders, outcomes = left(world, *(channels or ("v1", "latest")))
    project = InMemoryFolder({} if changelog is None else {"CHANGELOG.md": changelog.encode()})
    return wanted(world.config, world.keys, orders, outcomes, world.public, project)


def test_a_release_has_the_notes_the_files_and_the_proof(world: World) -> None:
    made = page(world)
    manifest = world.manifest("1.1.0")
    assert (made.tag, made.commit, made.name) == ("v1.1.0", manifest.source.commit, "tag 1.1.0")
    text = made.description
    assert "- a *feature*" in text
    assert "the first" not in text
    by_path = {artifact.path: artifact for artifact in manifest.artifacts}
    element = f'integrity="{by_path["tag.min.js"].integrity}" crossorigin="anonymous"></script>'
    assert f'<script src="https://cdn.example.com/tag/1.1.0/tag.min.js" {element}' in text
    assert '<script type="module" src="https://cdn.example.com/tag/1.1.0/tag.esm.min.js"' in text
    assert "chunks/" not in text, "pages load no chunk by name"
    concluded = world.slots().tail().state.channels["latest"].concluded
    assert concluded is not None
    assert f"`{world.slots().leaf_hash(concluded)}`" in text
    assert f"release log proof {concluded} " in text
    assert f"`{world.order('latest').manifest}`" in text
    assert {link.name: link.url for link in made.links} == {
        "tag.esm.min.js": "https://cdn.example.com/tag/1.1.0/tag.esm.min.js",
        "tag.min.js": "https://cdn.example.com/tag/1.1.0/tag.min.js",
        "manifest.json": "https://cdn.example.com/tag/1.1.0/manifest.json",
    }


def test_what_stands_in_the_release_proves_its_entry(world: World) -> None:
    text = page(world).description
    kept = re.search(r"```text\n(.*?)\n```", text, re.DOTALL)
    assert kept
    entry = outcome(world, "latest").entry
    found = proven(
        Outcome(entry=entry, proof=kept[1] + "\n"), world.keys, origin=world.config.log.origin, name="the release"
    )
    assert (found.event.action, found.event.channel) == ("promote.completed", "latest")


def test_the_text_is_markdown_whose_parts_do_not_swallow_each_other(world: World) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(page(world).description)
    titles = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    assert titles == ["Load it", "Check it"]
    assert [token.info for token in tokens if token.type == "fence"] == ["html", "sh", "text"]
    assert len([token for token in tokens if token.type == "table_open"]) == 2


def test_a_section_that_ends_in_an_open_block_is_left_out() -> None:
    made = World()
    made.changelog = "# Changelog\n\n## [1.0.0] - 2026-11-01\n\n```\nnever closed\n"
    made.release("1.0.0", "latest")
    text = page(made, "latest", changelog=made.changelog).description
    assert "never closed" not in text
    assert "## Load it" in text


@pytest.mark.parametrize(
    "changelog", [None, "# Changelog\n", CHANGELOG.replace("feature", "backdoor"), "## [1.1.0]\n\n## [1.1.0]\n"]
)
def test_notes_that_are_not_those_of_the_log_are_not_shown(world: World, changelog: str | None) -> None:
    with pytest.raises(IntegrityError, match=r"changelog.*1\.1\.0"):
        page(world, changelog=changelog)


def test_a_version_without_a_recorded_section_has_no_notes() -> None:
    made = World()
    made.release("1.0.0", "latest")
    assert page(made, "latest", changelog=CHANGELOG).description.startswith(f"{BEGIN}\n\n## Load it")


def test_one_channel_that_failed_is_enough_to_announce_nothing() -> None:
    made = released("1.1.0", "v1")
    made.move("latest", "1.1.0", passed=False)
    with pytest.raises(RefusedError, match=r"promote\.failed: 1\.1\.0 was not completed on latest"):
        page(made)


def test_what_was_not_completed_yet_or_is_another_move_s_outcome_is_refused() -> None:
    made = released("1.1.0", "v1", "latest")
    orders, outcomes = left(made, "latest")
    newer = dataclasses.replace(orders[0], entry=orders[0].entry + 1)
    for order in (newer, dataclasses.replace(orders[0], channel="v1"), dataclasses.replace(orders[0], version="1.0.0")):
        with pytest.raises(RefusedError, match="is not the outcome of entry"):
            wanted(made.config, made.keys, [order], outcomes, made.public, InMemoryFolder())


def test_a_rollback_is_no_release() -> None:
    made = released()
    made.go_back("latest", "1.0.0")
    with pytest.raises(RefusedError, match=r"latest was rolled back to 1\.0\.0"):
        page(made, "latest")


def test_a_customers_variant_is_shown_to_nobody_else(world: World) -> None:
    orders, outcomes = left(world, "latest")
    config = dataclasses.replace(world.config, site=dataclasses.replace(world.config.site, customer="acme"))
    with pytest.raises(RefusedError, match="acme's variant is not announced"):
        wanted(config, world.keys, orders, outcomes, world.public, InMemoryFolder({"CHANGELOG.md": CHANGELOG.encode()}))


def test_channels_of_two_versions_are_no_release() -> None:
    made = released("1.1.0", "v1")
    with pytest.raises(RefusedError, match=r"several versions: 1\.0\.0, 1\.1\.0"):
        page(made, "v1", "latest")


def test_an_outcome_that_the_log_s_key_did_not_sign_is_not_believed(world: World) -> None:
    forged = World()
    forged.sign_with(log_signer(forged.config.log.origin, seed="a thief's"))
    forged.changelog = CHANGELOG
    forged.release("1.0.0", "latest")
    forged.release("1.1.0", "v1", "latest")
    orders, outcomes = left(forged, "latest")
    with pytest.raises(LogError, match="the outcome of latest"):
        wanted(world.config, world.keys, orders, outcomes, world.public, InMemoryFolder())


def altered(found: Outcome) -> dict[str, Outcome]:
    other = outcome(released(), "v1")
    return {
        "another entry": dataclasses.replace(found, entry=other.entry),
        "another proof": dataclasses.replace(found, proof=other.proof),
        "a cut proof": dataclasses.replace(found, proof=found.proof[:40]),
        "no proof": dataclasses.replace(found, proof=""),
        "no entry": dataclasses.replace(found, entry=""),
        "a changed entry": dataclasses.replace(found, entry=found.entry.replace('"payload":"e', '"payload":"f')),
        "another root": dataclasses.replace(
            found, proof=re.sub(r"\nlog.example.com/tag\n\d+\n", "\nlog.example.com/tag\n9\n", found.proof)
        ),
    }


def test_an_outcome_that_was_altered_is_not_believed(world: World) -> None:
    found = outcome(world, "latest")
    for what, changed in altered(found).items():
        assert changed != found, what
        with pytest.raises((IntegrityError, LogError)):
            proven(changed, world.keys, origin=world.config.log.origin, name=what)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"entry":"","proof":"","type":"release-outcome/v2"}', b"x" * 5_000_000])
def test_what_is_no_outcome_is_one_clear_error(body: bytes) -> None:
    with pytest.raises(FormatError, match="an outcome"):
        read_outcome(body, name="an outcome")


def test_an_address_that_serves_another_manifest_is_not_announced() -> None:
    made = released()
    made.public.transform("/tag/1.1.0/manifest.json", lambda body: body + b" ", encoding="identity")
    with pytest.raises(VerificationError, match="is not the manifest that the log has"):
        page(made)


def test_a_pipeline_announces_its_own_tag_only(world: World) -> None:
    made = page(world)
    require_tag(made, None)
    require_tag(made, "v1.1.0")
    with pytest.raises(RefusedError, match=r"this is the pipeline of v2\.0\.0"):
        require_tag(made, "v2.0.0")


def test_an_element_s_values_cannot_leave_their_quotes() -> None:
    manifest = examples.manifest()
    for artifact in manifest.entries:
        element = snippet(examples.config(), manifest, artifact)
        assert element.count('"') % 2 == 0
        assert "<" not in element[1 : -len("</script>")]


# A release that is there.


FILE = Link(name="tag.min.js", url="https://cdn.example.com/tag/1.1.0/tag.min.js")
WANTED = Page(tag="v1.1.0", commit=examples.COMMIT, name="tag 1.1.0", description=block("new"), links=(FILE,))


def there(description: str, *links: Link, commit: str = examples.COMMIT) -> Page:
    return dataclasses.replace(WANTED, description=description, links=links, commit=commit)


def test_a_release_that_says_it_already_is_left_alone() -> None:
    assert change(WANTED, WANTED).nothing
    windows = there(f"before\r\n{block('new')}\r\nafter".replace("\n", "\r\n").replace("\r\r", "\r"), FILE)
    assert change(windows, WANTED).nothing


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", block("new")),
        (block("old"), block("new")),
        (f"Thanks to all!\n{block('old')}\nSee you.", f"Thanks to all!\n{block('new')}\nSee you."),
        ("Thanks to all!\n", f"Thanks to all!\n\n{block('new')}"),
    ],
)
def test_only_the_pipelines_part_of_the_text_changes(before: str, after: str) -> None:
    needed = change(there(before, FILE), WANTED)
    assert (needed.description, needed.links) == (after, ())
    assert change(there(after, FILE), WANTED).nothing


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{block('a')}{block('b')}"])
def test_marks_that_are_not_one_pair_stop_it(text: str) -> None:
    with pytest.raises(RefusedError, match="not as one pair"):
        change(there(text, FILE), WANTED)


def test_links_of_others_stay_and_missing_ones_are_added() -> None:
    other = Link(name="press", url="https://example.com/press")
    needed = change(there(block("new"), other), WANTED)
    assert (needed.links, needed.description, needed.nothing) == ((FILE,), None, False)


@pytest.mark.parametrize(
    "link",
    [Link(name=FILE.name, url="https://evil.example/tag.min.js"), Link(name="something else", url=FILE.url)],
)
def test_a_link_that_pretends_to_be_a_file_stops_it(link: Link) -> None:
    with pytest.raises(RefusedError, match="leads elsewhere") as refused:
        change(there(block("new"), link), WANTED)
    assert refused.value.evidence["there"] == link.url


def test_a_release_of_another_commit_stops_it() -> None:
    with pytest.raises(RefusedError, match="another commit"):
        change(there(block("new"), FILE, commit="e" * 40), WANTED)


@pytest.mark.parametrize(("text", "error"), [(f"a {END}", SourceError), ("x" * 600_000, SourceError)])
def test_a_text_that_cannot_be_marked_is_refused(text: str, error: type[ReleaseError]) -> None:
    with pytest.raises(error):
        block(text)
