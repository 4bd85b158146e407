"""Pictures as a single HTML file that opens from disk, without a network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from pathlib import Path

from segue.files import atomic_file
from segue.pictures.scene import Scene

# In import order.
_MODULES = ("dom", "flows", "input", "shapes", "place", "graph_view", "legend", "export")
_STATIC = resources.files("segue.pictures") / "static"


def write_scene(scene: Scene, path: Path, theme: str | None = None) -> None:
    """Write a scene and the JavaScript graph view as one self-contained file.

    Its Content-Security-Policy allows no loading and no script but its own, identified by hash;
    names are data and are never parsed as HTML.

    Parameters
    ----------
    scene
    path
        Written completely or not at all.
    theme
        ``"light"`` or ``"dark"``; None follows the reader's system setting.
    """
    style = _static("graph_view.css") + _static("export.css")
    # One script: an inline module cannot import another.
    modules = (_static(f"{name}.js") for name in _MODULES)
    lines = (line for module in modules for line in module.splitlines(keepends=True))
    script = "".join(line for line in lines if not line.startswith("import "))
    # "<" in a name could end the script element, so it is escaped in the JSON.
    data = json.dumps(scene.to_json(), ensure_ascii=False, allow_nan=False)
    for sign in "<>&\u2028\u2029":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    _write(
        path,
        "export.html",
        THEME=f' data-theme="{theme}"' if theme else "",
        POLICY=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        TITLE=html.escape(scene.title),
        STYLE=style,
        SCENE=data,
        SCRIPT=script,
    )


def write_svg(svg: str, title: str, background: str, path: Path) -> None:
    """Write a finished SVG picture as one HTML file, on its own background colour."""
    start = svg.index("<svg")  # after the XML declaration, which HTML does not know
    _write(path, "figure.html", TITLE=html.escape(title), BACKGROUND=background, SVG=svg[start:])


def _write(path: Path, template: str, **parts: str) -> None:
    page = _static(template).split("@")
    # Every second piece names a part; all are inserted at once, so that no part is itself expanded.
    page[1::2] = [parts[name] for name in page[1::2]]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(page), encoding="utf-8")


def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Hash of an inline script or style, as in a Content-Security-Policy."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
