"""`segue train`: from a graph to a measured bundle."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.cli.evaluate import run_evaluation, say_scored, title_of
from segue.cli.output import DEVICE, SPLIT_RNG_SEED, THREADS, command, print_evaluations
from segue.console import number, progress_bar, say
from segue.machine import limit_threads
from segue.training.config import CHOICES, SecondStageConfig, SystemConfig, TrainConfig, WideConfig

if TYPE_CHECKING:
    from segue.bundle import Bundle
    from segue.console import ProgressBar
    from segue.evaluation.evaluate import Evaluation
    from segue.evaluation.scorers import HeldOutScorer, Scorer
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.graph.split import Split, SplitKind, SplitRecipe
    from segue.pipeline.experiment import OnEpoch, OnStep

# Of `TrainConfig` what each architecture has its own best values of.
TUNED_FIELDS = ("dim", "num_layers", "learning_rate", "temperature")
# As in `segue.graph.split`, which would load Arrow to show a help text.
SPLIT_KINDS = ("random", "last", "mixed", "playlists", "tracks")

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _config(option: str, help_text: str) -> Callable[[_Function], _Function]:
    """An option that is a field of `TrainConfig` of the same name, default and type."""
    name = option.removeprefix("--").replace("-", "_")
    default = getattr(TrainConfig, name)
    kind: Any = type(default)
    metavar = None
    if name in CHOICES:
        kind, metavar = click.Choice(CHOICES[name]), "NAME"
        help_text += f" One of {', '.join(CHOICES[name])}."
    if name in TUNED_FIELDS:
        default, help_text = None, f"{help_text}  [default: tuned for the architecture]"
    return click.option(
        option, type=kind, metavar=metavar, default=default, show_default=True, help=help_text
    )


def _encoder_options(
    context: click.Context, parameter: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, bool | int | float | str]:
    """NAME=VALUE, as plain values."""
    options: dict[str, bool | int | float | str] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        name = name.replace("-", "_")
        if not (name and equals and text):
            raise click.BadParameter(f"{pair!r} is not of the form NAME=VALUE")
        if name in options:
            raise click.BadParameter(f"{name} is given twice")
        options[name] = _plain_value(text)
    return options


def _plain_value(text: str) -> bool | int | float | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


@click.command(short_help="A graph to a bundle.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The bundle folder to write."
)
@click.option(
    "--model",
    metavar="NAME",
    default=TrainConfig.model,
    show_default=True,
    help="Architecture: lightgcn, gcn, graphsage, gat, rgcn.",
)
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_encoder_options,
    help="An option of the architecture, as num_heads=2; may be given again.",
)
@click.option(
    "--relations",
    metavar="NAMES",
    help="Structural relations that carry messages: artist, album, both with a comma, or none."
    "  [default: tuned for the architecture]",
)
@click.option(
    "--preset",
    type=click.Choice(["best"]),
    metavar="NAME",
    help="best: longer vectors, for twice the time.",
)
@_config("--dim", "Length of a vector.")
@_config("--num-layers", "How many times messages are passed.")
@click.option(
    "--epochs", type=int, help="Passes over the playlists.  [default: chosen by their number]"
)
@_config("--batch-size", "Playlists per step.")
@_config("--learning-rate", "At the start of a cosine schedule.")
@_config("--temperature", "Cosines are divided by it before the loss.")
@_config("--loss", "By which a hidden track is compared with others.")
@_config("--negatives", "The others: the whole catalogue, or drawn.")
@_config("--num-negatives", "Drawn for each playlist and step of a softmax.")
@_config("--few-share", "Share of playlists that show only few tracks in a step.")
@_config("--rng-seed", "For all randomness of the training.")
@click.option(
    "--split",
    "split_kind",
    type=click.Choice(SPLIT_KINDS),
    metavar="KIND",
    help="What is held out.  [default: mixed where the order of a playlist is known, else random]",
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
@SPLIT_RNG_SEED
@DEVICE
@THREADS
@click.option("--no-wide", is_flag=True, help="Leave out the wide part.")
@click.option(
    "--second-stage/--no-second-stage",
    default=None,
    help="Order the best tracks anew.  [default: where LightGBM is installed]",
)
@click.option("--no-playlists", is_flag=True, help="Leave the playlists out of the bundle.")
@click.option("--no-refit", is_flag=True, help="Ship the vectors that were measured.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--overwrite", is_flag=True, help="Replace an older bundle.")
def train(
    graph: Path,
    out: Path,
    relations: str | None,
    preset: str | None,
    options: dict[str, bool | int | float | str],
    split_kind: SplitKind | None,
    test_share: float,
    validation_share: float,
    given: int | None,
    split_rng_seed: int,
    device: str,
    threads: int | None,
    no_wide: bool,
    second_stage: bool | None,
    no_playlists: bool,
    no_refit: bool,
    resume: bool,
    overwrite: bool,
    **choices: Any,
) -> None:
    """Train a model on GRAPH, measure it on what is held out, and write a bundle.

    \b
    --split says what is held out; the shares are of
      random     each playlist's tracks, at random
      last       each ordered playlist's tracks, the last ones
      mixed      as last, and of as many other playlists at random
      playlists  the playlists, whole: N tracks given, the rest to be found
      tracks     the tracks, whole: out of every playlist

    Beside the vectors stands a wide part, which remembers single pairs of tracks, and over both a
    second stage: boosted trees that order the best 200 tracks anew, learned from validation.

    The figures come from the held-out tracks. The vectors and the wide part that ship are then
    trained once more, on all pairs, up to the epoch that validation chose; --no-refit skips that.

    While it runs, checkpoints and metrics.jsonl stand in the folder OUT.training; after an
    interruption, the same command with --resume goes on from the last checkpoint
    (one every epoch, and every five minutes).
    """
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.graph.split import SplitRecipe, split_graph
    from segue.models import encoder_named
    from segue.training.options import options_for

    given_choices = {name: value for name, value in choices.items() if value is not None}
    if relations is not None:
        names = tuple(name.strip() for name in relations.split(","))
        given_choices["relations"] = () if names == ("none",) else names
    config = tuned_config(given_choices.pop("model"), options, preset, **given_choices)
    _refuse_training(out, resume=resume, overwrite=overwrite)
    # Refused before anything else; loads torch, for the limit.
    options_for(encoder_named(config.model), config)
    limit_threads(threads)
    loaded = PlaylistGraph.load(graph)
    recipe = SplitRecipe(
        split_kind or default_recipe(loaded).kind,
        test_share,
        validation_share,
        split_rng_seed,
        given,
    )
    split = split_graph(loaded, recipe)
    bundle, evaluation = train_bundle(
        loaded,
        split,
        out,
        config,
        system=system_for(loaded, wide=not no_wide, second_stage=second_stage),
        device=device,
        keep_playlists=not no_playlists,
        refit=not no_refit,
        resume=resume,
        overwrite=overwrite,
    )
    print_evaluations(title_of("test", split), {bundle.config["model"]: evaluation})
    say_scored(evaluation, split)
    beside = command("evaluate", out, graph, "--baselines")
    say(f"Written to {out}; `{beside}` puts baselines beside it")


def _training_folder(out: Path) -> Path:
    out = out.resolve()  # "." has no name
    return out.with_name(f"{out.name}.training")


def _refuse_training(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse before any work is done what would be refused after it."""
    from segue.errors import ArtefactError
    from segue.files import refuse_existing
    from segue.training.checkpoint import CHECKPOINT

    refuse_existing(out, "bundle", overwrite=overwrite)
    folder = _training_folder(out)
    if (folder / CHECKPOINT).exists() and not resume and not overwrite:
        raise ArtefactError(
            f"{folder}: a training that was stopped is here; --resume goes on with it, "
            "--overwrite starts anew"
        )


