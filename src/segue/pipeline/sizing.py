"""What a training does otherwise where a collection is large."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from segue.console import number
from segue.evaluation.evaluate import SAMPLE
from segue.graph.split import Split
from segue.memory import gib, total_memory
from segue.models.encoder import Encoder
from segue.pipeline.plan import fitting_dim
from segue.training.config import SystemConfig, TrainConfig
from segue.training.objectives import CatalogueSoftmax, PooledSoftmax

# The largest catalogue that each playlist is compared with as a whole. In a larger one a pool takes
# its place: by then a step takes most of its time for the scores.
LARGEST_CATALOGUE = 65_536
# The pool is an eighth of the tracks, which holds 99% of the quality (docs/scale.md), as far as a
# step has the time.
_POOL_SHARE, _LARGEST_POOL = 8, 65_536
# Steps of an epoch at most: larger collections have larger batches, as messages pass along all
# edges in each step, however few playlists are in it.
MOST_STEPS = 128
# The largest number of playlists whose messages a step passes: more of them cost time, and tell a
# track little that these do not.
MOST_HEARD = 262_144
# The share of all memory that a training should take at most, besides the graph.
_SHARE = 0.8


def for_size(
    config: TrainConfig,
    split: Split,
    system: SystemConfig,
    given: Collection[str],
    encoder: Callable[..., Encoder] | None = None,
    sample: int | None = SAMPLE,
) -> tuple[TrainConfig, list[str]]:
    """A configuration fitted to the size of a graph and to the memory that there is.

    Of a catalogue of more than 65,536 tracks a pool is compared with in place of the whole, an
    eighth of it, from 16,384 to 65,536 tracks; batches are doubled until an epoch has no more than
    128 steps; a step passes the messages of no more than 262,144 playlists, drawn at random;
    vectors are half as long, or a quarter, where longer ones do not fit into four fifths of the
    memory.

    Parameters
    ----------
    config
    split, system, encoder, sample
        As for `segue.train`.
    given
        Fields of the configuration that were asked for, and so are left as they are.

    Returns
    -------
    config : TrainConfig
    said : list of str
        A sentence for each choice.
    """
    chosen, said = config, []
    num_tracks = split.graph.num_nodes["track"]
    num_playlists = len(split.graph.playlists)
    objective = config.objective
    if (
        "objective" not in given
        and isinstance(objective, CatalogueSoftmax)
        and num_tracks > LARGEST_CATALOGUE
    ):
        pooled = PooledSoftmax(**vars(objective), pool_size=pool_size(num_tracks))
        chosen = replace(chosen, objective=pooled)
        said.append(
            f"As there are {number(num_tracks)} tracks, each step compares with a pool of "
            f"{number(pooled.pool_size)} of them (--objective {objective.name}: with all)"
        )
    if "batch_size" not in given:
        size = config.batch_size
        while size * MOST_STEPS < num_playlists:
            size *= 2
        if size > config.batch_size:
            chosen = replace(chosen, batch_size=size)
            said.append(
                f"As there are {number(num_playlists)} playlists, a step has {number(size)} of "
                "them (--batch-size)"
            )
    if "message_share" not in given and num_playlists > MOST_HEARD:
        share = round(MOST_HEARD / num_playlists, 3)
        chosen = replace(chosen, message_share=share)
        said.append(f"A step passes the messages of {share:.1%} of the playlists (--message-share)")
    memory = total_memory()
    if "dim" not in given and memory is not None:
        dim = fitting_dim(split, chosen, system, encoder, sample, int(_SHARE * memory))
        if dim is not None and dim < chosen.dim:
            said.append(
                f"As this machine has {gib(memory)} of memory, vectors have {dim} numbers in "
                f"place of {chosen.dim} (--dim)"
            )
            chosen = replace(chosen, dim=dim)
    return chosen, said


def pool_size(num_tracks: int) -> int:
    """How many tracks of a large catalogue each step compares with."""
    return min(max(num_tracks // _POOL_SHARE, PooledSoftmax.pool_size), _LARGEST_POOL)
