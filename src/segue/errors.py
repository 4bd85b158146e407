"""What can go wrong, as one tree.

::

    SegueError                  every error that Segue raises on purpose
    ├── InputError              something given from outside is not what was expected:
    │   │                       a file, a record in it, an option
    │   └── NameLookupError     a name or id matches no track or playlist, or several;
    │                           `candidates` lists near matches
    ├── ArtefactError           a graph, bundle or checkpoint folder is missing, damaged,
    │                           of another kind, or in the way
    ├── MismatchError           two artefacts do not belong together
    ├── ResourceError           this machine lacks what is needed: memory, an optional library
    └── TrainingError           training cannot continue (the loss is no longer a number)

    SegueWarning                something is left out because this machine lacks what it needs

A message is one clear sentence that names the file, the record and what was expected, without
control characters. The command line prints it as it stands and exits with status 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from segue.console import printable


class SegueWarning(UserWarning):
    """Something is left out because this machine lacks what it needs.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("ignore", segue.SegueWarning)
    """


class SegueError(Exception):
    """Base of every error that Segue raises on purpose.

    Examples
    --------
    >>> try:
    ...     segue.load("no-such-folder")
    ... except segue.SegueError as error:
    ...     print(error)
    no-such-folder: there is no such folder, expected a Segue bundle
    """

    def __str__(self) -> str:
        """The message; names of files and songs in it may hold control characters: blanks."""
        return printable(super().__str__())


class InputError(SegueError):
    """A file, a record in it, or an option is not what was expected.

    Examples
    --------
    >>> segue.read("no-such-file.csv")
    Traceback (most recent call last):
    segue.errors.InputError: ...
    """


class NameLookupError(InputError):
    """A name or id matches nothing here, or several things.

    Parameters
    ----------
    message
        One sentence.
    candidates
        Near matches, one printable line each, best first.

    Examples
    --------
    >>> try:
    ...     recommender.vibe(["Bohemian Rapsody"])
    ... except segue.NameLookupError as error:
    ...     print(error.candidates[0])
    Bohemian Rhapsody ...
    """

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message, tuple(candidates))
        self.message = printable(message)
        self.candidates = tuple(map(printable, candidates))

    def __str__(self) -> str:
        """The message, and the candidates below it."""
        return "\n  ".join([self.message, *self.candidates])


class ArtefactError(SegueError):
    """A graph, bundle or checkpoint folder is missing, damaged, of another kind, or in the way.

    Examples
    --------
    >>> bundle.save("playlists")
    Traceback (most recent call last):
    segue.errors.ArtefactError: ...is not a folder that Segue made, so it is not replaced
    """


class MismatchError(SegueError):
    """Two artefacts do not belong together.

    Examples
    --------
    >>> segue.evaluate(bundle, segue.build(playlists, k_core=4))
    Traceback (most recent call last):
    segue.errors.MismatchError: ...
    """


class ResourceError(SegueError):
    """This machine lacks what is needed: memory, or an optional library.

    Examples
    --------
    >>> issubclass(segue.ResourceError, segue.SegueError)
    True
    """


class TrainingError(SegueError):
    """Training cannot continue.

    Examples
    --------
    >>> segue.train(split, dim=4, epochs=1, learning_rate=1e30, system=segue.SystemConfig())
    Traceback (most recent call last):
    segue.errors.TrainingError: ...try a lower learning rate
    """
