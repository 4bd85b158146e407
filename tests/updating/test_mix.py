"""Where new tracks stand: sources by hand, nothing that leaks, weights that are convex."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.data.relations import Relation
from segue.scoring.centroid import unit_rows
from segue.updating.evidence import Evidence
from segue.updating.mix import BUCKETS, SOURCES, MixWeights, Sources

S = np.float32(np.sqrt(0.5))
NO_SPREAD = np.zeros((5, 5), dtype=np.float32)


def random_unit(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    vectors = rng.normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def relations(artist: list[int], album: list[int]) -> dict[str, Relation]:
    columns = {"artist": np.array(artist, np.int32), "album": np.array(album, np.int32)}
    return {
        kind: Relation.single("of", "track", kind, column, int(column.max()) + 1)
        for kind, column in columns.items()
    }


@pytest.fixture
def by_hand() -> Evidence:
    """Tracks 0 to 3 are known, 4 to 7 new.

    Track 4 has artist and album and stands beside tracks 0 and 1; track 5 has an artist alone;
    track 6 stands in two playlists; track 7 has nothing: its artist is new, its playlist holds new
    tracks alone.
    """
    return Evidence(
        relations=relations([0, 0, 1, -1, 0, 1, -1, 2], [0, -1, 1, -1, 0, -1, -1, -1]),
        playlists=TrackLists.from_lists([[0, 1, 4], [6, 2], [6, 3, 0], [7], []]),
        track_vectors=np.array(
            [[1, 0], [0, 1], [-1, 0], [0, -1], [9, 9], [9, 9], [9, 9], [9, 9]], dtype=np.float32
        ),
        query_weight=np.array([1, 3, 1, 1, 9, 9, 9, 9], dtype=np.float32),
        known=np.arange(8) < 4,
    )


def test_a_duet_is_placed_by_both_artists(by_hand):
    """Track 4 by artists 0 and 1: of the first the mean is unit([1, 1]), of the second [-1, 0]."""
    by = by_hand.relations["artist"]
    lists = [by[track].tolist() for track in range(8)]
    lists[4] = [0, 1]
    offsets = np.append(0, np.cumsum([len(row) for row in lists]))
    both = np.array([artist for row in lists for artist in row], dtype=np.int32)
    duet = Relation("of", "track", "artist", offsets, both, by.num_targets)
    evidence = replace(by_hand, relations={**by_hand.relations, "artist": duet})
    expected = np.array([1, 1]) / np.sqrt(2) + [-1, 0]
    found = evidence.sources(np.array([4])).vectors[0, 0]
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


def test_sources_by_hand(by_hand):
    sources = by_hand.sources(np.array([4, 5, 6, 7]))
    weighted = np.array([1, 3]) / np.sqrt(10)  # query weights 1 and 3
    # Playlists [2] and [3, 0] point at (−1, 0) and at (1, −1) made unit.
    both = np.array([S - 1, -S]) / np.hypot(S - 1, S)
    expected = np.array(
        [
            [[S, S], [1, 0], weighted],
            [[-1, 0], [0, 0], [0, 0]],
            [[0, 0], [0, 0], both],
            [[0, 0], [0, 0], [0, 0]],
        ]
    )
    np.testing.assert_allclose(sources.vectors, expected, atol=1e-6)
    assert sources.num_playlists.tolist() == [1, 0, 2, 0]
    assert sources.pattern.tolist() == [7, 1, 4, 0]
    assert sources.bucket.tolist() == [1, 0, 2, 0]


def test_every_number_of_playlists_has_its_bucket():
    numbers = np.array([0, 1, 2, 3, 4, 9, 10, 500])
    vectors = np.zeros((8, 3, 2), dtype=np.float32)
    vectors[1:, SOURCES.index("playlists"), 0] = 1
    assert Sources(vectors, numbers, NO_SPREAD).bucket.tolist() == [0, 1, 2, 2, 3, 3, 4, 4]
    # Playlists that cancel out are no source.
    assert Sources(np.zeros_like(vectors), numbers, NO_SPREAD).bucket.tolist() == [0] * 8


@pytest.mark.parametrize("pattern", range(8))
def test_equal_parts_of_what_there_is(pattern):
    rng = np.random.default_rng(pattern)
    has = np.array([pattern >> s & 1 == 1 for s in range(3)])
    vectors = random_unit((1, 3, 4), rng) * has[:, None]
    number = np.array([5 if has[2] else 0])
    mixed = MixWeights.equal().mixed(Sources(vectors, number, NO_SPREAD))
    expected = vectors.sum(axis=1) / np.linalg.norm(vectors.sum(axis=1)) if pattern else 0
    np.testing.assert_allclose(mixed, np.broadcast_to(expected, (1, 4)), atol=1e-6)
    alone = MixWeights.equal(["album"]).mixed(Sources(vectors, number, NO_SPREAD))
    np.testing.assert_allclose(alone, vectors[:, 1], atol=1e-6)


def test_weights_that_make_no_convex_mix_are_refused():
    equal = MixWeights.equal()
    for row, wrong in ((7, [1.5, -0.5, 0]), (7, [0.5, 0.2, 0]), (1, [0.5, 0.5, 0])):
        table = equal.table.copy()
        table[row, 0] = wrong
        with pytest.raises(ValueError, match="weight"):
            replace(equal, table=table)
    with pytest.raises(ValueError, match=r"\['genre'\] are not among"):
        MixWeights.equal(["genre"])
    for name, wrong in (("cosine", -0.1), ("cosine", np.nan), ("ridge", 0)):
        with pytest.raises(ValueError, match="cosines from 0 to 1 and ridges above 0"):
            replace(equal, **{name: np.full((8, 5), wrong)})


def drawn(rng: np.random.Generator, *, mix: tuple[float, float, float]) -> Evidence:
    """600 tracks, each exactly the mix of its artist's, album's and playlists' directions.

    Six tracks an artist, as many an album (of several artists, so that the two tell different
    things), and twenty playlists of thirty tracks, in one of which each track stands. Every
    direction is far from the others, as the dimension is high.
    """
    num, dim = 600, 128
    artist, album = np.arange(num) // 6, rng.permutation(num) // 6
    playlist = rng.permutation(num) % 20
    parts = (random_unit((100, dim), rng)[artist], random_unit((100, dim), rng)[album],
             random_unit((20, dim), rng)[playlist])  # fmt: skip
    vectors = sum(share * part for share, part in zip(mix, parts, strict=True))
    return Evidence(
        relations(artist.tolist(), album.tolist()),
        TrackLists.from_lists([np.flatnonzero(playlist == p).tolist() for p in range(20)]),
        unit_rows(vectors.astype(np.float32)),
        np.ones(num, dtype=np.float32),
        np.ones(num, dtype=bool),
    )


@pytest.mark.parametrize("strongest", range(3))
def test_the_fit_finds_what_tracks_were_made_of(strongest):
    mix = tuple(1.0 if source == strongest else 0.2 for source in range(3))
    evidence = drawn(np.random.default_rng(strongest), mix=mix)
    weights = evidence.fit(np.arange(600), np.random.default_rng(0))
    # All three sources, one playlist.
    assert int(np.argmax(weights.table[7, 1])) == strongest
    assert weights.num_fitted[7, 1] > 500
    # Nothing made of one source can have other weights.
    assert weights.table[1, 0].tolist() == [1, 0, 0]
    assert weights.table[4, 1].tolist() == [0, 0, 1]
    # A mix is at least as near as any of its sources alone.
    alone = [weights.cosine[1, 0], weights.cosine[2, 0], weights.cosine[4, 1]]
    assert weights.cosine[7, 1] >= max(alone) - 1e-6


def test_the_fit_gives_convex_weights_and_the_same_again(planted_graph):
    evidence = of_graph(planted_graph, np.random.default_rng(1))
    weights = evidence.fit(np.arange(160), np.random.default_rng(0))
    total = weights.table.sum(axis=2)
    assert (weights.table >= 0).all()
    assert ((np.abs(total - 1) < 1e-6) | (total == 0)).all()
    assert (weights.num_fitted > 0).sum() >= 10
    again = evidence.fit(np.arange(160), np.random.default_rng(0))
    np.testing.assert_array_equal(weights.table, again.table)
    for row in weights.to_json():
        assert sum(row["weights"].values()) == pytest.approx(1)
        assert -1 <= row["cosine"] <= 1


def of_graph(graph, rng: np.random.Generator) -> Evidence:
    catalog = graph.catalog
    return Evidence(
        catalog.relations,
        graph.playlists.tracks,
        random_unit((catalog.num_tracks, 8), rng),
        rng.uniform(0.1, 2, catalog.num_tracks).astype(np.float32),
        np.ones(catalog.num_tracks, dtype=bool),
    )


def test_nothing_of_a_hidden_track_is_in_what_it_is_placed_by(planted_graph):
    """To the bit: neither its own vector and weight, nor those of tracks hidden with it."""
    rng = np.random.default_rng(2)
    before = of_graph(planted_graph, rng)
    hidden = np.array([0, 1, 5, 77, 159])
    vectors, weight = before.track_vectors.copy(), before.query_weight.copy()
    vectors[hidden] = random_unit((5, 8), rng)
    weight[hidden] = 7
    after = replace(before, track_vectors=vectors, query_weight=weight)
    known = before.known.copy()
    known[hidden] = False
    found = [replace(s, known=known).sources(hidden) for s in (before, after)]
    np.testing.assert_array_equal(found[0].vectors, found[1].vectors)
    np.testing.assert_array_equal(found[0].spread, found[1].spread)
    asked = [s._ask_as_if_new(hidden, np.random.default_rng(0)) for s in (before, after)]
    np.testing.assert_array_equal(asked[0].inner, asked[1].inner)
    assert not np.array_equal(asked[0].to_own, asked[1].to_own)
    assert found[0].vectors.any(axis=(1, 2)).all()


def test_few_tracks_are_mixed_in_equal_parts(by_hand):
    weights = by_hand.fit(np.arange(4), np.random.default_rng(0))
    np.testing.assert_array_equal(weights.table, MixWeights.equal().table)
    assert not weights.num_fitted.any()
    assert weights.to_json() == []


@given(st.integers(0, 2**32 - 1))
def test_a_mix_lies_between_its_sources(rng_seed):
    """No further from any direction than the furthest of its sources: what convexity means."""
    rng = np.random.default_rng(rng_seed)
    vectors = random_unit((6, 3, 5), rng) * (rng.random((6, 3, 1)) < 0.7)
    sources = Sources(vectors.astype(np.float32), rng.integers(1, 20, 6), NO_SPREAD)
    table = MixWeights.equal().table * rng.uniform(0.1, 1, (8, len(BUCKETS), 3))
    total = table.sum(axis=2, keepdims=True)
    table = (table / np.where(total > 0, total, 1)).astype(np.float32)
    weights = replace(MixWeights.equal(), table=table)
    mixed = weights.mixed(sources)
    for row, direction in enumerate(random_unit((6, 5), rng)):
        there = vectors[row][vectors[row].any(axis=1)]
        raw = table[sources.pattern[row], sources.bucket[row]] @ vectors[row]
        if not len(there):
            assert not mixed[row].any()
            continue
        inner = there @ direction
        assert inner.min() - 1e-5 <= raw @ direction <= inner.max() + 1e-5
        np.testing.assert_allclose(mixed[row] * np.linalg.norm(raw), raw, atol=1e-5)


def test_a_ridge_by_hand():
    """Playlists differ twice as much one way as another, so that way counts for less."""
    spread = np.diag([2, 1, 0]).astype(np.float32)
    vectors = np.zeros((1, 3, 3), dtype=np.float32)
    vectors[0, 0] = vectors[0, 2] = [S, S, 0]
    sources = Sources(vectors, np.array([3]), spread)
    # The mean eigenvalue is 1: with a ridge of 2 the two ways are divided by 4 and by 3.
    found = sources.with_ridge(2)
    np.testing.assert_allclose(found[0, 2], [3 / 5, 4 / 5, 0], atol=1e-6)
    np.testing.assert_array_equal(found[0, 0], vectors[0, 0])
    np.testing.assert_array_equal(sources.with_ridge(np.inf), vectors)
    weights = replace(MixWeights.equal(["playlists"]), ridge=np.full((8, 5), 2.0))
    np.testing.assert_allclose(weights.mixed(sources), [[3 / 5, 4 / 5, 0]], atol=1e-6)
    # Where all playlists are alike, nothing can be told apart.
    alike = Sources(vectors, np.array([3]), np.zeros_like(spread))
    np.testing.assert_array_equal(alike.with_ridge(2), vectors)


def test_the_part_of_its_own_is_as_long_as_the_mix_leaves_open():
    rng = np.random.default_rng(4)
    vectors = random_unit((300, 16), rng) * np.linspace(1, 0.2, 16)  # differ least at the end
    vectors = unit_rows(vectors.astype(np.float32))
    sources = Sources(random_unit((50, 3, 16), rng), np.full(50, 2), np.eye(16, dtype=np.float32))
    weights = replace(MixWeights.equal(), cosine=np.full((8, 5), 0.6, dtype=np.float32))
    mixed, placed = weights.mixed(sources), weights.placed(sources, vectors, rng)
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((mixed * placed).sum(axis=1), 0.6, atol=1e-5)
    # Every track has another, and known tracks are far from it.
    own = unit_rows(placed - 0.6 * mixed)
    assert np.abs(own @ own.T - np.eye(50)).max() < 0.99
    assert np.square(own @ vectors.T).mean() < 0.5 / 16
    # With nothing left open there is none, with nothing known no vector.
    alone = MixWeights.equal().placed(sources, vectors, rng)
    np.testing.assert_allclose(alone, mixed, atol=1e-6)
    nothing = Sources(np.zeros_like(sources.vectors), np.zeros(50, dtype=int), sources.spread)
    assert not weights.placed(nothing, vectors, rng).any()


def test_the_fit_of_some_sources_gives_the_others_nothing(planted_graph):
    evidence = of_graph(planted_graph, np.random.default_rng(1))
    weights = evidence.fit(np.arange(160), np.random.default_rng(0), ["album"])
    assert not weights.table[:, :, [0, 2]].any()
    assert (weights.table[2, 0] == [0, 1, 0]).all()
    assert (weights.table[7, 1:] == [0, 1, 0]).all()
    assert not weights.table[[1, 4, 5]].any(), "such tracks are not to be placed"
