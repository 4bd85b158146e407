"""Sorting songs into one's own playlists, and tidying one: on the command line."""

import json
from pathlib import Path

import pytest

import segue
from segue.cli.tidy import STEPS
from segue.names.match import Matcher
from segue.recommend import tidy

pytestmark = pytest.mark.usefixtures("in_the_folder")


@pytest.fixture(scope="module")
def folder(communities_bundle, tmp_path_factory) -> Path:
    """A bundle, liked songs, three playlists, and one to tidy: two of its songs are strange."""
    folder = tmp_path_factory.mktemp("tidy")
    communities_bundle.save(folder / "bundle")
    table(folder / "liked.csv", {"liked": [20, 70, 130, 3, "unheard"]})
    mine = {"zero": range(12), "one": range(40, 55), "two": range(80, 88)}
    table(folder / "mine.csv", mine)
    table(folder / "messy.csv", {"messy": [*range(15), 130, "unheard", 150]})
    return folder


def table(path: Path, playlists: dict) -> None:
    lines = ["playlist,track,artist"]
    for title, tracks in playlists.items():
        for track in tracks:
            if isinstance(track, str):
                lines.append(f"{title},{track},Nobody")
            else:
                artist = track // 40 * 5 + track % 5
                lines.append(f"{title},segue:track:{track},Artist {artist}")
    path.write_text("\n".join(lines) + "\n")


def ids_in(path: Path) -> dict[str, list[str]]:
    """The tracks of each playlist of a file, by its title."""
    read = segue.read(path)
    ids = read.catalog.track_ids
    titles = read.playlists.titles.to_pylist()
    return {
        title or playlist_id: [ids[int(t)].as_py() for t in read.playlists.tracks[row]]
        for row, (title, playlist_id) in enumerate(
            zip(titles, read.playlists.ids.to_pylist(), strict=True)
        )
    }


def test_sort_for_people(run, recommender):
    status, out, err = run("sort", "bundle", "liked.csv", "--into", "mine.csv")
    assert status == 0
    lines = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    assert " zero " in lines["Track 20"]
    assert " one " in lines["Track 70"]
    assert "none fits" in lines["Track 130"]
    assert lines["Track 3"].endswith("zero"), "it is there already"
    assert "1 of 4 songs fits no playlist, 1 in a playlist already" in err
    assert "would be sorted where they are" in err
    assert "1 missing" in err


@pytest.mark.parametrize(
    ("command", "num_songs"),
    [
        (("sort", "bundle", "liked.csv", "--into", "mine.csv"), 5 + 35),
        (("tidy", "bundle", "messy.csv"), 18),
    ],
)
def test_every_song_is_matched_once(run, monkeypatch, command, num_songs):
    """Both commands matched what they had read, and the verbs matched it again."""
    asked, match = [], Matcher.match

    def counted(self, song):
        asked.append(song.text)
        return match(self, song)

    monkeypatch.setattr(Matcher, "match", counted)
    assert run(*command)[0] == 0
    assert len(asked) == num_songs


def test_the_liked_songs_of_an_export_go_into_its_other_playlists(run, tmp_path):
    """What a service sends is one file: all of its songs were sorted, which are all somewhere."""
    everything = {"zero": range(12), "one": range(40, 55), "liked": [20, 70, 3]}
    table(tmp_path / "all.csv", everything)
    command = ["sort", "bundle", tmp_path / "all.csv", "--into", tmp_path / "all.csv"]
    out = tmp_path / "sorted"
    more = ["--playlist", "liked", "--json", "--out", out, "--format", "json"]
    status, printed, err = run(*command, *more)
    assert status == 0, err
    assert "all.csv: left out what is to be sorted: liked" in err
    found = json.loads(printed)
    assert [song["asked"] for song in found["songs"]] == [
        "Artist 0 - segue:track:20", "Artist 5 - segue:track:70", "Artist 3 - segue:track:3",
    ]  # fmt: skip
    assert [playlist["title"] for playlist in found["playlists"]] == ["zero", "one"]
    assert [ids[-1] for ids in ids_in(out).values()] == ["segue:track:20", "segue:track:70"]
    status, _, err = run(*command, "--playlist", "lost")
    assert status == 1
    assert "holds no playlist 'lost', expected one of zero, one, liked" in err


def test_the_same_songs_spelt_otherwise_are_left_out_too(run, tmp_path):
    """They have other ids in another file, so they were not known again."""
    table(tmp_path / "mine.csv", {"zero": range(12), "liked": [20, 70]})
    (tmp_path / "liked.txt").write_text("Artist 0 - Track 20\nArtist 5 - Track 70 (Remastered)\n")
    command = ["sort", "bundle", tmp_path / "liked.txt", "--into", tmp_path / "mine.csv", "--json"]
    _, printed, err = run(*command)
    assert "left out what is to be sorted: liked" in err
    assert [playlist["title"] for playlist in json.loads(printed)["playlists"]] == ["zero"]


def test_sort_for_programs(run, recommender):
    status, out, _ = run("sort", "bundle", "liked.csv", "--into", "mine.csv", "-n", 2, "--json")
    assert status == 0
    found = recommender.sort(segue.read("liked.csv"), into=segue.read("mine.csv"), n=2)
    assert json.loads(out) == found.to_json()


