"""From node vectors to query vectors: a playlist is the centroid of its contents."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.sparse import SparseMatrix


class CentroidReadout(nn.Module):
    """The query vector of a playlist: the normalised weighted mean of its visible contents.

        q_p = unit(Σ_t w_t · unit(h_t) + (1 + n)^c · Σ_x w_x · unit(h_x) / k_x)
        w_t = exp(salience_t) · |h_t| / √deg_t
        w_x = exp(salience_x + b) · |h_x| / √deg_x

    over its n tracks t and the words x of its title, where the graph has words; k_x is 1 for a
    whole word and the number of parts in the title for a part of a rare word. The salience of each
    track and word is learned, 0 at the start, and so are b, by which titles are left out where they
    say nothing, and c, which says how much of a title's weight remains beside many tracks. Popular
    tracks and frequent words say less about a playlist, hence the degree. As the length |h| is part
    of the weight, the sum is over the encoder's own vectors; serving uses unit vectors and the
    weights.

    Parameters
    ----------
    num_tracks
        Number of tracks.
    num_words
        Number of title words.
    """

    def __init__(self, num_tracks: int, num_words: int = 0) -> None:
        super().__init__()
        self.salience = nn.Parameter(torch.zeros(num_tracks))
        self.word_salience = nn.Parameter(torch.zeros(num_words)) if num_words else None
        self.title_salience = nn.Parameter(torch.zeros(())) if num_words else None
        self.title_growth = nn.Parameter(torch.zeros(())) if num_words else None

    def forward(
        self,
        visible: SparseMatrix,
        track: Tensor,
        popularity: Tensor,
        titles: tuple[SparseMatrix, Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Unit query vectors of a batch.

        Parameters
        ----------
        visible : SparseMatrix [batch_size, num_tracks]
            1 where a playlist shows a track.
        track : float [num_tracks, dim]
            The encoder's track vectors.
        popularity : float [num_tracks]
            Number of training playlists of each track, at least 1.
        titles : (SparseMatrix [batch_size, num_words], [num_words, dim], [num_words])
            1/k where a playlist shows a word of its title, the encoder's word vectors, and the
            number of titles of each word, at least 1; None: no titles.

        Returns
        -------
        float [batch_size, dim]
        """
        scale = torch.exp(self.salience) / torch.sqrt(popularity)
        total = visible @ (scale[:, None] * track)
        if titles is not None and self.title_growth is not None:
            shown, word, frequency = titles
            of_titles = shown @ (self._word_scale(frequency)[:, None] * word)
            length = 1 + visible.offsets.diff().to(track)
            total = total + length[:, None] ** self.title_growth * of_titles
        return nn.functional.normalize(total)

    def _word_scale(self, frequency: Tensor) -> Tensor:
        if self.word_salience is None or self.title_salience is None:
            raise ValueError("the readout was made without words")
        return torch.exp(self.word_salience + self.title_salience) / torch.sqrt(frequency)

    @torch.no_grad()
    def query_weight(self, track: Tensor, popularity: Tensor) -> Tensor:
        """The weight w_t of each track's unit vector: float [num_tracks]."""
        length: Tensor = torch.linalg.vector_norm(track, dim=1)
        return torch.exp(self.salience) * length / torch.sqrt(popularity)

    @torch.no_grad()
    def word_weight(self, word: Tensor, frequency: Tensor) -> Tensor:
        """The weight w_x of each word's unit vector: float [num_words]."""
        length: Tensor = torch.linalg.vector_norm(word, dim=1)
        return self._word_scale(frequency) * length
