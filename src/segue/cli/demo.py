"""`segue demo`: the whole way on the shipped sample."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segue.cli.data import build_graph
from segue.cli.model import evaluate_baselines, train_bundle
from segue.cli.output import print_evaluations, print_recommendations, print_table, say

if TYPE_CHECKING:
    from segue.data.playlists import Playlists

SEEDS = ("Bohemian Rhapsody", "Stairway to Heaven")
NUM_PLAYLISTS, QUICK_NUM_PLAYLISTS = 2000, 300


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("segue-demo"),
    show_default=True,
    help="The folder for playlists, graph and bundle.",
)
@click.option("--quick", is_flag=True, help="Fewer playlists and epochs: to see that it works.")
def demo(out: Path, quick: bool) -> None:
    """Run all stages on the shipped sample, in a few minutes.

    The songs of the sample are real; its playlists are generated.
    """
    from segue.data.sample import write_sample
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.graph.split import SplitRecipe, split_graph
    from segue.recommend.recommender import Recommender
    from segue.training.config import TrainConfig

    started = time.perf_counter()
    slices, graph_path, bundle_path = out / "playlists", out / "graph", out / "bundle"
    # A demo may be run again; only what an earlier one wrote is replaced.
    for old in slices.glob("mpd.slice.*.json"):
        old.unlink()
    shutil.rmtree(bundle_path.with_name(f"{bundle_path.name}.training"), ignore_errors=True)
    num_playlists = QUICK_NUM_PLAYLISTS if quick else NUM_PLAYLISTS

    say(f"1. Playlists: {num_playlists} generated ones over a catalogue of real songs")
    write_sample(slices, num_playlists)
    say(f"2. Graph: segue build {slices} --out {graph_path}")
    build_graph(str(slices), graph_path, overwrite=True)
    say(f"3. Model: segue train {graph_path} --out {bundle_path}")
    config = TrainConfig(dim=32, epochs=20) if quick else TrainConfig()
    graph = PlaylistGraph.load(graph_path)
    bundle, evaluation = train_bundle(graph, bundle_path, config, SplitRecipe(), overwrite=True)
    say(f"4. Measure: segue evaluate {bundle_path} {graph_path} --baselines")
    split = split_graph(graph, SplitRecipe())
    evaluations = {bundle.config["model"]: evaluation}
    evaluations |= evaluate_baselines(split, split.test)
    print_evaluations("On the test tracks of the generated playlists", evaluations)

    say("5. Ask")
    recommender = Recommender.load(bundle_path)
    playlists, catalog = graph.playlists, graph.catalog
    row = _playlist_to_show(playlists)
    playlist_id, tracks = str(playlists.ids[row]), playlists.tracks[row]
    print_table(
        f"Generated playlist {playlist_id}: {playlists.titles[row]}",
        ["track", "artist"],
        [
            [str(catalog.track_names[int(track)]), str(artist)]
            for track, artist in zip(tracks, catalog.artist_of(tracks), strict=True)
        ],
    )
    print_recommendations(recommender.complete(playlist_id))
    print_recommendations(recommender.vibe(SEEDS))

    program = _program()
    say(f"Done in {time.perf_counter() - started:.0f} s. The bundle is yours to play with:")
    say(f'  {program} vibe {bundle_path} "Billie Jean" "September - Earth, Wind & Fire"')
    say(f"  {program} complete {bundle_path} {playlist_id} -n 20")
    say(f"  {program} info {graph_path}")
    say(f"  {program} recommend {bundle_path} --all -n 100 --out {out / 'recommendations.parquet'}")
    say(f"Your own playlists: {program} build FOLDER_OF_SLICES --out graph")


def _playlist_to_show(playlists: Playlists) -> int:
    """The first playlist with a title and eight to twelve tracks: short enough to read."""
    lengths = playlists.tracks.lengths
    fits = (lengths >= 8) & (lengths <= 12) & playlists.titles.is_valid().to_numpy(False)
    return int(fits.argmax())


def _program() -> str:
    """How this program was called, so that what we print can be typed."""
    called = Path(sys.argv[0])
    on_path = shutil.which("segue")
    if called.name != "segue" or (on_path and Path(on_path) == called):
        return "segue"
    return shlex.quote(str(called))
