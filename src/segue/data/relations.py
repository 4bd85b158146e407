"""`Nodes` and `Relation`: the typed nodes of a graph and the edges between them, as data.

Node kinds are plain words: ``playlist`` and ``track``, and the *structural* kinds ``artist``,
``album`` and ``word``. Dictionaries of nodes, relations, vectors and counts are keyed by them. A
structural kind is linked to playlists or tracks by exactly one relation, so that its name also
identifies the relation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.data.csr import check_csr, entries_of, offsets_of, row_index

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Nodes:
    """Nodes of one kind: identifiers from the source, and names.

    Attributes
    ----------
    ids : Arrow string [num_nodes]
        All different.
    names : Arrow string [num_nodes]
    aliases : Arrow list of string [num_nodes] or None
        Further identifiers of each, after their scheme: ``isrc:GBUM71029604`` (in upper case, no
        hyphens), ``mbid:b1a9c0e9-d987-4042-ae91-78d6a3267d69`` (in lower case). None where no node
        has any.
    """

    ids: pa.Array
    names: pa.Array
    aliases: pa.Array | None = None

    @classmethod
    def of_different(cls, ids: pa.Array, names: pa.Array, aliases: pa.Array | None = None) -> Nodes:
        """Nodes whose ids are known to be all different, which millions take a second to check."""
        nodes = cls(ids, names, aliases)
        if len(ids) == len(names) and aliases is None:
            vars(nodes)["_problem"] = ""
        return nodes

    def __repr__(self) -> str:
        """``Nodes(34,000)``."""
        return f"Nodes({len(self):,})"

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self.ids)

    @cached_property
    def index_of(self) -> dict[str, int]:
        """Id → row."""
        return {an_id: row for row, an_id in enumerate(self.ids.to_pylist())}

    def take(self, rows: NDArray[np.integer]) -> Nodes:
        """Some of the nodes, by row."""
        places = pa.array(rows)
        aliases = None if self.aliases is None else self.aliases.take(places)
        return Nodes(self.ids.take(places), self.names.take(places), aliases)

    def joined(self, other: Nodes) -> Nodes:
        """These nodes followed by others."""
        aliases = None
        if self.aliases is not None or other.aliases is not None:
            parts = [
                lists_of({}, len(n)) if n.aliases is None else n.aliases for n in (self, other)
            ]
            aliases = pa.concat_arrays(parts)
        return Nodes(
            pa.concat_arrays([self.ids, other.ids]),
            pa.concat_arrays([self.names, other.names]),
            aliases,
        )

    def check(self, kind: str) -> None:
        """Raise ValueError if columns differ in length or ids repeat."""
        if self._problem:
            raise ValueError(f"{kind} {self._problem}")

    @cached_property
    def _problem(self) -> str:
        # Kept: catalogues share their nodes, and millions of ids take a second.
        if len(self.ids) != len(self.names):
            return "ids and names differ in length"
        if self.names.null_count:
            return "names must be present, empty where one is unknown"
        if self.aliases is not None and len(self.aliases) != len(self.ids):
            return "ids and aliases differ in length"
        return problem_of_ids(self.ids)


@dataclass(frozen=True, eq=False)
class Relation:
    """Edges from nodes of one kind to nodes of another; a node may have many edges or none.

    Attributes
    ----------
    name : str
        What the edge means, as in track–*by*–artist.
    source, target : str
        Node kinds.
    offsets : int64 [num_sources + 1], target_index : int32 [num_edges]
        The edges in CSR form: those of source i go to
        ``target_index[offsets[i]:offsets[i + 1]]``, the main one first.
    num_targets : int
        Number of nodes of the target kind.

    Examples
    --------
    >>> by = graph.catalog.relations["artist"]
    >>> by.name, by.source, by.target
    ('by', 'track', 'artist')
    """

    name: str
    source: str
    target: str
    offsets: NDArray[np.int64]
    target_index: NDArray[np.int32]
    num_targets: int

    def __post_init__(self) -> None:
        """Raise ValueError unless the arrays form such edges."""
        check_csr(
            self.offsets, self.target_index, "target_index", f"a {self.target} repeats in a row"
        )
        if len(self.target_index) and self.target_index.max() >= self.num_targets:
            raise ValueError(f"{self} points outside the {self.target}s")

    @classmethod
    def single(
        cls, name: str, source: str, target: str, column: NDArray[np.int32], num_targets: int
    ) -> Relation:
        """At most one edge per node, from a column of targets: int32 [num_sources], −1 for none."""
        if column.dtype != np.int32 or column.ndim != 1:
            raise ValueError(f"the {target} of each {source} must be a column of int32")
        if len(column) and column.min() < -1:
            raise ValueError(f"{source} {name} {target} points outside the {target}s")
        has = column >= 0
        return cls(name, source, target, offsets_of(has.astype(np.int64)), column[has], num_targets)

    def check_ends(self, source: str, num_sources: int, target: str) -> None:
        """Raise ValueError unless the relation has these ends."""
        if (self.source, self.target) != (source, target):
            raise ValueError(f"{self} does not lead from {source} to {target}")
        if self.num_sources != num_sources:
            raise ValueError(f"{self} must hold the edges of {num_sources} {source}s")

    def __str__(self) -> str:
        """``"track by artist"``."""
        return " ".join(self.key)

    def __repr__(self) -> str:
        """``Relation(track by artist, 34,000 edges)``."""
        return f"Relation({self}, {self.num_edges:,} edges)"

    @property
    def key(self) -> tuple[str, str, str]:
        """Source kind, name, target kind: the edge type as in PyTorch Geometric."""
        return self.source, self.name, self.target

    @property
    def num_sources(self) -> int:
        """Number of nodes of the source kind."""
        return len(self.offsets) - 1

    @property
    def num_edges(self) -> int:
        """Number of edges."""
        return len(self.target_index)

    @property
    def source_degree(self) -> NDArray[np.int64]:
        """Number of edges of each source: int64 [num_sources]."""
        degree: NDArray[np.int64] = np.diff(self.offsets)
        return degree

    @property
    def target_degree(self) -> NDArray[np.int64]:
        """Number of edges of each target: int64 [num_targets]."""
        return np.bincount(self.target_index, minlength=self.num_targets)

    @property
    def source_index(self) -> NDArray[np.int32]:
        """The source of each edge: int32 [num_edges], non-decreasing."""
        return row_index(self.offsets).astype(np.int32)

    @cached_property
    def is_single(self) -> bool:
        """Whether no source has more than one edge."""
        return bool((np.diff(self.offsets) <= 1).all())

    @cached_property
    def main(self) -> NDArray[np.int32]:
        """The main target of each source: int32 [num_sources], −1 where there is none."""
        has = np.diff(self.offsets) > 0
        main = np.full(self.num_sources, -1, dtype=np.int32)
        main[has] = self.target_index[self.offsets[:-1][has]]
        return main

    @cached_property
    def matrix(self) -> csr_array:
        """Ones where there is an edge: sparse float32 [num_sources, num_targets]."""
        from scipy.sparse import csr_array  # it takes a while to load

        ones = np.ones(self.num_edges, dtype=np.float32)
        shape = (self.num_sources, self.num_targets)
        return csr_array((ones, self.target_index, self.offsets), shape=shape)

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        """The targets of one source, the main one first."""
        return self.target_index[self.offsets[row] : self.offsets[row + 1]]

    def sources_of(self, targets: NDArray[np.integer]) -> NDArray[np.int64]:
        """The sources with an edge to any of some targets: int64, ascending."""
        if len(targets) == 1:  # an artist in a query: several times as fast
            edges = np.flatnonzero(self.target_index == int(targets[0]))
        else:
            wanted = np.zeros(self.num_targets, dtype=bool)
            wanted[targets] = True
            edges = np.flatnonzero(wanted[self.target_index])
        sources: NDArray[np.int64] = np.searchsorted(self.offsets, edges, side="right") - 1
        return sources if self.is_single else np.unique(sources)

    def rows(self, rows: NDArray[np.integer]) -> Relation:
        """The edges of some sources, which become its rows."""
        edges = entries_of(self.offsets, rows)
        # Not the difference of all offsets: a list asks for a few rows of millions.
        offsets = offsets_of(self.offsets[rows + 1] - self.offsets[rows])
        return replace(self, offsets=offsets, target_index=self.target_index[edges])

    def compacted(self) -> tuple[Relation, NDArray[np.int64]]:
        """The relation restricted to targets that have an edge, in order, and their rows."""
        used = np.zeros(self.num_targets, dtype=bool)
        used[self.target_index] = True
        kept = np.flatnonzero(used)
        place = np.cumsum(used, dtype=np.int32) - np.int32(1)
        return self.with_targets(place, len(kept)), kept

    def with_targets(self, row: NDArray[np.integer], num_targets: int) -> Relation:
        """The same edges with target i renumbered to `row[i]`; edges to −1 are dropped."""
        target_index = row[self.target_index].astype(np.int32)
        kept = target_index >= 0
        lengths = np.bincount(self.source_index[kept], minlength=self.num_sources)
        return replace(
            self,
            offsets=offsets_of(lengths),
            target_index=target_index[kept],
            num_targets=num_targets,
        )

    def keep_sources(self, kept: NDArray[np.bool_]) -> Relation:
        """The same sources, with edges only where `kept` (bool [num_sources]) is true."""
        edges = np.repeat(kept, self.source_degree)
        return replace(
            self,
            offsets=offsets_of(self.source_degree * kept),
            target_index=self.target_index[edges],
        )

    def without_edges(self, num_sources: int) -> Relation:
        """The same relation for sources without edges."""
        offsets, target_index = np.zeros(num_sources + 1, np.int64), np.zeros(0, np.int32)
        return replace(self, offsets=offsets, target_index=target_index)

    def joined(self, other: Relation) -> Relation:
        """These sources followed by those of `other`, whose targets have the same numbering."""
        return replace(
            self,
            offsets=np.append(self.offsets, self.offsets[-1] + other.offsets[1:]),
            target_index=np.append(self.target_index, other.target_index),
            num_targets=max(self.num_targets, other.num_targets),
        )

    def update_digest(self, digest: hashlib._Hash) -> None:
        """Feed the edges into a hash."""
        if self.is_single:
            # Keeps the fingerprints of graphs with one artist per track as they have always been.
            update_digest(digest, self.main)
        else:
            digest.update(str(self).encode())
            update_digest(digest, self.offsets, self.target_index)

    def to_arrow(self) -> tuple[pa.Field, pa.Array]:
        """The targets of each source: Arrow large list of int32 [num_sources], and its field."""
        lists = pa.LargeListArray.from_arrays(pa.array(self.offsets), pa.array(self.target_index))
        metadata = {"num_targets": str(self.num_targets)}
        return pa.field(str(self), lists.type, metadata=metadata), lists

    @classmethod
    def from_arrow(cls, field: pa.Field, lists: pa.Array) -> Relation:
        """Inverse of `to_arrow`; memory-mapped, not copied."""
        source, name, target = field.name.split(" ")
        offsets = np.asarray(lists.offsets, dtype=np.int64)
        target_index = np.asarray(lists.values, dtype=np.int32)
        num_targets = int(field.metadata[b"num_targets"])
        return cls(name, source, target, offsets, target_index, num_targets)


def lists_of(texts: Mapping[int, Sequence[str]], num_rows: int) -> pa.Array:
    """Texts by row, where there are any: Arrow list of string [num_rows], empty elsewhere."""
    lengths = np.zeros(num_rows, dtype=np.int64)
    for row, those in texts.items():
        lengths[row] = len(those)
    values = [text for row in sorted(texts) for text in texts[row]]
    offsets = pa.array(offsets_of(lengths).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(values, pa.string()))


def problem_of_ids(ids: pa.Array) -> str:
    """What is wrong with ids, empty where they are present and all different."""
    if ids.null_count or pc.count_distinct(ids).as_py() != len(ids):
        return "ids must be present and all different"
    return ""


def update_digest(digest: hashlib._Hash, *columns: pa.Array | NDArray[Any]) -> None:
    """Feed columns into a hash so that equal content gives an equal hash, however it is stored."""
    for column in columns:
        if isinstance(column, np.ndarray):
            digest.update(np.ascontiguousarray(column).data)
        else:
            # Values and lengths, not buffers, which may have an offset or padding.
            lengths = pc.fill_null(pc.binary_length(column), -1).to_numpy(zero_copy_only=False)
            digest.update(lengths.astype(np.int64).data)
            digest.update("".join(pc.fill_null(column, "").to_pylist()).encode())
