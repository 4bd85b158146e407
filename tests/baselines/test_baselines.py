"""The baselines against their formulas, written out plainly."""

import sys

import numpy as np
import pytest

from segue import memory
from segue.baselines import (
    BASELINES,
    EASE,
    IALS,
    ItemKNN,
    Popularity,
    RP3beta,
    SideEASE,
    cooccurrence,
)
from segue.data.playlists import TrackLists
from segue.errors import InputError, ResourceError
from segue.graph.playlist_graph import PlaylistGraph


def plain_similarity(graph: PlaylistGraph, num_neighbours: int, shrinkage: float) -> np.ndarray:
    """s(i, j), pair by pair from the sets of playlists, cut to each row's strongest."""
    num_tracks = graph.catalog.num_tracks
    holds: list[set[int]] = [set() for _ in range(num_tracks)]
    for row in range(len(graph.playlists)):
        for track in graph.playlists.tracks[row]:
            holds[track].add(row)
    similarity = np.zeros((num_tracks, num_tracks))
    for i in range(num_tracks):
        for j in range(num_tracks):
            together = len(holds[i] & holds[j])
            if i != j and together:
                root = np.sqrt(len(holds[i]) * len(holds[j]))
                similarity[i, j] = together / (root + shrinkage)
        strongest = sorted(range(num_tracks), key=lambda j: (-similarity[i, j], j))
        similarity[i, strongest[num_neighbours:]] = 0
    return similarity


def test_popularity_counts_training_playlists(small_graph):
    scores = Popularity(small_graph).scores(TrackLists.from_lists([[0], [], [4, 5]]))
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [[3, 1, 2, 2, 1, 1]] * 3)
    scores[0] = -1
    assert Popularity(small_graph).scores(TrackLists.from_lists([[0]]))[0, 0] == 3


def test_one_pair_by_hand(small_graph):
    """Tracks 0 and 3 share two playlists of three and two: 2 / (√6 + 10)."""
    scores = ItemKNN(small_graph, shrinkage=10).scores(TrackLists.from_lists([[0]]))
    assert scores[0, 3] == pytest.approx(2 / (np.sqrt(6) + 10))
    assert scores[0, 0] == 0, "a track is not its own neighbour"


@pytest.mark.parametrize("num_neighbours", [1, 3, 20, 400])
@pytest.mark.parametrize("shrinkage", [0.0, 10.0])
def test_item_knn_is_its_formula(make_planted_graph, num_neighbours, shrinkage):
    graph = make_planted_graph(
        np.random.default_rng(2), communities=2, tracks_each=15, num_playlists=40, lengths=(2, 6)
    )
    knn = ItemKNN(graph, num_neighbours=num_neighbours, shrinkage=shrinkage)
    expected = plain_similarity(graph, num_neighbours, shrinkage)
    np.testing.assert_allclose(knn.similarity.toarray(), expected, rtol=1e-6)
    assert np.diff(knn.similarity.indptr).max() <= num_neighbours

    lists = [[3], [], [0, 29, 7, 11]]
    scores = knn.scores(TrackLists.from_lists(lists))
    assert scores.dtype == np.float32
    by_hand = [expected[tracks].sum(axis=0) for tracks in lists]
    np.testing.assert_allclose(scores, by_hand, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("entries", [50, 333, 5000])
def test_blocks_do_not_show(planted_graph, monkeypatch, entries):
    """Blocks end anywhere, also where one track alone is more than a block."""
    whole = ItemKNN(planted_graph, num_neighbours=12)
    monkeypatch.setattr(cooccurrence, "_BLOCK_ENTRIES", entries)
    in_blocks = ItemKNN(planted_graph, num_neighbours=12)
    assert in_blocks.similarity.shape == whole.similarity.shape
    np.testing.assert_array_equal(in_blocks.similarity.toarray(), whole.similarity.toarray())


def test_a_track_without_pairs_is_nobodys_neighbour(small_graph):
    without_4 = small_graph.with_tracks(TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3], [], [3]]))
    knn = ItemKNN(without_4)
    assert knn.similarity.shape == (6, 6)
    scores = knn.scores(TrackLists.from_lists([[4], [0, 1, 2, 3, 5]]))
    assert not scores[0].any()
    assert scores[1, 4] == 0
    assert np.isfinite(scores).all()


QUERIES = [[3], [], [0, 29, 7, 11]]


@pytest.fixture
def two_communities(make_planted_graph) -> PlaylistGraph:
    return make_planted_graph(
        np.random.default_rng(2), communities=2, tracks_each=15, num_playlists=40, lengths=(2, 6)
    )


