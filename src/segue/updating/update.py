"""New music without retraining: playlists that training never saw join a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue.bundle import Bundle
from segue.data.collection import Collection
from segue.data.playlists import Catalog, Float32Array, Int64Array
from segue.data.reading import read
from segue.data.relations import Relation
from segue.errors import InputError
from segue.names.asked import Asked, asked_songs
from segue.names.lookup import NameLookup
from segue.names.match import Match
from segue.names.titles import title_of
from segue.scoring.centroid import unit_rows
from segue.scoring.terms import with_tracks
from segue.updating.evidence import Evidence
from segue.updating.joined import JoinedPlaylists, joined_catalog, no_playlists, rows_in
from segue.updating.mix import SOURCES, MixWeights, source_names


@dataclass(frozen=True, eq=False)
class UpdateReport:
    """What an update added.

    Attributes
    ----------
    num_tracks, num_artists, num_albums, num_playlists
        Number of new ones, not counting those left out.
    num_replaced
        Playlists of the bundle whose tracks were replaced by a newer playlist with the same id.
    num_repeated
        Playlists that the bundle already had with the same tracks; they were skipped.
    num_matched
        Tracks that the bundle has under another id or spelling (see docs/matching.md): they count
        as those.
    placed_by : dict
        How many of the new tracks were placed by which sources: ``{"artist, playlists": 12}``.
    left_out : tuple of (track id, name)
        New tracks with nothing to go by: their artist and album are new or not known, and so is
        every track in the same playlists. (A later update may know those.)
    weights : MixWeights or None
        The weights used for the new tracks; None if there were no new tracks and no weights given.

    Examples
    --------
    >>> _, report = segue.update("bundle", {"more": [bundle.catalog.track_ids[0].as_py()]})
    >>> report.num_tracks, report.num_playlists
    (0, 1)
    """

    num_tracks: int
    num_artists: int
    num_albums: int
    num_playlists: int
    num_replaced: int
    num_repeated: int
    num_matched: int
    placed_by: dict[str, int]
    left_out: tuple[tuple[str, str], ...]
    weights: MixWeights | None


def update(
    bundle: Bundle | str | Path,
    collection: Any,
    *,
    sources: Sequence[str] = SOURCES,
    weights: MixWeights | None = None,
    rng_seed: int = 0,
) -> tuple[Bundle, UpdateReport]:
    """Add playlists and their new tracks to a bundle, without training.

    A new track's vector is a convex mix of its artist's, its album's and its playlists' (see
    `segue.updating.mix`). Existing vectors and weights do not change, not by a single bit. New rows
    are appended, in the order of the collection's catalogue.

    Parameters
    ----------
    bundle : Bundle or the folder of one
    collection : Collection, or what `segue.read` takes
        Artists and albums are identified by id, tracks also by ISRC, MusicBrainz id, or title and
        artist; descriptions of known tracks do not change. A playlist whose id the bundle already
        has replaces the older state, or is skipped if its tracks are the same. A bundle without
        playlists stays without, and counts every playlist as new.
    sources
        Some of ``"artist"``, ``"album"`` and ``"playlists"``: the sources for placing tracks.
    weights
        Weights of the mix; by default fitted on the tracks that the bundle was trained with.
    rng_seed
        For the fit, and for the unpredictable part of new tracks.

    Returns
    -------
    bundle : Bundle
        Its popularity includes the new pairs; its ``config["updates"]`` has one more entry. Its
        metrics are kept and marked ``"before_update"``; the vectors that they were measured with
        are dropped, as they do not cover the new tracks.
    report : UpdateReport

    Raises
    ------
    InputError
        If the bundle knows none of the tracks, artists and albums: their ids are then of another
        kind.

    Notes
    -----
    A new track's query weight is that of known tracks of its popularity (the mean in each octave of
    popularity, interpolated in between), times the share c² of its vector that the mix explains:
    the rest would only mislead. A new artist's vector is the mean of its new tracks, and so is a
    new album's if albums have vectors.

    Examples
    --------
    >>> known = bundle.catalog.track_ids[0].as_py()
    >>> new = segue.read({"more": [known, "a:new:song"]})
    >>> updated, report = segue.update(bundle, new)
    >>> report.num_tracks, report.num_playlists
    (1, 1)
    """
    if isinstance(bundle, str | Path):
        bundle = Bundle.load(Path(bundle))
    if not isinstance(bundle, Bundle):
        raise InputError(f"a {type(bundle).__name__} is not a bundle, nor the folder of one")
    if not isinstance(collection, Collection):
        collection = read(collection)
    playlists, catalog = collection.playlists, collection.catalog
    catalog.check_holds(playlists)
    known = rows_in(bundle.catalog.track_ids, catalog.track_ids)
    otherwise = _known_otherwise(bundle, catalog, known)
    known = np.where(known < 0, otherwise, known)
    new = np.flatnonzero(known < 0)
    _refuse_strangers(bundle.catalog, catalog, known)
    every = joined_catalog(bundle.catalog, catalog, new)
    track_row = known.copy()
    track_row[new] = bundle.catalog.num_tracks + np.arange(len(new))
    old = bundle.playlists or no_playlists()
    joined = JoinedPlaylists.of(old, playlists, every, catalog, track_row)
    num_old = bundle.catalog.num_tracks
    rng = np.random.default_rng(rng_seed)
    evidence = Evidence(
        every.relations,
        joined.tracks,
        _padded(bundle.track_vectors, len(new)),
        _padded(bundle.query_weight, len(new)),
        np.arange(every.num_tracks) < num_old,
    )
    if len(new) and weights is None:
        weights = evidence.fit(_trained_tracks(bundle), rng, sources)
    vectors, share = bundle.track_vectors[:0], bundle.query_weight[:0]
    pattern = np.zeros(0, dtype=np.int64)
    if len(new) and weights is not None:
        found = evidence.sources(num_old + np.arange(len(new)))
        vectors, pattern = weights.placed(found, bundle.track_vectors, rng), found.pattern
        share = weights.explained(found) ** 2
    placed = vectors.any(axis=1)
    kept = np.append(np.ones(num_old, dtype=bool), placed)
    every = joined_catalog(bundle.catalog, catalog, new[placed])
    joined = joined.keep(kept)
    vectors = np.concatenate([bundle.track_vectors, vectors[placed]])
    before, after = (lists.track_counts(every.num_tracks) for lists in (old.tracks, joined.tracks))
    popularity = np.maximum(_padded(bundle.popularity, int(placed.sum())) + after - before, 0)
    report = UpdateReport(
        num_tracks=int(placed.sum()),
        num_artists=len(every.artists) - len(bundle.catalog.artists),
        num_albums=len(every.albums) - len(bundle.catalog.albums),
        num_playlists=int((joined.place < 0).sum()),
        num_replaced=int(joined.replaces.sum()),
        num_repeated=int(joined.repeated.sum()),
        num_matched=int((otherwise >= 0).sum()),
        placed_by=_placed_by(pattern[placed]),
        left_out=_named(catalog, new[~placed]),
        weights=weights,
    )
    earlier = bundle.config.get("updates", [])
    grown = {
        kind: _with_means(bundle.vectors[kind], relation, vectors)
        for kind, relation in every.relations.items()
        if kind in bundle.vectors
    }
    return (
        Bundle(
            catalog=every,
            vectors={**bundle.vectors, "track": vectors, **grown},
            query_weight=_with_weights(bundle, popularity[num_old:], share[placed]),
            popularity=popularity,
            playlists=joined.playlists if bundle.playlists is not None else None,
            config=bundle.config | {"updates": [*earlier, _facts(bundle, report)]},
            metrics=bundle.metrics | {"before_update": True},
            split=bundle.split,
            graph_fingerprint=bundle.graph_fingerprint,
            history=bundle.history,
            terms=with_tracks(bundle.terms, bundle.catalog, every.num_tracks),
            second_stage=bundle.second_stage,
            word_weight=bundle.word_weight,
            title_growth=bundle.title_growth,
            questions=bundle.questions,
            half=bundle.half,
        ),
        report,
    )


def _known_otherwise(bundle: Bundle, catalog: Catalog, known: Int64Array) -> Int64Array:
    """Rows of the bundle's tracks for those whose id is unknown: int64 [num_tracks], −1 if new.

    By ISRC or MusicBrainz id, or by title and artist where it is the same recording.
    """
    rows = np.full(len(known), -1, dtype=np.int64)
    unknown = np.flatnonzero(known < 0).tolist()
    if not unknown:
        return rows
    asked = asked_songs(catalog)
    matcher = NameLookup(bundle.catalog, bundle.popularity, None, bundle.folder).matcher
    for row in unknown:
        song = asked[row]
        if not song.aliases and not (song.title and song.artists):
            continue
        match = matcher.match(song)
        if match.track is not None and _is_same(match, song, bundle.catalog):
            rows[row] = match.track
    return rows


def _is_same(match: Match, song: Asked, catalog: Catalog) -> bool:
    """Whether a match is the same recording, not another version or a guess."""
    if match.how in ("isrc", "mbid"):
        return True
    if match.how not in ("name", "version") or not song.artists:
        return False
    ours = title_of(catalog.track_names[match.track].as_py() or "").version
    kinds = {ours.kind, title_of(song.title).version.kind}
    return len(kinds) == 1 or kinds <= {"plain", "same"}


def _refuse_strangers(known: Catalog, catalog: Catalog, track_row: Int64Array) -> None:
    """Raise InputError for a catalogue about which the bundle knows nothing.

    `track_row` (int64 [num_tracks]) is where the bundle has each track, −1 where it has not.
    """
    if (track_row >= 0).any():
        return
    kinds = tuple(known.relations)
    pairs = [(known.nodes[kind].ids, catalog.nodes[kind].ids) for kind in kinds]
    if catalog.num_tracks and all((rows_in(ours, theirs) < 0).all() for ours, theirs in pairs):
        theirs, ours = catalog.track_ids[0], (*known.track_ids[:1], "none")[0]
        raise InputError(
            "the bundle knows none of these tracks, artists and albums, so nothing tells where "
            f"they belong; expected ids as it has them ({ours}, not {theirs})"
        )


def _trained_tracks(bundle: Bundle) -> Int64Array:
    """Tracks whose vectors were trained, not mixed by an earlier update: int64, ascending."""
    num_mixed = sum(entry["tracks"] for entry in bundle.config.get("updates", []))
    trained = bundle.track_vectors[: bundle.catalog.num_tracks - num_mixed]
    return np.flatnonzero(trained.any(axis=1))


def _padded(values: NDArray[Any], num_rows: int) -> NDArray[Any]:
    """The values followed by rows of zeros."""
    return np.concatenate([values, np.zeros((num_rows, *values.shape[1:]), dtype=values.dtype)])


def _with_means(old: Float32Array, relation: Relation, vectors: Float32Array) -> Float32Array:
    """The vectors of artists or albums followed by the means of the new ones' tracks."""
    row = np.arange(relation.num_targets) - len(old)
    tied = relation.with_targets(np.maximum(row, -1), relation.num_targets - len(old))
    return np.concatenate([old, unit_rows(tied.matrix.T @ vectors)])


