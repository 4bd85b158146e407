"""`segue train` and `segue evaluate`: small trainings, stopped, resumed and measured again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from segue.baselines import BASELINES
from segue.bundle import Bundle
from segue.cli import main
from segue.metrics import METRICS
from segue.models import ENCODERS
from segue.models.lightgcn import LightGCN
from segue.pipeline.recipes import config_for
from segue.pipeline.tuned import for_training
from segue.recommend.recommender import Recommender
from segue.training import pace
from segue.training import train as train_module
from segue.training.checkpoint import Checkpoint
from segue.training.config import TrainConfig
from segue.training.objectives import HardNegatives, SampledSoftmax

# Vectors alone; tests/cli/test_cli_system.py has what stands beside them.
SMALL = (
    *("--dim", 8, "--epochs", 4, "--batch-size", 50, "--threads", 1, "--device", "cpu"),
    *("--split", "random", "--no-wide", "--no-second-stage"),
)
ARRAYS = ("query_weight", "popularity")

pytestmark = pytest.mark.usefixtures("threads")


@pytest.fixture(scope="module")
def graph(planted_graph, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "graph"
    planted_graph.save(path)
    return path


@pytest.fixture(scope="module")
def trained(graph, tmp_path_factory) -> Path:
    """A bundle from a training that nothing disturbed."""
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    main([str(arg) for arg in ("train", graph, "--out", path, *SMALL)])
    return path


def test_a_training_leaves_a_bundle_and_nothing_else(trained, planted_graph):
    assert [path.name for path in trained.parent.iterdir()] == ["bundle"]
    bundle = Bundle.load(trained)
    assert bundle.track_vectors.shape == (160, 8)
    assert bundle.vectors["artist"].shape == (20, 8)
    assert bundle.graph_fingerprint == planted_graph.fingerprint
    assert bundle.config["dim"] == 8
    assert bundle.config["epochs"] == 4
    assert [entry["epoch"] for entry in bundle.history] == [0, 1, 2, 3, 4]
    assert list(bundle.metrics["test"]["values"]) == [metric.name for metric in METRICS]
    np.testing.assert_array_equal(
        bundle.playlists.tracks.track_index, planted_graph.playlists.tracks.track_index
    )


def test_evaluate_finds_what_training_measured(run, trained, graph):
    status, out, err = run("evaluate", trained, graph, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)["bundle"]
    stored = json.loads((trained / "manifest.json").read_text())["metrics"]["test"]
    assert found["values"] == stored["values"]
    assert found["num_scored"] == stored["num_scored"] == 240


def test_evaluate_beside_the_baselines(run, trained, graph, tmp_path):
    trials = tmp_path / "trials.jsonl"
    args = ("evaluate", trained, graph, "--baselines", "--trials", 2, "--trials-file", trials)
    status, out, err = run(*args)
    assert status == 0
    assert "Means over 240 playlists\n" in err
    values = json.loads((trained / "manifest.json").read_text())["metrics"]["test"]["values"]
    assert all(name in out for name in ("bundle: lightgcn", *BASELINES, *(m.name for m in METRICS)))
    line = next(line for line in out.splitlines() if line.strip().startswith("recall@20"))
    cells = line.split()
    assert cells[1] == f"{values['recall@20']:.4f}"
    assert all(float(cells[2]) < float(cell) for cell in cells[3 : 2 + len(BASELINES)]), (
        "popularity is the weakest"
    )
    assert line.strip().endswith("higher is better")
    assert len(trials.read_text().splitlines()) == 2 * (len(BASELINES) - 1), (
        "popularity has nothing to choose"
    )
    for name in set(BASELINES) - {"popularity"}:
        assert f"{name}: " in err
        assert "(best of 2 trials)" in err

    # Which part is measured does not change what was chosen, so no trial is made again.
    status, out, _ = run(*args, "--on", "validation", "--variety", 0, "--json")
    content = json.loads(out)
    assert list(content) == ["bundle", *BASELINES]
    assert content["bundle"]["values"] != values
    # The epoch was chosen by what is measured here: nothing is held back, and no second stage.
    best = max(entry["ndcg@20"] for entry in Bundle.load(trained).history)
    assert content["bundle"]["values"]["ndcg@20"] == pytest.approx(best, abs=1e-6)
    assert len(trials.read_text().splitlines()) == 2 * (len(BASELINES) - 1)
    chosen = content["EASE"]["options"]["regularization"]
    assert content["EASE"]["num_trials"] == 2
    tried = [json.loads(line) for line in trials.read_text().splitlines()]
    figures = {
        entry["options"]["regularization"]: entry["validation"]["ndcg@20"]
        for entry in tried
        if entry["baseline"] == "EASE"
    }
    assert chosen == max(figures, key=figures.__getitem__)


def test_only_some_baselines_by_their_defaults(run, trained, graph):
    only = ("--only", "ease, Popularity", "--trials", 1)
    status, out, err = run("evaluate", trained, graph, *only, "--json")
    assert status == 0
    content = json.loads(out)
    assert list(content) == ["bundle", "EASE", "popularity"]
    assert content["EASE"]["options"] == {"regularization": 100.0}
    assert content["EASE"]["num_trials"] == 0
    assert "EASE: regularization 100 (default)" in err
    status, _, err = run("evaluate", trained, graph, "--only", "VAE")
    assert status == 2
    assert "'vae' is not a baseline, expected some of popularity, item-kNN" in err


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread in any case")
@pytest.mark.parametrize("limit", [1, None])
def test_the_limit_on_threads_holds_every_blas(limit):
    """NumPy and SciPy each bring one; SciPy's, which EASE inverts with, is loaded late."""
    program = (
        f"from segue.machine import limit_threads\nlimit_threads({limit})\nimport scipy.linalg\n"
        "from threadpoolctl import threadpool_info\n"
        "print([pool['num_threads'] for pool in threadpool_info()])"
    )
    free = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program], env=free, capture_output=True, text=True, check=True
    )
    threads = json.loads(done.stdout)
    assert threads, "no BLAS was found"
    assert max(threads) == 1 if limit else min(threads) > 1


