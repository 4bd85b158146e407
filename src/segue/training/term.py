"""`TermConfig`: how a term of the score is fitted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from segue.memory import require_memory
from segue.scoring.term import StoredTerm

if TYPE_CHECKING:
    from segue.graph.playlist_graph import PlaylistGraph


@dataclass(frozen=True)
class TermConfig(ABC):
    """How a term is fitted to a training graph.

    Attributes
    ----------
    label
        Name of the term in messages.
    needs
        Kinds of nodes whose messages training must have for the term to be fitted.
    """

    label: ClassVar[str]
    needs: ClassVar[frozenset[str]] = frozenset()

    def require(self, graph: PlaylistGraph) -> None:
        """Raise ResourceError if this machine's memory cannot hold what the fit needs."""
        require_memory(self.memory(graph), self.purpose(graph))

    @abstractmethod
    def purpose(self, graph: PlaylistGraph) -> str:
        """What needs the memory, in messages: ``"the wide part of 2,262,292 tracks"``."""

    @abstractmethod
    def memory(self, graph: PlaylistGraph) -> int:
        """Bytes that `fit` needs at its peak, roughly, besides the graph."""

    @abstractmethod
    def stored_bytes(self, graph: PlaylistGraph) -> int:
        """Bytes that the term takes in memory and in a bundle, at most."""

    def seconds(self, graph: PlaylistGraph) -> float | None:
        """About how long `fit` takes, from trying a part of it; None where that is not tried."""
        return None

    @abstractmethod
    def fit(self, graph: PlaylistGraph, begun: Path | None = None) -> StoredTerm[Any]:
        """The term, fitted to a training graph (ResourceError if it needs too much memory).

        `begun` is where a fit that takes long may keep what it has found: fitted to the same graph
        again, it goes on from there. It is for the caller to remove.
        """
