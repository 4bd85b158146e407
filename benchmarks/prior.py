"""How much popularity should count for short queries, on real playlists never seen before.

    SEGUE_REALDATA=/path/to/folder python benchmarks/prior.py OUT

On the split and the first bundle of benchmarks/unseen_playlists.py, trained if OUT has none:
queries the validation playlists with some tracks given, adds a weight times FULL_DIAL times each
track's log-popularity to the scores of vectors and wide part, and prints the figures of each weight
and of the prior of `segue.scoring.popularity`. OUT/prior.json holds the results.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from dial import DialledScorer
from real_playlists import build, train
from unseen_playlists import GIVEN

from segue.bundle import Bundle
from segue.evaluation.validation import validate
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.pipeline.evaluate import split_of
from segue.pipeline.system import SystemScorer
from segue.scoring.popularity import PRIOR_HALF_LIFE

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    build(out, parser)
    bundle = Bundle.load(train(out, "unseen-0", "--split", "playlists", "--rng-seed", 0))
    whole = split_of(bundle, PlaylistGraph.load(out / "graph"))
    system = SystemScorer.of_vectors(bundle.measured or bundle, None, whole)
    found: list[dict[str, Any]] = []
    print("given  weight  ndcg@20  recall@20  recall@300     auc")
    for given in GIVEN:
        split = whole.given(given)
        asked = replace(system, split=split)
        some = split.validation.rows(np.flatnonzero(split.validation.targets.lengths > 0))
        prior = 2 ** (-given / PRIOR_HALF_LIFE)
        for weight in (*WEIGHTS, round(prior, 3)):
            # The dial setting that gives this weight together with the prior.
            weighed = DialledScorer(asked, prior - weight)
            means = validate(weighed, some, split.train)
            found.append({"given": given, "weight": weight, **means})
            print(
                f"{given:5d}  {weight:6.3f}  {means['ndcg@20']:7.4f}  {means['recall@20']:9.4f}  "
                f"{means['recall@300']:10.4f}  {means['auc']:6.4f}",
                flush=True,
            )
    write_json(out / "prior.json", found)


if __name__ == "__main__":
    main()
