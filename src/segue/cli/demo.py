"""`segue demo`: all stages on the shipped sample."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.lists import print_recommendations
from segue.cli.output import command, print_table
from segue.console import ConsoleProgress, say

if TYPE_CHECKING:
    from segue.data.playlists import Playlists

SEEDS = ("Bohemian Rhapsody", "Stairway to Heaven")
MORE_SEEDS = ("Superstition", "September - Earth, Wind & Fire", "Le Freak")
# Marks a folder that a demo may overwrite.
NOTE = (
    "Written by `segue demo`, which replaces it when it runs again: generated playlists\n"
    "over real songs, the graph that was built of them, and the bundle trained on it.\n"
)
NUM_PLAYLISTS, QUICK_NUM_PLAYLISTS = 2000, 300


@click.command(short_help="All stages on the shipped sample.")
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

    The sample's songs are real; its playlists are generated.
    """
    from segue.evaluation.evaluate import Evaluation
    from segue.pipeline.build import build_to
    from segue.pipeline.evaluate import BUNDLE, Evaluations, evaluate_baselines
    from segue.pipeline.recipes import split as split_graph
    from segue.pipeline.train import train_to
    from segue.recommend.recommender import Recommender
    from segue.synthetic.sample import write_sample

    started = time.perf_counter()
    _claim(out)
    slices, graph_path, bundle_path = out / "playlists", out / "graph", out / "bundle"
    for old in slices.glob("mpd.slice.*.json"):
        old.unlink()
    num_playlists = QUICK_NUM_PLAYLISTS if quick else NUM_PLAYLISTS

    say(f"1. Playlists: {num_playlists} generated ones over a catalogue of real songs")
    write_sample(slices, num_playlists)
    say("2. Graph: " + command("build", slices, "--out", graph_path))
    progress = ConsoleProgress()
    graph = build_to(str(slices), graph_path, overwrite=True, progress=progress)
    say("3. Model: " + command("train", graph_path, "--out", bundle_path))
    sizes: dict[str, Any] = {"dim": 32, "epochs": 20} if quick else {}
    split = split_graph(graph)
    bundle = train_to(bundle_path, split, overwrite=True, progress=progress, **sizes)
    beside = ("popularity", "item-kNN", "EASE")
    ours = command("evaluate", bundle_path, graph_path, "--baselines", "--only", ",".join(beside))
    say(f"4. Measure: {ours}")
    evaluations = {BUNDLE: Evaluation.from_json(bundle.metrics["test"])}
    found = evaluate_baselines(split, split.test, beside, progress=progress)
    evaluations |= {name: evaluation for name, (evaluation, _) in found.items()}
    title = "On the test tracks of the generated playlists"
    click.echo(Evaluations(title, evaluations, system=bundle.system))

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

    say(f"Done in {time.perf_counter() - started:.0f} s. The bundle is yours to play with:")
    say("  " + command("vibe", bundle_path, *MORE_SEEDS))
    say("  " + command("vibe", bundle_path, "--title", "70s rock"))
    say("  " + command("complete", bundle_path, playlist_id, "-n", 20))
    picture = ("--from", MORE_SEEDS[0], "--out", out / "layers.html")
    say("  " + command("draw", "layers", bundle_path, *picture))
    say("  " + command("info", graph_path))
    recommendations = out / "recommendations.parquet"
    say("  " + command("recommend", bundle_path, "--all", "-n", 100, "--out", recommendations))
    own = ("--from", "my.m3u8", "--out", "next.m3u8")
    say("Your own playlist: " + command("complete", bundle_path, *own))
    say("Your own bundle: " + command("build", "PLAYLISTS", "--out", "graph"))


def _playlist_to_show(playlists: Playlists) -> int:
    """The first playlist with a title and eight to twelve tracks: short enough to read."""
    lengths = playlists.tracks.lengths
    fits = (lengths >= 8) & (lengths <= 12) & playlists.titles.is_valid().to_numpy(False)
    return int(fits.argmax())


def _claim(out: Path) -> None:
    """Mark the folder as the demo's; ArtefactError if it contains anything else."""
    from segue.errors import ArtefactError
    from segue.files import atomic_file, remove_leftovers

    try:
        out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        note = out / "README.txt"
        if any(out.iterdir()) and not (note.is_file() and note.read_bytes() == NOTE.encode()):
            raise ArtefactError(f"{out}: is not a demo's folder; give --out another one")
        with atomic_file(note) as temporary:
            temporary.write_bytes(NOTE.encode())
    except OSError as error:
        raise ArtefactError(f"{out}: cannot be written ({error.strerror or error})") from error
