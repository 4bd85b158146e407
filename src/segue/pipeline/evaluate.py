"""Measuring on held-out tracks, with tuned baselines for comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from segue.baselines import BASELINES
from segue.baselines.tuning import TrialsFile, Tuning, tune
from segue.bundle import Bundle
from segue.console import Progress, count, number, progress_of, table_text
from segue.errors import ArtefactError, InputError, MismatchError, ResourceError
from segue.evaluation.evaluate import SAMPLE, Evaluation, sample_rows
from segue.evaluation.evaluate import evaluate as evaluate_scorer
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.extras import required
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe
from segue.metrics import METRICS, Metric
from segue.pipeline.system import SystemScorer
from segue.scoring.questions import Question, check_question
from segue.scoring.variety import check_variety

DEFAULT_TRIALS = 8
# What a bundle is called beside baselines: its whole score is measured, not its vectors alone.
BUNDLE = "bundle"


@dataclass(frozen=True, eq=False)
class Evaluations(Mapping[str, Evaluation]):
    """Evaluations by name, the requested model first; prints as a table.

    Attributes
    ----------
    title : str
        Heading: which data was measured on.
    evaluations : dict
    tunings : dict
        For baselines: the options chosen, and the trials.
    system : str
        Of a bundle: the parts of the score that was measured, as `Bundle.system`; else empty.

    Examples
    --------
    >>> found = segue.evaluate(bundle, split)
    >>> "recall@20" in str(found), list(found), found.system
    (True, ['bundle'], 'lightgcn')
    """

    title: str
    evaluations: dict[str, Evaluation]
    tunings: dict[str, Tuning] = field(default_factory=dict)
    system: str = ""

    def __getitem__(self, name: str) -> Evaluation:
        return self.evaluations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.evaluations)

    def __len__(self) -> int:
        return len(self.evaluations)

    def __repr__(self) -> str:
        """The figures as a table; where both questions are measured, a second one by question."""
        first = next(iter(self.values()))
        title = self.title
        if first.sampled_from:
            title += f", {number(first.num_scored)} of {count(first.sampled_from, 'playlist')}"
        if self.system:
            title += f" ({next(iter(self))}: {self.system})"
        table = table_text(title, ["metric", *self, ""], evaluation_rows(list(self.values())))
        rows = question_rows(self)
        if not rows:
            return table
        metrics = [metric.name for metric in _accuracy(first)]
        return table + "\n\n" + table_text("By question", ["", "", *metrics], rows)

    def to_json(self) -> dict[str, Any]:
        """As plain values: figures by name, for baselines with their options."""
        content = {name: evaluation.to_json() for name, evaluation in self.evaluations.items()}
        for name, tuning in self.tunings.items():
            content[name] |= {"options": tuning.options, "num_trials": len(tuning.trials)}
        if self.system:
            content[next(iter(self))]["system"] = self.system
        return content

    def to_pandas(self) -> Any:
        """A data frame with metrics as rows (ResourceError if pandas is not installed)."""
        metrics = list(next(iter(self.values())).values)
        columns = {name: [each.values[metric] for metric in metrics] for name, each in self.items()}
        with required("a data frame"):
            frame = pa.table({"metric": metrics, **columns}).to_pandas()
        return frame.set_index("metric")


def evaluate(
    model: Bundle | str | Path | Scorer | HeldOutScorer,
    split: Split | PlaylistGraph | str | Path,
    *,
    on: Literal["test", "validation"] = "test",
    num_given: int | None = None,
    baselines: bool | Iterable[str] = False,
    num_trials: int = DEFAULT_TRIALS,
    trials_file: str | Path | None = None,
    metrics: Sequence[Metric] = METRICS,
    question: Question | None = None,
    variety: float = 0.0,
    sample: int | None = SAMPLE,
    name: str | None = None,
    progress: bool | Progress = False,
) -> Evaluations:
    """Measure on held-out tracks by full ranking over every track, known tracks removed.

    Parameters
    ----------
    model : Bundle, its folder, or a scorer
        A bundle is measured as it is served, second stage and recency included, with the vectors
        trained only on the split's training pairs. Your own scorer needs a method
        ``scores(query)``: float32 [num_lists, num_tracks] for `TrackLists`.
    split : Split, PlaylistGraph or the folder of one
        For a graph the bundle's own split is drawn again.
    on
        Which part: ``"test"`` or ``"validation"``.
    num_given
        Give this many tracks of each playlist that was held out whole.
    baselines
        A name of `segue.BASELINES`, several, or True for all: each is tuned on validation. One that
        does not fit into memory is skipped.
    num_trials
        Options tried for each baseline; 1 uses its defaults.
    trials_file
        Where finished trials are stored, so that none is repeated.
    metrics
        `segue.METRICS` by default; ``[*segue.METRICS, segue.Metric(…)]`` adds your own.
    question
        What all playlists of a bundle are asked, see `segue.Recommender`; None: each what its
        held-out tracks answer, so that each question is measured at its best.
    variety
        How far a bundle holds back tracks by the playlist's own artists, see `segue.Recommender`;
        by default not at all, as in lists for many playlists.
    sample
        How many playlists are measured at most: of more, a sample is drawn, always the same, and
        the figures come with standard errors. None: all.
    name
        The model's name in the table; by default ``"bundle"``, or the scorer's class.
    progress
        True prints lines and bars on standard error.

    Returns
    -------
    Evaluations
        Means over the playlists with at least one held-out track.

    Raises
    ------
    InputError
        If a name is unknown, nothing is held out, or `model` is none of these.
    ArtefactError
        If a folder is not what was expected.
    MismatchError
        If the bundle was not trained on this split.

    Examples
    --------
    >>> found = segue.evaluate(bundle, split, baselines=["popularity"])
    >>> found["popularity"].values["recall@300"] < found["bundle"].values["recall@300"]
    True
    """
    report = progress_of(progress)
    if isinstance(model, str | Path):
        model = Bundle.load(Path(model))
    if isinstance(split, str | Path):
        split = PlaylistGraph.load(Path(split))
    if not isinstance(split, Split | PlaylistGraph):
        raise InputError(
            f"a {type(split).__name__} is not a split; segue.split(graph) makes one, and it comes "
            "after the model"
        )
    metrics = [metrics] if isinstance(metrics, Metric) else list(metrics)
    for metric in metrics:
        if not isinstance(metric, Metric):
            raise InputError(
                f"metric {metric!r} is not a segue.Metric; those of segue.METRICS are "
                f"{', '.join(each.name for each in METRICS)}"
            )
    if isinstance(model, Bundle):
        split = split_of(model, split)
    elif isinstance(split, PlaylistGraph):
        raise InputError("a scorer needs a split, not a graph: segue.split(graph) gives one")
    elif isinstance(model, type) or not isinstance(model, Scorer | HeldOutScorer):
        given = (
            f"the class {model.__name__}"
            if isinstance(model, type)
            else f"a {type(model).__name__}"
        )
        raise InputError(
            f"{given} cannot be measured, expected a bundle, its folder, or an object with a "
            "method scores(query)"
        )
    if question is not None:
        check_question(question)
    check_variety(variety)
    if on not in ("test", "validation"):
        raise InputError(f"on is {on!r}, expected test or validation")
    if num_given is not None:
        split = split.given(num_given)
    held_out = split.test if on == "test" else split.validation
    if not held_out.targets.num_pairs:
        raise InputError(f"nothing was held out for {on}, so there is nothing to measure")
    if isinstance(model, Bundle):
        name, system = name or BUNDLE, model.system
        scorer: Scorer | HeldOutScorer = SystemScorer.of_bundle(model, split, question, variety)
    else:
        name, scorer, system = name or type(model).__name__, model, ""
    evaluations = {name: measure(name, scorer, held_out, split, report, metrics, sample)}
    if baselines is True:
        baselines = tuple(BASELINES)
    elif isinstance(baselines, str):
        baselines = (baselines,)
    found = evaluate_baselines(
        split,
        held_out,
        baselines or (),
        num_trials,
        trials_file,
        metrics=metrics,
        sample=sample,
        progress=report,
    )
    evaluations |= {each: evaluation for each, (evaluation, _) in found.items()}
    tunings = {each: tuning for each, (_, tuning) in found.items()}
    return Evaluations(title_of(on, split), evaluations, tunings, system)


def evaluation_rows(evaluations: Sequence[Evaluation]) -> list[list[str]]:
    """Metrics as rows, evaluations as columns, then which direction is better."""
    words = {"higher": "higher is better", "lower": "lower is better", "neither": ""}
    return [
        [
            metric.name,
            *(metric.format(evaluation.values[metric.name]) for evaluation in evaluations),
            words[metric.direction],
        ]
        for metric in evaluations[0].metrics
    ]


def question_rows(evaluations: Mapping[str, Evaluation]) -> list[list[str]]:
    """By question, the figures of accuracy of each model; nothing unless both are measured."""
    words = {"fit": "what fits", "next": "what comes next"}
    return [
        [
            words[question] if place == 0 else "",
            name,
            *(each.format(of.by_question[question].values[each.name]) for each in _accuracy(of)),
        ]
        for question in words
        for place, (name, of) in enumerate(evaluations.items())
        if of.by_question
    ]


def _accuracy(evaluation: Evaluation) -> list[Metric]:
    return [metric for metric in evaluation.metrics if metric.topic == "accuracy"]


def measure(
    name: str,
    scorer: Scorer | HeldOutScorer,
    held_out: HeldOut,
    split: Split,
    progress: Progress,
    metrics: Sequence[Metric] = METRICS,
    sample: int | None = SAMPLE,
) -> Evaluation:
    """Evaluate one scorer with a progress bar."""
    total = len(sample_rows(held_out, sample))
    with progress.bar(f"Evaluating {name}", total, "playlists") as bar:
        return evaluate_scorer(
            scorer, held_out, split.train, bar.advance, metrics=metrics, sample=sample
        )


def evaluate_baselines(
    split: Split,
    held_out: HeldOut,
    names: Iterable[str],
    num_trials: int = DEFAULT_TRIALS,
    trials_file: str | Path | None = None,
    *,
    metrics: Sequence[Metric] = METRICS,
    sample: int | None = SAMPLE,
    progress: Progress,
) -> dict[str, tuple[Evaluation, Tuning]]:
    """Tune baselines on validation, fit and evaluate them; one that cannot run is skipped."""
    names = tuple(names)
    for name in names:
        if name not in BASELINES:
            raise InputError(
                f"baseline {name!r} is unknown, expected some of {', '.join(BASELINES)}"
            )
    if num_trials > 1 and names and not split.validation.targets.num_pairs:
        progress.say("Nothing is held out for validation, so the baselines keep their defaults")
        num_trials = 1
    finished = TrialsFile(None if trials_file is None else Path(trials_file))
    found = {}
    for name in names:
        try:
            tuning, scorer = _fitted(name, split, num_trials, finished, progress)
            evaluation = measure(name, scorer, held_out, split, progress, metrics, sample)
        except ResourceError as error:
            progress.say(f"{name} is left out: {error}")
            continue
        # Release its memory before the next one needs it.
        del scorer
        found[name] = evaluation, tuning
    return found


def _fitted(
    name: str, split: Split, num_trials: int, finished: TrialsFile, progress: Progress
) -> tuple[Tuning, Scorer]:
    """A baseline fitted with the options that do best on validation."""

    def starting(number: int, options: dict[str, float]) -> None:
        bar.advance(number > 1, note=f"{number}/{num_trials}: {_options_text(options)}")

    with progress.bar(f"Tuning {name}", num_trials, "") as bar:
        tuning = tune(name, split, num_trials, finished, starting)
        bar.advance(0, note=f"fitting with {_options_text(tuning.options) or 'no options'}")
        scorer = BASELINES[name](split.train, **tuning.options)
    if tuning.options:
        chosen = f"best of {count(len(tuning.trials), 'trial')}" if tuning.trials else "default"
        progress.say(f"{name}: {_options_text(tuning.options)} ({chosen})")
    return tuning, scorer


def _options_text(options: Mapping[str, float]) -> str:
    return ", ".join(f"{option} {value:g}" for option, value in options.items())


def title_of(part: str, split: Split) -> str:
    """The heading of a table of figures on the validation or test part."""
    if split.recipe.kind == "playlists":
        return f"On the {part} playlists, {count(split.recipe.num_given or 0, 'track')} given"
    return f"On the {part} tracks"


def scored_text(evaluation: Evaluation, split: Split) -> str:
    """A sentence that says how many playlists the means are over, and how exact they are."""
    without = ""
    if evaluation.num_unscored:
        why = "without held-out tracks"
        if split.recipe.kind == "playlists":
            why = f"of {count(split.recipe.num_given or 0, 'track')} or fewer"
        without = f"; {count(evaluation.num_unscored, 'playlist')} {why} left out"
    if not evaluation.sampled_from:
        return f"Means over {count(evaluation.num_scored, 'playlist')}{without}"
    errors = ", ".join(
        f"{metric.name} {metric.format(evaluation.standard_errors[metric.name])}"
        for metric in _accuracy(evaluation)
        if metric.name in evaluation.standard_errors
    )
    return (
        f"Means over {number(evaluation.num_scored)} of "
        f"{count(evaluation.sampled_from, 'playlist')}, drawn at random{without}; standard "
        f"errors: {errors}"
    )


def split_of(bundle: Bundle, split: Split | PlaylistGraph) -> Split:
    """A bundle's split: drawn again from its graph, or checked if given.

    Raises
    ------
    MismatchError
        If the bundle was trained on another graph or split or has been updated since, or the split
        cannot be reproduced.
    ArtefactError
        If the bundle has no known recipe.
    """
    graph = split.graph if isinstance(split, Split) else split
    if bundle.config.get("updates"):
        raise MismatchError(
            "the bundle has been updated with new music since it was measured, so it cannot be "
            "measured again; its manifest holds the figures from before, and the bundle that it "
            "was made from gives them"
        )
    if bundle.graph_fingerprint != graph.fingerprint:
        raise MismatchError(
            "the bundle was trained on another graph than this one, so its held-out tracks are "
            "not known"
        )
    try:
        recipe = SplitRecipe(**bundle.split["recipe"])
    except (KeyError, TypeError, InputError) as error:
        raise ArtefactError(
            f"the recipe of the bundle's split is not known: {bundle.split.get('recipe')}"
        ) from error
    if not isinstance(split, Split):
        split = split_graph(graph, recipe)
    as_trained = split
    if recipe.num_given and split.recipe.num_given:
        # The number of given tracks affects neither the training graph nor what is held out.
        as_trained = split.given(recipe.num_given)
    if as_trained.fingerprint != bundle.split.get("fingerprint"):
        raise MismatchError(
            "the bundle's split cannot be reproduced here (it was drawn otherwise, or "
            "another version of NumPy draws differently), so the bundle cannot be measured on it"
        )
    return split
