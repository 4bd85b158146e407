"""A second stage learns what a first cannot see, from validation alone, and only where it helps."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.sparse import csr_array

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.evaluation.validation import validate
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.pipeline.system import SystemScorer
from segue.scoring.centroid import Centroid
from segue.scoring.features import FEATURES
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import FIT, NEXT
from segue.scoring.questions import Questions
from segue.scoring.second_stage import SecondStage
from segue.scoring.trees import Trees
from segue.scoring.two_stages import TwoStages
from segue.scoring.wide import WidePart
from segue.training import second_stage
from segue.training.cases import Cases, cases_of
from segue.training.config import SecondStageConfig
from segue.training.second_stage import train_second_stage

lightgbm = pytest.importorskip("lightgbm", reason="the extra train is not installed")
NUM_TRACKS, ON_ALBUM, LENGTH = 120, 4, 10
CONFIG = SecondStageConfig(
    num_trees=(5, 20), num_leaves=7, learning_rate=0.3, min_leaf=30, min_questions=100
)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draw_split(rng_seed: int, *, follows: str, num_playlists: int = 200) -> Split:
    """Ordered playlists of ten random tracks; the eighth, held out for validation, obeys a rule.

    By ``"album"`` it is on the album of the seventh, by ``"next"`` it is the track after it in the
    catalogue, by ``"chance"`` it is any. The last two are for test: any tracks.
    """
    rng = np.random.default_rng(rng_seed)
    lists = []
    for _ in range(num_playlists):
        tracks = rng.choice(NUM_TRACKS, LENGTH, replace=False)
        last = tracks[6]
        wanted = {
            "album": last - last % ON_ALBUM + (last + rng.integers(1, ON_ALBUM)) % ON_ALBUM,
            "next": (last + 1) % NUM_TRACKS,
            "chance": tracks[7],
        }[follows]
        tracks[tracks == wanted] = tracks[7]
        tracks[7] = wanted
        lists.append(tracks.tolist())
    ids = [pa.array(np.arange(n).astype(str)) for n in (NUM_TRACKS, 1, NUM_TRACKS // ON_ALBUM)]
    catalog = Catalog.of_columns(
        *(column for column in ids for _ in range(2)),
        np.zeros(NUM_TRACKS, dtype=np.int32),
        (np.arange(NUM_TRACKS) // ON_ALBUM).astype(np.int32),
    )
    playlists = Playlists(
        pa.array(np.arange(num_playlists).astype(str)),
        pa.array([""] * num_playlists),
        np.ones(num_playlists, dtype=bool),
        TrackLists.from_lists(lists),
    )
    return split_graph(PlaylistGraph(playlists, catalog, {}), SplitRecipe("last"))


def blind_scorer(wide: WidePart | None = None) -> FirstStage:
    """Of random vectors."""
    vectors = np.random.default_rng(1).normal(size=(NUM_TRACKS, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    even = np.ones(NUM_TRACKS, dtype=np.float32)
    return FirstStage(Centroid(vectors, even), further=() if wide is None else (wide,))


def trained(split: Split, scorer: FirstStage, config: SecondStageConfig = CONFIG, **options):
    return train_second_stage(split, scorer, split.train.popularity, config, **options)[0]


@pytest.fixture(scope="module")
def split() -> Split:
    return draw_split(0, follows="album")


@pytest.fixture(scope="module")
def model(split) -> Trees:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    found = trained(split, blind_scorer())
    torch.set_num_threads(before)
    return found


def assert_same(found: Trees, expected: Trees) -> None:
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(getattr(found, name), array)


# --- what it learns -----------------------------------------------------------------------------


def test_it_learns_a_rule_that_the_first_stage_cannot_see(model):
    """On playlists that it never saw."""
    other, scorer = draw_split(1, follows="album"), blind_scorer()
    stage = SecondStage(model.arrays(), scorer, other.train.catalog, other.train.popularity)
    first, both = (
        validate(SystemScorer(TwoStages(scorer, one), other), other.validation, other.train)
        for one in (None, stage)
    )
    assert first["ndcg@20"] < 0.15
    assert both["ndcg@20"] > 0.5, "one of the three others on the album"
    assert both["recall@20"] > 0.95 > 0.4 > first["recall@20"]


def test_where_the_first_stage_is_right_there_is_none():
    """It puts the target first for every playlist, so nothing can do better."""
    shift = csr_array(np.roll(9 * np.eye(NUM_TRACKS, dtype=np.float32), 1, axis=1))
    scorer = blind_scorer(WidePart.from_matrix(shift))
    assert trained(draw_split(2, follows="next"), scorer) is None


def test_cross_validation_chooses_the_number_of_trees(split, monkeypatch):
    """The first of those that do best; none where the first stage does as well."""
    for values, expected in (([3, 1, 2], 0), ([1, 3, 3], 5), ([1, 2, 3], 20), ([2, 2, 1], 0)):
        monkeypatch.setattr(
            second_stage,
            "_average_precision",
            lambda _, pools, __, v=values: np.tile(np.array(v, dtype=float), (len(pools), 1)),
        )
        found = trained(split, blind_scorer())
        assert (0 if found is None else found.num_trees) == expected


def test_a_gain_that_chance_may_have_made_is_none():
    """The same mean gain over the lists, all alike or very different."""
    alike = np.tile([0.3, 0.31], (100, 1))
    rng = np.random.default_rng(5)
    different = alike + np.stack([np.zeros(100), rng.permuted(np.linspace(-0.3, 0.3, 100))], axis=1)
    np.testing.assert_allclose(second_stage._sure_gain(alike), [0, 1])
    assert second_stage._sure_gain(different)[1] < 0
    np.testing.assert_array_equal(second_stage._sure_gain(alike[:0]), [0, 0])


def test_what_is_kept_has_learned_from_all_playlists(split, model, monkeypatch):
    """And is tried on those of the half that it has not learned from, by trees of half as much."""
    learned, most, boosted = [], [], second_stage._boosted

    def remembered(pools, config, *how):
        learned.append({pool.playlist for pool in pools})
        most.append(config.max_rows / len(pools))
        return boosted(pools, config, *how)

    monkeypatch.setattr(second_stage, "_boosted", remembered)
    assert_same(trained(split, blind_scorer()), model)
    some, others, last = learned
    assert not some & others
    assert some | others == last == set(split.validation.playlist_index.tolist())
    assert most == pytest.approx([most[-1]] * 3, rel=1e-3)


@pytest.mark.parametrize("num_leaves", [2, 31, 32, 33, 64])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_trees_predict_as_the_library_does(num_leaves, missing):
    """To the last bits, of which the order of the sum is one: with NaN and without."""
    rng = np.random.default_rng(num_leaves)
    features = rng.normal(size=(4000, 9)).astype(np.float32)
    features[:, 3] = np.round(features[:, 3])  # Values that are thresholds.
    target = features[:, 0] * features[:, 1] + np.sin(3 * features[:, 2]) + features[:, 3] > 0
    features[rng.random(features.shape) < missing] = np.nan
    parameters = {"objective": "binary", "num_leaves": num_leaves, "min_data_in_leaf": 3,
                  "num_threads": 1, "verbose": -1, "max_bin": 63}  # fmt: skip
    booster = lightgbm.train(parameters, lightgbm.Dataset(features, target), 40)
    trees = second_stage.trees_of(booster)
    assert (trees.num_trees, trees.num_features.tolist()) == (40, [9])
    asked = np.concatenate([features, rng.normal(size=(500, 9)).astype(np.float32)])
    asked[-1], asked[-2], asked[-3] = np.nan, np.inf, -np.inf
    np.testing.assert_allclose(
        trees.predict(asked), booster.predict(asked, raw_score=True), rtol=1e-12, atol=1e-12
    )


def test_a_model_that_never_splits_is_trees_of_one_leaf():
    data = lightgbm.Dataset(np.zeros((50, 2)), np.arange(50) % 2)
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 3)
    trees = second_stage.trees_of(booster)
    asked = np.zeros((4, 2), dtype=np.float32)
    np.testing.assert_allclose(trees.predict(asked), booster.predict(asked, raw_score=True))


def test_average_precision_by_hand():
    """Of two cases; the first trees of a model say nothing, the last one turns the order around."""
    stump = {"feature": [0], "threshold": [1.5], "missing_left": [1], "left": [-1], "right": [-2]}
    nodes = {name: np.array(of * 6) for name, of in stump.items()}
    model = Trees(
        num_features=np.array([1]),
        offsets=np.arange(7),
        feature=nodes["feature"].astype(np.int32),
        threshold=nodes["threshold"],
        missing_left=nodes["missing_left"].astype(np.uint8),
        left=nodes["left"].astype(np.int32),
        right=nodes["right"].astype(np.int32),
        leaf_value=np.array([0.0, 0.0] * 5 + [-1.0, 1.0]),
    )
    pools = [
        second_stage._Pool(
            np.arange(4, dtype=np.float32)[:, None], np.array(belongs, dtype=bool), targets, 0, NEXT
        )
        for belongs, targets in (([1, 0, 1, 0], 3), ([0, 0, 0, 1], 1))
    ]
    # More than are tried at a time.
    found = second_stage._average_precision(model, 9 * pools, (5, 6))
    as_it_was = [(1 + 2 / 3) / 3, 1 / 4]
    turned = [(1 + 2 / 3) / 3, 1 / 2]  # The last two of each come first.
    expected = np.tile(np.transpose([as_it_was, as_it_was, turned]), (9, 1))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_of_many_examples_those_that_belong_and_some_others_are_learned_from():
    belongs = np.arange(1000) % 50 == 0
    rows = second_stage._learned_from(belongs, replace(CONFIG, max_rows=120))
    assert len(rows) == 120
    assert (np.diff(rows) > 0).all()
    assert belongs[rows].sum() == 20
    again = second_stage._learned_from(belongs, replace(CONFIG, max_rows=120))
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_array_equal(
        second_stage._learned_from(belongs, replace(CONFIG, max_rows=1000)), np.arange(1000)
    )
    crowded = second_stage._learned_from(belongs, replace(CONFIG, max_rows=5))
    assert belongs[crowded].sum() == 20 == len(crowded) / 2


def test_all_lists_judge(split, monkeypatch):
    judged, learned_from = [], []
    boosted = second_stage._boosted

    def counted(model, pools, numbers):
        judged.append(len(pools))
        return np.zeros((len(pools), 1 + len(numbers)))

    def noted(pools, *rest):
        learned_from.append(len(pools))
        return boosted(pools, *rest)

    monkeypatch.setattr(second_stage, "_average_precision", counted)
    monkeypatch.setattr(second_stage, "_boosted", noted)
    assert trained(split, blind_scorer(), CONFIG) is None
    assert judged == learned_from[::-1], "each fold by the trees of the other"


def test_it_says_how_far_it_is(split):
    done = []
    assert trained(split, blind_scorer(), advance=done.append) is not None
    assert len(done) > len(split.validation.playlist_index)
    assert sum(done) == pytest.approx(1)


def test_too_few_cases_train_nothing(split, monkeypatch):
    monkeypatch.setattr(second_stage, "_boosted", pytest.fail)
    assert trained(split, blind_scorer(), replace(CONFIG, min_questions=201)) is None
    nothing = split_graph(
        draw_split(0, follows="chance").train, SplitRecipe("last", validation_share=0)
    )
    assert trained(nothing, blind_scorer()) is None


def test_it_is_deterministic(split, model):
    assert_same(trained(split, blind_scorer()), model)


# --- what it is shown ---------------------------------------------------------------------------


@dataclass
class Candidates:
    """In place of features: which tracks they are of, and what was asked."""

    asked: list

    def features(self, query, candidates):
        """The tracks themselves, and places in the opposite order."""
        for row, tracks in enumerate(candidates):
            self.asked.append((query.tracks[row].tolist(), query.asked(row) == NEXT))
            features = np.zeros((len(tracks), len(FEATURES)), dtype=np.float32)
            features[:, 0] = tracks
            features[:, FEATURES.index("place")] = -np.arange(len(tracks))
            yield features


@pytest.fixture
def shown(monkeypatch):
    """Trains nothing, and tells of the cases and pools of a split."""

    def shown(split: Split, config: SecondStageConfig = CONFIG):
        stub, found = Candidates([]), []
        for cases in cases_of(split, config, titles=False):
            pools = second_stage._pools(cases, blind_scorer(), stub, Questions())
            found.append((cases, list(pools)))
        return found, stub.asked

    return shown


@pytest.mark.parametrize("kind", ["last", "random", "mixed", "playlists", "tracks"])
def test_only_validation_targets_count_as_belonging(make_planted_graph, monkeypatch, shown, kind):
    """Test targets are looked at as what they seem to be; known tracks are not looked at."""
    graph = make_planted_graph(
        np.random.default_rng(3), communities=3, num_playlists=90, loyalty=0.9
    )
    assert graph.catalog.num_tracks == NUM_TRACKS
    split = split_graph(graph, SplitRecipe(kind))
    targets_of = dict(zip(split.validation.playlist_index.tolist(), split.validation.targets,
                          strict=True))  # fmt: skip
    num_tests = 0
    found, _ = shown(split)
    assert len(found) == (3 if kind in ("last", "mixed") else 2)
    for cases, pools in found:
        held_out = cases.held_out
        assert len(pools) == len(held_out.query)
        for row, pool in enumerate(pools):
            tracks = pool.features[:, 0].astype(int)
            assert pool.playlist == held_out.playlist_index[row]
            assert pool.num_targets == len(held_out.targets[row])
            targets = set(held_out.targets[row].tolist())
            if kind != "playlists":
                assert targets == set(targets_of[pool.playlist].tolist())
            assert set(tracks[pool.belongs].tolist()) == targets, "all tracks are in a pool here"
            whole = set(graph.playlists.tracks[pool.playlist].tolist())
            known = set(held_out.known[row].tolist())
            assert not known & set(tracks.tolist())
            test = whole - known - targets
            num_tests += len(test)
            assert test <= set(tracks[~pool.belongs].tolist())
            if kind == "playlists":
                assert known | targets == whole, "it is a playlist of validation, whole"
    assert (num_tests > 0) == (kind != "playlists")


def test_which_tracks_are_for_test_is_not_seen(split, model):
    """Others in their place: not one bit of the model changes."""
    test = split.test
    rng = np.random.default_rng(5)
    others = [
        rng.choice(np.setdiff1d(np.arange(NUM_TRACKS), np.append(known, own)), 2, False).tolist()
        for known, own in zip(test.known, test.targets, strict=True)
    ]
    targets = TrackLists.from_lists(others)
    changed = replace(test, targets=targets)
    assert_same(trained(replace(split, test=changed), blind_scorer()), model)


def test_some_cases_come_again_with_few_tracks(shown, split):
    """Of an ordered list the last ones; what is known and what is wanted stay."""
    ((whole, pools), (short, again), _), asked = shown(split)
    assert (len(pools), len(again)) == (200, 100)
    row_of = {playlist: row for row, playlist in enumerate(whole.held_out.playlist_index.tolist())}
    lengths = short.held_out.query.lengths
    assert lengths.min() == 1
    assert lengths.max() < 7
    assert (lengths == 1).mean() > 0.25, "small numbers as often as large ones, by logarithm"
    assert len(set(short.held_out.playlist_index.tolist())) == 100
    for row, playlist in enumerate(short.held_out.playlist_index.tolist()):
        full = whole.held_out.rows([row_of[playlist]])
        assert full.query[0][-lengths[row] :].tolist() == short.held_out.query[row].tolist()
        for part in ("known", "targets"):
            same = getattr(full, part)[0].tolist()
            assert same == getattr(short.held_out, part)[row].tolist()
    assert [tracks for tracks, _ in asked[200:300]] == [t.tolist() for t in short.held_out.query]
    assert all(ordered for _, ordered in asked)


def test_ordered_playlists_are_asked_again_about_what_is_further_ahead(shown, make_planted_graph):
    """Without up to a seventh of what is shown, so that targets stand as far off as test's."""
    graph = make_planted_graph(
        np.random.default_rng(3), communities=3, num_playlists=90, lengths=(25, 36)
    )
    found, _ = shown(split_graph(graph, SplitRecipe("mixed")))
    whole, ahead = found[0][0], found[2][0]
    row_of = {playlist: row for row, playlist in enumerate(whole.held_out.playlist_index.tolist())}
    assert (ahead.asks == NEXT).all()
    assert len(ahead) == (whole.asks == NEXT).sum()
    left_out = []
    for row, playlist in enumerate(ahead.held_out.playlist_index.tolist()):
        full, fewer = whole.held_out.rows([row_of[playlist]]), ahead.held_out.query[row].tolist()
        shown_before = full.query[0].tolist()
        assert fewer == shown_before[: len(fewer)]
        left_out.append(len(shown_before) - len(fewer))
        assert 1 <= left_out[-1] <= round(len(shown_before) / 7)
        for part in ("known", "targets"):
            assert getattr(full, part)[0].tolist() == getattr(ahead.held_out, part)[row].tolist()
    assert len(set(left_out)) > 1
    alike, _ = shown(split_graph(graph, SplitRecipe("mixed", validation_share=0.2)))
    assert len(alike) == 2, "what is held out for validation stands as far off as for test"


