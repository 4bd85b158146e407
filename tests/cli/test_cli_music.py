"""Asking a bundle for music: tables for people, JSON for programs."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import segue
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.graph.playlist_graph import PlaylistGraph
from segue.recommend.filters import Filters
from segue.scoring.questions import Questions
from segue.scoring.variety import Variety

pytestmark = pytest.mark.usefixtures("in_the_folder")
SEGUE = str(Path(sys.executable).parent / "segue")
NAMES = [
    "[bold]Loud[/bold]", "Halo", "Hurt", "Hurt", "あなた", "1999",
    "Song 6", "Song 7", "Song 8", "Song 9",
]  # fmt: skip
ARTISTS = ["Beyoncé", "[red]Band[/red]", "Johnny Cash", "Nine Inch Nails"]


@pytest.fixture(scope="module")
def folder(bare_bundle, tmp_path_factory) -> Path:
    catalog = Catalog.of_columns(
        pa.array([f"t:{i}" for i in range(10)]),
        pa.array(NAMES),
        pa.array([f"a:{i}" for i in range(4)]),
        pa.array(ARTISTS),
        pa.array([], pa.string()),
        pa.array([], pa.string()),
        np.array([1, 0, 3, 2, 0, 1, 0, 1, 2, 3], dtype=np.int32),
        np.full(10, -1, dtype=np.int32),
    )
    playlists = Playlists(
        pa.array(["10", "11", "empty", "full"]),
        pa.array(["[i]road[/i] trip", None, "nothing here", "all"]),
        np.ones(4, dtype=bool),
        TrackLists.from_lists([[1, 2, 6], [0], [], list(range(10))]),
    )
    bundle = bare_bundle(
        PlaylistGraph(playlists, catalog),
        np.random.default_rng(4),
        popularity=np.array([5, 4, 3, 9, 1, 1, 1, 1, 1, 1], dtype=np.int64),
        questions=Questions(variety=Variety((1, 3), (0.4, 0.2))).to_json(),
    )
    parent = tmp_path_factory.mktemp("music")
    bundle.save(parent / "bundle")
    replace(bundle, playlists=None).save(parent / "without")
    return parent


def test_complete_for_programs(run, recommender):
    status, out, err = run("complete", "bundle", "10", "-n", 4, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == recommender.complete("10", 4).to_json()


def test_complete_for_people(run, recommender):
    status, out, err = run("complete", "bundle", "10", "-n", 7)
    assert (status, err) == (0, "")
    assert "Recommended for playlist 10 ([i]road[/i] trip)" in out
    for track in recommender.complete("10", 7).tracks:
        line = next(line for line in out.splitlines() if line.split()[:1] == [str(track.rank)])
        assert track.track_name in line
        assert track.artist_name in line
        assert f"{track.score:.3f}" in line
        if track.goes_with is not None:
            assert track.goes_with.name in line
            assert line.endswith(f" {track.goes_with.part:.3f}")
    assert "[bold]Loud[/bold]" in out, "markup in a name is no markup"
    assert "[red]Band[/red]" in out


def test_an_empty_playlist_says_that_the_list_is_the_most_popular(run):
    status, out, err = run("complete", "bundle", "empty", "-n", 3)
    assert status == 0
    assert "most popular" in err
    assert "goes with" not in out
    lines = [line.split() for line in out.splitlines()]
    assert ["1", "Hurt", "Johnny", "Cash"] in [line[:4] for line in lines]
    status, out, _ = run("complete", "bundle", "empty", "-n", 3, "--json")
    content = json.loads(out)
    assert content["by_popularity"] is True
    assert [track["track_id"] for track in content["tracks"]] == ["t:3", "t:0", "t:1"]


def test_vibe_by_name_and_id(run, recommender):
    status, out, err = run("vibe", "bundle", "hurt - johnny cash", "t:4", "HALO", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == recommender.vibe(["t:3", "t:4", "t:1"]).to_json()
    status, out, _ = run("vibe", "bundle", "[bold]loud[/bold]", "1999", "-n", 2)
    assert status == 0
    assert "Goes with [bold]Loud[/bold] + 1999" in out


def test_the_numbers_for_programs_are_whole(run, folder):
    """Through a pipe, without colours or a terminal's width."""
    done = subprocess.run(
        [SEGUE, "vibe", folder / "bundle", "Halo", "-n", "3", "--json"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "COLUMNS": "20", "FORCE_COLOR": "1"},
    )
    assert done.returncode == 0
    assert [track["rank"] for track in json.loads(done.stdout)["tracks"]] == [1, 2, 3]


