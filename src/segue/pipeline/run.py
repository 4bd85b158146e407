"""The stages of a training, from a split to a bundle."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from segue.bundle import Bundle, MeasuredVectors, Terms
from segue.console import Progress, ProgressBar, number
from segue.data.playlists import Float32Array
from segue.errors import ArtefactError
from segue.evaluation.validation import validate, validation_rows
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split
from segue.models.encoder import Encoder
from segue.pipeline.evaluate import measure
from segue.pipeline.parts import FinishedParts
from segue.pipeline.system import SystemScorer
from segue.scoring.centroid import unit_rows
from segue.scoring.questions import Questions
from segue.scoring.terms import first_stage_of
from segue.scoring.two_stages import TwoStages
from segue.scoring.variety import Variety
from segue.training.checkpoint import CHECKPOINT
from segue.training.config import SystemConfig, TrainConfig
from segue.training.recency import fit_recency
from segue.training.side_by_side import each_training, folder_of, side_by_side
from segue.training.steps import eligible_playlists
from segue.training.titles import TitleScale, fit_title_scale
from segue.training.train import TrainResult
from segue.training.train import train as train_vectors
from segue.training.variety import fit_variety
from segue.training.vectors import TrainedVectors

# About this many epochs have a line printed, however many there are.
_NUM_LINES = 12
# To ship, vectors that took no more steps than this are trained again on all pairs. Others go on
# from those that were measured, for one epoch at this share of the learning rate: that takes a
# fraction of the time, and costs some Recall@300 and nothing at the top (`benchmarks/refit.py`).
MOST_STEPS_AGAIN, _FURTHER_RATE = 200, 0.3


class Step(NamedTuple):
    """A finished training step.

    `stage` is ``"split"`` for the training that is measured, or ``"refit"`` for the one that ships;
    of several side by side ``"split-2"`` and so on for the further ones. `done` of `total` steps,
    and the `loss` of this one.

    Examples
    --------
    >>> losses = []
    >>> bundle = segue.train(
    ...     split, dim=4, epochs=1, system=segue.SystemConfig(), refit=False,
    ...     on_step=lambda step: losses.append(step.loss),
    ... )
    >>> len(losses) > 0
    True
    """

    stage: str
    done: int
    total: int
    loss: float


class TrainingRun:
    """One run of `segue.train`, with the state that its stages share; see there for parameters."""

    def __init__(
        self,
        split: Split,
        config: TrainConfig,
        system: SystemConfig,
        folder: Path | None,
        device: str,
        report: Progress,
        encoder: Callable[..., Encoder] | None,
        sample: int | None,
        on_step: Callable[[Step], None] | None,
        on_epoch: Callable[[dict[str, Any]], None] | None,
        train_vectors: Callable[..., TrainResult] = train_vectors,
    ) -> None:
        self.train_vectors = train_vectors
        self.split, self.config, self.system = split, config, system
        self.folder, self.device, self.report, self.encoder = folder, device, report, encoder
        self.sample, self.on_step, self.on_epoch = sample, on_step, on_epoch
        self.parts = FinishedParts(folder)

    def bundle(self, *, refit: bool, keep_playlists: bool, half: bool) -> Bundle:
        """Go through all stages."""
        split, report, graph = self.split, self.report, self.split.graph
        # What is trained on everything is that already.
        refit = refit and split.train is not graph
        for trained in (split.train, graph) if refit else (split.train,):
            eligible_playlists(
                trained.playlists.tracks, graph.num_nodes["track"], self.config.objective
            )
        report.say(
            f"Training {self.config.model} (dim {self.config.dim}) on {self.device}: "
            + _sizes(split)
        )
        terms = self.terms(split.train)
        trainings = self.trained_on_split(terms)
        vectors = side_by_side(trainings)
        scale = self.title_scale(vectors, terms)
        terms = terms if scale is None else scale.terms(terms)
        measured = self.measured(_with_scale(vectors, scale), terms)
        second_stage, questions = None, self.questions(measured)
        if self.system.second_stage is not None and split.validation.targets.num_pairs:
            report.say("Training the second stage on the validation tracks")
            with report.bar("Second stage", 1, "") as bar:
                trees, questions = self.parts.second_stage(
                    split, measured, self.config, self.system, questions, bar.advance
                )
            if trees is None:
                report.say(
                    "No second stage: too little is held out for validation, or none did better"
                )
            else:
                second_stage = trees.arrays()
        questions = replace(questions, variety=self.variety(measured, second_stage, questions))
        metrics = {}
        if split.test.targets.num_pairs:
            scorer = SystemScorer.of_vectors(measured, second_stage, split, questions)
            evaluation = measure(
                self.config.model, scorer, split.test, split, report, sample=self.sample
            )
            metrics = {"test": evaluation.to_json()}
        again: list[TrainResult] = []
        shipped, on = vectors, split.train
        if refit:
            report.say(
                f"Training again on all {number(graph.playlists.tracks.num_pairs)} pairs, to ship:"
            )
            again = self.refitted(trainings)
            on, shipped = graph, side_by_side(again)
            terms = self.terms(graph, " on all pairs")
            terms = terms if scale is None else scale.terms(terms)
        shipped = _with_scale(shipped, scale)
        of_kind = {"track": shipped.track_vectors, **shipped.structural_vectors}
        if "artist" not in of_kind:
            of_kind["artist"] = artist_means(graph, shipped.track_vectors)
        best = [training.best_epoch for training in trainings]
        return Bundle(
            catalog=graph.catalog,
            vectors=of_kind,
            query_weight=shipped.query_weight,
            word_weight=shipped.word_weight,
            title_growth=shipped.title_growth,
            popularity=on.popularity.astype(np.int64),
            playlists=graph.playlists if keep_playlists else None,
            measured=measured if refit else None,
            terms=terms,
            second_stage=second_stage,
            questions=questions.to_json(),
            config={
                **self.config.to_json(),
                "epochs": trainings[0].history[-1]["epochs"],
                "best_epoch": best if len(best) > 1 else best[0],
                "system": self.system.to_json(),
                "title_scale": None if scale is None else vars(scale),
                "refit": refit,
                "device": self.device,
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
                "seconds": _seconds(trainings),
                "refit_seconds": _seconds(again) if refit else None,
            },
            metrics=metrics,
            split={"recipe": split.recipe.to_json(), "fingerprint": split.fingerprint},
            graph_fingerprint=graph.fingerprint,
            history=_history(trainings),
            half=half,
        )

    def terms(self, pairs: PlaylistGraph, on: str = "") -> Terms:
        """The terms of the score besides the vectors, fitted to some pairs."""
        terms = {}
        for name, config in self.system.terms.items():
            if not config.needs <= {*self.config.relations}:
                continue
            self.report.say(f"Fitting the {config.label}{on}")
            terms[name] = self.parts.term(name, pairs, config).arrays()
        return terms

    def measured(self, vectors: TrainedVectors, terms: Terms) -> MeasuredVectors:
        """The model that is measured: vectors trained only on the training pairs, and the terms."""
        return _measured(self.split, terms, vectors)

    def trained_on_split(self, terms: Terms) -> list[TrainResult]:
        """What is measured: the epoch of each training is chosen by the first stage as it ships."""
        split, trainings = self.split, []
        has_validation = split.validation.targets.num_pairs > 0
        for place, config in enumerate(each_training(self.config)):
            result = self.trained(
                ("split", "Training", place),
                split.train,
                validation_rows(split.validation) if has_validation else None,
                config,
                folder=self.folder,
                # The other terms affect which epoch is best.
                identity=json.dumps([split.fingerprint, self.system.to_json()["terms"]]),
                judge=partial(_judged, split, terms),
            )
            weights = _best_entry(result).get("relation_weight", {})
            relations = split.train.relations
            used = [kind for kind in weights if kind in relations and relations[kind].num_edges]
            if used:
                learned = ", ".join(f"{kind} {weights[kind]:.2f}" for kind in used)
                self.report.say(f"Learned weight of the structural relations: {learned}")
            trainings.append(result)
        return trainings

    def title_scale(self, vectors: TrainedVectors, terms: Terms) -> TitleScale | None:
        """How much titles count, by validation; None if the model has learned no words."""
        if vectors.word_weight is None:
            return None
        measured = self.measured(vectors, terms)
        self.report.say("Choosing on validation how much titles count")
        return fit_title_scale(self.split, first_stage_of(measured, self.split.train.catalog))

    def questions(self, measured: MeasuredVectors) -> Questions:
        """How much more the last tracks of ordered playlists count, by validation."""
        if not self.split.graph.playlists.order_known.any():
            return Questions()
        self.report.say("Choosing on validation how much the last tracks count")
        return fit_recency(self.split, first_stage_of(measured, self.split.train.catalog))

    def variety(
        self,
        measured: MeasuredVectors,
        second_stage: Mapping[str, NDArray[Any]] | None,
        questions: Questions,
    ) -> Variety:
        """By how much tracks by a list's artists are held back, by what playlists hold."""
        self.report.say("Counting how many songs by the same artists playlists hold")
        catalog = self.split.train.catalog
        stages = TwoStages.of(measured, catalog, second_stage, questions)
        return fit_variety(self.split, stages, self.config.rng_seed)

    def refitted(self, trainings: list[TrainResult]) -> list[TrainResult]:
        """What ships, trained on all pairs: again to the epoch chosen, or one epoch more."""
        graph, shipped = self.split.graph, []
        folder = None if self.folder is None else made_folder(self.folder / "refit")
        for place, config in enumerate(each_training(self.config)):
            result, again = trainings[place], True
            epochs = result.history[-1]["epochs"]
            if _best_entry(result)["step"] > MOST_STEPS_AGAIN:
                again, epochs = False, 1
                config = replace(config, learning_rate=_FURTHER_RATE * config.learning_rate)
            shipped.append(
                self.trained(
                    ("refit", "Refitting", place),
                    graph,
                    None,
                    replace(config, epochs=epochs),
                    folder=folder,
                    identity=json.dumps([graph.fingerprint, self.split.fingerprint]),
                    parameters=None if again else result.parameters,
                    stop_after=result.best_epoch if again else None,
                )
            )
        return shipped

    def trained(
        self, what: tuple[str, str, int], *to_train: Any, folder: Path | None, **options: Any
    ) -> TrainResult:
        """One training: `what` are its stage, its title, and its place of several side by side."""
        folder = folder_of(folder, what[2])
        if folder is not None:
            made_folder(folder)
        with self.watched(*what) as (on_step, on_epoch):
            return self.train_vectors(
                *to_train,
                folder=folder,
                resume=has_checkpoint(folder),
                device=self.device,
                encoder=self.encoder,
                on_step=on_step,
                on_epoch=on_epoch,
                **options,
            )

    @contextmanager
    def watched(
        self, stage: str, title: str, place: int
    ) -> Iterator[tuple[Callable[[int, int, float], None], Callable[[dict[str, Any]], None]]]:
        """A progress bar for a training, and its callbacks after each step and epoch."""
        if self.config.num_trainings > 1:
            stage = f"{stage}-{place + 1}" if place else stage
            title = f"{title} {place + 1} of {self.config.num_trainings}"
        with self.report.bar(title, 1, "steps") as bar:
            position, num_steps = 0.0, 0

            def step(done: int, total: int, loss: float) -> None:
                nonlocal position, num_steps
                # A resumed training starts at its position; the rate counts only steps since then.
                num_steps += 1
                bar.advance(done / total - position, done=num_steps, note=f"loss {loss:.3f}")
                position = done / total
                if self.on_step is not None:
                    self.on_step(Step(stage, done, total, loss))

            def epoch(entry: dict[str, Any]) -> None:
                _say_epoch(bar, entry)
                if self.on_epoch is not None:
                    self.on_epoch({"stage": stage, **entry})

            yield step, epoch


