"""The HTML file: one file, nothing loaded, names as data."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from segue.pictures import compose
from segue.pictures.html import write_scene, write_svg
from segue.pictures.save import save_scene
from segue.pictures.style import size_named

STATIC = Path(compose.__file__).parent / "static"


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.inside = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = (tag, dict(attrs)) if tag in ("script", "style", "title") else None

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.texts.append((*self.inside, data))

    def text_of(self, tag, **attributes):
        parts = [
            data
            for name, attrs, data in self.texts
            if name == tag and attributes.items() <= attrs.items()
        ]
        return "".join(parts)


@pytest.fixture(scope="module")
def scene(bundle):
    return compose.with_beyond(compose.snowball(bundle, ("track", 0), waves=2, limit=12), bundle)


@pytest.fixture(scope="module")
def path(scene, tmp_path_factory):
    path = tmp_path_factory.mktemp("html") / "scene.html"
    save_scene(scene, path, size_named("screen"), "dark")
    return path


def test_data_come_back_as_they_went_in(scene, path):
    page = Page(path.read_text(encoding="utf-8"))
    found = json.loads(page.text_of("script", type="application/json"))
    assert found == json.loads(json.dumps(scene.to_json()))
    assert "</script><script>" in json.dumps(found), "the fixture's names are dangerous"
    assert page.text_of("title") == scene.title
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 2


def test_nothing_is_loaded_and_nothing_else_may_run(path):
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    for tag, attributes in page.elements:
        assert not {"src", "href", "srcset", "action", "style", "onerror"} & set(attributes), tag
        assert tag not in ("link", "img", "iframe", "object")
    (policy,) = (a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a)

    def sha(content):
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    script = page.text_of("script", type="module")
    style = page.text_of("style")
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{sha(style)}'; script-src 'sha256-{sha(script)}'"
    )
    code = re.sub(r"^import .*$", "", script, flags=re.MULTILINE)
    addresses = set(re.findall(r"https?://[^\s\"'`]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "a namespace is no address"
    assert "url(" not in style
    assert "@import" not in style
    assert script == code, "an inline module has nothing to import"
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in script


def test_the_theme_is_the_readers_unless_one_is_given(scene, path, tmp_path):
    assert '<html lang="en" data-theme="dark">' in path.read_text(encoding="utf-8")
    write_scene(scene, tmp_path / "free.html")
    assert '<html lang="en">' in (tmp_path / "free.html").read_text(encoding="utf-8")


def test_a_finished_picture_in_html(tmp_path):
    svg = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><text>@A@</text></svg>'
    write_svg(svg, "Loss & <more>", "#FFFFFF", tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "<title>Loss &amp; &lt;more&gt;</title>" in text
    assert "<text>@A@</text>" in text
    assert "<?xml" not in text


def test_the_graph_view_is_small_enough_to_read():
    for path in STATIC.glob("*.js"):
        lines = path.read_text().splitlines()
        assert len(lines) < 400, path.name
        assert max(map(len, lines)) <= 100, path.name
