"""What a customer's page is told to allow."""

import json
from typing import Final

import pytest

from tests.fakes.browser import CustomerSite, chromium
from tests.fakes.web_server import Reply, WebServer
from tests.functional.conftest import Run
from tests.functional.library import Library

JAVASCRIPT: Final = (("Content-Type", "text/javascript"), ("Access-Control-Allow-Origin", "*"))


def test_the_policy_and_the_element_are_of_what_was_built(library: Library, run: Run) -> None:
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml + '\n[domains]\nconnect = ["api.example.com"]\n')
    library.release("1.1.0", "window.tag = 1;\n")
    built = json.loads(run("build", "--json").out)
    ended = run("csp")
    assert ended.code == 0
    lines = ended.out.splitlines()
    policy = "script-src https://cdn.example.com; connect-src https://api.example.com wss://api.example.com"
    assert lines[0] == f"Content-Security-Policy: {policy}"
    (entry,) = built["manifest"]["artifacts"]
    assert f'src="https://cdn.example.com/tag/1.1.0/tag.min.js" integrity="{entry["integrity"]}"' in lines[1]
    assert json.loads(run("csp", "--json").out)["policy"] == policy


def test_without_a_bundle_there_is_a_policy_and_no_element(run: Run) -> None:
    ended = run("csp")
    assert (ended.code, ended.out) == (0, "Content-Security-Policy: script-src https://cdn.example.com\n")
    assert "no element to load it by" in ended.err


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_browser_enforces_it_where_no_reading_of_the_code_could(library: Library, run: Run) -> None:
    hosts = "const to = ['api.example.invalid', 'evil.example.invalid'];"
    script = f"{hosts} window.tag = Promise.allSettled(to.map(one => fetch('https://' + one + '/x')));\n"
    with WebServer({"/tag/1.1.0/tag.min.js": Reply(headers=JAVASCRIPT, body=script.encode())}) as cdn:
        toml = (library.folder / "release.toml").read_text().replace("https://cdn.example.com", cdn.url)
        library.write("release.toml", toml + '\n[domains]\nconnect = ["api.example.invalid"]\n')
        library.release("1.1.0", script)
        assert run("build").code == 0
        told = json.loads(run("csp", "--alone", "--json").out)
        with chromium() as browser, CustomerSite() as shop:
            header = f'<meta http-equiv="Content-Security-Policy" content="{told["policy"]}">'
            tab = browser.visitor().open(shop.page(f"{header}{told['elements'][0]}"))
            tab.run("window.tag")
    blocked = [complaint for complaint in tab.complaints if "Content Security Policy" in complaint]
    assert [host for host in ("api", "evil") if any(f"https://{host}.example.invalid/x" in one for one in blocked)] == [
        "evil"
    ]
