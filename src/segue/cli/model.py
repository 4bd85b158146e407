"""`segue train` and `segue evaluate`: from a graph to a bundle, and how good it is."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.cli.output import (
    command,
    count,
    number,
    print_evaluations,
    print_json,
    progress_bar,
    say,
)
from segue.training.config import TrainConfig

if TYPE_CHECKING:
    from segue.bundle import Bundle
    from segue.evaluation.evaluate import Evaluation
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.graph.split import HeldOut, Split, SplitRecipe
    from segue.recommend.scorer import Scorer

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _config(option: str, help_text: str) -> Callable[[_Function], _Function]:
    """An option that is a field of `TrainConfig` of the same name, default and type."""
    default = getattr(TrainConfig, option.removeprefix("--").replace("-", "_"))
    return click.option(
        option, type=type(default), default=default, show_default=True, help=help_text
    )


@click.command(short_help="A graph to a bundle.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The bundle folder to write."
)
@click.option("--model", default=TrainConfig.model, show_default=True, help="Architecture.")
@click.option(
    "--relations",
    metavar="NAMES",
    default=",".join(TrainConfig.relations),
    show_default=True,
    help="Structural relations that carry messages: artist, album, both with a comma, or none.",
)
@_config("--dim", "Length of a vector.")
@_config("--num-layers", "How many times messages are passed.")
@click.option(
    "--epochs", type=int, help="Passes over the playlists.  [default: chosen by their number]"
)
@_config("--batch-size", "Playlists per step.")
@_config("--learning-rate", "At the start of a cosine schedule.")
@_config("--temperature", "Of the softmax over cosines.")
@_config("--few-share", "Share of playlists that show only few tracks in a step.")
@_config("--rng-seed", "For all randomness of the training.")
@click.option("--split-rng-seed", type=int, default=0, show_default=True, help="For the split.")
@click.option(
    "--test-share", type=float, default=0.2, show_default=True, help="Of each playlist's tracks."
)
@click.option(
    "--validation-share",
    type=float,
    default=0.1,
    show_default=True,
    help="Of each playlist's tracks; chooses the best epoch.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to train; auto: on a GPU if PyTorch finds one.",
)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]")
@click.option("--no-playlists", is_flag=True, help="Leave the playlists out of the bundle.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--overwrite", is_flag=True, help="Replace an older bundle.")
def train(
    graph: Path,
    out: Path,
    relations: str,
    split_rng_seed: int,
    test_share: float,
    validation_share: float,
    device: str,
    threads: int | None,
    no_playlists: bool,
    resume: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Train a model on GRAPH, measure it on held-out tracks, and write a bundle.

    While it runs, checkpoints and metrics.jsonl stand in the folder OUT.training; after an
    interruption, the same command with --resume goes on exactly where it was.
    """
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.graph.split import SplitRecipe

    names = tuple(name.strip() for name in relations.split(","))
    config = TrainConfig(relations=() if names == ("none",) else names, **options)
    recipe = SplitRecipe("random", test_share, validation_share, split_rng_seed)
    _refuse_training(out, resume=resume, overwrite=overwrite)
    bundle, evaluation = train_bundle(
        PlaylistGraph.load(graph),
        out,
        config,
        recipe,
        device=device,
        threads=threads,
        keep_playlists=not no_playlists,
        resume=resume,
        overwrite=overwrite,
    )
    print_evaluations("On the test tracks", {bundle.config["model"]: evaluation})
    _say_scored(evaluation)
    beside = command("evaluate", out, graph, "--baselines")
    say(f"Written to {out}; `{beside}` puts baselines beside it")


def _training_folder(out: Path) -> Path:
    out = out.resolve()  # "." has no name
    return out.with_name(f"{out.name}.training")


