"""What stays the same, to the bit, where something about the machine differs.

    python benchmarks/same_answer.py OUT [--playlists 2000] [--only NAMES]

Generates playlists over the sample, then builds, splits, trains (the whole system) and asks, once
for each variant of the environment, each in a process of its own: surroundings (hash seed, locale,
time zone, no home, another temporary folder), threads, and the code that numerical libraries would
choose on an older processor. Each is compared with the first run: which parts of the bundle are the
same bytes, and how far the lists agree. Then the bundle of the first run is asked under every
variant, too. Prints both tables; OUT/same_answer.json holds them. Imitated processors differ from
this one only in what libraries can be told to do without; real ones may differ further.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from segue.files import write_json
from segue.machine import machine

# NumPy's names, old and new.
_512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
NO_AVX512 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": _512,
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ",
}
NO_AVX = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": f"AVX2 FMA3 X86_V3 {_512}",
    "GLIBC_TUNABLES": f"{NO_AVX512['GLIBC_TUNABLES']},-AVX2,-FMA,-AVX",
}
# What differs from the first run: variables of the environment (None: not set), or the threads.
VARIANTS: dict[str, dict[str, str | None]] = {
    "surroundings": {
        "PYTHONHASHSEED": "1",
        "LC_ALL": "tr_TR.UTF-8",
        "LANGUAGE": "tr",
        "TZ": "Asia/Kathmandu",
        "HOME": None,
        "USER": None,
        "XDG_CACHE_HOME": None,
        "TMPDIR": "its own",
    },
    "2 threads": {"threads": "2"},
    "64 threads": {"threads": "64"},
    "without AVX-512": NO_AVX512,
    "without AVX": NO_AVX,
}
FIRST = {"threads": "1", "PYTHONHASHSEED": "0"}
LENGTH = 10


def child(folder: Path, source: Path, bundle: Path | None, threads: int) -> None:
    """One run: what came out, as hashes and arrays in a folder."""
    import torch

    import segue
    from segue.machine import limit_threads
    from segue.recommend.recommender import Recommender

    limit_threads(threads)
    torch.set_num_threads(threads)
    same: dict[str, str] = {}
    if bundle is None:
        graph = segue.build(source)
        split = segue.split(graph)
        # Small vectors: what differs here differs everywhere. On fewer playlists no trees are kept.
        trees = segue.SecondStageConfig()
        system = segue.SystemConfig({"wide": segue.WideConfig()}, trees)
        trained = segue.train(split, system=system, dim=32, epochs=3, refit=False)
        trained.save(folder / "bundle", overwrite=True)
        same = {
            "graph": graph.fingerprint,
            "split": split.fingerprint,
            "vectors": digest(trained.vectors | {"weight": trained.query_weight}),
            "wide part": digest(trained.terms["wide"]),
            "second stage": digest(trained.second_stage or {}),
        }
        if trained.second_stage is None or not trained.questions["num_trees"][1]:
            raise SystemExit(
                "no second stage was kept, so nothing is learned of it: more --playlists"
            )
        np.save(folder / "vectors.npy", trained.track_vectors)
        bundle = folder / "bundle"
    for name, second in (("first stage", False), ("both stages", True)):
        recommender = Recommender.load(bundle, second_stage=second)
        rows = np.arange(len(recommender.playlists))
        # What comes next is what few trees learn on few playlists.
        lists, scores = recommender.recommend(rows, n=LENGTH, question="next")
        np.save(folder / f"{name}.npy", lists)
        same[f"lists, {name}"] = digest({"tracks": lists, "scores": scores})
    write_json(folder / "same.json", same)


def digest(arrays: Mapping[str, Any]) -> str:
    found = sha256()
    for name in sorted(arrays):
        found.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()


def run(folder: Path, source: Path, bundle: Path | None, variant: Mapping[str, str | None]) -> None:
    """Run a child under a variant, unless it has been."""
    if (folder / "same.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**FIRST, **variant}
    threads = str(settings.pop("threads"))
    if settings.get("TMPDIR"):
        settings["TMPDIR"] = str(folder)
    # Threads that wait do not spin: on a busy machine that takes minutes.
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
    for name, value in settings.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    command = [sys.executable, __file__, folder, "--child", source, "--threads", threads]
    if bundle is not None:
        command += ["--bundle", bundle]
    subprocess.run([str(word) for word in command], env=environment, check=True)


def compared(folder: Path, first: Path) -> dict[str, Any]:
    """How far a run agrees with the first."""
    ours, theirs = (json.loads((one / "same.json").read_text()) for one in (folder, first))
    found: dict[str, Any] = {name: ours[name] == theirs[name] for name in ours}
    if "vectors" in ours:
        vectors = [np.load(one / "vectors.npy") for one in (folder, first)]
        found["vectors, least cosine"] = float((vectors[0] * vectors[1]).sum(axis=1).min())
    for name in ("first stage", "both stages"):
        lists = [np.load(one / f"{name}.npy") for one in (folder, first)]
        shared = [len(np.intersect1d(*pair)) for pair in zip(*lists, strict=True)]
        found[name] = {
            "same lists": float((lists[0] == lists[1]).all(axis=1).mean()),
            "same first": float((lists[0][:, 0] == lists[1][:, 0]).mean()),
            "shared tracks": float(np.mean(shared) / LENGTH),
        }
    return found


def table(runs: Mapping[str, dict[str, Any]]) -> str:
    """Markdown: variants as rows."""
    parts = [name for name, same in next(iter(runs.values())).items() if isinstance(same, bool)]
    stages = ("first stage", "both stages")
    header = ["", *parts, *(f"same lists, {stage}" for stage in stages)]
    header += [f"shared tracks, {stage}" for stage in stages]
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for name, found in runs.items():
        cells = ["same" if found[part] else "differs" for part in parts]
        cells += [f"{found[stage]['same lists']:.1%}" for stage in stages]
        cells += [f"{found[stage]['shared tracks']:.1%}" for stage in stages]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--playlists", type=int, default=2000)
    parser.add_argument("--only", default=",".join(VARIANTS))
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bundle", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.out, options.child, options.bundle, options.threads)
        return
    from segue.synthetic.sample import write_sample

    out = options.out.absolute()
    source = out / "playlists"
    if not source.exists():
        write_sample(source, options.playlists)
    first = out / "trained" / "first"
    run(first, source, None, {})
    run(out / "asked" / "first", source, first / "bundle", {})
    names = options.only.split(",")
    trained, asked = {}, {}
    for name in names:
        run(out / "trained" / name, source, None, VARIANTS[name])
        trained[name] = compared(out / "trained" / name, first)
        run(out / "asked" / name, source, first / "bundle", VARIANTS[name])
        asked[name] = compared(out / "asked" / name, out / "asked" / "first")
    found = {"machine": machine(), "playlists": options.playlists}
    found |= {"trained": trained, "asked": asked}
    write_json(out / "same_answer.json", found)
    print(f"Built and trained anew:\n\n{table(trained)}\n\nThe same bundle:\n\n{table(asked)}")


if __name__ == "__main__":
    main()
