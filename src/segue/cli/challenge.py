"""`segue challenge`: the RecSys Challenge 2018, from a source of playlists to a table of scores."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.data import source_options
from segue.cli.list_options import EXACT
from segue.cli.output import THREADS, StageOrder, command, print_json, print_table
from segue.console import ConsoleProgress, count, number, progress_bar, say
from segue.files import refuse_file
from segue.machine import limit_threads

if TYPE_CHECKING:
    from segue.challenge.scoring import Definitions

# As in `segue.challenge.scoring`, which would load Arrow to show a help text.
_DEFINITIONS = ("organisers", "rules", "vl6")
_MOST_SHOWN = 20


@click.group(cls=StageOrder, short_help="The RecSys Challenge 2018: make, submit, check, score.")
def challenge() -> None:
    """The protocol of the RecSys Challenge 2018, on any playlists.

    `make` holds playlists out and cuts them into the challenge's ten kinds; build and train on what
    it leaves; `submit` answers a challenge set, that one or the real one; `check` says whether a
    submission keeps the rules; `score` gives its R-precision, nDCG and clicks.
    """


@challenge.command(short_help="Hold playlists out as a challenge set.")
@click.argument("source")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option(
    "--per-kind",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Playlists of each of the ten kinds; in total at most a fifth of all.",
)
@click.option(
    "--any-length",
    is_flag=True,
    help="Also take playlists shorter or longer than the challenge's of a kind.",
)
@click.option(
    "--k-core",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="First remove playlists and tracks with fewer than K pairs, until none is left.",
)
@click.option(
    "--rng-seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the draw.",
)
@source_options
@click.option("--skip-bad", is_flag=True, help="Skip bad records instead of stopping.")
@click.option("--overwrite", is_flag=True, help="Replace an older challenge.")
def make(
    source: str,
    out: Path,
    per_kind: int,
    any_length: bool,
    k_core: int,
    rng_seed: int,
    skip_bad: bool,
    overwrite: bool,
    reading: dict[str, Any],
) -> None:
    """Hold playlists out whole and cut them into the ten kinds of the RecSys Challenge 2018.

    SOURCE is what `segue build` reads. Writes challenge_set.json in the challenge's own form,
    answers.json, artists.arrow, and training/, the other playlists as slices: build and train on
    those alone. Every track of a held-out playlist is also in one of them.
    """
    from segue.challenge import make as make_challenge

    made = make_challenge(
        source,
        out,
        per_kind=per_kind,
        any_length=any_length,
        k_core=k_core,
        rng_seed=rng_seed,
        skip_bad=skip_bad,
        overwrite=overwrite,
        progress=ConsoleProgress(),
        **reading,
    )
    print_table(
        "Held out", ["kind", "playlists"], [[k, number(n)] for k, n in made.per_kind.items()]
    )
    if made.without_title:
        say(f"{count(made.without_title, 'playlist')} without a title: not for kinds with one")
    if made.without_order:
        without = count(made.without_order, "playlist")
        say(f"{without} of unknown order: not for kinds with the first tracks")
    short = [kind for kind, found in made.per_kind.items() if found < per_kind]
    if short:
        say(f"Fewer than {number(per_kind)}, as no more are suitable: {', '.join(short)}")
    say(f"{count(made.num_training, 'playlist')} left for training, written to {out / 'training'}")
    say(f"Build a graph of them: {command('build', out / 'training', '--out', 'graph')}")


@challenge.command(short_help="Answer a challenge set.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("challenge_set", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .csv.gz to write.")
@click.option("--team", default="segue", show_default=True, help="Team, for the first line.")
@click.option(
    "--email",
    default="nobody@example.com",
    show_default=True,
    help="Where the organisers reach the team, for the first line.",
)
@click.option(
    "--second-stage/--no-second-stage",
    default=True,
    help="Reorder the best tracks.  [default: if the bundle has a second stage]",
)
@click.option("--no-titles", is_flag=True, help="Ask with the tracks alone.")
@EXACT
@THREADS
@click.option("--overwrite", is_flag=True, help="Replace an older file.")
def submit(
    bundle: Path,
    challenge_set: Path,
    out: Path,
    team: str,
    email: str,
    second_stage: bool,
    no_titles: bool,
    exact: bool,
    threads: int | None,
    overwrite: bool,
) -> None:
    """Answer every playlist of a challenge set with 500 tracks, none of them given.

    CHALLENGE_SET is the real challenge_set.json, or one that `segue challenge make` wrote (or the
    folder of one). Titles count if the bundle has learned their words (`segue build
    --title-words`). Tracks that it does not know are ignored; a playlist about which it knows
    nothing gets the most popular tracks.
    """
    from segue.challenge import submit as write
    from segue.challenge.challenge_set import read_challenge_set
    from segue.recommend.recommender import Recommender

    refuse_file(out, overwrite=overwrite)
    limit_threads(threads)
    asked = read_challenge_set(challenge_set)
    recommender = Recommender.load(bundle, exact=exact, second_stage=second_stage)
    with progress_bar("Recommending", len(asked), "playlists") as bar:
        done = write(
            recommender,
            asked,
            out,
            team=team,
            email=email,
            titles=not no_titles,
            advance=bar.advance,
        )
    if done.num_unknown:
        say(f"{count(done.num_unknown, 'track')} unknown to the bundle, ignored")
    if done.by_popularity:
        say(f"{count(done.by_popularity, 'playlist')} with nothing known: the most popular tracks")
    say(f"{count(done.num_playlists, 'list')} written to {out}")


@challenge.command(short_help="Whether a submission keeps the rules.")
@click.argument("submission", type=click.Path(path_type=Path))
@click.argument("challenge_set", type=click.Path(path_type=Path))
def check(submission: Path, challenge_set: Path) -> None:
    """Check a submission by the challenge's rules: one sentence for each breach, exit status 1.

    500 distinct tracks for each playlist of CHALLENGE_SET, once, none of them given, after a line
    with team and e-mail address.
    """
    from segue.challenge import check as breaches_of
    from segue.challenge.challenge_set import read_challenge_set

    asked = read_challenge_set(challenge_set)
    found = breaches_of(submission, asked)
    for breach in found[:_MOST_SHOWN]:
        click.echo(f"{submission}: {breach}")
    if len(found) > _MOST_SHOWN:
        click.echo(f"… and {number(len(found) - _MOST_SHOWN)} more")
    if found:
        say(f"{number(len(found))} {'breach' if len(found) == 1 else 'breaches'} of the rules")
        sys.exit(1)
    say(f"{submission}: keeps the rules, {count(len(asked), 'list')}")


@challenge.command(short_help="R-precision, nDCG and clicks of a submission.")
@click.argument("submission", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--definitions",
    type=click.Choice(_DEFINITIONS),
    default="organisers",
    show_default=True,
    help="Whose metrics: of the organisers' paper and program, of the rules page, of the winning "
    "team's program.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON document, by all definitions, not a table."
)
def score(submission: Path, folder: Path, definitions: Definitions, as_json: bool) -> None:
    """Score a submission to the challenge set of a FOLDER that `segue challenge make` wrote.

    R-precision (with a quarter for the right artist), nDCG and recommended-songs clicks, in all and
    by kind. The texts and programs of the challenge differ in details: docs/challenge.md compares
    them.
    """
    from segue.challenge import score as scores_of
    from segue.challenge.scoring import ALL, METRICS

    found = scores_of(submission, folder)
    if as_json:
        print_json({"num_playlists": found.num_playlists, "values": found.values})
        return
    values = found.values[definitions]
    print_table(
        f"By the definitions of: {definitions}",
        ["kind", "playlists", "R-precision", "nDCG", "clicks"],
        [
            [
                "all kinds" if kind == ALL else kind,
                number(found.num_playlists[kind]),
                *(f"{values[kind][metric]:.4f}" for metric in METRICS[:2]),
                f"{values[kind]['clicks']:.3f}",
            ]
            for kind in values
        ],
    )