def _with_weights(bundle: Bundle, popularity: Int64Array, share: Float32Array) -> Float32Array:
    """The query weights followed by those of new tracks, scaled by how well they are explained."""
    known, asked = (np.log2(np.maximum(p, 0.5)) for p in (bundle.popularity, popularity))
    octave = np.floor(known).astype(np.int64) + 1  # 0 for tracks without a playlist
    count = np.bincount(octave)
    filled = count > 0
    level, weight = (
        np.bincount(octave, values)[filled] / count[filled]
        for values in (known, bundle.query_weight)
    )
    new = np.interp(asked, level, weight) * share
    return np.append(bundle.query_weight, new.astype(np.float32))


def _placed_by(pattern: Int64Array) -> dict[str, int]:
    patterns, counts = np.unique(pattern, return_counts=True)
    words = map(source_names, patterns.tolist())
    return dict(zip(words, counts.tolist(), strict=True))


def _named(catalog: Catalog, tracks: Int64Array) -> tuple[tuple[str, str], ...]:
    rows = pa.array(tracks)
    ids, names = catalog.track_ids.take(rows), catalog.track_names.take(rows)
    return tuple(zip(ids.to_pylist(), names.to_pylist(), strict=True))


def _facts(bundle: Bundle, report: UpdateReport) -> dict[str, Any]:
    """The update's entry in the new bundle's configuration."""
    return {
        "graph_fingerprint": bundle.graph_fingerprint,
        "tracks": report.num_tracks,
        "artists": report.num_artists,
        "albums": report.num_albums,
        "playlists": report.num_playlists,
        "replaced_playlists": report.num_replaced,
        "left_out": len(report.left_out),
        "weights": report.weights.to_json() if report.weights else [],
    }
