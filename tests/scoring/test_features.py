"""What the second stage sees of a track, against the same written out one track at a time."""

import math
import os
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from segue.data.playlists import Catalog, TrackLists
from segue.data.relations import Relation
from segue.scoring.centroid import Centroid
from segue.scoring.factors import Factors
from segue.scoring.features import FEATURES, FeatureMaker
from segue.scoring.first_stage import FirstStage
from segue.scoring.popularity import Popularity
from segue.scoring.query import FIT, NEXT, Query
from segue.scoring.wide import WidePart

NUM_TRACKS, NUM_ARTISTS, NUM_ALBUMS, DIM = 14, 4, 5, 6

# What is not a number where the order of a list is not known.
OF_ORDER = {name for name in FEATURES if "last" in name or "recency" in name or "at end" in name}
# And of a track whose artist or album is not known.
OF_UNKNOWN = {"artist popularity", "album popularity"}


def tiny(rng_seed: int, *, wide: bool = True, factors: bool = True) -> FeatureMaker:
    """Fourteen tracks, some of them without artist, album or playlists."""
    rng = np.random.default_rng(rng_seed)
    ids = [
        pa.array([f"{kind}:{row}" for row in range(number)])
        for kind, number in (("t", NUM_TRACKS), ("a", NUM_ARTISTS), ("l", NUM_ALBUMS))
    ]
    catalog = Catalog.of_columns(
        *(one for column in ids for one in (column, column)),
        rng.integers(-1, NUM_ARTISTS, NUM_TRACKS).astype(np.int32),
        rng.integers(-1, NUM_ALBUMS, NUM_TRACKS).astype(np.int32),
    )
    vectors = rng.normal(size=(NUM_TRACKS, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = rng.uniform(-0.1, 0.5, (NUM_TRACKS, NUM_TRACKS)).astype(np.float32)
    weights *= rng.random(weights.shape) < 0.4
    popularity = rng.integers(0, 40, NUM_TRACKS)
    query_weight = rng.uniform(0.1, 3, NUM_TRACKS).astype(np.float32)
    places = (rng.normal(size=(NUM_TRACKS, DIM)) / NUM_TRACKS).astype(np.float32)
    alpha, scale = (np.array([value], dtype=np.float32) for value in (30, 0.5))
    further = (
        *((WidePart.from_matrix(csr_array(weights)),) if wide else ()),
        *((Factors(places, alpha, scale),) if factors else ()),
    )
    centroid = Centroid(vectors.astype(np.float32), query_weight)
    first_stage = FirstStage(centroid, Popularity(popularity), further)
    return FeatureMaker(first_stage, catalog, popularity)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / (np.linalg.norm(vector) or 1)


def predicted(term: Factors | None, tracks: list[int], share: np.ndarray, candidate: int) -> float:
    """What the factors say without their scale."""
    if term is None:
        return 0.0
    vectors = term.factors.astype(np.float64)
    system = np.eye(DIM)
    for track, r in zip(tracks, share, strict=True):
        system += 29 * r * np.outer(vectors[track], vectors[track])
    return 30 * vectors[candidate] @ np.linalg.solve(system, share @ vectors[tracks])


def by_hand(maker: FeatureMaker, tracks: list[int], emphasis: list[float] | None, order: bool,
            candidate: int, score: float) -> dict[str, float]:  # fmt: skip
    """The features of one candidate, in float64; without those that compare candidates."""
    first_stage, catalog = maker.first_stage, maker.catalog
    weight = first_stage.centroid.query_weight
    vectors = first_stage.centroid.track_vectors.astype(np.float64)
    W = np.zeros((NUM_TRACKS, NUM_TRACKS))
    if wide_part := first_stage.term(WidePart):
        W = wide_part.matrix.toarray().astype(np.float64)
    popularity = first_stage.popularity.popularity
    artist, album = catalog.main_artist.tolist(), catalog.main_album.tolist()
    n = len(tracks)
    share = np.ones(n) if emphasis is None else np.array(emphasis) / np.mean(emphasis)
    cosines = [vectors[t] @ vectors[candidate] for t in tracks]
    weights = [W[t, candidate] for t in tracks]
    wide = sum(s * w for s, w in zip(share, weights, strict=True))
    factors = predicted(first_stage.term(Factors), tracks, share, candidate)

    def centroid(counts: list[float]) -> np.ndarray:
        parts = [c * weight[t] * vectors[t] for c, t in zip(counts, tracks,
                                                                         strict=True)]  # fmt: skip
        return unit(np.sum(parts, axis=0))

    def given_to(group: list[int]) -> float:
        """All that the wide part gives to the candidate's group."""
        if group[candidate] < 0:
            return 0.0
        members = [t for t in range(NUM_TRACKS) if group[t] == group[candidate]]
        return sum(W[t, member] for t in tracks for member in members)

    def in_list(group: list[int], some: list[int]) -> int:
        return sum(group[candidate] >= 0 and group[t] == group[candidate] for t in some)

    def log_popularity(group: list[int]) -> float:
        if group[candidate] < 0:
            return math.nan
        members = [t for t in range(NUM_TRACKS) if group[t] == group[candidate]]
        return math.log1p(sum(int(popularity[t]) for t in members))

    by_artist = np.zeros(DIM)
    if artist[candidate] >= 0:
        own = [t for t in range(NUM_TRACKS) if artist[t] == artist[candidate]]
        by_artist = unit(np.sum([(popularity[t] + 1) * vectors[t] for t in own], axis=0))
    logs = [math.log1p(int(popularity[t])) for t in tracks]
    on_album = album.count(album[candidate]) if album[candidate] >= 0 else 1
    found = {
        "score": score,
        "deep": score - wide - 0.5 * factors,
        "factors": factors,
        "wide": wide,
        "even wide": sum(weights),
        "wide by root of length": sum(weights) / math.sqrt(n),
        "wide by length": sum(weights) / n,
        "nearest cosine": max(cosines),
        "nearest cosines": np.mean(sorted(cosines)[-3:]),
        "mean cosine": np.mean(cosines),
        "least cosine": min(cosines),
        "even cosine": vectors[candidate] @ centroid([1.0] * n),
        "artist cosine": by_artist @ centroid([1.0] * n),
        "largest weight": max(weights),
        "largest weights": sum(sorted(weights)[-3:]),
        "share with weight": np.mean([w > 0 for w in weights]),
        "weights of artist": given_to(artist),
        "weights of album": given_to(album),
        "tracks by artist": in_list(artist, tracks),
        "share by artist": in_list(artist, tracks) / n,
        "tracks on album": in_list(album, tracks),
        "share on album": in_list(album, tracks) / n,
        "album complete": in_list(album, tracks) / on_album,
        "popularity": math.log1p(int(popularity[candidate])),
        "popularity over mean": math.log1p(int(popularity[candidate])) - np.mean(logs),
        "artist popularity": log_popularity(artist),
        "album popularity": log_popularity(album),
        "length": n,
        "asks next": float(order),
        "artists by length": len({artist[t] for t in tracks} - {-1}) / n,
        "albums by length": len({album[t] for t in tracks} - {-1}) / n,
        "mean popularity": np.mean(logs),
        "deviation of popularity": np.std(logs),
    }  # fmt: skip
    if not order:
        return found | dict.fromkeys(OF_ORDER, math.nan)
    following = [n - 1 - place for place in range(n)]
    fast, slow = ([2 ** (-f / half_life) for f in following] for half_life in (2, 6))
    same_artist = in_list(artist, tracks[-1:])
    return found | {
        "cosine with last": cosines[-1],
        "cosine with last two": np.mean(cosines[-2:]),
        "cosine with last three": np.mean(cosines[-3:]),
        "cosine by recency": vectors[candidate] @ centroid(fast),
        "cosine by slow recency": vectors[candidate] @ centroid(slow),
        "weight of last": weights[-1],
        "weights of last three": sum(weights[-3:]),
        "weight by recency": sum(r * w for r, w in zip(fast, weights, strict=True)),
        "artist of last": same_artist,
        "album of last": in_list(album, tracks[-1:]),
        "weights of artist of last": given_to(artist) * same_artist,
        "tracks by artist at end": in_list(artist, tracks[-5:]),
        "artists at end": len({artist[t] for t in tracks[-5:]}),
    }


def made(maker: FeatureMaker, tracks: list[int], emphasis: list[float] | None, order: bool):
    """Candidates, best first, their scores, and the features of each by name."""
    query = Query(
        TrackLists.from_lists([tracks]),
        None if emphasis is None else np.array(emphasis, dtype=np.float32),
        asks=np.array([NEXT if order else FIT], dtype=np.int8),
    )
    scores = maker.first_stage.scores(query)[0]
    left = np.setdiff1d(np.arange(NUM_TRACKS, dtype=np.int32), tracks)
    candidates = left[np.argsort(-scores[left], kind="stable")]
    (features,) = maker.features(query, [candidates])
    assert features.dtype == np.float32
    assert features.shape == (len(candidates), len(FEATURES))
    columns = dict(zip(FEATURES, features.T, strict=True))
    return candidates.tolist(), scores[candidates], columns


lists = st.lists(st.integers(0, NUM_TRACKS - 1), min_size=1, max_size=9, unique=True)


@settings(max_examples=40)
@given(
    tracks=lists,
    order=st.booleans(),
    with_emphasis=st.booleans(),
    wide=st.booleans(),
    factors=st.booleans(),
    rng_seed=st.integers(0, 50),
)
def test_features_are_what_they_are_called(tracks, order, with_emphasis, wide, factors, rng_seed):
    maker = tiny(rng_seed, wide=wide, factors=factors)
    emphasis = np.linspace(1, 4, len(tracks)).tolist() if with_emphasis else None
    candidates, scores, columns = made(maker, tracks, emphasis, order)
    for place, (track, score) in enumerate(zip(candidates, scores, strict=True)):
        for name, expected in by_hand(maker, tracks, emphasis, order, track, score).items():
            found = columns[name][place]
            # Vectors are rounded to multiples of 2^−11.
            rounded = "cosine" in name or name in ("score", "deep", "factors")
            bound = 4e-3 if rounded else 2e-5
            assert found == pytest.approx(expected, abs=bound, nan_ok=True), (name, track)


@given(tracks=lists, order=st.booleans(), wide=st.booleans(), rng_seed=st.integers(0, 50))
def test_what_compares_candidates(tracks, order, wide, rng_seed):
    """Places are permutations, of equal values the lower index first; distances begin at 0."""
    candidates, _, columns = made(tiny(rng_seed, wide=wide), tracks, None, order)
    for name in ("score", "deep", "wide", "factors"):
        places = "place" if name == "score" else f"{name} place"
        expected = np.empty(len(candidates))
        expected[np.lexsort((candidates, -columns[name]))] = np.arange(len(candidates))
        np.testing.assert_array_equal(columns[places], expected)
    for name in ("score", "deep", "factors"):
        distance = columns[name] - columns[name].max()
        np.testing.assert_array_equal(columns[f"{name} under best"], distance)
    if not wide:
        ranks = np.argsort(np.argsort(candidates))
        np.testing.assert_array_equal(columns["wide place"], ranks)


@given(tracks=lists, order=st.booleans(), rng_seed=st.integers(0, 50))
def test_only_what_is_not_known_is_no_number(tracks, order, rng_seed):
    maker = tiny(rng_seed)
    candidates, _, columns = made(maker, tracks, None, order)
    group = {f"{kind} popularity": maker.catalog.relations[kind].main[candidates]
             for kind in ("artist", "album")}  # fmt: skip
    for name, column in columns.items():
        expected = np.full(len(candidates), name in OF_ORDER and not order)
        if name in OF_UNKNOWN:
            expected = group[name] < 0
        np.testing.assert_array_equal(~np.isfinite(column), expected, err_msg=name)


def test_every_feature_is_named_once():
    assert len(set(FEATURES)) == len(FEATURES)
    compared = {"place", *(f"{of} place" for of in ("deep", "wide", "factors"))}
    compared |= {f"{of} under best" for of in ("score", "deep", "factors")}
    described = by_hand(tiny(0), [1, 2], None, True, 3, 0.5)
    assert set(described) | compared == set(FEATURES)


def test_one_list_leaves_nothing_behind_for_the_next():
    maker = tiny(3)
    first = made(maker, [1, 2, 3], None, True)[2]
    made(maker, [7, 4], None, False)
    again = made(maker, [1, 2, 3], None, True)[2]
    for name in FEATURES:
        np.testing.assert_array_equal(first[name], again[name])


def test_lists_together_are_as_each_alone():
    maker = tiny(4)
    tracks = TrackLists.from_lists([[1, 2, 3], [7], [5, 4, 9, 0]])
    emphasis = np.linspace(1, 4, tracks.num_pairs).astype(np.float32)
    query = Query(tracks, emphasis, asks=np.array([NEXT, FIT, NEXT], dtype=np.int8))
    left = [np.setdiff1d(np.arange(NUM_TRACKS, dtype=np.int32), own) for own in tracks]
    for row, found in enumerate(maker.features(query, left)):
        (alone,) = maker.features(query.rows(slice(row, row + 1)), left[row : row + 1])
        np.testing.assert_array_equal(found, alone)


def test_several_threads_may_ask_at_once():
    """As a service does: nothing of one list is seen by another."""
    maker = tiny(5)
    asked = [[1, 2, 3], [7, 4, 9, 0], [5], [13, 12, 11, 10, 8]]
    expected = [made(maker, tracks, None, True)[2] for tracks in asked]
    wrong = []

    def ask(row: int) -> None:
        for _ in range(40):
            columns = made(maker, asked[row], None, True)[2]
            wrong.extend(
                name
                for name, column in expected[row].items()
                if not np.array_equal(columns[name], column, equal_nan=True)
            )

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask, args=(row,)) for row in range(len(asked))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong


def test_a_catalogue_without_artists_and_albums():
    maker = tiny(1)
    nowhere, catalog = np.full(NUM_TRACKS, -1, dtype=np.int32), maker.catalog
    for relation in maker.catalog.relations.values():
        none = Relation.single(
            relation.name, "track", relation.target, nowhere, relation.num_targets
        )
        catalog = catalog.with_relation(none)
    bare = FeatureMaker(maker.first_stage, catalog, maker.first_stage.popularity.popularity)
    _, _, columns = made(bare, [1, 2, 3], None, True)
    for name in ("tracks by artist", "weights of artist", "weights of album", "album complete"):
        np.testing.assert_array_equal(columns[name], 0)


def digest_of_many() -> str:
    """Of the features of a few hundred tracks for lists of several lengths."""
    rng = np.random.default_rng(0)
    number, dim = 600, 100
    ids = pa.array([str(row) for row in range(number)])
    artist, album = (rng.integers(-1, 90, number).astype(np.int32) for _ in range(2))
    groups = ids.slice(0, 90)
    catalog = Catalog.of_columns(ids, ids, groups, groups, groups, groups, artist, album)
    vectors = rng.normal(size=(number, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = rng.random((number, number)).astype(np.float32) / 50
    weights *= rng.random(weights.shape) < 0.2
    popularity = rng.integers(0, 400, number)
    first_stage = FirstStage(
        Centroid(vectors.astype(np.float32), rng.uniform(0.1, 3, number).astype(np.float32)),
        Popularity(popularity),
        (WidePart.from_matrix(csr_array(weights)),),
    )
    maker, found = FeatureMaker(first_stage, catalog, popularity), sha256()
    candidates = np.arange(200, number, dtype=np.int32)
    for length in (1, 2, 5, 33, 150):
        for asks in (FIT, NEXT):
            tracks = TrackLists.from_lists([list(range(length))])
            emphasis = np.linspace(1, 9, length).astype(np.float32) if asks == NEXT else None
            query = Query(tracks, emphasis, asks=np.array([asks], dtype=np.int8))
            (features,) = maker.features(query, [candidates])
            found.update(features.tobytes())
    return found.hexdigest()


# What libraries are told to do without, in the words of old and new NumPy; only x86 knows them.
_NO_512 = "AVX512F AVX512CD AVX512_SKX X86_V4 AVX512_ICL"
PROCESSORS = {
    "no AVX-512": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": _NO_512},
    "no AVX": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": f"AVX2 FMA3 X86_V3 {_NO_512}",
    },
}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_another_processor_finds_the_same_to_the_bit(processor):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__],
        env=os.environ | PROCESSORS[processor],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert done.stdout.strip() == digest_of_many()


if __name__ == "__main__":
    print(digest_of_many())