def test_an_ambiguous_name_lists_its_candidates(run):
    status, out, err = run("vibe", "bundle", "Hurt")
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert lines[0].startswith("segue: 'Hurt' is the name of 2 tracks")
    assert lines[1:] == ["  Hurt - Johnny Cash  (t:3)", "  Hurt - Nine Inch Nails  (t:2)"]


def test_what_was_taken_and_what_is_not_there_is_said(run):
    status, out, err = run("vibe", "bundle", "Halo (Live)", "xyzzy plugh", "-n", "2")
    assert status == 0
    assert "took Halo - Beyoncé" in err
    assert "for 'Halo (Live)'" in err
    assert "passed over 'xyzzy plugh', which is not in this bundle" in err
    assert "took" not in out
    status, _, err = run("why", "bundle", "Halo", "Hurt - Johnny Cash", "xyzzy plugh")
    assert (status, "passed over 'xyzzy plugh'" in err) == (0, True)


ERRORS = [
    (["complete", "bundle", "99"], "'99' is not a playlist of this bundle"),
    (["complete", "nowhere", "10"], "nowhere: there is no such folder"),
    (["complete", "without", "10"], "made without playlists"),
    (["vibe", "bundle", "xyzzy plugh"], "'xyzzy plugh' matches no track in this bundle"),
    (["vibe", "bundle", ""], "'' matches no track in this bundle"),
    (["recommend", "without", "--all", "--out", "x.parquet"], "made without playlists"),
    (["recommend", "bundle", "--ids", "gone", "--out", "x.parquet"], "gone: cannot be read"),
    (["recommend", "bundle", "--playlists", "gone", "--out", "x.parquet"], "gone: no such file"),
    (["recommend", "bundle", "--all", "--out", "no/x.parquet"], "no/x.parquet: cannot be written"),
    (["recommend", "bundle", "--all", "--out", "x.doc"], "x.doc: its ending says no format"),
    (["vibe", "bundle", "Halo", "--out", "x.doc"], "x.doc: its ending says no format"),
    (["complete", "bundle", "10", "--out", "no/x.csv"], "no/x.csv: cannot be written"),
    (["complete", "bundle", "10", "--out", "x.csv", "--library", "."], "--library is for m3u8"),
    (["recommend", "bundle", "--all", "--out", "x.m3u8"], "M3U8 holds one playlist a file"),
]


@pytest.mark.parametrize(("args", "says"), ERRORS)
def test_errors_are_one_sentence(run, folder, args, says):
    status, out, err = run(*args)
    assert (status, out) == (1, "")
    error = err.splitlines()[-1]
    assert error.startswith("segue: ")
    assert says in error
    assert "Traceback" not in err
    assert not (folder / "x.parquet").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["complete", "bundle"],
        ["complete", "bundle", "10", "-n", "0"],
        ["vibe", "bundle"],
        ["vibe", "bundle", "Halo", "-n", "many"],
        ["recommend", "bundle", "--all"],
        ["recommend", "bundle", "--out", "x.parquet"],
        ["recommend", "bundle", "--all", "--ids", "ids.txt", "--out", "x.parquet"],
        ["recommend", "bundle", "--all", "-n", "0", "--out", "x.parquet"],
        ["vibe", "bundle", "Halo", "--format", "csv"],
        ["complete", "bundle", "10", "--library", "."],
        ["complete", "bundle", "10", "--with-given"],
        ["complete", "bundle", "10", "--out", "x", "--format", "mp3"],
    ],
)
def test_usage_errors(run, args):
    status, out, err = run(*args)
    assert (status, out) == (2, "")
    assert err.startswith(f"Usage: segue {args[0]}")


