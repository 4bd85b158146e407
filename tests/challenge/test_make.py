"""What is held out, how it is cut, and what is left for training."""

import json
from collections import Counter
from pathlib import Path

import pytest

from segue.challenge.challenge_set import read_challenge
from segue.challenge.kinds import KINDS
from segue.challenge.making import make
from segue.data.reading import read
from segue.errors import ArtefactError, InputError


def playlists_of(folder: Path) -> dict[int, dict]:
    """All playlists of some slices, by pid."""
    slices = [json.loads(path.read_text()) for path in folder.glob("mpd.slice.*.json")]
    return {playlist["pid"]: playlist for each in slices for playlist in each["playlists"]}


def answers_of(folder: Path) -> dict[int, list[dict]]:
    content = json.loads((folder / "answers.json").read_text())
    return {answer["pid"]: answer["tracks"] for answer in content["playlists"]}


def test_every_kind_is_cut_as_the_challenge_cuts_it(made, source, set_of):
    whole, answers = playlists_of(source), answers_of(made)
    assert len(set_of) == 30
    for number, kind in enumerate(KINDS):
        for playlist in set_of[3 * number : 3 * number + 3]:
            full = whole[playlist["pid"]]
            assert ("name" in playlist) is kind.titled
            if kind.titled:
                assert playlist["name"] == full["name"]
            assert kind.shortest <= playlist["num_tracks"] == len(full["tracks"]) <= kind.longest
            assert playlist["num_samples"] == len(playlist["tracks"]) == kind.num_given
            assert playlist["num_holdouts"] == playlist["num_tracks"] - kind.num_given
            places = [track["pos"] for track in playlist["tracks"]]
            assert places == sorted(places)
            assert (places == list(range(kind.num_given))) is not kind.at_random
            # What is shown is said as the source says it, and the rest is the answer.
            assert playlist["tracks"] == [full["tracks"][place] for place in places]
            hidden = [track for track in full["tracks"] if track["pos"] not in places]
            assert answers[playlist["pid"]] == [
                {name: track[name] for name in ("pos", "track_uri", "artist_uri")}
                for track in hidden
            ]


def test_fields_are_those_of_the_challenge(set_of):
    of_track = {
        "pos", "artist_name", "artist_uri", "track_uri", "track_name", "album_uri", "album_name",
        "duration_ms",
    }  # fmt: skip
    for playlist in set_of:
        assert {*playlist} - {"name"} == {
            "pid", "num_holdouts", "num_samples", "num_tracks", "tracks",
        }  # fmt: skip
        assert all({*track} == of_track for track in playlist["tracks"])


def test_training_never_sees_what_is_held_out_and_knows_every_track(made, source, set_of):
    whole, left = playlists_of(source), playlists_of(made / "training")
    held_out = {playlist["pid"] for playlist in set_of}
    assert {*left} == {*whole} - held_out
    assert all(left[pid] == whole[pid] for pid in left)
    known = {track["track_uri"] for playlist in left.values() for track in playlist["tracks"]}
    for pid in held_out:
        assert {track["track_uri"] for track in whole[pid]["tracks"]} <= known


def test_tracks_that_stand_nowhere_else_keep_a_playlist_from_being_held_out(source, tmp_path):
    whole = playlists_of(source)
    for pid, playlist in whole.items():
        if pid % 2:
            playlist["tracks"][-1]["track_uri"] = f"spotify:track:only-{pid}"
    folder = tmp_path / "slices"
    folder.mkdir()
    (folder / "mpd.slice.0-999.json").write_text(json.dumps({"playlists": list(whole.values())}))
    make(folder, tmp_path / "out", per_kind=8)
    assert all(pid % 2 == 0 for pid in answers_of(tmp_path / "out"))


def test_the_seed_decides(source, tmp_path, made):
    make(source, tmp_path / "same", per_kind=3)
    make(source, tmp_path / "other", per_kind=3, rng_seed=1)
    assert answers_of(tmp_path / "same") == answers_of(made)
    assert {*answers_of(tmp_path / "other")} != {*answers_of(made)}


def test_without_titles_only_kinds_without_one(write_source, tmp_path):
    source = write_source(tmp_path / "slices", title="Playlist {}")
    found = make(source, tmp_path / "out", per_kind=4)
    assert {kind: n for kind, n in found.per_kind.items() if n} == {"first 5": 4, "first 10": 4}
    assert (found.without_title, found.num_training) == (400, 392)


def test_kinds_with_the_first_tracks_need_a_known_order(source, tmp_path):
    found = make(source, tmp_path / "out", per_kind=2, order="unknown")
    there = {kind for kind, n in found.per_kind.items() if n}
    assert there == {"title", "title + random 25", "title + random 100"}


def test_any_length_takes_what_leaves_a_track_to_find(tmp_path):
    lists = [["a", "b", "c", "d", "e", "f"], ["f", "e", "a", "b", "d", "c"]] * 12
    source = {f"summer {number}": tracks for number, tracks in enumerate(lists)}
    with pytest.raises(InputError, match=r"no playlist can be held out.*--any-length"):
        make(source, tmp_path / "out", per_kind=1)
    assert not (tmp_path / "out").exists()
    make(source, tmp_path / "out", per_kind=1, any_length=True, order="known")
    challenge = read_challenge(tmp_path / "out")
    # By title alone, with one track, and with five of the six, with and without title.
    assert Counter(each.num_holdouts for each in challenge.asked) == {6: 1, 5: 1, 1: 2}


