"""`Bundle`: the result of training, and all that serving needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.arrays import map_arrays, write_arrays
from segue.data.playlists import (
    Catalog,
    Float32Array,
    Int64Array,
    Playlists,
)
from segue.errors import ArtefactError
from segue.files import atomic_artefact, parsed_json, read_manifest, write_json_lines
from segue.names.name_file import write_names

SECOND_STAGE = "second_stage.safetensors"
# Suffix of the names of vector arrays in their file, after the kind of node.
_VECTORS = "_vectors"
# The weights of a query, and the exponent by which a title counts more: far above all that
# training makes, far below what float32 cannot hold.
_MOST_WEIGHT, _MOST_GROWTH = 1e9, 2.0
# Nothing that is drawn is larger.
_MOST_NUMBER = 1e100
# For each term of the score that has arrays: the arrays by name.
Terms = Mapping[str, Mapping[str, NDArray[Any]]]


@dataclass(frozen=True, eq=False)
class MeasuredVectors:
    """The model that a bundle's metrics were measured with, trained only on its split.

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim]
        Unit length.
    query_weight : float32 [num_tracks]
    popularity : int64 [num_tracks]
        Number of playlists of each track in the split's training graph.
    terms : dict of dict of arrays
        As in `Bundle`.
    word_vectors : float32 [num_words, dim] or None
        Unit length.
    word_weight, title_growth : float32 [num_words] or None, float32 [1] or None
        As in `Bundle`.
    """

    track_vectors: Float32Array
    query_weight: Float32Array
    popularity: Int64Array
    terms: Terms = field(default_factory=dict)
    word_vectors: Float32Array | None = None
    word_weight: Float32Array | None = None
    title_growth: Float32Array | None = None

    def check(self) -> None:
        """Raise ArtefactError unless all vectors are of unit length.

        A bundle does not do so when it is loaded: serving never reads them.
        """
        words = self.word_vectors
        if not (_are_unit(self.track_vectors) and (words is None or _are_unit(words))):
            raise ArtefactError("the measured vectors of this bundle are not of unit length")

    def __repr__(self) -> str:
        """``MeasuredVectors(34,000 tracks, dim 128)``."""
        num_tracks, dim = self.track_vectors.shape
        return f"MeasuredVectors({num_tracks:,} tracks, dim {dim})"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A trained recommender as arrays and facts; no torch, no pickle.

    Attributes
    ----------
    catalog : Catalog
    vectors : dict of float32 [num_nodes, dim]
        Unit length, by node kind: always tracks and artists, plus the other structural kinds that
        carried messages.
    query_weight : float32 [num_tracks]
        Weight of each track in a query, at least 0.
    popularity : int64 [num_tracks]
        Number of playlists of each track in the graph that the vectors were trained on: the whole
        graph, or without a refit the split's training graph.
    playlists : Playlists or None
        All playlists with all their tracks; None if the bundle was made without them.
    config : dict
        How the model was trained.
    metrics : dict
        Measured on the split's test pairs.
    split : dict
        The split's recipe and fingerprint.
    graph_fingerprint : str
        Fingerprint of the graph that was split.
    history : list of dict
        One entry per epoch.
    measured : MeasuredVectors or None
        If the vectors above were refitted on all pairs: the ones that `metrics` belong to.
    terms : dict of dict of arrays
        By name, the arrays of each further term of the score (see `segue.scoring.terms`).
    second_stage : dict of arrays or None
        The boosted trees that reorder the best tracks (see `segue.scoring.trees.Trees`).
    word_weight : float32 [num_words] or None
        Weight of each title word in a query, at least 0; None if words had no part in training.
    title_growth : float32 [1] or None
        How much more a title counts beside more tracks (see `segue.scoring.centroid.Words`).
    questions : dict
        How lists are answered by what they ask (see `segue.scoring.questions`); empty: as by
        default, in bundles that are older.
    half : bool
        Whether `save` writes the vectors as float16, as they were if it was read so: half the disk,
        and lists that are the same but for a few ties. In memory they are float32 either way. The
        measured ones are written as they are.
    folder : Path or None
        Where the bundle was read from; None if it was made in memory or changed since.
    files : frozenset of str
        The names of its files there.

    Examples
    --------
    >>> segue.Bundle.load("bundle").metrics["test"]["values"]["recall@300"] > 0
    True
    """

    catalog: Catalog
    vectors: Mapping[str, Float32Array]
    query_weight: Float32Array
    popularity: Int64Array
    playlists: Playlists | None
    config: dict[str, Any]
    metrics: dict[str, Any]
    split: dict[str, Any]
    graph_fingerprint: str
    history: list[dict[str, Any]] = field(default_factory=list)
    measured: MeasuredVectors | None = None
    terms: Terms = field(default_factory=dict)
    second_stage: Mapping[str, NDArray[Any]] | None = None
    word_weight: Float32Array | None = None
    title_growth: Float32Array | None = None
    questions: Mapping[str, Any] = field(default_factory=dict)
    half: bool = False
    folder: Path | None = field(init=False, default=None)
    files: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        """Raise ValueError if arrays do not fit together."""
        for kind in ("track", "artist"):
            if kind not in self.vectors:
                raise ValueError(f"a bundle needs vectors of {kind}s")
        dim = self.track_vectors.shape[-1]
        for kind, vectors in self.vectors.items():
            if kind not in self.catalog.nodes:
                raise ValueError(f"vectors of {kind}s, which the catalogue does not have")
            name, rows = f"the vectors of {kind}s", len(self.catalog.nodes[kind])
            if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != rows:
                raise ValueError(f"{name} must be float32 with {rows} rows")
            if not _are_unit(vectors):
                raise ValueError(f"{name} must be of unit length")
            if vectors.shape[1] != dim:
                raise ValueError(f"{name} and those of tracks differ in dim")
        num_words = len(self.catalog.nodes.get("word", ()))
        shape = self.catalog.num_tracks, num_words, dim
        _check_columns(self, "", *shape)
        if self.measured is not None:
            _check_columns(self.measured, "measured ", *shape)
        for name in ("config", "metrics", "split", "questions"):
            if not isinstance(getattr(self, name), dict):
                raise ValueError(f"{name} must be a dict")
        if not isinstance(self.graph_fingerprint, str):
            raise ValueError("graph_fingerprint must be text")
        if not all(map(_is_epoch, self.history)):
            raise ValueError(
                "the history must consist of dicts of finite numbers, epoch among them"
            )
        if self.playlists is not None:
            self.catalog.check_holds(self.playlists)

    def __repr__(self) -> str:
        """``Bundle(lightgcn, dim 128, 34,000 tracks, 1,000 playlists, wide, second stage)``."""
        num_tracks, dim = self.track_vectors.shape
        parts = [str(self.config.get("model", "no model")), f"dim {dim}", f"{num_tracks:,} tracks"]
        if self.playlists is not None:
            parts.append(f"{len(self.playlists):,} playlists")
        parts += self.terms
        if self.second_stage is not None:
            parts.append("second stage")
        return f"Bundle({', '.join(parts)})"

    @property
    def system(self) -> str:
        """What the score is made of: ``lightgcn + wide + second stage``."""
        parts = [str(self.config.get("model", "no model")), *self.terms]
        return " + ".join(parts if self.second_stage is None else [*parts, "second stage"])

    @property
    def track_vectors(self) -> Float32Array:
        """The vectors of tracks: float32 [num_tracks, dim]."""
        return self.vectors["track"]

    @property
    def word_vectors(self) -> Float32Array | None:
        """The vectors of title words: float32 [num_words, dim]; None if there are none."""
        return self.vectors.get("word")

    def save(
        self,
        folder: str | Path,
        *,
        overwrite: bool = False,
        companions: Iterable[Callable[[Path], None]] = (),
    ) -> None:
        """Write the bundle as an artefact, all or nothing.

        ``vectors.safetensors``, after a refit ``measured.safetensors``, each further term of the
        score as ``term-NAME.safetensors`` and ``measured-term-NAME.safetensors``,
        ``second_stage.safetensors``, the catalogue's and playlists' Arrow files, the index of names
        ``names.sqlite``, ``metrics.jsonl`` and the manifest with configuration, metrics, split and
        fingerprints. Each of the `companions` is called with the folder being written and adds its
        own files, such as an ANN index; the manifest covers them, too.
        """
        folder = Path(folder)
        with atomic_artefact(folder, "bundle", overwrite=overwrite) as writer:
            stored = np.float16 if self.half else np.float32
            files: dict[str, Mapping[str, NDArray[Any]]] = {
                "vectors": {
                    **{
                        f"{kind}{_VECTORS}": vectors.astype(stored, copy=False)
                        for kind, vectors in self.vectors.items()
                    },
                    "query_weight": self.query_weight,
                    "popularity": self.popularity,
                }
            }
            for name in ("word_weight", "title_growth"):
                if getattr(self, name) is not None:
                    files["vectors"] = {**files["vectors"], name: getattr(self, name)}
            terms = {"": self.terms}
            if self.measured is not None:
                measured = dict(vars(self.measured))
                terms["measured-"] = measured.pop("terms")
                files["measured"] = {n: a for n, a in measured.items() if a is not None}
            for prefix, of in terms.items():
                files |= {f"{prefix}term-{name}": arrays for name, arrays in of.items()}
            if self.second_stage is not None:
                files[SECOND_STAGE.removesuffix(".safetensors")] = self.second_stage
            for file, arrays in files.items():
                write_arrays(writer.folder / f"{file}.safetensors", arrays)
            self.catalog.save(writer.folder)
            if self.playlists is not None:
                self.playlists.save(writer.folder)
            write_json_lines(writer.folder / "metrics.jsonl", self.history)
            write_names(writer.folder, self.catalog, self.popularity, self.playlists)
            for write in companions:
                write(writer.folder)
            writer.content.update(
                config=self.config,
                metrics=self.metrics,
                split=self.split,
                graph_fingerprint=self.graph_fingerprint,
                has_playlists=self.playlists is not None,
                terms=list(self.terms),
                questions=dict(self.questions),
                measured_terms=[] if self.measured is None else list(self.measured.terms),
            )

    @classmethod
    def load(cls, folder: str | Path, *, verify: bool = True) -> Bundle:
        """Read a bundle.

        All arrays are memory-mapped, not copied: they are read-only, processes share them, and
        those that are never read, such as the measured vectors while serving, take no memory. Only
        vectors in half precision are converted, so each process has its own.

        Raises
        ------
        ArtefactError
            If `folder` is not a bundle, or with `verify` if a file has changed since it was
            written.
        """
        folder = Path(folder)
        manifest = read_manifest(folder, "bundle", verify=verify)
        files = frozenset(manifest["files"])
        try:
            arrays = map_arrays(folder / "vectors.safetensors")
            half = arrays["track_vectors"].dtype == np.float16
            of_split = None
            if "measured.safetensors" in files:
                of_split = MeasuredVectors(
                    **map_arrays(folder / "measured.safetensors"),
                    terms=_terms(folder, files, "measured-", manifest["measured_terms"]),
                )
            lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            bundle = cls(
                catalog=Catalog.load(folder),
                vectors={
                    name.removesuffix(_VECTORS): array.astype(np.float32) if half else array
                    for name, array in arrays.items()
                    if name.endswith(_VECTORS)
                },
                query_weight=arrays["query_weight"],
                popularity=arrays["popularity"],
                playlists=Playlists.load(folder) if manifest["has_playlists"] else None,
                config=manifest["config"],
                metrics=manifest["metrics"],
                split=manifest["split"],
                graph_fingerprint=manifest["graph_fingerprint"],
                history=[parsed_json(line, folder / "metrics.jsonl") for line in lines],
                measured=of_split,
                terms=_terms(folder, files, "", manifest["terms"]),
                second_stage=map_arrays(folder / SECOND_STAGE) if SECOND_STAGE in files else None,
                word_weight=arrays.get("word_weight"),
                title_growth=arrays.get("title_growth"),
                questions=manifest.get("questions", {}),
                half=half,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"{folder}: is not a complete bundle ({error})") from error
        # Frozen for everyone else.
        object.__setattr__(bundle, "folder", folder)
        object.__setattr__(bundle, "files", files)
        return bundle

    def file(self, name: str) -> Path | None:
        """Where a companion file is, such as an ANN index; None if the bundle has none of it."""
        return self.folder / name if self.folder is not None and name in self.files else None


