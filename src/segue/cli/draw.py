"""`segue draw`: pictures of the graph, of the vectors, of reasons and of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.lists import say_songs
from segue.cli.output import StageOrder
from segue.console import count, say

if TYPE_CHECKING:
    from segue.names.name_file import Kind
    from segue.pictures.scene import Scene
    from segue.recommend.recommender import Recommender

_BUNDLE = click.argument("bundle", type=click.Path(path_type=Path))
_RNG_SEED = click.option(
    "--rng-seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of all random choices.",
)


@dataclass(frozen=True)
class _Output:
    """Where a picture goes and how it looks: options shared by all of these commands."""

    out: Path
    theme: str | None
    size: str
    dpi: int
    title: str | None
    overwrite: bool

    def check(self) -> None:
        """Raise for what cannot be written, before anything is loaded."""
        from segue.files import refuse_file
        from segue.pictures.style import format_of, size_named

        format_of(self.out)
        size_named(self.size)
        refuse_file(self.out, overwrite=self.overwrite)

    def save(self, scene: Scene) -> None:
        """Write the scene, and report it."""
        from segue.pictures.save import save_scene
        from segue.pictures.style import size_named

        if self.title is not None:
            scene = scene.with_title(self.title)
        boxes = save_scene(scene, self.out, size_named(self.size), self.theme, dpi=self.dpi)
        if boxes:
            say(
                f"{count(boxes, 'name')} with letters that no font here has, drawn as boxes: "
                "install such a font (Noto has all), or write .svg or .html"
            )
        say(f"Written to {self.out}")

    @property
    def walkable(self) -> bool:
        """Whether the picture is interactive."""
        return self.out.suffix.lower() == ".html"


def _output(function: Callable[..., None]) -> Callable[..., None]:
    """The options of `_Output`, passed on as `output`."""

    @wraps(function)
    def wrapped(
        out: Path,
        theme: str | None,
        size: str,
        dpi: int,
        title: str | None,
        overwrite: bool,
        **options: Any,
    ) -> None:
        output = _Output(out, theme, size, dpi, title, overwrite)
        output.check()
        function(output=output, **options)

    for option in reversed(
        [
            click.option(
                "--out",
                type=click.Path(path_type=Path),
                required=True,
                help="The file to write: .png, .svg, .pdf, or .html to explore.",
            ),
            click.option(
                "--theme",
                type=click.Choice(["light", "dark"]),
                help="Colours.  [default: light; in HTML the reader's setting]",
            ),
            click.option(
                "--size",
                default="screen",
                show_default=True,
                help="screen, slide, page, column, or WIDTHxHEIGHT in inches.",
            ),
            click.option(
                "--dpi",
                type=click.IntRange(30, 1200),
                default=200,
                show_default=True,
                help="Pixels per inch of a PNG.",
            ),
            click.option("--title", help="Another title; '' for none."),
            click.option("--overwrite", is_flag=True, help="Replace an older file."),
        ]
    ):
        wrapped = option(wrapped)
    return wrapped


def _growth(waves: int, limit: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of a snowball."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        for option in (
            click.option("--random", "at_random", is_flag=True, help="Choose at random."),
            click.option(
                "--limit",
                type=click.IntRange(min=0),
                default=limit,
                show_default=True,
                help="The most nodes of each kind in a wave.",
            ),
            click.option(
                "--waves",
                type=click.IntRange(min=0),
                default=waves,
                show_default=True,
                help="How many times neighbours of the latest nodes are added.",
            ),
            click.option(
                "--kind",
                "node_kind",
                type=click.Choice(["playlist", "track", "artist"]),
                help="What START is, if the name is ambiguous.",
            ),
            click.option(
                "--from",
                "start",
                required=True,
                metavar="START",
                help="The id or name of a playlist, a track ('name - artist'), or an artist.",
            ),
        ):
            function = option(function)
        return function

    return decorated


@click.group(cls=StageOrder, short_help="Pictures of the graph, of reasons, of training.")
def draw() -> None:
    """Draw pictures of what a bundle holds, as PNG, SVG, PDF, or interactive HTML.

    The file name of --out decides. The same command gives the same picture.
    """


def _load(bundle: Path) -> Recommender:
    from segue.pictures.compose import playlists_of
    from segue.recommend.recommender import Recommender

    recommender = Recommender.load(bundle)
    playlists_of(recommender.bundle)  # fail before names are looked up
    return recommender


def _draw_around(
    compose: Callable[..., Scene],
    output: _Output,
    bundle: Path,
    start: str,
    node_kind: Kind | None,
    **options: Any,
) -> None:
    from segue.pictures.compose import with_beyond

    recommender = _load(bundle)
    names = recommender.names
    node = (node_kind, names.find(start, node_kind)) if node_kind else names.find_any(start)
    scene = compose(recommender.bundle, node, **options)
    output.save(with_beyond(scene, recommender.bundle) if output.walkable else scene)


@draw.command(short_help="A connected piece of the graph, grown by waves.")
@_BUNDLE
@_growth(waves=3, limit=20)
@_RNG_SEED
@_output
def snowball(output: _Output, bundle: Path, **options: Any) -> None:
    """Draw the surroundings of a playlist, track or artist of BUNDLE.

    Wave by wave, the neighbours of the latest nodes are added, those with the most edges first, and
    finally the artists of all tracks.
    """
    from segue.pictures.compose import snowball

    _draw_around(snowball, output, bundle, **options)


@draw.command(short_help="Playlists, tracks and artists in three columns.")
@_BUNDLE
@_growth(waves=2, limit=16)
@_RNG_SEED
@_output
def layers(output: _Output, bundle: Path, **options: Any) -> None:
    """Draw the same in three columns, ordered so that few edges cross."""
    from segue.pictures.compose import layers

    _draw_around(layers, output, bundle, **options)


@draw.command(short_help="An artist, its tracks, and the playlists that hold them.")
@_BUNDLE
@click.argument("name")
@click.option(
    "--tracks", type=click.IntRange(min=1), default=12, show_default=True, help="The most tracks."
)
@click.option(
    "--playlists",
    type=click.IntRange(min=0),
    default=24,
    show_default=True,
    help="The most playlists.",
)
@_output
def artist(output: _Output, bundle: Path, name: str, tracks: int, playlists: int) -> None:
    """Draw an artist of BUNDLE, by name or id, its tracks, and the playlists that hold them."""
    from segue.pictures.compose import artist, with_beyond

    recommender = _load(bundle)
    row = recommender.names.find(name, "artist")
    scene = artist(recommender.bundle, row, num_tracks=tracks, num_playlists=playlists)
    output.save(with_beyond(scene, recommender.bundle) if output.walkable else scene)


@draw.command(short_help="Why tracks are recommended: what links them to the seeds.")
@_BUNDLE
@click.argument("seeds", nargs=-1)
@click.option("--playlist", help="The tracks of this playlist (id or title) instead of SEEDS.")
@click.option(
    "-n", type=click.IntRange(1, 50), default=8, show_default=True, help="Recommended tracks."
)
@click.option(
    "--playlists",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="The most playlists drawn as links.",
)
@_output
def reasons(
    output: _Output,
    bundle: Path,
    seeds: tuple[str, ...],
    playlist: str | None,
    n: int,
    playlists: int,
) -> None:
    """Draw seeds, recommended tracks, and the playlists and artists that link them.

    SEEDS are track ids or names, as for `segue vibe`. The width of a band is what a seed adds to a
    track's score, shared evenly among what links the two.
    """
    from segue.pictures.compose import reasons

    if bool(seeds) == (playlist is not None):
        raise click.UsageError("Give either SEEDS or --playlist.")
    recommender = _load(bundle)
    if playlist is None:
        songs, own = recommender.names.songs(seeds), None
        say_songs(songs)
        rows = list(songs.rows)
    else:
        own = recommender.names.find(playlist, "playlist")
        rows = recommender.playlists.tracks[own].tolist()
    output.save(reasons(recommender, rows, n=n, num_playlists=playlists, without=own))


@draw.command(name="map", short_help="The catalogue in two dimensions.")
@_BUNDLE
@click.option(
    "--method",
    type=click.Choice(["pca", "umap"]),
    default="pca",
    show_default=True,
    help="umap needs the extra: pip install 'segue[umap]'.",
)
@click.option(
    "--colour",
    type=click.Choice(["genre", "cluster"]),
    help="[default: genre if known, else cluster]",
)
@click.option(
    "--genres",
    type=click.Path(path_type=Path),
    help="A text file of genres: track id, tab, genre. (The shipped sample's are known.)",
)
@click.option(
    "--clusters", type=click.IntRange(1, 8), default=8, show_default=True, help="How many."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="The most tracks; the most popular are taken.",
)
@_RNG_SEED
@_output
def catalogue(
    output: _Output,
    bundle: Path,
    method: Any,
    colour: str | None,
    genres: Path | None,
    clusters: int,
    limit: int,
    rng_seed: int,
) -> None:
    """Draw the tracks of BUNDLE as points, close together if their vectors are similar."""
    from segue.bundle import Bundle
    from segue.errors import InputError
    from segue.pictures.map import catalogue_map, read_genres, sample_genres

    loaded = Bundle.load(bundle)
    known = None
    if colour != "cluster":
        known = read_genres(genres) if genres is not None else sample_genres(loaded.catalog)
    if colour == "genre" and known is None:
        raise InputError(f"{bundle}: no genre of its tracks is known; --genres FILE gives them")
    output.save(
        catalogue_map(
            loaded,
            method=method,
            genres=known,
            num_clusters=clusters,
            limit=limit,
            rng_seed=rng_seed,
        )
    )


@draw.command(short_help="Loss and validation metrics by epoch.")
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@_output
def training(output: _Output, bundles: tuple[Path, ...]) -> None:
    """Draw how the training of one or more BUNDLES went."""
    from segue.bundle import Bundle
    from segue.pictures.plots import training_curves
    from segue.pictures.save import save_plot
    from segue.pictures.style import size_named

    histories = {str(path): Bundle.load(path).history for path in bundles}
    title = output.title if output.title is not None else "Training"
    save_plot(
        partial(training_curves, histories, title=title),
        output.out,
        size_named(output.size),
        output.theme,
        title=title or "Training",
        dpi=output.dpi,
    )
    say(f"Written to {output.out}")