def test_without_validation_the_baselines_keep_their_defaults(run, graph, tmp_path):
    out = tmp_path / "bundle"
    assert run("train", graph, "--out", out, *SMALL, "--validation-share", 0, "--no-refit")[0] == 0
    status, document, err = run("evaluate", out, graph, "--only", "item-kNN", "--json")
    assert status == 0
    assert err.startswith("Nothing is held out for validation, so the baselines keep their default")
    assert json.loads(document)["item-kNN"]["num_trials"] == 0


def test_a_baseline_that_does_not_fit_is_left_out_with_a_sentence(run, trained, graph, monkeypatch):
    monkeypatch.setattr("segue.memory.available_memory", lambda: 1000)
    status, out, err = run(
        "evaluate", trained, graph, "--only", "EASE,popularity", "--trials", 1, "--json"
    )
    assert status == 0
    assert list(json.loads(out)) == ["bundle", "popularity"]
    assert "EASE is left out: EASE of 160 tracks needs" in err


def test_another_graph_is_refused(run, trained, planted_graph, tmp_path):
    planted_graph.k_core(12).save(tmp_path / "other")
    status, out, err = run("evaluate", trained, tmp_path / "other")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "was trained on another graph than" in err
    assert str(trained) in err
    assert str(tmp_path / "other") in err
    for args in ((tmp_path / "other", trained), (trained, trained)):
        status, _, err = run("evaluate", *args)
        assert status == 1
        assert "expected a " in err


def test_training_is_deterministic(run, trained, graph, tmp_path):
    status, out, err = run("train", graph, "--out", tmp_path / "again", *SMALL)
    assert status == 0
    assert "recall@20" in out
    assert "epoch 1: loss " in err
    assert_same_vectors(tmp_path / "again", trained)
    other = ("train", graph, "--out", tmp_path / "other", *SMALL, "--rng-seed", 1)
    assert run(*other)[0] == 0
    vectors = Bundle.load(tmp_path / "other").track_vectors
    assert not np.array_equal(vectors, Bundle.load(trained).track_vectors)


def assert_same_vectors(left: Path, right: Path) -> None:
    one, other = Bundle.load(left), Bundle.load(right)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for kind, vectors in one.vectors.items():
        np.testing.assert_array_equal(vectors, other.vectors[kind], err_msg=kind)
    assert one.metrics["test"]["values"] == other.metrics["test"]["values"]
    clock = {"seconds"}
    for ours, theirs in zip(one.history, other.history, strict=True):
        assert {k: ours[k] for k in ours.keys() - clock} == {
            k: theirs[k] for k in theirs.keys() - clock
        }


