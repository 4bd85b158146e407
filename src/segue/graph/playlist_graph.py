"""`PlaylistGraph`: playlists, tracks and related nodes as one typed graph."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from segue.data.playlists import (
    BoolArray,
    Catalog,
    Int32Array,
    Int64Array,
    Playlists,
    TrackLists,
)
from segue.data.relations import Relation, update_digest
from segue.errors import ArtefactError, InputError
from segue.files import atomic_artefact, read_manifest
from segue.graph.kcore import k_core

INTERACTION = ("playlist", "contains", "track")


@dataclass(frozen=True, eq=False)
class PlaylistGraph:
    """A heterogeneous graph of playlists, tracks and related nodes.

    *Interaction* edges (playlist–contains–track) are what is predicted. *Structural* edges
    (track–by–artist, track–on–album, playlist–titled–word) carry messages and are never
    predicted; artists, albums and words are never candidates or negatives.

    Attributes
    ----------
    playlists : Playlists
        Its pairs are the interaction edges, in the order of the playlists.
    catalog : Catalog
        The nodes, and the structural edges of tracks; those of playlists are in `playlists`.
    options : dict
        How the graph was made (source, slices, k-core …), for its manifest.

    Examples
    --------
    >>> graph.save("another-graph")
    >>> segue.PlaylistGraph.load("another-graph").fingerprint == graph.fingerprint
    True
    """

    playlists: Playlists
    catalog: Catalog
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError if playlists point outside the catalogue."""
        self.catalog.check_holds(self.playlists)

    def __repr__(self) -> str:
        """``PlaylistGraph(1,000 playlists, 34,000 tracks, …, 66,000 pairs)``."""
        sizes = [f"{size:,} {kind}s" for kind, size in self.num_nodes.items()]
        return f"PlaylistGraph({', '.join(sizes)}, {self.playlists.tracks.num_pairs:,} pairs)"

    @property
    def num_nodes(self) -> dict[str, int]:
        """Number of nodes by kind: playlists, tracks, then the structural kinds."""
        counts = {kind: len(nodes) for kind, nodes in self.catalog.nodes.items()}
        return {"playlist": len(self.playlists), **counts}

    @property
    def relations(self) -> dict[str, Relation]:
        """The structural relations by target kind."""
        return {**self.catalog.relations, **self.playlists.relations}

    def relation(self, kind: str) -> Relation:
        """The structural relation that leads to a kind (InputError if there is none)."""
        found = self.relations.get(kind)
        if found is None:
            raise InputError(
                f"relation {kind!r} is not known, expected some of: {', '.join(self.relations)}"
            )
        return found

    @property
    def num_edges(self) -> dict[tuple[str, str, str], int]:
        """Number of edges by relation."""
        structural = {relation.key: relation.num_edges for relation in self.relations.values()}
        return {INTERACTION: self.playlists.tracks.num_pairs, **structural}

    def edge_index(self, key: tuple[str, str, str]) -> Int32Array:
        """Edges of a relation: int32 [2, num_edges], source row above target row."""
        if key == INTERACTION:
            tracks = self.playlists.tracks
            return np.stack([tracks.list_index().astype(np.int32), tracks.track_index])
        for relation in self.relations.values():
            if relation.key == key:
                return np.stack([relation.source_index, relation.target_index])
        raise ValueError(f"the graph has no relation {key}")

    @cached_property
    def popularity(self) -> Int64Array:
        """Number of playlists of each track: int64 [num_tracks]."""
        return self.playlists.tracks.track_counts(self.catalog.num_tracks)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all ids and edges: equal for equal graphs, however they are stored."""
        digest = hashlib.sha256()
        catalog, playlists = self.catalog, self.playlists
        update_digest(digest, *(nodes.ids for nodes in catalog.nodes.values()))
        for relation in catalog.relations.values():
            relation.update_digest(digest)
        update_digest(digest, playlists.ids)
        update_digest(digest, playlists.tracks.offsets, playlists.tracks.track_index)
        update_digest(digest, playlists.order_known)
        for relation in playlists.relations.values():
            relation.update_digest(digest)
        return digest.hexdigest()

    def k_core(self, k: int) -> PlaylistGraph:
        """The graph of the `k`-core, with the artists, albums and words that still have edges."""
        core = k_core(self.playlists.tracks, self.catalog.num_tracks, k)
        playlists = self.playlists.rows(np.flatnonzero(core.playlists))
        # Pairs with a removed track are removed, too.
        tracks = playlists.tracks.keep(core.tracks[playlists.tracks.track_index])
        new_row = np.cumsum(core.tracks, dtype=np.int32) - np.int32(1)
        catalog, relations = self.catalog.keep_tracks(core.tracks), {}
        for kind, relation in playlists.relations.items():
            relations[kind], used = relation.compacted()
            catalog = catalog.with_nodes(kind, catalog.nodes[kind].take(used))
        kept = replace(
            playlists,
            tracks=TrackLists(tracks.offsets, new_row[tracks.track_index]),
            relations=relations,
        )
        return PlaylistGraph(kept, catalog, dict(self.options))

    def with_tracks(self, tracks: TrackLists) -> PlaylistGraph:
        """The same nodes and structural edges with other interaction edges."""
        return PlaylistGraph(self.playlists.with_tracks(tracks), self.catalog, dict(self.options))

    def without_relations_of(self, playlists: BoolArray) -> PlaylistGraph:
        """The same without structural edges of some playlists (bool [num_playlists])."""
        relations = {
            kind: relation.keep_sources(~playlists)
            for kind, relation in self.playlists.relations.items()
        }
        kept = replace(self.playlists, relations=relations)
        return PlaylistGraph(kept, self.catalog, dict(self.options))

    def to_hetero_data(self) -> Any:
        """Export as a ``torch_geometric.data.HeteroData`` (needs PyTorch Geometric).

        Node types ``playlist``, ``track``, ``artist``, ``album`` and so on with ``num_nodes``;
        each relation's ``edge_index`` is int64 [2, num_edges].
        """
        import torch
        from torch_geometric.data import HeteroData

        data = HeteroData()
        for node_type, count in self.num_nodes.items():
            data[node_type].num_nodes = count
        for key in self.num_edges:
            edges = self.edge_index(key).astype(np.int64)
            data[key].edge_index = torch.from_numpy(edges)
        return data

    def save(
        self, folder: str | Path, *, overwrite: bool = False, extra: Path | None = None
    ) -> None:
        """Write the graph as an artefact: Arrow files and a manifest, all or nothing.

        Parameters
        ----------
        folder
            Where to write.
        overwrite
            Whether to replace an existing artefact.
        extra
            A file to move into the folder (the skipped records).
        """
        with atomic_artefact(Path(folder), "graph", overwrite=overwrite) as writer:
            self.catalog.save(writer.folder)
            self.playlists.save(writer.folder)
            if extra is not None:
                (writer.folder / "skipped.jsonl").write_bytes(extra.read_bytes())
            writer.content.update(
                fingerprint=self.fingerprint,
                num_nodes=self.num_nodes,
                num_edges={" ".join(key): n for key, n in self.num_edges.items()},
                options=self.options,
            )

    @classmethod
    def load(cls, folder: str | Path, *, verify: bool = True) -> PlaylistGraph:
        """Read a graph; its arrays are memory-mapped, not copied.

        Raises
        ------
        ArtefactError
            If `folder` is not a graph, or with `verify` if a file has changed since it was written.
        """
        folder = Path(folder)
        manifest = read_manifest(folder, "graph", verify=verify)
        options = manifest.get("options")
        try:
            if not isinstance(options, dict):
                raise ValueError("its options are something else")
            graph = cls(Playlists.load(folder), Catalog.load(folder), options)
        except (ValueError, OverflowError) as error:
            raise ArtefactError(f"{folder}: is damaged ({error})") from error
        if graph.fingerprint != manifest.get("fingerprint"):
            raise ArtefactError(f"{folder}: is damaged (its fingerprint differs)")
        return graph
