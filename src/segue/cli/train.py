"""`segue train`: from a graph to a measured bundle."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.cli.output import (
    DEVICE,
    SAMPLE,
    SPLIT_RNG_SEED,
    THREADS,
    command,
    engine_options,
)
from segue.console import ConsoleProgress, say
from segue.errors import InputError
from segue.machine import limit_threads
from segue.training.config import TrainConfig
from segue.training.objective_json import changed
from segue.training.objectives import NEGATIVES, OBJECTIVES, CatalogueSoftmax, PooledSoftmax

if TYPE_CHECKING:
    from segue.engine import Engine
    from segue.graph.split import SplitKind

# Fields of `TrainConfig` that are tuned per architecture.
TUNED_FIELDS = ("dim", "num_layers", "learning_rate")
# Those that depend on the size of the graph.
SIZED_FIELDS = ("batch_size", "message_share")
# As in `segue.graph.split`, which would load Arrow to show a help text.
SPLIT_KINDS = ("random", "last", "mixed", "playlists", "tracks")
# As in `segue.models`, which would load PyTorch to refuse an unknown name.
MODELS = ("lightgcn", "gcn", "graphsage", "gat", "rgcn")

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _config(option: str, help_text: str) -> Callable[[_Function], _Function]:
    """An option for a field of `TrainConfig`, with the same name, default and type."""
    name = option.removeprefix("--").replace("-", "_")
    default = getattr(TrainConfig, name)
    kind = type(default)
    if name in TUNED_FIELDS:
        default, help_text = None, f"{help_text}  [default: tuned for the architecture]"
    elif name in SIZED_FIELDS:
        help_text = f"{help_text}  [default: {default}, or what suits very many playlists]"
        default = None
    return click.option(option, type=kind, default=default, show_default=True, help=help_text)


def _model(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """Refuse an unknown architecture at once, but one that was registered from Python is known."""
    if name not in MODELS and "segue.models" not in sys.modules:
        raise InputError(f"model {name!r} is not known, expected {', '.join(MODELS)}")
    return name


def _options(
    context: click.Context, parameter: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, Any]:
    """Parse NAME=VALUE into plain values; A,B is a list of two."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        name = name.replace("-", "_")
        if not (name and equals and text):
            raise click.BadParameter(f"{pair!r} is not of the form NAME=VALUE")
        if name in options:
            raise click.BadParameter(f"{name} is given twice")
        values = [_plain_value(part) for part in text.split(",")]
        options[name] = values if len(values) > 1 else values[0]
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
    callback=_model,
    default=TrainConfig.model,
    show_default=True,
    help=f"Architecture: {', '.join(MODELS)}.",
)
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_options,
    help="An option of the architecture, such as num_heads=2; may be repeated.",
)
@click.option(
    "--relations",
    metavar="NAMES",
    help="Kinds of nodes that carry messages besides tracks, such as artist,album; or none."
    "  [default: tuned for the architecture; also word, where the graph has words of titles]",
)
@click.option(
    "--preset",
    type=click.Choice(["best"]),
    metavar="NAME",
    help="best: three trainings side by side and the factors of a matrix factorisation, in twice "
    "the time.",
)
@click.option(
    "--num-trainings",
    type=int,
    metavar="N",
    help="Trainings, each with another seed, whose vectors are side by side.  [default: 1, with "
    "--preset best 3]",
)
@_config("--dim", "Length of a vector.")
@_config("--num-layers", "How many times messages are passed.")
@click.option(
    "--start",
    type=click.Choice(["noise", "spectrum"]),
    metavar="NAME",
    help="What vectors are before the first epoch: noise, or spectrum, the leading singular "
    "vectors of the graph, which need fewer epochs.  [default: tuned for the architecture]",
)
@click.option(
    "--epochs", type=int, help="Passes over the playlists.  [default: depends on their number]"
)
@_config("--batch-size", "Playlists per step.")
@_config("--message-share", "Share of the playlists whose messages a step passes.")
@_config("--learning-rate", "At the start of a cosine schedule.")
@click.option(
    "--objective",
    type=click.Choice([name for name, kind in OBJECTIVES.items() if kind.hide_targets]),
    metavar="NAME",
    help="What to minimise: catalogue-softmax, pooled-softmax, sampled-softmax or bpr."
    f"  [default: {CatalogueSoftmax.name}, or with very many tracks {PooledSoftmax.name}]",
)
@click.option(
    "--negatives",
    type=click.Choice(list(NEGATIVES)),
    metavar="NAME",
    help="What sampled-softmax and bpr compare with: random, hard or hardest.  [default: random]",
)
@click.option(
    "--objective-option",
    "objective_options",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_options,
    help="A field of the objective, such as temperature=0.1, hidden_share=0.3,0.7 or "
    "negatives.mix=0,1; may be repeated.",
)
@_config("--rng-seed", "Seed of all randomness in training.")
@click.option(
    "--split",
    "split_kind",
    type=click.Choice(SPLIT_KINDS),
    metavar="KIND",
    help="What to hold out.  [default: mixed if any playlist's order is known, else random]",
)
@click.option(
    "--test-share",
    type=float,
    default=0.2,
    show_default=True,
    help="Held out for the final figures.",
)
@click.option(
    "--validation-share",
    type=float,
    default=0.1,
    show_default=True,
    help="Held out to choose the best epoch.",
)
@click.option(
    "--no-test",
    is_flag=True,
    help="Hold nothing out: train on everything and measure nothing.",
)
@click.option(
    "--given",
    type=int,
    metavar="N",
    help="Tracks given of a playlist that is held out whole.  [default: 5]",
)
@SPLIT_RNG_SEED
@SAMPLE
@DEVICE
@THREADS
@engine_options(
    "Processes of Ray that share each step's playlists.  [default: one per GPU, else per machine]"
)
@click.option("--no-wide", is_flag=True, help="Leave out the wide part.")
@click.option(
    "--second-stage/--no-second-stage",
    default=None,
    help="Reorder the best tracks.  [default: if LightGBM is installed]",
)
@click.option("--no-playlists", is_flag=True, help="Leave the playlists out of the bundle.")
@click.option("--half", is_flag=True, help="Store vectors in half precision: half their disk.")
@click.option("--no-refit", is_flag=True, help="Ship the vectors that were measured.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Time a few steps and print steps, time, memory and disk; train nothing.",
)
@click.option("--resume", is_flag=True, help="Continue a training that was interrupted.")
@click.option("--overwrite", is_flag=True, help="Replace an older bundle.")
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write curves for TensorBoard (pip install 'segue[tensorboard]').",
)
def train(
    graph: Path,
    out: Path,
    relations: str | None,
    preset: str | None,
    options: dict[str, bool | int | float | str],
    objective: str | None,
    negatives: str | None,
    objective_options: dict[str, Any],
    split_kind: SplitKind | None,
    test_share: float,
    validation_share: float,
    no_test: bool,
    given: int | None,
    split_rng_seed: int,
    sample: int | None,
    device: str,
    threads: int | None,
    engine: Engine,
    workers: int | None,
    no_wide: bool,
    second_stage: bool | None,
    no_playlists: bool,
    half: bool,
    no_refit: bool,
    dry_run: bool,
    resume: bool,
    overwrite: bool,
    tensorboard: Path | None,
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

    A wide part, which remembers single pairs of tracks, is added to the vectors, and, if titles
    have words, what the playlists of each word hold. A second stage, boosted trees learned from
    validation, reorders the best 200 tracks.

    The figures come from the held-out tracks. The vectors and the wide part that ship are then
    fitted to all pairs, up to the epoch chosen on validation or, if that takes long, for one more
    epoch; --no-refit skips that. With playlists so few or short that nothing can be held out,
    --no-test trains on all of them.

    While it runs, checkpoints and metrics.jsonl are in the folder OUT.training. After an
    interruption, the same command with --resume continues from the last checkpoint: one every
    epoch and every five minutes, less often if that took more than 5% of the time.
    """
    from segue.engine import check_engine
    from segue.evaluation.evaluate import Evaluation
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.pipeline.evaluate import BUNDLE, Evaluations, scored_text, title_of
    from segue.pipeline.plan import plan_training
    from segue.pipeline.recipes import config_for, default_system, with_titles
    from segue.pipeline.recipes import split as split_graph
    from segue.pipeline.sizing import for_size
    from segue.pipeline.tensorboard import TensorBoard
    from segue.pipeline.train import refuse_config, refuse_training, train_to
    from segue.training.device import device_named

    if workers is not None and engine != "ray":
        raise click.UsageError("--workers is for --engine ray.")
    fields = {name: value for name, value in choices.items() if value is not None}
    if relations is not None:
        names = tuple(name.strip() for name in relations.split(","))
        fields["relations"] = () if names == ("none",) else names
    config = config_for(fields.pop("model"), preset, options=options, **fields)
    chosen = changed(config.objective, objective, negatives, objective_options)
    config = replace(config, objective=chosen)
    refuse_training(out, resume=resume, overwrite=overwrite)
    refuse_config(config)
    check_engine(engine)
    limit_threads(threads)
    loaded = PlaylistGraph.load(graph)
    if relations is None:
        config = with_titles(config, loaded)
    split = split_graph(
        loaded,
        "random" if no_test else split_kind,
        test_share=0 if no_test else test_share,
        validation_share=0 if no_test else validation_share,
        num_given=given,
        rng_seed=split_rng_seed,
    )
    progress = ConsoleProgress()
    system = default_system(
        split.graph,
        preset,
        without=["wide"] if no_wide else [],
        second_stage=second_stage,
        progress=progress,
    )
    asked = {*fields, *(["objective"] if objective or negatives else [])}
    config, said = for_size(config, split, system, asked, sample=sample)
    for sentence in said:
        say(sentence)
    if dry_run:
        plan = plan_training(
            split,
            config,
            system,
            refit=not no_refit,
            sample=sample,
            device=device_named(device),
            out=out,
        )
        click.echo("\n".join(plan.lines()))
        return
    with ExitStack() as watched:
        board = None if tensorboard is None else watched.enter_context(TensorBoard(tensorboard))
        bundle = train_to(
            out,
            split,
            config=config,
            system=system,
            device=device,
            engine=engine,
            workers=workers,
            keep_playlists=not no_playlists,
            half=half,
            refit=not no_refit,
            sample=sample,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
            on_step=None if board is None else board.on_step,
            on_epoch=None if board is None else board.on_epoch,
        )
    if not bundle.metrics:
        say(f"Written to {out}; nothing is measured, as nothing was held out")
        return
    evaluation = Evaluation.from_json(bundle.metrics["test"])
    title = title_of("test", split)
    click.echo(Evaluations(title, {BUNDLE: evaluation}, system=bundle.system))
    say(scored_text(evaluation, split))
    beside = command("evaluate", out, graph, "--baselines")
    say(f"Written to {out}; `{beside}` compares it with baselines")
