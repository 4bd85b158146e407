"""The library of iTunes and Apple Music as XML."""

import plistlib

import pytest

from segue.errors import InputError

LIBRARY = {
    "Major Version": 1,
    "Tracks": {
        "7": {"Track ID": 7, "Name": "Jóga", "Artist": "Björk", "Album": "Homogenic"},
        "9": {"Track ID": 9, "Name": "Delilah", "Artist": "Queen"},
        "11": {"Track ID": 11, "Name": "Talk", "Podcast": True},
        "13": {"Track ID": 13, "Artist": "Nobody"},
    },
    "Playlists": [
        {"Name": "Library", "Master": True, "Playlist Items": [{"Track ID": 7}, {"Track ID": 9}]},
        {"Name": "Music", "Distinguished Kind": 4, "Playlist Items": [{"Track ID": 7}]},
        {"Name": "A folder", "Folder": True, "Playlist Items": [{"Track ID": 7}]},
        {"Name": "Mix", "Playlist Items": [{"Track ID": n} for n in (9, 7, 11, 13, 99)]},
        {"Name": "Nothing"},
    ],
}


def test_a_library(read_files):
    found = read_files({"Library.xml": plistlib.dumps(LIBRARY), "a.txt": "x"})
    assert found.songs == {"Mix": [("Delilah", "Queen"), ("Jóga", "Björk")]}
    assert found.albums == {"Homogenic - Björk": "Homogenic"}
    assert found.report.set_aside == {
        "podcast episode": 1, "nameless track": 1, "removed track": 1, "empty playlist": 1
    }  # fmt: skip


def test_what_is_no_library(read_files):
    whole = plistlib.dumps(LIBRARY)
    for content in (
        whole[:-300],
        whole.replace(b"UTF-8", b"ATF-8"),
        whole.replace(b"<integer>9</integer>", b"<integer>x</integer>"),
        whole.replace(b"<plist", b'<!DOCTYPE x [<!ENTITY y "z">]><plist').replace(b"Queen", b"&y;"),
    ):
        with pytest.raises(InputError, match=r"Library\.xml: whole file: is not a property list"):
            read_files({"Library.xml": content})
