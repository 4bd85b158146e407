"""Lists for many playlists at once, and what their tables hold."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.data.playlists import TrackLists
from segue.errors import ArtefactError
from segue.recommend import batch
from segue.recommend.asked import AskedPlaylists, asked_of_rows
from segue.recommend.batch import lists_for
from segue.recommend.export import save
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query


@pytest.fixture(scope="module")
def recommender(small_bundle) -> Recommender:
    return Recommender(small_bundle)


def write(recommender: Recommender, path, n: int, advance=lambda count: None, **options) -> int:
    asked = asked_of_rows(recommender, range(len(recommender.playlists)))
    return save(lists_for(recommender, asked, n, advance), path, **options).num_tracks


@pytest.mark.parametrize("batch_lists", [1, 3, 1024])
def test_the_table(recommender, tmp_path, monkeypatch, batch_lists):
    monkeypatch.setattr(batch, "_BATCH_LISTS", batch_lists)
    done = []
    num_rows = write(recommender, tmp_path / "recs.parquet", 3, done.append)
    assert sum(done) == 4
    table = pq.read_table(tmp_path / "recs.parquet")
    assert table.num_rows == num_rows == 3 + 1 + 3 + 3, "of six tracks, five are in playlist 11"
    for name, kind in {
        "playlist_id": pa.string(),
        "rank": pa.int32(),
        "track_id": pa.string(),
        "score": pa.float32(),
    }.items():
        assert table.schema.field(name).type == kind
        assert table[name].null_count == 0

    playlists = recommender.bundle.playlists
    rows = table.to_pylist()
    assert list(dict.fromkeys(row["playlist_id"] for row in rows)) == playlists.ids.to_pylist()
    exports = {row["export_id"] for row in rows}
    assert len(exports) == 4
    assert exports.isdisjoint(playlists.ids.to_pylist())
    for playlist in playlists.ids.to_pylist():
        own = [row for row in rows if row["playlist_id"] == playlist]
        single = recommender.complete(playlist, 3, question="next", variety=0.0)
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        assert [row["track_id"] for row in own] == [t.track_id for t in single.tracks]
        np.testing.assert_allclose(
            [row["score"] for row in own], [t.score for t in single.tracks], atol=1e-6
        )
        assert not {row["track_id"] for row in own} & set(single.query)


@pytest.mark.parametrize("n", [500, 10**12])
def test_longer_lists_than_the_catalogue_just_end(recommender, tmp_path, n):
    """A playlist gets what there is; nothing is laid out for the rest."""
    lengths = recommender.bundle.playlists.tracks.lengths
    expected = (recommender.bundle.catalog.num_tracks - lengths).sum()
    assert write(recommender, tmp_path / "recs.parquet", n) == expected


@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "mpd.json"])
def test_nobody_gives_an_empty_file(recommender, tmp_path, ending):
    nobody = AskedPlaylists([], [], Query(TrackLists.from_lists([])))
    path = tmp_path / f"recs.{ending}"
    saved = save(lists_for(recommender, nobody, 5, lambda count: None), path)
    assert (saved.num_lists, saved.num_tracks) == (0, 0)
    assert path.stat().st_size


@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "mpd.json"])
def test_an_interrupted_write_leaves_the_old_file_alone(recommender, tmp_path, monkeypatch, ending):
    monkeypatch.setattr(batch, "_BATCH_LISTS", 1)
    path = tmp_path / f"recs.{ending}"
    path.write_bytes(b"older")

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(recommender, path, 3, stop, overwrite=True)
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208
    assert write(recommender, path, 3, overwrite=True) == 10
    assert path.read_bytes() != b"older"


def test_a_folder_that_is_not_there_is_named(recommender, tmp_path):
    with pytest.raises(ArtefactError, match="there is no folder"):
        write(recommender, tmp_path / "missing" / "recs.parquet", 3)
