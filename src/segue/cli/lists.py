"""Printing lists of recommendations and reasons on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segue.console import count, printable, say
from segue.data.text import shorten

if TYPE_CHECKING:
    from segue.names.matches import Songs
    from segue.recommend.lists import Recommendation, Recommendations, SimilarArtists
    from segue.recommend.reasons import Explanation, SharedPlaylist


_MOST_LINES = 10


def print_recommendations(found: Recommendations, *, reasons: bool = False) -> None:
    """Print a list of tracks with the main reason for each; with `reasons` all reasons below."""
    if not found.tracks:
        say("Nothing is left to recommend: no other track of the bundle passes the filters.")
        return
    if found.by_popularity:
        nothing = (
            "No word of this title is known"
            if found.unknown_words
            else ("There are no songs and no words to go by")
        )
        say(f"{nothing}, so these are the most popular tracks.")
    click.echo(found.table(because=not reasons))
    if reasons and not found.by_popularity:
        for track in found.tracks:
            _print_reasons(track)


def _print_reasons(track: Recommendation) -> None:
    click.echo(printable(f"{track.rank}. {track.track_name}"))
    parts = [f"{reason.name} {reason.part:+.3f}" for reason in track.because]
    if abs(track.rest) >= 0.0005:  # omit what would be shown as 0
        parts.append(f"all else {track.rest:+.3f}")
    click.echo(printable(f"   {track.score:.3f} = {', '.join(parts)}"))
    _print_links(track.same_artist, track.playlists, "   ")


def _print_links(
    same_artist: tuple[str, ...], playlists: tuple[SharedPlaylist, ...] | None, indent: str
) -> None:
    if same_artist:
        click.echo(printable(f"{indent}same artist as {', '.join(same_artist)}"))
    for shared in playlists or ():
        named = shared.title and shared.title != shared.playlist_id
        title = f" {shared.title}" if named else ""
        names = ", ".join(shared.track_names[:3])
        more = f" and {len(shared.track_names) - 3} more" if len(shared.track_names) > 3 else ""
        line = f"in playlist {shared.playlist_id}{title} with {names}{more}"
        click.echo(printable(indent + line))


def say_words(found: Recommendations | Explanation) -> None:
    """Say which words of a title are known only by their parts, and which not at all."""
    if found.words_by_parts:
        words = ", ".join(found.words_by_parts)
        say(f"In too few titles, so taken by their parts: {words}")
    if found.unknown_words:
        say(f"In no title that the bundle knows, so left out: {', '.join(found.unknown_words)}")


def say_songs(answer: Recommendations | Explanation | Songs) -> None:
    """Say which tracks were taken for the songs given, and which are not known."""
    lines = [str(taken) for taken in answer.took]
    lines += [f"passed over {asked!r}, which is not in this bundle" for asked in answer.unknown]
    for line in lines[:_MOST_LINES]:
        say(printable(shorten(line)))
    if len(lines) > _MOST_LINES:
        say(f"… and {len(lines) - _MOST_LINES} more; --json lists them all")


def print_artists(found: SimilarArtists) -> None:
    """Print a list of artists."""
    if not found.artists:
        say("The bundle has no other artist.")
        return
    click.echo(str(found))


def print_explanation(why: Explanation) -> None:
    """Print all parts of one score, what is by the same artist, and playlists that hold both."""
    click.echo(str(why))
    _print_links(why.same_artist, why.playlists, "")
    against = sum(term.part < 0 for term in why.terms)
    if against:
        say(f"{count(against, 'term')} below 0: counting against it")
    if why.playlists is None:
        say("The bundle was made without playlists, so none that hold both can be named.")
