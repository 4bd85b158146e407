"""Terminal output of the commands: tables, JSON, and shared options."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from segue.console import table_text

# As in `segue.evaluation.evaluate`, which would load NumPy to show a help text.
DEFAULT_SAMPLE = 10_000
_Function = TypeVar("_Function", bound=Callable[..., Any])
# Control characters that JSON leaves as they are.
_CONTROL = re.compile("[\x7f-\x9f]")


class StageOrder(click.Group):
    """Lists the commands in the order in which they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)


def command(name: str, *args: object) -> str:
    """A command that can be typed exactly as printed, however `segue` was called."""
    called = Path(sys.argv[0])
    on_path = shutil.which("segue")
    ours = called.name != "segue" or (on_path is not None and Path(on_path) == called)
    return shlex.join(["segue" if ours else str(called), name, *map(str, args)])


def print_json(content: Any) -> None:
    """One JSON document on standard output."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    # JSON may hold them, a terminal would obey some.
    click.echo(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


SPLIT_RNG_SEED = click.option(
    "--split-rng-seed", type=int, default=0, show_default=True, help="Seed of the split."
)
DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to train; auto: on a GPU if PyTorch finds one.",
)


class SampleSize(click.ParamType[int | None]):
    """``10000``, or ``all``, which is None."""

    name = "N|all"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Parse, or fail with what was expected."""
        if str(value).lower() == "all":
            return None
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value!r} is not a number of playlists, expected one from 1, or all")
        return int(value)


SAMPLE = click.option(
    "--sample",
    type=SampleSize(),
    default=DEFAULT_SAMPLE,
    show_default=True,
    help="Measure on at most N playlists, the same random ones every time, or on all.",
)
THREADS = click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]"
)


def engine_options(help_text: str) -> Callable[[_Function], _Function]:
    """``--engine``, and ``--workers`` with its help."""

    def with_both(function: _Function) -> _Function:
        workers = click.option("--workers", type=click.IntRange(min=1), help=help_text)
        engine = click.option(
            "--engine",
            # As in `segue.engine`.
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="ray: share the work among the machines of a Ray cluster, or the processes of "
            "one started here (pip install 'segue[ray]').",
        )
        return engine(workers(function))

    return with_both


def comma_names(text: str) -> tuple[str, ...]:
    """``GCN, rgcn``: names separated by commas, in any case, each once."""
    return tuple(dict.fromkeys(name.strip().lower() for name in text.split(",")))


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output."""
    click.echo(table_text(title, header, rows))
