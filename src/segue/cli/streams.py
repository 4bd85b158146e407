"""The standard streams as a program finds them: closed, on a full disk, or unable to hold a letter.

What is printed on standard output is the result: if it cannot be written, the command has failed.
Standard error is for people, and a command that cannot reach them does its work all the same.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, Literal, TextIO

# In errors, the name of the file that is standard output.
STDOUT = "standard output"


def open_streams() -> None:
    """Open closed standard streams; letters that a stream cannot hold are written as escapes.

    The number of a closed stream would be given to the next file that is opened, and what a library
    prints would go into it. Writing on a closed standard output is an error, as it is elsewhere.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # On a descriptor that can only be read, writing fails, as it does on a closed one.
            mode: Literal["r", "w"] = "r" if name == "stdin" else "w"
            stream = _nowhere(number, mode, can_write=name == "stderr")
            setattr(sys, name, stream)
        if number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = _named(sys.stdout)


def _nowhere(number: int, mode: Literal["r", "w"], *, can_write: bool) -> TextIO:
    """A stream that leads nowhere."""
    try:
        os.fstat(number)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        opened = os.open(os.devnull, os.O_WRONLY if can_write else os.O_RDONLY)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
    return open(number, mode, encoding="utf-8", closefd=False)


class _Output(io.FileIO):
    """Standard output as a file whose errors name it."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, STDOUT) from None


def _named(stream: TextIO) -> TextIO:
    """Standard output with errors that say so; unchanged if neither file nor terminal."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if type(raw) is not io.FileIO:
        return stream
    output: Any = _Output(raw.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        output if raw is stream.buffer else io.BufferedWriter(output),  # PYTHONUNBUFFERED
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def give_up(stream: TextIO) -> None:
    """Let what is still waiting in a stream that cannot be written go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