def test_recommend_for_all(run, recommender, tmp_path):
    status, out, err = run("recommend", "bundle", "--all", "-n", 5, "--out", tmp_path / "r.parquet")
    assert (status, out) == (0, "")
    assert "1 playlist without a known track: the most popular tracks" in err
    assert "15 songs in 4 playlists written to" in err
    rows = pq.read_table(tmp_path / "r.parquet").to_pylist()
    for playlist in ("10", "11", "empty", "full"):
        listed = [row["track_id"] for row in rows if row["playlist_id"] == playlist]
        assert listed == [track.track_id for track in recommender.complete(playlist, 5).tracks]


def ids_in(path) -> list[str]:
    collection = segue.read(path)
    return [collection.catalog.track_ids[row].as_py() for row in collection.playlists.tracks[0]]


def test_a_list_goes_into_a_file(run, recommender, tmp_path):
    out = tmp_path / "next.json"
    status, shown, err = run("complete", "bundle", "10", "-n", 4, "--out", out)
    assert (status, err) == (0, f"4 songs written to {out}\n")
    found = recommender.complete("10", 4)
    assert found.tracks[0].track_name in shown
    assert ids_in(out) == [track.track_id for track in found.tracks]
    assert segue.read(out).playlists.titles.to_pylist() == ["[i]road[/i] trip, continued"]

    status, _, err = run("complete", "bundle", "10", "-n", 4, "--out", out)
    assert (status, err) == (1, f"segue: {out}: exists already; --overwrite replaces it\n")
    run("complete", "bundle", "10", "-n", 4, "--out", out, "--overwrite", "--with-given")
    assert ids_in(out) == ["t:1", "t:2", "t:6", *(track.track_id for track in found.tracks)]

    run("vibe", "bundle", "Halo", "1999", "-n", 2, "--out", tmp_path / "a", "--format", "mpd")
    assert ids_in(tmp_path / "a") == [
        t.track_id for t in recommender.vibe(["Halo", "1999"], 2).tracks
    ]
    args = ["--track", "t:4", "--track", "t:1", "--out", tmp_path / "b.mpd.json", "--with-given"]
    run("complete", "bundle", *args)
    assert ids_in(tmp_path / "b.mpd.json")[:2] == ["t:4", "t:1"]


def test_songs_without_a_file_are_said(run, tmp_path):
    """In a form for players only: there they are passed over."""
    for form, said in [("m3u8", True), ("xspf", True), ("csv", False)]:
        out = tmp_path / f"next.{form}"
        status, _, err = run("complete", "bundle", "10", "-n", 4, "--out", out)
        assert status == 0
        assert (
            "4 of them without a file, which players pass over; --library FOLDER names" in err
        ) == said


def test_an_exported_list_replaces_no_playlist_of_the_bundle(run, folder, tmp_path):
    """Every list once had the id 0, and an update with one replaced playlist 0."""
    for name in ("one", "two"):
        args = ["Halo", "1999"] if name == "one" else ["あなた"]
        run("vibe", "bundle", *args, "-n", 2, "--out", tmp_path / f"{name}.mpd.json")
    status, _, err = run("update", "bundle", tmp_path, "--out", tmp_path / "updated")
    assert status == 0
    assert "2 new, 0 replaced" in err


@pytest.mark.parametrize("form", ["m3u8", "xspf"])
def test_a_list_names_the_files_of_a_music_folder(run, recommender, tmp_path, monkeypatch, form):
    found = recommender.vibe(["Halo"], 9).tracks
    for track in found[1:3]:
        folder = tmp_path / "Music" / track.artist_name.replace("/", "_")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"03 {track.track_name.replace('/', '_')}.mp3").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    bundle = Path(recommender.bundle.folder)
    status, _, err = run(
        *("vibe", bundle, "Halo", "-n", 9, "--out", f"next.{form}", "--library", "Music")
    )
    assert status == 0
    assert "7 songs not in Music, left out\n2 songs written to" in err
    text = Path(f"next.{form}").read_text("utf-8")
    for track in found[1:3]:
        name = track.track_name.replace("/", "_")
        assert f"03 {name}" in unquote(text)
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "song.mp3").write_bytes(b"")
    for library, says in [
        ("gone", "gone: there is no such folder"),
        ("empty", "empty: holds no audio files"),
        ("other", "other: has none of the 9 songs"),
    ]:
        args = ["-n", 9, "--out", f"x.{form}", "--library", library]
        status, _, err = run("vibe", bundle, "Halo", *args)
        assert status == 1
        assert says in err
        assert not Path(f"x.{form}").exists()


