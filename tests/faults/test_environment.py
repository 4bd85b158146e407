"""The same artefacts whatever the surroundings: locale, home, temporary files, hash seed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fault_world import content
from forks import BROKEN, FULL, Forks

SEGUE = "from segue.cli import main; main()"
BUILD = "build {world}/lists.csv --k-core 4 --skip-bad --out {out}/graph"
DRAW = "draw snowball {world}/bundle --from 3 --kind playlist --out {out}/picture.svg"
LIST = "complete {world}/bundle 3 --out {out}/list.csv"
SURROUNDINGS = {
    "C": {"LC_ALL": "C"},
    "POSIX without UTF-8": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "hash seed 1": {"PYTHONHASHSEED": "1"},
    "hash seed 2": {"PYTHONHASHSEED": "2"},
    "no HOME": {"HOME": None},
    "home that cannot be written": {"HOME": "/proc"},
    "no folder for temporary files": {"TMPDIR": "/proc"},
    "another time zone": {"TZ": "Pacific/Kiritimati"},
    "64 threads": {"OMP_NUM_THREADS": "64"},
}


def run(
    line: str, world: Path, out: Path, **changes: str | None
) -> subprocess.CompletedProcess[str]:
    out.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **changes}
    return subprocess.run(
        [sys.executable, "-c", SEGUE, *line.format(world=world, out=out).split()],
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture(scope="module")
def usual(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("usual")
    for line in (BUILD, DRAW, LIST):
        done = run(line, world, out)
        assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_graph_is_the_same(name: str, usual: Path, world: Path, tmp_path: Path) -> None:
    done = run(BUILD, world, tmp_path, **SURROUNDINGS[name])
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / "graph") == content(usual / "graph")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize(("line", "file"), [(DRAW, "picture.svg"), (LIST, "list.csv")])
def test_what_is_written_is_the_same(
    name: str, line: str, file: str, usual: Path, world: Path, tmp_path: Path
) -> None:
    done = run(line, world, tmp_path, **SURROUNDINGS[name])
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / file) == content(usual / file)
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_written_is_no_cause_for_words(world: Path, tmp_path: Path) -> None:
    """matplotlib keeps a list of fonts there."""
    done = run(DRAW, world, tmp_path, HOME="/proc", MPLCONFIGDIR=None, XDG_CACHE_HOME=None)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "matplotlib" in line.lower()] == []


def test_bad_records_need_no_folder_for_temporary_files_unless_there_are_any(
    world: Path, tmp_path: Path
) -> None:
    clean = "build {world}/new.csv --out {out}/graph"
    assert run(clean, world, tmp_path, TMPDIR="/proc").returncode == 0


def test_a_folder_that_cannot_be_written_is_a_sentence(world: Path, tmp_path: Path) -> None:
    for line in (
        "draw snowball {world}/bundle --from 3 --kind playlist --out /proc/picture.svg",
        "draw training {world}/bundle --out /proc/picture.html",
        "complete {world}/bundle 3 --out /proc/list.csv",
        "build {world}/lists.csv --skip-bad --out /proc/graph",
    ):
        done = run(line, world, tmp_path)
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert last.startswith("segue: /proc/")
        assert "cannot be written" in last


@pytest.mark.parametrize("kind", [FULL, BROKEN])
def test_a_full_folder_for_temporary_files_is_a_sentence_or_nothing(
    kind: int, failing: Forks, world: Path, tmp_path: Path
) -> None:
    """Only a build that skips bad records has any use for it."""
    place = Path(tempfile.gettempdir()) / ".segue-build"
    args = BUILD.format(world=world, out=tmp_path).split()
    usual = failing.run(args, under=place)
    assert usual.status == 0
    assert usual.calls
    for at in range(1, usual.calls + 1):
        shutil.rmtree(tmp_path / "graph", ignore_errors=True)
        done = failing.run(args, under=place, kind=kind, at=at)
        assert done.status == 1
        last = done.err.splitlines()[-1]
        assert last.startswith(f"segue: {place.parent}")
        assert len(last) < 600
        assert not (tmp_path / "graph").exists()
