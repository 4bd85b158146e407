"""What stands beside a bundle's vectors: a wide part, and the text of a second stage."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_array

from segue.bundle import SECOND_STAGE, Bundle, MeasuredVectors, WidePart
from segue.data.playlists import Catalog, TrackLists
from segue.errors import ArtefactError

NUM_TRACKS = 5
DENSE = np.array(
    [
        [0, 1, 0, 0, 0.5],
        [2, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0.25, 0, -1, 0, 0],
        [0, 0, 0, 3, 0],
    ],
    dtype=np.float32,
)


@pytest.fixture
def wide() -> WidePart:
    return WidePart.from_matrix(csr_array(DENSE))


@pytest.fixture
def bundle() -> Bundle:
    nothing = pa.array([], pa.string())
    ids = pa.array([f"track:{track}" for track in range(NUM_TRACKS)])
    catalog = Catalog(
        ids, ids, nothing, nothing, nothing, nothing,
        *(np.full(NUM_TRACKS, -1, dtype=np.int32),) * 2,
    )  # fmt: skip
    return Bundle(
        catalog=catalog,
        track_vectors=np.eye(NUM_TRACKS, 3, dtype=np.float32),
        artist_vectors=np.zeros((0, 3), dtype=np.float32),
        query_weight=np.ones(NUM_TRACKS, dtype=np.float32),
        popularity=np.ones(NUM_TRACKS, dtype=np.int64),
        playlists=None,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )


def arrays(part: WidePart) -> dict[str, np.ndarray]:
    return {"offsets": part.offsets, "track_index": part.track_index, "weight": part.weight}


def assert_same(one: WidePart, other: WidePart) -> None:
    for name, expected in arrays(one).items():
        found = getattr(other, name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_from_a_matrix_and_back(wide):
    assert [array.dtype for array in arrays(wide).values()] == [np.int64, np.int32, np.float32]
    np.testing.assert_array_equal(wide.matrix.toarray(), DENSE)
    assert wide.num_tracks == NUM_TRACKS
    # A matrix whose rows are in disorder.
    row = csr_array(
        (np.array([1, 2], dtype=np.float32), np.array([3, 1]), np.array([0, 2, 2, 2, 2]))
    )
    shuffled = WidePart.from_matrix(csr_array((row.data, row.indices, row.indptr), shape=(4, 4)))
    assert shuffled.track_index.tolist() == [1, 3]
    assert shuffled.weight.tolist() == [2, 1]


@given(
    lists=st.lists(
        st.lists(st.integers(0, NUM_TRACKS - 1), unique=True, max_size=NUM_TRACKS), max_size=4
    ),
    rng_seed=st.integers(0, 9),
)
def test_scores_are_sums_of_rows(lists, rng_seed):
    wide = WidePart.from_matrix(csr_array(DENSE))
    tracks = TrackLists.from_lists(lists)
    share = np.random.default_rng(rng_seed).uniform(0, 3, tracks.num_pairs).astype(np.float32)
    expected = np.zeros((2, len(lists), NUM_TRACKS))
    for pair, (row, track) in enumerate(zip(tracks.list_index(), tracks.track_index, strict=True)):
        expected[0, row] += DENSE[track]
        expected[1, row] += share[pair].astype(np.float64) * DENSE[track]
    for found, by_hand in zip((wide.scores(tracks), wide.scores(tracks, share)), expected,
                              strict=True):  # fmt: skip
        assert found.shape == (len(lists), NUM_TRACKS)
        np.testing.assert_allclose(found.toarray(), by_hand, atol=1e-5)


def test_further_tracks_have_no_weights(wide):
    more = wide.with_tracks(8)
    assert more.num_tracks == 8
    np.testing.assert_array_equal(more.matrix.toarray()[:5, :5], DENSE)
    assert more.matrix.nnz == wide.matrix.nnz
    assert_same(wide.with_tracks(NUM_TRACKS), wide)


BAD = {
    "a weight too few": ({"weight": lambda a: a[1:]}, "one finite weight"),
    "nan": ({"weight": lambda a: a * np.float32(np.nan)}, "one finite weight"),
    "infinite": ({"weight": lambda a: a + np.float32(np.inf)}, "one finite weight"),
    "no offsets": ({"offsets": lambda a: a[:0]}, "must ascend from 0"),
    "not from 0": ({"offsets": lambda a: a + 1}, "must ascend from 0"),
    "falling": ({"offsets": lambda a: a[[0, 2, 1, 3, 4, 5]]}, "must ascend from 0"),
    "short of the end": ({"offsets": lambda a: a[:-1]}, "must end at the number"),
    "below the tracks": ({"track_index": lambda a: a - 1}, "tracks that are not there"),
    "beyond the tracks": ({"track_index": lambda a: a + 2}, "tracks that are not there"),
    "twice in a row": ({"track_index": lambda a: a * 0}, "must ascend"),
    "in disorder": ({"track_index": lambda a: a[[1, 0, *range(2, len(a))]]}, "must ascend"),
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_that_are_no_such_matrix_are_refused(wide, case):
    change, says = BAD[case]
    changed = {name: change.get(name, lambda a: a)(a) for name, a in arrays(wide).items()}
    with pytest.raises(ValueError, match=says):
        WidePart(**changed)


def test_both_parts_and_the_second_stage_come_back(bundle, wide, tmp_path):
    of_split = WidePart.from_matrix(csr_array(DENSE.T))
    text = "tree\nversion=v4\nnames=Ærtist\n\nend of trees\n"
    full = replace(
        bundle,
        wide=wide,
        second_stage=text,
        measured=MeasuredVectors(
            bundle.track_vectors, bundle.query_weight, bundle.popularity, of_split
        ),
    )
    full.save(tmp_path / "bundle")
    found = Bundle.load(tmp_path / "bundle", measured=True)
    assert_same(found.wide, wide)
    assert_same(found.measured.wide, of_split)
    assert found.second_stage == text
    assert not found.wide.weight.flags.writeable, "mapped"
    served = Bundle.load(tmp_path / "bundle")
    assert served.measured is None
    assert_same(served.wide, wide)
    names = {path.name for path in (tmp_path / "bundle").iterdir()}
    assert {"wide.safetensors", "measured-wide.safetensors", SECOND_STAGE} < names
    assert names - {"manifest.json"} == {
        *json.loads((tmp_path / "bundle" / "manifest.json").read_text())["files"]
    }


def test_without_them_nothing_is_written(bundle, tmp_path):
    bundle.save(tmp_path / "bundle")
    found = Bundle.load(tmp_path / "bundle", measured=True)
    assert (found.wide, found.second_stage) == (None, None)
    names = {path.name for path in (tmp_path / "bundle").iterdir()}
    assert not any("wide" in name or "second" in name for name in names)


@pytest.mark.parametrize("name", ["wide.safetensors", "measured-wide.safetensors", SECOND_STAGE])
def test_damage_is_noticed(bundle, wide, tmp_path, name):
    measured = MeasuredVectors(bundle.track_vectors, bundle.query_weight, bundle.popularity, wide)
    replace(bundle, wide=wide, measured=measured, second_stage="tree\n").save(tmp_path / "bundle")
    path = tmp_path / "bundle" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=f"{name}: is not as it was written"):
        Bundle.load(tmp_path / "bundle", measured=True)
    path.unlink()
    with pytest.raises(ArtefactError, match=f"{name}: is missing"):
        Bundle.load(tmp_path / "bundle", measured=True)


def test_a_wide_part_that_lies_is_refused_though_its_checksum_is_not_read(bundle, wide, tmp_path):
    replace(bundle, wide=wide).save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "wide.safetensors"
    content = load_file(path)
    content["track_index"] += np.int32(4)
    save_file(content, path)
    with pytest.raises(ArtefactError, match=r"is not a whole bundle \(the wide part points at"):
        Bundle.load(tmp_path / "bundle", verify=False)


def test_a_wide_part_of_other_tracks_is_refused(bundle, wide):
    more = wide.with_tracks(NUM_TRACKS + 1)
    measured = MeasuredVectors(bundle.track_vectors, bundle.query_weight, bundle.popularity, more)
    for change in ({"wide": more}, {"measured": measured}):
        with pytest.raises(ValueError, match="not as many rows as there are tracks"):
            replace(bundle, **change)
