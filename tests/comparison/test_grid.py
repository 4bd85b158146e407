"""The grid of a comparison: which cells, of which configuration, and their identity."""

from dataclasses import replace

import numpy as np
import pytest

from segue.baselines import BASELINES
from segue.cli.compare import compare
from segue.comparison.grid import Cell, Grid, Row, best_cells
from segue.comparison.presets import ARTICLE_RECIPE, BPR_EPOCHS, FULL, QUICK
from segue.comparison.source import Source
from segue.errors import InputError
from segue.graph.split import SplitRecipe
from segue.models import ENCODERS
from segue.models.lightgcn import LightGCN
from segue.pipeline.tuned import TUNED
from segue.training.config import TrainConfig
from segue.training.objectives import (
    BPR,
    CatalogueSoftmax,
    HardNegatives,
    RandomNegatives,
    SampledSoftmax,
)


def test_the_whole_grid_is_twenty_five_trainings_and_the_baselines(planted_graph):
    cells = Grid().cells(planted_graph)
    names = [cell.name for cell in cells]
    assert len(set(names)) == len(names) == 25 + len(BASELINES)
    trained = [cell for cell in cells if cell.config is not None]
    assert len(trained) == 25
    for model in ENCODERS:
        of_model = {c.row.name: c.config.objective for c in trained if c.row.model == model}
        hard = HardNegatives(share=(0.5, 0.05), refresh_every=2)
        assert of_model == {
            f"{model}-catalogue-softmax": CatalogueSoftmax(),
            f"{model}-sampled-softmax-random": SampledSoftmax(),
            f"{model}-sampled-softmax-hard": SampledSoftmax(negatives=hard),
            f"{model}-bpr-random": BPR(),
            f"{model}-bpr-hard": BPR(negatives=hard),
        }
    for cell in trained:
        assert cell.config.model == cell.row.model
        assert cell.config.readout == "centroid"
    expected = [*BASELINES]
    expected[expected.index("iALS")] = "iALS-seed0"
    assert names[25:] == expected


@pytest.mark.parametrize(
    ("preset", "num_baselines", "num_trials"),
    [("full", len(BASELINES), 8), ("quick", len(BASELINES), 3), ("article", 0, 8)],
)
def test_baselines_of_a_preset(planted_graph, preset, num_baselines, num_trials):
    """The same in Python and on the command line."""
    of_baselines = [cell for cell in Grid(preset).cells(planted_graph) if cell.row.is_baseline]
    assert [cell.num_trials for cell in of_baselines] == num_baselines * [num_trials]
    asked = Grid(preset, models=("gcn",), baselines=("EASE",), num_trials=5).cells(planted_graph)
    assert asked[-1].num_trials == 5


def test_a_registered_architecture_needs_no_tuned_values(planted_graph, monkeypatch):
    monkeypatch.setitem(ENCODERS, "mine", LightGCN)
    cells = Grid(models=("mine",), baselines=()).cells(planted_graph)
    assert len(cells) == 5
    assert {cell.config.learning_rate for cell in cells} == {TrainConfig.learning_rate}
    # The article compares its own five.
    with pytest.raises(InputError, match="nothing to compare"):
        Grid("article", models=("mine",), baselines=())


def test_limits_leave_what_they_name(planted_graph):
    grid = Grid(models=("rgcn", "gcn"), negatives=("random",), objectives=("bpr",), baselines=())
    assert [cell.name for cell in grid.cells(planted_graph)] == [
        "gcn-bpr-random-seed0",
        "rgcn-bpr-random-seed0",
    ]
    grid = Grid(models=("gat",), negatives=("hardest",), baselines=("EASE",))
    assert [row.name for row in grid.rows] == [
        "gat-catalogue-softmax",
        "gat-sampled-softmax-hardest",
        "gat-bpr-hardest",
        "EASE",
    ]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"models": ("gnn",)}, "model 'gnn' is not known, expected lightgcn, gcn"),
        (
            {"objectives": ("full",)},
            "objective 'full' is not known, expected catalogue-softmax, pooled",
        ),
        ({"negatives": ("easy",)}, "negatives 'easy' is not known, expected random, hard"),
        ({"baselines": ("VAE",)}, "baseline 'VAE' is not known, expected popularity"),
        ({"preset": "slow"}, "preset 'slow' is not known, expected full, quick, article"),
        (
            {"objectives": ("bpr",), "preset": "article", "baselines": ()},
            "leave nothing to compare: the objectives of the preset article are triples",
        ),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits, message):
    with pytest.raises(InputError, match=message):
        Grid(**limits)


