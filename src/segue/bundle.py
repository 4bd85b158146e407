"""`Bundle`: the result of training, and all that serving needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from segue.data.playlists import (
    Catalog,
    Float32Array,
    Int64Array,
    Playlists,
)
from segue.errors import ArtefactError
from segue.files import atomic_artefact, read_manifest, write_json_lines
from segue.names.name_file import write_names

SECOND_STAGE = "second_stage.txt"
# Suffix of the names of vector arrays in their file, after the kind of node.
_VECTORS = "_vectors"
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
    second_stage : str or None
        A LightGBM model in its text format, which reorders the best tracks (see
        `segue.scoring.second_stage`).
    word_weight : float32 [num_words] or None
        Weight of each title word in a query, at least 0; None if words had no part in training.
    title_growth : float32 [1] or None
        How much more a title counts beside more tracks (see `segue.scoring.centroid.Words`).
    folder : Path or None
        Where the bundle was read from, for finding its companion files; None if it was made in
        memory or changed since.

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
    second_stage: str | None = None
    word_weight: Float32Array | None = None
    title_growth: Float32Array | None = None
    folder: Path | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Raise ValueError if arrays do not fit together."""
        for kind in ("track", "artist"):
            if kind not in self.vectors:
                raise ValueError(f"a bundle needs vectors of {kind}s")
        num_tracks, dim = self.catalog.num_tracks, self.track_vectors.shape[-1]
        for kind, vectors in self.vectors.items():
            if kind not in self.catalog.nodes:
                raise ValueError(f"vectors of {kind}s, which the catalogue does not have")
            name, rows = f"the vectors of {kind}s", len(self.catalog.nodes[kind])
            if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != rows:
                raise ValueError(f"{name} must be float32 with {rows} rows")
            # Unlike `norm`, this makes no copy of them all.
            length = np.sqrt(np.einsum("rd,rd->r", vectors, vectors))
            # A node that no message reaches may be zero.
            if not ((np.abs(length - 1) < 1e-3) | (length == 0)).all():
                raise ValueError(f"{name} must be of unit length")
            if vectors.shape[1] != dim:
                raise ValueError(f"{name} and those of tracks differ in dim")
        for name in ("query_weight", "popularity"):
            column = getattr(self, name)
            if column.shape != (num_tracks,) or not (column >= 0).all():
                raise ValueError(f"{name} must hold one number of at least 0 per track")
        if not np.isfinite(self.query_weight).all():
            raise ValueError("query_weight must be finite")
        if self.measured is not None:
            arrays = "track_vectors", "query_weight", "popularity"
            shapes = [getattr(self.measured, name).shape for name in arrays]
            if shapes != [(num_tracks, dim), (num_tracks,), (num_tracks,)]:
                raise ValueError("the measured vectors are not as many or as long as the others")
        for of in (self, self.measured):
            if of is None or of.word_weight is None:
                continue
            num_words = len(self.catalog.nodes.get("word", ()))
            if of.word_vectors is None or of.word_vectors.shape != (num_words, dim):
                raise ValueError("the vectors of words are not as many or as long as the others")
            weight = of.word_weight
            if weight.shape != (num_words,) or not (np.isfinite(weight) & (weight >= 0)).all():
                raise ValueError("word_weight must hold one finite number of at least 0 per word")
            if of.title_growth is None or of.title_growth.shape != (1,):
                raise ValueError("word_weight comes with one number, title_growth")
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
        ``second_stage.txt``, the catalogue's and playlists' Arrow files, the index of names
        ``names.sqlite``, ``metrics.jsonl`` and the manifest with configuration, metrics, split and
        fingerprints. Each of the `companions` is called with the folder being written and adds its
        own files, such as an ANN index; the manifest covers them, too.
        """
        folder = Path(folder)
        with atomic_artefact(folder, "bundle", overwrite=overwrite) as writer:
            files: dict[str, Mapping[str, NDArray[Any]]] = {
                "vectors": {
                    **{f"{kind}{_VECTORS}": vectors for kind, vectors in self.vectors.items()},
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
            for file, arrays in files.items():
                content = {n: np.ascontiguousarray(a) for n, a in arrays.items()}
                try:
                    save_file(content, writer.folder / f"{file}.safetensors")
                except SafetensorError as error:  # a full disk, among others
                    raise ArtefactError(f"{folder}: cannot be written ({error})") from error
            self.catalog.save(writer.folder)
            if self.playlists is not None:
                self.playlists.save(writer.folder)
            if self.second_stage is not None:
                (writer.folder / SECOND_STAGE).write_text(self.second_stage, encoding="utf-8")
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
                measured_terms=[] if self.measured is None else list(self.measured.terms),
            )

    @classmethod
    def load(cls, folder: str | Path, *, verify: bool = True) -> Bundle:
        """Read a bundle.

        All arrays are memory-mapped, not copied: they are read-only, processes share them, and
        those that are never read, such as the measured vectors while serving, take no memory.

        Raises
        ------
        ArtefactError
            If `folder` is not a bundle, or with `verify` if a file has changed since it was
            written.
        """
        folder = Path(folder)
        manifest = read_manifest(folder, "bundle", verify=verify)
        try:
            arrays = _mapped(folder / "vectors.safetensors")
            of_split = None
            if "measured.safetensors" in manifest["files"]:
                of_split = MeasuredVectors(
                    **_mapped(folder / "measured.safetensors"),
                    terms=_terms(folder, "measured-", manifest["measured_terms"]),
                )
            second_stage = None
            if SECOND_STAGE in manifest["files"]:
                second_stage = (folder / SECOND_STAGE).read_text(encoding="utf-8")
            lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            bundle = cls(
                catalog=Catalog.load(folder),
                vectors={
                    name.removesuffix(_VECTORS): array
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
                history=[json.loads(line) for line in lines],
                measured=of_split,
                terms=_terms(folder, "", manifest["terms"]),
                second_stage=second_stage,
                word_weight=arrays.get("word_weight"),
                title_growth=arrays.get("title_growth"),
            )
            object.__setattr__(bundle, "folder", folder)  # frozen for everyone else
            return bundle
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"{folder}: is not a complete bundle ({error})") from error


def _terms(folder: Path, prefix: str, names: list[str]) -> Terms:
    """The arrays of some terms."""
    return {name: _mapped(folder / f"{prefix}term-{name}.safetensors") for name in names}


_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}


def _mapped(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, memory-mapped for reading.

    The library's own NumPy loader copies them. The format: eight bytes with the length of a JSON
    header, the header, then the arrays' bytes (https://huggingface.co/docs/safetensors, "Format").

    Raises
    ------
    ValueError, KeyError, TypeError, OSError
        If the file is not in that format.
    """
    content = np.asarray(np.memmap(path, np.uint8, mode="r"))
    size = int.from_bytes(content[:8].tobytes(), "little")
    header, data = json.loads(content[8 : 8 + size].tobytes()), content[8 + size :]
    header.pop("__metadata__", None)
    arrays = {}
    for name, facts in header.items():
        start, stop = facts["data_offsets"]
        if not 0 <= start <= stop <= len(data):
            raise ValueError(f"{path.name}: {name} lies outside the file")
        arrays[name] = data[start:stop].view(_DTYPES[facts["dtype"]]).reshape(facts["shape"])
    return arrays