def test_sorted_playlists_are_written_with_their_new_songs(run, folder, tmp_path):
    before = (folder / "mine.csv").read_bytes()
    out = tmp_path / "sorted.json"
    status, _, err = run("sort", "bundle", "liked.csv", "--into", "mine.csv", "--out", out)
    assert status == 0, err
    assert (folder / "mine.csv").read_bytes() == before
    written, mine = ids_in(out), ids_in(folder / "mine.csv")
    assert list(written) == ["zero", "one"]
    assert written["zero"] == [*mine["zero"], "segue:track:20"]
    assert written["one"] == [*mine["one"], "segue:track:70"]
    status, _, err = run("sort", "bundle", "liked.csv", "--into", "mine.csv", "--out", out)
    assert status == 1
    assert "exists already" in err


def test_the_liked_songs_among_the_playlists_are_no_playlist(run, folder, tmp_path):
    (tmp_path / "all").mkdir()
    for name in ("liked.csv", "mine.csv"):
        (tmp_path / "all" / name).write_bytes((folder / name).read_bytes())
    alone = run("sort", "bundle", "liked.csv", "--into", "mine.csv", "--json")[1]
    status, out, err = run("sort", "bundle", "liked.csv", "--into", tmp_path / "all", "--json")
    assert (status, json.loads(out)) == (0, json.loads(alone))
    assert "left out what is to be sorted" in err


def test_tidy_for_people_and_programs(run, recommender):
    status, out, err = run("tidy", "bundle", "messy.csv")
    assert status == 0, err
    assert "May not fit" in out
    assert "Track 130" in out
    assert "in the proposed order" in out
    status, out, _ = run("tidy", "bundle", "messy.csv", "--json")
    assert json.loads(out) == recommender.tidy(segue.read("messy.csv")).to_json()
    status, out, _ = run("tidy", "bundle", "--playlist", "7", "--parts", 2, "--json")
    assert json.loads(out) == recommender.tidy(playlist="7", parts=2).to_json()


def test_what_is_applied_is_written_and_nothing_unknown_is_lost(run, folder, tmp_path):
    before = (folder / "messy.csv").read_bytes()
    out = tmp_path / "tidied.json"
    status, _, err = run("tidy", "bundle", "messy.csv", "--apply", "outliers,order", "--out", out)
    assert status == 0, err
    assert (folder / "messy.csv").read_bytes() == before
    (tracks,) = ids_in(out).values()
    assert set(tracks) == {*(f"segue:track:{t}" for t in range(15)), "unheard"}
    parts = tmp_path / "parts.json"
    status, _, err = run("tidy", "bundle", "messy.csv", "--parts", 2, "--split", "--out", parts)
    assert status == 0, err
    written = ids_in(parts)
    assert len(written) == 2
    assert sum(map(len, written.values())) == 18


def test_one_of_several_playlists(run):
    status, _, err = run("tidy", "bundle", "mine.csv")
    assert status == 1
    assert "3 playlists" in err
    status, out, _ = run("tidy", "bundle", "mine.csv", "--playlist", "two", "--json")
    assert status == 0
    assert len(json.loads(out)["songs"]) == 8
    status, _, err = run("tidy", "bundle", "mine.csv", "--playlist", "four")
    assert status == 1
    assert "'four'" in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["tidy", "bundle"], "Give SOURCE, or --playlist"),
        (["tidy", "bundle", "messy.csv", "--apply", "order"], "need --out"),
        (["tidy", "bundle", "messy.csv", "--out", "new.csv"], "--out needs --apply or --split"),
        (["tidy", "bundle", "messy.csv", "--apply", "sing", "--out", "x.csv"], "'sing' is not a"),
        (["sort", "bundle", "liked.csv"], "--into"),
        (["sort", "bundle", "liked.csv", "--into", "mine.csv", "--out", "new.doc"], "new.doc"),
        (["sort", "bundle", "nothing.csv", "--into", "mine.csv"], "nothing.csv"),
    ],
)
def test_wrong_calls(run, folder, options, says):
    status, out, err = run(*options)
    assert status != 0
    assert says in err
    assert out == ""
    assert not list(folder.glob("new*")) + list(folder.glob("x*"))


def test_the_steps_are_those_of_the_report():
    assert STEPS == tidy.STEPS


def test_an_id_counts_before_a_title(run, tmp_path):
    """A playlist that another is called like could not be chosen at all."""
    playlists = [("Mix", "Other", 1), ("a", "Mix", 2), ("b", "Twice", 3), ("c", "Twice", 4)]
    content = [
        {"playlist_id": an_id, "title": title, "tracks": [f"segue:track:{n}"]}
        for an_id, title, n in playlists
    ]
    (tmp_path / "p.json").write_text(json.dumps(content))
    status, out, _ = run("tidy", "bundle", tmp_path / "p.json", "--playlist", "Mix", "--json")
    assert (status, json.loads(out)["title"]) == (0, "Other")
    status, _, err = run("tidy", "bundle", tmp_path / "p.json", "--playlist", "Twice")
    assert status == 1
    assert "holds 2 playlists 'Twice'; give an id: b, c" in err


def test_long_titles_leave_a_table_readable(run, tmp_path):
    table(tmp_path / "mine.csv", {"zero " + "o" * 400: range(12), "one": range(40, 55)})
    status, out, _ = run("sort", "bundle", "liked.csv", "--into", tmp_path / "mine.csv")
    assert status == 0
    assert max(map(len, out.splitlines())) < 400
