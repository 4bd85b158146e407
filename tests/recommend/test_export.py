"""Recommendations for many as Parquet, and the two files that say for whom."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.data.playlists import TrackLists
from segue.errors import ArtefactError, InputError
from segue.recommend import export
from segue.recommend.export import read_ids, read_playlists, write_recommendations
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query


@pytest.fixture(scope="module")
def recommender(small_bundle) -> Recommender:
    return Recommender(small_bundle)


def write(recommender: Recommender, path, n: int, advance=lambda count: None) -> int:
    playlists = recommender.bundle.playlists
    query = recommender.queries.of_rows(np.arange(len(playlists)))
    return write_recommendations(recommender, playlists.ids, query, n, path, advance)


@pytest.mark.parametrize("batch_lists", [1, 3, 1024])
def test_the_table(recommender, tmp_path, monkeypatch, batch_lists):
    monkeypatch.setattr(export, "_BATCH_LISTS", batch_lists)
    done = []
    num_rows = write(recommender, tmp_path / "recs.parquet", 3, done.append)
    assert sum(done) == 4
    table = pq.read_table(tmp_path / "recs.parquet")
    assert table.column_names == ["playlist_id", "rank", "track_id", "score"]
    assert table.schema.types == [pa.string(), pa.int32(), pa.string(), pa.float32()]
    assert table.num_rows == num_rows == 3 + 1 + 3 + 3, "of six tracks, five are in playlist 11"
    assert sum(column.null_count for column in table.columns) == 0

    playlists = recommender.bundle.playlists
    rows = table.to_pylist()
    assert list(dict.fromkeys(row["playlist_id"] for row in rows)) == playlists.ids.to_pylist()
    for playlist in playlists.ids.to_pylist():
        own = [row for row in rows if row["playlist_id"] == playlist]
        single = recommender.complete(playlist, 3)
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        assert [row["track_id"] for row in own] == [t.track_id for t in single.tracks]
        np.testing.assert_allclose(
            [row["score"] for row in own], [t.score for t in single.tracks], atol=1e-6
        )
        assert not {row["track_id"] for row in own} & set(single.query)


def test_longer_lists_than_the_catalogue_just_end(recommender, tmp_path):
    assert write(recommender, tmp_path / "recs.parquet", 500) == 3 + 1 + 6 + 4


def test_nobody_gives_an_empty_table(recommender, tmp_path):
    path = tmp_path / "recs.parquet"
    nobody = pa.array([], pa.string())
    lists = Query(TrackLists.from_lists([]))
    assert write_recommendations(recommender, nobody, lists, 5, path, lambda count: None) == 0
    assert pq.read_table(path).column_names == ["playlist_id", "rank", "track_id", "score"]


def test_an_interrupted_write_leaves_the_old_file_alone(recommender, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_BATCH_LISTS", 1)
    path = tmp_path / "recs.parquet"
    path.write_bytes(b"older")

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(recommender, path, 3, stop)
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["recs.parquet"]  # noqa: PTH208
    write(recommender, path, 3)
    assert pq.read_table(path).num_rows == 10


def test_a_folder_that_is_not_there_is_named(recommender, tmp_path):
    with pytest.raises(ArtefactError, match="there is no folder"):
        write(recommender, tmp_path / "missing" / "recs.parquet", 3)


# Playlists by id.


def test_ids_in_their_order(recommender, tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("twelve\n\n  13 \r\n10")
    ids, query = read_ids(path, recommender)
    assert ids.to_pylist() == ["twelve", "13", "10"]
    assert [query.tracks[row].tolist() for row in range(3)] == [[], [3, 0], [2, 0, 5]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"10\n\n99\n", r"ids.txt: line 3: '99' is not a playlist of this bundle"),
        (b"10\n11\n10\n", r"ids.txt: line 3: playlist '10' repeats"),
        (b"", r"ids.txt: contains no playlist ids, expected one per line"),
        (b"\n \n", r"ids.txt: contains no playlist ids"),
        (b"\xff\xfe1", r"ids.txt: cannot be read as text"),
    ],
)
def test_ids_that_are_refused(recommender, tmp_path, content, says):
    path = tmp_path / "ids.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_ids(path, recommender)


def test_a_file_that_is_not_there(recommender, tmp_path):
    for read in (read_ids, read_playlists):
        with pytest.raises(InputError, match=r"missing: cannot be read"):
            read(tmp_path / "missing", recommender)
        with pytest.raises(InputError, match=r"cannot be read"):
            read(tmp_path, recommender)


# Playlists that training never saw.


def test_new_playlists(recommender, tmp_path):
    path = tmp_path / "new.json"
    a, c, f = "segue:track:a", "segue:track:c", "segue:track:f"
    content = [
        {"playlist_id": "mine", "tracks": [f, "unknown:1", a, f]},
        {"playlist_id": 7, "tracks": ["unknown:1", "unknown:2"], "name": "more than is needed"},
        {"playlist_id": "10", "tracks": [c]},
    ]
    path.write_text(json.dumps(content))
    ids, query, num_unknown = read_playlists(path, recommender)
    assert ids.to_pylist() == ["mine", "7", "10"]
    assert ids.type == pa.string()
    assert [query.tracks[row].tolist() for row in range(3)] == [[5, 0], [], [2]]
    assert num_unknown == 3

    out = tmp_path / "recs.parquet"
    write_recommendations(recommender, ids, query, 2, out, lambda count: None)
    rows = pq.read_table(out).to_pylist()
    single = recommender.complete(tracks=[f, a], n=2)
    assert [row["track_id"] for row in rows[:2]] == [t.track_id for t in single.tracks]
    popular = recommender.complete(tracks=[], n=2)
    assert [row["track_id"] for row in rows[2:4]] == [t.track_id for t in popular.tracks]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[", r"new.json: .*expected a list of"),
        ("not json", r"new.json: .*expected a list of"),
        ('{"playlist_id": "a", "tracks": []}', r"new.json: .*array.*expected a list of"),
        ('[{"playlist_id": "a"}]', r"tracks.*\$\[0\]"),
        ('[{"playlist_id": "a", "tracks": []}, {"tracks": []}]', r"playlist_id.*\$\[1\]"),
        ('[{"playlist_id": "a", "tracks": ["t", 5]}]', r"\$\[0\]\.tracks\[1\]"),
        ('[{"playlist_id": 1.5, "tracks": []}]', r"\$\[0\]\.playlist_id"),
        (
            '[{"playlist_id": 1, "tracks": []}, {"playlist_id": "1", "tracks": []}]',
            r"record 1: playlist '1' repeats",
        ),
    ],
)
def test_new_playlists_that_are_refused(recommender, tmp_path, content, says):
    path = tmp_path / "new.json"
    path.write_text(content)
    with pytest.raises(InputError, match=says) as caught:
        read_playlists(path, recommender)
    assert str(path) in str(caught.value)


def test_lists_longer_than_the_catalogue(recommender, tmp_path):
    """A playlist gets what there is; nothing is laid out for the rest."""
    num_rows = write(recommender, tmp_path / "recs.parquet", 10**12)
    lengths = recommender.bundle.playlists.tracks.lengths
    assert num_rows == (recommender.bundle.catalog.num_tracks - lengths).sum()


def test_a_byte_order_mark_is_no_part_of_the_playlists(recommender, tmp_path):
    path = tmp_path / "new.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([{"playlist_id": 1, "tracks": []}]).encode())
    ids, _, _ = read_playlists(path, recommender)
    assert ids.to_pylist() == ["1"]
