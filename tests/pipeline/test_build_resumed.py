"""A build of a large source that is stopped or killed goes on, and gives the same graph."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import segue
from segue.console import Progress
from segue.data import groups
from segue.data.formats.mpd import write_slice
from segue.data.groups import FileGroup
from segue.files import read_manifest
from segue.pipeline.build import build_to, building_folder

# A build to which everything is large, and every slice a group.
_BUILD = """
import sys
from segue.data import groups
groups.WORTH = groups.GROUP_SIZE = 1
from segue.cli import main
main()
"""


class Said(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        """Keep it."""
        self.lines.append(message)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six slices."""
    (tmp_path / "made").mkdir()
    rng = random.Random(4)
    for first in range(0, 360, 60):
        playlists = [
            {
                "pid": pid,
                "name": f"List {pid % 9}",
                "tracks": [track(rng.randrange(900), at) for at in range(40)],
            }
            for pid in range(first, first + 60)
        ]
        write_slice(
            tmp_path / "made" / f"mpd.slice.{first}-{first + 59}.json", playlists, first, first + 59
        )
    return tmp_path / "made"


def track(number: int, position: int) -> dict[str, object]:
    return {
        "track_uri": f"t:{number}",
        "track_name": f"Track {number}",
        "artist_uri": f"a:{number % 70}",
        "artist_name": f"Artist {number % 70}",
        "album_uri": f"b:{number % 110}",
        "album_name": f"Album {number % 110}",
        "pos": position,
    }


def files_of(graph: Path) -> dict[str, object]:
    """Checksums of what is in a graph; the manifest states them, and has been checked."""
    manifest = read_manifest(graph, "graph")
    return manifest["options"] | {name: file["sha256"] for name, file in manifest["files"].items()}


def test_an_interrupted_build_goes_on(source, tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "WORTH", 1)
    monkeypatch.setattr(groups, "GROUP_SIZE", 1)
    whole, said = FileGroup.read, Said()
    calls = iter(range(100))

    def interrupted(group):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return whole(group)

    monkeypatch.setattr(FileGroup, "read", interrupted)
    out = tmp_path / "graph"
    with pytest.raises(KeyboardInterrupt):
        build_to(str(source), out, progress=said)
    folder = building_folder(out)
    assert said.lines[-1] == f"Stopped; the same command goes on from what is in {folder}"
    assert len(list(folder.iterdir())) == 4
    assert not out.exists()
    build_to(str(source), out, progress=said)
    assert "Going on: 4 of 6 groups of files read before" in said.lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph", "made"]
    monkeypatch.undo()
    build_to(str(source), tmp_path / "at once", progress=Said())
    assert files_of(out) == files_of(tmp_path / "at once")


def test_the_graph_does_not_say_how_it_was_read(source, tmp_path):
    graph = segue.build(source, workers=2, folder=tmp_path / "kept")
    assert graph.options == segue.build(source).options


def started(source: Path, out: Path) -> subprocess.Popen[bytes]:
    args = ("build", str(source), "--out", str(out), "--workers", "2")
    return subprocess.Popen(
        [sys.executable, "-c", _BUILD, *args], stderr=subprocess.DEVNULL, start_new_session=True
    )


def others_of(session: int) -> list[int]:
    """Processes of a session, but for the first and those that have ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = entry.read_text().rpartition(") ")
        except OSError:
            continue
        state, _, _, its_session, *_ = rest.split()
        if int(its_session) == session and state != "Z" and int(entry.parent.name) != session:
            found.append(int(entry.parent.name))
    return found


def kill(build: subprocess.Popen[bytes]) -> bool:
    """Kill a build, and wait until its processes have ended; False if it was done."""
    build.send_signal(signal.SIGKILL)
    done = build.wait() == 0
    deadline = time.monotonic() + 20
    while others_of(build.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert others_of(build.pid) == []
    return not done


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
def test_a_killed_build_goes_on(source, tmp_path):
    out = tmp_path / "out" / "graph"
    out.parent.mkdir()
    build = started(source, out)
    while build.poll() is None and not list(building_folder(out).glob("*.group")):
        time.sleep(0.01)
    assert kill(build)
    assert started(source, out).wait() == 0
    assert [path.name for path in out.parent.iterdir()] == ["graph"]
    build_to(str(source), tmp_path / "at once", order="auto", progress=Said())
    assert files_of(out) == files_of(tmp_path / "at once")


@needs_proc
@pytest.mark.slow
def test_many_killed_builds_go_on(source, tmp_path):
    began = time.monotonic()
    assert started(source, tmp_path / "at once").wait() == 0
    seconds = time.monotonic() - began
    rng, killed = random.Random(6), 0
    (tmp_path / "out").mkdir()
    for number in range(40):
        out = tmp_path / "out" / "graph"
        while not out.exists():
            build = started(source, out)
            time.sleep(rng.uniform(0.2, seconds))
            killed += kill(build)
        assert [path.name for path in out.parent.iterdir()] == ["graph"], number
        assert files_of(out) == files_of(tmp_path / "at once")
        shutil.rmtree(out)
    print(f"{killed} killed")
    assert killed > 40
