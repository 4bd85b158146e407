"""One peer of `benchmarks/peers.py`, trained in a process of its own; not to be called by hand.

    PYTHON benchmarks/peer_models.py NAME DATA.npz OUT SECONDS [CHECKOUT]

DATA.npz holds the training pairs (``playlist``, ``track``: int64) and ``shape``. Trains as the
peer's authors do in their own example, with their defaults, for SECONDS of processor time, and
writes OUT/N.npz every so often: ``playlist`` and ``track`` vectors, whose products are the scores,
and the ``seconds`` so far. Reading, and what the peer builds before its first step, do not count,
nor does writing. Needs the peer's own libraries and none of Segue.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

# The next vectors are written when so much more time has passed since the last.
GROWTH = 1.06
Vectors = tuple[np.ndarray, np.ndarray]


def pyg(playlist: np.ndarray, track: np.ndarray, shape: tuple[int, int]) -> Iterator[Any]:
    """PyTorch Geometric's model, trained as its example examples/lightgcn.py describes.

    Three layers of 64 numbers, Adam at .001, batches of 8,192 pairs with one random track each.
    """
    import torch
    from torch_geometric.nn.models import LightGCN

    torch.manual_seed(0)
    num_playlists = shape[0]
    row, column = torch.from_numpy(playlist), torch.from_numpy(track) + num_playlists
    edges = torch.stack([torch.cat([row, column]), torch.cat([column, row])])
    model = LightGCN(sum(shape), embedding_dim=64, num_layers=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    yield

    def vectors() -> Vectors:
        with torch.no_grad():
            found = model.get_embedding(edges).numpy()
        return found[:num_playlists], found[num_playlists:]

    while True:
        for batch in torch.randperm(len(row)).split(8192):
            positive = torch.stack([row[batch], column[batch]])
            drawn = torch.randint(num_playlists, sum(shape), (len(batch),))
            negative = torch.stack([positive[0], drawn])
            optimizer.zero_grad()
            ranks = model(edges, torch.cat([positive, negative], dim=1)).chunk(2)
            loss = model.recommendation_loss(*ranks, node_id=torch.cat([*positive, drawn]).unique())
            loss.backward()
            optimizer.step()
        yield vectors


def lightgcn_pytorch(
    playlist: np.ndarray, track: np.ndarray, shape: tuple[int, int], checkout: str
) -> Iterator[Any]:
    """The authors' own PyTorch code, from a checkout of it, with its defaults."""
    sys.path.insert(0, str(Path(checkout, "code")))
    sys.argv = ["main.py", "--tensorboard", "0", "--dataset", "gowalla"]
    with tempfile.TemporaryDirectory() as folder:
        held: dict[int, list[int]] = {}
        for p, t in zip(playlist.tolist(), track.tolist(), strict=True):
            held.setdefault(p, []).append(t)
        lines = [f"{p} {' '.join(map(str, tracks))}\n" for p, tracks in held.items()]
        Path(folder, "train.txt").write_text("".join(lines))
        # It wants a test part, and learns from it how many rows there are.
        Path(folder, "test.txt").write_text(f"{shape[0] - 1} {shape[1] - 1}\n")
        import dataloader
        import model as models
        import Procedure
        import torch
        import utils
        import world

        utils.set_seed(world.seed)
        dataset = dataloader.Loader(path=folder)
        model = models.LightGCN(world.config, dataset)
    loss = utils.BPRLoss(model, world.config)
    yield

    def vectors() -> Vectors:
        model.eval()
        with torch.no_grad():
            playlists, tracks = model.computer()
        return playlists.numpy(), tracks.numpy()

    while True:
        Procedure.BPR_train_original(dataset, model, loss, 0)
        yield vectors


