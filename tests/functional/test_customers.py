"""Many customers' variants of one library, from their files to the public address."""

import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import urllib3

from release.adapters.keyring import Keyring
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import PROVISION, Account, account
from tests.functional.library import SIGNING, Library

MARK: Final = "__CUSTOMER_CONFIGURATION__"
BUILD: Final = """\
import os, pathlib
out = pathlib.Path("dist"); out.mkdir(exist_ok=True)
source = pathlib.Path("src/tag.js").read_text()
(out / "tag.min.js").write_text(source + "var features=" + repr(os.environ["RELEASE_FEATURES"]) + ";")
"""
SOURCE: Final = f'var tag=JSON.parse("{MARK}");'


def with_customers(library: Library, **files: str) -> None:
    """Give the library customers: name to what its file says besides whose it is."""
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml + '\n[customers]\nfeatures = ["chat", "heat-map"]\n')
    library.write("build.py", BUILD)
    library.write("src/tag.js", SOURCE)
    for name, more in files.items():
        library.write(f"customers/{name}.toml", f'customer-of = "../release.toml"\n{more}')
    library.commit("feat: customers")


def bundle(library: Library, name: str) -> str:
    return (library.folder / ".release/customers" / name / "dist/tag.min.js").read_text()


def test_each_customer_gets_its_own_configuration_and_features(run: Run, library: Library) -> None:
    with_customers(
        library,
        acme='features = ["chat"]\n[configuration]\nsite = "acme-1"\n',
        zeta='features = ["heat-map", "chat"]\n[configuration]\nsite = "zeta-2"\n',
        bare="",
    )
    ended = run("customers", "build", "--snapshot", "--json")
    assert ended.code == 0, ended
    assert [one["customer"] for one in json.loads(ended.out)] == ["acme", "bare", "zeta"]
    assert bundle(library, "acme") == 'var tag=JSON.parse("{\\"site\\":\\"acme-1\\"}");var features=\'chat\';'
    assert bundle(library, "zeta").endswith("var features='chat,heat-map';")
    assert bundle(library, "bare") == "var tag=JSON.parse(\"{}\");var features='';"
    assert MARK in (library.folder / "dist/tag.min.js").read_text()
    assert run("customers", "build", "--snapshot").err.count("building: ") == 3


def test_no_customers_bundle_holds_anything_of_anothers(run: Run, library: Library) -> None:
    names = [f"customer-{n:02}" for n in range(20)]
    with_customers(
        library,
        **{name: f'[labels]\nowner = "label-of-{name}"\n[configuration]\nkey = "canary-of-{name}"\n' for name in names},
    )
    assert run("customers", "build", "--snapshot").code == 0
    left = {
        name: b"".join(
            file.read_bytes()
            for file in sorted((library.folder / ".release/customers" / name).rglob("*"))
            if file.is_file()
        )
        for name in names
    }
    for mine, other in itertools.permutations(names, 2):
        assert f"canary-of-{mine}".encode() in left[mine]
        assert other.encode() not in left[mine], (mine, other)


@pytest.mark.node
def test_a_browsers_engine_reads_each_hostile_configuration_as_it_was_written(run: Run, library: Library) -> None:
    hostile = {
        "script": "</script><script>alert(1)</script>",
        "quotes": "'\"`${alert(1)}\\",
        "separators": "\u2028\u2029\u0085",
        "__proto__": {"polluted": True},
        "constructor": {"prototype": {"polluted": True}},
    }
    with_customers(
        library, acme="[configuration]\n" + "".join(f"{json.dumps(k)} = {toml(v)}\n" for k, v in hostile.items())
    )
    assert run("customers", "build", "--snapshot").code == 0
    script = bundle(library, "acme") + ";console.log(JSON.stringify([tag,({}).polluted===undefined]))"
    told = subprocess.run(["node", "-e", script], capture_output=True, check=True, text=True).stdout
    assert json.loads(told) == [hostile, True]


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("[configuration]\nsince = 2026-11-25\n", "JSON has no date"),
        ('features = ["chta"]\n', "has the feature 'chta'"),
        ("configuration = 1\n", "must be a table"),
    ],
)
def test_one_wrong_file_is_named_before_anything_is_built(run: Run, library: Library, file: str, said: str) -> None:
    with_customers(library, acme="", zeta=file)
    ended = run("customers", "build", "--snapshot")
    assert ended.code == 3
    assert said in ended.err
    assert "zeta" in ended.err


def test_a_configuration_without_a_place_in_the_bundle_is_refused(run: Run, library: Library) -> None:
    with_customers(library, acme="[configuration]\na = 1\n")
    library.write("src/tag.js", "var tag=1;")
    library.commit("feat: no place")
    ended = run("customers", "build", "--snapshot")
    assert ended.code == 6
    assert "no placeholder for it" in ended.err


def test_customers_are_chosen_by_name_pattern_label_and_shard(run: Run, library: Library) -> None:
    with_customers(library, acme='[labels]\ntier = "gold"\n', apex="", zeta='[pins]\nlatest = "1.0.0"\n')

    def listed(*options: str) -> list[str]:
        return [one["customer"] for one in json.loads(run("customers", "list", "--json", *options).out)]

    assert listed() == ["acme", "apex", "zeta"]
    assert listed("--only", "a*") == ["acme", "apex"]
    assert listed("--only", "tier=gold", "--only", "zeta") == ["acme", "zeta"]
    assert sorted(listed("--shard", "1/2") + listed("--shard", "2/2")) == ["acme", "apex", "zeta"]
    assert "latest=1.0.0" in run("customers", "list").out
    (acme,) = json.loads(run("customers", "list", "--only", "acme", "--json").out)
    assert acme["logKey"].startswith("log.example.com/tag/customers/acme+")
    ended = run("customers", "list", "--only", "nobody")
    assert (ended.code, "no customer is 'nobody'" in ended.err) == (5, True)


