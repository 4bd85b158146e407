"""How much more the last tracks of an ordered playlist should count, on real playlists.

    SEGUE_REALDATA=/path/to/folder python benchmarks/order.py OUT

Trains the default LightGCN with the last tracks of each ordered playlist held out, chooses
strength and half-life of `segue.scoring.recency.Recency` on the validation part, the tracks before
the last ones (the highest nDCG@20 at which Recall@300 is no lower than without), and reports the
test part with and without, queried with all preceding tracks. OUT/order.json holds the results.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from real_playlists import VECTORS_ALONE, build, train

from segue.bundle import Bundle
from segue.data.playlists import BoolArray, Float32Array, TrackLists
from segue.evaluation.evaluate import evaluate
from segue.evaluation.validation import BEST_BY
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.pipeline.evaluate import split_of
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.scoring.recency import Recency, query_of

STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
HALF_LIVES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
DEEP = "recall@300"
SHOWN = ("recall@20", "recall@300", "r-precision", "ndcg@20", "map@10", "clicks", "auc")


@dataclass(frozen=True)
class OrderedScorer:
    """Scores with an emphasis on the end of each list."""

    scorer: FirstStage
    recency: Recency

    def scores(self, query: TrackLists) -> Float32Array:
        known: BoolArray = np.ones(len(query), dtype=bool)
        return self.scorer.scores(query_of(query, known, self.recency))


def ordered(held_out: HeldOut, order_known: BoolArray) -> HeldOut:
    """The rows of ordered playlists: nothing is held out of the others."""
    return held_out.rows(np.flatnonzero(order_known & (held_out.targets.lengths > 0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    build(out, parser)
    bundle, graph = (
        Bundle.load(train(out, "last-0", "--split", "last", *VECTORS_ALONE)),
        PlaylistGraph.load(out / "graph"),
    )
    split = split_of(bundle, graph)
    scorer = FirstStage(Centroid(bundle.track_vectors, bundle.query_weight))
    validation, test = (
        ordered(part, graph.playlists.order_known) for part in (split.validation, split.test)
    )

    def measured(recency: Recency, part: HeldOut) -> dict[str, float]:
        return evaluate(OrderedScorer(scorer, recency), part, split.train).values

    choices = [Recency(0.0), *(Recency(*both) for both in product(STRENGTHS, HALF_LIVES))]
    tried = {recency: measured(recency, validation) for recency in choices}
    # The best at the top of the list among those that lose nothing further down.
    deep = [recency for recency in choices if tried[recency][DEEP] >= tried[choices[0]][DEEP]]
    best = max(deep, key=lambda recency: tried[recency][BEST_BY])
    found: dict[str, Any] = {
        "ordered playlists": {"validation": len(validation.targets), "test": len(test.targets)},
        "validation": [
            {**vars(recency), BEST_BY: values[BEST_BY], DEEP: values[DEEP]}
            for recency, values in tried.items()
        ],
        "chosen": vars(best),
        "test without": measured(Recency(0.0), test),
        "test with": measured(best, test),
    }
    write_json(out / "order.json", found)
    print(f"chosen on {len(validation.targets)} validation playlists: {best}")
    for metric in (BEST_BY, DEEP):
        without, with_it = tried[choices[0]][metric], tried[best][metric]
        print(f"{metric} there {without:.4f} without, {with_it:.4f} with")
    print(f"test, {len(test.targets)} playlists:")
    for metric in SHOWN:
        without, with_it = found["test without"][metric], found["test with"][metric]
        print(f"  {metric:12} {without:.4f} without, {with_it:.4f} with")


if __name__ == "__main__":
    main()
