"""Checking all of an artefact: is it whole, will it answer, and what made it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segue.bundle import Bundle
from segue.errors import ArtefactError
from segue.files import CHECKSUM, MANIFEST, read_manifest, stated_kind
from segue.graph.playlist_graph import PlaylistGraph
from segue.recommend.recommender import Recommender
from segue.scoring.ann import AnnIndex
from segue.scoring.questions import Questions
from segue.scoring.two_stages import TwoStages

# What of a bundle's configuration made it what it is.
_OF_CONFIG = ("model", "dim", "epochs", "best_epoch", "rng_seed", "refit", "device", "threads")


@dataclass(frozen=True)
class Verified:
    """What is known of an artefact in which nothing is wrong.

    Attributes
    ----------
    kind : str
        ``"graph"`` or ``"bundle"``.
    num_files, num_bytes : int
        Of the files that its manifest lists.
    holds : str
        Its size, in words.
    checksum : str
        Of the manifest, which holds the checksums of all files: two artefacts that have the same
        are the same.
    made_with : dict
        Versions of Segue, Python and libraries, system and processor.
    made_from : dict
        For a bundle how it was trained: model, seeds, device and threads, the split's recipe and
        the graph's fingerprint. For a graph the source and the options of the build.
    unlisted : tuple of str
        Files in the folder that the manifest does not list: nothing is known of these, and Segue
        does not read them.

    Examples
    --------
    >>> found = segue.verify("bundle")
    >>> found.kind, found.made_with["segue"] == segue.__version__
    ('bundle', True)
    """

    kind: str
    num_files: int
    num_bytes: int
    holds: str
    checksum: str
    made_with: dict[str, Any]
    made_from: dict[str, Any]
    unlisted: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"unlisted": list(self.unlisted)}


def verify(folder: str | Path) -> Verified:
    """Check all of a graph or a bundle: that it is as it was written, and that it can be used.

    Compares every file with its checksum and the manifest with its own, checks the structure of all
    tables, vectors, terms, trees and indexes, those that are only measured with included, and asks
    a bundle for a list. A checksum reveals damage, not deceit: whoever changes a file can change
    the manifest, too. The structure is checked all the same, so that opening a stranger's bundle is
    safe (SECURITY.md).

    Parameters
    ----------
    folder
        What `segue.build` or `segue.train` wrote.

    Raises
    ------
    ArtefactError
        If anything is wrong, with the file.

    Examples
    --------
    >>> segue.verify("graph").kind
    'graph'
    """
    folder = Path(folder)
    kind = stated_kind(folder)
    # Of anything else `read_manifest` says what is wrong.
    manifest = read_manifest(folder, kind if kind in ("graph", "bundle") else "graph or bundle")
    files = manifest["files"]
    if manifest["kind"] == "graph":
        graph = PlaylistGraph.load(folder, verify=False)
        holds, made_from = repr(graph), graph.options
    else:
        bundle = Bundle.load(folder, verify=False)
        _check_answers(bundle)
        holds = repr(bundle)
        made_from = {key: bundle.config[key] for key in _OF_CONFIG if key in bundle.config}
        made_from |= {"split": bundle.split, "graph_fingerprint": bundle.graph_fingerprint}
    made_with = manifest.get("made_with")
    if not isinstance(made_with, dict):
        raise ArtefactError(f"{folder / MANIFEST}: does not say what made this {manifest['kind']}")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return Verified(
        kind=manifest["kind"],
        num_files=len(files),
        num_bytes=sum(file["bytes"] for file in files.values()),
        holds=holds,
        checksum=manifest[CHECKSUM],
        made_with=made_with,
        made_from=made_from,
        unlisted=tuple(sorted(there - files.keys() - {MANIFEST})),
    )


def _check_answers(bundle: Bundle) -> None:
    """Raise ArtefactError unless a bundle answers by all of its parts."""
    recommender = Recommender(bundle, ann=AnnIndex.of(bundle))
    recommender.names.index.check()
    if bundle.measured is not None:
        bundle.measured.check()
        questions = Questions.from_json(bundle.questions)
        TwoStages.of(bundle.measured, bundle.catalog, bundle.second_stage, questions)
    if bundle.catalog.num_tracks:
        recommender.complete(tracks=[str(bundle.catalog.track_ids[0])], n=1, reasons=True)
