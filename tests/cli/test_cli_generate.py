"""`segue generate`."""

import os
import signal
import subprocess
import sys
import time

import pytest

from segue.data.reading import read


def test_what_it_writes_can_be_built(run, tmp_path):
    out = tmp_path / "slices"
    status, printed, said = run("generate", "--playlists", 30, "--out", out, "--rng-seed", 1)
    assert (status, printed) == (0, "")
    assert "30 playlists in " in said
    assert f"build {out} --out graph --k-core 10" in said
    status, _, said = run("build", out, "--out", tmp_path / "graph")
    assert status == 0
    assert "30 playlists" in said


@pytest.mark.parametrize(
    ("option", "value"), [("--playlists", 0), ("--playlists", "1e6"), ("--rng-seed", -1),
                          ("--processes", 0)]
)  # fmt: skip
def test_bad_arguments(run, tmp_path, option, value):
    options = {"--playlists": 5, "--out": tmp_path / "new", option: value}
    status, _, said = run("generate", *(word for pair in options.items() for word in pair))
    assert status == 2
    assert option in said
    assert "Traceback" not in said


def test_a_folder_that_is_not_empty(run, tmp_path):
    (tmp_path / "mine").write_text("")
    status, _, said = run("generate", "--playlists", 5, "--out", tmp_path)
    assert status == 1
    assert said.splitlines()[-1] == (
        f"segue: {tmp_path}: is not empty, expected a new or empty folder"
    )


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_leaves_only_whole_slices(tmp_path):
    out = tmp_path / "slices"
    # A shell that runs the tests in the background has them ignore SIGINT, and children inherit it.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heeding}; from segue.cli import main; main()"
    options = ["generate", "--playlists", "100000", "--processes", "2", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 300
        while not list(out.glob("mpd.slice.*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of its processes
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130
    # One sentence, no worker's traceback; click first ends the line on which ^C stands.
    assert said.strip() == "segue: stopped"
    slices = list(out.iterdir())
    assert 1 <= len(slices) < 100
    assert all(path.name.startswith("mpd.slice.") for path in slices)
    assert read(out).report.playlists == 1000 * len(slices)
