"""The command line: one command per stage.

Commands import what they need when they run, so that ``segue --help`` stays fast.
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from contextlib import suppress
from typing import NoReturn, TextIO

import click

import segue
from segue.cli.challenge import challenge
from segue.cli.compare import compare
from segue.cli.data import build, info
from segue.cli.demo import demo
from segue.cli.draw import draw
from segue.cli.evaluate import evaluate
from segue.cli.find import find
from segue.cli.generate import generate
from segue.cli.index import index
from segue.cli.limited import no_memory, run_apart
from segue.cli.music import COMMANDS as MUSIC
from segue.cli.output import StageOrder
from segue.cli.recommend import recommend
from segue.cli.serve import serve
from segue.cli.streams import STDOUT, give_up, open_streams
from segue.cli.tidy import COMMANDS as TIDY
from segue.cli.train import train
from segue.cli.update import update
from segue.cli.verify import verify
from segue.console import printable, say
from segue.errors import NameLookupError, SegueError, SegueWarning
from segue.extras import required
from segue.memory import memory_limit

# How libraries say that memory is not enough; under a limit, also that something has no room.
_NO_MEMORY = ("defaultcpuallocator", "bad_alloc", "bad allocation", "cannot allocate memory")
_NO_ROOM = ("failed to map", "start new thread", "temporarily unavailable", "static tls")


@click.group(cls=StageOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(segue.__version__, prog_name="segue")
def cli() -> None:
    """Playlists in, recommendations out.

    Build a graph of playlists, tracks and artists, train a graph neural network on it, measure
    it, and ask it for music. `segue demo` shows all of it in a few minutes.
    """


for command in (
    *(demo, generate, build, info, train, evaluate, compare, update, index, verify),
    *(find, *MUSIC, *TIDY, recommend, challenge, draw, serve),
):
    cli.add_command(command)


def main(args: list[str] | None = None) -> None:
    """Run the command line: an error is one clear sentence and exit status 1, no traceback."""
    open_streams()
    given = sys.argv[1:] if args is None else args
    command = next((arg for arg in given[:1] if arg in cli.commands), None)
    try:
        _run(args, command)
    finally:
        # What could not be said is not tried once more at the end, which would change the status.
        try:
            sys.stderr.flush()
        except OSError:
            give_up(sys.stderr)


def _run(args: list[str] | None, command: str | None) -> None:
    try:
        if args is None:  # as a program, and not called from one
            run_apart(command)
        # The commands load their libraries as they run: one that is missing is named.
        with warnings.catch_warnings(), required(f"segue {command or ''}".rstrip()):
            warnings.simplefilter("always", SegueWarning)
            warnings.showwarning = _show_warning
            cli.main(args=args, prog_name="segue", standalone_mode=False)
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        sys.exit(error.exit_code)
    except SegueError as error:
        if isinstance(error, NameLookupError):
            _fail(error.message, error.candidates)
        _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        say("segue: stopped")
        sys.exit(130)
    except Exception as error:
        if os.environ.get("SEGUE_TRACEBACK"):
            raise
        _fail(_sentence(error, command))


def _sentence(error: Exception, command: str | None) -> str:
    """What to say of an error that no stage expected."""
    if _lacks_memory(error):
        training = command in ("train", "compare")
        hint = "; a smaller --dim or a --k-core needs less" if training else ""
        return no_memory(memory_limit()) + hint
    if isinstance(error, OSError):
        if error.filename == STDOUT:
            give_up(sys.stdout)
            return f"{STDOUT}: cannot be written ({error.strerror})"
        if error.filename is not None and error.strerror:
            return f"{error.filename}: {error.strerror}"
    kind = type(error).__name__
    return f"unexpected {kind}: {error} (set SEGUE_TRACEBACK=1 to see where, and report it)"


def _lacks_memory(error: Exception) -> bool:
    """Whether memory was not enough: each library says it in its own way."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = _NO_MEMORY if memory_limit() is None else _NO_MEMORY + _NO_ROOM
    return any(word in str(error).lower() for word in words)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print our own warnings as one sentence."""
    if issubclass(category, SegueWarning):
        say(f"segue: {printable(str(message))}")
    else:
        say(warnings.formatwarning(message, category, filename, lineno, line))


def _fail(message: str, candidates: tuple[str, ...] = ()) -> NoReturn:
    say(f"segue: {printable(message)}")
    for candidate in candidates:
        say(f"  {printable(candidate)}")
    sys.exit(1)
