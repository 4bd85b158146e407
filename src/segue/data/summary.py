"""What was read, in lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segue.console import Progress, count, number
from segue.data.collection import Source
from segue.data.order import Order
from segue.data.report import ReadReport, listed
from segue.data.text import shorten

_NUM_NAMED = 5  # Ignored files that are named, first those that might have held playlists:
_LIKELY = (".zip", ".csv", ".tsv", ".json", ".parquet", ".txt", ".gz")


def say_read(source: Source, read: ReadReport, order: Order, report: Progress) -> None:
    """Report what was read and what was not."""
    if read.rows:
        report.say(f"Read {count(read.files, 'table')}, {count(read.rows, 'row')}:")
    else:
        report.say(f"Read {count(read.files, 'file')}, {read.form}:")
    report.say(f"  {count(read.playlists, 'playlist')} with {count(read.pairs, 'pair')}")
    if order == "auto":
        report.say(f"  order of tracks known in {count(read.ordered_playlists, 'playlist')}")
        for reason, playlists in read.order_unknown.items():
            report.say(f"  unknown in {number(playlists)}: {reason}")
    if read.merged:
        num = count(read.merged, "playlist")
        report.say(f"  {num} with rows in several places, read as one each")
    if read.set_aside:
        report.say(f"  set aside: {listed(read.set_aside)}")
    if read.told_apart:
        num = count(read.told_apart, "playlist")
        report.say(f"  {num} renamed, as in 'mix (2)': the name was taken")
    if source.names is not None:
        shown = Path(source.names.name).name
        report.say(f"  {count(read.named, 'track')} named by {shown}")
    if read.known_by_id:
        num = count(read.known_by_id, "song")
        report.say(f"  {num} without an id taken for the one of the same name that has one")
    if read.repeated_tracks:
        report.say(f"  {count(read.repeated_tracks, 'repeated track')} counted once")
    if source.left_out:
        num, shown = count(len(source.left_out), "table"), _first(source.left_out)
        report.say(f"  {num} not read beside whole playlists: {shown}")
        report.say("  (a command that names them alone reads them)")
    if source.histories:
        num = count(len(source.histories), "file")
        report.say(f"  {num} of what was heard not read: {_first(source.histories)}")
        report.say("  (--with-history makes sessions of them, too)")
    if source.unreadable:
        report.say(f"  {count(len(source.unreadable), 'file')} skipped:")
        for name, reason in list(source.unreadable.items())[:_NUM_NAMED]:
            report.say(f"    {shorten(Path(name).name, 60)}: {shorten(reason, 150)}")
    if source.passed_over:
        num = count(len(source.passed_over), "other file")
        likely = sorted(source.passed_over, key=lambda name: not name.lower().endswith(_LIKELY))
        report.say(f"  {num} ignored: {_first(likely)}")
    for line in guesses(read):
        report.say(f"  {line}")
    if read.disputed_tracks:
        num = count(read.disputed_tracks, "track")
        report.say(f"  {num} with different artists, the first counts")
        track = dict(part.split(" = ") for part in read.columns.split(", ")).get("track")
        if track:
            report.say(f"  (if {track!r} holds names and no ids: --columns track_name={track})")


def guesses(read: ReadReport) -> list[str]:
    """What to say of encodings that were guessed."""
    lines = [
        f"{shorten(Path(name).name, 60)}: not UTF-8, read as {encoding}; that is a guess, "
        "--encoding states another"
        for name, encoding in list(read.guessed.items())[:_NUM_NAMED]
    ]
    if (more := len(read.guessed) - _NUM_NAMED) > 0:
        lines.append(f"{count(more, 'more file')} in an encoding that was guessed")
    return lines


def _first(names: Sequence[str]) -> str:
    """The first few of some files, without their folders."""
    shown = [shorten(Path(name).name, 60) for name in names[:_NUM_NAMED]]
    return ", ".join(shown) + (" …" if len(names) > _NUM_NAMED else "")
