"""What people see: tables, progress bars, numbers."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from segue.evaluation.evaluate import Evaluation


class StageOrder(click.Group):
    """Lists the commands in the order in which they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)


def number(value: int) -> str:
    """An exact integer, with separators for people and without for programs."""
    return f"{value:,}" if sys.stdout.isatty() else str(value)


def count(value: int, thing: str) -> str:
    """A number of things: ``1 slice``, ``2 slices``."""
    return f"{number(value)} {thing}" + ("" if value == 1 else "s")


def command(name: str, *args: object) -> str:
    """A command of ours that can be typed as it is printed, wherever `segue` was called from."""
    called = Path(sys.argv[0])
    on_path = shutil.which("segue")
    ours = called.name != "segue" or (on_path is not None and Path(on_path) == called)
    return shlex.join(["segue" if ours else str(called), name, *map(str, args)])


def printable(text: str) -> str:
    """Text without control characters: a name may hold any, a terminal must get none."""
    return "".join(c if c.isprintable() else " " for c in text)


def print_json(content: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def say(message: str = "") -> None:
    """A line for people, on standard error, so that standard output stays for results."""
    click.echo(message, err=True)


def refuse_file(path: Path, *, overwrite: bool) -> None:
    """Refuse to write a file where something stands already (ArtefactError)."""
    from segue.errors import ArtefactError

    if path.is_dir():
        raise ArtefactError(f"{path}: is a folder, expected a file to write")
    if path.exists() and not overwrite:
        raise ArtefactError(f"{path}: exists already; --overwrite replaces it")


SPLIT_RNG_SEED = click.option(
    "--split-rng-seed", type=int, default=0, show_default=True, help="For the split."
)
DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to train; auto: on a GPU if PyTorch finds one.",
)
THREADS = click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]"
)


def comma_names(text: str) -> tuple[str, ...]:
    """``GCN, rgcn``: names with commas between them, in any case, each once."""
    return tuple(dict.fromkeys(name.strip().lower() for name in text.split(",")))


def limit_threads(threads: int | None) -> None:
    """Limit the threads of every numerical library that is loaded, PyTorch's too."""
    if threads is None:
        return
    import scipy.linalg  # noqa: F401 - loads what is to be limited: NumPy's BLAS and SciPy's own
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output; columns of numbers align right.

    On a terminal the widest texts are cut to fit, numbers never; elsewhere nothing is cut.
    """
    from rich import box
    from rich.cells import cell_len, set_cell_size
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = [[printable(cell) for cell in cells] for cells in zip(header, *rows, strict=True)]
    numeric = [bool(cells) and all(_is_number(cell) for cell in cells) for _, *cells in columns]
    widths = [max(map(cell_len, column)) for column in columns]
    frame = 3 * len(columns)
    if sys.stdout.isatty():
        room = Console().width - frame
        texts = [place for place, is_number in enumerate(numeric) if not is_number]
        while texts and sum(widths) > room and max(widths[place] for place in texts) > 6:
            widths[max(texts, key=lambda place: widths[place])] -= 1

    def fitted(cell: str, width: int) -> Text:
        # `Text`, not str: a song may be called "[Intro]", which is no markup.
        return Text(cell if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…")

    table = Table(
        title=Text(printable(title), style="bold"),
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
    )
    for (name, *_), is_number, width in zip(columns, numeric, widths, strict=True):
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(fitted(name, width), justify=justify, no_wrap=True, min_width=width)
    for row in zip(*(column[1:] for column in columns), strict=True):
        table.add_row(*map(fitted, row, widths))
    # The console gets the width of the table: it must not squeeze what has been fitted.
    console = Console(width=max(sum(widths) + frame, len(title), 20))
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _is_number(cell: str) -> bool:
    return cell == "–" or cell.replace(",", "").replace(".", "").lstrip("-+").isdigit()


@contextmanager
def progress_bar(description: str, total: int, unit: str) -> Iterator[ProgressBar]:
    """A progress bar with time left, on standard error (silent where that is a file).

    Its rate is of `unit` in a second; none is shown of an empty one.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(
        *columns,
        console=console,
        transient=not console.is_terminal,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(description, total=total, rate="", note="")
        yield ProgressBar(progress, task, unit)


class ProgressBar:
    """One running progress bar."""

    def __init__(self, progress: Progress, task: TaskID, unit: str) -> None:
        self._progress, self._task, self._unit = progress, task, unit

    def advance(self, amount: float, *, done: int | None = None, note: str | None = None) -> None:
        """Move on by `amount`; the rate is of `done` (a running count) where given."""
        self._progress.update(self._task, advance=amount)
        task = self._progress.tasks[0]
        count = done if done is not None else task.completed
        if task.elapsed and self._unit:
            self._progress.update(self._task, rate=f"{count / task.elapsed:,.1f} {self._unit}/s")
        if note is not None:
            self._progress.update(self._task, note=note)

    def say(self, message: str) -> None:
        """A line for people above the bar."""
        if self._progress.disable:
            say(message)
        else:
            self._progress.console.print(message, markup=False, highlight=False, soft_wrap=True)


def print_evaluations(title: str, evaluations: dict[str, Evaluation]) -> None:
    """Metrics as rows, models as columns."""
    from segue.evaluation.evaluate import METRICS

    arrow = {True: "higher is better", False: "lower is better", None: ""}
    rows = []
    for metric, better in METRICS.items():
        decimals = 2 if metric.startswith(("clicks", "novelty")) else 4
        cells = [f"{e.values[metric]:.{decimals}f}" for e in evaluations.values()]
        rows.append([metric, *("–" if cell == "nan" else cell for cell in cells), arrow[better]])
    print_table(title, ["metric", *evaluations, ""], rows)
