"""`segue evaluate`: how good a bundle is, compared with tuned baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from segue.cli.list_options import variety_option
from segue.cli.output import SAMPLE, THREADS, comma_names, print_json
from segue.console import say
from segue.machine import limit_threads

if TYPE_CHECKING:
    from segue.scoring.questions import Question

# As in `segue.pipeline.evaluate`, which would load pyarrow to show a help text.
DEFAULT_TRIALS = 8


class BaselineNames(click.ParamType[tuple[str, ...]]):
    """``EASE,iALS``: names of baselines, in any case."""

    name = "NAMES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Parse, or fail with what was expected."""
        from segue.baselines import BASELINES

        known = {name.lower(): name for name in BASELINES}
        names = comma_names(str(value))
        for name in names:
            if name not in known:
                every = ", ".join(BASELINES)
                self.fail(f"{name!r} is not a baseline, expected some of {every}", param, ctx)
        return tuple(known[name] for name in names)


@click.command(short_help="How good a bundle is, on held-out tracks.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("graph", type=click.Path(path_type=Path))
@click.option("--baselines", is_flag=True, help="Measure tuned baselines, too.")
@click.option("--only", type=BaselineNames(), help="Only these baselines.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=DEFAULT_TRIALS,
    show_default=True,
    help="Options tried on validation for each baseline; 1 takes its defaults.",
)
@click.option(
    "--trials-file",
    type=click.Path(path_type=Path),
    help="Keep finished trials in this file, and reuse those in it.",
)
@click.option(
    "--on",
    "part",
    type=click.Choice(["test", "validation"]),
    default="test",
    show_default=True,
    help="Which held-out tracks.",
)
@click.option(
    "--given",
    type=int,
    metavar="N",
    help="Give N tracks of each playlist that was held out whole.  [default: as in training]",
)
@click.option(
    "--question",
    type=click.Choice(["fit", "next", "either"]),
    help="What all playlists are asked.  [default: each what its held-out tracks answer]",
)
@variety_option(0)
@SAMPLE
@THREADS
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def evaluate(
    bundle: Path,
    graph: Path,
    baselines: bool,
    only: tuple[str, ...] | None,
    trials: int,
    trials_file: Path | None,
    part: Literal["test", "validation"],
    given: int | None,
    question: Question | None,
    variety: float,
    sample: int | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure BUNDLE on what its training held out of GRAPH.

    Full ranking over every track, known tracks removed; means over the playlists with held-out
    tracks. Bucket 1 holds the most popular tracks, bucket 5 the least, each with a fifth of the
    training pairs. Artist share is how much of the first ten is by the playlist's own artists, and
    artist diversity how many pairs of tracks are by different ones; those of the held-out tracks
    show what playlists really contain.

    If there are more than 10,000 such playlists, 10,000 are drawn, always the same ones, and
    standard errors are given. --sample N draws N, --sample all measures all.

    If the last tracks of some playlists were held out and random ones of others, a second table has
    both questions, what comes next and what fits; each playlist is asked its own, or --question.

    The baselines are popularity, item-kNN, RP3beta, EASE, EASE+side (with artists and albums),
    SLIM, GF-CF, spectral (a low-pass filter on the graph) and iALS, each with the options that do
    best on validation by nDCG@20 in --trials trials. One that does not fit into memory is left
    out.
    """
    from segue.bundle import Bundle
    from segue.errors import ArtefactError, MismatchError
    from segue.graph.playlist_graph import PlaylistGraph
    from segue.pipeline.evaluate import evaluate as measure
    from segue.pipeline.evaluate import scored_text, split_of

    limit_threads(threads)
    loaded = Bundle.load(bundle)
    whole = PlaylistGraph.load(graph)
    try:
        split = split_of(loaded, whole)
    except (MismatchError, ArtefactError) as error:
        raise type(error)(f"{bundle} and {graph}: {error}") from None
    if given is not None:
        split = split.given(given)
    found = measure(
        loaded,
        split,
        on=part,
        baselines=only or baselines,
        num_trials=trials,
        trials_file=trials_file,
        question=question,
        variety=variety,
        sample=sample,
        progress=True,
    )
    if as_json:
        print_json(found.to_json())
        return
    click.echo(found)
    say(scored_text(next(iter(found.values())), split))
