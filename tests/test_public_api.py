"""The public surface: what `import segue` gives, how light it is, and that its examples run."""

import doctest
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue
from segue.synthetic.sample import write_sample

PUBLIC = [
    "__version__",
    "read", "build", "split", "train", "evaluate", "load", "update", "verify", "compare",
    "generate",
    "Collection", "Playlists", "Catalog", "Relation", "PlaylistGraph", "Split", "SplitRecipe",
    "HeldOut",
    "TrainConfig", "SystemConfig", "WideConfig", "FactorsConfig", "WordOddsConfig",
    "SecondStageConfig",
    "CatalogueSoftmax", "PooledSoftmax", "SampledSoftmax", "BPR", "Triples",
    "RandomNegatives", "HardNegatives", "HardestNegatives",
    "Step", "TensorBoard", "Progress", "Encoder", "ENCODERS",
    "Bundle", "Recommender", "Recommendations", "SimilarArtists", "SuggestedTitles", "Explanation",
    "SortedSongs", "TidyReport", "Found", "Filters", "Matches", "UpdateReport",
    "Verified",
    "Metric", "METRICS", "BASELINES", "Evaluation", "Evaluations", "Grid",
    "SegueError", "InputError", "NameLookupError", "ArtefactError", "MismatchError",
    "ResourceError", "TrainingError", "SegueWarning",
]  # fmt: skip


def test_the_public_names_are_these():
    """Adding one is a decision, removing one breaks somebody's program."""
    assert segue.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(segue))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_is_there(name):
    assert getattr(segue, name) is not None


def test_what_is_not_public_is_not_there():
    with pytest.raises(AttributeError, match="module 'segue' has no attribute 'recommend_music'"):
        _ = segue.recommend_music


def test_dir_shows_what_is_public_and_nothing_else():
    """What a reader meets on Tab."""
    assert {name for name in dir(segue) if not name.startswith("__")} == set(PUBLIC[1:])


def test_import_is_light_and_the_names_load_no_more_than_they_need():
    program = (
        "import sys, time\n"
        "before = set(sys.modules)\n"
        "started = time.process_time()\n"
        "import segue\n"
        "spent = time.process_time() - started\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(loaded & {'torch', 'numpy', 'scipy', 'pyarrow', 'rich', 'click'}))\n"
        "segue.read, segue.build, segue.split, segue.load, segue.update, segue.Filters\n"
        "print('torch' in sys.modules)\n"
        "segue.train\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.splitlines() == ["[]", "False", "True"]


def test_a_name_whose_library_is_missing_says_what_to_install():
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import segue\n"
        "try:\n    segue.train\n"
        "except segue.ResourceError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == (
        "segue.train needs PyTorch, which is not installed: pip install 'segue[train]'\n"
    )


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the examples may take for granted, in a folder of their own."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_sample(Path("playlists"), 400)
        playlists = segue.read("playlists")
        graph = segue.build(playlists, k_core=3)
        split = segue.split(graph)
        bundle = segue.train(split, dim=16, epochs=2, system=segue.SystemConfig(), device="cpu")
        bundle.save("bundle")
        graph.save("graph")
        yield {
            "segue": segue, "np": np, "playlists": playlists, "graph": graph, "split": split,
            "bundle": bundle, "recommender": segue.load("bundle"),
        }  # fmt: skip


def test_what_holds_arrays_prints_as_one_short_line(names):
    graph, split, bundle = names["graph"], names["split"], names["bundle"]
    texts = [
        repr(one)
        for one in (
            names["playlists"], graph, graph.playlists, graph.playlists.tracks, graph.catalog,
            graph.catalog.tracks, graph.relations["artist"], split, split.test,
            bundle, bundle.measured, names["recommender"],
            names["recommender"].vibe(["Bohemian Rhapsody"]),
            names["recommender"].similar(artist="Queen"),
        )
    ]  # fmt: skip
    assert all(len(text) < 130 and "\n" not in text for text in texts), texts
    num_pairs = split.test.targets.num_pairs
    assert repr(graph).startswith(f"PlaylistGraph({len(graph.playlists):,} playlists, ")
    assert repr(split).endswith(f" {num_pairs:,} for test)")
    assert repr(bundle).startswith("Bundle(lightgcn, dim 16, ")
    assert repr(names["recommender"]) == f"Recommender({bundle!r})"


def test_answers_and_figures_print_as_tables(names):
    recommender = names["recommender"]
    found = recommender.vibe(["Bohemian Rhapsody", "Superstition"], n=3)
    lines = str(found).splitlines()
    assert lines[0] == found.title
    assert all(track.track_name in str(found) for track in found.tracks)
    assert "goes with" in str(found)
    artists = recommender.similar(artist="Queen", n=2)
    assert all(artist.artist_name in str(artists) for artist in artists.artists)
    why = recommender.why("Kashmir", tracks=["Superstition"])
    assert f"{why.score:.4f}" in str(why)
    evaluations = segue.evaluate(names["bundle"], names["split"])
    assert repr(evaluations) == str(evaluations)
    assert repr(evaluations["bundle"]).startswith("Evaluation(recall@20 ")


@pytest.mark.parametrize(
    "name",
    [name for name in PUBLIC if name not in ("__version__", "ENCODERS", "METRICS", "BASELINES")],
)
def test_each_is_documented_and_its_example_runs(name, names):
    """The constants have no docstring of their own; the API pages of the docs show them."""
    found = getattr(segue, name)
    assert inspect.getdoc(found), f"{name} has no docstring"
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(found), dict(names), name, None, None
    )
    assert example.examples, f"the docstring of {name} has no example"
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=flags).run(example, out=said.append)
    assert outcome.failed == 0, "".join(said)