def test_a_dry_run_prints_each_customers_command(run: Run, library: Library) -> None:
    with_customers(library, acme="", zeta="")
    ended = run("customers", "run", "--dry-run", "--", "promote", "latest")
    assert ended.code == 0
    assert [line.rpartition("/")[2] for line in ended.out.splitlines()] == ["acme.toml", "zeta.toml"]
    for wrong in (["promote", "--config", "x"], ["customers", "list"], []):
        assert run("customers", "run", "--", *wrong).code == 3


def test_a_shards_results_are_kept_and_put_together(run: Run, library: Library) -> None:
    with_customers(library, acme="", apex="", zeta="")
    for shard in ("1/2", "2/2"):
        assert run("customers", "run", "--shard", shard, "--jobs", "1", "--", "config", "check").code == 0
        ended = run("customers", "run", "--shard", shard, "--jobs", "1", "--", "promote")
        assert ended.code == 29, ended
    ended = run("customers", "report", "--shards", "2")
    assert ended.code == 29
    assert ended.out.splitlines()[1:3] == ["config check  3          0", "promote       3          3"]
    (library.folder / ".release/customers.2-of-2.json").unlink()
    assert "no result of the shards 2/2" in run("customers", "report", "--shards", "2").err
    assert run("customers", "report").code == 5


def test_the_matrix_is_a_pipeline_with_the_shards_that_were_asked_for(run: Run, library: Library) -> None:
    with_customers(library, acme="", zeta="")
    ended = run("matrix", "--image", "registry.example.com/release@sha256:0", "--shards", "2")
    assert ended.code == 0
    assert [name for name in json.loads(ended.out) if name.startswith("promote")] == ["promote 1/2", "promote 2/2"]
    assert "2 customers in 2 shards" in ended.err


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with_customers(
        library,
        acme='[configuration]\nsite = "acme-1"\n',
        zeta='[configuration]\nsite = "zeta-2"\n[labels]\ntier = "gold"\n',
    )
    with account(library, run, tmp_path / "keys") as opened:
        for name in ("acme", "zeta"):
            administrator = {"AWS_ACCESS_KEY_ID": opened.aws.admin.id, "AWS_SECRET_ACCESS_KEY": opened.aws.admin.secret}
            mine = tmp_path / f"provision-{name}"
            config = ("--config", f"customers/{name}.toml")
            ended = run(*PROVISION, str(mine), "--foundation", *config, **opened.endpoint, **administrator)
            assert ended.code == 0, ended
            key = Keyring(mine, f"tag@{name}").variables("provision")
            ended = run(*PROVISION, str(tmp_path / "keys"), *config, **opened.endpoint, **key)
            assert ended.code == 0, ended
        yield opened


def everybody(tag: Account, *arguments: str, code: int = 0) -> Ended:
    ended = tag.run("customers", *arguments, **tag.endpoint, RELEASE_KEYS=str(tag.keys), **SIGNING)
    assert ended.code == code, ended
    return ended


STAGES: Final = (
    ("publish",),
    ("record", "publish"),
    ("record", "promote"),
    ("promote",),
    ("invalidate",),
    ("verify", "--patience", "5"),
    ("record", "outcome"),
)


def served(tag: Account, name: str) -> str:
    return urllib3.request("GET", f"{tag.edge.url}/tag/customers/{name}/latest/tag.min.js").data.decode()


@pytest.mark.moto
def test_customers_are_released_taken_back_pinned_and_kept_apart_and_a_failure_holds_up_nobody(tag: Account) -> None:
    for version in ("1.0.0", "1.1.0"):
        tag.library.release(version, f"{SOURCE}/*{version}*/")
        everybody(tag, "build")
        for stage in STAGES:
            everybody(tag, "run", "--jobs", "1", "--", *stage)
    assert [("1.1.0" in served(tag, name), name in served(tag, name)) for name in ("acme", "zeta")] == [
        (True, True)
    ] * 2

    everybody(
        tag, "run", "--only", "tier=gold", "--", "rollback", "latest", "--reason", "zeta's checkout breaks", "--yes"
    )
    assert ("1.1.0" in served(tag, "acme"), "1.0.0" in served(tag, "zeta")) == (True, True)

    tag.library.release("1.2.0", f"{SOURCE}/*1.2.0*/")
    everybody(tag, "build")
    (tag.library.folder / ".release/customers/acme/dist/tag.min.js").write_text("spoiled")
    ended = everybody(tag, "run", "--", "publish", code=29)
    assert "acme      7     " in ended.out
    assert "zeta      0     published 1.2.0" in ended.out
    everybody(tag, "build", "--only", "acme")
    ended = everybody(tag, "run", "--failed")
    assert "acme      0     published 1.2.0" in ended.out
    assert "zeta" not in ended.out
    everybody(tag, "run", "--failed", code=5)

    zeta = tag.library.folder / "customers/zeta.toml"
    tag.library.write("customers/zeta.toml", zeta.read_text() + '[pins]\nlatest = "1.0.0"\nv1 = "1.0.0"\n')
    everybody(tag, "run", "--jobs", "1", "--", "record", "publish")
    ended = everybody(tag, "run", "--jobs", "1", "--", "record", "promote", code=29)
    assert "zeta      5     every channel is pinned" in ended.out
    assert "acme      0 " in ended.out

    key = Keyring(tag.keys, "tag@acme").variables("publish")
    ended = tag.run("publish", "--config", "customers/zeta.toml", **tag.endpoint, **key)
    assert ended.code == 9, ended