def test_changes_hold_for_every_training_and_are_checked(planted_graph):
    grid = Grid(preset="quick", changes={"dim": 8})
    cells = [cell for cell in grid.cells(planted_graph) if cell.config]
    assert {cell.config.dim for cell in cells} == {8}
    for cell in cells:
        twice = BPR_EPOCHS if cell.row.objective == "bpr" else 1
        assert cell.config.epochs == twice * QUICK["epochs"]
    grid = Grid(changes={"epochs": 3})
    assert {c.config.epochs for c in grid.cells(planted_graph) if c.config} == {3}
    with pytest.raises(InputError, match="dim is 0"):
        Grid(changes={"dim": 0}).cells(planted_graph)


@pytest.mark.parametrize("preset", ["full", "quick"])
def test_every_architecture_has_its_tuned_options(planted_graph, preset):
    """Of one table, with options that it has: a training is made of each."""
    assert set(TUNED) <= set(ENCODERS)
    for cell in Grid(preset, models=tuple(TUNED), baselines=()).cells(planted_graph):
        expected = TUNED[cell.row.model]
        assert cell.config.learning_rate == expected["learning_rate"]
        assert cell.config.options == expected["options"]
        assert cell.config.options_for(ENCODERS[cell.row.model])


def test_the_command_states_the_defaults_of_the_grids(planted_graph):
    stated = {option.name: option.help for option in compare.params if hasattr(option, "help")}
    article = {c.config.epochs: c.config.dim for c in Grid("article").cells(planted_graph)[:10]}
    ((epochs, dim),) = article.items()
    expected = f"[default: {FULL['dim']}; quick: {QUICK['dim']}; article: {dim}]"
    assert stated["dim"].endswith(expected)
    assert QUICK["epochs"] == FULL["epochs"]
    bpr = BPR_EPOCHS * FULL["epochs"]
    assert stated["epochs"].endswith(f"[default: {FULL['epochs']}, bpr {bpr}; article: {epochs}]")


def test_seeds_repeat_what_draws_at_random(planted_graph):
    grid = Grid(models=("gcn",), objectives=("catalogue-softmax",))
    cells = grid.cells(planted_graph, num_seeds=3)
    seeds = {}
    for cell in cells:
        seeds.setdefault(cell.row.name, []).append(cell.rng_seed)
    assert seeds == {
        "gcn-catalogue-softmax": [0, 1, 2],
        **{name: [None] for name in BASELINES if name != "iALS"},
        "iALS": [0, 1, 2],
    }
    assert [cell.config.rng_seed for cell in cells if cell.config] == [0, 1, 2]


def test_the_articles_protocol_is_as_published(planted_graph):
    grid = Grid(preset="article", baselines=())
    cells = grid.cells(planted_graph)
    assert len(cells) == 10
    assert {(cell.row.objective, cell.row.negatives) for cell in cells} == {
        ("triples", "random"),
        ("triples", "hard"),
    }
    for cell in cells:
        config = cell.config
        assert config.num_layers == (4 if cell.row.model == "lightgcn" else 3)
        assert (config.dim, config.learning_rate, config.weight_decay) == (64, 0.01, 1e-5)
        assert (config.objective.l2, config.readout) == (0, "node")
        assert config.schedule == "constant"
        assert 150 <= config.epochs <= 300
        assert config.batch_size == planted_graph.playlists.tracks.num_pairs, "one step an epoch"
        assert config.options["playlist_vectors"] is True
        assert "activation" not in config.options, "no nonlinearity between layers"
        hard = HardNegatives(share=(1, 0.5), mix=(1, 1), refresh_every=5)
        assert config.objective.negatives == (
            hard if cell.row.negatives == "hard" else RandomNegatives()
        )
        nodes = sum(planted_graph.num_nodes[kind] for kind in ("playlist", "track", "artist"))
        assert config.initial_std == pytest.approx((2 / (nodes + 64)) ** 0.5)
        assert config.options["relation_weight"] == 1, "no relation counts more than another"
        if cell.row.model != "lightgcn":
            assert config.options["start"] == "glorot"
        # Whatever the defaults of an architecture become, the protocol stays what it is.
        assert ("num_heads" in config.options) == (cell.row.model == "gat")
    assert (ARTICLE_RECIPE.test_share, ARTICLE_RECIPE.validation_share) == (0.15, 0.15)