def test_a_table_becomes_slices_with_all_that_it_says(tmp_path):
    rows = ["playlist,title,track,track_name,artist,artist_name"]
    for number in range(40):
        for place in range(12):
            row = (5 * number + 7 * place) % 30
            rows.append(f"p{number},late night {number % 3},t{row},Song {row},a{row % 4},Band")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows))
    found = make(table, tmp_path / "out", per_kind=2, order="known")
    before, after = read(table, order="known"), read(tmp_path / "out" / "training")
    assert found.num_training == len(after.playlists) == 40 - sum(found.per_kind.values())
    assert after.catalog.track_names.to_pylist().count("Song 3") == 1
    pids = after.playlists.ids.to_pylist()
    for row, pid in enumerate(pids):
        ours, theirs = after.playlists.tracks[row], before.playlists.tracks[int(pid)]
        assert [after.catalog.track_ids[int(t)].as_py() for t in ours] == [
            before.catalog.track_ids[int(t)].as_py() for t in theirs
        ]
    by = after.catalog.artist_of(after.playlists.tracks[0]).to_pylist()
    assert set(by) == {"Band"}


def test_an_unknown_order_stays_unknown(tmp_path):
    lists = {f"set {n}": [f"t{(7 * n + 3 * k) % 50:02d}" for k in range(12)] for n in range(60)}
    make(lists, tmp_path / "out", per_kind=5, order="unknown")
    found = read(tmp_path / "out" / "training")
    assert not found.playlists.order_known.any()
    assert not len(found.catalog.artists)


def test_a_core_leaves_out_rare_tracks_everywhere(source, tmp_path):
    whole = playlists_of(source)
    for pid, playlist in whole.items():
        playlist["tracks"][-1]["track_uri"] = f"spotify:track:only-{pid}"
    folder = tmp_path / "slices"
    folder.mkdir()
    (folder / "mpd.slice.0-999.json").write_text(json.dumps({"playlists": list(whole.values())}))
    with pytest.raises(InputError, match="no playlist can be held out"):
        make(folder, tmp_path / "out", per_kind=2)
    make(folder, tmp_path / "out", per_kind=2, k_core=3)
    challenge = read_challenge(tmp_path / "out")
    assert len(challenge.asked) == 20
    for playlist in challenge.asked:
        assert playlist.num_tracks == len(whole[playlist.pid]["tracks"]) - 1
    for playlist in playlists_of(tmp_path / "out" / "training").values():
        assert "only" not in json.dumps(playlist)
        assert playlist["num_tracks"] == len(playlist["tracks"])


def test_a_repeated_track_counts_once_and_is_never_given_and_asked(source, tmp_path):
    whole = playlists_of(source)
    for playlist in whole.values():
        playlist["tracks"].insert(1, {**playlist["tracks"][0], "pos": 0})
        playlist["tracks"] = [{**t, "pos": n} for n, t in enumerate(playlist["tracks"])]
    folder = tmp_path / "slices"
    folder.mkdir()
    (folder / "mpd.slice.0-999.json").write_text(json.dumps({"playlists": list(whole.values())}))
    make(folder, tmp_path / "out", per_kind=3)
    for playlist in read_challenge(tmp_path / "out").asked:  # which refuses what is in both
        assert playlist.num_tracks == len(whole[playlist.pid]["tracks"]) - 1
        assert len(playlist.track_uris) == playlist.num_samples


def test_bad_records_are_skipped_on_request(source, tmp_path):
    whole = playlists_of(source)
    whole[7]["tracks"][2]["track_name"] = None
    whole[8]["tracks"] = "none"
    folder = tmp_path / "slices"
    folder.mkdir()
    (folder / "mpd.slice.0-999.json").write_text(json.dumps({"playlists": list(whole.values())}))
    with pytest.raises(InputError, match="track_name: expected"):
        make(folder, tmp_path / "out", per_kind=3)
    found = make(folder, tmp_path / "out", per_kind=3, skip_bad=True)
    assert found.num_training == 399 - 30
    left = playlists_of(tmp_path / "out" / "training")
    assert 8 not in left
    assert len(left[7]["tracks"]) == len(whole[7]["tracks"]) - 1


def test_too_many_to_hold_out_are_refused(source, tmp_path):
    with pytest.raises(InputError, match=r"of 400 playlists leaves too little .* about 8 per kind"):
        make(source, tmp_path / "out", per_kind=20)
    assert not list(tmp_path.iterdir())


def test_only_an_older_challenge_is_replaced(source, made, tmp_path):
    with pytest.raises(ArtefactError, match="--overwrite"):
        make(source, made, per_kind=2)
    (tmp_path / "mine").write_text("notes")
    with pytest.raises(ArtefactError, match="not a folder that Segue made"):
        make(source, tmp_path, per_kind=2, overwrite=True)
    make(source, tmp_path / "out", per_kind=2)
    make(source, tmp_path / "out", per_kind=1, overwrite=True)
    assert len(read_challenge(tmp_path / "out").asked) == 10
