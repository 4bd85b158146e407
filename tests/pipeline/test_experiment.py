"""A trained and measured bundle: what its epoch was chosen by."""

from pathlib import Path
from typing import Any

import pytest

from segue.errors import MismatchError
from segue.evaluation.evaluate import evaluate
from segue.evaluation.validation import validate, validation_rows
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe, split_graph
from segue.pipeline.experiment import Watch, train_and_measure
from segue.pipeline.system import SystemScorer
from segue.training.config import SystemConfig, TrainConfig, WideConfig

CONFIG = TrainConfig(dim=8, epochs=3, batch_size=64, learning_rate=0.02)
WIDE = SystemConfig(WideConfig(num_neighbours=10))


@pytest.fixture(scope="module")
def split(planted_graph: PlaylistGraph) -> Split:
    return split_graph(planted_graph, SplitRecipe("mixed", rng_seed=1))


def trained(split: Split, folder: Path, system: SystemConfig, **options: Any) -> Any:
    return train_and_measure(
        split.graph,
        split,
        CONFIG,
        lambda scorer: evaluate(scorer, split.test, split.train),
        folder=folder,
        system=system,
        refit=False,
        **options,
    )


def test_the_epoch_is_chosen_by_the_first_stage_that_ships(split: Split, tmp_path: Path) -> None:
    """Wide part, recency and popularity have a say, as they have in what is recommended."""
    stages: list[str] = []
    watch = Watch(lambda stage: (stages.append(stage), None)[1] or (None, None), stages.append)
    bundle = trained(split, tmp_path, WIDE, watch=watch)
    assert stages == ["wide", "split"]
    held_out = validation_rows(split.validation)
    shipped = validate(SystemScorer.of_bundle(bundle, split), held_out, split.train)
    best = bundle.history[bundle.config["best_epoch"] - 1]
    assert {name: best[name] for name in shipped} == shipped
    assert best["ndcg@20"] == max(entry["ndcg@20"] for entry in bundle.history)


def test_a_training_goes_on_with_the_parts_that_it_began_with(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs that were judged with a wide part cannot be compared with others."""

    class PowerCutError(Exception):
        pass

    def stop(entry: dict[str, Any]) -> None:
        raise PowerCutError

    with pytest.raises(PowerCutError):
        trained(split, tmp_path, WIDE, watch=Watch(lambda stage: (None, stop)))
    with pytest.raises(MismatchError):
        trained(split, tmp_path, SystemConfig(), resume=True)
    trained(split, tmp_path, WIDE, resume=True)
