"""`segue build` from tables, and that a graph without artists goes all the way."""

import json

import pytest

from segue.graph.playlist_graph import PlaylistGraph


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text("list,track,artist\n1,b,x\n1,a,y\n1,b,x\n2,a,y\n")
    return path


def test_build_says_what_it_read(run, table, tmp_path):
    out = tmp_path / "graph"
    status, printed, err = run("build", table, "--out", out, "--columns", "playlist=list")
    assert (status, printed) == (0, "")
    assert "Columns: playlist = list, track = track, artist = artist\n" in err
    assert "Read 1 table, 4 rows:\n  2 playlists with 3 pairs\n" in err
    assert "1 repeated track counted once" in err
    assert "Graph: 2 playlists, 2 tracks, 2 artists, 0 albums, 3 pairs" in err
    options = json.loads(run("info", out, "--json")[1])["options"]
    assert options["columns"] == {"playlist": "list"}
    assert options["read"]["rows"] == 4


def test_names_that_were_taken_for_ids_are_pointed_out(run, tmp_path):
    source = tmp_path / "lists.csv"
    source.write_text("playlist,track,artist\n1,Intro,The xx\n2,Intro,M83\n")
    _, _, err = run("build", source, "--out", tmp_path / "graph")
    assert "  1 track with different artists, the first counts\n" in err
    said = "--columns track_name=track"
    assert f"  (if 'track' holds names and no ids: {said})\n" in err
    _, _, err = run("build", source, "--out", tmp_path / "graph", "--overwrite", *said.split())
    assert "2 tracks, 2 artists" in err
    assert "several" not in err


def test_bad_rows_are_refused_or_set_aside(run, table, tmp_path):
    with table.open("a") as file:
        file.write("3,,z\n")
    command = ["build", table, "--out", tmp_path / "graph", "--columns", "playlist=list"]
    status, _, err = run(*command)
    assert status == 1
    assert err.splitlines()[-1] == (
        f"segue: {table}: line 6: `track` is empty, expected the id of the track"
    )
    assert not (tmp_path / "graph").exists()
    status, _, err = run(*command, "--skip-bad")
    assert status == 0
    assert "1 bad record set aside" in err
    aside = json.loads((tmp_path / "graph" / "skipped.jsonl").read_text())
    assert (aside["record"], aside["content"]) == ("line 6", "3,,z")


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        ([], 1, "lists.csv: has no column recognised as the playlist; its columns are list, tr"),
        (["--columns", "list"], 2, "'list' is not FIELD=COLUMN"),
        (["--columns", "user=list"], 2, "the field one of playlist, track, artist"),
        (
            ["--columns", "playlist=list", "--slices", "0-1"],
            1,
            "but --slices is for Million",
        ),
    ],
)
def test_what_cannot_be(run, table, tmp_path, args, status, message):
    got, _, err = run("build", table, "--out", tmp_path / "graph", *args)
    assert got == status
    assert message in err


def test_columns_are_for_tables(run, tmp_path):
    (tmp_path / "mpd.slice.0-0.json").write_text('{"playlists": []}')
    status, _, err = run("build", tmp_path, "--out", tmp_path / "g", "--columns", "track=t")
    assert status == 1
    assert (
        "but --columns is for Parquet tables, tables as JSON, lists of ids, one a line and text"
        in err
    )


def test_without_artists_from_the_table_to_the_music(run, planted_graph, tmp_path):
    source = tmp_path / "small.inter"
    ids, tracks = planted_graph.catalog.track_ids, planted_graph.playlists.tracks
    pairs = zip(tracks.list_index().tolist(), tracks.track_index.tolist(), strict=True)
    lines = [f"{playlist}\t{ids[track]}\t1" for playlist, track in pairs]
    source.write_text("\n".join(["user_id:token\titem_id:token\trating:float", *lines]))
    graph, bundle = tmp_path / "graph", tmp_path / "bundle"
    _, _, err = run("build", source, "--out", graph)
    assert "track = item_id:token; no artists\n" in err
    assert PlaylistGraph.load(graph).num_edges["track", "by", "artist"] == 0
    _, out, _ = run("info", graph)
    assert "segue:track:1" in out
    assert "an artist" not in out
    assert not [line for line in out.splitlines() if line.endswith("artists")], "no empty table"

    train = ["--out", bundle, "--dim", 8, "--epochs", 2, "--threads", 1]
    status, _, err = run("train", graph, *train)
    assert status == 0, err
    for command in (["complete", bundle, "5"], ["vibe", bundle, "segue:track:1", "segue:track:2"]):
        status, out, err = run(*command, "-n", 3, "--json")
        assert status == 0, err
        assert [track["artist_name"] for track in json.loads(out)["tracks"]] == ["", "", ""]
    status, _, err = run("vibe", bundle, "segue:track:x")
    assert status == 1
    assert " - " not in err, "no artist is made up"


def test_columns_that_are_not_used_are_pointed_out(run, tmp_path):
    source = tmp_path / "ratings.csv"
    source.write_text("userId,movieId,rating,timestamp\n1,5,4.0,3\n1,3,2,2\n2,5,1.5,1\n2,3,3,9\n")
    out = ["--out", tmp_path / "graph", "--overwrite"]
    _, _, err = run("build", source, *out)
    assert "  `rating` is not used, every row counts: --at-least rating=… leaves out the" in err
    assert "  `timestamp` is not used: --columns position=timestamp puts tracks in its order" in err
    assert "  unknown in 2: nothing says their order\n" in err
    _, _, err = run(
        "build", source, *out, "--at-least", "rating=2", "--columns", "position=timestamp"
    )
    assert "not used" not in err
    assert "  order of tracks known in 2 playlists\n" in err
    assert "  set aside: 1 filtered-out row\n" in err


@pytest.mark.parametrize("option", ["rating", "=4", "rating=four"])
def test_a_least_value_is_a_column_and_a_number(run, table, tmp_path, option):
    status, _, err = run("build", table, "--out", tmp_path / "graph", "--at-least", option)
    assert status == 2
    assert "expected for example rating=4" in err


def test_listens_are_cut_as_the_options_say(run, tmp_path):
    source = tmp_path / "history.csv"
    source.write_text("user_id,track_id,timestamp\n1,a,100\n1,b,200\n1,c,9000\n1,b,9100\n")
    out = ["--out", tmp_path / "graph", "--overwrite"]
    _, _, err = run("build", source, *out, "--session-gap", "20")
    assert "Graph: 2 playlists, 3 tracks" in err
    _, _, err = run("build", source, *out, "--top", "2", "--min-length", "1")
    assert "Graph: 1 playlist, 2 tracks" in err
    status, _, err = run("build", source, *out, "--session-gap", "0")
    assert (status, err) == (1, "segue: session_gap is 0.0, expected minutes, more than none\n")


def test_a_first_line_that_is_none(run, tmp_path):
    source = tmp_path / "pairs.csv"
    source.write_text("ann,red\nbob,red\nbob,blue\n")
    out = ["--out", tmp_path / "graph"]
    assert "if that is no header: --no-header" in run("build", source, *out)[2]
    assert "Graph: 2 playlists, 2 tracks" in run("build", source, *out, "--no-header")[2]