def _measured(split: Split, terms: Terms, vectors: TrainedVectors) -> MeasuredVectors:
    return MeasuredVectors(
        vectors.track_vectors,
        vectors.query_weight,
        split.train.popularity.astype(np.int64),
        terms,
        vectors.structural_vectors.get("word"),
        vectors.word_weight,
        vectors.title_growth,
    )


def _judged(
    split: Split, terms: Terms, vectors: TrainedVectors, held_out: HeldOut
) -> dict[str, float]:
    """The validation figures of the first stage with some vectors."""
    scorer = SystemScorer.of_vectors(_measured(split, terms, vectors), None, split)
    return validate(scorer, held_out, split.train)


def _best_entry(result: TrainResult) -> dict[str, Any]:
    """The entry of the history for the epoch whose vectors were kept."""
    return next(entry for entry in result.history if entry["epoch"] == result.best_epoch)


def _history(trainings: list[TrainResult]) -> list[dict[str, Any]]:
    """The entries of all trainings, which say of which they are if there are several."""
    if len(trainings) == 1:
        return trainings[0].history
    return [
        {"training": place, **entry}
        for place, training in enumerate(trainings, 1)
        for entry in training.history
    ]


def _seconds(trainings: list[TrainResult]) -> float:
    return round(sum(training.seconds for training in trainings), 1)


