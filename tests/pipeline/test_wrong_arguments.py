"""What Python is given by mistake is refused in one sentence that says what was expected."""

import re

import numpy as np
import pytest
import torch
from torch import nn

import segue
from segue.bundle import Bundle
from segue.errors import InputError
from segue.graph.split import Split

VECTORS = segue.SystemConfig()


@pytest.fixture(scope="module")
def split(planted_graph) -> Split:
    return segue.split(planted_graph)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda g, s, b: segue.split([["a", "b"]]), "a list is not a graph; segue.build(…)"),
        (lambda g, s, b: segue.train([["a"]], dim=4), "a list is not a graph"),
        (lambda g, s, b: segue.train(s, dim="8"), "dim is '8', expected a whole number"),
        (lambda g, s, b: segue.train(s, epochs=2.5), "epochs is 2.5, expected a whole number"),
        (lambda g, s, b: segue.train(s, system=True), "system is True, expected segue.SystemCo"),
        (lambda g, s, b: segue.train(s, config={"dim": 8}), "config is {'dim': 8}, expected"),
        (lambda g, s, b: segue.evaluate(s, b), "a Bundle is not a split; segue.split(graph)"),
        (lambda g, s, b: segue.evaluate(object, s), "the class object cannot be measured, exp"),
        (lambda g, s, b: segue.evaluate(b, s, metrics=["ndcg@20"]), "metric 'ndcg@20' is not a"),
        (lambda g, s, b: segue.build([["a", "b"]], k_core="5"), "k_core is '5', expected a whole"),
        (lambda g, s, b: segue.build([["a", "b"]], k_core=-1), "k_core is -1, expected a whole"),
        (lambda g, s, b: segue.read([["a"]], order="yes"), "order is 'yes', expected auto, known"),
        (lambda g, s, b: segue.load(b), "a Bundle is not the folder of a bundle; segue.Recomm"),
        (lambda g, s, b: segue.Recommender("bundle"), "a str is not a bundle; segue.load(folder)"),
        (lambda g, s, b: segue.update(segue.Recommender(b), [["a"]]), "a Recommender is not a b"),
    ],
)
def test_one_sentence_says_what_was_expected(planted_graph, split, planted_bundle, call, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        call(planted_graph, split, planted_bundle)


class Own(segue.Encoder):
    """Vectors without messages; the tests change what is returned."""

    def __init__(self, num_nodes, relations, *, dim, num_layers, initial_std, rng):
        super().__init__()
        self.start = nn.ParameterDict(
            {
                kind: nn.Parameter(torch.from_numpy(rng.standard_normal((num_nodes[kind], dim))))
                for kind in ("track", *relations)
            }
        ).float()

    def forward(self, graph):
        return dict(self.start.items())


def test_an_encoder_returns_vectors_of_all_nodes(split):
    def train(encoder):
        return segue.train(split, encoder, dim=4, epochs=1, system=VECTORS, refit=False)

    assert isinstance(train(Own), Bundle)
    num_tracks = split.graph.catalog.num_tracks

    class OneTensor(Own):
        def forward(self, graph):
            return self.start["track"]

    with pytest.raises(InputError, match="forward returned a Parameter, expected a dictionary of"):
        train(OneTensor)

    class NoArtists(Own):
        def forward(self, graph):
            return {"track": self.start["track"]}

    with pytest.raises(InputError, match=r"returned track \[\d+, 4\], expected .*artist \["):
        train(NoArtists)

    class Short(Own):
        def forward(self, graph):
            return {**self.start, "track": self.start["track"][:3]}

    with pytest.raises(InputError, match=rf"track \[3, 4\].*expected track \[{num_tracks}, dim\]"):
        train(Short)


@pytest.mark.parametrize("made", [lambda n: np.zeros((n, 3)), lambda n: [[0.0]] * n])
def test_a_scorer_gives_one_score_per_list_and_track(split, made):
    class Scorer:
        def scores(self, query):
            return made(len(query))

    with pytest.raises(InputError, match=r"Scorer gave (ndarray \d+ by 3|list) as scores, expect"):
        segue.evaluate(Scorer(), split)


def test_a_metric_that_returns_nothing_is_refused(split, planted_bundle):
    class Same:
        def scores(self, query):
            return np.zeros((len(query), split.graph.catalog.num_tracks), dtype=np.float32)

    forgotten = segue.Metric("mine", lambda rankings: None)
    with pytest.raises(ValueError, match="metric 'mine' gave nothing"):
        segue.evaluate(Same(), split, metrics=[forgotten])


def test_folders_and_numpy_numbers_serve_as_well(planted_graph, planted_bundle, tmp_path):
    planted_graph.save(tmp_path / "graph")
    split = segue.split(str(tmp_path / "graph"))
    assert split.fingerprint == segue.split(planted_graph).fingerprint
    short = {"dim": np.int64(4), "epochs": np.int32(1), "system": VECTORS, "refit": False}
    bundle = segue.train(tmp_path / "graph", **short)
    bundle.save(tmp_path / "bundle")
    known = bundle.catalog.track_ids[0].as_py()
    _, report = segue.update(tmp_path / "bundle", {"more": [known, "a:new:song"]})
    assert report.num_tracks == 1


def test_an_unknown_relation_is_refused_before_anything_is_fitted(split, monkeypatch):
    def fit(*args, **options):
        raise AssertionError("the wide part was fitted")

    monkeypatch.setattr("segue.pipeline.run.TrainingRun.terms", fit)
    with pytest.raises(InputError, match=r"relation 'artst' is not known, expected some of: art"):
        segue.train(split, relations=["artst"], dim=4, epochs=1)


def test_a_single_relation_needs_no_list_around_it():
    assert segue.TrainConfig(relations="album").relations == ("album",)
    assert segue.TrainConfig(relations=["artist", "album"]).relations == ("artist", "album")


def test_playlists_that_all_hold_everything():
    """There is nothing to learn from them: it was found out only after the training, if at all."""
    graph = segue.build([["a", "b", "c"], ["c", "a", "b"]])
    with pytest.raises(InputError, match="each of the 2 playlists holds all 3 tracks"):
        segue.train(graph, epochs=1, test=False)
