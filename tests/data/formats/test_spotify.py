"""What Spotify sends and what its Web API answers."""

import json
from typing import Any

import pytest

from segue.errors import InputError


def item(number: int, **others: Any) -> dict[str, Any]:
    track = {
        "trackName": f"Song {number}", "artistName": "Alpha", "albumName": "First",
        "trackUri": f"spotify:track:{number}",
    }  # fmt: skip
    nothing = {"track": track, "episode": None, "localTrack": None, "addedDate": "2024-01-01"}
    return nothing | others


def account_playlist(name: str, *items: Any) -> dict[str, Any]:
    return {"name": name, "lastModifiedDate": "2024-01-01", "items": items, "numberOfFollowers": 0}


EPISODE = {"episodeName": "Talk", "showName": "Radio", "episodeUri": "spotify:episode:1"}
LOCAL = {"uri": "spotify:local:Alpha:First:Demo:180"}
LIBRARY = {
    "tracks": [
        {"artist": "Alpha", "album": "First", "track": "Song 1", "uri": "spotify:track:1"},
        {"artist": "Beta", "album": "Second", "track": "Song 2", "uri": "spotify:track:2"},
    ],
    "albums": [], "shows": [], "episodes": [], "bannedTracks": [], "artists": [],
}  # fmt: skip
ACCOUNT = {
    "Spotify Account Data/Playlist1.json": {
        "playlists": [
            account_playlist(
                "Road trip",
                item(1),
                item(2, track=None, episode=EPISODE),
                item(2, track=None, localTrack=LOCAL),
                item(3, track=None),
                item(4),
            ),
            account_playlist("Empty"),
        ]
    },
    "Spotify Account Data/Playlist2.json": {"playlists": [account_playlist("Road trip", item(9))]},
    "Spotify Account Data/YourLibrary.json": LIBRARY,
    "Spotify Account Data/Userdata.json": {"username": "me", "email": "me@example.org"},
    "Spotify Account Data/Follow.json": {"followerCount": 1},
    "Spotify Account Data/Read_Me_First.pdf": b"%PDF-1.4",
}


@pytest.mark.parametrize("zipped", [False, True])
def test_account_data(read_files, zipped):
    found = read_files(ACCOUNT, zipped=zipped)
    assert found.titles == {
        "Road trip": "Road trip", "Road trip (2)": "Road trip", "Liked songs": "Liked songs"
    }  # fmt: skip
    assert found.ids["Road trip"] == ["spotify:track:1", "spotify:track:4"]
    assert found.songs["Liked songs"] == [("Song 1", "Alpha"), ("Song 2", "Beta")]
    assert found.albums["First - Alpha"] == "First"
    assert found.report.set_aside == {
        "podcast episode": 1, "local file": 1, "removed track": 1, "empty playlist": 1
    }  # fmt: skip
    assert (found.report.files, found.report.passed_over) == (3, 3)


def test_what_has_no_entries(read_files):
    content = {"playlists": [account_playlist("x", item(1)), {"name": "y", "items": None}]}
    with pytest.raises(InputError, match=r"Playlist1\.json: playlists\[1\]: has no `items`"):
        read_files({"Playlist1.json": content})
    assert list(read_files({"Playlist1.json": content}, skip_bad=True).titles) == ["x"]


def track(number: int, **changes: Any) -> dict[str, Any]:
    facts = {
        "uri": f"spotify:track:{number}",
        "id": str(number),
        "type": "track",
        "name": f"Song {number}",
        "artists": [
            {"uri": "spotify:artist:a1", "name": "Alpha"},
            {"id": "a2", "name": "Tyler, The Creator"},
        ],
        "album": {"uri": "spotify:album:b1", "name": "First"},
        "external_ids": {"isrc": f"GBUM7102960{number}"},
        "is_local": False,
    }  # fmt: skip
    return facts | changes


ENTRIES = [
    {"added_at": "2024", "track": track(1)},
    {"track": None},
    {"track": track(2, uri="spotify:local:a:b:c:1", id=None, is_local=True)},
    {"track": track(3, type="episode", uri="spotify:episode:3")},
    {"track": track(4, artists=None, album=None, external_ids={})},
    None,
]
LIST = {"name": "Road trip", "id": "9", "snapshot_id": "x", "tracks": {"items": ENTRIES}}
NEWER = {
    "name": "Road trip",
    "uri": "spotify:playlist:9",
    "items": {"items": [{"item": (entry or {}).get("track")} for entry in ENTRIES]},
}


@pytest.mark.parametrize(
    "content",
    [LIST, NEWER, [LIST], {"playlists": [LIST]}, {"items": [LIST], "total": 1},
     {"playlists": {"items": [LIST]}}, {"name": "Road trip", "uri": "spotify:playlist:9",
     "tracks": ENTRIES}],
)  # fmt: skip
def test_web_api(read_files, content):
    found = read_files({"answer.json": content, "README": "nothing"})
    (playlist_id,) = found.titles
    assert found.titles[playlist_id] == "Road trip"
    assert found.songs[playlist_id] == [("Song 1", "Alpha", "Tyler, The Creator"), ("Song 4",)]
    assert found.artists == {
        "spotify:artist:a1": "Alpha", "spotify:artist:a2": "Tyler, The Creator"
    }  # fmt: skip
    assert found.albums == {"spotify:album:b1": "First"}
    assert found.aliases == {"spotify:track:1": ["isrc:GBUM71029601"]}
    assert found.report.set_aside == {"removed track": 2, "local file": 1, "podcast episode": 1}


@pytest.mark.parametrize(
    "content", [{"items": ENTRIES, "total": 6}, ENTRIES, {"items": [track(1), track(4)]}]
)
def test_a_page_of_the_web_api_is_called_as_its_file(read_files, content):
    found = read_files({"liked.json": content})
    assert found.titles == {"liked": "liked"}
    assert found.ids["liked"] == ["spotify:track:1", "spotify:track:4"]


def test_entries_that_say_nothing_but_their_tracks(read_files):
    found = read_files({"liked.json": [{"track": track(1)}, {"track": track(4)}]})
    assert found.ids["liked"] == ["spotify:track:1", "spotify:track:4"]
    bare = [{"track": {"id": "1", "name": "One", "artists": [{"name": "Alpha"}]}}]
    assert read_files({"liked.json": bare}).songs["liked"] == [("One", "Alpha")]


@pytest.mark.parametrize("key", ["tracks", ""])
def test_a_page_says_how_much_is_on_the_others(read_files, key):
    page = {"items": ENTRIES, "total": 250, "next": "https://…", "offset": 100}
    found = read_files({"a.json": {"name": "x", "id": "9", key: page} if key else page})
    assert found.report.set_aside["later-page song"] == 144


def test_a_page_of_playlists_without_their_tracks(read_files):
    content = {"items": [{"name": "x", "snapshot_id": "1", "tracks": {"href": "…", "total": 4}}]}
    with pytest.raises(InputError, match=r"a\.json: playlist 1: is listed without its tracks"):
        read_files({"a.json": content})


def test_json_that_is_cut_off(read_files):
    for content in (LIST, ACCOUNT["Spotify Account Data/Playlist1.json"]):
        text = json.dumps(content)[:-5]
        with pytest.raises(InputError, match=r"a\.json: line 1: not complete JSON"):
            read_files({"a.json": text})