def _with_scale(vectors: TrainedVectors, scale: TitleScale | None) -> TrainedVectors:
    """The vectors, with the weights of words scaled."""
    if scale is None or vectors.word_weight is None:
        return vectors
    weight, growth = scale.scaled(vectors.word_weight)
    return replace(vectors, word_weight=weight, title_growth=growth)


def _say_epoch(bar: ProgressBar, entry: dict[str, Any]) -> None:
    # About a dozen lines, however many epochs there are: metrics.jsonl has them all.
    if entry["epoch"] % math.ceil(entry["epochs"] / _NUM_LINES) and entry["epoch"] > 1:
        return
    shown = ("loss", "recall@20", "ndcg@20")
    figures = [f"{name} {entry[name]:.4f}" for name in shown if name in entry]
    bar.say(f"  epoch {entry['epoch']}: " + ", ".join(figures))


def _sizes(split: Split) -> str:
    """A sentence that says how much is trained on and how much is held out."""
    parts = (split.validation, split.test)
    train = f"{number(split.train.playlists.tracks.num_pairs)} training pairs"
    if split.train is split.graph:
        return f"{train}, nothing held out"
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


def artist_means(graph: PlaylistGraph, track_vectors: Float32Array) -> Float32Array:
    """Each artist as the centroid of its tracks, for a model in which artists carry no messages.

    Returns
    -------
    float32 [num_artists, dim]
        Unit length, 0 if the tracks cancel out.
    """
    return unit_rows(graph.catalog.relations["artist"].matrix.T @ track_vectors)


def made_folder(folder: Path) -> Path:
    """The folder, created if missing (ArtefactError if that fails)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return folder


def has_checkpoint(folder: Path | None) -> bool:
    """Whether an interrupted training is there."""
    return folder is not None and (folder / CHECKPOINT).exists()
