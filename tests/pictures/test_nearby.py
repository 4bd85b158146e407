"""Who is near: distances from the middle, what is named, the playlists that hold both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.pictures.nearby import around_first, nearby
from segue.recommend.recommender import Recommender


@pytest.fixture(scope="module")
def recommender(planted_bundle) -> Recommender:
    """The planted graph with random vectors."""
    return Recommender(planted_bundle)


@pytest.mark.parametrize("kind", ["artist", "track"])
def test_the_nearest_come_first_and_stand_nearest(recommender, kind):
    bundle, row = recommender.bundle, 7
    start, *others = nearby(recommender, (kind, row), neighbours=recommender.neighbours)
    assert start.id == f"segue:{kind}:{row}"
    assert (start.x, start.y) == (0.5, 0.5)
    assert start.similarity == pytest.approx(1)
    for of in ("artist", "track"):
        found = [near for near in others if near.type == of]
        similarity = bundle.vectors[of] @ bundle.vectors[kind][row]
        ids = bundle.catalog.nodes[of].ids.to_pylist()
        own = {row} if of == kind else set(bundle.catalog.relations["artist"][row].tolist())
        if of == "artist":
            order = [at for at in np.argsort(-similarity).tolist() if at not in own]
            assert [near.id for near in found] == [ids[at] for at in order[:20]]
        for near in found:
            assert near.similarity == pytest.approx(float(similarity[ids.index(near.id)]), abs=1e-6)
    place = np.array([[near.x, near.y] for near in others])
    assert ((place >= 0) & (place <= 1)).all()
    distance = np.linalg.norm(place - 0.5, axis=1)
    order = np.argsort([-near.similarity for near in others], kind="stable")
    assert (np.diff(distance[order]) > -1e-9).all()


def test_an_artist_has_at_most_two_songs(recommender):
    found = nearby(recommender, ("track", 3), tracks=16)
    by = [near.artist_id for near in found[1:] if near.type == "track"]
    assert len(by) == 16
    assert max(map(by.count, by)) == 2
    assert [near.type for near in nearby(recommender, ("artist", 1), artists=2, tracks=0)] == [
        "artist"
    ] * 3


def test_the_playlists_named_hold_both(recommender):
    playlists, catalog = recommender.playlists, recommender.bundle.catalog
    own = set(catalog.relations["artist"].sources_of(np.array([4])).tolist())
    start, *others = nearby(recommender, ("artist", 4), neighbours=recommender.neighbours)
    assert start.playlists
    some = 0
    for near in others:
        row = catalog.nodes[near.type].index_of[near.id]
        theirs = {row}
        if near.type == "artist":
            theirs = set(catalog.relations["artist"].sources_of(np.array([row])).tolist())
        holding = {
            playlists.titles[at].as_py()
            for at in range(len(playlists))
            if own & set(held := playlists.tracks[at].tolist()) and theirs & set(held)
        }
        assert set(near.playlists) <= holding
        assert len(near.playlists) <= 3
        assert bool(near.playlists) == bool(holding)
        some += len(near.playlists)
    assert some
    assert all(near.playlists == () for near in nearby(recommender, ("artist", 4)))
    without = Recommender(replace(recommender.bundle, playlists=None))
    assert len(nearby(without, ("artist", 4))) == 36


def test_neighbours_that_are_alike_stand_together():
    """Two tight groups at the same angle from the first."""
    angle = np.deg2rad(50)
    groups = [[np.cos(angle), np.sin(angle), 0], [np.cos(angle), -np.sin(angle), 0]]
    rng = np.random.default_rng(1)
    vectors = np.array([[1.0, 0, 0], *(groups[at % 2] for at in range(10))])
    vectors[1:] += rng.normal(0, 0.05, (10, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ray = around_first(vectors)[1:] - 0.5
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    alike = np.equal.outer(np.arange(10) % 2, np.arange(10) % 2)
    np.fill_diagonal(alike, False)
    cosine = ray @ ray.T
    assert cosine[alike].min() > 0.7
    assert cosine[~alike & ~np.eye(10, dtype=bool)].max() < 0.5


def test_one_alone_and_equal_ones_have_places():
    assert around_first(np.array([[1.0, 0]])).tolist() == [[0.5, 0.5]]
    same = around_first(np.array([[1.0, 0]] * 4))
    assert np.isfinite(same).all()
    assert ((same >= 0) & (same <= 1)).all()