@pytest.mark.parametrize(
    "saves",
    [
        1,
        5,  # after the last step of an epoch, before its end
        6,
        8,
        13,
        21,  # the twentieth step of four epochs of five is the last; then comes the refit
        33,
    ],
)
def test_a_training_that_was_stopped_goes_on_bit_for_bit(
    run, trained, graph, tmp_path, monkeypatch, saves
):
    """A checkpoint after every step: stopped within the first epoch, at its end, and later."""
    out, folder = tmp_path / "bundle", tmp_path / "bundle.training"
    count = 0
    save = Checkpoint.save

    def stopping(self: Checkpoint, path: Path) -> None:
        nonlocal count
        save(self, path)
        count += 1
        if count == saves:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pace, "SAVE_SECONDS", 0.0)
        patch.setattr(Checkpoint, "save", stopping)
        status, _, err = run("train", graph, "--out", out, *SMALL)
    assert status == 130
    assert err.splitlines()[-1].startswith("segue: stopped")
    assert not out.exists()
    assert (folder / "checkpoint.safetensors").is_file()

    status, _, err = run("train", graph, "--out", out, *SMALL)
    assert (status, err.count("\n")) == (1, 1)
    assert "--resume continues it" in err

    status, _, err = run("train", graph, "--out", out, *SMALL, "--resume", "--learning-rate", 0.02)
    assert status == 1
    assert "another graph, split or options" in err.splitlines()[-1]

    status, _, err = run("train", graph, "--out", out, *SMALL, "--resume")
    assert status == 0, err
    assert_same_vectors(out, trained)
    assert not folder.exists()


def test_overwrite_starts_a_stopped_training_anew(run, trained, graph, tmp_path, monkeypatch):
    def stop(self: Checkpoint, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", stop)
        assert run("train", graph, "--out", tmp_path / "bundle", *SMALL)[0] == 130
    assert run("train", graph, "--out", tmp_path / "bundle", *SMALL, "--overwrite")[0] == 0
    assert_same_vectors(tmp_path / "bundle", trained)


def test_a_damaged_checkpoint_is_refused(run, graph, tmp_path):
    folder = tmp_path / "bundle.training"
    folder.mkdir()
    (folder / "checkpoint.safetensors").write_bytes(b"not a checkpoint")
    status, _, err = run("train", graph, "--out", tmp_path / "bundle", *SMALL, "--resume")
    assert status == 1
    assert "checkpoint.safetensors: cannot be read" in err.splitlines()[-1]


def test_options_reach_the_bundle(run, graph, tmp_path):
    status, _, err = run(
        "train", graph, "--out", tmp_path / "b", "--dim", 4, "--epochs", 2, "--batch-size", 100,
        "--num-layers", 1, "--learning-rate", 0.02, "--rng-seed", 7, "--objective-option",
        "temperature=0.2",
        "--split-rng-seed", 3, "--test-share", 0.3, "--validation-share", 0, "--relations",
        "artist,album", "--device", "cpu", "--threads", 1, "--no-playlists", "--half", "--split",
        "random",
    )  # fmt: skip
    assert status == 0, err
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    expected = {
        "dim": 4, "epochs": 2, "batch_size": 100, "num_layers": 1, "learning_rate": 0.02,
        "rng_seed": 7, "relations": ["artist", "album"], "device": "cpu",
        "threads": 1, "best_epoch": 2, "model": "lightgcn",
    }  # fmt: skip
    assert {name: manifest["config"][name] for name in expected} == expected
    assert manifest["config"]["objective"]["temperature"] == 0.2
    assert manifest["split"]["recipe"] == {
        "kind": "random", "test_share": 0.3, "validation_share": 0.0, "rng_seed": 3,
    }  # fmt: skip
    bundle = Bundle.load(tmp_path / "b")
    assert bundle.playlists is None
    assert bundle.half
    assert run("evaluate", tmp_path / "b", graph)[0] == 0, "the graph has the playlists"


def test_without_artists_an_artist_is_the_centroid_of_its_tracks(run, graph, tmp_path):
    out = tmp_path / "bundle"
    assert run("train", graph, "--out", out, *SMALL, "--relations", "none")[0] == 0
    bundle = Bundle.load(out)
    assert bundle.config["relations"] == []
    for artist in (0, 7):
        mean = bundle.track_vectors[bundle.catalog.main_artist == artist].sum(axis=0)
        np.testing.assert_allclose(
            bundle.vectors["artist"][artist], mean / np.linalg.norm(mean), atol=1e-5
        )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--dim", "0"], "dim is 0, expected 1 or more"),
        (["--epochs", "0"], "epochs is 0"),
        (["--learning-rate", "-1"], "learning_rate"),
        (["--objective-option", "temperature=0.001"], "temperature is 0.001"),
        (["--test-share", "0.7", "--validation-share", "0.3"], "split shares 0.7"),
        (["--split-rng-seed", "-1"], "split seed -1"),
        (["--model", "nope"], "model 'nope' is not known, expected lightgcn"),
        (["--relations", "nope"], "'nope' is not known"),
        (["--resume"], "there is no checkpoint to resume from"),
        (["--learning-rate", "1e30"], "try a lower learning rate"),
    ],
)
def test_what_cannot_be_trained_says_why(run, graph, tmp_path, options, says):
    status, out, err = run("train", graph, "--out", tmp_path / "bundle", *SMALL, *options)
    assert (status, out) == (1, "")
    assert says in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "bundle").exists()


