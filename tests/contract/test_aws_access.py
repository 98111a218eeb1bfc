"""Which key signs, and where a signed request may go."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from release.adapters.aws import AwsAccess, AwsClients, checked_endpoint
from release.adapters.s3 import S3Store
from release.errors import ConfigError, CredentialError, PermissionDenied
from tests.fakes.faulty_s3 import Answer, FaultyS3, refusal

STATIC = {"AWS_ACCESS_KEY_ID": "AKIASTATIC", "AWS_SECRET_ACCESS_KEY": "static-secret"}
ROLE = {
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/publish",
    "AWS_ROLE_SESSION_NAME": "pipeline-7-job-42",
}
EMPTY = Answer(body=b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")


def access(environment: Mapping[str, str], endpoint: str | None = None, *, region: str = "eu-west-1") -> AwsAccess:
    return AwsAccess(stage="publish", region=region, environment=environment, endpoint=endpoint, attempts=2)


def signer(clients: AwsClients, server: FaultyS3) -> tuple[str, str]:
    """Send one request and tell the key id and the session token that it was signed with."""
    client = clients.s3()
    S3Store(client, bucket="site", stage="publish").keys("")
    client.close()
    headers = server.seen[-1].headers
    return headers["Authorization"].partition("Credential=")[2].partition("/")[0], headers.get(
        "X-Amz-Security-Token", ""
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.example.com",
        "https://s3.example.com:8443/base",
        "http://127.0.0.1:9000",
        "http://127.8.8.8",
        "http://[::1]:9000",
        "http://localhost:9000",
    ],
)
def test_https_and_this_machine_are_fine(url: str) -> None:
    assert checked_endpoint(url, origin="it") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://s3.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://127.1",
        "http://[::ffff:10.0.0.1]",
        "ftp://localhost",
        "s3.example.com",
        "",
        "https://",
        "https://user:canary@s3.example.com",
        "https://s3.example.com/?token=canary",
        "https://s3.example.com:port",
        "https://[::1",
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        checked_endpoint(url, origin="AWS_ENDPOINT_URL")
    assert "AWS_ENDPOINT_URL" in refused.value.message
    assert "canary" not in refused.value.message


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_CLOUDFRONT"])
def test_an_unsafe_endpoint_in_the_environment_is_refused_before_any_request(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is http://s3.example.com: only HTTPS"):
        AwsClients(access(STATIC | {name: "http://s3.example.com"}))


def test_the_endpoint_of_a_service_goes_before_the_general_one() -> None:
    with FaultyS3(otherwise=EMPTY) as server:
        environment = STATIC | {"AWS_ENDPOINT_URL": "https://192.0.2.1", "AWS_ENDPOINT_URL_S3": server.url}
        assert signer(AwsClients(access(environment)), server) == ("AKIASTATIC", "")


def test_a_server_of_one_s_own_is_asked_by_path_because_it_has_no_wildcard_dns() -> None:
    own = AwsClients(access(STATIC, "https://s3.example.com")).s3()
    aws = AwsClients(access(STATIC)).s3()
    request = {"Bucket": "site", "Key": "k"}
    assert own.generate_presigned_url("get_object", request).startswith("https://s3.example.com/site/k?")
    assert aws.generate_presigned_url("get_object", request).startswith("https://site.s3.")


def test_configured_endpoints_can_be_switched_off() -> None:
    environment = STATIC | {"AWS_ENDPOINT_URL": "https://192.0.2.1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    client = AwsClients(access(environment)).s3()
    assert client.meta.endpoint_url == "https://s3.eu-west-1.amazonaws.com"


def test_fips_endpoints_are_used_where_the_environment_asks_for_them() -> None:
    client = AwsClients(access(STATIC | {"AWS_USE_FIPS_ENDPOINT": "true"}, region="us-gov-west-1")).s3()
    assert client.meta.endpoint_url == "https://s3-fips.us-gov-west-1.amazonaws.com"


@pytest.mark.parametrize("region", ["", "eu-west-1.example.com", "eu west", "-eu", "EU-WEST-1", "a@b"])
def test_a_malformed_region_is_refused(region: str) -> None:
    with pytest.raises(ConfigError):
        AwsClients(access(STATIC, region=region))


def test_arns_are_those_of_the_region_s_partition() -> None:
    with FaultyS3(otherwise=refusal(403, "AccessDenied")) as server:
        client = AwsClients(access(STATIC, server.url, region="cn-north-1")).s3()
        with pytest.raises(PermissionDenied, match="arn:aws-cn:s3:::site/k"):
            S3Store(client, bucket="site", stage="publish").describe("k")
        client.close()


def test_every_client_is_bounded_and_patient() -> None:
    clients = AwsClients(AwsAccess(stage="publish", region="eu-west-1", environment=STATIC))
    for client in (clients.s3(), clients.cloudfront(), clients.iam(), clients.sts()):
        config: Any = client.meta.config
        assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (10, 60, 32)
        assert config.retries == {"mode": "standard", "total_max_attempts": 6}
        assert client.meta.endpoint_url.startswith("https://")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "there is no key for the publish stage"),
        ({"HOME": "/nowhere", "AWS_REGION": "eu-west-1"}, "there is no key"),
        ({"AWS_ACCESS_KEY_ID": "a"}, "AWS_SECRET_ACCESS_KEY is missing"),
        ({"AWS_SECRET_ACCESS_KEY": "a", "AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID is missing"),
        ({"AWS_SESSION_TOKEN": "a"}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing"),
        ({"AWS_ROLE_ARN": "a"}, "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_SESSION_NAME are missing"),
        (ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE is missing"),
        (STATIC | {"AWS_PROFILE": "p"}, "more than one key .*: AWS_ACCESS_KEY_ID and AWS_PROFILE"),
        (STATIC | ROLE, "more than one key .*: AWS_ACCESS_KEY_ID and AWS_ROLE_ARN"),
    ],
)
def test_a_key_that_is_missing_incomplete_or_ambiguous_is_refused(environment: dict[str, str], said: str) -> None:
    with pytest.raises(CredentialError, match=said):
        AwsClients(access(environment))


def test_the_variables_expected_are_named() -> None:
    with pytest.raises(CredentialError) as refused:
        AwsClients(access({}))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE"):
        assert name in refused.value.hint


def test_static_and_temporary_keys_sign_as_given() -> None:
    with FaultyS3(otherwise=EMPTY) as server:
        assert signer(AwsClients(access(STATIC, server.url)), server) == ("AKIASTATIC", "")
        temporary = STATIC | {"AWS_SESSION_TOKEN": "session"}
        assert signer(AwsClients(access(temporary, server.url)), server) == ("AKIASTATIC", "session")


def test_a_profile_is_read_from_the_file_given(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = x\n"
        "[publish]\naws_access_key_id = AKIAPUBLISH\naws_secret_access_key = y\naws_session_token = z\n"
    )
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "credentials").write_text(file.read_text().replace("AKIAPUBLISH", "AKIAHOME"))
    with FaultyS3(otherwise=EMPTY) as server:
        environment = {"AWS_PROFILE": "publish", "AWS_SHARED_CREDENTIALS_FILE": str(file), "HOME": str(home)}
        assert signer(AwsClients(access(environment, server.url)), server) == ("AKIAPUBLISH", "z")
        environment = {"AWS_PROFILE": "publish", "HOME": str(home)}
        assert signer(AwsClients(access(environment, server.url)), server) == ("AKIAHOME", "z")
        named = AwsAccess(
            stage="publish",
            region="eu-west-1",
            environment=STATIC,
            endpoint=server.url,
            profile="publish",
            credentials_file=file,
        )
        assert signer(AwsClients(named), server) == ("AKIAPUBLISH", "z")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "has no aws_access_key_id"),
        ("[other]\naws_access_key_id = a\naws_secret_access_key = b\n", "has no aws_access_key_id"),
        ("[publish]\nsso_start_url = https://example.com\n", "has no aws_access_key_id"),
        ("[publish]\ncredential_process = /bin/false\n", "has no aws_access_key_id"),
        ("[publish]\naws_access_key_id = a\n", "incomplete"),
        ("publish]\naws_secret_access_key = canary\n", "malformed"),
        ("[publish]\n\0\xff canary", "malformed"),
    ],
)
def test_a_profile_without_a_static_key_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "credentials"
    if content is not None:
        file.write_text(content, encoding="latin-1")
    with pytest.raises(CredentialError, match=said) as refused:
        AwsClients(access({"AWS_PROFILE": "publish", "AWS_SHARED_CREDENTIALS_FILE": str(file)}))
    assert "canary" not in refused.value.message


def assumed(valid: timedelta) -> Answer:
    expiration = (datetime.now(UTC) + valid).strftime("%Y-%m-%dT%H:%M:%SZ")
    xml = (
        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAASSUMED</AccessKeyId>"
        "<SecretAccessKey>assumed-secret</SecretAccessKey><SessionToken>assumed-token</SessionToken>"
        f"<Expiration>{expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
        "</AssumeRoleWithWebIdentityResponse>"
    )
    return Answer(headers={"Content-Type": "text/xml"}, body=xml.encode())


def with_token(folder: Path) -> dict[str, str]:
    file = folder / "token"
    file.write_text("header.canary.signature\n")
    return ROLE | {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file)}


def test_an_identity_token_is_exchanged_once_for_the_role_s_key(tmp_path: Path) -> None:
    with FaultyS3(assumed(timedelta(hours=1)), otherwise=EMPTY) as server:
        clients = AwsClients(access(with_token(tmp_path), server.url))
        assert server.seen == []
        assert signer(clients, server) == ("ASIAASSUMED", "assumed-token")
        assert signer(clients, server) == ("ASIAASSUMED", "assumed-token")
        assert [request.method for request in server.seen] == ["POST", "GET", "GET"]
        asked = parse_qs(server.seen[0].body.decode())
        assert "Authorization" not in server.seen[0].headers
    assert asked["RoleArn"] == [ROLE["AWS_ROLE_ARN"]]
    assert asked["RoleSessionName"] == ["pipeline-7-job-42"]
    assert asked["WebIdentityToken"] == ["header.canary.signature"]


def sts_refusal(status: int, code: str) -> Answer:
    xml = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>header.canary.signature</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
    return Answer(status=status, headers={"Content-Type": "text/xml"}, body=xml.encode())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (sts_refusal(403, "AccessDenied"), r"did not accept the job's identity token \(AccessDenied\)"),
        (sts_refusal(400, "ExpiredTokenException"), "did not accept the job's identity token"),
        (sts_refusal(400, "InvalidIdentityToken"), "did not accept the job's identity token"),
        (assumed(timedelta(seconds=-1)), "expired already"),
    ],
)
def test_an_identity_token_that_is_not_accepted_is_a_credential_error(
    tmp_path: Path, answer: Answer, said: str
) -> None:
    with FaultyS3(otherwise=answer) as server:
        clients = AwsClients(access(with_token(tmp_path), server.url))
        with pytest.raises(CredentialError, match=said) as refused:
            signer(clients, server)
    assert "canary" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_token_file_that_cannot_be_read_is_a_credential_error(tmp_path: Path, content: bytes | None) -> None:
    environment = with_token(tmp_path)
    file = Path(environment["AWS_WEB_IDENTITY_TOKEN_FILE"])
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with FaultyS3(otherwise=EMPTY) as server:
        clients = AwsClients(access(environment, server.url))
        with pytest.raises(CredentialError, match="AWS_WEB_IDENTITY_TOKEN_FILE"):
            signer(clients, server)
        assert server.seen == []


def test_a_container_s_own_role_is_used_only_where_nothing_else_is_set() -> None:
    given = {
        "AccessKeyId": "ASIACONTAINER",
        "SecretAccessKey": "x",
        "Token": "container-token",
        "Expiration": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    with FaultyS3(EMPTY, Answer(body=json.dumps(given).encode()), otherwise=EMPTY) as server:
        platform = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/role"}
        assert signer(AwsClients(access(STATIC | platform, server.url)), server) == ("AKIASTATIC", "")
        assert signer(AwsClients(access(platform, server.url)), server) == ("ASIACONTAINER", "container-token")
        assert [request.target.partition("?")[0] for request in server.seen] == ["/site", "/role", "/site"]


@pytest.mark.parametrize(
    "more",
    [
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/role"},
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/role",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token",
        },
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/role",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "canary\r\nHost: elsewhere",
        },
    ],
)
def test_container_settings_that_are_not_usable_are_a_credential_error(more: dict[str, str]) -> None:
    with pytest.raises(CredentialError, match="AWS_CONTAINER") as refused:
        AwsClients(access(more)).s3()
    assert "canary" not in refused.value.message


def test_a_setting_never_shows_its_environment() -> None:
    assert "static-secret" not in repr(access(STATIC))


def test_the_process_environment_and_home_do_not_count(tmp_path: Path) -> None:
    """The environment of a job may be hostile or another stage's: only the mapping given counts."""
    home = tmp_path / "home"
    models = home / ".aws" / "models" / "s3" / "2006-03-01"
    models.mkdir(parents=True)
    (models / "service-2.json").write_text("another model of S3")
    (home / ".aws" / "config").write_text("[default]\nendpoint_url = http://192.0.2.1\ns3 = \n  nonsense\n")
    (home / ".aws" / "credentials").write_text("[default]\naws_access_key_id = AKIAHOME\naws_secret_access_key = x\n")
    hostile = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_PROFILE": "missing",
        "AWS_ENDPOINT_URL": "http://192.0.2.1",
        "AWS_ENDPOINT_URL_S3": "http://192.0.2.1",
        "AWS_MAX_ATTEMPTS": "nonsense",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/nowhere",
        "REQUESTS_CA_BUNDLE": "/nowhere",
        "HTTP_PROXY": "http://192.0.2.1:1",
        "http_proxy": "http://192.0.2.1:1",
    }
    program = (
        "import sys\n"
        "from release.adapters.aws import AwsAccess, AwsClients\n"
        "from release.adapters.s3 import S3Store\n"
        f"given = {{'stage': 'publish', 'region': 'eu-west-1', 'environment': {STATIC!r}}}\n"
        "local, aws = AwsClients(AwsAccess(**given, endpoint=sys.argv[1])), AwsClients(AwsAccess(**given))\n"
        "print(list(S3Store(local.s3(), bucket='site', stage='publish').keys('')))\n"
        "print(aws.s3().meta.endpoint_url)\n"
    )
    with FaultyS3(otherwise=EMPTY) as server:
        done = subprocess.run(
            [sys.executable, "-c", program, server.url],
            env=hostile,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("[]\nhttps://s3.eu-west-1.amazonaws.com\n", "", 0)
        headers = server.seen[0].headers
    assert "Credential=AKIASTATIC/" in headers["Authorization"]
    assert "X-Amz-Security-Token" not in headers