def incidence(graph: PlaylistGraph) -> np.ndarray:
    """Playlists by tracks: 1 where a playlist holds a track."""
    X = np.zeros((len(graph.playlists), graph.catalog.num_tracks))
    for row in range(len(X)):
        X[row, graph.playlists.tracks[row]] = 1
    return X


@pytest.mark.parametrize("num_neighbours", [3, 20, 400])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.7, 0.4)])
def test_rp3beta_is_its_formula(two_communities, num_neighbours, alpha, beta):
    X = incidence(two_communities)
    length, count = X.sum(axis=1), np.maximum(X.sum(axis=0), 1)
    to_playlist, to_track = (X / count).T ** alpha, (X / length[:, None]) ** alpha
    walk = to_playlist @ to_track / count**beta
    np.fill_diagonal(walk, 0)
    for row in walk:
        row[sorted(range(30), key=lambda j: (-row[j], j))[num_neighbours:]] = 0
    model = RP3beta(two_communities, num_neighbours=num_neighbours, alpha=alpha, beta=beta)
    np.testing.assert_allclose(model.walk.toarray(), walk, rtol=1e-5, atol=1e-9)
    assert np.diff(model.walk.indptr).max() <= num_neighbours

    scores = model.scores(TrackLists.from_lists(QUERIES))
    assert scores.dtype == np.float32
    by_hand = [
        sum((1 / len(query)) ** alpha * walk[track] for track in query) + np.zeros(30)
        for query in QUERIES
    ]
    np.testing.assert_allclose(scores, by_hand, rtol=1e-5, atol=1e-9)


def ease(gram: np.ndarray, regularization: float) -> np.ndarray:
    """B in float64: column j solves the ridge regression of track j on all others."""
    B = np.zeros_like(gram)
    for j in range(len(gram)):
        others = np.delete(np.arange(len(gram)), j)
        A = gram[np.ix_(others, others)] + regularization * np.eye(len(others))
        B[others, j] = np.linalg.solve(A, gram[others, j])
    return B


@pytest.mark.parametrize("regularization", [1.0, 50.0])
def test_ease_solves_a_ridge_regression_of_each_track_on_the_others(
    two_communities, monkeypatch, regularization
):
    """The closed form and the regressions that it stands for, worked one by one."""
    monkeypatch.setattr("segue.baselines.ease._BLOCK_ROWS", 7)
    X = incidence(two_communities)
    expected = ease(X.T @ X, regularization)
    model = EASE(two_communities, regularization=regularization)
    assert model.weights.dtype == np.float32
    np.testing.assert_allclose(model.weights, expected, rtol=1e-4, atol=1e-5)
    scores = model.scores(TrackLists.from_lists(QUERIES))
    assert scores.dtype == np.float32
    by_hand = [expected[query].sum(axis=0) for query in QUERIES]
    np.testing.assert_allclose(scores, by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("artist_weight", "album_weight"), [(0.0, 0.0), (4.0, 0.0), (2.0, 3.0)])
def test_ease_with_side_information_is_its_formula(two_communities, artist_weight, album_weight):
    X, catalog = incidence(two_communities), two_communities.catalog
    A = (catalog.main_artist == np.arange(len(catalog.artists))[:, None]).astype(float)
    D = (catalog.main_album == np.arange(len(catalog.albums))[:, None]).astype(float)
    assert (catalog.main_album < 0).any(), "some tracks are on no album"
    gram = X.T @ X + artist_weight * A.T @ A + album_weight * D.T @ D
    model = SideEASE(
        two_communities,
        regularization=20.0,
        artist_weight=artist_weight,
        album_weight=album_weight,
    )
    np.testing.assert_allclose(model.weights, ease(gram, 20.0), rtol=1e-4, atol=1e-5)
    if not artist_weight:
        plain = EASE(two_communities, regularization=20.0)
        np.testing.assert_allclose(model.weights, plain.weights, rtol=1e-5, atol=1e-6)


def test_ease_of_an_ill_conditioned_matrix_stays_exact(planted_graph):
    """Little regularisation, tracks that always stand together: float32 must still do."""
    lists = [[0, 1, 2, row % 150 + 5] for row in range(240)]
    graph = planted_graph.with_tracks(TrackLists.from_lists(lists))
    X = incidence(graph)
    model = EASE(graph, regularization=1.0)
    np.testing.assert_allclose(model.weights, ease(X.T @ X, 1.0), atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda graph: EASE(graph, regularization=0.0), "regularization is 0, expected more"),
        (lambda graph: SideEASE(graph, artist_weight=-1.0), "artist_weight is -1 .* 0 or more"),
    ],
)
def test_options_that_cannot_be_are_refused(planted_graph, make, message):
    with pytest.raises(InputError, match=message):
        make(planted_graph)