def test_recommend_for_ids_and_for_new_playlists(run, recommender, tmp_path):
    ids, new, out = tmp_path / "ids.txt", tmp_path / "new.json", tmp_path / "r.parquet"
    ids.write_text("11\n10\n")
    assert run("recommend", "bundle", "--ids", ids, "-n", 2, "--out", out)[0] == 0
    column = pq.read_table(out)["playlist_id"].to_pylist()
    assert column == ["11", "11", "10", "10"]

    new.write_text(json.dumps([{"playlist_id": "mine", "tracks": ["t:1", "gone", "t:4"]}]))
    args = ["recommend", "without", "--playlists", new, "-n", 3, "--out", out]
    status, _, err = run(*args)
    assert (status, err.count("\n")) == (1, 1)
    assert "exists already; --overwrite replaces it" in err
    assert pq.read_table(out)["playlist_id"].to_pylist() == column
    status, _, err = run(*args, "--overwrite")
    assert status == 0
    assert "3 songs: 2 found, 0 unsure, 1 missing" in err
    listed = pq.read_table(out)["track_id"].to_pylist()
    assert listed == [track.track_id for track in recommender.vibe(["t:1", "t:4"], 3).tracks]


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_reader_that_has_gone_is_no_cause_for_words(folder, form):
    """`segue … | true`: the reader has gone before the first line comes."""
    command = shlex.join([SEGUE, "complete", str(folder / "bundle"), "10", *form])
    piped = f"{command} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")


# The options that shape a list, and the other verbs.


def test_wishes_reach_the_recommender(run, recommender, folder):
    (folder / "allowed.txt").write_text("t:0\nt:4\n\nt:5\nnot:there\nt:7\n")
    status, out, err = run(
        *(
            "vibe",
            "bundle",
            "Halo",
            "-n",
            9,
            "--json",
            "--reasons",
            "--dial",
            0.5,
            "--diversity",
            0.2,
            "--variety",
            0.5,
        ),
        *("--exclude-track", "あなた", "--exclude-artist", "johnny cash", "--max-per-artist", 1),
        *("--max-per-album", 3, "--no-other-versions", "--only-tracks", "allowed.txt"),
    )
    assert status == 0
    assert err == "1 line of allowed.txt unknown to the bundle, ignored\n"
    filters = Filters(
        exclude_tracks=["t:4"],
        exclude_artists=["a:2"],
        only_tracks=["t:0", "t:4", "t:5", "t:7"],
        max_per_artist=1,
        max_per_album=3,
        other_versions=False,
    )
    expected = recommender.vibe(
        ["Halo"], 9, dial=0.5, diversity=0.2, variety=0.5, filters=filters, reasons=True
    )
    assert json.loads(out) == expected.to_json()
    assert [track.track_id for track in expected.tracks] in (["t:0"], ["t:5"], ["t:7"])
    only = run("vibe", "bundle", "Halo", "--only-artist", "a:3", "--json")[1]
    assert {t["artist_name"] for t in json.loads(only)["tracks"]} == {"Nine Inch Nails"}


def test_only_songs_of_a_music_folder(run, recommender, tmp_path):
    for name in ("Beyonce/あなた.mp3", "[red]Band[/red]/02 Halo (Live).flac", "Nobody/Nothing.mp3"):
        path = tmp_path / name.replace("[/red]", "")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    args = ["vibe", "bundle", "1999", "--only-tracks", tmp_path, "--json"]
    status, out, err = run(*args)
    assert (status, err) == (0, f"{tmp_path}: 3 songs, 1 of them in the bundle\n")
    assert [track["track_id"] for track in json.loads(out)["tracks"]] == ["t:4"]


@pytest.mark.parametrize("content", ["", "not:there\n"])
def test_an_allow_list_of_nothing_is_refused(run, folder, content):
    (folder / "nothing.txt").write_text(content)
    status, out, err = run("vibe", "bundle", "Halo", "--only-tracks", "nothing.txt")
    assert (status, out) == (1, "")
    assert err.startswith("segue: nothing.txt: contains no track of the bundle, expected an id")
    assert err.count("\n") == 1


