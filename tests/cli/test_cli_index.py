"""`segue index`: an index is added, measured and used; what was there stays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.recommend.recommender import Recommender
from segue.scoring.ann import AnnIndex

pytest.importorskip("faiss", reason="the extra ann is not installed")


@pytest.fixture
def bundle(planted_bundle, tmp_path) -> Path:
    facts = {"config": {"model": "lightgcn"}, "metrics": {"test": {}}, "history": [{"epoch": 1}]}
    replace(planted_bundle, **facts).save(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_an_index_is_added(run, bundle):
    before = Bundle.load(bundle)
    status, out, err = run("index", bundle, "--cells", 4, "--recall", 1)
    assert status == 0
    assert "4 cells" in out
    assert "recall@100" in out
    assert "Written to" in err
    after = Bundle.load(bundle)
    np.testing.assert_array_equal(after.track_vectors, before.track_vectors)
    assert (after.config, after.metrics, after.history) == (
        before.config,
        before.metrics,
        before.history,
    )
    assert {"ann.safetensors", "names.sqlite"} <= after.files
    assert AnnIndex.of(after).num_cells == 4
    loaded = Recommender.load(bundle)
    assert loaded.complete("5").tracks == Recommender(after).complete("5").tracks
    assert run("index", bundle, "--cells", 2)[0] == 0, "once more, in place of the first"


def test_exact_passes_the_index_by(run, bundle, monkeypatch):
    assert run("index", bundle, "--cells", 4)[0] == 0
    monkeypatch.setattr(
        "segue.scoring.ann.AnnIndex.of", lambda bundle: pytest.fail("it was loaded")
    )
    assert run("complete", bundle, "5", "--exact")[0] == 0
    assert run("why", bundle, "segue:track:7", "--playlist", "5", "--exact")[0] == 0


def test_more_cells_than_tracks_are_refused_and_nothing_is_changed(run, bundle):
    before = sorted(path.name for path in bundle.iterdir())
    status, _, err = run("index", bundle, "--cells", 1000)
    assert status == 1
    assert err == "segue: 1000 cells for 160 tracks, expected from 1 to one per track\n"
    assert sorted(path.name for path in bundle.iterdir()) == before
