"""Message passing: our product with a stored transpose, compared with its peers in one run.

    python benchmarks/sparse_product.py [--pairs 1460000] [--dim 64] [--threads 1]

Prints the median seconds of a forward and a backward pass of each way to send messages from
tracks to playlists, and its ratio to ours. The graph is random with Zipf-like popularity.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch_geometric.nn import LGConv

from segue.data.playlists import TrackLists
from segue.models.sparse import SparseMatrix


def random_lists(num_playlists: int, num_tracks: int, num_pairs: int) -> TrackLists:
    rng = np.random.default_rng(0)
    odds = 1 / np.arange(1, num_tracks + 1) ** 0.8
    playlist = rng.integers(num_playlists, size=num_pairs)
    track = rng.choice(num_tracks, num_pairs, p=odds / odds.sum())
    pairs = np.unique(playlist * num_tracks + track)
    lengths = np.bincount(pairs // num_tracks, minlength=num_playlists)
    return TrackLists.from_lengths(lengths, (pairs % num_tracks).astype(np.int32))


def median_times(
    forward: Callable[[Tensor], Tensor], dense: Tensor, repeats: int
) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 2):
        leaf = dense.clone().requires_grad_()
        start = time.perf_counter()
        result = forward(leaf)
        middle = time.perf_counter()
        result.backward(torch.ones_like(result))
        times[0].append(middle - start)
        times[1].append(time.perf_counter() - middle)
    return statistics.median(times[0][2:]), statistics.median(times[1][2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--playlists", type=int, default=50_000)
    parser.add_argument("--tracks", type=int, default=20_000)
    parser.add_argument(
        "--pairs", type=int, default=1_800_000, help="pairs drawn; repeats are dropped"
    )
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", message="Sparse CSR")

    lists = random_lists(options.playlists, options.tracks, options.pairs)
    value = np.random.default_rng(1).random(lists.num_pairs, dtype=np.float32)
    ours = SparseMatrix.from_csr(lists.offsets, lists.track_index, value, options.tracks)
    csr = torch.sparse_csr_tensor(
        ours.offsets, ours.column, ours.value, ours.shape, check_invariants=False
    )
    # PyG sends messages along edges of one node set: tracks first, playlists after them.
    edge_index = torch.from_numpy(
        np.stack([lists.track_index.astype(np.int64), lists.list_index() + options.tracks])
    )
    convolution = LGConv(normalize=False)
    dense = torch.randn(options.tracks, options.dim)
    padding = torch.zeros(options.playlists, options.dim)

    def pyg(leaf: Tensor) -> Tensor:
        nodes = torch.cat([leaf, padding])
        result: Tensor = convolution(nodes, edge_index, ours.value)[options.tracks :]
        return result

    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "ours": lambda leaf: ours @ leaf,
        "torch CSR, transposed each time": lambda leaf: csr @ leaf,
        "PyG LGConv on edge_index": pyg,
    }
    expected = csr @ dense
    print(
        f"{lists.num_pairs} pairs, dim {options.dim}, {options.threads} threads, "
        f"torch {torch.__version__}, {platform.processor() or platform.machine()}"
    )
    first: tuple[float, float] | None = None
    for name, forward in ways.items():
        torch.testing.assert_close(forward(dense), expected, rtol=1e-4, atol=1e-4)
        seconds = median_times(forward, dense, options.repeats)
        first = first or seconds
        print(
            f"{name:28s} forward {seconds[0] * 1e3:7.1f} ms ({seconds[0] / first[0]:5.1f}x)   "
            f"backward {seconds[1] * 1e3:7.1f} ms ({seconds[1] / first[1]:5.1f}x)"
        )


if __name__ == "__main__":
    main()
