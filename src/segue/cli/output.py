"""What people see: tables, progress bars, numbers."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from segue.console import printable

if TYPE_CHECKING:
    from segue.evaluation.evaluate import Evaluation


class StageOrder(click.Group):
    """Lists the commands in the order in which they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)


def command(name: str, *args: object) -> str:
    """A command of ours that can be typed as it is printed, wherever `segue` was called from."""
    called = Path(sys.argv[0])
    on_path = shutil.which("segue")
    ours = called.name != "segue" or (on_path is not None and Path(on_path) == called)
    return shlex.join(["segue" if ours else str(called), name, *map(str, args)])


def print_json(content: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


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


def print_evaluations(title: str, evaluations: dict[str, Evaluation]) -> None:
    """Metrics as rows, models as columns."""
    words = {"higher": "higher is better", "lower": "lower is better", "neither": ""}
    metrics = next(iter(evaluations.values())).metrics
    rows = [
        [
            metric.name,
            *(metric.format(evaluation.values[metric.name]) for evaluation in evaluations.values()),
            words[metric.direction],
        ]
        for metric in metrics
    ]
    print_table(title, ["metric", *evaluations, ""], rows)