def _check_columns(
    of: Bundle | MeasuredVectors, which: str, tracks: int, words: int, dim: int
) -> None:
    """Raise ValueError unless columns are as long as there are nodes, with numbers that add up."""
    if of.track_vectors.shape != (tracks, dim) or of.track_vectors.dtype != np.float32:
        raise ValueError(f"{which}vectors are not as many or as long as the others")
    if of.query_weight.shape != (tracks,) or not _are_weights(of.query_weight):
        raise ValueError(f"{which}query_weight must hold one finite number of at least 0 per track")
    popularity = of.popularity
    if popularity.shape != (tracks,) or popularity.dtype.kind != "i":
        raise ValueError(f"{which}popularity must hold one whole number per track")
    if not ((popularity >= 0) & (popularity < 1 << 31)).all():
        raise ValueError(f"{which}popularity must be at least 0 and below 2 ** 31")
    vectors, weight = of.word_vectors, of.word_weight
    expected = [(words, dim)] if weight is not None else [(words, dim), None]
    if getattr(vectors, "shape", None) not in expected:
        raise ValueError(f"{which}vectors of words are not as many or as long as the others")
    if vectors is not None and vectors.dtype != np.float32:
        raise ValueError(f"{which}vectors of words must be float32")
    if weight is None:
        return
    if weight.shape != (words,) or not _are_weights(weight):
        raise ValueError(f"{which}word_weight must hold one finite number of at least 0 per word")
    growth = of.title_growth
    if growth is None or growth.shape != (1,) or not (np.abs(growth) <= _MOST_GROWTH).all():
        raise ValueError(f"{which}word_weight comes with one number, title_growth")


