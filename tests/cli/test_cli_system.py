"""`segue train` with what stands beside the vectors: a wide part and a second stage."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from segue.bundle import Bundle
from segue.cli import main
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.pipeline import parts, recipes
from segue.pipeline.recipes import config_for
from segue.recommend.recommender import Recommender
from segue.scoring.wide import WidePart
from segue.training.config import SecondStageConfig
from segue.training.terms import WideConfig

pytest.importorskip("lightgbm", reason="the extra train is not installed")
SMALL = ("--dim", 8, "--epochs", 2, "--batch-size", 200, "--threads", 1, "--device", "cpu")
# Of as many questions as ever, but quicker trees.
CONFIG = partial(
    SecondStageConfig, num_trees=(5, 20), learning_rate=0.3, min_leaf=50, short_share=0.0
)


@pytest.fixture(scope="module", autouse=True)
def quick():
    """`--threads` sets the number for the whole process."""
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "SecondStageConfig", CONFIG)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def planted() -> PlaylistGraph:
    """600 ordered playlists, the last three tracks of each by artists that stand nowhere else."""
    rng, num_tracks, closing = np.random.default_rng(0), 120, 96
    lists = [
        [
            *rng.choice(closing, 7, replace=False).tolist(),
            *rng.choice(np.arange(closing, num_tracks), 3, replace=False).tolist(),
        ]
        for _ in range(600)
    ]
    track = np.arange(num_tracks)
    ids = [pa.array([f"{kind}:{row}" for row in range(number)])
           for kind, number in (("track", num_tracks), ("artist", 10), ("album", 20))]  # fmt: skip
    catalog = Catalog.of_columns(
        *(column for column in ids for _ in range(2)),
        (track // 12).astype(np.int32),
        (track // 6).astype(np.int32),
    )
    names = pa.array([str(row) for row in range(600)])
    playlists = Playlists(names, names, np.ones(600, dtype=bool), TrackLists.from_lists(lists))
    return PlaylistGraph(playlists, catalog, {"source": "planted"})


@pytest.fixture(scope="module")
def graph(planted, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "graph"
    planted.save(path)
    return path


@pytest.fixture(scope="module")
def trained(graph, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    main([str(arg) for arg in ("train", graph, "--out", path, *SMALL)])
    return path


def measured_again(run, bundle: Path, graph: Path) -> dict[str, float]:
    status, document, err = run("evaluate", bundle, graph, "--json")
    assert status == 0, err
    return json.loads(document)["bundle"]["values"]


def test_a_training_leaves_a_whole_system(trained, planted):
    assert [path.name for path in trained.parent.iterdir()] == ["bundle"]
    bundle = Bundle.load(trained)
    split = split_graph(planted, SplitRecipe("mixed"))
    assert bundle.split["fingerprint"] == split.fingerprint, "the order is known, so it is mixed"
    # What was measured is of the split, what ships of all pairs; the second stage is the same.
    for found, expected in (
        (WidePart(**bundle.measured.terms["wide"]), WideConfig().fit(split.train)),
        (WidePart(**bundle.terms["wide"]), WideConfig().fit(planted)),
    ):
        np.testing.assert_array_equal(found.track_index, expected.track_index)
        np.testing.assert_array_equal(found.weight, expected.weight)
    np.testing.assert_array_equal(bundle.measured.popularity, split.train.popularity)
    assert len(bundle.second_stage["offsets"]) - 1 in (5, 20)
    assert bundle.config["system"]["terms"]["wide"]["max_tracks"] == WideConfig.max_tracks
    assert bundle.config["system"]["second_stage"]["num_trees"] == [5, 20]
    assert (bundle.config["dim"], bundle.config["objective"]["temperature"]) == (8, 0.085)
    assert bundle.config["relations"] == ["artist", "album"]


def test_the_surroundings_change_no_bit(trained, graph, tmp_path):
    """Threads, the hash seed, the locale, the time zone, no home, another temporary folder."""
    program = (
        "import sys; from functools import partial; from segue.cli import main;"
        "from segue.pipeline import recipes;"
        f"recipes.SecondStageConfig = partial(recipes.SecondStageConfig, **{CONFIG.keywords!r});"
        "main(sys.argv[1:])"
    )
    args = [*SMALL, "--threads", 2]
    command = [sys.executable, "-c", program, "train", graph, "--out", tmp_path / "bundle", *args]
    (tmp_path / "tmp").mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "USER")} | {
        "PYTHONHASHSEED": "77", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu",
        "TMPDIR": str(tmp_path / "tmp"), "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive",
    }  # fmt: skip
    done = subprocess.run(
        [str(word) for word in command], env=environment, cwd=tmp_path, capture_output=True,
        encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []
    names = {path.name for path in trained.iterdir()}
    assert names == {path.name for path in (tmp_path / "bundle").iterdir()}
    arrays = {name for name in names if name.endswith((".safetensors", ".arrow"))}
    assert {"vectors.safetensors", "term-wide.safetensors", "second_stage.safetensors"} < arrays
    for name in arrays:
        assert (tmp_path / "bundle" / name).read_bytes() == (trained / name).read_bytes(), name
    figures = [
        json.loads((bundle / "manifest.json").read_text())["metrics"]["test"]["values"]
        for bundle in (trained, tmp_path / "bundle")
    ]
    assert figures[0] == figures[1]


def test_it_answers_with_all_of_it(run, trained):
    recommender = Recommender.load(trained)
    why = recommender.why("track:3", "0", question="next")
    assert [term.kind for term in why.terms].count("list") == 1
    status, out, err = run("why", trained, "track:3", "track:4", "track:9")
    assert status == 0, err
    assert "the list as a whole" in out
    status, out, err = run("complete", trained, "0", "-n", 3, "--json")
    assert status == 0, err
    first = recommender.complete("0", 3).tracks[0]
    assert json.loads(out)["tracks"][0]["track_id"] == first.track_id


@pytest.mark.parametrize("part", ["test", "validation"])
def test_evaluate_finds_what_training_measured(run, trained, graph, part):
    stored = json.loads((trained / "manifest.json").read_text())["metrics"]["test"]["values"]
    status, document, err = run("evaluate", trained, graph, "--json", "--on", part)
    assert (status, err) == (0, "")
    assert (json.loads(document)["bundle"]["values"] == stored) == (part == "test")


def test_and_so_it_does_where_that_is_what_ships(run, graph, tmp_path):
    out = tmp_path / "bundle"
    status, _, err = run("train", graph, "--out", out, *SMALL, "--no-refit")
    assert status == 0, err
    bundle = Bundle.load(out)
    assert bundle.measured is None
    assert "wide" in bundle.terms
    assert bundle.second_stage is not None
    assert measured_again(run, out, graph) == bundle.metrics["test"]["values"]


def test_each_part_can_be_left_out(run, trained, graph, tmp_path):
    values = {}
    for name, options in {
        "vectors": ("--no-wide", "--no-second-stage"),
        "wide": ("--no-second-stage",),
    }.items():
        out = tmp_path / name
        status, _, err = run("train", graph, "--out", out, *SMALL, *options)
        assert status == 0, err
        bundle = Bundle.load(out)
        assert ("wide" in bundle.terms) == (name == "wide")
        assert bundle.second_stage is None
        assert bundle.config["system"]["second_stage"] is None
        assert "second stage" not in err.lower()
        assert ("Fitting the wide part\n" in err) == (name == "wide")
        values[name] = bundle.metrics["test"]["values"]["auc"]
        assert measured_again(run, out, graph)["auc"] == values[name]
    whole = Bundle.load(trained).metrics["test"]["values"]["auc"]
    assert len({whole, *values.values()}) == 3


def test_where_it_is_not_tried_that_is_said(run, planted_graph, tmp_path):
    """240 playlists are too few."""
    planted_graph.save(tmp_path / "graph")
    status, _, err = run("train", tmp_path / "graph", "--out", tmp_path / "bundle", *SMALL)
    assert status == 0
    assert "No second stage: too little is held out for validation" in err
    assert Bundle.load(tmp_path / "bundle").second_stage is None


def test_questions_are_answered_without_lightgbm(run, trained, graph, monkeypatch):
    """A base install answers with the second stage: its trees are plain arrays."""
    expected = Recommender.load(trained).complete("0", 5)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    status, out, err = run("complete", trained, "0", "-n", 5, "--json")
    assert (status, err) == (0, "")
    found = [track["track_id"] for track in json.loads(out)["tracks"]]
    assert found == [track.track_id for track in expected.tracks]
    assert run("evaluate", trained, graph)[0] == 0


def test_without_lightgbm(run, graph, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    out = tmp_path / "bundle"
    status, text, err = run("train", graph, "--out", out, *SMALL, "--second-stage")
    assert (status, text) == (1, "")
    assert err.splitlines()[-1] == (
        "segue: training a second stage needs LightGBM, which is not installed: "
        "pip install 'segue[train]'"
    )
    assert not list(tmp_path.iterdir()), "refused before anything is trained"
    status, _, err = run("train", graph, "--out", out, *SMALL)
    assert status == 0
    assert "The second stage is left out: training a second stage needs LightGBM" in err
    assert "wide" in Bundle.load(out).terms


def test_a_wide_part_that_does_not_fit_is_left_out(run, graph, tmp_path, monkeypatch):
    monkeypatch.setattr("segue.memory.available_memory", lambda: 8 << 20)
    out = tmp_path / "bundle"
    status, _, err = run("train", graph, "--out", out, *SMALL, "--no-second-stage")
    assert status == 0, err
    assert "The wide part is left out: the wide part of 120 tracks needs" in err
    assert "wide" not in Bundle.load(out).terms


@pytest.mark.parametrize("resume", [["--resume"], []])
def test_a_training_stopped_before_its_first_checkpoint_takes_its_finished_parts(
    run, trained, graph, tmp_path, monkeypatch, resume
):
    """The wide part is fitted first, and may take longer than all epochs."""
    out, folder = tmp_path / "bundle", tmp_path / "bundle.training"

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("segue.pipeline.train.train_vectors", stop)
        assert run("train", graph, "--out", out, *SMALL, "--no-second-stage")[0] == 130
    assert len(list(folder.glob("term-wide-*.safetensors"))) == 1
    fitted = []
    with monkeypatch.context() as patch:
        fit = WideConfig.fit
        patch.setattr(WideConfig, "fit", lambda c, g, begun: fitted.append(g) or fit(c, g))
        args = ("train", graph, "--out", out, *SMALL, "--no-second-stage", *resume)
        status, _, err = run(*args)
    assert status == 0, err
    assert [pairs.fingerprint for pairs in fitted] == [PlaylistGraph.load(graph).fingerprint]
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_training_that_was_stopped_takes_its_finished_parts(
    run, trained, graph, tmp_path, monkeypatch
):
    out, folder = tmp_path / "bundle", tmp_path / "bundle.training"

    def stop(*_, advance):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(parts, "train_second_stage", stop)
        assert run("train", graph, "--out", out, *SMALL)[0] == 130
    assert len(list(folder.glob("term-wide-*.safetensors"))) == 1
    fitted = []
    with monkeypatch.context() as patch:
        fit = WideConfig.fit
        patch.setattr(WideConfig, "fit", lambda c, g, begun: fitted.append(g) or fit(c, g))
        status, _, err = run("train", graph, "--out", out, *SMALL, "--resume")
    assert status == 0, err
    said = [
        "Training lightgcn (dim 8)", "Fitting the wide part\n",
        "Training the second stage on the validation tracks\n", "Training again on all ",
        "Fitting the wide part on all pairs\n",
    ]  # fmt: skip
    places = [err.index(words) for words in said]
    assert places == sorted(places)
    assert "No second stage" not in err
    assert [pairs.fingerprint for pairs in fitted] == [PlaylistGraph.load(graph).fingerprint]
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    found, expected = Bundle.load(out), Bundle.load(trained)
    np.testing.assert_array_equal(found.track_vectors, expected.track_vectors)
    np.testing.assert_array_equal(found.terms["wide"]["weight"], expected.terms["wide"]["weight"])
    for name, array in expected.second_stage.items():
        np.testing.assert_array_equal(found.second_stage[name], array)
    assert found.metrics["test"]["values"] == expected.metrics["test"]["values"]


def test_best_values_give_way_to_what_is_chosen():
    assert config_for("lightgcn").dim == 128
    assert config_for("lightgcn", "best").num_trainings == 3
    assert config_for("lightgcn", "best", num_trainings=2).num_trainings == 2
    assert config_for("gcn").options == {"transform_rate": 0.01, "relation_weight": 100.0}
    mine = config_for("gcn", options={"relation_weight": 3}, learning_rate=0.5)
    assert mine.options == {"transform_rate": 0.01, "relation_weight": 3}
    assert mine.learning_rate == 0.5


def test_the_preset_reaches_the_bundle(run, graph, tmp_path):
    out = tmp_path / "bundle"
    args = (*SMALL[2:], "--preset", "best", "--no-wide", "--no-second-stage", "--no-refit")
    status, _, err = run("train", graph, "--out", out, *args)
    assert status == 0, err
    assert Bundle.load(out).track_vectors.shape == (120, 3 * 128)
    status, _, err = run("train", graph, "--out", out, "--preset", "worst")
    assert status == 2
    assert "'worst' is not 'best'" in err
