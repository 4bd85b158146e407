"""`segue demo --quick` as a newcomer runs it, and the commands that it tells one to type."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import segue
from segue.bundle import Bundle
from segue.cli import main
from segue.cli.demo import _claim
from segue.data.playlists import TrackLists
from segue.errors import ArtefactError, InputError
from segue.metrics import artist_share
from segue.synthetic import sample

SEGUE = Path(sys.executable).parent / "segue"


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    folder = tmp_path_factory.mktemp("newcomer")
    done = subprocess.run(
        [SEGUE, "demo", "--quick"], cwd=folder, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder, done


def printed_commands(text: str) -> list[str]:
    """The indented lines that begin with the program, as they would be typed."""
    program = r"  (?:segue|\S*/segue) "
    return [line.strip() for line in text.splitlines() if re.match(program, line)]


def test_it_shows_every_stage(demo):
    _, done = demo
    for stage in ("1. Playlists", "2. Graph", "3. Model", "4. Measure", "5. Ask", "Done in"):
        assert stage in done.stderr
    assert "generated" in done.stderr.lower()
    for model in ("bundle: lightgcn + wide", "popularity", "item-kNN"):
        assert model in done.stdout
    assert re.search(r"^Generated playlist \S+: ", done.stdout, re.MULTILINE)
    assert re.search(r"Recommended for playlist ", done.stdout)
    assert "Goes with Bohemian Rhapsody + Stairway to Heaven" in done.stdout
    assert "Traceback" not in done.stderr
    for line in done.stderr.splitlines():
        assert not line.startswith("segue:"), line


def test_from_one_song_lists_hold_as_few_songs_by_its_artist_as_playlists(demo):
    """By the score alone half of the first ten would be its artist's."""
    recommender = segue.load(demo[0] / "segue-demo" / "bundle")
    playlists, artist = recommender.playlists.tracks, recommender.bundle.catalog.main_artist
    first = playlists.positions() == 0
    given, others = playlists.keep(first), playlists.keep(~first)

    def share(lists: TrackLists) -> float:
        return artist_share(
            lists.offsets, lists.track_index, given.offsets, given.track_index, artist
        ).mean()

    held = {
        variety: share(
            TrackLists.from_lists(recommender.rank(given, 10, variety=variety)[0].tolist())
        )
        for variety in (0.0, 1.0)
    }
    assert held[0.0] > 0.3
    assert 0.01 < held[1.0] < share(others) + 0.02


def test_it_leaves_a_bundle_to_play_with(demo):
    folder, _ = demo
    assert [path.name for path in folder.iterdir()] == ["segue-demo"]
    assert {path.name for path in (folder / "segue-demo").iterdir()} >= {"graph", "bundle"}
    bundle = Bundle.load(folder / "segue-demo" / "bundle")
    assert bundle.playlists is not None
    assert all(track.startswith("segue:track:") for track in bundle.catalog.track_ids.to_pylist())


@pytest.mark.parametrize(
    "kind",
    ["vibe", "complete", "info", "recommend", "draw"],
)
def test_the_commands_that_it_prints_run(demo, kind):
    folder, done = demo
    commands = [line for line in printed_commands(done.stderr) if f" {kind} " in line]
    assert commands, f"demo prints no `segue {kind}`"
    for command in commands:
        ran = subprocess.run(
            ["bash", "-c", command], cwd=folder, capture_output=True, encoding="utf-8", timeout=60
        )
        assert ran.returncode == 0, f"{command}\n{ran.stderr}"
    if kind == "recommend":
        table = pq.read_table(next((folder / "segue-demo").glob("*.parquet")))
        assert {"playlist_id", "rank", "track_id", "score"} <= set(table.column_names)


def test_the_stages_that_it_prints_are_commands_too(demo):
    """`2. Graph: segue build …` can be typed as it stands."""
    folder, done = demo
    build = re.search(r"^2\. Graph: (\S*segue build .*)$", done.stderr, re.MULTILINE)[1]
    measure = re.search(r"^4\. Measure: (\S*segue evaluate .*)$", done.stderr, re.MULTILINE)[1]
    for command in (f"{build} --overwrite", measure):
        ran = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, timeout=60)
        assert ran.returncode == 0, command


def test_evaluate_agrees_with_the_demo(demo):
    folder, _ = demo
    args = [SEGUE, "evaluate", "segue-demo/bundle", "segue-demo/graph", "--json"]
    ran = subprocess.run(args, cwd=folder, capture_output=True, encoding="utf-8", timeout=60)
    values = json.loads(ran.stdout)["bundle"]["values"]
    manifest = json.loads((folder / "segue-demo" / "bundle" / "manifest.json").read_text())
    # A thread more or less may change the last bits.
    for name, stored in manifest["metrics"]["test"]["values"].items():
        assert values[name] == pytest.approx(stored, abs=1e-6), name


def test_it_does_not_touch_what_is_not_its_own(tmp_path, monkeypatch):
    """`segue demo --out data`, where data/playlists holds the real slices."""
    mine = tmp_path / "playlists" / "mpd.slice.0-999.json"
    mine.parent.mkdir()
    mine.write_text('{"playlists": []}')

    def stop(*args: object) -> None:
        raise InputError("far enough")

    monkeypatch.setattr(sample, "write_sample", stop)
    with pytest.raises(SystemExit):
        main(["demo", "--quick", "--out", str(tmp_path)])
    assert mine.read_text() == '{"playlists": []}'


def test_a_folder_with_a_readme_of_its_own_is_not_the_demos(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "write_sample", pytest.fail)
    (tmp_path / "README.txt").write_text("mine")
    with pytest.raises(SystemExit):
        main(["demo", "--quick", "--out", str(tmp_path)])
    assert (tmp_path / "README.txt").read_text() == "mine"


def test_a_demo_that_was_killed_at_its_start_can_be_run_again(tmp_path: Path) -> None:
    killed = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from segue.cli.demo import _claim\n"
        "Path.replace = lambda *_: os._exit(9)\n"
        "_claim(Path(sys.argv[1]))"
    )
    out = tmp_path / "demo"
    assert subprocess.run([sys.executable, "-c", killed, str(out)]).returncode == 9
    assert list(out.iterdir())
    _claim(out)
    assert [path.name for path in out.iterdir()] == ["README.txt"]
    _claim(out)
    (out / "README.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtefactError, match="is not a demo's folder"):
        _claim(out)
