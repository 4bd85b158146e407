"""The same artefacts while the time of day jumps back and forth by hours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fault_world import content

SOURCE = Path(__file__).with_name("jumping_clock.c")
COMMANDS = {
    "build": "build {world}/lists.csv --skip-bad --k-core 4 --out {out}/graph",
    "train": "train {world}/graph --out {out}/bundle --dim 4 --epochs 2 --threads 1 --split random",
    "update": "update {world}/bundle {world}/new.csv --threads 1 --out {out}/updated",
    "compare": "compare {world}/graph --out {out}/report --models lightgcn --only popularity "
    "--threads 1 --max-minutes 30",
    "recommend": "recommend {world}/bundle --all --out {out}/lists.csv",
}
PROGRAM = """
import sys, time
from segue.cli import main
before = time.time()
after = [time.time() for _ in range(9)]
print("jumps" if max(abs(each - before) for each in after) > 3600 else "steady")
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes the clock jump."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("clock") / "jumping_clock.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]
    subprocess.run([str(word) for word in command], check=True)
    return library


def run(line: str, world: Path, out: Path, clock: Path | None) -> str:
    """What a command says on standard output."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if clock is not None:
        environment["LD_PRELOAD"] = str(clock)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *line.format(world=world, out=out).split()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == ("steady" if clock is None else "jumps")
    return done.stdout


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == "build" else pytest.mark.slow) for name in COMMANDS],
)
def test_what_is_written_is_the_same(name: str, world: Path, tmp_path: Path, clock: Path) -> None:
    found = {}
    for place, jumping in (("steady", None), ("jumping", clock)):
        (tmp_path / place).mkdir()
        run(COMMANDS[name], world, tmp_path / place, jumping)
        # The report itself says how long each cell took.
        found[place] = {
            file: what
            for file, what in content(tmp_path / place).items()
            if not file.startswith("report/report.")
        }
    assert found["steady"]
    assert found["jumping"] == found["steady"]
