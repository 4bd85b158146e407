"""Training curves for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from segue.extras import required

if TYPE_CHECKING:
    from segue.pipeline.run import Step


class TensorBoard:
    """Writes the figures of a training, for ``tensorboard --logdir DIR``.

    Pass `on_step` and `on_epoch` to `segue.train`, within ``with TensorBoard(folder) as board``.
    The training that is measured is the run ``split``, the one that ships ``refit``.

    Parameters
    ----------
    folder
        Where each run gets a folder.

    Raises
    ------
    ResourceError
        If the library is not installed.

    Examples
    --------
    >>> with segue.TensorBoard("curves") as board:
    ...     bundle = segue.train(
    ...         split, dim=4, epochs=1, system=segue.SystemConfig(),
    ...         on_step=board.on_step, on_epoch=board.on_epoch,
    ...     )
    """

    def __init__(self, folder: str | Path) -> None:
        with required("writing curves"):
            from torch.utils.tensorboard import SummaryWriter
        self._folder, self._make = Path(folder), SummaryWriter
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> TensorBoard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def on_step(self, step: Step) -> None:
        """The loss of a step."""
        self._writer(step.stage).add_scalar("loss/step", step.loss, step.done)

    def on_epoch(self, entry: dict[str, Any]) -> None:
        """The figures of an epoch: mean loss, learning rate, validation, relation weights."""
        writer = self._writer(entry["stage"])
        for name, value in entry.items():
            if name in ("stage", "epoch", "epochs", "step"):
                continue
            values = value if isinstance(value, dict) else {"": value}
            for part, number in values.items():
                tag = f"{name}/{part}" if part else f"epoch/{name}"
                writer.add_scalar(tag, number, entry["step"])

    def _writer(self, stage: str) -> Any:
        if stage not in self._writers:
            self._writers[stage] = self._make(str(self._folder / stage))
        return self._writers[stage]
