"""Vectors that start from the spectrum of the graph, and trainings that go on from others."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from segue.errors import InputError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.models.encoder import Encoder
from segue.models.lightgcn import LightGCN
from segue.training.config import TrainConfig, default_epochs
from segue.training.start import spectral_start
from segue.training.train import TrainResult, train

CONFIG = TrainConfig(
    dim=4, epochs=2, batch_size=64, num_layers=1, start="spectrum", learning_rate=0.02
)


@pytest.fixture(scope="module")
def split(planted_graph: PlaylistGraph) -> Split:
    return split_graph(planted_graph, SplitRecipe(rng_seed=1))


def run(split: Split, config: TrainConfig = CONFIG, **options: object) -> TrainResult:
    given = {"graph": split.train, "validation": split.validation.rows(slice(60))} | options
    return train(config=config, **given)


def test_tracks_are_the_leading_singular_vectors(planted_graph: PlaylistGraph) -> None:
    X = np.zeros((240, 160))
    for row in range(240):
        X[row, planted_graph.playlists.tracks[row]] = 1
    R = X / np.sqrt(X.sum(axis=1))[:, None] / np.sqrt(X.sum(axis=0))
    V = np.linalg.svd(R, full_matrices=False)[2][:4].T
    vectors = spectral_start(planted_graph, ("artist",), 4, 0.1)
    assert vectors.keys() == {"track", "artist"}
    # Singular vectors have any sign; their products do not.
    track = vectors["track"]
    np.testing.assert_allclose(track @ track.T, 0.01 * 160 * V @ V.T, atol=1e-4)
    assert np.sqrt(np.mean(track**2)) == pytest.approx(0.1, rel=1e-3)
    by = planted_graph.catalog.main_artist
    number = np.bincount(by)
    expected = np.array([track[by == a].sum(axis=0) / np.sqrt(number[a]) for a in range(20)])
    np.testing.assert_allclose(vectors["artist"], expected, atol=1e-5)


def test_words_start_from_the_playlists_that_they_title(planted_graph, with_words) -> None:
    words = [[playlist % 4] for playlist in range(240)]
    graph = with_words(planted_graph, words)
    vectors = spectral_start(graph, ("word",), 4, 0.1)
    R = np.zeros((240, 160))
    for row in range(240):
        tracks = graph.playlists.tracks[row]
        R[row, tracks] = 1 / np.sqrt(len(tracks) * graph.popularity[tracks])
    states = R @ vectors["track"]
    expected = [states[np.arange(240) % 4 == word].sum(axis=0) / np.sqrt(60) for word in range(4)]
    np.testing.assert_allclose(vectors["word"], expected, atol=1e-5)


def test_where_there_are_fewer_tracks_than_numbers_the_rest_is_zero(small_graph) -> None:
    track = spectral_start(small_graph, (), 8, 0.1)["track"]
    assert track.shape == (6, 8)
    assert not track[:, 6:].any()


def test_the_start_is_epoch_0_and_may_be_chosen(split: Split) -> None:
    """Here by a judge to whom each epoch is worse than the one before."""
    falling = count(0, -1)
    result = run(split, judge=lambda vectors, held_out: {"ndcg@20": float(next(falling))})
    assert [entry["epoch"] for entry in result.history] == [0, 1, 2]
    assert [entry["ndcg@20"] for entry in result.history] == [0, -1, -2]
    assert "loss" not in result.history[0]
    assert result.best_epoch == 0
    untrained = train(split.train, None, CONFIG, stop_after=0)
    np.testing.assert_array_equal(result.track_vectors, untrained.track_vectors)
    assert run(split).best_epoch > 0


def test_it_is_nearer_than_noise(split: Split) -> None:
    def first(start: str) -> float:
        config = TrainConfig(**{**vars(CONFIG), "start": start, "epochs": 1})
        return float(run(split, config).history[-1]["ndcg@20"])

    assert first("spectrum") > first("noise") + 0.03


def test_a_training_goes_on_from_the_parameters_of_another(split: Split) -> None:
    result = run(split)
    again = train(split.train, None, CONFIG, parameters=result.parameters, stop_after=0)
    np.testing.assert_array_equal(again.track_vectors, result.track_vectors)
    further = train(split.graph, None, CONFIG, parameters=result.parameters)
    cosine = np.sum(further.track_vectors * result.track_vectors, axis=1)
    assert cosine.min() < 0.9999
    assert np.median(cosine) > 0.9
    # The parameters that were given are left as they were.
    np.testing.assert_array_equal(
        train(split.train, None, CONFIG, parameters=result.parameters, stop_after=0).track_vectors,
        result.track_vectors,
    )


def test_an_interruption_changes_nothing(split: Split, tmp_path: Path) -> None:
    class PowerCutError(Exception):
        pass

    def cut(entry: dict[str, object]) -> None:
        if entry["epoch"] == 1:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        run(split, folder=tmp_path, on_epoch=cut)
    resumed = run(split, folder=tmp_path, resume=True)
    whole = run(split)
    np.testing.assert_array_equal(resumed.track_vectors, whole.track_vectors)
    assert [e["epoch"] for e in resumed.history] == [0, 1, 2]
    assert torch.equal(*(r.parameters["readout.salience"] for r in (resumed, whole)))


def test_an_encoder_without_initial_vectors_is_refused(split: Split) -> None:
    class Own(LightGCN):
        initial_vectors = Encoder.initial_vectors

    with pytest.raises(InputError, match='start "spectrum" is for encoders with initial vectors'):
        run(split, encoder=Own)
    with pytest.raises(InputError, match="start 'zero' is not known, expected noise or spectrum"):
        TrainConfig(start="zero")  # type: ignore[arg-type]


def test_fewer_epochs_are_enough() -> None:
    assert [default_epochs(n, 512) for n in (1000, 9739, 50_000)] == [40, 30, 10]
    assert [default_epochs(n, 512, "spectrum") for n in (1000, 9739, 50_000)] == [12, 8, 3]
