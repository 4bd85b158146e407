"""Playlists of one's own: read from any form, matched, continued, written."""

import json

import pytest

import segue

pytestmark = pytest.mark.usefixtures("in_the_folder")


@pytest.fixture(scope="module")
def folder(planted_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    planted_bundle.save(folder / "bundle")
    (folder / "mine.csv").write_text(
        "playlist,track_id,track,artist\n"
        "one,x:1,track 3 - Remastered 2011,ARTIST 3\n"
        "one,x:2,Track 8,Artist 3\n"
        "one,x:3,Nowhere,Nobody\n"
        "two,segue:track:20,Track 20,Artist 0\n"
        "none,x:4,No song,Nobody\n"
    )
    return folder


def tracks_in(path) -> list[list[str]]:
    collection = segue.read(path)
    ids = collection.catalog.track_ids.to_pylist()
    lists = collection.playlists.tracks
    return [[ids[row] for row in lists[at]] for at in range(len(lists))]


def test_each_playlist_is_continued(run, recommender, tmp_path):
    out = tmp_path / "next.json"
    status, shown, err = run("complete", "bundle", "--from", "mine.csv", "-n", 3, "--out", out)
    assert status == 0
    assert shown == "", "several lists are in the file"
    lines = err.splitlines()
    assert lines[0] == "mine.csv: 3 playlists, 5 songs: 3 found, 0 unsure, 2 missing"
    assert lines[1:3] == ["  missing: Nobody - Nowhere", "  missing: Nobody - No song"]
    assert lines[3] == "1 playlist without a known song: not continued"
    assert lines[4] == f"6 songs in 2 playlists written to {out}"
    seeds = [["segue:track:3", "segue:track:8"], ["segue:track:20"]]
    expected = [recommender.complete(tracks=one, n=3, ordered=len(one) > 3).tracks for one in seeds]
    assert tracks_in(out) == [[track.track_id for track in one] for one in expected]
    assert segue.read(out).playlists.titles.to_pylist() == ["one, continued", "two, continued"]
    assert [one["continues"] for one in json.loads(out.read_text())] == ["one", "two"]


def test_the_songs_given_come_first_as_they_were(run, tmp_path):
    args = ["--from", "mine.csv", "-n", 2, "--with-given", "--format", "json"]
    run("complete", "bundle", *args, "--out", tmp_path / "both")
    assert [one[:-2] for one in tracks_in(tmp_path / "both")] == [
        ["x:1", "x:2", "x:3"],
        ["segue:track:20"],
    ]


def test_several_lists_go_into_a_folder_where_a_file_holds_one(run, tmp_path):
    args = ["complete", "bundle", "--from", "mine.csv", "-n", 2]
    status, _, err = run(*args, "--out", tmp_path / "x.m3u8")
    assert status == 1
    way = f"--out {tmp_path / 'x'} --format m3u8"
    assert f"M3U8 holds one playlist a file; give a folder, and the format: {way}\n" in err
    assert run(*args, "--out", tmp_path / "lists", "--format", "m3u8")[0] == 0
    names = sorted(path.name for path in (tmp_path / "lists").iterdir())
    assert names == ["one-continued.m3u8", "two-continued.m3u8"]


def test_lists_are_shown_where_they_go_into_no_file(run):
    _, shown, _ = run("complete", "bundle", "--from", "mine.csv", "-n", 2)
    assert "Recommended for one" in shown
    assert "Recommended for two" in shown
    _, shown, _ = run("complete", "bundle", "--from", "mine.csv", "-n", 2, "--json")
    assert [len(one["tracks"]) for one in json.loads(shown)] == [2, 2]


def test_what_is_said_fits_a_screen(run, tmp_path):
    rows = [f"all,x:{n},Unheard of {n},Nobody" for n in range(300)]
    rows += [f"all,y:{n},Track {n},Artist 99" for n in range(60)]
    rows += ["all,segue:track:1,Track 1,Artist 1"]
    (tmp_path / "long.csv").write_text("\n".join(["playlist,track_id,track,artist", *rows]))
    _, _, err = run("complete", "bundle", "--from", tmp_path / "long.csv", "-n", 2)
    assert "1 playlist, 361 songs" in err
    assert "more song" in err
    assert len(err.splitlines()) <= 24


def test_nothing_known_is_an_error(run, tmp_path):
    (tmp_path / "none.csv").write_text("playlist,track_id,track,artist\na,x:1,No song,Nobody\n")
    status, shown, err = run("complete", "bundle", "--from", tmp_path / "none.csv")
    assert (status, shown) == (1, "")
    assert err.splitlines()[-1].startswith("segue: none of these songs was found in the bundle")


@pytest.mark.parametrize("more", [["3"], ["--track", "Track 3"], []])
def test_one_source_of_songs(run, more):
    args = ["--from", "mine.csv"] if more else []
    status, _, err = run("complete", "bundle", *more, *args)
    assert status == 2
    assert "Give one of PLAYLIST, the tracks by --track, and --from FILE" in err


# `segue recommend --playlists` reads the same, and lists of ids, and the challenge's file.


def test_new_playlists_by_ids(run, recommender, tmp_path):
    content = [
        {"playlist_id": "mine", "tracks": ["segue:track:9", "unknown:1", "segue:track:2"]},
        {"playlist_id": 7, "tracks": ["unknown:1"]},
        {"playlist_id": "8", "title": "untitled", "tracks": []},
    ]
    (tmp_path / "new.json").write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    out = tmp_path / "r.csv"
    args = ["recommend", "bundle", "--playlists", tmp_path / "new.json", "-n", 2, "--out", out]
    status, _, err = run(*args)
    assert status == 0
    assert "3 playlists, 3 songs: 2 found, 0 unsure, 1 missing" in err
    assert "2 playlists without a known track: the most popular tracks" in err
    single = recommender.complete(tracks=["segue:track:9", "segue:track:2"], n=2)
    popular = recommender.complete(tracks=[], n=2)
    found = [[t.track_id for t in one.tracks] for one in (single, popular, popular)]
    assert tracks_in(out) == found


def test_the_file_of_the_challenge(run, tmp_path):
    """Some of its playlists have a title and no track, some tracks and no title."""
    known = {"track_uri": "segue:track:3", "track_name": "Track 3", "artist_uri": "a"}
    strange = {"track_uri": "spotify:track:x", "track_name": "X", "artist_uri": "b"}
    more = {"artist_name": "", "album_uri": "c", "album_name": ""}
    tracks = [known | more | {"pos": 0}, strange | more | {"pos": 1}]
    facts = {"num_holdouts": 3, "num_samples": 0, "num_tracks": 3}
    content = {
        "name": "challenge set",
        "playlists": [
            {"pid": 1000002, "name": "rock", "tracks": [], **facts},
            {"pid": 1000003, "tracks": tracks, **facts},
        ],
    }
    (tmp_path / "challenge_set.json").write_text(json.dumps(content))
    args = ["--playlists", tmp_path / "challenge_set.json", "-n", 4, "--out", tmp_path / "r.csv"]
    status, _, err = run("recommend", "bundle", *args)
    assert status == 0
    assert "2 playlists, 2 songs: 1 found, 0 unsure, 1 missing" in err
    assert [len(one) for one in tracks_in(tmp_path / "r.csv")] == [4, 4]


def test_titles_alone_are_playlists(run, tmp_path):
    (tmp_path / "t.json").write_text('[{"playlist_id": 1, "title": "rock", "tracks": []}]')
    args = ["--playlists", tmp_path / "t.json", "-n", 4, "--out", tmp_path / "r.json"]
    assert run("recommend", "bundle", *args)[0] == 0
    assert [len(one) for one in tracks_in(tmp_path / "r.json")] == [4]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[{"playlist_id": "a", "tracks": []', r"expected a JSON list of playlists"),
        ('[{"playlist_id": "a"}]', "tracks"),
        ('[{"playlist_id": 1, "tracks": []}, {"playlist_id": "1", "tracks": []}]', "once"),
        ("[]", "new.json: "),
    ],
)
def test_new_playlists_that_are_refused(run, tmp_path, content, says):
    (tmp_path / "new.json").write_text(content)
    out = tmp_path / "r.csv"
    args = ["recommend", "bundle", "--playlists", tmp_path / "new.json", "--out", out]
    status, _, err = run(*args)
    assert status == 1
    assert says in err.splitlines()[-1]
    assert not out.exists()


def test_what_is_read_is_not_written_over(run, tmp_path):
    """`--overwrite` replaced a playlist by its own continuation."""
    mine = tmp_path / "mine.m3u8"
    content = "#EXTM3U\nsegue:track:1\nsegue:track:2\n"
    mine.write_text(content)
    for source in (mine, tmp_path):
        status, _, err = run("complete", "bundle", "--from", source, "--out", mine, "--overwrite")
        assert status == 1
        assert f"{mine}: is read here, so it is not written over" in err
    out = ["--format", "m3u8", "--out", tmp_path, "--overwrite"]
    assert run("complete", "bundle", "--from", mine, *out)[0] == 1
    into = ["sort", "bundle", mine, "--into", tmp_path, "--out", mine, "--overwrite"]
    assert run(*into)[0] == 1
    assert run("tidy", "bundle", mine, "--apply", "order", "--out", mine, "--overwrite")[0] == 1
    assert mine.read_text() == content


def test_titles_alone_are_continued(run, recommender, tmp_path):
    """They were "not continued", though `recommend --playlists` answers them."""
    one = '{"playlist_id": 1, "title": "rock", "tracks": []}'
    other = '{"playlist_id": 2, "tracks": ["segue:track:1"]}'
    (tmp_path / "t.json").write_text(f"[{one}, {other}]")
    out = ["-n", 4, "--out", tmp_path / "r.json"]
    status, _, err = run("complete", "bundle", "--from", tmp_path / "t.json", *out)
    assert status == 0, err
    assert "not continued" not in err
    popular = [track.track_id for track in recommender.complete(tracks=[], n=4).tracks]
    assert tracks_in(tmp_path / "r.json")[0] == popular


def test_a_terminal_gets_no_control_characters_of_file_names(run, tmp_path):
    path = tmp_path / "a\x1b[31m.csv"
    path.write_text("playlist,track_id,track,artist\none,segue:track:1,a,b\n")
    status, out, err = run("complete", "bundle", "--from", path)
    assert status == 0
    assert "\x1b" not in out + err


def test_only_songs_by_name(run, tmp_path):
    (tmp_path / "only.txt").write_text("Artist 3 - Track 8\nNobody - Nothing\n")
    args = ["--track", "segue:track:20", "--only-tracks", tmp_path / "only.txt", "--json"]
    status, out, err = run("complete", "bundle", *args)
    assert status == 0, err
    assert [track["track_name"] for track in json.loads(out)["tracks"]] == ["Track 8"]
    assert "1 line of" in err


def test_a_folder_is_not_called_as_a_file(run, tmp_path):
    out = ["--out", tmp_path / "x.m3u8", "--format", "m3u8"]
    status, _, err = run("complete", "bundle", "--from", "mine.csv", *out)
    assert status == 1
    assert "holds one playlist a file; give a folder" in err
    assert not (tmp_path / "x.m3u8").exists()


def test_an_encoding_that_is_stated_or_guessed(run, tmp_path):
    (tmp_path / "mix.m3u").write_bytes(
        b"#EXTM3U\n#EXTINF:1,Artist 3 - Track 3\n1.mp3\n"
        + "#EXTINF:1,Кино - Группа крови\n2.mp3\n".encode("cp1251")
    )
    asked = ["complete", "bundle", "--from", tmp_path / "mix.m3u", "-n", 1]
    status, _, err = run(*asked)
    assert status == 0
    assert "mix.m3u: not UTF-8, read as cp1251; that is a guess, --encoding states another" in err
    assert "missing: Кино - Группа крови" in err
    status, _, err = run(*asked, "--encoding", "koi8-r")
    assert status == 0
    assert "guess" not in err
    assert "missing: йХМН" in err
    status, _, err = run(*asked, "--encoding", "utf-8")
    assert status == 1
    assert "mix.m3u: is not UTF-8 text; another encoding has to be stated" in err
    tidied = run("tidy", "bundle", tmp_path / "mix.m3u", "--encoding", "cp1251")
    assert "missing: Кино - Группа крови" in tidied[2]
    lists = run("recommend", "bundle", "--playlists", tmp_path / "mix.m3u", "--encoding", "cp1251",
                "--out", tmp_path / "out.json")  # fmt: skip
    assert lists[0] == 0


@pytest.mark.parametrize(
    "args",
    [
        ("complete", "bundle", "--track", "Track 3", "--encoding", "cp1251"),
        ("title", "bundle", "Track 3", "--encoding", "cp1251"),
        ("tidy", "bundle", "--playlist", "p", "--encoding", "cp1251"),
        ("recommend", "bundle", "--all", "--out", "x.json", "--encoding", "cp1251"),
    ],
)
def test_an_encoding_of_nothing(run, args):
    status, _, err = run(*args)
    assert status == 2
    assert "--encoding is for" in err


def test_a_list_that_was_written_is_read_without_remarks(run, tmp_path):
    """Its scores are its own, and a list that continues another is not continued twice."""
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    run("complete", "bundle", "--from", "mine.csv", "-n", 3, "--out", first)
    _, _, err = run("build", first, "--out", tmp_path / "graph")
    assert "not used" not in err
    run("complete", "bundle", "--from", first, "-n", 3, "--out", second)
    assert segue.read(second).playlists.titles.to_pylist() == ["one, continued", "two, continued"]


def test_lists_without_a_title(run, tmp_path):
    track = {"trackName": "Track 3", "artistName": "Artist 3", "albumName": "x"}
    item = {"track": {**track, "trackUri": "segue:track:3"}, "episode": None, "localTrack": None}
    lists = [{"name": name, "lastModifiedDate": "2024", "items": [item]} for name in ("", "Mix")]
    (tmp_path / "Playlist1.json").write_text(json.dumps({"playlists": lists}))
    out = tmp_path / "out.json"
    run("complete", "bundle", "--from", tmp_path / "Playlist1.json", "-n", 1, "--out", out)
    titles = [one["title"] for one in json.loads(out.read_text())]
    assert titles == ["Playlist 1, continued", "Mix, continued"]
