"""What each part of the flagship contributes, one at a time, on validation.

    SEGUE_REALDATA=/path/to/folder python benchmarks/tune_flagship.py OUT [--only NAMES]

On the graph and split of benchmarks/real_playlists.py: trains `segue train`'s default, and again
with one option changed, and measures the vectors alone and with the wide part on the validation
part: the top of the list (MAP@10, also for playlists with known order and for the others), further
down (Recall@300) and AUC. Then the default's vectors with other wide parts, with and without
recency. One model seed.

Each line of OUT/trials.jsonl is one measurement, which is not repeated. About ten minutes per
training on one core.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from real_playlists import build, train

from segue import metrics
from segue.bundle import Bundle
from segue.evaluation.ranking import ranked_batches
from segue.files import write_json_lines
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe
from segue.pipeline.system import SystemScorer
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.questions import Questions
from segue.scoring.recency import Recency
from segue.scoring.sparse import SparseScores
from segue.scoring.terms import first_stage_of
from segue.scoring.two_stages import TwoStages
from segue.scoring.wide import WidePart
from segue.training.terms import WideConfig

# By name, the options of `segue train` that differ from the defaults.
TRAININGS: dict[str, tuple[object, ...]] = {
    "default": (),
    "dim 64": ("--dim", 64),
    "dim 256": ("--dim", 256),
    "temperature .07": ("--objective-option", "temperature=0.07"),
    "temperature .1": ("--objective-option", "temperature=0.1"),
    "artists alone": ("--relations", "artist"),
    "neither artists nor albums": ("--relations", "none"),
    "learning rate .005": ("--learning-rate", 0.005),
    "learning rate .02": ("--learning-rate", 0.02),
    "two layers": ("--num-layers", 2),
    "three trainings": ("--num-trainings", 3),
    "6 epochs": ("--epochs", 6),
    "10 epochs": ("--epochs", 10),
    "no short queries": ("--objective-option", "few_share=0"),
}
# By name, a wide part for the default's vectors, and whether the end of a list counts more: in both
# parts, in the vectors only, or in neither.
WIDE: dict[str, tuple[WideConfig | None, str]] = {
    "no wide part": (None, "both"),
    "no wide part, no recency": (None, "neither"),
    "default": (WideConfig(), "both"),
    "recency in the vectors alone": (WideConfig(), "vectors"),
    "no recency": (WideConfig(), "neither"),
    "weight 2": (WideConfig(weight=2.0), "both"),
    "regularization 200": (WideConfig(regularization=200.0), "both"),
    "regularization 400": (WideConfig(regularization=400.0), "both"),
    "regularization 400, weight 2": (WideConfig(regularization=400.0, weight=2.0), "both"),
    "50 weights a track": (WideConfig(num_neighbours=50), "both"),
    "200 weights a track": (WideConfig(num_neighbours=200), "both"),
    "300 weights a track": (WideConfig(num_neighbours=300), "both"),
    "without artists and albums": (WideConfig(artist_weight=0.0, album_weight=0.0), "both"),
}


class _EvenWide(WidePart):
    """The wide part without emphasis."""

    def prepare(self, query: Query, dial: float = 0.0) -> SparseScores:
        return super().prepare(Query(query.tracks), dial)


def measured(scorer: FirstStage, split: Split, recency: Recency) -> dict[str, float]:
    """Means over the validation playlists."""
    held_out = split.validation.rows(np.flatnonzero(split.validation.targets.lengths > 0))
    system = SystemScorer(TwoStages(scorer, questions=Questions(next=recency)), split)
    ranks = metrics.concatenate(
        [ranks for *_, ranks in ranked_batches(system, held_out, split.train.catalog.num_tracks)]
    )
    ordered = split.train.playlists.order_known[held_out.playlist_index]
    top = metrics.average_precision(ranks, 10)
    values = {
        "map@10": top,
        "map@10, order known": top[ordered],
        "map@10, others": top[~ordered],
        "recall@20": metrics.recall(ranks, 20),
        "recall@300": metrics.recall(ranks, 300),
        "auc": ranks.auc,
    }
    return {name: float(value.mean()) for name, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", help="Trainings and wide parts by name, separated by semicolons.")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    out: Path = options.out
    build(out, parser, k_core=0)
    split = split_graph(PlaylistGraph.load(out / "graph"), SplitRecipe("mixed"))
    path = out / "trials.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    chosen = None if options.only is None else {name.strip() for name in options.only.split(";")}

    def keep(kind: str, name: str, **figures: Any) -> None:
        lines.append({"kind": kind, "name": name, **figures})
        write_json_lines(path, lines)
        print(json.dumps(lines[-1]), flush=True)

    def wanted(kind: str, name: str) -> bool:
        done = any((line["kind"], line["name"]) == (kind, name) for line in lines)
        return not done and (chosen is None or name in chosen)

    def vectors(name: str) -> tuple[Bundle, FirstStage]:
        told = ("--split", "mixed", "--device", options.device, "--no-second-stage")
        bundle = Bundle.load(train(out, f"trial {name}", *told, *TRAININGS[name]))
        # Without popularity: the prior is not what is tuned here.
        return bundle, replace(first_stage_of(bundle, bundle.catalog), popularity=None)

    for name in TRAININGS:
        if wanted("training", name):
            bundle, scorer = vectors(name)
            keep(
                "training",
                name,
                seconds=bundle.config["seconds"],
                vectors=measured(replace(scorer, further=()), split, Recency()),
                with_wide=measured(scorer, split, Recency()),
            )
    for name, (config, recency) in WIDE.items():
        if wanted("wide", name):
            scorer = vectors("default")[1]
            wide = () if config is None else (config.fit(split.train),)
            if recency == "vectors":
                wide = tuple(_EvenWide(**part.arrays()) for part in wide)
            scorer = replace(scorer, further=wide)
            weighted = Recency(0.0, 1.0) if recency == "neither" else Recency()
            keep("wide", name, with_wide=measured(scorer, split, weighted))


if __name__ == "__main__":
    main()
