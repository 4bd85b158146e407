"""`segue evaluate`: how good a bundle is, beside tuned baselines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.output import THREADS, comma_names, print_evaluations, print_json
from segue.console import count, progress_bar, say
from segue.machine import limit_threads

if TYPE_CHECKING:
    from segue.baselines.tuning import TrialsFile, Tuning
    from segue.evaluation.evaluate import Evaluation
    from segue.evaluation.scorers import HeldOutScorer, Scorer
    from segue.graph.split import HeldOut, Split

DEFAULT_TRIALS = 8


def run_evaluation(
    name: str, scorer: Scorer | HeldOutScorer, held_out: HeldOut, split: Split
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
    from segue.baselines.tuning import TrialsFile
    from segue.errors import ResourceError

    if num_trials > 1 and not split.validation.targets.num_pairs:
        say("Nothing is held out for validation, so the baselines keep their default options")
        num_trials = 1
    finished = TrialsFile(trials_file)
    found = {}
    for name in names:
        try:
            found[name] = _evaluate_baseline(name, split, held_out, num_trials, finished)
        except ResourceError as error:
            say(f"{name} is left out: {error}")
    return found


def _evaluate_baseline(
    name: str, split: Split, held_out: HeldOut, num_trials: int, finished: TrialsFile
) -> tuple[Evaluation, Tuning]:
    """One baseline; what it was fitted to is let go before the next one needs the memory."""
    from segue.baselines.baselines import BASELINES
    from segue.baselines.tuning import tune

    def starting(number: int, options: dict[str, float]) -> None:
        bar.advance(number > 1, note=f"{number}/{num_trials}: {_in_words(options)}")

    with progress_bar(f"Tuning {name}", num_trials, "") as bar:
        tuning = tune(name, split, num_trials, finished, starting)
        bar.advance(0, note=f"fitting with {_in_words(tuning.options) or 'no options'}")
        scorer = BASELINES[name](split.train, **tuning.options)
    if tuning.options:
        chosen = f"best of {count(len(tuning.trials), 'trial')}" if tuning.trials else "default"
        say(f"{name}: {_in_words(tuning.options)} ({chosen})")
    return run_evaluation(name, scorer, held_out, split), tuning


def _in_words(options: dict[str, float]) -> str:
    return ", ".join(f"{option} {value:g}" for option, value in options.items())


class BaselineNames(click.ParamType[tuple[str, ...]]):
    """``EASE,iALS``: names of baselines, in any case."""

    name = "NAMES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Parse, or fail with what was expected."""
        from segue.baselines.baselines import BASELINES

        known = {name.lower(): name for name in BASELINES}
        names = comma_names(str(value))
        for name in names:
            if name not in known:
                every = ", ".join(BASELINES)
                self.fail(f"{name!r} is no baseline, expected some of {every}", param, ctx)
        return tuple(known[name] for name in names)


def title_of(part: str, split: Split) -> str:
    """The heading of a table of figures on the validation or test part."""
    if split.recipe.kind == "playlists":
        return f"On the {part} playlists, {count(split.recipe.num_given or 0, 'track')} given"
    return f"On the {part} tracks"


def say_scored(evaluation: Evaluation, split: Split) -> None:
    """Over how many playlists the means are."""
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
    from segue.baselines.baselines import BASELINES
    from segue.bundle import Bundle
    from segue.errors import ArtefactError, MismatchError
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.pipeline.experiment import split_of
    from segue.pipeline.system import SystemScorer

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
    scorer = SystemScorer.of_bundle(loaded, split)
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
    print_evaluations(title_of(part, split), evaluations)
    say_scored(evaluations[name], split)
