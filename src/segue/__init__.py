"""Segue: playlists in, recommendations out.

From playlists to music in seven lines::

    import segue

    playlists = segue.read("playlists/")
    graph = segue.build(playlists, k_core=5)
    split = segue.split(graph)
    bundle = segue.train(split, progress=True)
    print(segue.evaluate(bundle, split, baselines=["EASE"]))
    bundle.save("bundle")
    segue.load("bundle").vibe(["Bohemian Rhapsody"], n=10).to_pandas()

Everything is imported on first use: ``import segue`` itself loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue.baselines import BASELINES as BASELINES
    from segue.bundle import Bundle as Bundle
    from segue.comparison.compare import compare as compare
    from segue.comparison.grid import Grid as Grid
    from segue.console import Progress as Progress
    from segue.data.collection import Collection as Collection
    from segue.data.playlists import Catalog as Catalog
    from segue.data.playlists import Playlists as Playlists
    from segue.data.reading import read as read
    from segue.data.relations import Relation as Relation
    from segue.errors import ArtefactError as ArtefactError
    from segue.errors import InputError as InputError
    from segue.errors import MismatchError as MismatchError
    from segue.errors import NameLookupError as NameLookupError
    from segue.errors import ResourceError as ResourceError
    from segue.errors import SegueError as SegueError
    from segue.errors import SegueWarning as SegueWarning
    from segue.errors import TrainingError as TrainingError
    from segue.evaluation.evaluate import Evaluation as Evaluation
    from segue.graph.playlist_graph import PlaylistGraph as PlaylistGraph
    from segue.graph.split import HeldOut as HeldOut
    from segue.graph.split import Split as Split
    from segue.graph.split import SplitRecipe as SplitRecipe
    from segue.metrics import METRICS as METRICS
    from segue.metrics import Metric as Metric
    from segue.models import ENCODERS as ENCODERS
    from segue.models.encoder import Encoder as Encoder
    from segue.names.matches import Matches as Matches
    from segue.pipeline.build import build as build
    from segue.pipeline.evaluate import Evaluations as Evaluations
    from segue.pipeline.evaluate import evaluate as evaluate
    from segue.pipeline.recipes import split as split
    from segue.pipeline.run import Step as Step
    from segue.pipeline.tensorboard import TensorBoard as TensorBoard
    from segue.pipeline.train import train as train
    from segue.recommend.details import Found as Found
    from segue.recommend.filters import Filters as Filters
    from segue.recommend.lists import Recommendations as Recommendations
    from segue.recommend.lists import SimilarArtists as SimilarArtists
    from segue.recommend.naming import SuggestedTitles as SuggestedTitles
    from segue.recommend.reasons import Explanation as Explanation
    from segue.recommend.recommender import Recommender as Recommender
    from segue.recommend.sort import SortedSongs as SortedSongs
    from segue.recommend.tidy import TidyReport as TidyReport
    from segue.recommend.verify import Verified as Verified
    from segue.recommend.verify import verify as verify
    from segue.synthetic.generate import generate as generate
    from segue.training.config import SecondStageConfig as SecondStageConfig
    from segue.training.config import SystemConfig as SystemConfig
    from segue.training.config import TrainConfig as TrainConfig
    from segue.training.factors import FactorsConfig as FactorsConfig
    from segue.training.objectives import BPR as BPR
    from segue.training.objectives import CatalogueSoftmax as CatalogueSoftmax
    from segue.training.objectives import HardestNegatives as HardestNegatives
    from segue.training.objectives import HardNegatives as HardNegatives
    from segue.training.objectives import PooledSoftmax as PooledSoftmax
    from segue.training.objectives import RandomNegatives as RandomNegatives
    from segue.training.objectives import SampledSoftmax as SampledSoftmax
    from segue.training.objectives import Triples as Triples
    from segue.training.terms import WideConfig as WideConfig
    from segue.training.word_odds import WordOddsConfig as WordOddsConfig
    from segue.updating.update import UpdateReport as UpdateReport
    from segue.updating.update import update as update

    load = Recommender.load
    """Read a bundle, to ask it for music."""

__version__ = "0.1.0"

# Where each public name lives: module, or module:attribute if its name differs there.
_HOMES = {
    "read": "segue.data.reading",
    "build": "segue.pipeline.build",
    "split": "segue.pipeline.recipes",
    "train": "segue.pipeline.train",
    "evaluate": "segue.pipeline.evaluate",
    "load": "segue.recommend.recommender:Recommender.load",
    "update": "segue.updating.update",
    "verify": "segue.recommend.verify",
    "compare": "segue.comparison.compare",
    "generate": "segue.synthetic.generate",
    "Collection": "segue.data.collection",
    "Playlists": "segue.data.playlists",
    "Catalog": "segue.data.playlists",
    "Relation": "segue.data.relations",
    "PlaylistGraph": "segue.graph.playlist_graph",
    "Split": "segue.graph.split",
    "SplitRecipe": "segue.graph.split",
    "HeldOut": "segue.graph.split",
    "TrainConfig": "segue.training.config",
    "SystemConfig": "segue.training.config",
    "WideConfig": "segue.training.terms",
    "FactorsConfig": "segue.training.factors",
    "WordOddsConfig": "segue.training.word_odds",
    "SecondStageConfig": "segue.training.config",
    "CatalogueSoftmax": "segue.training.objectives",
    "PooledSoftmax": "segue.training.objectives",
    "SampledSoftmax": "segue.training.objectives",
    "BPR": "segue.training.objectives",
    "Triples": "segue.training.objectives",
    "RandomNegatives": "segue.training.objectives",
    "HardNegatives": "segue.training.objectives",
    "HardestNegatives": "segue.training.objectives",
    "Step": "segue.pipeline.run",
    "TensorBoard": "segue.pipeline.tensorboard",
    "Progress": "segue.console",
    "Encoder": "segue.models.encoder",
    "ENCODERS": "segue.models",
    "Bundle": "segue.bundle",
    "Recommender": "segue.recommend.recommender",
    "Recommendations": "segue.recommend.lists",
    "SimilarArtists": "segue.recommend.lists",
    "SuggestedTitles": "segue.recommend.naming",
    "Explanation": "segue.recommend.reasons",
    "SortedSongs": "segue.recommend.sort",
    "TidyReport": "segue.recommend.tidy",
    "Found": "segue.recommend.details",
    "Filters": "segue.recommend.filters",
    "Matches": "segue.names.matches",
    "UpdateReport": "segue.updating.update",
    "Verified": "segue.recommend.verify",
    "Metric": "segue.metrics",
    "METRICS": "segue.metrics",
    "BASELINES": "segue.baselines",
    "Evaluation": "segue.evaluation.evaluate",
    "Evaluations": "segue.pipeline.evaluate",
    "Grid": "segue.comparison.grid",
    "SegueError": "segue.errors",
    "InputError": "segue.errors",
    "NameLookupError": "segue.errors",
    "ArtefactError": "segue.errors",
    "MismatchError": "segue.errors",
    "ResourceError": "segue.errors",
    "TrainingError": "segue.errors",
    "SegueWarning": "segue.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'segue' has no attribute {name!r}")
    from segue.extras import required

    module, _, path = _HOMES[name].partition(":")
    with required(f"segue.{name}"):
        found: Any = import_module(module)
    for part in (path or name).split("."):
        found = getattr(found, part)
    globals()[name] = found  # so that the next use does not come here
    return found


def __dir__() -> list[str]:
    """The public names and the module's own; not what this file imports to work."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
