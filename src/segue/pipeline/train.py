"""From a split to a measured bundle: `segue.train` and `segue train`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from segue.bundle import Bundle
from segue.console import Progress, progress_of
from segue.engine import Engine, check_engine, check_workers, connected
from segue.errors import ArtefactError, InputError
from segue.evaluation.evaluate import SAMPLE, sample_rows
from segue.extras import lightgbm_library
from segue.files import refuse_existing
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split
from segue.models import encoder_named
from segue.models.encoder import Encoder
from segue.pipeline.parts import FinishedParts
from segue.pipeline.plan import require_training
from segue.pipeline.recipes import config_for, default_system, with_titles
from segue.pipeline.recipes import split as default_split
from segue.pipeline.run import Step, TrainingRun, has_checkpoint, made_folder
from segue.pipeline.sizing import for_size
from segue.training.checkpoint import CHECKPOINT, METRICS_FILE
from segue.training.config import SystemConfig, TrainConfig
from segue.training.device import device_named
from segue.training.side_by_side import folders_in
from segue.training.together import train_together
from segue.training.train import train as train_vectors


def train(
    split: Split | PlaylistGraph | str | Path,
    model: str | Callable[..., Encoder] | None = None,
    *,
    preset: str | None = None,
    config: TrainConfig | None = None,
    system: SystemConfig | None = None,
    test: bool = True,
    refit: bool = True,
    keep_playlists: bool = True,
    half: bool = False,
    sample: int | None = SAMPLE,
    folder: str | Path | None = None,
    resume: bool = True,
    device: str = "auto",
    engine: Engine = "local",
    workers: int | None = None,
    progress: bool | Progress = False,
    on_step: Callable[[Step], None] | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    **fields: Any,
) -> Bundle:
    """Train a model on a split, measure it on the split's test part, and make it a bundle.

    The epoch is chosen on validation by the first stage as it ships. The metrics come from the
    split. The vectors and terms that ship are then trained again on all pairs, held-out ones
    included, with the same schedule up to the epoch chosen on validation; the second stage, which
    learns from validation, is kept.

    Parameters
    ----------
    split : Split, PlaylistGraph or the folder of one
        A graph is split by `segue.split` with its defaults.
    model
        The name of an architecture (`segue.models.ENCODERS`), or your own class, called in the same
        way; by default ``"lightgcn"``.
    preset
        ``"best"``: the vectors of three trainings side by side, and the factors of a matrix
        factorisation as a further term; in twice the time.
    config
        All settings for training the vectors; by default those tuned for the architecture and
        [for the size of the graph](../scale.md#training), with `preset` and `fields`, and with the
        words of titles if the graph has them.
    system
        What is added to the vectors; by default a wide part and a second stage as far
        as memory and libraries allow. ``SystemConfig()`` is the vectors alone.
    test
        False trains on everything and measures nothing, for playlists so few or short that nothing
        can be held out, or if figures are not wanted. The epoch is then the last one, and there
        is no second stage, which learns from what is held out. Only with a graph.
    refit
        False ships the model that was measured.
    keep_playlists
        Include the playlists in the bundle.
    half
        Store the vectors in half precision (float16), see `segue.Bundle`.
    sample
        How many test playlists are measured at most, see `segue.evaluate`; None: all.
    folder
        Where checkpoints and finished parts go, so that the same call continues after an
        interruption, on a CPU bit for bit as if there had been none. None: nothing is written.
        Changes to the code of your own class are not noticed: after one, use another folder.
    resume
        False: a `folder` that contains a training is an error.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    engine
        ``"ray"`` trains the vectors by the processes of a Ray cluster, which share the playlists of
        each step; all its machines have to see `folder`.
    workers
        How many; None: one for each GPU, or without GPUs for each machine.
    progress
        True prints lines and bars on standard error.
    on_step, on_epoch
        Called after each `Step`, and after each epoch with its entry of the history and its
        ``"stage"``.
    fields
        Fields of `segue.TrainConfig` that differ from the tuned ones, such as ``dim=64``; an
        ``options`` dict is merged with the tuned options.

    Returns
    -------
    Bundle

    Raises
    ------
    InputError
        If a name, field or option is unknown or out of range, or the readout is ``"node"``.
    TrainingError
        If no playlist has two tracks, or the loss becomes NaN or infinite.
    ArtefactError, MismatchError
        If `folder` cannot be written, or holds another training.
    ResourceError
        If a library is not installed, or there is not enough memory.

    Examples
    --------
    >>> bundle = segue.train(split, "gcn", dim=8, epochs=1, system=segue.SystemConfig())
    >>> bundle.track_vectors.shape[1]
    8
    """
    if not isinstance(split, Split):
        if test:
            split = default_split(split)
        else:
            split = default_split(split, "random", test_share=0, validation_share=0)
    elif not test:
        raise InputError("test=False needs a graph: a split has held its tracks out already")
    if config is not None and not isinstance(config, TrainConfig):
        raise InputError(f"config is {config!r}, expected segue.TrainConfig(…)")
    if system is not None and not isinstance(system, SystemConfig):
        raise InputError(f"system is {system!r}, expected segue.SystemConfig(…)")
    check_engine(engine)
    check_workers(workers)
    if workers is not None and engine != "ray":
        raise InputError('workers are for engine="ray"')
    sample_rows(split.test, sample)  # what is wrong with the size is said at once
    report = progress_of(progress)
    encoder = None if isinstance(model, str) else model
    by_size = config is None
    if config is None:
        config = config_for(_name_of(model), preset, **fields)
        if "relations" not in fields:
            config = with_titles(config, split.graph)
    elif fields or preset:
        raise InputError("give either config or its fields, not both")
    elif encoder is not None:
        config = replace(config, model=_name_of(encoder))
    elif model not in (None, config.model):
        raise InputError(f"model is {model}, but that of config is {config.model}")
    refuse_config(config, encoder)
    refuse_full(split.graph)
    for kind in config.relations:  # before the wide part is fitted, which may take minutes
        split.graph.relation(kind)
    if system is None:
        system = default_system(split.graph, preset, progress=report)
    if system.second_stage is not None:
        lightgbm_library()
    if by_size:
        config, said = for_size(config, split, system, fields, encoder, sample)
        for sentence in said:
            report.say(sentence)
    place = None if folder is None else made_folder(Path(folder))
    if has_checkpoint(place) and not resume:
        raise ArtefactError(f"{place}: an interrupted training is here; resume=True continues it")
    require_training(split, config, system, encoder, sample)
    with connected() if engine == "ray" else nullcontext():
        run = TrainingRun(
            split,
            config,
            system,
            place,
            device_named(device, engine),
            report,
            encoder,
            sample,
            on_step,
            on_epoch,
            train_vectors if engine == "local" else partial(train_together, workers=workers),
        )
        return run.bundle(refit=refit, keep_playlists=keep_playlists, half=half)


def _name_of(model: str | Callable[..., Encoder] | None) -> str:
    """What an architecture is called, one's own or one that is known by name."""
    if model is None or isinstance(model, str):
        return model or TrainConfig.model
    while isinstance(model, partial):
        model = model.func
    return str(getattr(model, "__name__", type(model).__name__))


def refuse_config(config: TrainConfig, encoder: Callable[..., Encoder] | None = None) -> None:
    """Raise InputError for an unknown architecture or option, and for what bundles cannot hold."""
    config.options_for(encoder or encoder_named(config.model))
    if config.readout == "node":
        raise InputError(
            "the node readout is for studies: a bundle holds no vectors of playlists, so train "
            "and measure without one"
        )


def refuse_full(graph: PlaylistGraph) -> None:
    """Raise InputError if every playlist holds every track: then none says anything of another."""
    num_playlists, num_tracks = len(graph.playlists), graph.num_nodes["track"]
    if num_playlists > 1 and graph.playlists.tracks.num_pairs == num_playlists * num_tracks:
        raise InputError(
            f"each of the {num_playlists} playlists holds all {num_tracks} tracks, so there is "
            "nothing to learn from them and nothing to recommend; if the source says what people "
            "like by a number, build with --at-least COLUMN=VALUE"
        )


def train_to(
    out: Path,
    split: Split,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress,
    **options: Any,
) -> Bundle:
    """Like `train`, and write the bundle to `out`.

    Checkpoints are in ``OUT.training`` until the bundle is complete.

    Raises
    ------
    ArtefactError
        If `out` is in the way, or an interrupted training is there and is neither resumed nor
        overwritten.
    """
    refuse_training(out, resume=resume, overwrite=overwrite)
    folder = training_folder(out)
    if overwrite and not resume:
        _remove_training(folder)
    elif resume and not (folder / CHECKPOINT).exists() and not FinishedParts(folder).exist:
        raise ArtefactError(f"{folder / CHECKPOINT}: there is no checkpoint to resume from")
    try:
        bundle = train(split, folder=folder, progress=progress, **options)
        bundle.save(out, overwrite=overwrite)
        # Only now that the bundle is complete are they no longer needed.
        _remove_training(folder)
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            progress.say(f"Stopped; --resume continues from the last checkpoint in {folder}")
        raise
    finally:
        for place in _places(folder):
            with suppress(OSError):  # a folder that is not empty stays
                place.rmdir()
    return bundle


def training_folder(out: Path) -> Path:
    """Where the checkpoints of a training to `out` are while it runs."""
    out = out.resolve()  # "." has no name
    return out.with_name(f"{out.name}.training")


def refuse_training(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Raise ArtefactError before any work is done for what would fail after it."""
    refuse_existing(out, "bundle", overwrite=overwrite)
    folder = training_folder(out)
    if (folder / CHECKPOINT).exists() and not resume and not overwrite:
        raise ArtefactError(
            f"{folder}: an interrupted training is here; --resume continues it, "
            "--overwrite starts over"
        )


def _places(folder: Path) -> list[Path]:
    """All folders of a training, those within others first."""
    return [*folders_in(folder / "refit"), *folders_in(folder)]


def _remove_training(folder: Path) -> None:
    FinishedParts(folder).remove()
    for place in _places(folder):
        # safetensors writes under a name of its own first, which a kill leaves.
        for path in (place / CHECKPOINT, place / METRICS_FILE, *place.glob(".tmp*")):
            path.unlink(missing_ok=True)