def test_without_artists_and_with_learned_playlists(planted_graph):
    changes = {"relations": (), "readout": "node"}
    for cell in Grid(baselines=(), changes=changes).cells(planted_graph):
        assert cell.config.relations == ()
        assert cell.config.readout == "node"
        assert cell.config.options["playlist_vectors"] is True
        (plain,) = Grid(
            models=(cell.row.model,), objectives=("catalogue-softmax",), baselines=()
        ).cells(planted_graph)
        assert plain.config.readout == "centroid"
        assert "playlist_vectors" not in plain.config.options


def test_an_identity_changes_with_all_that_determines_figures():
    cell = Cell(Row("gcn", "catalogue-softmax"), 0, TrainConfig(model="gcn"))
    same = Cell(Row("gcn", "catalogue-softmax"), 0, TrainConfig(model="gcn"), preset="quick")
    assert cell.identity("split") == same.identity("split")
    others = [
        cell.identity("another split"),
        cell.with_seed(1).identity("split"),
        replace(cell, config=replace(cell.config, epochs=3)).identity("split"),
        Cell(Row("EASE"), num_trials=3).identity("split"),
        Cell(Row("EASE"), num_trials=4).identity("split"),
        Cell(Row("EASE+side"), num_trials=3).identity("split"),
    ]
    assert len({cell.identity("split"), *others}) == len(others) + 1


def test_what_is_repeated_is_best_on_validation():
    cells = [
        Cell(Row("gcn", "catalogue-softmax"), 0),
        Cell(Row("gcn", "bpr", "random"), 0),
        Cell(Row("gat", "catalogue-softmax"), 0),
        Cell(Row("EASE")),
        Cell(Row("iALS"), 0),
        Cell(Row("popularity")),
    ]
    figures = dict(zip([c.name for c in cells], [0.2, 0.3, 0.1, 0.25, 0.4, 0.0], strict=True))
    assert [cell.row.name for cell in best_cells(cells, figures)] == [
        "gcn-bpr-random",
        "gat-catalogue-softmax",
        "iALS",
        "EASE",
    ]


def test_the_data_are_the_core_of_the_graph_and_too_few_are_refused(planted_graph, tmp_path):
    planted_graph.save(tmp_path / "graph")
    split = Source(tmp_path / "graph", SplitRecipe(), 6).load()
    core = planted_graph.k_core(6)
    assert split.graph.fingerprint == core.fingerprint
    assert split.train.options["k_core"] == 6
    with pytest.raises(InputError, match="its 30-core is empty; a smaller --k-core"):
        Source(tmp_path / "graph", SplitRecipe(), 30).load()
    few = planted_graph.with_tracks(
        planted_graph.playlists.tracks.keep(np.arange(planted_graph.playlists.tracks.num_pairs) < 1)
    )
    few.save(tmp_path / "few")
    with pytest.raises(InputError, match="few: is too small to compare on"):
        Source(tmp_path / "few", SplitRecipe()).load()


def test_objectives_of_another_preset_alone_leave_no_row_to_train():
    with pytest.raises(InputError, match="leave nothing to compare: the objectives of the preset"):
        Grid(objectives=("triples",))
