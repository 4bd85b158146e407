"""benchmarks/hidden_pairs.py scores a file of lists against a file of answers."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.errors import InputError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def hidden_pairs():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        import hidden_pairs

        return hidden_pairs


@pytest.fixture
def lists(tmp_path) -> Path:
    """Playlist 0 is given a to e, playlist 7 the letters f to j, each from rank 1."""
    rows = [("0", rank, track) for rank, track in enumerate("abcde", start=1)]
    rows += [("7", rank, track) for rank, track in enumerate("fghij", start=1)]
    playlist, rank, track = zip(*rows, strict=True)
    path = tmp_path / "lists.parquet"
    pq.write_table(pa.table({"playlist_id": playlist, "rank": rank, "track_id": track}), path)
    return path


def test_figures_by_hand(hidden_pairs, lists, tmp_path):
    """Of 0 the hidden b and e are at 2 and 5 and z nowhere; of 7 the only one is first."""
    answers = tmp_path / "answers.csv"
    answers.write_text("pid,track_uri\n0,b\n0,e\n7,f\n0,z\n")
    found = hidden_pairs.figures(lists, answers)
    assert found["recall@20"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["map@10"] == pytest.approx(((1 / 2 + 2 / 5) / 3 + 1) / 2)
    assert found["r-precision"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["clicks"] == 0


def test_a_playlist_without_a_list_is_named(hidden_pairs, lists, tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text("playlist_id,track_id\n0,b\n8,b\n")
    with pytest.raises(InputError, match=r"has no list for playlist 8 of .*answers\.csv"):
        hidden_pairs.figures(lists, answers)


def test_other_tables_are_refused(hidden_pairs, lists, tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text("playlist,song\n0,b\n")
    with pytest.raises(InputError, match="has no column playlist_id or pid"):
        hidden_pairs.figures(lists, answers)
    with pytest.raises(InputError, match="cannot be read as a table"):
        hidden_pairs.figures(lists, tmp_path / "none.csv")
