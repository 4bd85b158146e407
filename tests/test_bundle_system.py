"""What stands beside a bundle's vectors: a wide part, and the trees of a second stage."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from segue.bundle import SECOND_STAGE, Bundle, MeasuredVectors
from segue.data.playlists import Catalog
from segue.errors import ArtefactError

NUM_TRACKS = 5


@pytest.fixture
def bundle() -> Bundle:
    nothing = pa.array([], pa.string())
    ids = pa.array([f"track:{track}" for track in range(NUM_TRACKS)])
    catalog = Catalog.of_columns(
        ids, ids, nothing, nothing, nothing, nothing,
        *(np.full(NUM_TRACKS, -1, dtype=np.int32),) * 2,
    )  # fmt: skip
    return Bundle(
        catalog=catalog,
        vectors={
            "track": np.eye(NUM_TRACKS, 3, dtype=np.float32),
            "artist": np.zeros((0, 3), dtype=np.float32),
        },
        query_weight=np.ones(NUM_TRACKS, dtype=np.float32),
        popularity=np.ones(NUM_TRACKS, dtype=np.int64),
        playlists=None,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )


def arrays(rng_seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Two terms that this package knows nothing of."""
    rng = np.random.default_rng(rng_seed)
    return {
        "wide": {"offsets": rng.integers(9, size=6), "weight": rng.random(4, dtype=np.float32)},
        "one more": {"table": rng.random((2, 3), dtype=np.float32)},
    }


def assert_same(found, expected) -> None:
    assert list(found) == list(expected)
    for name, of_term in expected.items():
        assert sorted(found[name]) == sorted(of_term)
        for key, array in of_term.items():
            assert found[name][key].dtype == array.dtype
            np.testing.assert_array_equal(found[name][key], array)


def test_terms_and_the_second_stage_come_back(bundle, tmp_path):
    trees = {"threshold": np.array([0.5, 1e-300]), "left": np.array([-1, 0], dtype=np.int32)}
    full = replace(
        bundle,
        terms=arrays(0),
        second_stage=trees,
        measured=MeasuredVectors(
            bundle.track_vectors, bundle.query_weight, bundle.popularity, arrays(1)
        ),
    )
    full.save(tmp_path / "bundle")
    found = Bundle.load(tmp_path / "bundle")
    assert_same(found.terms, arrays(0))
    assert_same(found.measured.terms, arrays(1))
    assert_same({"": found.second_stage}, {"": trees})
    assert not found.terms["wide"]["weight"].flags.writeable, "mapped"
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["terms"] == manifest["measured_terms"] == ["wide", "one more"]
    names = {path.name for path in (tmp_path / "bundle").iterdir()}
    assert {"term-wide.safetensors", "measured-term-wide.safetensors", SECOND_STAGE} < names
    assert names - {"manifest.json"} == {*manifest["files"]}


def test_without_them_nothing_is_written(bundle, tmp_path):
    bundle.save(tmp_path / "bundle")
    found = Bundle.load(tmp_path / "bundle")
    assert (found.terms, found.second_stage) == ({}, None)
    names = {path.name for path in (tmp_path / "bundle").iterdir()}
    assert not any("term" in name or "second" in name for name in names)


@pytest.mark.parametrize(
    "name", ["term-wide.safetensors", "measured-term-wide.safetensors", SECOND_STAGE]
)
def test_damage_is_noticed(bundle, tmp_path, name):
    measured = MeasuredVectors(
        bundle.track_vectors, bundle.query_weight, bundle.popularity, arrays(1)
    )
    whole = replace(bundle, terms=arrays(0), measured=measured, second_stage={"left": np.zeros(2)})
    whole.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=f"{name}: is not as it was written"):
        Bundle.load(tmp_path / "bundle")
    path.unlink()
    with pytest.raises(ArtefactError, match=f"{name}: is missing"):
        Bundle.load(tmp_path / "bundle")
