"""No reader of playlist files raises anything but InputError, whatever a file holds."""

import io
import json
import plistlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.collection import Source
from segue.data.formats import FORMATS
from segue.data.source_file import SourceFile
from segue.errors import InputError

_MBID = "https://musicbrainz.org/recording/b1a9c0e9-d987-4042-ae91-78d6a3267d69"
SAMPLES = {
    "a.m3u8": b"#EXTM3U\n#PLAYLIST:x\n#EXTINF:1,Queen - Delilah\nQueen/Innuendo/08 Delilah.mp3\n",
    "a.pls": b"[playlist]\nFile1=Queen/1.mp3\nTitle1=Queen - Delilah\n",
    "a.xspf": (
        b'<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/"><title>x</title><trackList>'
        b"<track><title>Delilah</title><creator>Queen</creator></track></trackList></playlist>"
    ),
    "a.jspf": json.dumps(
        {"playlist": {"title": "x", "track": [{"title": "Delilah", "identifier": [_MBID]}]}}
    ).encode(),
    "Playlist1.json": json.dumps(
        {"playlists": [{"name": "x", "lastModifiedDate": "2024", "items": [
            {"track": {"trackName": "Delilah", "artistName": "x", "trackUri": "spotify:track:1"}}
        ]}]}
    ).encode(),
    "YourLibrary.json": json.dumps(
        {"tracks": [{"artist": "Queen", "album": "x", "track": "y", "uri": "spotify:track:1"}]}
    ).encode(),
    "StreamingHistory_music_0.json": json.dumps(
        [{"endTime": "2024-05-01 10:13", "artistName": "x", "trackName": "y", "msPlayed": 90000}]
    ).encode(),
    "api.json": json.dumps(
        {"name": "x", "tracks": {"items": [{"track": {"uri": "spotify:track:1", "name": "Delilah",
         "artists": [{"id": "1", "name": "Queen"}], "external_ids": {"isrc": "GBUM71029601"}}}]}}
    ).encode(),
    "Library.xml": plistlib.dumps(
        {"Tracks": {"1": {"Name": "x"}}, "Playlists": [{"Playlist Items": [{"Track ID": 1}]}]}
    ),
    "exportify.csv": (
        b'"Track URI","Track Name","Artist URI(s)","Artist Name(s)"\n'
        b'"spotify:track:1","Delilah","spotify:artist:1, spotify:artist:2","Queen, Tyler, The X"\n'
    ),
    "a.txt": b"spotify:track:1\n1. Queen - Delilah (3:35)\nhttps://open.spotify.com/track/2\n",
}  # fmt: skip


def read(name: str, content: bytes) -> None:
    """Read a file in the form that the name's whole sample has, and in its own, if it has one."""
    file = SourceFile(name, len(content), lambda: io.BytesIO(content), alone=True)
    for form in {FORMS[name], next((f for f in FORMATS if f.recognises(file)), FORMS[name])}:
        for skip_bad in (False, True):
            try:
                Source(name, [(file, form)]).read(skip_bad=skip_bad)
            except InputError as error:
                message = str(error)
                assert name in message
                assert len(message) < 1500


def _form(name: str):
    content = SAMPLES[name]
    file = SourceFile(name, len(content), lambda: io.BytesIO(content), alone=True)
    return next(form for form in FORMATS if form.recognises(file))


FORMS = {name: _form(name) for name in SAMPLES}


def test_each_sample_is_of_another_form():
    assert len({form.name for form in FORMS.values()}) == len(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_changed_and_cut_off(name, data):
    content = bytearray(SAMPLES[name])
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for at, byte in data.draw(st.lists(places, max_size=4)):
        content[at] = byte
    read(name, bytes(content[: data.draw(st.integers(0, len(content)))]))


@pytest.mark.parametrize("name", SAMPLES)
@given(content=st.binary(max_size=200))
def test_any_bytes(name, content):
    read(name, content)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith(("json", "jspf"))])
@given(data=st.data())
def test_any_value_in_place_of_any_other(name, data):
    """Services write null, numbers and objects where nobody expects them."""
    content = json.loads(SAMPLES[name])
    places = list(_places(content))
    container, key = places[data.draw(st.integers(0, len(places) - 1))]
    container[key] = data.draw(_values)
    read(name, json.dumps(content).encode())


def _places(value):
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield value, key
        yield from _places(value[key])