def test_a_playlist_never_seen(run, recommender):
    args = ["--track", "t:1", "--track", "t:2", "--json"]
    for ordered in (False, True):
        out = run("complete", "bundle", *args, *["--ordered"] * ordered)[1]
        expected = recommender.complete(tracks=["t:1", "t:2"], ordered=ordered)
        assert json.loads(out) == expected.to_json()
    for wrong in (["10", "--track", "t:1"], []):
        status, _, err = run("complete", "bundle", *wrong)
        assert status == 2
        assert "one of PLAYLIST, the tracks by --track, and --from" in err


@pytest.mark.parametrize("question", ["fit", "next", "either"])
def test_each_question(run, recommender, question):
    ask = ["--question", question, "--json"]
    out = run("complete", "bundle", "10", *ask)[1]
    assert json.loads(out) == recommender.complete("10", question=question).to_json()
    out = run("vibe", "bundle", "t:1", "t:2", *ask)[1]
    assert json.loads(out) == recommender.vibe(["t:1", "t:2"], question=question).to_json()
    out = run("why", "bundle", "t:4", "--playlist", "10", *ask)[1]
    assert json.loads(out) == recommender.why("t:4", "10", question=question).to_json()
    assert run("recommend", "bundle", "--all", "--out", f"{question}.json", *ask[:2])[0] == 0
    written = json.loads(Path(f"{question}.json").read_text())
    assert "t:" in str(written)
    status, _, err = run("complete", "bundle", "10", "--question", "both")
    assert status == 2
    assert "'both' is not one of 'fit', 'next', 'either'" in err


def test_why_below_the_list(run, recommender):
    status, out, _ = run("complete", "bundle", "10", "-n", 2, "--reasons", "--dial", 1)
    assert status == 0
    found = recommender.complete("10", 2, dial=1.0, reasons=True)
    for track in found.tracks:
        assert f"{track.rank}. {track.track_name}" in out
        for reason in track.because:
            assert f"{reason.name} {reason.part:+.3f}" in out
        assert (f"all else {track.rest:+.3f}" in out) == (track.rest != 0)
    assert "in playlist full all with" in out


def test_artists_to_go_with(run, recommender):
    out = run("vibe", "bundle", "--artist", "Beyonce", "-n", 3, "--json")[1]
    assert json.loads(out) == recommender.vibe(artists=["a:0"], n=3).to_json()
    status, _, err = run("vibe", "bundle")
    assert status == 2
    assert "at least one of TRACKS, or an artist" in err


def test_similar(run, recommender):
    out = run("similar", "bundle", "Halo", "-n", 3, "--json")[1]
    assert json.loads(out) == recommender.similar("t:1", 3).to_json()
    out = run("similar", "bundle", "--artist", "beyoncé", "--json")[1]
    assert json.loads(out) == recommender.similar(artist="a:0").to_json()
    status, out, _ = run("similar", "bundle", "--artist", "Beyoncé")
    assert status == 0
    assert "Artists like Beyoncé" in out
    assert "[red]Band[/red]" in out


def test_why_one_track(run, recommender):
    status, out, err = run("why", "bundle", "あなた", "Halo", "1999", "--dial", -0.5)
    assert status == 0
    why = recommender.why("t:4", tracks=["t:1", "t:5"], dial=-0.5)
    assert "Why あなた - Beyoncé" in out
    for term in why.terms:
        assert f"{term.part:+.4f}" in out
    assert f"{why.score:.4f}" in out
    assert "same artist as Halo" in out
    assert ("below 0: counting against it" in err) == any(t.part < 0 for t in why.terms)
    out = run("why", "bundle", "あなた", "--playlist", "10", "--json")[1]
    assert json.loads(out) == recommender.why("t:4", "10").to_json()
    status, out, _ = run("why", "bundle", "あなた", "Halo", "--variety", 0, "--json")
    assert json.loads(out) == recommender.why("t:4", tracks=["t:1"], variety=0.0).to_json()
    assert json.loads(out) != recommender.why("t:4", tracks=["t:1"]).to_json()
    assert "made without playlists" in run("why", "without", "あなた", "Halo")[2]
    for wrong in (["Halo", "--playlist", "10"], []):
        status, _, err = run("why", "bundle", "あなた", *wrong)
        assert status == 2
        assert "either TRACKS (or --artist, --title) or --playlist" in err
