"""Whole playlists are taken apart one at a time, and numbered by first appearance."""

import weakref

import numpy as np
import pytest

from segue.data import collect
from segue.data.collect import Collector
from segue.data.records import Playlist, Track
from segue.data.vocabulary import Numbering


def track(name: str, position: int = 0) -> Track:
    artists = ((f"artist of {name[0]}", f"Artist {name[0]}"),)
    return Track(name, f"Track {name}", artists, (f"album of {name}", "Album"), position)


def described(collector: Collector):
    playlists, catalog = collector.finish("known")
    ids = catalog.track_ids.to_pylist()
    lists = {
        name: [ids[row] for row in playlists.tracks[at]]
        for at, name in enumerate(playlists.ids.to_pylist())
    }
    artists = catalog.artists.ids.take(catalog.main_artist).to_pylist()
    albums = catalog.albums.ids.take(catalog.main_album).to_pylist()
    facts = zip(catalog.track_names.to_pylist(), artists, albums, strict=True)
    return lists, dict(zip(ids, facts, strict=True))


class Watched(Playlist, frozen=True, gc=True, weakref=True):
    """A playlist whose end can be seen."""


def test_of_whole_playlists_only_the_last_is_in_memory():
    before: list[weakref.ref] = []

    def come():
        for number in range(4):
            assert all(playlist() is None for playlist in before[:-1])
            playlist = Watched(str(number), None, [track("ab"), track(f"a{number}", 1)])
            before.append(weakref.ref(playlist))
            yield f"playlists[{number}]", playlist
            del playlist

    collector = Collector()
    collector.add_playlists("file", come(), pytest.fail)
    assert len(before) == collector.num_playlists == 4
    assert described(collector)[0]["3"] == ["ab", "a3"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_chunks_change_nothing(monkeypatch, chunk):
    monkeypatch.setattr(collect, "_CHUNK", chunk)
    tracks = [[track("ab"), track("ac", 1)], [], [track("ac", 2), track("ba", 1), track("ac", 0)]]
    parts = [(f"record {at}", Playlist(f"p{at}", None, those)) for at, those in enumerate(tracks)]
    collector = Collector()
    rejected = []
    collector.add_playlists("file", [*parts, parts[0]], lambda *told, **_: rejected.append(told))
    lists, catalog = described(collector)
    assert lists == {"p0": ["ab", "ac"], "p1": [], "p2": ["ac", "ba"]}
    assert collector.repeated_tracks == 1
    assert [told[1] for told in rejected] == ["record 0"]
    assert catalog == {
        "ab": ("Track ab", "artist of a", "album of ab"),
        "ac": ("Track ac", "artist of a", "album of ac"),
        "ba": ("Track ba", "artist of b", "album of ba"),
    }


def test_numbers_are_given_in_order_of_appearance():
    index = Numbering()
    assert np.array([index[name] for name in ("b", "a", "b", "c")]).tolist() == [0, 1, 0, 2]
    assert list(index) == ["b", "a", "c"]
    assert index.get("d") is None
    assert "d" not in index


def test_what_came_before_a_source_broke_off_is_whole():
    def come():
        yield "first", Playlist("p0", None, [track("ab"), track("ac", 1)])
        raise OSError("the rest is gone")

    collector = Collector()
    with pytest.raises(OSError, match="gone"):
        collector.add_playlists("file", come(), pytest.fail)
    after = Playlist("p1", None, [track("ac"), track("ba", 1)])
    collector.add_playlists("another", [("record", after)], pytest.fail)
    lists, catalog = described(collector)
    assert lists == {"p0": ["ab", "ac"], "p1": ["ac", "ba"]}
    assert list(catalog) == ["ab", "ac", "ba"]
