"""The HTML file: one file, nothing loaded, names as data; and the graph view in a real browser."""

import base64
import hashlib
import html as htmllib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from segue.pictures import compose
from segue.pictures.html import write_scene, write_svg
from segue.pictures.save import save_scene
from segue.pictures.style import size_named

STATIC = Path(compose.__file__).parent / "static"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]


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


def dump(path: Path, tmp_path: Path) -> str:
    """The document of a page in Chromium, when its scripts have run."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"]
    options += ["--window-size=1000,800", "--host-resolver-rules=MAP * 127.0.0.1:9"]
    done = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", path.as_uri()],
        capture_output=True, encoding="utf-8", timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


class TestInABrowser:
    pytestmark = browser

    def test_names_are_shown_and_never_run(self, scene, path, tmp_path):
        shown = dump(path, tmp_path)
        assert f"<title>{htmllib.escape(scene.title, quote=False)}</title>" in shown
        drawn = re.findall(r'<g class="node [^>]*aria-label="([^"]*)"', shown)
        assert len(drawn) == len(scene.nodes)
        said = {htmllib.unescape(label) for label in drawn}
        for node in scene.nodes:
            assert any(text.startswith(f"{node.label}, {node.type}, ") for text in said), node
        assert shown.count('<path class="edge ') >= len(scene.edges)
        assert re.search(r'<text class="start"[^>]*x="', shown), "the start has its label"

    def test_walking_on_by_keyboard_and_mouse(self, scene, path, tmp_path):
        """A driver in the page does what a person would and writes down what it sees."""
        driver = """
        const log = [];
        const nodes = () => document.querySelectorAll(".node").length;
        const name = () => document.activeElement.getAttribute("aria-label");
        const press = (key) => document.activeElement.dispatchEvent(
          new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        const wait = () => new Promise((done) => setTimeout(done, 50));
        await wait();
        const home = document.querySelector(".node[tabindex='0']");
        home.focus();
        log.push(["tab stops", document.querySelectorAll(".node[tabindex='0']").length]);
        const first = name();
        for (const key of ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"]) {
          press(key); await wait();
          if (name() !== first) break;
        }
        const looking = () => view.container.classList.contains("looking");
        log.push(["moved", name() !== first], ["dimmed", looking()]);
        const before = nodes();
        press("Enter"); await wait();
        log.push(["enter adds", nodes() - before]);
        log.push(["said", document.querySelector(".status").textContent]);
        press("Escape"); await wait();
        log.push(["let go", !looking()]);
        const wide = view.kx;
        view.container.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
        log.push(["zoomed in", view.kx > wide]);
        const start = document.querySelector(".node.start");
        const seen = nodes();
        start.dispatchEvent(new MouseEvent("click", { bubbles: true })); await wait();
        log.push(["click adds", nodes() - seen]);
        const svg = document.querySelector("#graph svg"), tx = view.tx;
        const at = (type, clientX) => new PointerEvent(
          type, { pointerId: 1, clientX, clientY: 300, bubbles: true });
        svg.dispatchEvent(at("pointerdown", 200));
        window.dispatchEvent(at("pointermove", 260));
        window.dispatchEvent(at("pointerup", 260));
        log.push(["panned", view.tx - tx]);
        start.dispatchEvent(new PointerEvent("pointerenter")); await wait();
        log.push(["tip", document.querySelector(".tip strong").textContent]);
        document.body.dataset.log = JSON.stringify(log);
        """
        page = path.read_text(encoding="utf-8")
        # The page's own policy would not let a driver in.
        page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
        page = page.replace("view.show(scene);\n", "view.show(scene);\n" + driver)
        (tmp_path / "driven.html").write_text(page, encoding="utf-8")
        shown = dump(tmp_path / "driven.html", tmp_path)
        written = re.search(r'data-log="([^"]*)"', shown)
        assert written, "the driver came to its end"
        log = dict(json.loads(htmllib.unescape(written[1])))
        assert log["tab stops"] == 1
        assert log["moved"]
        assert log["dimmed"]
        assert 0 < log["enter adds"] <= 12
        assert log["said"].endswith(f"{log['enter adds']} more nodes")
        assert log["let go"]
        assert log["zoomed in"]
        assert 0 <= log["click adds"] <= 12
        assert log["panned"] == 60
        start = next(node for node in scene.nodes if node.role == "start")
        assert log["tip"] == start.label
