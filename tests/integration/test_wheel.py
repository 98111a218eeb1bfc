"""What an installation carries."""

import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_the_wheel_carries_policies_pipelines_templates_and_the_example(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=TOP, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [p for folder in ("keys-policy", "pipelines") for p in (TOP / folder).iterdir()]
    assert {f"release/data/{p.relative_to(TOP).as_posix()}" for p in shipped} <= names
    assert "release/templates/changelog-section.md.j2" in names
    assert "release/data/examples/visitor-tag/src/index.js" in names
    assert "release/py.typed" in names
    assert not [name for name in names if "node_modules" in name or name.startswith("tests/")]
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    script = (
        "from release.adapters import resources as r; import release; "
        "print(release.__file__, len(r.text('keys-policy', 'publish.json.j2')), len(r.example('visitor-tag')))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=unpacked, check=True, capture_output=True, text=True)
    file, policy, files = ended.stdout.split()
    assert Path(file).is_relative_to(unpacked)
    assert int(policy) > 100
    assert int(files) > 10
