"""The graph view in a real browser: pan, zoom, hover, walk on; by mouse, touch and keyboard."""

import math
from itertools import combinations, pairwise

import pytest

from segue.pictures import compose
from segue.pictures.html import write_scene
from segue.pictures.map import catalogue_map

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def scene(bundle):
    return compose.with_beyond(compose.snowball(bundle, ("track", 0), waves=2, limit=12), bundle)


@pytest.fixture
def opened(page, tmp_path):
    """Open a scene; the page has come to rest, and no request but for the file was made."""

    def open_scene(scene, theme=None):
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        write_scene(scene, tmp_path / "scene.html", theme)
        page.goto((tmp_path / "scene.html").as_uri())
        rest(page)
        assert asked == [(tmp_path / "scene.html").as_uri()]
        return page

    return open_scene


def rest(page):
    """Wait until what was asked for is painted."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def spots(page):
    """Where the middle of each node is."""
    return page.eval_on_selector_all(
        ".node",
        """(nodes) => nodes.map((node) => {
          const box = node.getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        })""",
    )


def furthest(where):
    """The two nodes that are furthest from each other, by their places."""
    return max(combinations(range(len(where)), 2), key=lambda two: distance(where, *two))


def distance(where, one, other):
    return math.dist(where[one], where[other])


def labels(page):
    """Boxes of the labels that are shown: left, top, right, bottom."""
    return page.eval_on_selector_all(
        ".segue-graph text:not(.hidden)",
        """(texts) => texts.map((text) => {
          const box = text.getBoundingClientRect();
          return [box.left, box.top, box.right, box.bottom];
        })""",
    )


def centre(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def free_spot(page):
    """A spot of the graph where no node and no button is."""
    for x, y in ((60, 700), (60, 150), (700, 700), (500, 120)):
        if page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", [x, y]) == "svg":
            return x, y
    raise AssertionError("there is a node on every spot that was tried")


def test_names_are_shown_as_text_and_never_run(opened, scene):
    page = opened(scene)
    assert page.title() == scene.title, "a name that is a script would have changed it"
    said = page.eval_on_selector_all(".node", "all => all.map((n) => n.ariaLabel)")
    assert len(said) == len(scene.nodes)
    for node in scene.nodes:
        assert any(text.startswith(f"{node.label}, {node.type}, ") for text in said), node
    assert page.locator(".edge[d]").count() >= len(scene.edges)
    assert page.locator("img, iframe").count() == 0
    assert page.locator("text.start").is_visible()
    dangerous = next(n for n in scene.nodes if n.label.startswith("<"))
    page.locator(f"[aria-label^='{dangerous.label[:4]}']").first.hover()
    assert page.locator(".tip strong").inner_text() == dangerous.label


def test_dragging_moves_everything_alike(opened, scene):
    page = opened(scene)
    before = spots(page)
    x, y = free_spot(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 10)
    page.mouse.move(x + 70, y - 25)
    page.mouse.up()
    rest(page)
    moved = spots(page)
    for (then_x, then_y), (old_x, old_y) in zip(moved, before, strict=True):
        assert [then_x - old_x, then_y - old_y] == pytest.approx([70, -25], abs=0.2)
    page.mouse.move(x, y)
    rest(page)
    assert spots(page) == moved, "let go is let go"


def test_the_wheel_zooms_around_the_pointer(opened, scene):
    page = opened(scene)
    before = spots(page)
    x, y = centre(page.locator(".node.start"))
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    rest(page)
    after = spots(page)
    assert centre(page.locator(".node.start")) == pytest.approx((x, y), abs=0.5)
    ends = furthest(before)
    assert distance(after, *ends) / distance(before, *ends) == pytest.approx(2.718**0.5, rel=0.01)
    page.get_by_role("button", name="Show all").click()
    rest(page)
    for spot, old in zip(spots(page), before, strict=True):
        assert spot == pytest.approx(old, abs=0.2)


def test_two_fingers_zoom(opened, scene):
    page = opened(scene)
    before = spots(page)
    touch = page.context.new_cdp_session(page)
    for kind, half in (("touchStart", 50), ("touchMove", 75), ("touchMove", 100)):
        points = [{"x": 500 + side * half, "y": 400, "id": side} for side in (0, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    rest(page)
    after = spots(page)
    ends = furthest(before)
    assert distance(after, *ends) / distance(before, *ends) == pytest.approx(2, rel=0.05)


def test_pointing_at_a_node_shows_its_neighbours(opened, scene):
    page = opened(scene)
    start = next(at for at, node in enumerate(scene.nodes) if node.role == "start")
    near = [e for e in scene.edges if start in (e.source, e.target)]
    assert page.locator(".tip").is_hidden()
    page.locator(".node.start").hover()
    rest(page)
    assert page.locator(".tip strong").inner_text() == scene.nodes[start].label
    assert scene.nodes[start].detail in page.locator(".tip span").inner_text()
    assert page.locator(".looking .edge.near").count() == len(near)
    assert page.locator(".looking .node.near").count() == len(near) + 1
    page.mouse.move(*free_spot(page))
    rest(page)
    assert page.locator(".tip").is_hidden()
    assert page.locator(".looking").count() == 0


def test_a_click_walks_on_and_a_drag_does_not(opened, scene):
    page = opened(scene)
    x, y = centre(page.locator(".node.start"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y)
    page.mouse.up()
    rest(page)
    assert page.locator(".node").count() == len(scene.nodes)
    page.mouse.click(*centre(page.locator(".node.start")))
    rest(page)
    more = page.locator(".node").count() - len(scene.nodes)
    assert 0 < more <= 12
    assert page.locator(".status").inner_text().endswith(f"{more} more nodes")
    places = [tuple(spot) for spot in spots(page)]
    assert len(set(places)) == len(places), "none lies on another"


def test_by_keyboard(opened, scene):
    page = opened(scene)
    focused = "document.activeElement.ariaLabel"
    page.keyboard.press("Tab")
    first = page.evaluate(focused)
    assert first.startswith(next(n for n in scene.nodes if n.role == "start").label)
    assert page.locator(".node[tabindex='0']").count() == 1, "one stop for Tab"
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        if page.evaluate(focused) != first:
            break
    assert page.evaluate(focused) != first
    assert page.locator(".looking").count() == 1
    page.keyboard.press("Enter")
    rest(page)
    more = page.locator(".node").count() - len(scene.nodes)
    assert 0 < more <= 12
    page.keyboard.press("Escape")
    rest(page)
    assert page.locator(".looking").count() == 0
    page.locator(".node[tabindex='0']").focus()
    before = spots(page)
    ends = furthest(before)
    page.keyboard.press("+")
    rest(page)
    after = spots(page)
    assert distance(after, *ends) / distance(before, *ends) == pytest.approx(1.25, rel=0.01)


def scenes(bundle, recommender):
    yield "force", compose.snowball(bundle, ("playlist", 3), waves=2, limit=15)
    yield "columns", compose.layers(bundle, ("track", 0), waves=2, limit=12)
    yield "rings", compose.artist(bundle, 0)
    yield "flows", compose.reasons(recommender, [0, 40], n=6)
    yield "map", catalogue_map(bundle)
    yield "one node", compose.snowball(bundle, ("playlist", 3), waves=0)


def test_labels_of_every_kind_of_picture_keep_apart(opened, bundle, recommender):
    for name, scene in scenes(bundle, recommender):
        page = opened(scene)
        assert page.locator(".node").count() == len(scene.nodes), name
        shown = labels(page)
        assert shown, name
        for one, other in combinations(shown, 2):
            apart = one[0] >= other[2] or other[0] >= one[2]
            # A line of text is 13 px high in a box of about 16.
            apart = apart or one[1] >= other[3] - 4 or other[1] >= one[3] - 4
            assert apart, (name, one, other)


def test_bands_lie_side_by_side_at_both_ends(opened, recommender):
    scene = compose.reasons(recommender, [0, 1, 40], n=6)
    page = opened(scene)
    bands = page.eval_on_selector_all(
        ".edges .contribution",
        """(paths) => paths.map((path) => {
          const ends = [0, path.getTotalLength()].map((at) => path.getPointAtLength(at));
          return [...ends.map((end) => [end.x, end.y]), Number(path.getAttribute("stroke-width"))];
        })""",
    )
    assert len(bands) == len(scene.edges) > 10
    widest = max(range(len(bands)), key=lambda at: scene.edges[at].weight)
    one = bands[widest][2] / scene.edges[widest].weight
    bars = page.eval_on_selector_all(
        ".flow",
        """(bars) => bars.map((bar) => {
          const box = bar.getBoundingClientRect();
          const from = bar.ownerSVGElement.getBoundingClientRect();
          return [box.x + box.width / 2 - from.x, box.top - from.y, box.bottom - from.y];
        })""",
    )
    assert len(bars) == len(scene.nodes)
    for end, name in enumerate(("source", "target")):
        at_node = {}
        for edge, band in zip(scene.edges, bands, strict=True):
            (x, y), half = band[end], one * edge.weight / 2
            at_node.setdefault(getattr(edge, name), []).append((x, y - half, y + half))
        for spans in at_node.values():
            spans.sort(key=lambda span: span[1])
            for before, after in pairwise(spans):
                assert before[2] == pytest.approx(after[1], abs=0.1), "neither a gap nor an overlap"
            x = spans[0][0]
            top, bottom = next(
                (top, bottom)
                for bar_x, top, bottom in bars
                if abs(bar_x - x) < 1 and top - 0.5 < spans[0][1] < bottom
            )
            assert top - 0.5 <= spans[0][1]
            assert spans[-1][2] <= bottom + 0.5, "within its bar"
    columns = {round(x) for x, _, _ in bars}
    for column in columns:
        own = sorted(bar for bar in bars if round(bar[0]) == column)
        for before, after in pairwise(sorted(own, key=lambda bar: bar[1])):
            assert before[2] <= after[1], "bars do not touch"


@pytest.mark.parametrize("width", [390, 1000])
def test_nodes_of_a_snowball_do_not_lie_on_each_other(opened, bundle, width):
    scene = compose.snowball(bundle, ("playlist", 3), waves=2, limit=25)
    page = opened(scene)
    page.set_viewport_size({"width": width, "height": 800})
    rest(page)
    boxes = page.eval_on_selector_all(
        ".node path:first-of-type",
        """(marks) => marks.map((mark) => {
          const box = mark.getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2, box.width / 2];
        })""",
    )
    assert len(boxes) == len(scene.nodes) > 40
    # Marks are drawn with a rim of their paper, half of which lies inside of what is told apart.
    for (x, y, r), (other_x, other_y, other_r) in combinations(boxes, 2):
        assert math.hypot(x - other_x, y - other_y) > 0.95 * (r + other_r) - 1


def test_the_buttons_cover_neither_a_node_nor_a_label(opened, bundle, recommender):
    for name, scene in scenes(bundle, recommender):
        page = opened(scene)
        left, top, wide, tall = page.locator(".bar").bounding_box().values()
        assert not any(x > left and y < top + tall for x, y in spots(page)), name
        page.get_by_role("button", name="Zoom in").click()
        page.mouse.move(500, 400)
        page.mouse.down()
        page.mouse.move(450, 300)  # what lies below comes up to where the buttons are
        page.mouse.up()
        page.mouse.move(*(free_spot(page) if name == "force" else (5, 5)))
        rest(page)
        for box in labels(page):
            clear = box[2] <= left or box[0] >= left + wide or box[1] >= top + tall - 4
            assert clear or box[3] <= top, (name, box)


def test_colours_are_the_readers_unless_one_is_given(opened, scene):
    paper = "getComputedStyle(document.body).backgroundColor"
    page = opened(scene)
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(paper) == "rgb(20, 23, 31)"
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate(paper) == "rgb(20, 23, 31)"


def test_the_legend_names_what_is_drawn(opened, scene, bundle):
    page = opened(scene)
    for words in ("playlist", "track", "artist", "playlist holds track", "track by artist"):
        assert page.locator("#legend .entry").get_by_text(words, exact=True).is_visible()
    assert "expand" in page.locator("#help").inner_text()
    chart = catalogue_map(bundle)
    page = opened(chart)
    assert page.locator("#legend .entry").all_inner_texts() == list(chart.groups)
    assert page.locator("text.group").all_text_contents() == [cut(name) for name in chart.groups]
    marks = page.eval_on_selector_all("#legend path", "all => all.map(p => p.getAttribute('d'))")
    assert len(set(marks)) == len(chart.groups), "told apart without colour"
    assert "expand" not in page.locator("#help").inner_text()


def cut(name):
    return name if len(name) <= 34 else name[:33].rstrip() + "…"
