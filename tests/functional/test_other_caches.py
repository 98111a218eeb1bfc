"""A library delivered through another cache than CloudFront: release.toml, its keys, and `release invalidate`."""

import json
from pathlib import Path

import pytest
import urllib3

from release.adapters.embedded.aws import EmbeddedAws
from release.adapters.embedded.provision import provision
from release.adapters.keyring import Keyring
from release.core import document
from release.core.handover import Order, Promotion
from release.errors import ConfigError, CredentialError, ServiceError
from tests.fakes.bucket_proxy import BucketProxy
from tests.fakes.caches import Origin, nginx
from tests.functional.conftest import Run
from tests.functional.embedded import PIPELINE, PROVISION
from tests.functional.library import Library, signing

FILE = "tag/latest/tag.min.js"
PROMOTION = Promotion(
    order=Order(kind="promote", library="tag", channel="latest", version="1.0.0", manifest="9" * 64, entry=1),
    changed=(FILE, "tag/channels/latest.json"),
)


def deliver_through(library: Library, table: str) -> None:
    toml = (library.folder / "release.toml").read_text()
    start, end = toml.index("[distribution]"), toml.index("[log]")
    library.write("release.toml", f"{toml[:start]}{table}\n{toml[end:]}")
    (library.folder / ".release").mkdir(exist_ok=True)
    (library.folder / ".release" / "latest.promotion.json").write_bytes(document.encode(PROMOTION))


@pytest.mark.caches
@pytest.mark.xdist_group("caches")
def test_release_invalidate_purges_ones_own_server_without_any_aws_key(
    library: Library, run: Run, tmp_path: Path
) -> None:
    with Origin().open() as origin, nginx(origin.port, tmp_path) as server:
        deliver_through(library, f'[delivery]\nkind = "purge"\nservers = ["{server}"]\n')

        def load() -> bytes:
            return urllib3.request("GET", f"{server}/{FILE}", headers={"Host": "cdn.example.com"}).data

        before = load()
        planned = run("invalidate", "--dry-run")
        assert (planned.code, planned.out) == (0, f"drop     /tag/channels/latest.json\ndrop     /{FILE}\n")
        assert load() == before
        done = run("invalidate", "--json")
        assert done.code == 0, done
        assert json.loads(done.out)[0]["action"]["paths"] == ["/tag/channels/latest.json", f"/{FILE}"]
        assert load() != before
    down = run("invalidate")
    assert down.code == ServiceError.exit_code
    assert f"{server} did not confirm" in down.err


@pytest.mark.moto
@pytest.mark.caches
@pytest.mark.xdist_group("caches")
def test_a_release_goes_from_a_tag_through_nginx_with_provisioned_keys_and_no_distribution(
    library: Library, run: Run, tmp_path: Path
) -> None:
    read = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}]
    with EmbeddedAws() as aws:
        provision(aws.session(), bucket="site", log_bucket="release-log", endpoint=aws.endpoint)
        reader = aws.add_user("nginx", read)
        proxy = BucketProxy(aws.endpoint, "site", region="eu-west-1", key=(reader.id, reader.secret))
        with proxy.open() as origin, nginx(origin, tmp_path) as server:
            deliver_through(library, f'[delivery]\nkind = "purge"\nservers = ["{server}"]\n')
            toml = (library.folder / "release.toml").read_text().replace("https://cdn.example.com", server)
            library.write("release.toml", toml + '[keys]\naccount = "123456789012"\n')
            (library.folder / ".release" / "latest.promotion.json").unlink()
            endpoint = {"AWS_ENDPOINT_URL": aws.endpoint}
            administrator = {"AWS_ACCESS_KEY_ID": aws.admin.id, "AWS_SECRET_ACCESS_KEY": aws.admin.secret}
            mine, keys = tmp_path / "provision-key", tmp_path / "keys"
            assert run(*PROVISION, str(mine), "--foundation", **endpoint, **administrator).code == 0
            assert run(*PROVISION, str(keys), **endpoint, **Keyring(mine, "tag").variables("provision")).code == 0
            for version in ("1.0.0", "1.1.0"):
                library.release(version, f"window.tag = '{version}';\n")
                for stage, command in PIPELINE:
                    key = Keyring(keys, "tag").variables(stage) if stage not in {"", "invalidate"} else {}
                    ended = run(*command.split(), **endpoint, **key, **signing(stage, key))
                    assert ended.code == 0, (command, ended)
                assert urllib3.request("GET", f"{server}/{FILE}").data == f"window.tag = '{version}';\n".encode()


def test_a_service_without_its_token_is_not_asked(library: Library, run: Run) -> None:
    deliver_through(library, '[delivery]\nkind = "fastly"\n')
    ended = run("invalidate")
    assert ended.code == CredentialError.exit_code
    assert "RELEASE_CDN_TOKEN holds no access token" in ended.err


def test_the_keys_of_such_a_library_know_no_distribution_and_no_invalidate_stage(library: Library, run: Run) -> None:
    deliver_through(library, '[delivery]\nkind = "cloudflare"\nzone = "0123456789abcdef0123456789abcdef"\n')
    without = run("keys", "render")
    assert without.code == ConfigError.exit_code
    assert "in [distribution], or else in [keys]" in without.err
    rendered = run("keys", "render", "--account", "123456789012")
    assert rendered.code == 0, rendered
    assert ":distribution/" not in rendered.out
    assert "cloudfront.amazonaws.com" not in rendered.out
    assert "invalidate" not in json.loads(rendered.out)
    matrix = run("keys", "check", "--matrix", "--account", "123456789012")
    assert matrix.code == 0, matrix
    assert "the distribution" not in matrix.out


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "distribution: is missing: which cache is in front of the bucket? Or write [delivery]"),
        ('[delivery]\nkind = "purge"', "delivery.servers: is missing: kind 'purge' needs it"),
        ('[delivery]\nkind = "cloudflare"', "delivery.zone: is missing: kind 'cloudflare' needs it"),
        ('[delivery]\nkind = "fastly"\nservers = ["https://a.example"]', "delivery.servers: is not for kind 'fastly'"),
        ('[delivery]\nkind = "akamai"', "delivery.kind: must be one of purge, fastly, cloudflare"),
        ('[delivery]\nkind = "purge"\nservers = ["http://10.0.0.1"]', "must be https: only a loopback address"),
        ('[delivery]\nkind = "fastly"\n[distribution]\nid = "E2EXAMPLE12345"', "delivery: there is [distribution] too"),
    ],
)
def test_a_wrong_table_is_one_clear_error(library: Library, run: Run, table: str, problem: str) -> None:
    deliver_through(library, table)
    ended = run("config", "check")
    assert ended.code == ConfigError.exit_code
    assert problem in ended.err
