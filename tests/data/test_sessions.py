"""Listening histories as playlists: sessions, and what is played most."""

import numpy as np
import pytest

from segue.data.reading import read
from segue.data.sessions import Listening, most_played, seconds
from segue.errors import InputError

HISTORY = """user_id,track_id,timestamp
ann,t2,1700000600
ann,t1,1700000000
bob,t1,1700000100
ann,t3,1700002500
ann,t3,1700002600
ann,t1,1700002700
bob,t9,1700009000
"""


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(HISTORY)
    return path


def lists(found) -> dict[str, list[str]]:
    ids = found.catalog.track_ids.to_pylist()
    named = zip(found.playlists.ids.to_pylist(), found.playlists.tracks, strict=True)
    return {name: [ids[track] for track in tracks] for name, tracks in named}


class TestSessions:
    def test_a_session_ends_where_nothing_is_played(self, history):
        found = read(history, session_gap=30)
        assert lists(found) == {
            "ann 2023-11-14T22:13:20": ["t1", "t2"],
            "ann 2023-11-14T22:55:00": ["t3", "t1"],
        }
        assert found.playlists.order_known.all(), "times say the order, sorted ids or not"
        assert found.report.set_aside == {"short session": 2}
        assert found.report.rows == 7

    def test_a_longer_gap_and_sessions_of_one(self, history):
        assert list(lists(read(history, session_gap=32)).values()) == [["t1", "t2", "t3"]]
        found = read(history, session_gap=32, min_length=1)
        assert list(lists(found).values()) == [["t1", "t2", "t3"], ["t1"], ["t9"]]

    def test_the_most_played_tracks_are_one_list(self, history):
        found = read(history, top=2)
        assert lists(found) == {"ann": ["t1", "t3"], "bob": ["t1", "t9"]}
        assert not found.playlists.order_known.any()
        assert list(lists(read(history, top=1, min_length=1)).values()) == [["t1"], ["t1"]]

    @pytest.mark.parametrize(
        ("options", "remedy"),
        [
            ({"min_length": 50}, "of fewer than 50 tracks: lower --min-length"),
            ({"top": 1}, "2 lists of fewer than 2 tracks: raise --top or lower --min-length"),
        ],
    )
    def test_if_all_lists_are_too_short_it_says_what_helps(self, history, options, remedy):
        with pytest.raises(InputError, match=remedy):
            read(history, **options)

    def test_plays_count_where_a_table_has_them(self, tmp_path):
        path = tmp_path / "plays.csv"
        path.write_text("user_id,song_id,play_count\nann,a,2\nann,b,9\nann,c,5\nbob,a,1\nbob,b,1\n")
        assert lists(read(path, top=2)) == {"ann": ["b", "c"], "bob": ["a", "b"]}
        assert lists(read(path))["ann"] == ["a", "b", "c"]

    def test_times_as_they_are_written(self, tmp_path):
        path = tmp_path / "times.csv"
        path.write_text(
            "user,track,artist,date\nann,a,x,2024-01-01 10:00\nann,b,x,2024-01-01T10:10:00Z\n"
            "ann,c,x,2024-01-01 12:00:00.5\nann,d,x,2024-01-01 12:01\n"
        )
        found = read(path, session_gap=15)
        assert lists(found) == {
            "ann 2024-01-01T10:00:00": ["a", "b"],
            "ann 2024-01-01T12:00:00": ["c", "d"],
        }

    def test_a_table_without_times_is_refused(self, tmp_path):
        path = tmp_path / "lists.csv"
        path.write_text("pid,track,artist\n1,a,x\n")
        with pytest.raises(InputError, match="no column recognised as the time of a listen"):
            read(path, session_gap=30)

    def test_listeners_in_several_files_are_the_same(self, tmp_path):
        for number in (1, 2):
            (tmp_path / f"{number}.csv").write_text(
                f"user_id,track_id,timestamp\n0,t{number},{1700000000 + number}\n"
            )
        found = read(tmp_path, session_gap=30)
        assert lists(found) == {"0 2023-11-14T22:13:21": ["t1", "t2"]}
        assert found.report.merged == 0


class TestListening:
    @pytest.mark.parametrize(
        "options",
        [
            {"session_gap": 0},
            {"session_gap": float("nan")},
            {"min_length": 0},
            {"top": 0},
            {"top": 1.5},
            {"session_gap": "3"},
        ],
    )
    def test_what_is_out_of_range(self, options):
        with pytest.raises(InputError, match=f"{next(iter(options))} is"):
            Listening(**options)

    @pytest.mark.parametrize("scale", [1, 1e3, 1e6, 1e9])
    def test_times_in_any_unit_are_seconds(self, scale):
        times = np.array([1.7e9, 1.2e9])
        assert seconds(times * scale) == pytest.approx(times)

    def test_of_equals_the_first_counts(self):
        chosen = most_played(np.array([0, 0, 0, 1]), np.array([5, 3, 5, 3]), None, 9)
        assert chosen.tolist() == [0, 1, 3]
