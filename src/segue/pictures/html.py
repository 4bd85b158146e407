"""Pictures as one HTML file that opens from disk, without a network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from pathlib import Path

from segue.files import atomic_file
from segue.pictures.scene import Scene

# In the order of what they import from each other.
_MODULES = ("dom", "flows", "input", "shapes", "place", "graph_view", "legend", "export")
_STATIC = resources.files("segue.pictures") / "static"


def write_scene(scene: Scene, path: Path, theme: str | None = None) -> None:
    """Write a scene with the graph view in JavaScript as one file that needs no other.

    Its Content-Security-Policy lets nothing be loaded and nothing run but its own script, whose
    hash it names; names are data and are never read as HTML.

    Parameters
    ----------
    scene
    path
        Written whole or not at all.
    theme
        ``"light"`` or ``"dark"``; None leaves it to the reader's own setting.
    """
    style = _static("graph_view.css") + _static("export.css")
    # One script: an inline module cannot import another.
    modules = (_static(f"{name}.js") for name in _MODULES)
    lines = (line for module in modules for line in module.splitlines(keepends=True))
    script = "".join(line for line in lines if not line.startswith("import "))
    # "<" in a name would end the script element; in JSON it may be written as an escape.
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
    """Write a finished picture in SVG as one HTML file, on paper of its own colour."""
    start = svg.index("<svg")  # after the XML declaration, which HTML does not know
    _write(path, "figure.html", TITLE=html.escape(title), BACKGROUND=background, SVG=svg[start:])


def _write(path: Path, template: str, **parts: str) -> None:
    page = _static(template).split("@")
    # Every second piece names a part; all go in at once, so that no part is read as a template.
    page[1::2] = [parts[name] for name in page[1::2]]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(page), encoding="utf-8")


def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
