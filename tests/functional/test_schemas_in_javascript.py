"""The published JSON Schemas mean the same to JavaScript programs."""

import json
import subprocess
from pathlib import Path

import pytest

from release.core.formats import Format, schema
from tests.fakes.documents import changed, samples, taken
from tests.fakes.npm_packages import installed

AJV = Path(__file__).parents[1] / "interop" / "ajv"

# One worker installs Ajv.
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("ajv")]


@pytest.mark.parametrize("wanted", Format)
def test_a_javascript_validator_refuses_the_same_documents(wanted: Format, pytestconfig: pytest.Config) -> None:
    """Ajv, in strict mode: it would refuse a schema that says something it does not understand."""
    assert pytestconfig.cache is not None
    folder = installed(AJV, pytestconfig.cache.mkdir("ajv"))
    told = [("as it is", samples()[wanted][-1]), *changed(samples()[wanted][-1])]
    ended = subprocess.run(
        ["node", "judge.js"],
        cwd=folder,
        input=json.dumps({"schema": json.loads(schema(wanted)), "values": [value for _, value in told]}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    judged = dict(zip([what for what, _ in told], json.loads(ended.stdout), strict=True))
    assert judged == {what: taken(wanted, value) for what, value in told}
