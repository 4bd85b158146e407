"""`segue train` and `segue evaluate`: from a graph to a bundle, and how good it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.cli.output import (
    THREADS,
    command,
    count,
    limit_threads,
    number,
    print_evaluations,
    print_json,
    progress_bar,
    say,
)
from segue.training.config import TrainConfig

if TYPE_CHECKING:
    from segue.bundle import Bundle
    from segue.cli.output import ProgressBar
    from segue.evaluation.evaluate import Evaluation
    from segue.evaluation.tuning import Tuning
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.graph.split import HeldOut, Split, SplitKind
    from segue.recommend.scorer import Scorer
    from segue.training.train import Progress
    from segue.training.validation import NodeScorer

# As in `segue.graph.split`, which would load Arrow to show a help text.
SPLIT_KINDS = ("random", "last", "mixed", "playlists", "tracks")

DEFAULT_TRIALS = 8

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
@click.option(
    "--split",
    "split_kind",
    type=click.Choice(SPLIT_KINDS),
    metavar="KIND",
    default="random",
    show_default=True,
    help="What is held out.",
)
@click.option(
    "--test-share", type=float, default=0.2, show_default=True, help="Held out to measure."
)
@click.option(
    "--validation-share",
    type=float,
    default=0.1,
    show_default=True,
    help="Held out to choose the best epoch.",
)
@click.option(
    "--given",
    type=int,
    metavar="N",
    help="Tracks given of a playlist that is held out whole.  [default: 5]",
)
@click.option("--split-rng-seed", type=int, default=0, show_default=True, help="For the split.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to train; auto: on a GPU if PyTorch finds one.",
)
@THREADS
@click.option("--no-playlists", is_flag=True, help="Leave the playlists out of the bundle.")
@click.option("--no-refit", is_flag=True, help="Ship the vectors that were measured.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--overwrite", is_flag=True, help="Replace an older bundle.")
def train(
    graph: Path,
    out: Path,
    relations: str,
    split_kind: SplitKind,
    test_share: float,
    validation_share: float,
    given: int | None,
    split_rng_seed: int,
    device: str,
    threads: int | None,
    no_playlists: bool,
    no_refit: bool,
    resume: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Train a model on GRAPH, measure it on what is held out, and write a bundle.

    \b
    --split says what is held out; the shares are of
      random     each playlist's tracks, at random
      last       each ordered playlist's tracks, the last ones
      mixed      as last, and of as many other playlists at random
      playlists  the playlists, whole: N tracks given, the rest to be found
      tracks     the tracks, whole: out of every playlist

    The figures come from the held-out tracks. The vectors that ship are then trained once more,
    on all pairs, up to the epoch that validation chose; --no-refit skips that.

    While it runs, checkpoints and metrics.jsonl stand in the folder OUT.training; after an
    interruption, the same command with --resume goes on from the last checkpoint
    (one every epoch, and every five minutes).
    """
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.graph.split import SplitRecipe, split_graph
    from segue.models import encoder_named

    names = tuple(name.strip() for name in relations.split(","))
    config = TrainConfig(relations=() if names == ("none",) else names, **options)
    recipe = SplitRecipe(split_kind, test_share, validation_share, split_rng_seed, given)
    _refuse_training(out, resume=resume, overwrite=overwrite)
    encoder_named(config.model)  # refused before anything else; loads torch, for the limit
    limit_threads(threads)
    loaded = PlaylistGraph.load(graph)
    split = split_graph(loaded, recipe)
    bundle, evaluation = train_bundle(
        loaded,
        split,
        out,
        config,
        device=device,
        keep_playlists=not no_playlists,
        refit=not no_refit,
        resume=resume,
        overwrite=overwrite,
    )
    print_evaluations(_title("test", split), {bundle.config["model"]: evaluation})
    _say_scored(evaluation, split)
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
    split: Split,
    out: Path,
    config: TrainConfig,
    *,
    device: str = "auto",
    keep_playlists: bool = True,
    refit: bool = True,
    resume: bool = False,
    overwrite: bool = False,
) -> tuple[Bundle, Evaluation]:
    """Train, measure and save, with words and bars; returns the bundle and its measurement."""
    import torch

    from segue.errors import ArtefactError, InputError
    from segue.evaluation.experiment import train_and_measure
    from segue.training.train import CHECKPOINT, METRICS_FILE, Progress

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch finds no CUDA device here, use --device cpu")
    folder = _training_folder(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be written ({error.strerror or error})") from error
    say(f"Training {config.model} (dim {config.dim}) on {device}: {_parts_of(split)}")
    measured: list[Evaluation] = []

    def watch(stage: str) -> Progress:
        if stage == "refit":
            say(f"Once more on all {number(graph.playlists.tracks.num_pairs)} pairs, to ship:")
        title = {"split": "Training", "refit": "Refitting"}[stage]
        return Progress(*_reporters(bars.enter_context(progress_bar(title, 1, "steps"))))

    def measure(scorer: Scorer | NodeScorer) -> Evaluation:
        bars.close()  # one bar at a time
        measured.append(run_evaluation(config.model, scorer, split.test, split))
        return measured[0]

    try:
        with ExitStack() as bars:
            bundle = train_and_measure(
                graph,
                split,
                config,
                measure,
                folder=folder,
                keep_playlists=keep_playlists,
                refit=refit,
                resume=resume,
                device=device,
                progress=watch,
            )
        bundle.save(out, overwrite=overwrite)
        # Only now that the bundle is whole is the way there no longer needed.
        for place in (folder, folder / "refit"):
            for name in (CHECKPOINT, METRICS_FILE):
                (place / name).unlink(missing_ok=True)
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            say(f"Stopped; --resume goes on from the last checkpoint in {folder}")
        raise
    finally:
        for place in (folder / "refit", folder):
            with suppress(OSError):  # it stays where it holds anything
                place.rmdir()
    weights = bundle.history[bundle.config["best_epoch"] - 1].get("relation_weight")
    if weights:
        found = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
        say(f"Learned weight of the structural relations: {found}")
    return bundle, measured[0]


def _parts_of(split: Split) -> str:
    """How much is trained on and how much held out, in words."""
    import numpy as np

    parts = (split.validation, split.test)
    train = f"{number(split.train.playlists.tracks.num_pairs)} training pairs"
    validation, test = (number(part.targets.num_pairs) for part in parts)
    kind = split.recipe.kind
    if kind == "playlists":
        whole = [len(part.playlist_index) for part in parts]
    elif kind == "tracks":
        whole = [len(np.unique(part.targets.track_index)) for part in parts]
    else:
        return f"{train}, {validation} held out for validation, {test} for test"
    return (
        f"{train}, {number(whole[0])} whole {kind} held out for validation, {number(whole[1])} "
        f"for test ({validation} and {test} pairs to find)"
    )


def _reporters(
    bar: ProgressBar,
) -> tuple[Callable[[int, int, float], None], Callable[[dict[str, Any]], None]]:
    """What a bar shows of each step, and what is said of an epoch."""
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

    return step, epoch


def run_evaluation(
    name: str, scorer: Scorer | NodeScorer, held_out: HeldOut, split: Split
) -> Evaluation:
    """Evaluate under a progress bar."""
    from segue.evaluation.evaluate import evaluate as measure

    total = int((held_out.targets.lengths > 0).sum())
    with progress_bar(f"Evaluating {name}", total, "playlists") as bar:
        return measure(scorer, held_out, split.train, lambda count: bar.advance(count))


def evaluate_baselines(
    split: Split,
    held_out: HeldOut,
    names: Iterable[str],
    num_trials: int = DEFAULT_TRIALS,
    trials_file: Path | None = None,
) -> dict[str, tuple[Evaluation, Tuning]]:
    """Tune baselines on validation, fit and evaluate them; one that cannot run is left out."""
    from segue.errors import ResourceError
    from segue.evaluation.baselines import BASELINES
    from segue.evaluation.tuning import TrialsFile, tune

    finished = TrialsFile(trials_file)
    found = {}
    for name in names:
        try:
            with progress_bar(f"Tuning {name}", num_trials, "trials") as bar:
                tuning = tune(
                    name, split, num_trials, finished, lambda number, _: bar.advance(1, done=number)
                )
            scorer = BASELINES[name](split.train, **tuning.options)
        except ResourceError as error:
            say(f"{name} is left out: {error}")
            continue
        if tuning.options:
            options = ", ".join(f"{option} {value:g}" for option, value in tuning.options.items())
            chosen = f"best of {count(len(tuning.trials), 'trial')}" if tuning.trials else "default"
            say(f"{name}: {options} ({chosen})")
        found[name] = run_evaluation(name, scorer, held_out, split), tuning
    return found


class BaselineNames(click.ParamType[tuple[str, ...]]):
    """``EASE,iALS``: names of baselines, in any case."""

    name = "NAMES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Parse, or fail with what was expected."""
        from segue.evaluation.baselines import BASELINES

        known = {name.lower(): name for name in BASELINES}
        names = [name.strip().lower() for name in str(value).split(",")]
        for name in names:
            if name not in known:
                self.fail(
                    f"{name!r} is no baseline, expected of {', '.join(BASELINES)}", param, ctx
                )
        return tuple(known[name] for name in dict.fromkeys(names))


def _title(part: str, split: Split) -> str:
    if split.recipe.kind == "playlists":
        return f"On the {part} playlists, {count(split.recipe.num_given or 0, 'track')} given"
    return f"On the {part} tracks"


def _say_scored(evaluation: Evaluation, split: Split) -> None:
    without = ""
    if evaluation.num_unscored:
        why = "without held-out tracks"
        if split.recipe.kind == "playlists":
            why = f"of {count(split.recipe.num_given or 0, 'track')} or fewer"
        without = f"; {count(evaluation.num_unscored, 'playlist')} {why} left out"
    say(f"Means over {count(evaluation.num_scored, 'playlist')}{without}")


@click.command(short_help="How good a bundle is, on held-out tracks.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("graph", type=click.Path(path_type=Path))
@click.option("--baselines", is_flag=True, help="Put tuned baselines beside it.")
@click.option("--only", type=BaselineNames(), help="Of the baselines only these.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=DEFAULT_TRIALS,
    show_default=True,
    help="Options tried on validation for each baseline; 1 takes its defaults.",
)
@click.option(
    "--trials-file",
    type=click.Path(path_type=Path),
    help="Keep finished trials here, and do none again that is here.",
)
@click.option(
    "--on",
    "part",
    type=click.Choice(["test", "validation"]),
    default="test",
    show_default=True,
    help="Which held-out tracks.",
)
@click.option(
    "--given",
    type=int,
    metavar="N",
    help="Give N tracks of each playlist that was held out whole.  [default: as in training]",
)
@THREADS
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def evaluate(
    bundle: Path,
    graph: Path,
    baselines: bool,
    only: tuple[str, ...] | None,
    trials: int,
    trials_file: Path | None,
    part: str,
    given: int | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure BUNDLE on what its training held out of GRAPH.

    Full ranking over every track, known tracks removed; means over the playlists with held-out
    tracks. Bucket 1 holds the most popular tracks, bucket 5 the least, each with a fifth of the
    training pairs.

    The baselines are popularity, item-kNN, RP3beta, EASE, EASE+side (with artists and albums) and
    iALS, each with the options that do best on validation by nDCG@20, out of so many trials. One
    that this machine cannot hold is left out.
    """
    from segue.bundle import Bundle
    from segue.errors import ArtefactError, MismatchError
    from segue.evaluation.baselines import BASELINES
    from segue.evaluation.experiment import split_of
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.recommend.scorer import CentroidScorer

    limit_threads(threads)
    loaded = Bundle.load(bundle, measured=True)
    whole = PlaylistGraph.load(graph)
    try:
        split = split_of(loaded, whole)
    except (MismatchError, ArtefactError) as error:
        raise type(error)(f"{bundle} and {graph}: {error}") from None
    if given is not None:
        split = split.given(given)
    held_out = split.test if part == "test" else split.validation
    name = str(loaded.config["model"])
    vectors = loaded.measured or loaded
    scorer = CentroidScorer(vectors.track_vectors, vectors.query_weight)
    evaluations = {name: run_evaluation(name, scorer, held_out, split)}
    tunings: dict[str, Tuning] = {}
    if baselines or only:
        names = only or tuple(BASELINES)
        beside = evaluate_baselines(split, held_out, names, trials, trials_file)
        evaluations |= {name: evaluation for name, (evaluation, _) in beside.items()}
        tunings = {name: tuning for name, (_, tuning) in beside.items()}
    if as_json:
        content = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
        for name, tuning in tunings.items():
            content[name] |= {"options": tuning.options, "num_trials": len(tuning.trials)}
        print_json(content)
        return
    print_evaluations(_title(part, split), evaluations)
    _say_scored(evaluations[name], split)