def test_without_a_test_all_is_trained_on(run, graph, tmp_path):
    out = tmp_path / "bundle"
    status, printed, err = run("train", graph, "--out", out, *SMALL, "--no-test")
    assert (status, printed) == (0, "")
    assert "training pairs, nothing held out" in err
    assert err.splitlines()[-1] == f"Written to {out}; nothing is measured, as nothing was held out"
    status, _, err = run("evaluate", out, graph)
    assert (status, err.splitlines()[-1]) == (
        1, "segue: nothing was held out for test, so there is nothing to measure",
    )  # fmt: skip


def test_a_bundle_is_not_replaced_unasked(run, trained, graph):
    before = (trained / "manifest.json").read_bytes()
    status, _, err = run("train", graph, "--out", trained, *SMALL)
    assert (status, err.count("\n")) == (1, 1)
    assert "exists already; --overwrite replaces it" in err
    assert (trained / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("options", [["--nope"], ["--dim", "many"], ["--threads", "0"], []])
def test_usage_errors(run, graph, options):
    status, out, err = run("train", graph, *options)
    assert (status, out) == (2, "")
    assert err.startswith("Usage: segue train")


def test_cuda_that_is_not_there_is_refused(run, graph, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    args = ("train", graph, "--out", tmp_path / "bundle", *SMALL, "--device", "cuda")
    status, _, err = run(*args)
    assert status == 1
    assert "PyTorch finds no CUDA device here" in err.splitlines()[-1]


def test_a_graph_that_is_damaged_is_refused(run, planted_graph, tmp_path):
    planted_graph.save(tmp_path / "graph")
    path = tmp_path / "graph" / "playlists.arrow"
    path.write_bytes(path.read_bytes()[:-100])
    status, _, err = run("train", tmp_path / "graph", "--out", tmp_path / "bundle", *SMALL)
    assert (status, err.count("\n")) == (1, 1)
    assert "playlists.arrow: is not as it was written" in err
    assert not list(tmp_path.glob("bundle*"))


@pytest.mark.parametrize("options", [["--model", "nope"], ["--relations", "nope"]])
def test_a_mistyped_option_does_not_stand_in_the_way(run, graph, tmp_path, options):
    """There is nothing to resume, so the corrected command must simply run."""
    out = tmp_path / "bundle"
    assert run("train", graph, "--out", out, *SMALL, *options)[0] == 1
    status, _, err = run("train", graph, "--out", out, *SMALL)
    assert status == 0, err


def test_the_folder_that_one_stands_in(run, graph, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, _, err = run("train", graph, "--out", ".", *SMALL)
    assert "unexpected" not in err


def test_what_is_not_ours_stays_in_the_training_folder(run, graph, tmp_path):
    """A folder that happens to be called OUT.training."""
    notes = tmp_path / "bundle.training" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("precious")
    status, _, err = run("train", graph, "--out", tmp_path / "bundle", *SMALL)
    assert status == 0, err
    assert [path.name for path in notes.parent.iterdir()] == ["notes.txt"]


def test_an_unknown_model_is_refused_without_loading_torch(tmp_path):
    code = (
        "import sys\nfrom segue.cli import main\n"
        "try: main(['train', 'graph', '--out', 'bundle', '--model', 'nope'])\n"
        "except SystemExit as end: print(end.code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "1 False\n"
    known = ", ".join(ENCODERS)
    assert done.stderr == f"segue: model 'nope' is not known, expected {known}\n"


def test_the_help_names_every_model(run):
    help_text = " ".join(run("train", "--help")[1].split())
    assert f"Architecture: {', '.join(ENCODERS)}." in help_text


@pytest.mark.parametrize("model", [name for name in ENCODERS if name != "lightgcn"])
def test_every_model_from_a_graph_to_a_bundle(run, graph, tmp_path, model):
    out = tmp_path / "bundle"
    status, text, err = run("train", graph, "--out", out, *SMALL, "--model", model)
    assert status == 0, err
    assert model in text
    assert Bundle.load(out).config["model"] == model
    status, text, err = run("evaluate", out, graph)
    assert status == 0, err


def test_a_registered_architecture_needs_no_tuned_values(run, graph, tmp_path, monkeypatch):
    monkeypatch.setitem(ENCODERS, "mine", LightGCN)
    out = tmp_path / "bundle"
    status, _, err = run("train", graph, "--out", out, *SMALL, "--model", "mine")
    assert status == 0, err
    assert Bundle.load(out).config["model"] == "mine"
    assert run("evaluate", out, graph)[0] == 0


# --- what is measured and what ships ----------------------------------------------------------


def test_what_ships_is_trained_on_all_pairs_up_to_the_best_epoch(trained, planted_graph, tmp_path):
    bundle = Bundle.load(trained)
    best = bundle.config["best_epoch"]
    config = config_for("lightgcn", dim=8, epochs=4, batch_size=50)
    anew = train_module.train(
        planted_graph, None, config, folder=tmp_path, identity="", stop_after=best
    )
    assert len(anew.history) == best
    np.testing.assert_array_equal(bundle.track_vectors, anew.track_vectors)
    np.testing.assert_array_equal(bundle.query_weight, anew.query_weight)
    np.testing.assert_array_equal(bundle.popularity, planted_graph.popularity)
    assert bundle.config["refit"] is True
    # What was measured is another thing.
    assert not np.array_equal(bundle.measured.track_vectors, bundle.track_vectors)


def test_without_a_refit_the_measured_vectors_ship(run, trained, graph, tmp_path):
    status, _, err = run("train", graph, "--out", tmp_path / "bundle", *SMALL, "--no-refit")
    assert status == 0
    assert "Once more" not in err
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.measured is None
    assert bundle.config["refit"] is False
    measured = Bundle.load(trained).measured
    np.testing.assert_array_equal(bundle.track_vectors, measured.track_vectors)
    assert bundle.popularity.sum() < bundle.playlists.tracks.num_pairs
    values = [
        json.loads(run("evaluate", path, graph, "--json")[1])["bundle"]["values"]
        for path in (tmp_path / "bundle", trained)
    ]
    assert values[0] == values[1]


def test_a_completion_holds_nothing_that_the_playlist_has(trained, planted_graph):
    """Validation and test pairs included: they are in the playlist, whatever was held out."""
    recommender = Recommender.load(trained)
    playlists = planted_graph.playlists
    track_index, _ = recommender.recommend(np.arange(len(playlists)), n=160)
    for row in range(len(playlists)):
        found = track_index[row][track_index[row] >= 0]
        # All that it lacks, and nothing else.
        assert sorted(found) == sorted(set(range(160)) - set(playlists.tracks[row].tolist()))
    for playlist_id in ("0", "17", "239"):
        held = set(playlists.tracks[playlists.index_of[playlist_id]].tolist())
        answer = recommender.complete(playlist_id, 160).tracks
        assert {int(track.track_id.rpartition(":")[2]) for track in answer}.isdisjoint(held)
        assert len(answer) == 160 - len(held)


def test_the_learned_weight_of_a_relation_is_said_and_kept(run, graph, tmp_path):
    out = tmp_path / "bundle"
    status, _, err = run("train", graph, "--out", out, *SMALL, "--relations", "artist,album")
    assert status == 0
    bundle = Bundle.load(out)
    weights = bundle.history[bundle.config["best_epoch"] - 1]["relation_weight"]
    assert set(weights) == {"artist", "album"}
    assert all(weight != 0.5 for weight in weights.values()), "where they started"
    said = f"album {weights['album']:.2f}, artist {weights['artist']:.2f}"
    assert f"Learned weight of the structural relations: {said}" in err


# --- objectives, options of the architecture ----------------------------------------------------


def test_objective_and_options_are_recorded(run, graph, tmp_path):
    out = tmp_path / "bundle"
    status, _, err = run(
        *("train", graph, "--out", out, *SMALL, "--objective", "sampled-softmax"),
        *("--negatives", "hard", "--objective-option", "num-negatives=20"),
        *("--objective-option", "negatives.share=0.5,0.1"),
        *("--model", "gat", "--option", "num-heads=2"),
        *("--option", "attention=v2", "--option", "relation_weight=1"),
    )
    assert status == 0, err
    config = json.loads((out / "manifest.json").read_text())["config"]
    hard = HardNegatives(share=(0.5, 0.1))
    chosen = SampledSoftmax(negatives=hard, num_negatives=20)
    assert TrainConfig.from_json(config).objective == chosen
    given = {"num_heads": 2, "attention": "v2", "relation_weight": 1}
    assert config["options"] == for_training("gat")["options"] | given


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("--negatives", "hard"), 1, "catalogue-softmax has no negatives"),
        (("--objective", "triples"), 2, "'triples' is not one of 'catalogue-softmax'"),
        (
            ("--objective", "sampled-softmax", "--objective-option", "num_negatives=0"),
            *(1, "num_negatives is 0, expected 1 or more"),
        ),
        (
            ("--objective", "bpr", "--objective-option", "negatives.share=1,0.5"),
            *(1, "random negatives has no option 'share', expected some of: none"),
        ),
        (("--objective-option", "warmth=3"), 1, "catalogue-softmax has no option 'warmth'"),
        (("--objective-option", "hidden_share=0.3"), 1, "is 0.3, expected two numbers"),
        (("--option", "colour=red"), 1, "lightgcn has no option 'colour', expected some of: rel"),
        (("--option", "relation_weight=red"), 1, "is 'red', expected a number"),
        (("--option", "relation_weight=true"), 1, "is True, expected a number"),
        (("--option", "relation_weight=nan"), 1, "option relation_weight is nan"),
        (("--model", "gat", "--option", "attention=v3"), 1, "'v3', expected v1 or v2"),
        (("--model", "gat", "--option", "num_heads=1.5"), 1, "1.5, expected a whole number"),
        (("--option", "dim=3"), 1, "no option 'dim'"),
        (("--option", "colour"), 2, "'colour' is not of the form NAME=VALUE"),
        (("--option", "=red"), 2, "'=red' is not of the form NAME=VALUE"),
        (("--option", "start=glorot", "--option", "start=identity"), 2, "start is given twice"),
    ],
    ids=str,
)
def test_contradictions_and_unknown_options_are_refused(
    run, graph, tmp_path, args, status, message
):
    found, text, err = run("train", graph, "--out", tmp_path / "bundle", *SMALL, *args)
    assert found == status
    assert message in err
    assert text == ""
    assert not list(tmp_path.iterdir())


def test_nothing_is_said_of_a_relation_without_edges(run, tmp_path):
    table = tmp_path / "rows.csv"
    rows = [f"p{row},t{(row * 7 + step) % 40},a{(row * 7 + step) % 5}"
            for row in range(60) for step in range(8)]  # fmt: skip
    table.write_text("\n".join(["playlist,track,artist", *rows]))
    assert run("build", table, "--out", tmp_path / "no-albums")[0] == 0
    arguments = ("train", tmp_path / "no-albums", "--out", tmp_path / "bundle")
    status, _, err = run(*arguments, *SMALL, "--relations", "artist,album")
    assert status == 0
    (said,) = [line for line in err.splitlines() if "Learned weight" in line]
    assert "artist" in said
    assert "album" not in said


def test_a_dry_run_says_what_training_would_take(run, graph, tmp_path):
    status, out, err = run("train", graph, "--out", tmp_path / "bundle", *SMALL, "--dry-run")
    assert status == 0, err
    assert "20 steps in 4 epochs" in out
    for what in ("parameters (dim 8)", "Memory: ", "Disk: ", "Time: "):
        assert what in out
    assert not list(tmp_path.iterdir())
