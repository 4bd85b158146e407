"""The approximate index: good recall, exact scores, and never a list that is too short."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from segue.arrays import write_arrays
from segue.bundle import Bundle
from segue.data.playlists import Catalog, TrackLists
from segue.errors import ArtefactError, InputError, ResourceError
from segue.recommend.filters import Filters
from segue.recommend.recommender import Recommender
from segue.scoring.ann import INDEX_FILE, AnnIndex, write_ann
from segue.scoring.centroid import Centroid
from segue.scoring.popularity import Popularity
from segue.scoring.query import Query
from segue.scoring.wide import WidePart

pytest.importorskip("faiss", reason="the extra ann is not installed")
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
    """The bundle with an index."""
    folder = tmp_path_factory.mktemp("ann") / "bundle"
    bundle.save(folder, companions=[lambda inside: write_ann(bundle, inside, recall=0.9)])
    return folder


@pytest.fixture(scope="module")
def ann(folder) -> AnnIndex:
    return AnnIndex.of(Bundle.load(folder))


@pytest.fixture(scope="module")
def approximate(bundle, ann) -> Recommender:
    return Recommender(bundle, ann=ann)


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


def test_what_was_measured_is_kept_and_true(bundle, ann):
    """The fewest cells, of powers of two, with that recall."""
    assert (ann.recall >= 0.9).all()
    query = lists(np.random.default_rng(3), 200)
    vectors = Centroid(bundle.track_vectors, bundle.query_weight).prepare(Query(query))
    full_turn = Popularity(bundle.popularity).full_turn
    for place, dial in enumerate((-1.0, 0.0, 1.0)):
        exact = np.argsort(-(vectors @ bundle.track_vectors.T + dial * full_turn))[:, :100]

        def recall(probes, dial=dial, exact=exact):
            near = ann._search(vectors, np.full(200, dial, dtype=np.float32), 100, probes)
            return np.mean([len(np.intersect1d(*rows)) for rows in zip(near, exact, strict=True)])

        probes = int(ann.num_probes[place])
        assert recall(probes) == pytest.approx(100 * ann.recall[place], abs=4)
        assert probes == 1 or recall(probes // 2) < 92


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
    bundle, ann, monkeypatch, num_lists
):
    """What both find is fewer than a list is long."""
    wide = replace(bundle, terms={"wide": far_weights(np.random.default_rng(3)).arrays()})
    approximate, exact = Recommender(wide, ann=ann), Recommender(wide)

    def blind(self, vectors, dial, n, *, widen=1):
        return np.full((len(vectors), n), -1)

    monkeypatch.setattr(AnnIndex, "search", blind)
    query = lists(np.random.default_rng(9), num_lists)
    np.testing.assert_array_equal(approximate.rank(query, 20)[0], exact.rank(query, 20)[0])


@pytest.mark.parametrize("dial", [0.0, 0.5])
@pytest.mark.parametrize("filters", [Filters(), Filters(exclude_tracks=["0", "1"])])
def test_what_only_the_wide_part_knows_is_found(bundle, ann, searches, dial, filters):
    """An index of vectors cannot know it: its tracks stand anywhere."""
    wide = replace(bundle, terms={"wide": far_weights(np.random.default_rng(3)).arrays()})
    approximate, exact = Recommender(wide, ann=ann), Recommender(wide)
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


def test_the_wide_part_counts_where_the_index_finds_a_track_too(bundle, ann, searches):
    """A longer list: first what the wide part gives to, then what is near, each track once."""
    wide = replace(bundle, terms={"wide": far_weights(np.random.default_rng(3)).arrays()})
    approximate, exact = Recommender(wide, ann=ann), Recommender(wide)
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
    found = Recommender(few, ann=write_ann(few, tmp_path)).vibe(["0"], 9)
    assert found.tracks == Recommender(few).vibe(["0"], 9).tracks


def test_a_longer_list_than_there_are_tracks_with_a_second_stage(
    bundle, second_stage_arrays, tmp_path
):
    few = replace(few_tracks(bundle), second_stage=second_stage_arrays)
    track_index, score = Recommender(few, ann=write_ann(few, tmp_path)).rank(
        TrackLists.from_lists([[0], [1, 2]]), 300
    )
    assert track_index.shape == score.shape == (2, 300)
    assert (track_index >= 0).sum(axis=1).tolist() == [4, 3]


def test_a_bundle_without_an_index_has_none(bundle, tmp_path):
    assert AnnIndex.of(bundle) is None
    bundle.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    (tmp_path / "bundle" / INDEX_FILE).write_bytes(b"not of this bundle, so it is not read")
    assert AnnIndex.of(loaded) is None


def changed(array: np.ndarray, place: object, value: float) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(
    "change",
    [
        lambda a: {"track_index": changed(a["track_index"], 0, a["track_index"][1])},
        lambda a: {"track_index": changed(a["track_index"], 0, NUM_TRACKS)},
        lambda a: {"track_index": changed(a["track_index"], 0, -1)},
        lambda a: {"track_index": a["track_index"][:-1]},
        lambda a: {"offsets": changed(a["offsets"], -1, NUM_TRACKS + 1)},
        lambda a: {"offsets": changed(a["offsets"], 1, NUM_TRACKS)},
        lambda a: {"offsets": changed(a["offsets"], 0, -1)},
        lambda a: {"codes": a["codes"][:, :-1]},
        lambda a: {"codes": a["codes"].astype(np.float32)},
        lambda a: {"low": changed(a["low"], 0, np.nan)},
        lambda a: {"step": changed(a["step"], 0, np.inf)},
        lambda a: {"cell_vectors": changed(a["cell_vectors"], (0, 0), 1e30)},
        lambda a: {"cell_vectors": a["cell_vectors"].ravel()},
        lambda a: {"num_probes": changed(a["num_probes"], 0, 0)},
        lambda a: {"num_probes": changed(a["num_probes"], 2, 10**9)},
        lambda a: {"more": a["low"]},
    ],
)
def test_what_is_no_index_of_these_tracks_is_named(bundle, ann, tmp_path, change):
    """Though its checksum is right."""
    arrays = ann.arrays()
    arrays |= change(arrays)
    bundle.save(
        tmp_path / "bundle", companions=[lambda inside: write_arrays(inside / INDEX_FILE, arrays)]
    )
    loaded = Bundle.load(tmp_path / "bundle")
    with pytest.raises(ArtefactError, match=r"ann.safetensors: cannot be read as an index"):
        AnnIndex.of(loaded)
    with pytest.raises(ArtefactError, match=r"ann.safetensors: cannot be read as an index"):
        Recommender.load(tmp_path / "bundle")
    assert len(Recommender.load(tmp_path / "bundle", exact=True).vibe(["0"], 3).tracks) == 3


def test_an_index_of_another_catalogue_is_named(bundle, ann, tmp_path):
    few = few_tracks(bundle)
    few.save(tmp_path / "few", companions=[lambda to: write_arrays(to / INDEX_FILE, ann.arrays())])
    with pytest.raises(ArtefactError, match="it was made for another catalogue"):
        Recommender.load(tmp_path / "few")


def test_faiss_does_not_log_what_the_processor_can_do(tmp_path):
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "from segue.scoring.ann import _faiss; _faiss()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_who_makes_an_index_needs_faiss(bundle, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ResourceError, match=r"pip install 'segue\[ann\]'"):
        write_ann(bundle, tmp_path)
    assert len(Recommender.load(folder).vibe(["0"], 3).tracks) == 3
