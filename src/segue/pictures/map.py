"""The catalogue in two dimensions, by its vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans, vq

from segue.bundle import Bundle
from segue.data.playlists import Catalog, Float32Array, Int64Array
from segue.errors import InputError
from segue.extras import required
from segue.pictures.layout import spread_out, unit_square
from segue.pictures.scene import Scene, SceneNode, counted, describe
from segue.pictures.text import clean
from segue.synthetic.sample import load_songs

MAX_GROUPS = 8  # the number of distinguishable colours


def catalogue_map(
    bundle: Bundle,
    *,
    method: Literal["pca", "umap"] = "pca",
    genres: Mapping[str, str] | None = None,
    num_clusters: int = MAX_GROUPS,
    limit: int = 10_000,
    rng_seed: int = 0,
) -> Scene:
    """Tracks as points, close together if their vectors are similar.

    Parameters
    ----------
    bundle
    method
        ``"pca"``: the two directions of greatest variance; ``"umap"`` preserves neighbourhoods
        (needs the extra ``umap``).
    genres
        Genre by track id: colours by genre, at most eight of them; None colours by clusters.
    num_clusters
        From 1 to 8.
    limit
        Maximum number of tracks, the best-known ones.
    rng_seed
        For clusters and UMAP.

    Raises
    ------
    InputError
        If `method` is ``"umap"`` and that is not installed, or an option is out of range.
    """
    if not 1 <= num_clusters <= MAX_GROUPS:
        raise InputError(f"the number of clusters must be from 1 to {MAX_GROUPS}")
    catalog = bundle.catalog
    rows = np.argsort(-bundle.popularity, kind="stable")[:limit]
    if not len(rows):
        raise InputError("the bundle has no tracks to map")
    vectors = bundle.track_vectors[rows]
    position = pca(vectors) if method == "pca" else umap(vectors, rng_seed)
    if genres is None:
        group = clusters(vectors, num_clusters, rng_seed)
        names = _cluster_names(catalog, rows, bundle.popularity, group)
        by = "clusters, each by two of its best-known artists"
    else:
        group, names = _genre_groups([genres.get(str(catalog.track_ids[row])) for row in rows])
        by = "genres"
    nodes = []
    for row, own in zip(rows.tolist(), group.tolist(), strict=True):
        popularity = int(bundle.popularity[row])
        label, detail = describe("track", row, popularity, catalog, None)
        nodes.append(SceneNode(f"track:{row}", "track", label, detail, popularity, group=own))
    what = "all" if len(rows) == catalog.num_tracks else "the best-known"
    how = "PCA" if method == "pca" else "UMAP"
    return Scene(
        "Map of the catalogue",
        f"{what} {counted(len(rows), 'track')} by their vectors ({how}); colours: {by}",
        "map",
        tuple(nodes),
        (),
        unit_square(position) if method == "pca" else spread_out(position),
        names,
    )


def pca(vectors: Float32Array) -> NDArray[np.float64]:
    """The first two principal components: float64 [num_rows, 2].

    The sign of each is such that its largest weight is positive, so that it does not depend on
    the machine.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    _, direction = np.linalg.eigh(centred.T @ centred)
    first = direction[:, ::-1][:, :2]
    first = first * np.sign(first[np.abs(first).argmax(axis=0), np.arange(first.shape[1])])
    position = np.zeros((len(vectors), 2))
    position[:, : first.shape[1]] = centred @ first
    return position


def umap(vectors: Float32Array, rng_seed: int) -> NDArray[np.float64]:
    """L. McInnes, J. Healy, J. Melville: "UMAP", arXiv:1802.03426; float64 [num_rows, 2].

    Raises
    ------
    ResourceError
        If the package is not installed.
    InputError
        If there are too few rows.
    """
    with required("--method umap"):
        from umap import UMAP
    if len(vectors) < 8:
        raise InputError(f"UMAP needs at least 8 tracks, not {len(vectors)}; use --method pca")
    reducer = UMAP(
        n_neighbors=min(15, len(vectors) - 1), metric="cosine", random_state=rng_seed, n_jobs=1
    )
    placed: NDArray[np.float64] = reducer.fit_transform(vectors).astype(np.float64)
    return placed


def clusters(vectors: Float32Array, num_clusters: int, rng_seed: int) -> Int64Array:
    """k-means with k-means++ initialisation: the cluster of each row; the largest is 0.

    D. Arthur and S. Vassilvitskii: "k-means++", SODA 2007.
    """
    rng = np.random.default_rng(rng_seed)
    data = vectors.astype(np.float64)
    centres = [data[rng.integers(len(data))]]
    nearest = ((data - centres[0]) ** 2).sum(axis=1)
    while len(centres) < min(num_clusters, len(data)) and nearest.sum() > 1e-12:
        centres.append(data[rng.choice(len(data), p=nearest / nearest.sum())])
        nearest = np.minimum(nearest, ((data - centres[-1]) ** 2).sum(axis=1))
    found, _ = kmeans(data, np.array(centres))
    group = vq(data, found)[0].astype(np.int64)
    by_size = np.argsort(-np.bincount(group, minlength=len(found)), kind="stable")
    place = np.argsort(by_size, kind="stable").astype(np.int64)
    renumbered: Int64Array = place[group]
    return renumbered


def sample_genres(catalog: Catalog) -> dict[str, str] | None:
    """Genres of the shipped sample's songs; None for any other catalogue."""
    known = {song.track_id: song.genre for song in load_songs()}
    ids = catalog.track_ids.to_pylist()
    found = {track_id: known[track_id] for track_id in ids if track_id in known}
    return found if len(found) > len(ids) / 2 else None


def read_genres(path: Path) -> dict[str, str]:
    """Genres from a text file: on each line a track id, a tab, and its genre.

    Raises
    ------
    InputError
        Naming the line, if it is not such a file.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error})") from error
    genres = {}
    for number, line in enumerate(lines, start=1):
        track_id, tab, genre = line.partition("\t")
        if not (tab and track_id.strip() and genre.strip()):
            raise InputError(
                f"{path}: line {number}: expected a track id, a tab and a genre, got {line!r}"
            )
        genres[track_id.strip()] = clean(genre)
    return genres


def _genre_groups(genres: Sequence[str | None]) -> tuple[Int64Array, tuple[str, ...]]:
    """The most frequent genres as groups, −1 for the others."""
    counts = Counter(genre for genre in genres if genre is not None)
    names = sorted(counts, key=lambda genre: (-counts[genre], genre))[:MAX_GROUPS]
    place: dict[Any, int] = {genre: at for at, genre in enumerate(names)}
    return np.array([place.get(genre, -1) for genre in genres], dtype=np.int64), tuple(names)


def _cluster_names(
    catalog: Catalog, rows: Int64Array, popularity: Int64Array, group: Int64Array
) -> tuple[str, ...]:
    """Two of the best-known artists of each cluster, no artist twice."""
    weight = np.zeros((int(group.max()) + 1, len(catalog.artists)))
    artist = catalog.main_artist[rows]
    known = artist >= 0
    np.add.at(weight, (group[known], artist[known]), popularity[rows[known]] + 1e-6)
    # An artist represents the cluster that holds most of its tracks.
    weight[weight < weight.max(axis=0)] = 0
    names = []
    for own in weight:
        best = [at for at in np.argsort(-own, kind="stable")[:2].tolist() if own[at] > 0]
        names.append(", ".join(clean(str(catalog.artists.names[at])) for at in best))
    return tuple(name or f"cluster {at + 1}" for at, name in enumerate(names))
