"""A service answers with the second stage of its bundle, from several threads, or without it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy.sparse import csr_array

from segue.recommend.recommender import Recommender
from segue.scoring.wide import WidePart
from segue.service.app import create_app
from segue.service.limits import Limits
from segue.service.serving import Serving

VIBE, COMPLETE = "/api/v1/vibe", "/api/v1/complete"


@pytest.fixture(scope="module")
def system(bundles, save_bundle, second_stage_arrays, tmp_path_factory) -> Path:
    rng = np.random.default_rng(3)
    weights = rng.uniform(0, 0.3, (160, 160)).astype(np.float32) * (rng.random((160, 160)) < 0.1)
    wide = WidePart.from_matrix(csr_array(weights.astype(np.float32)))
    folder = tmp_path_factory.mktemp("system") / "bundle"
    save_bundle(
        replace(bundles[0], terms={"wide": wide.arrays()}, second_stage=second_stage_arrays), folder
    )
    return folder


def tracks(answer: dict) -> list[tuple[str, float]]:
    return [(track["track_id"], track["score"]) for track in answer["tracks"]]


def test_many_at_once_are_answered_as_one_by_one(system):
    recommender = Recommender.load(system)
    expected = {
        str(row): [(t.track_id, t.score) for t in recommender.complete(str(row), 12).tracks]
        for row in range(24)
    }
    serving = Serving(system)
    serving.load()
    app = create_app(serving, Limits(threads=4, max_requests=64))
    with TestClient(app) as client, ThreadPoolExecutor(8) as pool:

        def ask(row: str) -> list[tuple[str, float]]:
            answer = client.post(COMPLETE, json={"playlist": row, "n": 12})
            assert answer.status_code == 200, answer.text
            return tracks(answer.json())

        for row, found in zip(expected, pool.map(ask, expected), strict=True):
            assert [track for track, _ in found] == [track for track, _ in expected[row]]
            np.testing.assert_allclose(*([s for _, s in f] for f in (found, expected[row])))


def test_reasons_name_the_list_as_a_whole(system):
    serving = Serving(system)
    serving.load()
    with TestClient(create_app(serving)) as client:
        seeds = {"tracks": ["segue:track:3", "segue:track:50"]}
        best = client.post(VIBE, json=seeds | {"n": 3}).json()["tracks"][0]
        assert {reason["kind"] for reason in best["because"]} == {"track", "popularity"}
        why = client.post("/api/v1/why", json=seeds | {"track": best["track_id"]}).json()
    assert [term["kind"] for term in why["terms"]].count("list") == 1
    assert sum(term["part"] for term in why["terms"]) == pytest.approx(best["score"], abs=1e-6)


def test_it_can_be_left_out(system):
    serving = Serving(system, second_stage=False)
    serving.load()
    expected = Recommender.load(system, second_stage=False).complete("3", 9)
    with TestClient(create_app(serving)) as client:
        found = client.post(COMPLETE, json={"playlist": "3", "n": 9}).json()
    assert [t for t, _ in tracks(found)] == [track.track_id for track in expected.tracks]
