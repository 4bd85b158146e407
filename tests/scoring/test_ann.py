"""The approximate index: good recall, exact scores, and never a list that is too short."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from segue.bundle import Bundle
from segue.data.playlists import Catalog, TrackLists
from segue.errors import ArtefactError, InputError, ResourceError
from segue.recommend.filters import Filters
from segue.recommend.recommender import Recommender
from segue.scoring.ann import AnnIndex, write_ann
from segue.scoring.wide import WidePart

faiss = pytest.importorskip("faiss", reason="the extra ann is not installed")
NUM_TRACKS, NUM_ARTISTS = 4000, 50


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Tracks in 80 clusters, without playlists."""
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(80, 16))
    vectors = centres[np.arange(NUM_TRACKS) % 80] + 0.4 * rng.normal(size=(NUM_TRACKS, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids, artists = (pa.array(np.arange(n).astype(str)) for n in (NUM_TRACKS, NUM_ARTISTS))
    return Bundle(
        catalog=Catalog.of_columns(
            *(ids, ids, artists, artists, pa.array([], pa.string()), pa.array([], pa.string())),
            (np.arange(NUM_TRACKS) % NUM_ARTISTS).astype(np.int32),
            np.full(NUM_TRACKS, -1, dtype=np.int32),
        ),
        vectors={
            "track": vectors.astype(np.float32),
            "artist": np.zeros((NUM_ARTISTS, 16), dtype=np.float32),
        },
        query_weight=np.ones(NUM_TRACKS, dtype=np.float32),
        popularity=rng.integers(1, 300, NUM_TRACKS),
        playlists=None,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )


@pytest.fixture(scope="module")
def folder(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ann")
    write_ann(bundle, folder, recall=0.9)
    return folder


@pytest.fixture(scope="module")
def approximate(bundle, folder) -> Recommender:
    return Recommender(bundle, ann=AnnIndex.load(folder))


@pytest.fixture(scope="module")
def exact(bundle) -> Recommender:
    return Recommender(bundle)


@pytest.fixture(autouse=True)
def searches(monkeypatch) -> list[int]:
    """How many lists were looked for through an index, search by search."""
    found, search = [], AnnIndex.search

    def counted(self, vectors, *args, **options):
        found.append(len(vectors))
        return search(self, vectors, *args, **options)

    monkeypatch.setattr(AnnIndex, "search", counted)
    return found


def lists(rng: np.random.Generator, count: int) -> TrackLists:
    return TrackLists.from_lists(
        [rng.choice(NUM_TRACKS, 3, replace=False).tolist() for _ in range(count)]
    )


@pytest.mark.parametrize("dial", [-1.0, -0.4, 0.0, 1.0])
def test_most_of_the_exact_list_with_exact_scores(approximate, exact, searches, dial):
    query = lists(np.random.default_rng(7), 150)
    near, near_score = approximate.rank(query, 20, dial=dial)
    assert sum(searches) == 150
    best, best_score = exact.rank(query, 20, dial=dial)
    shared = [len(np.intersect1d(*rows)) / 20 for rows in zip(near, best, strict=True)]
    assert np.mean(shared) > 0.85
    assert (np.diff(near_score, axis=1) <= 0).all()
    scores = exact.stages.first.scores(query, dial)
    np.testing.assert_allclose(near_score, np.take_along_axis(scores, near, axis=1), atol=1e-6)
    for row in range(150):
        assert not set(near[row].tolist()) & set(query[row].tolist())
        assert len(set(near[row].tolist())) == 20
    assert (best_score >= near_score - 1e-6).all()


def test_what_was_measured_is_kept(folder):
    facts = json.loads((folder / "ann.json").read_text())
    assert set(facts) == {"num_cells", "num_probes", "recall@100"}
    for dial in ("-1", "0", "1"):
        probes, measured = facts["num_probes"][dial], facts["recall@100"][dial]
        assert measured[str(probes)] >= 0.9
        assert all(recall < 0.9 for n, recall in measured.items() if int(n) < probes)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(only_artists=["7"]),
        Filters(only_tracks=[str(t) for t in range(0, NUM_TRACKS, 2)]),
        Filters(exclude_artists=[str(a) for a in range(40)]),
        Filters(max_per_artist=1),
    ],
)
def test_a_filter_never_leaves_a_list_short(approximate, exact, filters):
    query = lists(np.random.default_rng(8), 20)
    for n in (5, 45, 900):
        near, _ = approximate.rank(query, n, filters=filters)
        best, _ = exact.rank(query, n, filters=filters)
        np.testing.assert_array_equal((near >= 0).sum(axis=1), (best >= 0).sum(axis=1))


def test_a_search_that_finds_too_little_is_made_among_all(bundle, approximate, exact, monkeypatch):
    def blind(self, vectors, dial, n, *, widen=1):
        return np.full((len(vectors), n), -1)

    monkeypatch.setattr(AnnIndex, "search", blind)
    query = lists(np.random.default_rng(9), 5)
    np.testing.assert_array_equal(approximate.rank(query, 7)[0], exact.rank(query, 7)[0])


def far_weights(rng: np.random.Generator) -> WidePart:
    """Each track gives to four others, whatever cluster they are in."""
    given_to = np.array(
        [np.sort(rng.choice(NUM_TRACKS, 4, replace=False)) for _ in range(NUM_TRACKS)]
    )
    offsets = np.arange(0, given_to.size + 1, 4)
    weight = rng.uniform(3, 5, given_to.size)
    return WidePart(offsets, given_to.ravel().astype(np.int32), weight.astype(np.float32))


@pytest.mark.parametrize("num_lists", [1, 70])
def test_a_search_that_finds_nothing_where_the_wide_part_finds_a_few(
    bundle, folder, monkeypatch, num_lists
):
    """What both find is fewer than a list is long."""
    wide = replace(bundle, terms={"wide": far_weights(np.random.default_rng(3)).arrays()})
    approximate, exact = Recommender(wide, ann=AnnIndex.load(folder)), Recommender(wide)

    def blind(self, vectors, dial, n, *, widen=1):
        return np.full((len(vectors), n), -1)

    monkeypatch.setattr(AnnIndex, "search", blind)
    query = lists(np.random.default_rng(9), num_lists)
    np.testing.assert_array_equal(approximate.rank(query, 20)[0], exact.rank(query, 20)[0])


@pytest.mark.parametrize("dial", [0.0, 0.5])
@pytest.mark.parametrize("filters", [Filters(), Filters(exclude_tracks=["0", "1"])])
def test_what_only_the_wide_part_knows_is_found(bundle, folder, searches, dial, filters):
    """An index of vectors cannot know it: its tracks stand anywhere."""
    wide = replace(bundle, terms={"wide": far_weights(np.random.default_rng(3)).arrays()})
    approximate, exact = Recommender(wide, ann=AnnIndex.load(folder)), Recommender(wide)
    query = lists(np.random.default_rng(7), 70)
    near, near_score = approximate.rank(query, 10, dial=dial, filters=filters)
    assert sum(searches) == 70
    best, best_score = exact.rank(query, 10, dial=dial, filters=filters)
    # Weights of 3 and more stand above all cosines, so these lists are known to the last track.
    np.testing.assert_array_equal(near, best)
    np.testing.assert_allclose(near_score, best_score, atol=1e-6)
    for row in range(len(query)):
        given = set(WidePart(**wide.terms["wide"]).matrix[query[row]].indices.tolist()) - set(
            query[row].tolist()
        )
        assert len(given & set(near[row].tolist())) == 10


def test_the_wide_part_counts_where_the_index_finds_a_track_too(bundle, folder, searches):
    """A longer list: first what the wide part gives to, then what is near, each track once."""
    wide = replace(bundle, terms={"wide": far_weights(np.random.default_rng(3)).arrays()})
    approximate, exact = Recommender(wide, ann=AnnIndex.load(folder)), Recommender(wide)
    query = lists(np.random.default_rng(8), 40)
    near, near_score = approximate.rank(query, 40)
    assert sum(searches) == 40
    scores = exact.stages.first.scores(query)
    np.testing.assert_allclose(near_score, np.take_along_axis(scores, near, axis=1), atol=1e-6)
    assert (np.diff(near_score, axis=1) <= 0).all()
    best, _ = exact.rank(query, 40)
    shared = [len(np.intersect1d(*rows)) / 40 for rows in zip(near, best, strict=True)]
    assert np.mean(shared) > 0.85
    for row in near:
        assert len(set(row.tolist())) == 40


def test_an_empty_query_still_gets_the_most_popular(approximate, exact):
    query = TrackLists.from_lists([[], [4]])
    np.testing.assert_array_equal(approximate.rank(query, 3)[0][0], exact.rank(query, 3)[0][0])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"recall": 0}, "recall is 0, expected above 0"),
        ({"recall": 1.5}, "recall is 1.5"),
        ({"num_cells": NUM_TRACKS + 1}, "4001 cells for 4000 tracks"),
    ],
)
def test_options_that_are_refused(bundle, tmp_path, options, says):
    with pytest.raises(InputError, match=says):
        write_ann(bundle, tmp_path, **options)


