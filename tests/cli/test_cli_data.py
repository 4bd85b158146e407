"""`segue build` and `segue info`, and how the command line answers at all."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

import segue
from segue.cli import cli, main
from segue.cli.output import print_table
from segue.console import number
from segue.data.formats.mpd import write_slice
from segue.graph.playlist_graph import PlaylistGraph

SEGUE = str(Path(sys.executable).parent / "segue")


def track(place: int, number: int, name: str | None = None) -> dict:
    return {
        "pos": place,
        "track_uri": f"t:{number:04}",
        "track_name": name or f"Track {number}",
        "artist_uri": f"a:{number % 7}",
        "artist_name": f"Artist {number % 7}",
        "album_uri": f"b:{number % 100}",
        "album_name": f"Album {number % 100}",
    }


@pytest.fixture(scope="module")
def slices(tmp_path_factory) -> Path:
    """Two slices: a playlist of 1,500 tracks, three of three tracks or so, one that is empty."""
    folder = tmp_path_factory.mktemp("source") / "slices"
    folder.mkdir()
    few = [
        {"pid": 1, "name": "p1", "tracks": [track(0, 2), track(1, 0), track(2, 2), track(3, 1)]},
        {"pid": 2, "tracks": [track(0, 1), track(1, 0), track(2, 1600, "[bold]Loud[/bold]")]},
        {"pid": 3, "name": "empty", "tracks": []},
    ]
    many = {"pid": 0, "name": "all", "tracks": [track(i, i) for i in range(1500)]}
    write_slice(folder / "mpd.slice.0-0.json", [many], 0, 0)
    write_slice(folder / "mpd.slice.1-3.json", few, 1, 3)
    return folder


def test_build_says_what_it_read_and_info_what_is_there(run, slices, tmp_path):
    status, out, err = run("build", slices, "--out", tmp_path / "graph")
    assert (status, out) == (0, "")
    assert "Read 2 files, Million Playlist Dataset slices:\n  4 playlists with 1506 pairs" in err
    assert "1 repeated track counted once" in err
    assert "Graph: 4 playlists, 1501 tracks, 7 artists, 100 albums, 1506 pairs" in err

    status, out, err = run("info", tmp_path / "graph", "--json", "--top", 2)
    assert (status, err) == (0, "")
    content = json.loads(out)
    assert content["nodes"] == {"playlist": 4, "track": 1501, "artist": 7, "album": 100}
    assert content["edges"] == {
        "playlist contains track": 1506,
        "track by artist": 1501,
        "track on album": 1501,
    }
    assert content["playlists_with_known_order"] == 2
    assert content["degrees"]["tracks of a playlist"] == {
        "min": 0, "5%": 0, "25%": 0, "50%": 3, "75%": 3, "95%": 3, "max": 1500,
    }  # fmt: skip
    assert content["degrees"]["playlists of a track"]["max"] == 3
    assert content["degrees"]["playlists of an artist"]["min"] == 1
    assert content["top_tracks"] == [
        {"id": f"t:000{i}", "name": f"Track {i}", "artist": f"Artist {i}", "playlists": 3}
        for i in (0, 1)
    ]
    # Artist 4 made track 1600 too, so it is in playlist 2 as artists 0 and 1 are.
    assert [(a["id"], a["playlists"]) for a in content["top_artists"]] == [("a:0", 3), ("a:1", 3)]
    assert content["options"]["source"] == str(slices)
    assert content["fingerprint"] == PlaylistGraph.load(tmp_path / "graph").fingerprint


def test_the_tables_of_info_hold_exact_integers(run, slices, tmp_path):
    run("build", slices, "--out", tmp_path / "graph")
    status, out, _ = run("info", tmp_path / "graph")
    assert status == 0
    rows = [line.split() for line in out.splitlines()]
    assert ["track", "1501"] in rows
    assert ["playlist", "contains", "track", "1506"] in rows
    assert ["tracks", "of", "a", "playlist", "0", "0", "0", "3", "3", "3", "1500"] in rows
    assert "1,50" not in out


def test_numbers_have_separators_for_people_only(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert number(1234567) == "1234567"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert number(1234567) == "1,234,567"


def test_markup_in_names_is_printed_as_it_stands(run, slices, tmp_path):
    source = tmp_path / "mpd.slice.0-0.json"
    tracks = [track(0, 1, "[bold]x[/bold]"), track(1, 2, "[/]"), track(2, 3, "[link=http://x]")]
    tracks[0]["artist_name"] = ":smile: [red]"
    write_slice(source, [{"pid": 0, "tracks": tracks}], 0, 0)
    run("build", source, "--out", tmp_path / "graph")
    _, out, _ = run("info", tmp_path / "graph")
    for name in ("[bold]x[/bold]", "[/]", "[link=http://x]", ":smile: [red]"):
        assert name in out


def test_k_core_says_what_went_and_what_stayed(run, slices, tmp_path):
    status, _, err = run("build", slices, "--out", tmp_path / "graph", "--k-core", 2)
    assert status == 0
    assert "2-core:" in err
    for line in ("playlists: 3 stayed, 1 went", "tracks: 3 stayed, 1498 went"):
        assert line in err
    assert "artists: 3 stayed, 4 went" in err
    _, out, _ = run("info", tmp_path / "graph", "--json")
    assert json.loads(out)["edges"]["playlist contains track"] == 8
    assert json.loads(out)["options"]["k_core"] == 2

    status, _, err = run("build", slices, "--out", tmp_path / "none", "--k-core", 9)
    assert status == 1
    assert "9-core" in err.splitlines()[-1]
    assert not (tmp_path / "none").exists()


def test_slices_glob_zip_and_order(run, slices, tmp_path):
    status, _, err = run("build", slices, "--out", tmp_path / "second", "--slices", "1")
    assert status == 0
    assert "Graph: 3 playlists, 4 tracks" in err
    run("build", f"{slices}/mpd.slice.1*.json", "--out", tmp_path / "glob", "--order", "known")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in slices.iterdir():
            archive.write(file, f"deep/inside/{file.name}")
    run("build", slices, "--out", tmp_path / "folder")
    run("build", tmp_path / "all.zip", "--out", tmp_path / "zip", "--slices", "0-1")
    fingerprints = {}
    for name in ("second", "glob", "folder", "zip"):
        content = json.loads(run("info", tmp_path / name, "--json")[1])
        fingerprints[name] = content["fingerprint"]
        if name == "glob":
            assert content["playlists_with_known_order"] == 3
    assert fingerprints["folder"] == fingerprints["zip"]
    assert len(set(fingerprints.values())) == 3


@pytest.mark.parametrize("slices_option", ["1-0", "a", "-1", "0-", "0-1-2"])
def test_a_range_that_is_none_is_a_usage_error(run, slices, tmp_path, slices_option):
    status, _, err = run("build", slices, "--out", tmp_path / "g", f"--slices={slices_option}")
    assert status == 2
    assert "--slices" in err


def test_bad_records_are_refused_or_set_aside(run, slices, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(slices, source)
    bad = {"pid": 8, "tracks": [{"pos": 0, "track_uri": "t:1"}]}
    repeated = {"pid": 1, "tracks": [track(0, 5)]}
    write_slice(source / "mpd.slice.4-6.json", [bad, repeated], 4, 6)
    status, _, err = run("build", source, "--out", tmp_path / "graph")
    assert status == 1
    assert "mpd.slice.4-6.json: playlists[0]" in err
    assert not (tmp_path / "graph").exists()

    status, _, err = run("build", source, "--out", tmp_path / "graph", "--skip-bad")
    assert status == 0
    assert "Read 3 files, Million Playlist Dataset slices:\n  5 playlists with 1506 pairs" in err
    assert "2 bad records set aside" in err
    aside = (tmp_path / "graph" / "skipped.jsonl").read_text().splitlines()
    records = [json.loads(line)["record"] for line in aside]
    assert records == ["playlists[0].tracks[0]", "playlists[1]"], "of the first only the track"


def test_what_stands_already_is_not_replaced_unasked(run, slices, tmp_path):
    run("build", slices, "--out", tmp_path / "graph", "--slices", "1")
    before = PlaylistGraph.load(tmp_path / "graph").fingerprint
    status, _, err = run("build", slices, "--out", tmp_path / "graph")
    assert (status, err.count("\n")) == (1, 1)
    assert err.endswith("graph: exists already; --overwrite replaces it\n")
    assert PlaylistGraph.load(tmp_path / "graph").fingerprint == before
    assert run("build", slices, "--out", tmp_path / "graph", "--overwrite")[0] == 0
    assert PlaylistGraph.load(tmp_path / "graph").fingerprint != before

    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "diary.txt").write_text("mine")
    status, _, err = run("build", slices, "--out", precious, "--overwrite")
    assert status == 1
    assert "not a folder that Segue made" in err
    assert (precious / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "args",
    [
        ["build", "{}/nowhere", "--out", "{}/g"],
        ["build", "{}/not.zip", "--out", "{}/g"],
        ["build", "{}/empty", "--out", "{}/g"],
        ["build", "{}/mpd.slice.0-0.json", "--out", "{}/g"],
        ["info", "{}/nowhere"],
        ["info", "{}/empty"],
        ["info", "{}/not.zip"],
    ],
)
def test_an_error_is_one_sentence_and_status_1(tmp_path, args):
    """As a program of its own: nothing but one line on standard error."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "not.zip").write_text("plain text")
    (tmp_path / "mpd.slice.0-0.json").write_text('{"playlists": [')
    done = subprocess.run(
        [SEGUE, *(arg.format(tmp_path) for arg in args)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("segue: ")
    assert str(tmp_path) in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize(
    "args", [["--nope"], ["nope"], ["build"], ["build", "--nope"], ["info", "g", "--top", "-1"]]
)
def test_a_usage_error_is_clicks_own(run, args):
    status, out, err = run(*args)
    assert (status, out) == (2, "")
    assert err.startswith("Usage: segue")
    assert "Traceback" not in err


def test_an_unexpected_error_is_one_line_too(run, monkeypatch):
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("oh no")

    monkeypatch.setattr(PlaylistGraph, "load", broken)
    status, _, err = run("info", "anything")
    assert (status, err.count("\n")) == (1, 1)
    assert "unexpected ZeroDivisionError: oh no" in err
    monkeypatch.setenv("SEGUE_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["info", "anything"])


def test_every_command_and_every_option_says_what_it_does():
    assert list(cli.commands) == [
        "demo", "generate", "build", "info", "train", "evaluate", "compare", "update",
        "index", "verify", "find", "complete", "vibe", "title", "similar", "why", "sort", "tidy",
        "recommend", "challenge", "draw", "serve",
    ]  # fmt: skip
    for name, command in cli.commands.items():
        for flag in ("--help", "-h"):
            shown = CliRunner().invoke(cli, [name, flag])
            assert shown.exit_code == 0, name
            assert shown.output.startswith("Usage: ")
        assert command.help, name
        assert len(command.help) > 40, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert max(option.opts, key=len) in shown.output
            elif isinstance(option, click.Argument):
                assert str(option.name).upper() in shown.output


def test_version(run):
    status, out, _ = run("--version")
    assert (status, out) == (0, f"segue, version {segue.__version__}\n")
    # Where the script is not on the path.
    module = [sys.executable, "-m", "segue", "--version"]
    assert subprocess.run(module, capture_output=True, text=True, timeout=60).stdout == out


def test_a_long_name_hides_no_other_column(run, tmp_path):
    source = tmp_path / "mpd.slice.0-0.json"
    write_slice(source, [{"pid": 0, "tracks": [track(0, 1, "A" * 300), track(1, 2)]}], 0, 0)
    run("build", source, "--out", tmp_path / "graph")
    _, out, _ = run("info", tmp_path / "graph")
    assert "t:0002" in out
    assert "Artist 2" in out


def test_control_characters_in_a_name_do_nothing(run, tmp_path):
    source = tmp_path / "mpd.slice.0-0.json"
    names = ["two\nlines", "\x1b[31mred", "tab\there"]
    tracks = [track(place, place, name) for place, name in enumerate(names)]
    write_slice(source, [{"pid": 0, "tracks": tracks}], 0, 0)
    run("build", source, "--out", tmp_path / "graph")
    _, out, _ = run("info", tmp_path / "graph")
    assert "\x1b" not in out
    assert any("two" in line and "lines" in line for line in out.splitlines())


@pytest.mark.parametrize("columns", [48, 60, 80])
def test_a_narrow_terminal_cuts_names_and_no_numbers(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    names = [
        "A name that is longer than many a terminal is wide, and then some more",
        "竹内まりや" * 9,
    ]
    rows = [[str(rank), name, name, f"{rank}.125", "1,234,567"] for rank, name in enumerate(names)]
    print_table("Title", ["", "track", "artist", "score", "playlists"], rows)
    lines = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(cell_len, lines)) <= columns
    for row in rows:
        line = next(line for line in lines if row[3] in line)
        assert line.split()[0] == row[0]
        assert line.endswith(f"{row[3]}   {row[4]}")
        assert "…" in line


def test_a_link_that_leads_nowhere(run, tmp_path):
    (tmp_path / "mpd.slice.0-0.json").symlink_to(tmp_path / "gone")
    status, _, err = run("build", tmp_path, "--out", tmp_path / "graph")
    assert status == 1
    assert "mpd.slice.0-0.json: cannot be read (No such file" in err


def test_when_every_record_is_bad_the_first_reason_is_said(run, tmp_path):
    (tmp_path / "mpd.slice.0-0.json").write_text('{"playlists": [{"pid": 1}]}')
    status, _, err = run("build", tmp_path, "--out", tmp_path / "graph", "--skip-bad")
    assert status == 1
    assert "missing required field `tracks`" in err
    assert "skipped.jsonl" not in err


def test_title_words_are_built_and_shown(run, tmp_path):
    source = tmp_path / "mpd.slice.0-6.json"
    lists = [
        {"pid": pid, "name": f"Road trip {x}", "tracks": [track(0, pid), track(1, pid + 1)]}
        for pid, x in enumerate(["gymx", "Gymx", "gyma", "gymb", "Gymc", "gymd", "gyme"])
    ]
    write_slice(source, lists, 0, 6)
    status, out, err = run("build", source, "--out", tmp_path / "graph")
    assert status == 0
    assert "6 words" in out + err
    status, out, _ = run("info", tmp_path / "graph")
    rows = [line.split() for line in out.splitlines()]
    assert ["word", "6"] in rows
    assert ["playlist", "titled", "word", "31"] in rows
    assert ["road", "road", "7"] in rows
    assert "Words of titles: 2, 1 rare and 3 parts of others, in 7 playlists" in out
    assert "gy" not in out, "rare words and parts are not for people"
    _, document, _ = run("info", tmp_path / "graph", "--json")
    assert [word["name"] for word in json.loads(document)["top_words"]] == ["road", "trip"]
    run("build", source, "--out", tmp_path / "without", "--no-title-words")
    assert "word" not in json.loads(run("info", tmp_path / "without", "--json")[1])["nodes"]
