"""`TrackLists` against plain Python; `Playlists` and `Catalog` to disk and back."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.data.relations import Relation, update_digest
from segue.errors import ArtefactError

NUM_TRACKS = 12
NOBODY = np.full(6, -1, dtype=np.int32)
one_list = st.lists(st.integers(0, NUM_TRACKS - 1), unique=True, max_size=6)
some_lists = st.lists(one_list, max_size=7)
bound = st.none() | st.integers(-10, 10)
text = st.text(max_size=3)


def as_lists(tracks: TrackLists) -> list[list[int]]:
    return [tracks[row].tolist() for row in range(len(tracks))]


def arrays(offsets: list[int], track_index: list[int]) -> TrackLists:
    return TrackLists(np.array(offsets, dtype=np.int64), np.array(track_index, dtype=np.int32))


class TestTrackLists:
    @pytest.mark.parametrize(
        ("offsets", "track_index", "message"),
        [
            ([], [], "not empty"),
            ([1], [], "rise"),
            ([0], [3], "rise"),
            ([0, 1], [1, 2], "rise"),
            ([0, 3], [1, 2], "rise"),
            ([1, 2], [1, 2], "rise"),
            ([0, 2, 1, 3], [1, 2, 3], "rise"),
            ([0, 2], [1, -1], "negative"),
            ([0, 3], [1, 2, 1], "twice"),
            ([0, 1, 3], [1, 2, 2], "twice"),
        ],
    )
    def test_refuses(self, offsets, track_index, message):
        with pytest.raises(ValueError, match=message):
            arrays(offsets, track_index)

    def test_refuses_other_types_and_shapes(self):
        good = arrays([0, 2], [0, 1])
        for change in (
            {"offsets": good.offsets.astype(np.int32)},
            {"track_index": good.track_index.astype(np.int64)},
            {"track_index": good.track_index.reshape(2, 1)},
        ):
            with pytest.raises(ValueError, match=r"int64|one-dimensional"):
                replace(good, **change)

    def test_a_track_may_stand_in_several_lists(self):
        # The joint key of list 0, track 5 and list 1, track 0 must differ too.
        assert as_lists(arrays([0, 2, 4, 4], [5, 0, 0, 5])) == [[5, 0], [0, 5], []]

    @given(some_lists)
    def test_from_lists(self, lists):
        tracks = TrackLists.from_lists(lists)
        assert as_lists(tracks) == lists
        assert [row.tolist() for row in tracks] == lists
        assert len(tracks) == len(lists)
        assert tracks.num_pairs == sum(map(len, lists))
        assert tracks.lengths.tolist() == list(map(len, lists))
        assert tracks.list_index().tolist() == [i for i, ts in enumerate(lists) for _ in ts]
        flat = [t for ts in lists for t in ts]
        assert tracks.track_counts(NUM_TRACKS).tolist() == [*map(flat.count, range(NUM_TRACKS))]
        assert tracks.offsets.dtype == np.int64
        assert tracks.track_index.dtype == np.int32

    @given(some_lists, bound, bound, bound.filter(lambda step: step != 0))
    def test_rows_of_a_slice(self, lists, start, stop, step):
        rows = slice(start, stop, step)
        assert as_lists(TrackLists.from_lists(lists).rows(rows)) == lists[rows]

    @given(some_lists.filter(len), st.data())
    def test_rows_of_an_array_in_any_order(self, lists, data):
        rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=9))
        tracks = TrackLists.from_lists(lists)
        expected = [lists[row] for row in rows]
        for given_rows in (np.array(rows, dtype=np.int32), np.array(rows, dtype=np.int64), rows):
            assert as_lists(tracks.rows(given_rows)) == expected
        pairs = tracks.pair_index(np.array(rows, dtype=np.int64))
        assert tracks.track_index[pairs].tolist() == [t for ts in expected for t in ts]
        assert tracks.list_index()[pairs].tolist() == [r for r in rows for _ in lists[r]]

    @pytest.mark.parametrize("row", [-1, -2, -3, -4, 3, 4])
    def test_rows_out_of_range_never_give_another_list(self, row):
        """As in Python, or an IndexError; not silently the tracks of another list."""
        lists = [[1, 2], [3], [4, 5]]
        tracks = TrackLists.from_lists(lists)
        for take in (lambda: as_lists(tracks.rows([row]))[0], lambda: tracks[row].tolist()):
            try:
                taken = take()
            except IndexError:
                continue
            assert -3 <= row < 3
            assert taken == lists[row]

    @given(some_lists, st.data())
    def test_keep(self, lists, data):
        flags = data.draw(st.lists(st.booleans(), min_size=50, max_size=50))
        tracks = TrackLists.from_lists(lists)
        left = iter(flags)
        expected = [[t for t in ts if next(left)] for ts in lists]
        assert as_lists(tracks.keep(np.array(flags[: tracks.num_pairs], dtype=bool))) == expected

    @given(st.lists(st.tuples(one_list, one_list), max_size=6))
    def test_joined(self, pairs):
        ours, others = [a for a, _ in pairs], [b for _, b in pairs]
        first, second = TrackLists.from_lists(ours), TrackLists.from_lists(others)
        if any(set(a) & set(b) for a, b in pairs):
            with pytest.raises(ValueError, match="twice"):
                first.joined(second)
        else:
            assert as_lists(first.joined(second)) == [a + b for a, b in pairs]


class TestPlaylists:
    def test_refuses(self, small_playlists):
        for change in (
            {"ids": pa.array(["10", "11", "twelve", "10"])},
            {"ids": pa.array(["10", "11", "twelve", None])},
            {"ids": pa.array(["10", "11", "twelve"])},
            {"titles": pa.array(["a"])},
            {"order_known": np.zeros(5, dtype=bool)},
            {"tracks": TrackLists.from_lists([[]])},
        ):
            with pytest.raises(ValueError, match=r"differ"):
                replace(small_playlists, **change)

    def test_index_of_and_with_tracks(self, small_playlists):
        assert small_playlists.index_of == {"10": 0, "11": 1, "twelve": 2, "13": 3}
        other = small_playlists.with_tracks(TrackLists.from_lists([[0], [], [], []]))
        assert as_lists(other.tracks) == [[0], [], [], []]
        assert other.titles is small_playlists.titles
        with pytest.raises(ValueError, match="differ in length"):
            small_playlists.with_tracks(TrackLists.from_lists([[0]]))

    def test_round_trip(self, small_playlists, tmp_path):
        small_playlists.save(tmp_path)
        loaded = Playlists.load(tmp_path)
        assert loaded.ids.equals(small_playlists.ids)
        assert loaded.titles.to_pylist() == ["road trip", None, "夏 🎶", ""]
        assert loaded.order_known.tolist() == [True, False, False, True]
        assert as_lists(loaded.tracks) == as_lists(small_playlists.tracks)

    def test_no_playlists_at_all(self, tmp_path):
        nothing = pa.array([], pa.string())
        Playlists(nothing, nothing, np.zeros(0, dtype=bool), TrackLists.from_lists([])).save(
            tmp_path
        )
        assert len(Playlists.load(tmp_path)) == 0

    def test_loading_maps_and_does_not_copy(self, tmp_path):
        num_lists, length = 1000, 500
        tracks = TrackLists.from_lengths(
            np.full(num_lists, length), np.tile(np.arange(length, dtype=np.int32), num_lists)
        )
        ids = pa.array([str(i) for i in range(num_lists)])
        Playlists(ids, ids, np.ones(num_lists, dtype=bool), tracks).save(tmp_path)
        before = pa.total_allocated_bytes()
        loaded = Playlists.load(tmp_path)
        assert pa.total_allocated_bytes() - before < tracks.track_index.nbytes / 10
        for array in (loaded.tracks.track_index, loaded.tracks.offsets):
            assert not array.flags.owndata
            assert not array.flags.writeable

    @pytest.mark.parametrize("content", [None, b"", b"ARROW1\0\0 but then something else"])
    def test_a_file_that_is_no_table(self, tmp_path, content):
        if content is not None:
            (tmp_path / "playlists.arrow").write_bytes(content)
        with pytest.raises(ArtefactError, match=r"playlists\.arrow: cannot be read"):
            Playlists.load(tmp_path)

    def test_a_table_of_something_else(self, small_catalog, tmp_path):
        small_catalog.save(tmp_path)
        (tmp_path / "albums.arrow").rename(tmp_path / "playlists.arrow")
        with pytest.raises(ArtefactError, match=r"playlists\.arrow: cannot be read.*playlist_id"):
            Playlists.load(tmp_path)


class TestCatalog:
    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("track_ids", pa.array(list("abcdea")), "track ids must be present and all different"),
            ("artist_ids", pa.array(["x", None, "z"]), "artist ids must be present"),
            ("album_names", pa.array(["p"]), "album ids and names differ"),
            ("artist_names", pa.array(["p", None, "q"]), "artist names must be present"),
            ("main_artist", [0, 0, 1, 1, 1, 3], "track by artist points outside the artists"),
            ("main_artist", [0, 0, 1, 1, 1, -2], "track by artist points outside the artists"),
            ("main_album", [0, 0, 1, 1, 2, -2], "track on album points outside the albums"),
            ("main_album", [0, 0, 1, 1, 3, -1], "track on album points outside the albums"),
            ("main_album", [0, 0, 1, 1, 2], "track on album must hold the edges of 6 tracks"),
            ("main_artist", np.zeros(6, dtype=np.int64), "must be a column of int32"),
        ],
    )
    def test_refuses(self, small_catalog, column, value, message):
        of = small_catalog
        columns = {
            "track_ids": of.track_ids,
            "track_names": of.track_names,
            "artist_ids": of.artists.ids,
            "artist_names": of.artists.names,
            "album_ids": of.albums.ids,
            "album_names": of.albums.names,
            "main_artist": of.main_artist,
            "main_album": of.main_album,
        }
        if isinstance(value, list):
            value = np.array(value, dtype=np.int32)
        with pytest.raises(ValueError, match=message):
            Catalog.of_columns(**columns | {column: value})

    @pytest.mark.parametrize(
        ("relation", "message"),
        [
            (Relation.single("of", "track", "genre", NOBODY, 2), "does not lead to the genres"),
            (Relation.single("by", "track", "artist", NOBODY, 2), "does not lead to the artists"),
            (Relation.single("by", "track", "artist", NOBODY[1:], 3), "the edges of 6 tracks"),
            (Relation.single("by", "album", "artist", NOBODY, 3), "does not lead from track"),
        ],
    )
    def test_refuses_a_relation_of_other_nodes(self, small_catalog, relation, message):
        with pytest.raises(ValueError, match=message):
            small_catalog.with_relation(relation)

    def test_names_of_several_artists(self, small_catalog):
        offsets = np.array([0, 2, 2, 3, 4, 5, 6])
        target_index = np.array([2, 0, 1, 1, 1, 2], dtype=np.int32)
        catalog = small_catalog.with_relation(
            Relation("by", "track", "artist", offsets, target_index, 3)
        )
        names = catalog.artist_of(np.array([1, 0, 2], dtype=np.int32)).to_pylist()
        assert names == ["", "Зоя, Xénia", "Yves"]
        assert catalog.main_artist.tolist() == [2, -1, 1, 1, 1, 2]
        cut = catalog.keep_tracks(np.array([True, True, False, False, False, False]))
        assert cut.artists.names.to_pylist() == ["Xénia", "Зоя"]
        assert cut.artist_of(np.array([0], dtype=np.int32)).to_pylist() == ["Зоя, Xénia"]

    def test_lookups(self, small_catalog):
        assert small_catalog.tracks.index_of["segue:track:c"] == 2
        names = small_catalog.artist_of(np.array([5, 0, 2], dtype=np.int32)).to_pylist()
        assert names == ["Зоя", "Xénia", "Yves"]

    def test_round_trip(self, small_catalog, tmp_path):
        small_catalog.save(tmp_path)
        loaded = Catalog.load(tmp_path)
        assert list(loaded.nodes) == list(small_catalog.nodes)
        for kind, nodes in small_catalog.nodes.items():
            assert loaded.nodes[kind].ids.equals(nodes.ids), kind
            assert loaded.nodes[kind].names.equals(nodes.names), kind
        for kind, relation in small_catalog.relations.items():
            found = loaded.relations[kind]
            assert found.key == relation.key
            assert found.num_targets == relation.num_targets
            assert found.offsets.tolist() == relation.offsets.tolist()
            assert found.target_index.tolist() == relation.target_index.tolist()
            assert not found.target_index.flags.owndata

    @given(kept=st.lists(st.booleans(), min_size=6, max_size=6))
    def test_keep_tracks_means_the_same(self, small_catalog, kept):
        """Said in ids, what is kept says the same; artists and albums without a track are gone."""

        def facts(catalog: Catalog, rows: list[int]) -> list[tuple[str | None, ...]]:
            album = [None if a < 0 else catalog.albums.ids[a].as_py() for a in catalog.main_album]
            return [
                (
                    catalog.track_ids[row].as_py(),
                    catalog.track_names[row].as_py(),
                    catalog.artists.ids[catalog.main_artist[row]].as_py(),
                    catalog.artists.names[catalog.main_artist[row]].as_py(),
                    album[row],
                )
                for row in rows
            ]

        rows = [row for row in range(6) if kept[row]]
        cut = small_catalog.keep_tracks(np.array(kept))
        assert facts(cut, list(range(cut.num_tracks))) == facts(small_catalog, rows)
        for kind in ("artist", "album"):
            used = {fact[2 if kind == "artist" else 4] for fact in facts(small_catalog, rows)}
            ids = small_catalog.nodes[kind].ids.to_pylist()
            assert cut.nodes[kind].ids.to_pylist() == [i for i in ids if i in used]
            assert cut.relations[kind].main.dtype == np.int32


def digest_of(*columns: object) -> str:
    digest = hashlib.sha256()
    update_digest(digest, *columns)
    return digest.hexdigest()


class TestUpdateDigest:
    @given(st.lists(st.none() | text, max_size=4), st.lists(st.none() | text, max_size=4))
    def test_strings_are_equal_where_the_columns_are(self, ours, theirs):
        equal = digest_of(pa.array(ours, pa.string())) == digest_of(pa.array(theirs, pa.string()))
        assert equal == (ours == theirs)

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [(["ab", "c"], ["a", "bc"]), ([None], [""]), (["é"], ["e\u0301"]), ([""], [])],
    )
    def test_boundaries_and_nulls_count(self, ours, theirs):
        assert digest_of(pa.array(ours, pa.string())) != digest_of(pa.array(theirs, pa.string()))

    def test_storage_does_not_count(self, tmp_path: Path):
        whole = pa.array(["skip", "a", None, "çà", "skip"])
        assert digest_of(whole[1:4]) == digest_of(pa.array(["a", None, "çà"]))
        numbers = np.arange(10, dtype=np.int32)
        assert digest_of(numbers[::2]) == digest_of(np.array([0, 2, 4, 6, 8], dtype=np.int32))
        assert digest_of(numbers[::2]) != digest_of(numbers[1::2])

    def test_columns_are_not_run_together(self):
        a, b = pa.array(["a"]), pa.array(["b"])
        assert digest_of(a, b) != digest_of(b, a)
        assert digest_of(a, b) != digest_of(pa.array(["a", "b"]))


def test_a_track_may_have_no_artist(small_catalog):
    artist = np.array([0, -1, 1, 1, 1, -1], dtype=np.int32)
    catalog = small_catalog.with_relation(Relation.single("by", "track", "artist", artist, 3))
    named = catalog.artist_of(np.array([1, 0, 5], dtype=np.int32)).to_pylist()
    assert named == ["", "Xénia", ""]
    kept = catalog.keep_tracks(np.array([False, True, True, False, False, False]))
    assert kept.main_artist.tolist() == [-1, 0]
    assert kept.artists.names.to_pylist() == ["Yves"]