def test_ease_that_does_not_fit_says_what_it_needs(planted_graph, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 100_000)
    with pytest.raises(ResourceError, match=r"EASE of 160 tracks needs .* of memory, of which"):
        EASE(planted_graph)
    monkeypatch.setattr(memory, "available_memory", lambda: 4 * 160**2)
    EASE(planted_graph)
    monkeypatch.setattr(memory, "available_memory", lambda: None)  # the system does not tell
    EASE(planted_graph)


@pytest.mark.parametrize("alpha", [1.5, 20.0])
def test_ials_folds_a_query_in_by_its_formula(two_communities, alpha):
    model = IALS(two_communities, dim=4, regularization=2.0, alpha=alpha, iterations=3)
    V = model.track_vectors.astype(np.float64)
    expected = []
    for query in QUERIES:
        held = V[query]
        A = V.T @ V + (alpha - 1) * held.T @ held + 2.0 * np.eye(4)
        expected.append(V @ np.linalg.solve(A, alpha * held.sum(axis=0)))
    scores = model.scores(TrackLists.from_lists(QUERIES))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-5)
    again = IALS(two_communities, dim=4, regularization=2.0, alpha=alpha, iterations=3)
    np.testing.assert_array_equal(again.scores(TrackLists.from_lists(QUERIES)), scores)


def test_ials_comes_to_rest_where_no_side_can_better_its_vectors(two_communities):
    """Each track solves for its playlists as a query solves for its tracks."""
    alpha, regularization = 5.0, 2.0
    model = IALS(two_communities, dim=4, regularization=regularization, alpha=alpha, iterations=200)
    V, X = model.track_vectors.astype(np.float64), incidence(two_communities)
    ridge = regularization * np.eye(4)

    def solved(own: np.ndarray, holds: np.ndarray) -> np.ndarray:
        """For each row of `holds` the vector that fits it best, given those of the other side."""
        whole = own.T @ own + ridge
        return np.array(
            [
                np.linalg.solve(whole + (alpha - 1) * own[h].T @ own[h], alpha * own[h].sum(axis=0))
                for h in holds.astype(bool)
            ]
        )

    np.testing.assert_allclose(solved(solved(V, X), X.T), V, atol=1e-3 * np.abs(V).max())


def test_ials_without_its_library_says_how_to_get_it(planted_graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "implicit.als", None)
    with pytest.raises(ResourceError, match=r"pip install 'segue\[baselines\]'"):
        IALS(planted_graph)


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "popularity"])
def test_each_is_far_above_popularity_on_planted_communities(planted_graph, name):
    """Its best tracks for one track lie in the track's own community, held or not."""
    scores = BASELINES[name](planted_graph).scores(TrackLists.from_lists([[5], [45], [85], [125]]))
    assert np.isfinite(scores).all()
    top = np.argsort(-scores, axis=1)[:, :10]
    own = top // 40 == np.arange(4)[:, None]
    assert own.mean() > 0.8


@pytest.mark.parametrize("name", BASELINES)
def test_a_search_space_starts_at_the_defaults(planted_graph, name):
    """The first value of each option is the default, and each is an option."""
    space = BASELINES[name].search_space
    first = {option: values[0] for option, values in space.items()}
    stated = BASELINES[name].__init__.__kwdefaults__ or {}
    assert first == {option: stated[option] for option in space}
    assert all(len(set(values)) == len(values) for values in space.values())


@pytest.mark.parametrize(("model", "name"), [(ItemKNN, "item-kNN"), (RP3beta, "RP3beta")])
def test_neighbours_that_do_not_fit_are_refused(planted_graph, monkeypatch, model, name):
    most: list[int] = []

    def available() -> int:
        return most[0]

    monkeypatch.setattr(memory, "available_memory", available)
    monkeypatch.setattr(cooccurrence, "_BLOCK_ENTRIES", 100)
    block = 100 * cooccurrence._BLOCK_BYTES
    # All 160 tracks as neighbours of each take at most 16 bytes each.
    most.append(block + 16 * 160 * 160)
    model(planted_graph)
    most[0] = block + 16 * 160 * 30
    with pytest.raises(ResourceError) as refused:
        model(planted_graph, num_neighbours=100)
    said = str(refused.value)
    assert said.startswith(f"{name} of 160 tracks with 100 neighbours needs ")
    assert "; 25 neighbours would take " in said
    model(planted_graph, num_neighbours=25)
    most[0] = block
    with pytest.raises(ResourceError, match="k-core of the playlists"):
        model(planted_graph)
