"""Time and memory of each stage, from made-up playlists to a service, at any size.

    python benchmarks/stages.py OUT --playlists 10000 [--k-core 10] [--workers 2] [--threads 2]
        [--epochs E] [--unit-minutes 40] [--delete-data] [--only train,evaluate]

generate, build, k-core, train (vectors and terms, on what is not held out), evaluate (10,000 test
playlists), second stage, recommend (lists of 500 for 10,000 playlists), index, serve (1,000
completions, one after the other). Each is a process of its own, the commands wherever there is one.
Seconds by the clock and of the processor, and the most memory that its processes had together, are
written to benchmarks/results/stages.json with the machine and the commit when it is done, and all
sizes are drawn in OUT/stages.png.

Interrupted, the same command goes on: with the first stage that is not done, and within building
and training from what was kept. These two are ended after --unit-minutes, with status 75, to be
gone on with by the same command; their figures are the sums of all units. ``--k-core 0`` trains on
the whole graph. At a million playlists the slices take 15 GB, which --delete-data frees once the
graph is there.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from process_memory import memory_of

from segue.bundle import Bundle
from segue.files import write_json
from segue.graph.playlist_graph import PlaylistGraph
from segue.machine import machine

RESULTS = Path(__file__).parent / "results" / "stages.json"
SEGUE = [sys.executable, "-c", "from segue.cli import main; main()"]
STAGES = (
    "generate", "build", "k-core", "train", "evaluate", "second stage", "recommend", "index",
    "serve",
)  # fmt: skip
NUM_LISTS, NUM_REQUESTS = 10_000, 1_000
QUALITY = ("map@10", "ndcg@20", "recall@20", "recall@300")
MORE_TO_DO = 75  # EX_TEMPFAIL


def graph_of(given: argparse.Namespace) -> Path:
    """What is trained on."""
    return given.out / ("core" if given.k_core else "graph")


# Stages that are no command.


def k_core(given: argparse.Namespace) -> dict[str, Any]:
    graph = PlaylistGraph.load(given.out / "graph")
    if given.k_core:
        graph = graph.k_core(given.k_core)
        graph.save(given.out / "core", overwrite=True)
    return {"pairs": graph.playlists.tracks.num_pairs, **graph.num_nodes}


def second_stage(given: argparse.Namespace) -> dict[str, Any]:
    from segue.pipeline.evaluate import split_of
    from segue.scoring.questions import Questions
    from segue.scoring.terms import first_stage_of
    from segue.training.config import SecondStageConfig
    from segue.training.second_stage import train_second_stage

    bundle = Bundle.load(given.out / "vectors")
    split = split_of(bundle, PlaylistGraph.load(graph_of(given)))
    trees, questions = train_second_stage(
        split,
        first_stage_of(bundle, split.train.catalog),
        bundle.popularity,
        SecondStageConfig(),
        Questions.from_json(bundle.questions),
    )
    found = None if trees is None else trees.arrays()
    both = replace(bundle, second_stage=found, questions=questions.to_json())
    both.save(given.out / "bundle", overwrite=True)
    ids = bundle.playlists.ids
    rows = np.unique(np.linspace(0, len(ids) - 1, NUM_LISTS).astype(np.int64))
    (given.out / "ids.txt").write_text("\n".join(ids.take(rows).to_pylist()))
    return {"trees": found is not None}


def serve(given: argparse.Namespace) -> dict[str, Any]:
    ids = (given.out / "ids.txt").read_text().splitlines()
    rng = np.random.default_rng(0)
    with subprocess.Popen(
        [*SEGUE, "serve", str(given.out / "bundle"), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            line = ""
            while "http://" not in line:
                line = server.stderr.readline()
                if not line:
                    raise SystemExit("the service did not start")
            port = int(re.findall(r":(\d+) ", line)[-1])
            threading.Thread(target=server.stderr.read, daemon=True).start()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            seconds = []
            for at in range(NUM_REQUESTS + 20):
                body = json.dumps({"playlist": ids[int(rng.integers(len(ids)))], "n": 20})
                began = time.perf_counter()
                connection.request(
                    "POST", "/api/v1/complete", body, {"content-type": "application/json"}
                )
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    raise SystemExit(f"status {answer.status}: {content[:300]!r}")
                if at >= 20:  # warm
                    seconds.append(time.perf_counter() - began)
        finally:
            server.terminate()
    p50, p99 = (round(1e3 * float(np.percentile(seconds, at)), 2) for at in (50, 99))
    return {"p50 ms": p50, "p99 ms": p99}


OWN: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "k-core": k_core,
    "second stage": second_stage,
    "serve": serve,
}


def command_of(stage: str, given: argparse.Namespace) -> list[str]:
    """The command of a stage; an interrupted one goes on."""
    out, threads = given.out, ["--threads", str(given.threads)]
    graph, vectors, bundle = str(graph_of(given)), str(out / "vectors"), str(out / "bundle")
    if stage in OWN:
        return [sys.executable, *sys.argv, "--one", stage]
    if stage == "generate":
        shutil.rmtree(out / "data", ignore_errors=True)  # of an interrupted one
        size = ["--playlists", str(given.playlists), "--processes", str(given.workers)]
        return [*SEGUE, "generate", "--out", str(out / "data"), *size]
    if stage == "build":
        workers = ["--workers", str(given.workers), "--overwrite"]
        return [*SEGUE, "build", str(out / "data"), "--out", str(out / "graph"), *workers]
    if stage == "train":
        more = ["--no-second-stage", "--no-refit", "--sample", "1"]
        more += ["--epochs", str(given.epochs)] if given.epochs else []
        begun = (out / "vectors.training").is_dir() and any((out / "vectors.training").iterdir())
        more += ["--resume"] if begun else []
        return [*SEGUE, "train", graph, "--out", vectors, *more, *threads]
    if stage == "evaluate":
        return [*SEGUE, "evaluate", vectors, graph, "--json", *threads]
    if stage == "recommend":
        lists = str(out / "lists.parquet")
        ids = ["--ids", str(out / "ids.txt"), "--overwrite"]
        return [*SEGUE, "recommend", bundle, *ids, "--out", lists, *threads]
    return [*SEGUE, "index", bundle, *threads]


def facts_of(stage: str, output: str) -> dict[str, Any]:
    """What a stage says of its result."""
    if stage in OWN:
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found
    if stage == "evaluate":
        (values,) = (found["values"] for found in json.loads(output).values())
        return {name: round(values[name], 4) for name in QUALITY}
    return {}


class Watched:
    """A running command, and the memory of all its processes together."""

    def __init__(self, command: list[str]) -> None:
        # A job in the background would ignore the signal that stops it.
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        self.peak_bytes = 0
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def finish(self, seconds: float | None) -> tuple[int, str]:
        """Its status and output; after so many seconds it is asked to stop, as by Ctrl-C."""
        try:
            output, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            output, _ = self.process.communicate()
        except BaseException:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
            raise
        finally:
            self._ended.set()
            self._watching.join()
        return self.process.returncode, output

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.peak_bytes = max(self.peak_bytes, memory_of(self.process.pid))


def run(stage: str, given: argparse.Namespace, so_far: dict[str, Any]) -> bool:
    """One unit of a stage, added to its figures; whether the stage is done."""
    limit = 60 * given.unit_minutes if stage in ("build", "train") else None
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    watched = Watched(command_of(stage, given))
    status, output = watched.finish(limit)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    for name, value in (("seconds", seconds), ("cpu_seconds", cpu), ("units", 1)):
        so_far[name] = round(so_far.get(name, 0) + value, 2)
    so_far["peak_bytes"] = max(so_far.get("peak_bytes", 0), watched.peak_bytes)
    if status == 0:
        so_far |= {"done": True, **facts_of(stage, output), "commit": machine()["commit"]}
        return True
    if limit is not None and seconds >= limit:
        return False
    raise SystemExit(f"{stage}: ended with status {status}; see above")


def draw(results: dict[str, Any], path: Path) -> None:
    """Processor seconds and memory by the number of playlists, of the sizes with a k-core."""
    from segue.pictures.plots import Series, panels
    from segue.pictures.save import save_plot
    from segue.pictures.style import SIZES

    sizes = sorted(
        (found["playlists"], found["stages"]) for found in results.values() if found["k-core"]
    )
    kinds = (("processor seconds", "cpu_seconds", 1.0), ("gigabytes", "peak_bytes", 1e9))
    groups: dict[str, dict[str, Series]] = {}
    for title, field, unit in kinds:
        groups[title] = {}
        for stage in STAGES:
            points = [(n, s[stage][field] / unit) for n, s in sizes if stage in s]
            if points:
                groups[title][stage] = Series(*map(list, zip(*points, strict=True)))
    plot = partial(
        panels, groups, title="Stages by the number of playlists", x_label="playlists",
        y_label="", same_y=False, log_x=True, log_y=True,
    )  # fmt: skip
    save_plot(plot, path, SIZES["screen"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--playlists", type=int, required=True)
    parser.add_argument("--k-core", type=int, default=10, help="0: none")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--unit-minutes", type=float, default=40.0)
    parser.add_argument("--delete-data", action="store_true")
    parser.add_argument("--only", help="Stages, separated by commas; by default all.")
    parser.add_argument("--one", choices=list(OWN), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(OWN[given.one](given)))
        return
    names = STAGES if given.only is None else given.only.split(",")
    for name in names:
        if name not in STAGES:
            parser.error(f"{name!r} is no stage, expected some of {', '.join(STAGES)}")
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "stages.json"
    stages: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in names:
        so_far = stages.setdefault(name, {})
        if so_far.get("done"):
            continue
        try:
            done = run(name, given, so_far)
        finally:
            write_json(kept, stages)
        print(name, so_far, flush=True)
        if not done:
            print(f"{name}: to be gone on with, by the same command", flush=True)
            sys.exit(MORE_TO_DO)
        if name == "build" and given.delete_data:
            shutil.rmtree(given.out / "data")
        # Others may have written results since.
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        core = f"{given.k_core}-core" if given.k_core else "whole"
        of_size = results.setdefault(f"{given.playlists}, {core}", {})
        of_size |= {"playlists": given.playlists, "k-core": given.k_core, "epochs": given.epochs}
        # All that are done, as the results may have been of another checkout.
        of_size["stages"] = {
            stage: {fact: value for fact, value in found.items() if fact != "done"}
            for stage, found in stages.items()
            if found.get("done")
        }
        of_size["machine"] = {**machine(), "threads": given.threads, "workers": given.workers}
        write_json(RESULTS, results)
        draw(results, given.out / "stages.png")


if __name__ == "__main__":
    main()
