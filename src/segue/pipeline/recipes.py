"""Defaults: the split, the configuration, the system."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

from segue.console import Progress
from segue.errors import InputError, ResourceError
from segue.extras import lightgbm_library
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitKind, SplitRecipe
from segue.pipeline.tuned import PRESET_TERMS, PRESETS, for_training
from segue.training.config import SecondStageConfig, SystemConfig, TrainConfig
from segue.training.term import TermConfig
from segue.training.terms import TERMS


def split(
    graph: PlaylistGraph | str | Path,
    kind: SplitKind | None = None,
    *,
    test_share: float = 0.2,
    validation_share: float = 0.1,
    num_given: int | None = None,
    rng_seed: int = 0,
) -> Split:
    """Hold out tracks of a graph for validation and test.

    Parameters
    ----------
    graph : PlaylistGraph or the folder of one
    kind
        ``"random"``, ``"last"``, ``"mixed"``, ``"playlists"`` or ``"tracks"``, see
        `segue.SplitRecipe`. By default ``"mixed"`` if any playlist's order is known (the last
        tracks of those playlists, and random tracks from as many others), else ``"random"``.
    test_share, validation_share
        Shares of each playlist's tracks, or of all playlists or tracks if they are held out whole.
    num_given
        Number of given tracks of a playlist that is held out whole; by default 5.
    rng_seed
        Seed of the draw.

    Raises
    ------
    InputError
        If a share or number is out of range, nothing would be held out, or nothing would be left to
        train on.

    Examples
    --------
    >>> split = segue.split(graph, "random", test_share=0.1)
    >>> split.test.targets.num_pairs > 0
    True
    """
    if isinstance(graph, str | Path):
        graph = PlaylistGraph.load(Path(graph))
    if not isinstance(graph, PlaylistGraph):
        raise InputError(
            f"a {type(graph).__name__} is not a graph; segue.build(…) makes one from playlists"
        )
    if kind is None:
        kind = "mixed" if graph.playlists.order_known.any() else "random"
    recipe = SplitRecipe(kind, test_share, validation_share, rng_seed, num_given)
    return split_graph(graph, recipe)


def config_for(model: str, preset: str | None = None, **fields: Any) -> TrainConfig:
    """A configuration: `fields`, and for all others the values tuned for the architecture.

    Raises
    ------
    InputError
        If the preset or a field is unknown, or a value is out of range.
    """
    if preset is not None and preset not in PRESETS:
        raise InputError(f"preset {preset!r} is unknown, expected {' or '.join(PRESETS)}")
    known = [field.name for field in dataclasses.fields(TrainConfig)]
    for name in fields:
        if name not in known:
            raise InputError(f"{name!r} is not a field of TrainConfig, expected {', '.join(known)}")
    best = for_training(model) | (PRESETS[preset] if preset else {})
    options = {**best.pop("options", {}), **fields.pop("options", {})}
    return TrainConfig(model=model, options=options, **(best | fields))


def with_titles(config: TrainConfig, graph: PlaylistGraph) -> TrainConfig:
    """The configuration, in which the words of titles carry messages if the graph has them."""
    if not graph.num_nodes.get("word"):
        return config
    return dataclasses.replace(config, relations=(*config.relations, "word"))


def default_system(
    graph: PlaylistGraph,
    preset: str | None = None,
    *,
    without: Collection[str] = (),
    second_stage: bool | None = None,
    progress: Progress | None = None,
) -> SystemConfig:
    """The parts of the score besides the vectors, without those that this machine cannot make.

    A preset may have further terms. Terms named in `without` are left out, too. A second stage that
    is requested (True) is never left out. `progress` reports what is.
    """
    report = progress or Progress()
    usual = {name: kind() for name, kind in TERMS.items()}
    terms: dict[str, TermConfig] = {}
    for name, config in {**usual, **PRESET_TERMS.get(preset or "", {})}.items():
        if name in without or not all(map(graph.num_nodes.get, config.needs)):
            continue
        try:
            config.require(graph)
        except ResourceError as error:
            report.say(f"The {config.label} is left out: {error}")
        else:
            terms[name] = config
    if second_stage is None:
        try:
            lightgbm_library()
            second_stage = True
        except ResourceError as error:
            report.say(f"The second stage is left out: {error}")
            second_stage = False
    return SystemConfig(terms, SecondStageConfig() if second_stage else None)
