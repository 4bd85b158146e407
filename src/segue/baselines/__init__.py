"""Baselines: simple recommenders that take the same queries and rank the same candidates.

Each class defines the small grid of options that `segue.baselines.tuning` searches, with each
option's default first. The defaults are the best points found on the validation part of 39,318 real
playlists (their 10-core). To add a baseline, write a class in a file here and add a line to
`BASELINES`.
"""

from segue.baselines.baseline import Baseline
from segue.baselines.ease import EASE, SideEASE
from segue.baselines.ials import IALS
from segue.baselines.neighbours import ItemKNN, RP3beta
from segue.baselines.popularity import Popularity
from segue.baselines.slim import SLIM
from segue.baselines.spectral import GFCF, Spectral

BASELINES: dict[str, type[Baseline]] = {
    "popularity": Popularity,
    "item-kNN": ItemKNN,
    "RP3beta": RP3beta,
    "EASE": EASE,
    "EASE+side": SideEASE,
    "SLIM": SLIM,
    "GF-CF": GFCF,
    "spectral": Spectral,
    "iALS": IALS,
}
"""Baselines by display name."""