def _refuse_training(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse before any work is done what would be refused after it."""
    from segue.errors import ArtefactError
    from segue.files import refuse_existing
    from segue.training.train import CHECKPOINT

    refuse_existing(out, "bundle", overwrite=overwrite)
    folder = _training_folder(out)
    if (folder / CHECKPOINT).exists() and not resume and not overwrite:
        raise ArtefactError(
            f"{folder}: a training that was stopped is here; --resume goes on with it, "
            "--overwrite starts anew"
        )


def train_bundle(
    graph: PlaylistGraph,
    out: Path,
    config: TrainConfig,
    recipe: SplitRecipe,
    *,
    device: str = "auto",
    threads: int | None = None,
    keep_playlists: bool = True,
    resume: bool = False,
    overwrite: bool = False,
) -> tuple[Bundle, Evaluation]:
    """Split, train, measure on the test tracks, save; returns the bundle and its measurement."""
    import numpy as np
    import torch

    from segue.bundle import Bundle
    from segue.errors import ArtefactError, InputError
    from segue.graph.split import split_graph
    from segue.recommend.scorer import CentroidScorer
    from segue.training.train import CHECKPOINT, Progress
    from segue.training.train import train as run

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch finds no CUDA device here, use --device cpu")
    if threads is not None:
        torch.set_num_threads(threads)
    split = split_graph(graph, recipe)
    folder = _training_folder(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be written ({error.strerror or error})") from error
    say(
        f"Training {config.model} (dim {config.dim}) on {device}: "
        f"{number(split.train.playlists.tracks.num_pairs)} training pairs, "
        f"{number(split.validation.targets.num_pairs)} held out for validation, "
        f"{number(split.test.targets.num_pairs)} for test"
    )
    has_validation = bool(split.validation.targets.num_pairs)
    with progress_bar("Training", 1, "steps") as bar:
        position, num_steps = 0.0, 0

        def step(done: int, total: int, loss: float) -> None:
            nonlocal position, num_steps
            # A resumed training jumps to its place; the rate is of the steps done since.
            num_steps += 1
            bar.advance(done / total - position, done=num_steps, note=f"loss {loss:.3f}")
            position = done / total

        def epoch(entry: dict[str, Any]) -> None:
            # About a dozen lines however many epochs there are: metrics.jsonl has them all.
            if entry["epoch"] % math.ceil(entry["epochs"] / 12) and entry["epoch"] > 1:
                return
            scores = ", ".join(
                f"{name} {entry[name]:.4f}" for name in ("recall@20", "ndcg@20") if name in entry
            )
            bar.say(f"  epoch {entry['epoch']}: loss {entry['loss']:.4f}, {scores}".rstrip(", "))

        try:
            result = run(
                split.train,
                split.validation if has_validation else None,
                config,
                folder=folder,
                identity=split.fingerprint,
                resume=resume,
                device=device,
                progress=Progress(step, epoch),
            )
        except KeyboardInterrupt:
            if (folder / CHECKPOINT).exists():
                bar.say(f"Stopped; what was done is in {folder}, --resume goes on with it")
            raise
        finally:
            with suppress(OSError):  # it stays where it holds anything
                folder.rmdir()
    scorer = CentroidScorer(result.track_vectors, result.query_weight)
    evaluation = run_evaluation(config.model, scorer, split.test, split)
    artist = result.structural_vectors.get("artist")
    bundle = Bundle(
        catalog=graph.catalog,
        track_vectors=result.track_vectors,
        artist_vectors=(
            artist if artist is not None else _artist_means(graph, result.track_vectors)
        ),
        query_weight=result.query_weight,
        popularity=split.train.track_degree.astype(np.int64),
        playlists=graph.playlists if keep_playlists else None,
        config={
            **config.to_json(),
            "epochs": len(result.history),
            "best_epoch": result.best_epoch,
            "device": device,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "seconds": round(result.seconds, 1),
        },
        metrics={"test": evaluation.to_json()},
        split={"recipe": recipe.to_json(), "fingerprint": split.fingerprint},
        graph_fingerprint=graph.fingerprint,
        history=result.history,
    )
    bundle.save(out, overwrite=overwrite)
    # Only now that the bundle is whole is the way there no longer needed.
    shutil.rmtree(folder)
    return bundle, evaluation


def _artist_means(graph: PlaylistGraph, track_vectors: Any) -> Any:
    """Where artists carried no messages, an artist is the centroid of its tracks."""
    import numpy as np

    sums = np.zeros((graph.catalog.num_artists, track_vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, graph.catalog.track_artist, track_vectors)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def run_evaluation(name: str, scorer: Scorer, held_out: HeldOut, split: Split) -> Evaluation:
    """Evaluate under a progress bar."""
    from segue.evaluation.evaluate import evaluate as measure

    total = int((held_out.targets.lengths > 0).sum())
    with progress_bar(f"Evaluating {name}", total, "playlists") as bar:
        return measure(scorer, held_out, split.train, lambda count: bar.advance(count))


def evaluate_baselines(split: Split, held_out: HeldOut) -> dict[str, Evaluation]:
    """Fit and evaluate the baselines."""
    from segue.evaluation.baselines import ItemKNN, Popularity

    return {
        "popularity": run_evaluation("popularity", Popularity(split.train), held_out, split),
        "item-kNN": run_evaluation("item-kNN", ItemKNN(split.train), held_out, split),
    }


def _say_scored(evaluation: Evaluation) -> None:
    say(
        f"Means over {count(evaluation.num_scored, 'playlist')}; "
        f"{number(evaluation.num_unscored)} without held-out tracks not scored"
    )


@click.command(short_help="How good a bundle is, on held-out tracks.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("graph", type=click.Path(path_type=Path))
@click.option("--baselines", is_flag=True, help="Put popularity and item-kNN beside it.")
@click.option(
    "--on",
    "part",
    type=click.Choice(["test", "validation"]),
    default="test",
    show_default=True,
    help="Which held-out tracks.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def evaluate(bundle: Path, graph: Path, baselines: bool, part: str, as_json: bool) -> None:
    """Measure BUNDLE on the tracks of GRAPH that its training held out.

    Full ranking over every track, known tracks removed; means over the playlists with held-out
    tracks. Bucket 1 holds the most popular tracks, bucket 5 the least, each with a fifth of the
    training pairs.
    """
    from segue.bundle import Bundle
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.recommend.scorer import CentroidScorer

    loaded, whole = Bundle.load(bundle), PlaylistGraph.load(graph)
    split = split_of(loaded, bundle, whole, graph)
    held_out = split.test if part == "test" else split.validation
    name = str(loaded.config["model"])
    scorer = CentroidScorer(loaded.track_vectors, loaded.query_weight)
    evaluations = {name: run_evaluation(name, scorer, held_out, split)}
    if baselines:
        evaluations |= evaluate_baselines(split, held_out)
    if as_json:
        print_json({name: evaluation.to_json() for name, evaluation in evaluations.items()})
        return
    print_evaluations(f"On the {part} tracks", evaluations)
    _say_scored(evaluations[name])


def split_of(bundle: Bundle, bundle_path: Path, graph: PlaylistGraph, graph_path: Path) -> Split:
    """Draw a bundle's split again from its graph.

    Raises
    ------
    MismatchError
        If the bundle was trained on another graph, or the split does not come out the same.
    """
    from segue.errors import ArtefactError, MismatchError
    from segue.graph.split import SplitRecipe, split_graph

    if bundle.graph_fingerprint != graph.fingerprint:
        raise MismatchError(
            f"{bundle_path}: was trained on another graph than {graph_path}, "
            "so its held-out tracks are not known"
        )
    try:
        names = {field.name for field in fields(SplitRecipe)}
        recipe = bundle.split["recipe"]
        if set(recipe) != names:
            raise KeyError(json.dumps(recipe))
        split = split_graph(graph, SplitRecipe(**recipe))
    except (KeyError, TypeError) as error:
        raise ArtefactError(f"{bundle_path}: its split's recipe is not known ({error})") from error
    if split.fingerprint != bundle.split.get("fingerprint"):
        raise MismatchError(
            f"{bundle_path}: its split does not come out the same here "
            "(another version of NumPy may draw otherwise), so it cannot be measured"
        )
    return split
