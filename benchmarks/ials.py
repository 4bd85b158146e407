"""iALS with stronger regularization than `segue compare` tries, on real playlists.

    SEGUE_REALDATA=/path/to/folder python benchmarks/ials.py OUT

In the grid of `segue.baselines.ials.IALS` the best point on the 10-core is at the edge for every
option, with regularization 100 and alpha 40. This fits points beyond it, on the split of the
comparison, and measures validation and test. OUT/ials.json holds the results.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from real_playlists import build

from segue.baselines import BASELINES
from segue.evaluation.evaluate import evaluate
from segue.evaluation.validation import validate, validation_rows
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe, split_graph
from segue.machine import machine

# Regularization and alpha; the first is the best of the grid.
POINTS = ((100, 40), (200, 60), (200, 80), (300, 80), (300, 120), (500, 160), (1000, 320))
DIM = 512
SHOWN = ("recall@20", "recall@300", "ndcg@20", "auc")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    build(out, parser)
    split = split_graph(PlaylistGraph.load(out / "graph"), SplitRecipe())
    rows = validation_rows(split.validation)
    found: list[dict[str, Any]] = []
    for regularization, alpha in POINTS:
        options = {"regularization": float(regularization), "alpha": float(alpha), "dim": DIM}
        scorer = BASELINES["iALS"](split.train, **options)
        validation = validate(scorer, rows, split.train)
        test = evaluate(scorer, split.test, split.train).values
        found.append({"options": options, "validation": validation, "test": test})
        for part, values in (("validation", validation), ("test", test)):
            print(options, part, *(f"{name} {values[name]:.4f}" for name in SHOWN), flush=True)
        write_json(
            out / "ials.json", {"split": split.fingerprint, "machine": machine(), "points": found}
        )


if __name__ == "__main__":
    main()
