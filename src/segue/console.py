"""Terminal output while a stage runs: lines, numbers, progress bars.

Every stage of the package takes a `progress`: True for lines and bars on standard error, False for
silence, or your own object with the two methods of `Progress`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import rich.progress


def printable(text: str) -> str:
    """Text without control characters: names may contain them, a terminal must not get them."""
    return "".join(c if c.isprintable() else " " for c in text)


def on_terminal() -> bool:
    """Whether standard output is a terminal; a program without a window has none at all."""
    return sys.stdout is not None and sys.stdout.isatty()


def number(value: int) -> str:
    """An exact integer, with thousands separators on a terminal and without them in a pipe."""
    return f"{value:,}" if on_terminal() else str(value)


def count(value: int, thing: str) -> str:
    """A number of things: ``1 slice``, ``2 slices``."""
    return f"{number(value)} {thing}" + ("" if value == 1 else "s")


def duration(seconds: float) -> str:
    """``40 s``, ``3.5 min``, ``2 h 5 min``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 5970:
        return f"{seconds / 60:.1f} min" if seconds < 595 else f"{seconds / 60:.0f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def say(message: str = "") -> None:
    """Print a message on standard error, which leaves standard output to results.

    Names of files and songs in it may hold control characters, which become blanks. A message that
    cannot be written (a full disk, nobody listening) is not a reason to stop.
    """
    if sys.stderr is not None:
        shown = "\n".join(map(printable, message.split("\n")))
        with suppress(OSError):
            print(shown, file=sys.stderr, flush=True)


class ProgressBar:
    """One bar of a stage; this one is silent."""

    def advance(self, amount: float, *, done: int | None = None, note: str | None = None) -> None:
        """Advance by `amount`; `done` is a running count for the rate, `note` a short remark."""

    def say(self, message: str) -> None:
        """Print a message above the bar."""


class Progress:
    """What a stage reports to; this one is silent.

    Examples
    --------
    >>> class Log(segue.Progress):
    ...     def say(self, message):
    ...         print(message.partition(":")[0])
    >>> graph = segue.build(playlists, k_core=3, progress=Log())
    3-core
    ...
    """

    def say(self, message: str) -> None:
        """Print a message."""

    def bar(self, title: str, total: float, unit: str) -> AbstractContextManager[ProgressBar]:
        """A bar that is full at `total`; its rate is in `unit` per second."""
        return nullcontext(ProgressBar())


class ConsoleProgress(Progress):
    """Lines and bars on standard error."""

    def say(self, message: str) -> None:
        """Print a message."""
        say(message)

    def bar(self, title: str, total: float, unit: str) -> AbstractContextManager[ProgressBar]:
        """A bar with its rate and the time left; nothing where standard error is a file."""
        return progress_bar(title, total, unit)


def progress_of(progress: bool | Progress) -> Progress:
    """Resolve the `progress` option: True is the console, False is silence."""
    if isinstance(progress, Progress):
        return progress
    return ConsoleProgress() if progress else Progress()


@contextmanager
def progress_bar(description: str, total: float, unit: str) -> Iterator[ProgressBar]:
    """A progress bar with time left, on standard error (silent where that is a file).

    Its rate is in `unit` per second; an empty `unit` shows no rate.
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
        yield _RichBar(progress, task, unit)


class _RichBar(ProgressBar):
    """One running progress bar."""

    def __init__(
        self, progress: rich.progress.Progress, task: rich.progress.TaskID, unit: str
    ) -> None:
        self._progress, self._task, self._unit = progress, task, unit

    def advance(self, amount: float, *, done: int | None = None, note: str | None = None) -> None:
        """Advance by `amount`; the rate is that of `done` (a running count) where given."""
        self._progress.update(self._task, advance=amount)
        task = self._progress.tasks[0]
        count = done if done is not None else task.completed
        if task.elapsed and self._unit:
            self._progress.update(self._task, rate=f"{count / task.elapsed:,.1f} {self._unit}/s")
        if note is not None:
            self._progress.update(self._task, note=note)

    def say(self, message: str) -> None:
        """Print a message above the bar."""
        if self._progress.disable:
            say(message)
        else:
            self._progress.console.print(
                printable(message), markup=False, highlight=False, soft_wrap=True
            )


# Columns of a terminal that a cell or a title takes at most, wherever it is printed.
_MOST = 100


def table_text(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text; columns of numbers are right-aligned.

    On a terminal the title and the widest text columns are truncated to fit, numbers never.
    Elsewhere only what nobody reads in a table is: texts of more than 100 columns.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = [[_cut(cell, _MOST) for cell in cells] for cells in zip(header, *rows, strict=True)]
    numeric = [bool(cells) and all(_is_number(cell) for cell in cells) for _, *cells in columns]
    widths = [max(map(cell_len, column)) for column in columns]
    frame = 3 * len(columns)
    title = _cut(title, _MOST)
    if on_terminal():
        title = _cut(title, Console().width)
        room = Console().width - frame
        texts = [place for place, is_number in enumerate(numeric) if not is_number]
        while texts and sum(widths) > room and max(widths[place] for place in texts) > 6:
            widths[max(texts, key=lambda place: widths[place])] -= 1

    def fitted(cell: str, width: int) -> Text:
        # `Text`, not str: a song may be called "[Intro]", which is not markup.
        return Text(_cut(cell, width))

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(header))
    for (name, *_), is_number, width in zip(columns, numeric, widths, strict=True):
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(fitted(name, width), justify=justify, no_wrap=True, min_width=width)
    for row in zip(*(column[1:] for column in columns), strict=True):
        table.add_row(*map(fitted, row, widths))
    # Give the console the table's width, or it would squeeze columns that already fit; with the
    # width alone a terminal that calls itself dumb would get 80 columns.
    console = Console(width=max(sum(widths) + frame, cell_len(title), 20), height=25)
    with console.capture() as captured:
        # Not as the table's title, which would be wrapped at the width of the table.
        console.print(Text(title, style="bold"))
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _cut(text: str, width: int) -> str:
    """Text without control characters that takes at most as many columns of a terminal."""
    from rich.cells import cell_len, set_cell_size

    start = printable(text[: 4 * width])  # no need to look at all of a long text
    if len(text) <= 4 * width and cell_len(start) <= width:
        return start
    return set_cell_size(start, width - 1).rstrip() + "…"


def _is_number(cell: str) -> bool:
    return cell == "–" or cell.replace(",", "").replace(".", "").lstrip("-+").isdigit()