def recbole(playlist: np.ndarray, track: np.ndarray, shape: tuple[int, int]) -> Iterator[Any]:
    """RecBole's LightGCN with its defaults: two layers of 64 numbers, Adam at .001."""
    import scipy.sparse
    import torch

    # Names that NumPy 2 and SciPy 1.13 took away, and RecBole 1.2.1 still uses.
    for gone, kind in (("float_", np.float64), ("complex_", np.complex128), ("unicode_", np.str_)):
        if not hasattr(np, gone):
            setattr(np, gone, kind)
    if not hasattr(scipy.sparse.dok_matrix, "_update"):
        scipy.sparse.dok_matrix._update = lambda self, data: self._dict.update(data)
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "pairs")
        place.mkdir()
        lines = [f"{p}\t{t}\n" for p, t in zip(playlist.tolist(), track.tolist(), strict=True)]
        head = "user_id:token\titem_id:token\n"
        (place / "pairs.inter").write_text(head + "".join(lines))
        settings = {
            "data_path": folder,
            "load_col": {"inter": ["user_id", "item_id"]},
            "eval_args": {"split": {"RS": [1.0, 0.0, 0.0]}, "order": "RO", "mode": "full"},
            "use_gpu": False,
            "show_progress": False,
            "checkpoint_dir": folder,
            "state": "ERROR",
        }
        sys.argv = sys.argv[:1]
        config = Config(model="LightGCN", dataset="pairs", config_dict=settings)
        init_seed(config["seed"], True)
        dataset = create_dataset(config)
        train_data, *_ = data_preparation(config, dataset)
        model = get_model("LightGCN")(config, train_data.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], "LightGCN")(config, model)
    rows = [dataset.token2id("user_id", list(map(str, np.unique(playlist))))]
    rows.append(dataset.token2id("item_id", list(map(str, np.unique(track)))))
    yield

    def vectors() -> Vectors:
        model.eval()
        with torch.no_grad():
            both = [found.numpy() for found in model.forward()]
        placed = [np.zeros((size, both[0].shape[1]), dtype=np.float32) for size in shape]
        placed[0][np.unique(playlist)] = both[0][rows[0]]
        placed[1][np.unique(track)] = both[1][rows[1]]
        return placed[0], placed[1]

    epoch = 0
    while True:
        trainer._train_epoch(train_data, epoch)
        epoch += 1
        yield vectors


def implicit(
    playlist: np.ndarray, track: np.ndarray, shape: tuple[int, int], factors: int
) -> Iterator[Any]:
    """The library implicit's iALS; λ and the weight of pairs as tuned on the real playlists."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    pairs = csr_matrix((np.ones(len(track), dtype=np.float32), (playlist, track)), shape=shape)
    model = AlternatingLeastSquares(
        factors=factors, regularization=200.0, alpha=60.0, iterations=1, num_threads=1,
        random_state=0,
    )  # fmt: skip
    yield
    with threadpool_limits(1):
        while True:
            # With its vectors kept, one more iteration.
            model.fit(pairs, show_progress=False)
            yield lambda: (np.asarray(model.user_factors), np.asarray(model.item_factors))


PEERS: dict[str, Callable[..., Iterator[Any]]] = {
    "PyG's LightGCN": pyg,
    "LightGCN-PyTorch": lightgcn_pytorch,
    "RecBole's LightGCN": recbole,
    "implicit's iALS, 128": lambda *data: implicit(*data, factors=128),
    "implicit's iALS, 256": lambda *data: implicit(*data, factors=256),
}
# iALS is done after so many iterations, like all that come closer to a solution.
MOST_EPOCHS = {"implicit's iALS, 128": 15, "implicit's iALS, 256": 15}


def main() -> None:
    name, data, out, seconds, *checkout = sys.argv[1:]
    held = np.load(data)
    shape = tuple(held["shape"].tolist())
    training = PEERS[name](held["playlist"], held["track"], shape, *checkout)
    next(training)  # what it builds before its first step
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    spent, written, epoch = 0.0, 0.0, 0
    most = MOST_EPOCHS.get(name)
    while spent < float(seconds) and (most is None or epoch < most):
        started = time.process_time()
        vectors = next(training)
        spent += time.process_time() - started
        epoch += 1
        if spent < written * GROWTH:
            continue
        started = time.process_time()
        playlists, tracks = vectors()
        spent += time.process_time() - started
        written = spent
        place = Path(out, f"{epoch}.npz")
        np.savez(place, playlist=playlists, track=tracks, seconds=spent)
        print(f"{name}: epoch {epoch}, {spent:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
