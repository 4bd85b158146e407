"""What `mkdocs build` does beyond its plugins (mkdocs.yml names this file).

- Formulas become MathML when the site is built, so that a page loads no script for them.
- A name such as `segue.graph.split` links to where it is documented.
- A link out of `docs/` to a file of the repository works on the site as it does on GitHub: the
  file comes along, under `files/`.
- CHANGELOG.md, CONTRIBUTING.md and SECURITY.md are pages.
- A name of `segue.__all__` that is on no page, or has no docstring, fails a strict build.
"""

from __future__ import annotations

import html
import logging
import posixpath
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# The files at the repository's root that the site has as pages.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
log = logging.getLogger("mkdocs.plugins.segue")

_OUTWARD = re.compile(r"(?<=\]\()((?:\.\./)+)([^)#\s]+)(?=[)#])")
_NAME = re.compile(r"<code>(segue(?:\.\w+)+)</code>(?!</a>)")
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages at the repository's root, and the files of it that pages link to."""
    from mkdocs.structure.files import File

    for name, uri in PAGES.items():
        if name != "README.md":
            text = (ROOT / name).read_text(encoding="utf-8")
            text = re.sub(r"(?<=\]\()docs/", "", text)
            files.append(File.generated(config, uri, content=text))
    for page in files.documentation_pages():
        if page.abs_src_path is None:
            continue
        for path in _linked(Path(page.abs_src_path), Path(page.src_uri)):
            uri = _on_site(path)
            if files.get_file_from_path(uri) is None and (ROOT / path).is_file():
                files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Point links out of `docs/` to the copies of these files."""
    here = posixpath.dirname(page.file.src_uri)

    def inward(match: re.Match[str]) -> str:
        path = _in_repository(Path(page.file.src_uri), match[1] + match[2])
        if path is None:
            return match[0]
        return posixpath.relpath(_on_site(path), here or ".")

    return _OUTWARD.sub(inward, markdown)


def on_page_content(content: str, **_: object) -> str:
    """Turn LaTeX into MathML, and names of the package into links to where they are documented."""
    content = _NAME.sub(r'<autoref optional identifier="\1"><code>\1</code></autoref>', content)
    if 'class="arithmatex"' not in content:
        return content
    from latex2mathml.converter import convert

    def mathml(match: re.Match[str]) -> str:
        display = "block" if match[2] == "[" else "inline"
        return str(convert(html.unescape(match[3]).strip(), display=display))

    return _FORMULA.sub(mathml, content)


def on_post_build(config: MkDocsConfig) -> None:
    """Compare the pages with the public names."""
    import griffe

    import segue

    inventory = (Path(config.site_dir) / "objects.inv").read_bytes()
    for name in absent(segue.__all__, anchors(inventory)):
        log.warning("segue.%s is public, but on no page of the API reference", name)
    package = griffe.load("segue", search_paths=[ROOT / "src"])
    for name in segue.__all__:
        if name != "__version__" and not package[name].has_docstring:
            log.warning("segue.%s is public, but has no docstring", name)


def anchors(inventory: bytes) -> set[str]:
    """The names that pages have an anchor for, from a Sphinx inventory (version 2)."""
    *_header, packed = inventory.split(b"\n", 4)
    return {line.split(" ", 1)[0] for line in zlib.decompress(packed).decode().splitlines()}


def absent(names: Iterable[str], anchors: set[str]) -> list[str]:
    """Which public names no page documents; `__version__` needs none."""
    return [name for name in names if name != "__version__" and f"segue.{name}" not in anchors]


def _linked(page: Path, uri: Path) -> list[Path]:
    """The files of the repository outside `docs/` that a page links to, relative to its root."""
    links = _OUTWARD.findall(page.read_text(encoding="utf-8"))
    paths = [_in_repository(uri, up + rest) for up, rest in links]
    return [path for path in paths if path is not None]


def _on_site(path: Path) -> str:
    """Where the site has a file of the repository."""
    return PAGES.get(path.as_posix(), f"files/{path.as_posix()}")


def _in_repository(uri: Path, link: str) -> Path | None:
    """Where a link of the page docs/`uri` leads, relative to the root; None within `docs/`."""
    path = posixpath.normpath(posixpath.join("docs", uri.parent.as_posix(), link))
    return None if path.startswith(("docs/", "../")) else Path(path)
