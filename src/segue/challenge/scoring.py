"""The three metrics of the RecSys Challenge 2018, by each of its definitions.

G are the hidden tracks of a playlist (distinct, h of them), R the list of 500 recommended, hits the
tracks in both, rank(t) the place of a track in R, from 1. Texts and programs of the time differ:

``organisers``
    R-precision with artists as in the organisers' papers (C.-W. Chen, P. Lamere, M. Schedl, H.
    Zamani: "RecSys Challenge 2018: Automatic Music Playlist Continuation", RecSys 2018):
    (|T(R₁…ₕ) ∩ T(G)| + ¼ |A(R₁…ₕ) ∩ A(G)|) / h, with T the tracks and A the distinct main artists
    of some tracks, those of hits included. nDCG as in the organisers' program (C. De Boom, Spotify,
    ``metrics.py``): 1 / log₂(rank + 1) summed over the hits, over the same sum for ranks 1 to
    min(h, 500).
``rules``
    The rules page (https://recsys-challenge.spotify.com/rules, and later on AIcrowd): R-precision
    of tracks alone, hits in the first h / h. nDCG with gain 1 for the first rank and 1 / log₂(rank)
    for others, over the same sum for ranks 1 to |hits|: it is of the hits' order alone, and 0
    without any.
``vl6``
    The winning team's program (github.com/layer6ai-labs/RecSys2018, ``EvaluatorRPrecisionArtist``
    and ``EvaluatorBinaryNDCG``): ¼ only for the artist of a track that is not a hit, each artist
    once, over min(h, 500); nDCG as the organisers' program.

Clicks are the same in all of them: ⌊(rank of the first hit − 1) / 10⌋, 51 without a hit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, get_args

import numpy as np

from segue.challenge.challenge_set import Challenge, kinds_in_order, read_challenge
from segue.challenge.submission import LIST_LENGTH, read_submission
from segue.errors import InputError

Definitions = Literal["organisers", "rules", "vl6"]
DEFINITIONS: tuple[Definitions, ...] = get_args(Definitions)
METRICS = ("r-precision", "ndcg", "clicks")
ALL = "all"
_ARTIST_CREDIT = 0.25
_NO_CLICKS = LIST_LENGTH // 10 + 1


@dataclass(frozen=True)
class Scores:
    """Means over the playlists of a challenge set.

    Attributes
    ----------
    num_playlists : dict
        By kind, and in all under ``"all"``.
    values : dict
        The mean of each metric, by definitions, then kind, then metric.
    """

    num_playlists: dict[str, int]
    values: dict[Definitions, dict[str, dict[str, float]]]


def score(path: str | Path, challenge: str | Path | Challenge) -> Scores:
    """Score a submission.

    Parameters
    ----------
    path
        The submission, gzipped or not.
    challenge
        The folder that `make` wrote, or what has been read of it.

    Raises
    ------
    InputError
        If the submission breaks a rule, or a file cannot be read.

    Examples
    --------
    >>> from segue import challenge
    >>> found = challenge.score("submission.csv.gz", "challenge")
    >>> sorted(found.values["organisers"]["all"])
    ['clicks', 'ndcg', 'r-precision']
    """
    if not isinstance(challenge, Challenge):
        challenge = read_challenge(challenge)
    path = Path(path)

    def refuse(breach: str) -> NoReturn:
        raise InputError(f"{path}: is not a valid submission: {breach}")

    kind_of = {playlist.pid: playlist.kind for playlist in challenge.asked}
    measured: dict[str, list[list[float]]] = {}
    for pid, listed in read_submission(path, challenge.asked, refuse):
        targets = {track.track_uri: track.artist_uri for track in challenge.answers[pid].tracks}
        figures = measure(listed, targets, challenge.artist_of)
        row = [figures[by][metric] for by in DEFINITIONS for metric in METRICS]
        for kind in (kind_of[pid], ALL):
            measured.setdefault(kind, []).append(row)
    kinds = [*kinds_in_order(list(kind_of.values())), ALL]
    means = {kind: np.mean(measured[kind], axis=0).tolist() for kind in kinds}
    width = len(METRICS)
    return Scores(
        {kind: len(measured[kind]) for kind in kinds},
        {
            by: {
                kind: dict(zip(METRICS, means[kind][n * width : (n + 1) * width], strict=True))
                for kind in kinds
            }
            for n, by in enumerate(DEFINITIONS)
        },
    )


def measure(
    listed: Sequence[str], targets: Mapping[str, str | None], artist_of: Mapping[str, str]
) -> dict[Definitions, dict[str, float]]:
    """The metrics of one list, by definitions.

    Parameters
    ----------
    listed
        Recommended tracks, best first, each once.
    targets
        The hidden tracks, at least one, with their main artists.
    artist_of
        Main artists of other tracks.
    """
    num_targets = len(targets)
    ranks = [rank for rank, track in enumerate(listed, start=1) if track in targets]
    top = listed[:num_targets]
    num_hits = sum(rank <= num_targets for rank in ranks)
    wanted = {artist for artist in targets.values() if artist is not None}
    of_all = {targets.get(track, artist_of.get(track)) for track in top} & wanted
    of_misses = {artist_of.get(track) for track in top if track not in targets} & wanted
    clicks = float((ranks[0] - 1) // 10 if ranks else _NO_CLICKS)
    ndcg = _ndcg(ranks, min(num_targets, LIST_LENGTH))
    return {
        "organisers": {
            "r-precision": (num_hits + _ARTIST_CREDIT * len(of_all)) / num_targets,
            "ndcg": ndcg,
            "clicks": clicks,
        },
        "rules": {
            "r-precision": num_hits / num_targets,
            "ndcg": _ndcg_of_rules(ranks),
            "clicks": clicks,
        },
        "vl6": {
            "r-precision": (num_hits + _ARTIST_CREDIT * len(of_misses))
            / min(num_targets, LIST_LENGTH),
            "ndcg": ndcg,
            "clicks": clicks,
        },
    }


def _ndcg(ranks: Sequence[int], num_ideal: int) -> float:
    ideal = math.fsum(1 / math.log2(rank + 1) for rank in range(1, num_ideal + 1))
    return math.fsum(1 / math.log2(rank + 1) for rank in ranks) / ideal


def _ndcg_of_rules(ranks: Sequence[int]) -> float:
    if not ranks:
        return 0.0
    ideal = math.fsum(_gain_of_rules(rank) for rank in range(1, len(ranks) + 1))
    return math.fsum(map(_gain_of_rules, ranks)) / ideal


def _gain_of_rules(rank: int) -> float:
    return 1.0 if rank == 1 else 1 / math.log2(rank)
