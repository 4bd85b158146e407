"""From node vectors to query vectors: a playlist is the centroid of its contents."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.sparse import SparseMatrix


class CentroidReadout(nn.Module):
    """The query vector of a playlist: the normalised weighted mean of its visible tracks.

        q_p = unit(Σ_t w_t · unit(h_t)),   w_t = exp(salience_t) · |h_t| / √deg_t

    The salience of each track is learned, 0 at the start; popular tracks say less about a playlist,
    hence the degree. As the length |h_t| is part of the weight, the sum is over the encoder's own
    vectors; serving uses unit vectors and the weights.

    Parameters
    ----------
    num_tracks
        Number of tracks.
    """

    def __init__(self, num_tracks: int) -> None:
        super().__init__()
        self.salience = nn.Parameter(torch.zeros(num_tracks))

    def forward(self, visible: SparseMatrix, track: Tensor, popularity: Tensor) -> Tensor:
        """Unit query vectors of a batch.

        Parameters
        ----------
        visible : SparseMatrix [batch_size, num_tracks]
            1 where a playlist shows a track.
        track : float [num_tracks, dim]
            The encoder's track vectors.
        popularity : float [num_tracks]
            Number of training playlists of each track, at least 1.

        Returns
        -------
        float [batch_size, dim]
        """
        scale = torch.exp(self.salience) / torch.sqrt(popularity)
        return nn.functional.normalize(visible @ (scale[:, None] * track))

    @torch.no_grad()
    def query_weight(self, track: Tensor, popularity: Tensor) -> Tensor:
        """The weight w_t of each track's unit vector: float [num_tracks]."""
        length: Tensor = torch.linalg.vector_norm(track, dim=1)
        return torch.exp(self.salience) * length / torch.sqrt(popularity)
