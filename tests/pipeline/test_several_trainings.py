"""Bundles of several trainings side by side: made, interrupted, planned, served."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue
from segue.bundle import Bundle
from segue.console import Progress
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.pipeline.plan import plan_training
from segue.pipeline.run import Step
from segue.pipeline.train import train, train_to, training_folder
from segue.scoring.centroid import unit_rows
from segue.training.config import SystemConfig, TrainConfig
from segue.training.terms import WideConfig

OPTIONS: dict[str, Any] = {
    "model": "lightgcn", "dim": 6, "epochs": 2, "batch_size": 64, "learning_rate": 0.02,
}  # fmt: skip
WIDE = SystemConfig({"wide": WideConfig(num_neighbours=10)})


class PowerCutError(Exception):
    pass


@pytest.fixture(scope="module")
def split(planted_graph: PlaylistGraph) -> Split:
    return split_graph(planted_graph, SplitRecipe("mixed", rng_seed=1))


def config(**changes: Any) -> TrainConfig:
    return TrainConfig(**OPTIONS | changes)


@pytest.fixture(scope="module")
def whole(split: Split) -> Bundle:
    """Three trainings, never interrupted."""
    return train(split, config=config(num_trainings=3), system=WIDE, device="cpu")


def test_a_bundle_has_the_vectors_of_all_side_by_side(split: Split, whole: Bundle) -> None:
    seeds = (0, 1_000_000, 2_000_000)
    alone = [
        train(split, config=config(rng_seed=seed), system=WIDE, device="cpu") for seed in seeds
    ]
    for of in (lambda bundle: bundle, lambda bundle: bundle.measured):
        expected = unit_rows(np.concatenate([of(each).track_vectors for each in alone], axis=1))
        np.testing.assert_array_equal(of(whole).track_vectors, expected)
    assert whole.vectors["artist"].shape == (20, 18)
    assert whole.config["num_trainings"] == 3
    assert whole.config["best_epoch"] == [each.config["best_epoch"] for each in alone]
    told = [(entry["training"], entry["epoch"]) for entry in whole.history]
    assert told == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert [entry["loss"] for entry in whole.history] == [
        entry["loss"] for each in alone for entry in each.history
    ]


def test_whoever_watches_is_told_which_training_it_is(split: Split) -> None:
    steps: list[Step] = []
    epochs: list[dict[str, Any]] = []
    train(
        split, config=config(num_trainings=2), system=SystemConfig(), device="cpu",
        on_step=steps.append, on_epoch=epochs.append,
    )  # fmt: skip
    stages = ["split", "split-2", "refit", "refit-2"]
    assert list(dict.fromkeys(step.stage for step in steps)) == stages
    assert list(dict.fromkeys(entry["stage"] for entry in epochs)) == stages
    for stage in stages[:2]:
        done = [step.done for step in steps if step.stage == stage]
        assert done == list(range(1, steps[0].total + 1))


@pytest.mark.parametrize("stage", ["split", "split-2", "split-3", "refit", "refit-3"])
def test_an_interrupted_one_continues_as_if_it_had_not_been(
    split: Split, whole: Bundle, tmp_path: Path, stage: str
) -> None:
    out = tmp_path / "bundle"
    options: dict[str, Any] = {
        "config": config(num_trainings=3), "system": WIDE, "device": "cpu", "progress": Progress(),
    }  # fmt: skip
    seen: list[str] = []

    def stop(entry: dict[str, Any]) -> None:
        if entry["stage"] == stage:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        train_to(out, split, on_epoch=stop, **options)
    assert (training_folder(out) / "checkpoint.safetensors").exists()
    train_to(out, split, resume=True, on_step=lambda step: seen.append(step.stage), **options)
    finished = {"split": [], "split-2": ["split"], "split-3": ["split", "split-2"]}
    assert not {*seen} & {*finished.get(stage, ["split", "split-2", "split-3"])}, "trained again"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"], "no checkpoint is left"
    bundle = Bundle.load(out)
    for one, other in ((bundle, whole), (bundle.measured, whole.measured)):
        np.testing.assert_array_equal(one.track_vectors, other.track_vectors)
        np.testing.assert_array_equal(one.query_weight, other.query_weight)
    assert bundle.metrics["test"]["values"] == whole.metrics["test"]["values"]


def test_it_is_stored_checked_updated_and_drawn_like_any_other(
    whole: Bundle, tmp_path: Path
) -> None:
    whole.save(tmp_path / "bundle")
    assert "18" in segue.verify(tmp_path / "bundle").holds
    known = [track.as_py() for track in whole.catalog.track_ids[:4]]
    updated, report = segue.update(tmp_path / "bundle", {"more": [*known, "t:new"]})
    assert report.num_tracks == 1
    assert updated.track_vectors.shape == (161, 18)
    assert len(segue.Recommender(updated).vibe(known[:2], n=5).tracks) == 5


def test_titles_are_asked_with_words_of_all(planted_graph: PlaylistGraph) -> None:
    """How much they count is chosen for the vectors as they are side by side."""
    playlists, catalog = planted_graph.playlists, planted_graph.catalog
    lists = {
        f"{('calm', 'loud', 'sad', 'fast')[row % 4].title()} music {row}": [
            (str(catalog.artist_of(tracks[at : at + 1])[0]), str(catalog.track_names[int(track)]))
            for at, track in enumerate(tracks)
        ]
        for row, tracks in enumerate(map(playlists.tracks.__getitem__, range(len(playlists))))
    }
    graph = segue.build(lists)
    bundle = train(graph, config=config(num_trainings=2, epochs=6, relations=("artist", "word")),
                   system=SystemConfig(), refit=False, device="cpu")  # fmt: skip
    assert bundle.word_vectors is not None
    assert bundle.word_vectors.shape == (5, 12)
    assert bundle.config["title_scale"] is not None
    found = segue.Recommender(bundle).vibe(title="sad songs", n=10).tracks
    of_mood = {
        mood: {song for title, songs in lists.items() if title.startswith(mood) for song in songs}
        for mood in ("Sad", "Calm", "Loud", "Fast")
    }
    hits = {
        mood: sum((t.artist_name, t.track_name) in songs for t in found)
        for mood, songs in of_mood.items()
    }
    assert max(hits, key=hits.__getitem__) == "Sad"


def test_a_plan_counts_every_training(split: Split) -> None:
    one = plan_training(split, config(), WIDE, timed=False)
    three = plan_training(split, config(num_trainings=3), WIDE)
    assert three.memory["training"] > one.memory["training"]
    assert three.memory["evaluation"] > one.memory["evaluation"]
    # Of each training that is measured and each that ships, and one that is being written.
    assert one.disk["checkpoints"] * 7 == three.disk["checkpoints"] * 3
    assert three.seconds["training"] == 3 * three.times.total
    assert three.seconds["training again on all pairs"] == 3 * three.times.total
    assert "parameters (dim 6) in each of 3 trainings" in three.lines()[0]
