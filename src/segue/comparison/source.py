"""The data of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from segue.errors import InputError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe


@dataclass(frozen=True)
class Source:
    """The data of a comparison: a graph or its k-core, and its split."""

    graph: Path
    recipe: SplitRecipe
    k_core: int = 0

    def load(self) -> Split:
        """Read the graph and draw the split.

        Raises
        ------
        ArtefactError
            If the graph cannot be read.
        InputError
            If the k-core is empty, or nothing can be held out.
        """
        graph = PlaylistGraph.load(self.graph)
        if self.k_core:
            graph = graph.k_core(self.k_core)
            graph = replace(graph, options={**graph.options, "k_core": self.k_core})
            if not graph.playlists.tracks.num_pairs:
                raise InputError(
                    f"{self.graph}: its {self.k_core}-core is empty; a smaller --k-core leaves more"
                )
        try:
            split = split_graph(graph, self.recipe)
        except InputError as error:
            raise InputError(f"{self.graph}: is too small to compare on ({error})") from None
        if not split.validation.targets.num_pairs or not split.test.targets.num_pairs:
            raise InputError(f"{self.graph}: is too small to compare on (nothing is held out)")
        return split
