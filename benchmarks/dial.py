"""Recall, novelty and coverage over the dial from mainstream to deep cuts.

    python benchmarks/dial.py BUNDLE GRAPH [--json FILE] [--plot FILE]

Measures a bundle on its test part with the dial at -1, -0.75, …, 1.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import Float32Array
from segue.evaluation.evaluate import evaluate
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.pictures.plots import Series, scatter
from segue.pictures.save import save_plot
from segue.pictures.style import SIZES
from segue.pipeline.evaluate import split_of
from segue.pipeline.system import SystemScorer

DIALS = tuple(place / 4 for place in range(-4, 5))
SHOWN = ("recall@20", "recall@300", "ndcg@20", "novelty@20", "novelty@300", "coverage@20")


@dataclass(frozen=True)
class DialledScorer:
    """Scores of the whole system at one dial setting."""

    system: SystemScorer
    dial: float

    def held_out_scores(self, held_out: HeldOut) -> Float32Array:
        offset = np.float32(self.dial) * self.system.stages.first.popularity.full_turn
        return self.system.held_out_scores(held_out) + offset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    bundle = Bundle.load(options.bundle)
    split = split_of(bundle, PlaylistGraph.load(options.graph))
    system = SystemScorer.of_bundle(bundle, split)
    print("| dial | " + " | ".join(SHOWN) + " |")
    print("|---" * (1 + len(SHOWN)) + "|")
    found = {}
    for dial in DIALS:
        values = evaluate(DialledScorer(system, dial), split.test, split.train).values
        found[dial] = {metric: values[metric] for metric in SHOWN}
        cells = [f"{v:.2f}" if v > 1 else f"{v:.4f}".lstrip("0") for v in found[dial].values()]
        print(f"| {dial:g} | " + " | ".join(cells) + " |", flush=True)
    if options.json:
        write_json(options.json, found)
    if options.plot:
        points = {f"{dial:g}": of for dial, of in found.items()}
        save_plot(
            lambda size, theme: scatter(
                {at: Series([of["novelty@20"]], [of["recall@20"]]) for at, of in points.items()},
                size,
                theme,
                title="The dial, from mainstream to deep cuts",
                x_label="novelty of the first 20, in bits",
                y_label="Recall@20",
            ),
            options.plot,
            SIZES["screen"],
            dpi=90,
        )


if __name__ == "__main__":
    main()
