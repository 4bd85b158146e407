"""Finished parts of a system, kept until the bundle is complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segue.arrays import load_checked, save_checked
from segue.bundle import MeasuredVectors
from segue.errors import ArtefactError
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split
from segue.scoring.questions import Questions
from segue.scoring.term import StoredTerm
from segue.scoring.terms import STORED, first_stage_of
from segue.scoring.trees import Trees
from segue.training.config import SystemConfig, TrainConfig
from segue.training.second_stage import train_second_stage
from segue.training.term import TermConfig


class FinishedParts:
    """Makes the terms of the score and the second stage, each once.

    Each part is stored in a file whose name identifies its inputs, so that an interrupted training
    can reuse it.

    Parameters
    ----------
    folder
        The training's folder, which must exist. None: nothing is stored.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def term(self, name: str, graph: PlaylistGraph, config: TermConfig) -> StoredTerm[Any]:
        """One term, fitted to a training graph."""
        path = self._path(f"term-{name}", graph.fingerprint, vars(config))
        if path is None:
            return config.fit(graph)
        if path.exists():
            try:
                return STORED[name].from_arrays(load_checked(path)[0])
            except (ArtefactError, ValueError, TypeError) as error:
                raise ArtefactError(f"{path}: not a {config.label} ({error}); remove it") from error
        begun = path.with_name(f"{path.stem}-begun{path.suffix}")
        term = config.fit(graph, begun)
        save_checked(path, term.arrays())
        begun.unlink(missing_ok=True)
        return term

    def second_stage(
        self,
        split: Split,
        vectors: MeasuredVectors,
        config: TrainConfig,
        system: SystemConfig,
        questions: Questions,
        advance: Callable[[float], None] = lambda share: None,
    ) -> tuple[Trees | None, Questions]:
        """The second stage on top of a first one, see `train_second_stage`.

        `config` and `system` are those that the first stage was made with; `advance` is called with
        the share of the work done since the last call.
        """
        if system.second_stage is None:
            return None, questions
        facts = (split.fingerprint, config.to_json(), system.to_json(), questions.to_json())
        path = self._path("second_stage", *facts)
        if path is not None and path.exists():
            try:
                arrays, kept = load_checked(path)
                return Trees.from_arrays(arrays) if arrays else None, Questions.from_json(kept)
            except (ArtefactError, ValueError, TypeError) as error:
                raise ArtefactError(f"{path}: not a second stage ({error}); remove it") from error
        trees, questions = train_second_stage(
            split,
            first_stage_of(vectors, split.train.catalog),
            vectors.popularity,
            system.second_stage,
            questions,
            advance=advance,
        )
        if path is not None:
            # That there is none is a result, too.
            save_checked(path, {} if trees is None else trees.arrays(), questions.to_json())
        return trees, questions

    @property
    def exist(self) -> bool:
        """Whether any part is finished."""
        return bool(self._files())

    def remove(self) -> None:
        """Remove the files: the bundle contains the parts."""
        for path in self._files():
            path.unlink()

    def _files(self) -> list[Path]:
        if self._folder is None:
            return []
        patterns = ("term-*.safetensors", "second_stage-*.safetensors")
        return [path for pattern in patterns for path in self._folder.glob(pattern)]

    def _path(self, name: str, *facts: Any) -> Path | None:
        if self._folder is None:
            return None
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{name}-{digest[:16]}.safetensors"