def default_recipe(graph: PlaylistGraph) -> SplitRecipe:
    """Last tracks where the order of a playlist is known, and as many at random; else random."""
    from segue.graph.split import SplitRecipe

    return SplitRecipe("mixed" if graph.playlists.order_known.any() else "random")


def tuned_config(
    model: str,
    options: dict[str, bool | int | float | str],
    preset: str | None = None,
    **chosen: Any,
) -> TrainConfig:
    """A configuration with the best values for its architecture where none were chosen."""
    from segue.pipeline.tuned import PRESETS, for_training

    best = for_training(model) | (PRESETS[preset] if preset else {})
    options = {**best.pop("options", {}), **options}
    return TrainConfig(model=model, options=options, **(best | chosen))


def system_for(
    graph: PlaylistGraph, *, wide: bool = True, second_stage: bool | None = None
) -> SystemConfig:
    """What stands beside the vectors; what this machine cannot make is left out, and said to be.

    A second stage that is asked for (true) is not left out.
    """
    from segue.errors import ResourceError
    from segue.scoring.second_stage import lightgbm_library
    from segue.training.wide import require_wide

    wide_config = WideConfig() if wide else None
    if wide_config is not None:
        try:
            require_wide(graph, wide_config)
        except ResourceError as error:
            say(f"The wide part is left out: {error}")
            wide_config = None
    if second_stage is None:
        try:
            lightgbm_library()
            second_stage = True
        except ResourceError as error:
            say(f"The second stage is left out: {error}")
            second_stage = False
    return SystemConfig(wide_config, SecondStageConfig() if second_stage else None)


def train_bundle(
    graph: PlaylistGraph,
    split: Split,
    out: Path,
    config: TrainConfig,
    *,
    system: SystemConfig | None = None,
    device: str = "auto",
    keep_playlists: bool = True,
    refit: bool = True,
    resume: bool = False,
    overwrite: bool = False,
) -> tuple[Bundle, Evaluation]:
    """Train, measure and save, with words and bars; returns the bundle and its measurement."""
    from segue.errors import ArtefactError
    from segue.pipeline.experiment import Watch, train_and_measure
    from segue.pipeline.parts import FinishedParts
    from segue.training.checkpoint import CHECKPOINT, METRICS_FILE
    from segue.training.device import device_named

    device = device_named(device)
    folder = _training_folder(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be written ({error.strerror or error})") from error
    say(f"Training {config.model} (dim {config.dim}) on {device}: {_parts_of(split)}")
    measured: list[Evaluation] = []

    def watch(stage: str) -> tuple[OnStep, OnEpoch]:
        if stage == "refit":
            say(f"Once more on all {number(graph.playlists.tracks.num_pairs)} pairs, to ship:")
        title = {"split": "Training", "refit": "Refitting"}[stage]
        return _reporters(bars.enter_context(progress_bar(title, 1, "steps")))

    def begins(stage: str) -> None:
        bars.close()
        say(
            {
                "wide": "Fitting the wide part",
                "second stage": "Training the second stage on what is held out for validation",
                "refit wide": "Fitting the wide part on all pairs",
            }[stage]
        )

    def measure(scorer: Scorer | HeldOutScorer) -> Evaluation:
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
                system=system,
                keep_playlists=keep_playlists,
                refit=refit,
                resume=resume,
                device=device,
                watch=Watch(watch, begins),
            )
        bundle.save(out, overwrite=overwrite)
        # Only now that the bundle is whole is the way there no longer needed.
        FinishedParts(folder).remove()
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
    if system is not None and system.second_stage is not None and bundle.second_stage is None:
        say("No second stage: too little is held out for validation, or none did better there")
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
) -> tuple[OnStep, OnEpoch]:
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
