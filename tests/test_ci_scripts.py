"""What `make audit` and `make test-lowest` stand on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = {"name": "numpy", "version": "2.0", "vulns": []}
FAULT = {"id": "PYSEC-1", "fix_versions": ["2.1"]}
UNKNOWN = {"name": "numpy", "skip_reason": "Dependency not found on PyPI"}


def script(name: str, stub: Path | None = None) -> tuple[int, str]:
    paths = [str(stub or ""), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / name],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("says", "status", "told"),
    [
        (json.dumps({"dependencies": [PACKAGE]}), 0, "1 packages audited, 0 with known faults"),
        (
            json.dumps({"dependencies": [PACKAGE | {"vulns": [FAULT]}, UNKNOWN]}),
            1,
            "numpy 2.0: PYSEC-1, mended in 2.1",
        ),
        (json.dumps({"dependencies": [UNKNOWN]}), 2, "Not audited: PyPI does not say"),
        ("", 2, "(no route to host)"),
    ],
    ids=["nothing", "a fault", "unknown to the index", "no network"],
)
def test_an_audit_that_learned_nothing_does_not_end_well(tmp_path, says, status, told):
    stub = f"import sys\nprint({says!r})\nsys.stderr.write('no route to host')\n"
    (tmp_path / "pip_audit.py").write_text(stub, encoding="utf-8")
    found, out = script("audit.py", tmp_path)
    assert found == status
    assert told in out
    assert out.count("\n") <= 3


def test_lowest_versions_are_those_of_pyproject():
    status, out = script("lowest.py")
    assert status == 0
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (numpy,) = re.findall(r'"numpy>=([\d.]+)"', text)
    lines = out.splitlines()
    assert f"numpy=={numpy}" in lines
    assert {"lightgbm", "fastapi", "matplotlib"} <= {line.partition("==")[0] for line in lines}
    assert not [line for line in lines if line.startswith("torch")]
    assert all(re.fullmatch(r"[\w.-]+==[\d.]+", line) for line in lines)