def test_where_the_order_says_nothing_any_tracks_are_shown(make_planted_graph, shown):
    graph = make_planted_graph(np.random.default_rng(3), communities=3, num_playlists=90)
    ((whole, _), (short, _)), asked = shown(split_graph(graph, SplitRecipe("random")))
    assert not any(ordered for _, ordered in asked), "held-out tracks come from anywhere"
    row_of = {playlist: row for row, playlist in enumerate(whole.held_out.playlist_index.tolist())}
    ends = 0
    for row, playlist in enumerate(short.held_out.playlist_index.tolist()):
        full = whole.held_out.query[row_of[playlist]].tolist()
        some = short.held_out.query[row].tolist()
        assert 0 < len(some) < len(full)
        assert some == [track for track in full if track in some], "in their order"
        ends += some == full[-len(some) :]
    assert ends < 0.5 * len(short)


def test_of_whole_playlists_their_beginnings_are_shown(make_planted_graph, shown):
    graph = make_planted_graph(np.random.default_rng(3), communities=3, num_playlists=90)
    found, asked = shown(split_graph(graph, SplitRecipe("playlists")))
    known = graph.playlists.order_known
    given = []
    for cases, _ in found:
        held_out = cases.held_out
        for row, playlist in enumerate(held_out.playlist_index.tolist()):
            both = [*held_out.query[row].tolist(), *held_out.targets[row].tolist()]
            whole = graph.playlists.tracks[playlist].tolist()
            assert sorted(both) == sorted(whole)
            assert cases.asks[row] == FIT, "all the rest is to be found"
            assert both == whole or not known[playlist]
        given.append(held_out.query.lengths.tolist())
    assert given[0] != given[1], "twice, with other numbers of tracks"
    assert len(asked) == len(given[0]) + len(given[1])


def test_no_more_cases_than_allowed(shown, split):
    found, _ = shown(split, replace(CONFIG, max_questions=40, short_share=0.25))
    assert [len(cases) for cases, _ in found] == [40, 10, 40]


def test_a_query_is_that_of_an_engine(split):
    """With emphasis where it is asked what comes next, and without where what fits."""
    questions = Questions()
    query = Cases.of(split, split.validation, titles=False).query(questions)
    assert (query.asks == NEXT).all()
    np.testing.assert_array_equal(query.emphasis, questions.next.emphasis(split.validation.query))
    random = split_graph(split.train, SplitRecipe("random"))
    query = Cases.of(random, random.validation, titles=False).query(questions)
    assert (query.asks == FIT).all()
    assert query.emphasis is None
