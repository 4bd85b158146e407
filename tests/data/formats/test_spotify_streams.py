"""Spotify's streaming histories: sessions of listening, or what was played most."""

from typing import Any

import pytest

from segue.errors import InputError


def brief(when: str, title: str, played: int = 200_000, **others: Any) -> dict[str, Any]:
    """As in the history of a year."""
    return {"endTime": when, "artistName": "Alpha", "trackName": title, "msPlayed": played} | others


def full(when: str, title: str | None, played: int = 200_000, **others: Any) -> dict[str, Any]:
    """As in the history of all years."""
    facts = {
        "ts": when,
        "ms_played": played,
        "master_metadata_track_name": title,
        "master_metadata_album_artist_name": title and "Alpha",
        "master_metadata_album_album_name": title and "First",
        "spotify_track_uri": title and f"spotify:track:{title}",
        "episode_name": None,
        "spotify_episode_uri": None,
    }
    return facts | others


YEAR = {
    "StreamingHistory_music_0.json": [
        brief("2024-05-01 10:00", "One"),
        brief("2024-05-01 10:04", "Two"),
        brief("2024-05-01 10:04", "Skipped", 2_000),
        brief("2024-05-01 10:20", "One"),
        brief("2024-05-02 10:00", "Three"),
    ],
    "StreamingHistory_music_1.json": [
        brief("2024-05-02 10:04", "One"),
        brief("2024-05-09 10:04", "Two"),
    ],
    "StreamingHistory_podcast_0.json": [
        {"endTime": "2024-05-01 11:00", "podcastName": "Radio", "episodeName": "Talk",
         "msPlayed": 90_000}
    ],
}  # fmt: skip


def test_sessions(read_files):
    found = read_files(YEAR)
    assert list(found.songs.values()) == [
        [("One", "Alpha"), ("Two", "Alpha")], [("Three", "Alpha"), ("One", "Alpha")]
    ]  # fmt: skip
    assert found.report.set_aside == {"brief stream": 1, "podcast episode": 1, "short session": 1}
    assert found.report.ordered_playlists == 2
    assert found.ids["2024-05-01T10:00:00"] == ["One - Alpha", "Two - Alpha"]


def test_what_was_played_most(read_files):
    (tracks,) = read_files(YEAR, top=2).ids.values()
    assert tracks == ["One - Alpha", "Two - Alpha"]


def test_the_history_of_all_years(read_files):
    streams = [
        full("2024-05-01T10:04:09Z", "Two"),
        full("2024-05-01T10:00:00Z", "One"),
        full("2024-05-01T10:06:00Z", None, spotify_episode_uri="spotify:episode:1"),
        full("2024-05-01T10:07:00Z", None),
        full("2024-05-01T10:08:00Z", None, audiobook_chapter_uri="spotify:chapter:1"),
    ]
    found = read_files({"x/Streaming_History_Audio_2024_1.json": streams}, zipped=True)
    assert found.ids == {"2024-05-01T10:00:00": ["spotify:track:One", "spotify:track:Two"]}
    assert found.albums == {"First - Alpha": "First"}
    assert found.report.set_aside == {
        "podcast episode": 1, "removed track": 1, "audiobook chapter": 1
    }  # fmt: skip


def test_beside_playlists_histories_are_not_read(read_files, capsys):
    track = {"trackName": "x", "artistName": "y", "trackUri": "spotify:track:1"}
    playlist = {"name": "mix", "lastModifiedDate": "2024", "items": [{"track": track}]}
    found = read_files(YEAR | {"Playlist1.json": {"playlists": [playlist]}}, progress=True)
    assert list(found.titles) == ["mix"]
    said = capsys.readouterr().err
    assert "3 files of what was heard not read: Streaming" in said


def test_a_stream_without_a_time(read_files):
    streams = [full("2024-05-01T10:00:00Z", "One"), full("never", "Two")]
    with pytest.raises(InputError, match=r"a\.json: stream 2: has no date and time"):
        read_files({"a.json": streams})
    assert read_files({"a.json": streams}, skip_bad=True, min_length=1).report.skipped == 1