def few_tracks(bundle: Bundle) -> Bundle:
    some = np.zeros(NUM_TRACKS, dtype=bool)
    some[:5] = True
    return replace(
        bundle,
        catalog=bundle.catalog.keep_tracks(some),
        vectors={"track": bundle.track_vectors[:5], "artist": bundle.vectors["artist"][:5]},
        query_weight=bundle.query_weight[:5],
        popularity=bundle.popularity[:5],
    )


def test_few_tracks(bundle, tmp_path):
    few = few_tracks(bundle)
    write_ann(few, tmp_path)
    found = Recommender(few, ann=AnnIndex.load(tmp_path)).vibe(["0"], 9)
    assert found.tracks == Recommender(few).vibe(["0"], 9).tracks


def test_a_longer_list_than_there_are_tracks_with_a_second_stage(
    bundle, second_stage_text, tmp_path
):
    few = replace(few_tracks(bundle), second_stage=second_stage_text)
    write_ann(few, tmp_path)
    track_index, score = Recommender(few, ann=AnnIndex.load(tmp_path)).rank(
        TrackLists.from_lists([[0], [1, 2]]), 300
    )
    assert track_index.shape == score.shape == (2, 300)
    assert (track_index >= 0).sum(axis=1).tolist() == [4, 3]


def test_a_folder_without_an_index_has_none(tmp_path):
    assert AnnIndex.load(tmp_path) is None


def test_a_damaged_index_is_named(folder, tmp_path):
    (tmp_path / "ann.faiss").write_bytes(b"no index")
    (tmp_path / "ann.json").write_bytes((folder / "ann.json").read_bytes())
    with pytest.raises(ArtefactError, match=r"ann.faiss: cannot be read"):
        AnnIndex.load(tmp_path)


def test_faiss_does_not_log_what_the_processor_can_do(tmp_path):
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "from segue.scoring.ann import _faiss; _faiss()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_faiss_it_is_said_what_to_install(bundle, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    for call in (lambda: write_ann(bundle, tmp_path), lambda: AnnIndex.load(folder)):
        with pytest.raises(ResourceError, match=r"pip install 'segue\[ann\]'"):
            call()
