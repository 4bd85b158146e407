"""The page in a real browser: from search to export, by mouse and keyboard, in all its states."""

from __future__ import annotations

import csv
import io
import json
import socket
import threading
import time
from urllib.parse import quote, urlsplit

import numpy as np
import pyarrow as pa
import pytest

from segue.bundle import Bundle
from segue.data.mpd import read_mpd
from segue.data.playlists import Catalog, Playlists
from segue.data.slices import find_slices

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
# By row of the track; the names that a spreadsheet would run are found by "formula".
NAMES = {
    0: "Midnight Road",
    1: HOSTILE,
    2: '=HYPERLINK("http://x.invalid","formula one")',
    3: "+formula two",
    4: "-formula three",
    5: "@formula four",
    6: 'formula "five", quoted',
    7: "宇多田ヒカル",
    8: "أم كلثوم",
    9: "",
}
ODD_ID = "segue:track:a/b c?d#e%41+é"


@pytest.fixture(scope="module")
def bundle(planted_graph) -> Bundle:
    """The planted graph, its names and ids made hostile, with vectors of its communities."""
    rng = np.random.default_rng(0)
    old, playlists = planted_graph.catalog, planted_graph.playlists
    names, ids = old.track_names.to_pylist(), old.track_ids.to_pylist()
    artists, titles = old.artist_names.to_pylist(), playlists.titles.to_pylist()
    for row, name in NAMES.items():
        names[row] = name
    ids[0] = "spotify:track:4uLU6hMCjMI75M1A2tKUQC"
    ids[7] = ODD_ID
    artists[0] = "Artist <b>bold</b>"
    titles[::7] = [HOSTILE] * len(titles[::7])
    catalog = Catalog(
        pa.array(ids), pa.array(names), old.artist_ids, pa.array(artists),
        old.album_ids, old.album_names, old.track_artist, old.track_album,
    )  # fmt: skip
    tracks = np.eye(8)[np.arange(catalog.num_tracks) // 40] * 2 + rng.normal(size=(160, 8)) / 2
    artist_vectors = np.eye(8)[np.arange(catalog.num_artists) // 5] + rng.normal(size=(20, 8)) / 4
    return Bundle(
        catalog=catalog,
        track_vectors=unit(tracks),
        artist_vectors=unit(artist_vectors),
        query_weight=np.ones(catalog.num_tracks, dtype=np.float32),
        popularity=planted_graph.track_degree,
        playlists=Playlists(
            playlists.ids, pa.array(titles, pa.string()), playlists.order_known, playlists.tracks
        ),
        config={"model": "by hand"},
        metrics={},
        split={},
        graph_fingerprint="",
    )


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def service(bundle, tmp_path_factory):
    """Address of a running service."""
    uvicorn = pytest.importorskip("uvicorn")
    from segue.service.app import create_app
    from segue.service.serving import Serving

    folder = tmp_path_factory.mktemp("page") / "bundle"
    bundle.save(folder)
    serving = Serving(folder)
    serving.load()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(serving), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture
def opened(page, service):
    """The page with its first songs; no request has left the host when the test ends."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    policy = page.goto(service).headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    songs(page).first.wait_for()
    yield page
    assert len(asked) > 10
    assert {url for url in asked if not url.startswith((service, f"blob:{service}"))} == set()


@pytest.fixture
def troubled(chromium, service):
    """A page whose console may tell of failed requests."""
    with chromium.new_context(viewport={"width": 1000, "height": 800}) as context:
        page, failures = context.new_page(), []
        page.on("pageerror", lambda error: failures.append(str(error)))
        yield page
        assert not failures


def songs(page):
    return page.locator("#results .song .name")


def options(page):
    return page.get_by_role("listbox").get_by_role("option")


def picks(page):
    return page.locator("#playlist .song .name")


def add(page, text):
    """Search and take the first suggestion."""
    before = picks(page).count()
    page.get_by_role("combobox").first.fill(text)
    options(page).first.wait_for()
    page.keyboard.press("Enter")
    picks(page).nth(before).wait_for()
    settled(page)


def settled(page):
    page.wait_for_function(
        "() => !document.querySelector('#results').hasAttribute('aria-busy') &&"
        " document.querySelector('#results button')"
    )


def focused(page):
    return page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.id")


def saved(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value


def test_from_search_to_export_by_mouse(opened, tmp_path, bundle):
    page = opened
    assert page.get_by_role("heading", name="In the most playlists").is_visible()
    page.get_by_role("combobox", name="Search songs and artists").type("midnight", delay=20)
    option = options(page).filter(has_text="Midnight Road")
    option.wait_for()
    assert page.get_by_role("listbox", name="Suggestions").is_visible()
    option.click()
    assert page.get_by_role("listbox").is_hidden()
    page.get_by_role("heading", name="Goes with your playlist").wait_for()
    assert picks(page).all_inner_texts() == ["Midnight Road"]
    assert songs(page).count() == 20
    row = page.locator("#results > li").first
    assert row.locator(".part-name").first.inner_text() == "Midnight Road"
    assert row.get_by_text("Beside “Midnight Road” in").is_visible()
    assert row.locator(".tie .title").count() >= 1
    same_artist = page.locator("#results .tie", has_text="Same artist as “Midnight Road”")
    assert same_artist.count() >= 1

    wanted = songs(page).filter(has_text="Track").nth(2).inner_text()
    page.get_by_role("button", name=f"Add {wanted}", exact=True).click()
    page.locator("#playlist").get_by_text(wanted, exact=True).wait_for()
    settled(page)
    assert wanted not in songs(page).all_inner_texts()
    assert page.locator("#playlist-count").inner_text() == "2 songs"
    page.get_by_label("Name of the playlist").fill("Night drive")

    page.get_by_role("button", name="Export").click()
    file = saved(page, "Download JSON")
    assert file.suggested_filename == "night-drive.json"
    file.save_as(tmp_path / "mine" / file.suggested_filename)
    playlists, catalog, report = read_mpd(find_slices(tmp_path / "mine"))
    assert report.playlists == 1
    assert playlists.titles.to_pylist() == ["Night drive"]
    first, second = (catalog.track_ids[int(row)].as_py() for row in playlists.tracks[0])
    assert first == "spotify:track:4uLU6hMCjMI75M1A2tKUQC"
    of = bundle.catalog
    rows = [of.track_index_of[first], of.track_index_of[second]]
    artists = [of.artist_ids[int(of.track_artist[row])].as_py() for row in rows]
    assert catalog.artist_ids.to_pylist() == list(dict.fromkeys(artists))
    uris = page.get_by_label("URIs, one a line").input_value()
    assert uris.splitlines() == [first, second]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == uris
    page.get_by_role("button", name="Close").click()
    assert page.get_by_role("dialog").is_hidden()


def test_from_search_to_export_by_keyboard(opened):
    page = opened
    page.keyboard.press("Tab")
    assert focused(page) == "search"
    page.keyboard.type("artist", delay=20)
    options(page).first.wait_for()
    box = page.get_by_role("combobox").first
    assert box.get_attribute("aria-expanded") == "true"
    chosen = page.locator("[role='option'][aria-selected='true']")
    assert chosen.count() == 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert chosen.get_attribute("id") == box.get_attribute("aria-activedescendant")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert chosen.count() == 0, "back in the box"
    page.keyboard.press("ArrowUp")
    assert chosen.inner_text() == options(page).last.inner_text(), "round to the end"
    page.keyboard.press("Escape")
    assert page.get_by_role("listbox").is_hidden()
    assert box.input_value() == "artist"
    page.keyboard.press("Escape")
    assert box.input_value() == ""

    # Enter before the suggestions are there takes the first of them.
    page.keyboard.type("midnight")
    page.keyboard.press("Enter")
    picks(page).first.wait_for()
    settled(page)
    assert focused(page) == "search", "the next search may follow"
    page.get_by_role("button", name="Add", exact=False).first.focus()
    added = songs(page).first.inner_text()
    page.keyboard.press("Enter")
    picks(page).nth(1).wait_for()
    settled(page)
    assert picks(page).all_inner_texts() == ["Midnight Road", added]
    assert focused(page) == f"Add {songs(page).first.inner_text()}", "the place is kept"
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    assert focused(page) == f"More like {songs(page).first.inner_text()}"
    page.get_by_role("button", name=f"Remove {added}", exact=True).focus()
    page.keyboard.press("Space")
    assert focused(page) == "Remove Midnight Road"
    page.get_by_role("tab", name="Songs").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Neighbourhood").get_attribute("aria-selected") == "true"
    page.locator(".node").first.wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Export").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog", name="Take it with you").is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").is_hidden()
    assert focused(page) == "export"


def test_names_are_text_and_nothing_in_them_runs(opened):
    page = opened
    page.get_by_role("combobox").first.fill("onerror")
    option = options(page).first
    option.wait_for()
    assert option.locator(".name").inner_text() == HOSTILE
    page.keyboard.press("Enter")
    settled(page)
    assert picks(page).all_inner_texts() == [HOSTILE]
    assert page.locator(".part-name").first.inner_text() == HOSTILE
    page.locator("#results .title", has_text=HOSTILE).first.wait_for()
    page.get_by_role("button", name=f"Remove {HOSTILE}", exact=True).click()
    assert HOSTILE in page.locator("#toast").inner_text()
    page.get_by_role("button", name="Undo").click()
    page.get_by_label("Name of the playlist").fill(HOSTILE)
    page.get_by_role("button", name=f"Show what is around {HOSTILE}", exact=True).click()
    page.locator(".node.start").wait_for()
    page.locator(".node.start").click()
    page.locator("#looked-at .name").wait_for()
    assert page.locator("#looked-at .name").inner_text() == HOSTILE
    page.get_by_role("button", name="Export").click()
    assert page.locator("img").count() == 1, "the page's own"
    page.reload()
    picks(page).first.wait_for()
    assert page.get_by_label("Name of the playlist").input_value() == HOSTILE[:100]
    assert page.locator("img, iframe, script:not([src])").count() == 1
    assert page.title() == "Segue"


def test_more_like_this_and_not_this(opened):
    page = opened
    add(page, "midnight")
    first, second = songs(page).nth(0).inner_text(), songs(page).nth(1).inner_text()
    page.get_by_role("button", name=f"Not {first}", exact=True).click()
    settled(page)
    assert first not in songs(page).all_inner_texts()
    assert songs(page).first.inner_text() == second
    assert focused(page) == f"Not {second}"
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("(name) => document.querySelector('#results .name').innerText === name",
                           arg=first)  # fmt: skip
    page.get_by_role("button", name=f"Not {first}", exact=True).click()
    settled(page)
    page.get_by_text("Left out (1)").click()
    page.reload()
    settled(page)
    assert first not in songs(page).all_inner_texts(), "kept in the browser"
    page.get_by_text("Left out (1)").click()
    page.get_by_role("button", name=f"Let {first} in again", exact=True).click()
    page.wait_for_function("(name) => document.querySelector('#results .name').innerText === name",
                           arg=first)  # fmt: skip

    like = songs(page).nth(3).inner_text()
    page.get_by_role("button", name=f"More like {like}", exact=True).click()
    page.get_by_role("heading", name=f"More like “{like}”").wait_for()
    settled(page)
    assert set(page.locator(".part-name").all_inner_texts()) == {like}
    assert "Midnight Road" not in songs(page).all_inner_texts(), "it is in the playlist"
    page.get_by_role("button", name="Back to my playlist").click()
    page.get_by_role("heading", name="Goes with your playlist").wait_for()


def test_dial_and_songs_per_artist(opened):
    page = opened
    add(page, "midnight")
    asked = []
    page.on("request", lambda r: r.url.endswith("/vibe") and asked.append(r.post_data_json))
    dial = page.get_by_role("slider", name="How well known")
    dial.focus()
    with page.expect_response(
        lambda r: "vibe" in r.url and r.request.post_data_json["dial"] == 0.7
    ):
        for _ in range(7):
            page.keyboard.press("ArrowRight")
    settled(page)
    assert len(asked) < 7, "not one request a step"
    assert dial.get_attribute("aria-valuetext") == "well towards deep cuts"
    with page.expect_response("**/vibe"):
        page.get_by_label("Songs per artist").select_option("1")
    settled(page)
    assert asked[-1]["filters"]["max_per_artist"] == 1
    artists = page.locator("#results .song .by").all_inner_texts()
    assert len(set(artists)) == len(artists) > 3
    page.wait_for_url("**&dial=0.7&per=1")
    page.reload()
    settled(page)
    assert dial.input_value() == "0.7"
    assert page.get_by_label("Songs per artist").input_value() == "1"


def test_an_older_answer_does_not_replace_a_newer_one(opened):
    page = opened
    held = []
    page.route("**/vibe", lambda route: route.continue_() if held else held.append(route))
    add_without_waiting(page, "midnight")
    while not held:
        page.wait_for_timeout(20)
    page.get_by_role("combobox").first.fill("formula two")
    options(page).first.wait_for()
    page.keyboard.press("Enter")
    settled(page)
    shown = songs(page).all_inner_texts()
    assert "+formula two" in page.locator(".part-name").all_inner_texts()
    held[0].fulfill(json={"title": "", "query": [], "tracks": [], "by_popularity": False})
    page.wait_for_timeout(200)
    assert songs(page).all_inner_texts() == shown
    assert page.locator("#problem .problem").count() == 0


def add_without_waiting(page, text):
    page.get_by_role("combobox").first.fill(text)
    options(page).first.wait_for()
    page.keyboard.press("Enter")


def test_an_artist_is_a_pick_too(opened):
    page = opened
    page.get_by_role("combobox").first.fill("bold")
    options(page).filter(has_text="Artist <b>bold</b>Artist").click()
    settled(page)
    assert picks(page).all_inner_texts() == ["Artist <b>bold</b>"]
    assert page.locator("#playlist-count").inner_text() == "1 artist"
    assert page.locator(".part-name").first.inner_text() == "Artist <b>bold</b>"
    assert "#artist=segue:artist:0" in page.url
    page.get_by_role("button", name="Export").click()
    assert page.get_by_text("0 songs; artists are no songs and stay here.").is_visible()


def test_an_address_is_shared_and_restored(opened, chromium, service):
    page = opened
    for text in ("midnight", "宇多田", "formula two"):
        add(page, text)
    page.get_by_label("Name of the playlist").fill("Ours & yours = #1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link is copied.").wait_for()
    address, names = page.evaluate("navigator.clipboard.readText()"), picks(page).all_inner_texts()
    assert len(names) == 3
    with chromium.new_context() as context:
        other, failures = context.new_page(), []
        other.on("console", lambda m: failures.append(m.text) if m.type == "error" else None)
        other.goto(service)
        songs(other).first.wait_for()
        add(other, "formula three")
        other.goto(address)  # in the same tab: only what follows "#" changes
        picks(other).nth(2).wait_for()
        assert picks(other).all_inner_texts() == names
        assert other.get_by_label("Name of the playlist").input_value() == "Ours & yours = #1"
        assert other.url == address
        other.reload()
        other.get_by_text("Your own one, of 1, is kept.").wait_for()
        other.get_by_role("button", name="Back to mine").click()
        other.locator("#playlist").get_by_text("-formula three").wait_for()
        assert picks(other).count() == 1
        other.goto(service)
        picks(other).first.wait_for()
        assert picks(other).all_inner_texts() == ["-formula three"], "kept in the browser"
        assert not failures


def test_cells_of_the_csv_are_no_formulas(opened):
    page = opened
    for word in ("one", "two", "three", "four", "five"):
        add(page, f"formula {word}")
    page.get_by_role("button", name="Export").click()
    content = saved(page, "Download CSV").path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["track"] for row in rows] == [
        f"'{NAMES[2]}", f"'{NAMES[3]}", f"'{NAMES[4]}", f"'{NAMES[5]}", NAMES[6],
    ]  # fmt: skip
    assert [row["position"] for row in rows] == list("12345")
    assert rows[0]["uri"] == "segue:track:2"
    cells = page.evaluate(
        """async () => {
          const { toCsv } = await import("/static/export.js");
          return toCsv([{ id: "\\tid", name: "\\rname", artist_name: "=1+1" }]);
        }"""
    )
    assert cells.splitlines(keepends=True)[1:] == ["1,'\tid,\"'\r", "name\",'=1+1,\r\n"]


def test_links_to_spotify(opened):
    page = opened
    add(page, "midnight")
    link = page.locator("#playlist").get_by_role("link")
    assert link.get_attribute("href") == "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"
    assert link.get_attribute("rel") == "noopener noreferrer"
    add(page, "formula two")
    assert link.count() == 1, "only where the id is one of Spotify's"
    pages = page.evaluate(
        """async () => {
          const { spotifyPage } = await import("/static/export.js");
          const ids = ["spotify:track:a/../b", "javascript:alert(1)", "spotify:album:a"];
          return ids.map(spotifyPage);
        }"""
    )
    assert pages == [None] * 3


def test_the_neighbourhood_is_walked_through(opened):
    page = opened
    add(page, "midnight")
    page.get_by_role("tab", name="Neighbourhood").click()
    page.locator(".node.start").wait_for()
    assert page.locator(".node.start").get_attribute("aria-label").startswith("Midnight Road, ")
    assert page.get_by_label("Around").locator("option").count() == 1
    count = page.locator(".node").count()
    page.get_by_role("button", name="Zoom out").click()
    other = page.locator(".node.track:not(.start)").first
    other.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("(n) => document.querySelectorAll('.node').length > n", arg=count)
    assert "more node" in page.locator("#graph .status").inner_text()
    looked_at = page.locator("#looked-at")
    name = looked_at.locator(".name").inner_text()
    looked_at.get_by_role("button", name="Add").click()
    assert picks(page).all_inner_texts() == ["Midnight Road", name]
    assert looked_at.get_by_role("button", name="In your playlist").is_disabled()
    looked_at.get_by_role("button", name="Start here").click()
    page.wait_for_function(
        "(name) => document.querySelector('.node.start')?.ariaLabel.startsWith(name + ', ')",
        arg=name,
    )
    page.locator(".node.playlist").first.focus()
    page.get_by_text("Playlist ·").wait_for()


def test_unknown_ids_of_an_address_are_named_and_skipped(troubled, service):
    known = "track=segue:track:12"
    troubled.goto(f"{service}#track=no:such:song&{known}&artist={quote(HOSTILE)}")
    troubled.get_by_text("2 entries are not known here and left out:").wait_for()
    notice = troubled.locator(".notice").inner_text()
    assert "no:such:song" in notice
    assert HOSTILE in notice
    assert troubled.locator("img").count() == 1
    settled(troubled)
    assert picks(troubled).all_inner_texts() == ["Track 12"]
    assert urlsplit(troubled.url).fragment == known
    troubled.get_by_role("button", name="Dismiss").click()
    assert troubled.locator(".notice").count() == 0


@pytest.mark.parametrize("how", ["busy", "unreachable"])
def test_what_fails_is_said_and_tried_again(troubled, service, how):
    address = f"{service}#track=segue:track:12&name=Kept"

    def fail(route):
        if how == "unreachable":
            return route.abort()
        body = json.dumps({"error": "The service is busy <b>now</b>."})
        return route.fulfill(status=503, body=body, headers={"Retry-After": "2"})

    troubled.route("**/api/**", fail)
    troubled.goto(address)
    problem = troubled.get_by_role("alert")
    problem.wait_for()
    wanted = "The service is busy <b>now</b>." if how == "busy" else "cannot be reached"
    assert wanted in problem.inner_text()
    assert "Trying again in" in problem.inner_text()
    assert troubled.get_by_text("The playlist could not be loaded yet.").is_visible()
    troubled.get_by_label("Songs per artist").select_option("3")
    assert troubled.url == address, "nothing of the playlist is lost"
    troubled.unroute("**/api/**")
    if how == "unreachable":
        troubled.get_by_role("button", name="Try again").click()
    picks(troubled).first.wait_for(timeout=10_000)
    settled(troubled)
    assert problem.count() == 0
    assert troubled.get_by_label("Name of the playlist").input_value() == "Kept"

    # Later, too, while older songs are shown.
    troubled.route("**/vibe", fail)
    troubled.get_by_label("Songs per artist").select_option("2")
    problem.wait_for()
    assert songs(troubled).count() > 0
    troubled.unroute("**/vibe")
    troubled.get_by_role("button", name="Try again").click()
    settled(troubled)
    assert problem.count() == 0


def test_without_a_network_it_waits_for_one(troubled, service):
    troubled.goto(f"{service}#track=segue:track:12")
    picks(troubled).first.wait_for()
    settled(troubled)
    troubled.context.set_offline(True)
    troubled.get_by_label("Songs per artist").select_option("1")
    troubled.get_by_role("alert").get_by_text("You are offline.").wait_for()
    with troubled.expect_response("**/vibe"):
        troubled.context.set_offline(False)
    settled(troubled)
    assert troubled.get_by_role("alert").count() == 0


def test_a_search_that_finds_nothing_or_fails_says_so(troubled, service):
    troubled.goto(service)
    songs(troubled).first.wait_for()
    troubled.get_by_role("combobox").first.fill("zzzzqqqq")
    troubled.locator("#search-note").get_by_text("Nothing here is called “zzzzqqqq”.").wait_for()
    troubled.route("**/search?*", lambda route: route.fulfill(status=500, body="no JSON"))
    troubled.get_by_role("combobox").first.fill("midnight")
    troubled.locator("#search-note").get_by_text("answered with status 500").wait_for()


def test_storage_that_is_full_of_something_else_is_passed_over(opened):
    page = opened
    for kept in ("no JSON", '{"picks": 3}', "null", '{"picks": [], "excluded": [], "name": 4}'):
        page.evaluate("(kept) => localStorage.setItem('segue.playlist', kept)", kept)
        page.reload()
        songs(page).first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, scheme):
    pytest.importorskip("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    page = opened
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    def check():
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    check()
    page.get_by_role("combobox").first.fill("formula")
    options(page).first.wait_for()
    page.keyboard.press("ArrowDown")
    check()
    page.keyboard.press("Enter")
    add(page, "midnight")
    page.get_by_role("button", name="Not ").first.click()
    page.get_by_text("Left out (1)").click()
    settled(page)
    check()
    page.get_by_role("tab", name="Neighbourhood").click()
    page.locator(".node.start").click()
    page.locator("#looked-at button").first.wait_for()
    check()
    page.get_by_role("button", name="Export").click()
    check()


def test_nothing_is_wider_than_the_screen(opened):
    page = opened
    add(page, "onerror")
    page.get_by_role("button", name="Not ").first.click()
    for width in (320, 375, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for tab in ("Neighbourhood", "Songs"):
            page.get_by_role("tab", name=tab).click()
            page.locator(".node.start").wait_for(state="attached")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
