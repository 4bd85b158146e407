"""Writing lists to files: options of the commands that list tracks, and what they say."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.console import count, number, say

if TYPE_CHECKING:
    from segue.recommend.export import Saved
    from segue.recommend.exported import Exported
    from segue.recommend.recommender import Recommender

_Function = TypeVar("_Function", bound=Callable[..., Any])
WITH_GIVEN = click.option(
    "--with-given", is_flag=True, help="Write the songs that were given before the new ones."
)
# As in `segue.recommend.writers`, which would load Arrow to show a help text.
FORMATS = ("m3u8", "xspf", "jspf", "csv", "json", "mpd", "uris", "parquet")


@dataclass(frozen=True)
class ListFile:
    """Where lists go, from the command line: see `file_options`."""

    out: Path | None
    format: str | None
    library: Path | None
    overwrite: bool

    def check(self, *, with_given: bool = False, sources: Iterable[str | Path | None] = ()) -> None:
        """Raise for what cannot be written, before anything is loaded.

        `sources` are files and folders that are read: none of them is written over.
        """
        from segue.errors import ArtefactError
        from segue.files import refuse_file
        from segue.recommend.export import writer_of

        if self.out is None:
            if self.format or self.library or with_given:
                raise click.UsageError("--format, --library and --with-given are for --out.")
            return
        writer_of(self.out, self.format, self.library)
        for source in sources:
            if source is not None and self._writes_over(Path(source)):
                raise ArtefactError(
                    f"{self.out}: is read here, so it is not written over; give another --out"
                )
        if not self.out.is_dir():
            refuse_file(self.out, overwrite=self.overwrite)
            if not self.out.absolute().parent.is_dir():
                raise ArtefactError(
                    f"{self.out}: cannot be written, there is no folder {self.out.parent}"
                )

    def _writes_over(self, source: Path) -> bool:
        """Whether what is written may replace a file that is read."""
        if self.out is None or not self.out.exists() or not source.exists():
            return False
        out, read = self.out.resolve(), source.resolve()
        if out.is_dir():
            return self.overwrite and (out == read or out in read.parents or read in out.parents)
        return out == read or read in out.parents

    def save(self, lists: Iterable[Exported], *, single: bool = False) -> None:
        """Write lists, and report it."""
        from segue.recommend.export import save

        if self.out is not None:
            saved = save(
                lists,
                self.out,
                self.format,
                library=self.library,
                overwrite=self.overwrite,
                single=single,
            )
            self._report(saved)

    def save_one(
        self, recommender: Recommender, exported: Exported, given: Sequence[int] = ()
    ) -> None:
        """Write one list, after the tracks `given` as rows of the bundle."""
        from segue.recommend.exported import TrackRecords

        records = TrackRecords(recommender.bundle.catalog)
        self.save([exported.after(records.of_rows(given)) if given else exported], single=True)

    def _report(self, saved: Saved) -> None:
        if saved.num_left_out:
            say(f"{count(saved.num_left_out, 'song')} not in {self.library}, left out")
        if saved.num_lists_left_out:
            say(f"{count(saved.num_lists_left_out, 'playlist')} without a song there: not written")
        lists = f" in {count(saved.num_lists, 'playlist')}" if saved.num_lists > 1 else ""
        say(f"{count(saved.num_tracks, 'song')}{lists} written to {self.out}")
        if saved.num_without_file:
            say(
                f"{number(saved.num_without_file)} of them without a file, which players pass "
                "over; --library FOLDER names the files of your music folder"
            )


def file_options(*, required: bool = False) -> Callable[[_Function], _Function]:
    """Options of every command that writes lists, passed to it as one `file`."""

    def decorate(command: _Function) -> _Function:
        @functools.wraps(command)
        def with_options(**options: Any) -> Any:
            names = [field.name for field in dataclasses.fields(ListFile)]
            return command(file=ListFile(**{name: options.pop(name) for name in names}), **options)

        for option in reversed(
            [
                click.option(
                    "--out",
                    type=click.Path(path_type=Path),
                    required=required,
                    help="The file to write; its extension decides the format: .m3u8, .xspf, "
                    ".jspf, .csv, .json, .mpd.json, .txt, .parquet. Or a folder, for one file per "
                    "playlist.",
                ),
                click.option(
                    "--format",
                    type=click.Choice(FORMATS),
                    help="The format, whatever the extension.",
                ),
                click.option(
                    "--library",
                    type=click.Path(path_type=Path),
                    help="Your music folder: name the songs' files in it (M3U8, XSPF and JSPF).",
                ),
                click.option("--overwrite", is_flag=True, help="Replace older files."),
            ]
        ):
            with_options = option(with_options)
        return with_options  # type: ignore[return-value]

    return decorate
