"""Finished parts of a system, kept until the bundle is complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from segue.bundle import MeasuredVectors
from segue.errors import ArtefactError
from segue.files import atomic_file
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split
from segue.scoring.term import StoredTerm
from segue.scoring.terms import STORED, first_stage_of
from segue.training.config import SystemConfig, TrainConfig
from segue.training.second_stage import train_second_stage
from segue.training.terms import TermConfig


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
        path = self._path(f"term-{name}", ".safetensors", graph.fingerprint, vars(config))
        if path is None:
            return config.fit(graph)
        if path.exists():
            try:
                return STORED[name].from_arrays(load_file(path))
            except (SafetensorError, OSError, ValueError, TypeError) as error:
                raise ArtefactError(f"{path}: not a {config.label} ({error}); remove it") from error
        term = config.fit(graph)
        try:
            with atomic_file(path) as temporary:
                save_file(term.arrays(), temporary)
        except SafetensorError as error:  # a full disk, among others
            raise ArtefactError(f"{path}: cannot be written ({error})") from error
        return term

    def second_stage(
        self,
        split: Split,
        vectors: MeasuredVectors,
        config: TrainConfig,
        system: SystemConfig,
        advance: Callable[[float], None] = lambda share: None,
    ) -> str | None:
        """The second stage on top of a first one; None if validation has too few cases.

        `config` and `system` are those that the first stage was made with; `advance` is called with
        the share of the work done since the last call.
        """
        if system.second_stage is None:
            return None
        facts = (split.fingerprint, config.to_json(), system.to_json())
        path = self._path("second_stage", ".txt", *facts)
        if path is not None and path.exists():
            return path.read_text(encoding="utf-8") or None
        model = train_second_stage(
            split,
            first_stage_of(vectors, split.train.catalog),
            vectors.popularity,
            system.second_stage,
            advance=advance,
        )
        if path is not None:
            with atomic_file(path) as temporary:
                temporary.write_text(model or "", encoding="utf-8")
        return model

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
        patterns = ("term-*.safetensors", "second_stage-*.txt")
        return [path for pattern in patterns for path in self._folder.glob(pattern)]

    def _path(self, name: str, suffix: str, *facts: Any) -> Path | None:
        if self._folder is None:
            return None
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{name}-{digest[:16]}{suffix}"
