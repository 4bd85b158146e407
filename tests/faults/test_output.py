"""Standard output on a full disk, closed, or read by nobody; standard error likewise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forks import Forks

SEGUE = "from segue.cli import main; main()"
# What prints a result, without changing the world.
PRINTING = {
    "help": "--help",
    "version": "--version",
    "help of a command": "train --help",
    "info": "info {world}/graph",
    "evaluate": "evaluate {world}/bundle {world}/graph --threads 1",
    "find": "find {world}/bundle song",
    "complete": "complete {world}/bundle 3",
    "complete --json": "complete {world}/bundle 3 --json",
    "complete --reasons": "complete {world}/bundle 3 --reasons",
    "vibe": "vibe {world}/bundle t:1 t:2",
    "title": "title {world}/bundle --playlist 3",
    "similar": "similar {world}/bundle t:1",
    "similar artist": "similar {world}/bundle --artist a:1",
    "why": "why {world}/bundle t:1 --playlist 3",
    "sort": "sort {world}/bundle {world}/liked.csv --into {world}/new.csv",
    "tidy": "tidy {world}/bundle --playlist 3",
    "index": "index {out}/bundle --threads 1",
}
SLOWLY_PRINTING = {
    "compare": "compare {world}/graph --out {out}/report --models none --only popularity "
    "--threads 1",
    "train": "train {world}/graph --out {out}/bundle2 --dim 4 --epochs 1 --threads 1 --no-wide "
    "--no-second-stage --split random",
}


EVERY = [
    *PRINTING,
    *(pytest.param(name, marks=pytest.mark.slow) for name in SLOWLY_PRINTING),
]
LINES = PRINTING | SLOWLY_PRINTING


def arguments(line: str, world: Path, out: Path) -> list[str]:
    if "{out}/bundle " in line:
        subprocess.run(["cp", "-r", str(world / "bundle"), str(out)], check=True)
    return line.format(world=world, out=out).split()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("stdout", "reason"), [("full", "No space left on device"), ("closed", "Bad file descriptor")]
)
def test_a_result_that_cannot_be_printed_is_an_error(
    forks: Forks, world: Path, tmp_path: Path, name: str, stdout: str, reason: str
) -> None:
    done = forks.run(arguments(LINES[name], world, tmp_path), stdout=stdout)
    assert done.err.splitlines()[-1:] == [f"segue: standard output: cannot be written ({reason})"]
    assert done.status == 1


@pytest.mark.parametrize("name", EVERY)
def test_a_reader_that_has_gone_ends_it_without_a_word(
    forks: Forks, world: Path, tmp_path: Path, name: str
) -> None:
    args = arguments(LINES[name], world, tmp_path)
    said = forks.run(args).err
    for path in tmp_path.iterdir():
        subprocess.run(["rm", "-r", str(path)], check=True)
    done = forks.run(arguments(LINES[name], world, tmp_path), stdout="gone")
    assert done.status == 1
    assert "segue: " not in done.err
    assert len(done.err) <= len(said) + 10


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell; without a buffer, as in containers, or with one."""
    program = f"{sys.executable} -c '{SEGUE}'"
    return subprocess.run(
        ["bash", "-c", line.format(segue=program)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        (
            "{segue} --help > /dev/full",
            1,
            "segue: standard output: cannot be written (No space left on device)\n",
        ),
        (
            "{segue} --help >&-",
            1,
            "segue: standard output: cannot be written (Bad file descriptor)\n",
        ),
        ("{segue} --help | true; exit ${{PIPESTATUS[0]}}", 1, ""),
        ("{segue} find nowhere a 2> /dev/full", 1, ""),
        ("{segue} find nowhere a 2>&-", 1, ""),
        ("{segue} find --wrong 2> /dev/full", 2, ""),
        ("{segue} --version 2>&- > /dev/null", 0, ""),
        ("{segue} --version <&- > /dev/null", 0, ""),
        ("{segue} --version <&- >&- 2>&-", 1, ""),
    ],
)
def test_a_whole_process(line: str, status: int, says: str, unbuffered: str) -> None:
    """Python itself writes once more at the end, and would say so."""
    done = shell(line, PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (status, says)
    assert "Exception ignored" not in done.stderr


def test_nothing_else_is_written_into_a_file_that_has_the_number_of_a_closed_stream(
    world: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "list.csv"
    line = f"{{segue}} recommend {world}/bundle --all --out {listed}"
    assert shell(line).returncode == 0
    whole = listed.read_bytes()
    listed.unlink()
    assert shell(f"{line} <&- >&- 2>&-").returncode in (0, 1)
    assert listed.read_bytes() == whole


def test_letters_that_the_terminal_lacks_are_escaped(world: Path) -> None:
    done = shell(f"{{segue}} find {world}/bundle Ω", PYTHONIOENCODING="ascii")
    assert done.returncode in (0, 1)
    assert "unexpected" not in done.stderr
    assert "Traceback" not in done.stderr