def _is_epoch(entry: Any) -> bool:
    """Whether an entry of the history says which epoch it is of, in numbers that can be drawn."""
    if not isinstance(entry, dict) or not isinstance(entry.get("epoch"), int | float):
        return False
    numbers = [value for value in entry.values() if isinstance(value, int | float)]
    return all(abs(value) < _MOST_NUMBER for value in numbers)


def _are_unit(vectors: Float32Array) -> bool:
    """Whether all are of unit length, or zero: a node that no message reaches may be."""
    # Unlike `norm`, this makes no copy of them all.
    length = np.sqrt(np.einsum("rd,rd->r", vectors, vectors))
    return bool(((np.abs(length - 1) < 1e-3) | (length == 0)).all())


def _are_weights(column: NDArray[Any]) -> bool:
    """Whether float32 numbers are at least 0, and so small that sums of them are finite."""
    return column.dtype == np.float32 and bool(((column >= 0) & (column < _MOST_WEIGHT)).all())


def _terms(folder: Path, files: frozenset[str], prefix: str, names: list[str]) -> Terms:
    """The arrays of some terms."""
    found = {name: f"{prefix}term-{name}.safetensors" for name in names}
    if not files.issuperset(found.values()):
        raise ValueError("it lacks the arrays of a term")
    return {name: map_arrays(folder / file) for name, file in found.items()}
