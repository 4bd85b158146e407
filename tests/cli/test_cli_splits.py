"""`segue train --split` and `segue evaluate --given`: every kind, from end to end on the sample."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from segue.bundle import Bundle
from segue.cli import main
from segue.cli.train import SPLIT_KINDS
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitKind, SplitRecipe
from segue.synthetic.sample import write_sample

pytestmark = pytest.mark.usefixtures("threads")
SMALL = ("--dim", 8, "--epochs", 1, "--threads", 1, "--device", "cpu")


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> Path:
    """Of 120 of the sample's playlists, all of them ordered."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "slices", 120)
    main(["build", str(folder / "slices"), "--out", str(folder / "graph")])
    return folder / "graph"


@pytest.fixture(scope="module")
def unordered(graph, tmp_path_factory) -> Path:
    """The same playlists, their order not known."""
    path = tmp_path_factory.mktemp("unordered") / "graph"
    slices = str(graph.parent / "slices")
    main(["build", slices, "--order", "unknown", "--out", str(path)])
    return path


@pytest.fixture(scope="module")
def of_playlists(graph, tmp_path_factory) -> Path:
    """A bundle whose training never saw some of the playlists."""
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    main(list(map(str, ("train", graph, "--out", path, "--split", "playlists", *SMALL))))
    return path


def test_the_command_line_knows_every_kind():
    assert get_args(SplitKind) == SPLIT_KINDS


@pytest.mark.parametrize("kind", SPLIT_KINDS)
def test_train_and_evaluate(run, graph, tmp_path, kind):
    out = tmp_path / "bundle"
    status, table, err = run("train", graph, "--out", out, "--split", kind, *SMALL)
    assert status == 0, err
    assert "Traceback" not in err
    split = split_graph(PlaylistGraph.load(graph), SplitRecipe(kind))
    bundle = Bundle.load(out)
    assert bundle.split == {"recipe": split.recipe.to_json(), "fingerprint": split.fingerprint}
    assert bundle.popularity.sum() == PlaylistGraph.load(graph).playlists.tracks.num_pairs
    assert f"{split.train.playlists.tracks.num_pairs} training pairs" in err
    says = {
        "playlists": "12 whole playlists held out for validation, 24 for test",
        "tracks": r"\d+ whole tracks held out for validation, \d+ for test \(\d+ and \d+ pairs",
    }
    assert re.search(says.get(kind, r"\d+ held out for validation, \d+ for test"), err)
    assert ("On the test playlists, 5 tracks given" in table) == (kind == "playlists")

    status, document, err = run(
        "evaluate", out, graph, "--json", "--only", "popularity,item-kNN", "--trials", 2
    )
    assert status == 0, err
    found = json.loads(document)
    assert found["bundle"]["values"] == bundle.metrics["test"]["values"]
    scored = (split.test.targets.lengths > 0).sum()
    for model in ("bundle", "popularity", "item-kNN"):
        assert found[model]["num_scored"] == scored
        assert 0 <= found[model]["values"]["auc"] <= 1


def test_options_reach_the_recipe(run, graph, tmp_path):
    status, table, err = run(
        "train", graph, "--out", tmp_path / "b", *SMALL, "--split", "playlists", "--given", 3,
        "--test-share", 0.25, "--validation-share", 0, "--split-rng-seed", 4,
    )  # fmt: skip
    assert status == 0, err
    assert Bundle.load(tmp_path / "b").split["recipe"] == {
        "kind": "playlists", "test_share": 0.25, "validation_share": 0.0, "rng_seed": 4,
        "num_given": 3,
    }  # fmt: skip
    assert "0 whole playlists held out for validation, 30 for test" in err
    assert "On the test playlists, 3 tracks given" in table


def test_one_training_is_asked_with_every_number_of_given_tracks(run, graph, of_playlists):
    lengths = PlaylistGraph.load(graph).playlists.tracks.lengths
    split = split_graph(PlaylistGraph.load(graph), SplitRecipe("playlists"))
    recalls = {}
    for given in (1, 5, 25):
        status, table, err = run("evaluate", of_playlists, graph, "--given", given)
        assert status == 0, err
        tracks = "1 track" if given == 1 else f"{given} tracks"
        heading = f"On the test playlists, {tracks} given (bundle: lightgcn + wide + words)"
        assert table.splitlines()[0] == heading
        scored = int((lengths[split.test.playlist_index] > given).sum())
        short = 24 - scored
        left_out = f"; {short} playlists of {tracks} or fewer left out" if short > 1 else ""
        assert err == f"Means over {scored} playlists{left_out}\n"
        _, document, _ = run("evaluate", of_playlists, graph, "--given", given, "--json")
        recalls[given] = json.loads(document)["bundle"]["values"]["recall@300"]
    stored = json.loads((of_playlists / "manifest.json").read_text())["metrics"]["test"]["values"]
    assert recalls[5] == stored["recall@300"]
    assert len(set(recalls.values())) == 3
    assert short > 1, "some are too short for 25"

    _, document, _ = run("evaluate", of_playlists, graph, "--given", 1, "--on", "validation")
    assert document.startswith("On the validation playlists, 1 track given (bundle: ")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--given", "3"], "is only for a split of kind 'playlists', not 'mixed'"),
        (
            ["--split", "last", "--given", "3"],
            "is only for a split of kind 'playlists', not 'last'",
        ),
        (["--split", "playlists", "--given", "0"], "number of given tracks is 0, expected 1 or"),
        (["--split", "playlists", "--given", "9999"], "has more than 9999 tracks"),
        (["--split", "tracks", "--test-share", "-0.1"], "split shares -0.1 (test)"),
        (["--split", "mixed", "--test-share", "0.9"], "0.1 (validation) must be at least 0 and"),
        (["--split", "playlists", "--test-share", "1e-9"], "holds nothing out for test"),
        (["--split", "tracks", "--validation-share", "1e-9"], "nothing out for validation"),
    ],
)
def test_a_split_that_cannot_be_says_why(run, graph, tmp_path, args, says):
    status, out, err = run("train", graph, "--out", tmp_path / "bundle", *SMALL, *args)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert says in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["last", "mixed"])
def test_without_a_known_order(run, unordered, tmp_path, kind):
    status, _, err = run("train", unordered, "--out", tmp_path / "b", *SMALL, "--split", kind)
    assert (status, err) == (
        1,
        f"segue: a split of kind '{kind}' needs playlists whose order is known, and the graph has "
        "none\n",
    )


def test_a_kind_that_is_not_known(run, graph, tmp_path):
    status, _, err = run("train", graph, "--out", tmp_path / "b", "--split", "first")
    assert status == 2
    assert "'first' is not one of 'random', 'last', 'mixed', 'playlists', 'tracks'" in err


def test_given_of_a_bundle_that_held_out_no_playlists(run, graph, tmp_path):
    assert run("train", graph, "--out", tmp_path / "b", *SMALL)[0] == 0
    status, out, err = run("evaluate", tmp_path / "b", graph, "--given", 3)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "is only for a split of kind 'playlists', not 'mixed'" in err
