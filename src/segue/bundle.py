"""`Bundle`: what training leaves and all that serving needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file
from scipy.sparse import csr_array

from segue.data.playlists import (
    Catalog,
    Float32Array,
    Int32Array,
    Int64Array,
    Playlists,
    TrackLists,
)
from segue.errors import ArtefactError
from segue.files import atomic_artefact, read_manifest, write_json_lines
from segue.names.name_file import write_names

SECOND_STAGE = "second_stage.txt"
# The arrays of a wide part.
_WIDE = ("offsets", "track_index", "weight")


@dataclass(frozen=True, eq=False)
class WidePart:
    """Sparse weights W of tracks by tracks; a track t of a query adds W_tu to the score of u.

    A few hundred dimensions cannot hold every pair of tracks that often stands together. This
    can, and like the vectors it is summed over the tracks of a query, so that parts of a score
    stay exact.

    Attributes
    ----------
    offsets : int64 [num_tracks + 1]
        Where the weights of each track of a query begin.
    track_index : int32 [num_weights]
        The tracks that they are given to, ascending within each.
    weight : float32 [num_weights]
    """

    offsets: Int64Array
    track_index: Int32Array
    weight: Float32Array

    def __post_init__(self) -> None:
        """Refuse arrays that are no such matrix (ValueError)."""
        if self.weight.shape != self.track_index.shape or not np.isfinite(self.weight).all():
            raise ValueError("the wide part must hold one finite weight a pair of tracks")
        steps = np.diff(self.offsets)
        if not len(self.offsets) or self.offsets[0] != 0 or (steps < 0).any():
            raise ValueError("the offsets of the wide part must ascend from 0")
        if self.offsets[-1] != len(self.weight):
            raise ValueError("the offsets of the wide part must end at the number of its weights")
        inside = (self.track_index >= 0) & (self.track_index < self.num_tracks)
        if not inside.all():
            raise ValueError("the wide part points at tracks that are not there")
        row = np.repeat(np.arange(self.num_tracks), steps)
        later = np.diff(row * self.num_tracks + self.track_index)
        if not (later > 0).all():
            raise ValueError("the tracks of each row of the wide part must ascend")

    @classmethod
    def from_matrix(cls, matrix: csr_array) -> WidePart:
        """From a sparse matrix of tracks by tracks."""
        matrix = matrix.sorted_indices()
        return cls(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float32),
        )

    @property
    def num_tracks(self) -> int:
        """Number of tracks."""
        return len(self.offsets) - 1

    @cached_property
    def matrix(self) -> csr_array:
        """W as SciPy has it: float32 [num_tracks, num_tracks]."""
        shape = (self.num_tracks, self.num_tracks)
        return csr_array((self.weight, self.track_index, self.offsets), shape=shape)

    def scores(self, tracks: TrackLists, share: Float32Array | None = None) -> csr_array:
        """What the wide part adds to the scores for some lists: sparse [num_lists, num_tracks].

        `share` (float32 [num_pairs]) is how much each track counts, by default 1.
        """
        if share is None:
            share = np.ones(tracks.num_pairs, dtype=np.float32)
        shape = (len(tracks), self.num_tracks)
        return csr_array((share, tracks.track_index, tracks.offsets), shape=shape) @ self.matrix

    def with_tracks(self, num_tracks: int) -> WidePart:
        """The same with further tracks after the others, of which nothing is known."""
        more = np.full(num_tracks - self.num_tracks, self.offsets[-1])
        return WidePart(np.append(self.offsets, more), self.track_index, self.weight)


@dataclass(frozen=True, eq=False)
class MeasuredVectors:
    """What a bundle's metrics were measured with, trained on its split alone.

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim]
        Of unit length.
    query_weight : float32 [num_tracks]
    popularity : int64 [num_tracks]
        Playlists of each track in the split's training graph.
    wide : WidePart or None
    """

    track_vectors: Float32Array
    query_weight: Float32Array
    popularity: Int64Array
    wide: WidePart | None = None


@dataclass(frozen=True, eq=False)
class Bundle:
    """A trained recommender as arrays and facts; no torch, no pickle.

    Attributes
    ----------
    catalog : Catalog
    track_vectors : float32 [num_tracks, dim]
        Of unit length.
    artist_vectors : float32 [num_artists, dim]
        Of unit length.
    album_vectors : float32 [num_albums, dim] or None
        Of unit length; None where albums carried no messages.
    query_weight : float32 [num_tracks]
        How much each track counts in a query, at least 0.
    popularity : int64 [num_tracks]
        Playlists of each track in the graph that the vectors were trained on: the whole graph, or
        without a refit the split's training graph.
    playlists : Playlists or None
        All playlists with all their tracks; None where other people's playlists were left out.
    config : dict
        How the model was trained.
    metrics : dict
        Measured on the split's test pairs.
    split : dict
        The split's recipe and fingerprint.
    graph_fingerprint : str
        Of the graph that was split.
    history : list of dict
        One entry an epoch.
    measured : MeasuredVectors or None
        Where the vectors above were refitted on all pairs: those that `metrics` are of.
    wide : WidePart or None
        What single tracks say of each other, beside the vectors.
    second_stage : str or None
        A model of LightGBM in its own text form, which orders the best tracks anew (see
        `segue.scoring.second_stage`).
    folder : Path or None
        Where the bundle was read from, so that who needs its companion files finds them; None
        where it was made in memory or changed since.
    """

    catalog: Catalog
    track_vectors: Float32Array
    artist_vectors: Float32Array
    query_weight: Float32Array
    popularity: Int64Array
    playlists: Playlists | None
    config: dict[str, Any]
    metrics: dict[str, Any]
    split: dict[str, Any]
    graph_fingerprint: str
    history: list[dict[str, Any]] = field(default_factory=list)
    album_vectors: Float32Array | None = None
    measured: MeasuredVectors | None = None
    wide: WidePart | None = None
    second_stage: str | None = None
    folder: Path | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together (ValueError)."""
        num_tracks, dim = self.catalog.num_tracks, self.track_vectors.shape[-1]
        for kind in ("track", "artist", "album"):
            name, rows = f"{kind}_vectors", getattr(self.catalog, f"num_{kind}s")
            vectors = getattr(self, name)
            if kind == "album" and vectors is None:
                continue
            if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != rows:
                raise ValueError(f"{name} must be float32 with {rows} rows")
            # Without a copy of them all, which `norm` makes.
            length = np.sqrt(np.einsum("rd,rd->r", vectors, vectors))
            # A node that no message reaches may stay at zero.
            if not ((np.abs(length - 1) < 1e-3) | (length == 0)).all():
                raise ValueError(f"{name} must be of unit length")
            if vectors.shape[1] != dim:
                raise ValueError(f"track_vectors and {name} differ in dim")
        for name in ("query_weight", "popularity"):
            column = getattr(self, name)
            if column.shape != (num_tracks,) or not (column >= 0).all():
                raise ValueError(f"{name} must hold one number of at least 0 a track")
        if not np.isfinite(self.query_weight).all():
            raise ValueError("query_weight must be finite")
        if self.measured is not None:
            arrays = "track_vectors", "query_weight", "popularity"
            shapes = [getattr(self.measured, name).shape for name in arrays]
            if shapes != [(num_tracks, dim), (num_tracks,), (num_tracks,)]:
                raise ValueError("the measured vectors are not as many or as long as the others")
        for part in (self.wide, self.measured.wide if self.measured is not None else None):
            if part is not None and part.num_tracks != num_tracks:
                raise ValueError("the wide part has not as many rows as there are tracks")
        if self.playlists is not None:
            self.catalog.check_holds(self.playlists)

    def save(
        self,
        folder: str | Path,
        *,
        overwrite: bool = False,
        companions: Iterable[Callable[[Path], None]] = (),
    ) -> None:
        """Write the bundle as an artefact, all or nothing.

        ``vectors.safetensors``, after a refit ``measured.safetensors``, the wide part of both as
        ``wide.safetensors`` and ``measured-wide.safetensors``, ``second_stage.txt``, the
        catalogue's and playlists' Arrow files, the index of names ``names.sqlite``,
        ``metrics.jsonl`` and the manifest with configuration, metrics, split and fingerprints.
        Each of the `companions` is called with the folder that is being written and adds files of
        its own, such as an ANN index; the manifest covers them too.
        """
        folder = Path(folder)
        with atomic_artefact(folder, "bundle", overwrite=overwrite) as writer:
            names = (
                "track_vectors",
                "artist_vectors",
                "album_vectors",
                "query_weight",
                "popularity",
            )
            files = {"vectors": {name: getattr(self, name) for name in names}}
            parts = {"wide": self.wide}
            if self.measured is not None:
                measured = dict(vars(self.measured))
                parts["measured-wide"] = measured.pop("wide")
                files["measured"] = measured
            for file, part in parts.items():
                if part is not None:
                    files[file] = {name: getattr(part, name) for name in _WIDE}
            for file, arrays in files.items():
                content = {n: np.ascontiguousarray(a) for n, a in arrays.items() if a is not None}
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
            )

    @classmethod
    def load(cls, folder: Path, *, verify: bool = True, measured: bool = False) -> Bundle:
        """Read a bundle; its measured vectors, which nothing but measuring needs, if asked for.

        All arrays are mapped, not copied: they cannot be written to, and processes share them.

        Raises
        ------
        ArtefactError
            If `folder` is no bundle, or with `verify` if a file is not as it was written.
        """
        manifest = read_manifest(folder, "bundle", verify=verify)
        try:
            arrays = _mapped(folder / "vectors.safetensors")
            of_split = None
            if measured and "measured.safetensors" in manifest["files"]:
                of_split = MeasuredVectors(
                    **_mapped(folder / "measured.safetensors"),
                    wide=_wide(folder, "measured-wide", manifest),
                )
            second_stage = None
            if SECOND_STAGE in manifest["files"]:
                second_stage = (folder / SECOND_STAGE).read_text(encoding="utf-8")
            lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            bundle = cls(
                catalog=Catalog.load(folder),
                playlists=Playlists.load(folder) if manifest["has_playlists"] else None,
                config=manifest["config"],
                metrics=manifest["metrics"],
                split=manifest["split"],
                graph_fingerprint=manifest["graph_fingerprint"],
                history=[json.loads(line) for line in lines],
                measured=of_split,
                wide=_wide(folder, "wide", manifest),
                second_stage=second_stage,
                **arrays,
            )
            object.__setattr__(bundle, "folder", folder)  # frozen for everyone else
            return bundle
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"{folder}: is not a whole bundle ({error})") from error


def _wide(folder: Path, file: str, manifest: dict[str, Any]) -> WidePart | None:
    """The wide part that a file holds; None where there is no such file."""
    name = f"{file}.safetensors"
    return WidePart(**_mapped(folder / name)) if name in manifest["files"] else None


_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}


def _mapped(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, mapped into memory for reading.

    The library's own loader for NumPy copies them. The format: eight bytes with the length of a
    header in JSON, the header, then the arrays' bytes
    (https://huggingface.co/docs/safetensors, "Format").

    Raises
    ------
    ValueError, KeyError, TypeError, OSError
        If the file is not of that format.
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
