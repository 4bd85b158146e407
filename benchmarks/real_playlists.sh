#!/usr/bin/env bash
# The README's table of figures on real playlists: build, train with three model seeds, measure.
#
#   SEGUE_REALDATA=/path/to/folder benchmarks/real_playlists.sh OUT
#
# Needs `segue` on the PATH, playlists-50k.zip in SEGUE_REALDATA, and about 35 minutes on two cores.
# It goes on where it was stopped: each seed leaves OUT/evaluation-<seed>.json.
set -euo pipefail

out="${1:?give the folder for graph, bundles and figures}"
zip="${SEGUE_REALDATA:?name the folder that holds playlists-50k.zip}/playlists-50k.zip"
mkdir -p "$out"
[ -d "$out/graph" ] || segue build "$zip" --out "$out/graph"
for seed in 0 1 2; do
  evaluation="$out/evaluation-$seed.json"
  bundle="$out/bundle-$seed"
  if [ ! -d "$bundle" ]; then
    resume=()
    [ ! -f "$bundle.training/checkpoint.safetensors" ] || resume=(--resume)
    segue train "$out/graph" --out "$bundle" --rng-seed "$seed" "${resume[@]}"
  fi
  if [ ! -f "$evaluation" ]; then
    # The baselines draw nothing at random: once is enough.
    baselines=()
    [ "$seed" != 0 ] || baselines=(--baselines)
    segue evaluate "$bundle" "$out/graph" "${baselines[@]}" --json > "$evaluation.tmp"
    mv "$evaluation.tmp" "$evaluation"
  fi
done
python3 - "$out" <<'PYTHON'
import json
import pathlib
import statistics
import sys

folder = pathlib.Path(sys.argv[1])
runs = [json.loads((folder / f"evaluation-{seed}.json").read_text()) for seed in (0, 1, 2)]
others = [name for name in runs[0] if name != "lightgcn"]
print(f"{'metric':24s} {'lightgcn':>17s} " + " ".join(f"{name:>12s}" for name in others))
for metric in runs[0]["lightgcn"]["values"]:
    values = [run["lightgcn"]["values"][metric] for run in runs]
    beside = " ".join(f"{runs[0][name]['values'][metric]:12.4f}" for name in others)
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    print(f"{metric:24s} {mean:8.4f} ± {deviation:.4f} {beside}")
PYTHON
