"""The parts of the page: names, songs, options, the neighbourhood."""

from __future__ import annotations

import pytest
from on_page import HOSTILE, add, add_without_waiting, focused, options, picks, settled, songs

pytestmark = pytest.mark.browser


def test_names_are_text_and_nothing_in_them_runs(opened):
    page = opened
    page.get_by_role("combobox").first.fill("onerror")
    option = options(page).first
    option.wait_for()
    assert option.locator(".name").inner_text() == HOSTILE
    page.keyboard.press("Enter")
    settled(page)
    assert picks(page).all_inner_texts() == [HOSTILE]
    page.locator("#results .why").first.click()
    assert page.locator(".part-name").first.inner_text() == HOSTILE
    page.locator("#results .title", has_text=HOSTILE).first.wait_for()
    page.get_by_role("button", name=f"Remove {HOSTILE}", exact=True).click()
    assert HOSTILE in page.locator("#toast").inner_text()
    page.get_by_role("button", name="Undo").click()
    page.get_by_label("Name of the playlist").fill(HOSTILE)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name=f"Nearby: {HOSTILE}", exact=True).click()
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
    page.get_by_role("button", name=f"Not this: {first}", exact=True).click()
    settled(page)
    assert first not in songs(page).all_inner_texts()
    assert songs(page).first.inner_text() == second
    assert focused(page) == f"Not this: {second}"
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("(name) => document.querySelector('#results .name').innerText === name",
                           arg=first)  # fmt: skip
    page.get_by_role("button", name=f"Not this: {first}", exact=True).click()
    settled(page)
    page.get_by_text("Excluded (1)").click()
    page.reload()
    settled(page)
    assert first not in songs(page).all_inner_texts(), "kept in the browser"
    page.get_by_text("Excluded (1)").click()
    page.get_by_role("button", name=f"Allow {first} again", exact=True).click()
    page.wait_for_function("(name) => document.querySelector('#results .name').innerText === name",
                           arg=first)  # fmt: skip

    like = songs(page).nth(3).inner_text()
    page.locator("#results .why").nth(3).click()
    page.get_by_role("button", name=f"More like this: {like}", exact=True).click()
    page.get_by_role("heading", name=f"More like “{like}”").wait_for()
    settled(page)
    for number in range(3):
        page.locator("#results .why").nth(number).click()
    names = set(page.locator(".part-name").all_inner_texts())
    assert names == {like, "popularity"}
    assert "Midnight Road" not in songs(page).all_inner_texts(), "it is in the playlist"
    page.get_by_role("button", name="Back to my playlist").click()
    page.get_by_role("heading", name="Goes with your playlist").wait_for()


def test_dial_and_songs_per_artist(opened):
    page = opened
    add(page, "midnight")
    asked = []
    page.on("request", lambda r: r.url.endswith("/vibe") and asked.append(r.post_data_json))
    dial = page.get_by_role("slider", name="Popularity")
    dial.focus()
    with page.expect_response(
        lambda r: "vibe" in r.url and r.request.post_data_json["dial"] == 0.7
    ):
        for _ in range(7):
            page.keyboard.press("ArrowRight")
    settled(page)
    assert len(asked) < 7, "not one request a step"
    assert dial.get_attribute("aria-valuetext") == "mostly towards deep cuts"
    assert asked[-1]["filters"]["max_per_artist"] == 2, "unless one says otherwise"
    assert asked[-1]["variety"] == 1
    assert "&per=" not in page.url
    with page.expect_response("**/vibe"):
        page.get_by_label("Songs per artist").select_option("0")
    settled(page)
    assert "max_per_artist" not in asked[-1]["filters"]
    assert asked[-1]["variety"] == 0, "no limit is none at all"
    with page.expect_response("**/vibe"):
        page.get_by_label("Songs per artist").select_option("1")
    settled(page)
    assert asked[-1]["filters"]["max_per_artist"] == 1
    assert asked[-1]["variety"] == 1
    artists = page.locator("#results .song .by").all_inner_texts()
    assert len(set(artists)) == len(artists) > 3
    page.wait_for_url("**&dial=0.7&per=1")
    page.reload()
    settled(page)
    assert dial.input_value() == "0.7"
    assert page.get_by_label("Songs per artist").input_value() == "1"


def test_what_comes_next_can_be_asked(opened):
    page, asked = opened, []
    page.on("request", lambda r: r.url.endswith("/vibe") and asked.append(r.post_data_json))
    add(page, "midnight")
    settled(page)
    assert asked[-1]["question"] == "fit"
    assert "question" not in page.url
    with page.expect_response("**/vibe"):
        page.get_by_label("Songs that").select_option("Come next")
    settled(page)
    assert asked[-1]["question"] == "next"
    page.wait_for_url("**&question=next")
    page.reload()
    settled(page)
    assert page.get_by_label("Songs that").input_value() == "next"
    assert asked[-1]["question"] == "next"
    page.get_by_role("button", name="Clear").click()
    settled(page)
    assert page.get_by_label("Songs that").input_value() == "next", "a setting stays"


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
    page.locator("#results .why").first.click()
    assert "+formula two" in page.locator(".part-name").all_inner_texts()
    held[0].fulfill(json={"title": "", "query": [], "tracks": [], "by_popularity": False})
    page.wait_for_timeout(200)
    assert songs(page).all_inner_texts() == shown
    assert page.locator("#problem .problem").count() == 0


def test_an_artist_is_a_pick_too(opened):
    page = opened
    page.get_by_role("combobox").first.fill("bold")
    options(page).filter(has_text="Artist <b>bold</b>Artist").click()
    settled(page)
    assert picks(page).all_inner_texts() == ["Artist <b>bold</b>"]
    assert page.locator("#playlist-count").inner_text() == "1 artist"
    page.locator("#results .why").first.click()
    assert page.locator(".part-name").first.inner_text() == "Artist <b>bold</b>"
    assert "#artist=segue:artist:0" in page.url
    page.get_by_role("button", name="Export").click()
    assert page.get_by_text("0 songs; artists and titles are not exported.").is_visible()


def test_the_neighbourhood_is_walked_through(opened):
    page = opened
    add(page, "midnight")
    page.get_by_role("tab", name="Nearby").click()
    page.get_by_label("Show", exact=True).select_option("Playlists around")
    page.locator(".node.start").wait_for()
    page.locator(".node.playlist").first.wait_for()
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
    looked_at.get_by_role("link").click()
    page.get_by_role("button", name="Start from it").wait_for()


def test_who_is_near(opened):
    page = opened
    add(page, "midnight")
    page.get_by_role("tab", name="Nearby").click()
    page.locator(".node.start").wait_for()
    assert page.locator(".node.artist").count() == 19, "all others"
    assert page.locator(".node.track").count() == 17
    assert page.locator(".edge").count() == 0
    near = page.locator(".node.artist").first
    near.hover()
    tip = page.locator(".tip")
    name = tip.locator("strong").inner_text()
    assert tip.locator("span").inner_text().startswith("artist · together in ")
    near.click()
    looked_at = page.locator("#looked-at")
    assert looked_at.locator(".name").inner_text() == name
    assert looked_at.get_by_text("together in ").is_visible()
    looked_at.get_by_role("button", name="Start here").click()
    page.wait_for_function(
        "(name) => document.querySelector('.node.start')?.ariaLabel.startsWith(name + ', artist')",
        arg=name,
    )
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("Around").select_option(index=0)
    page.wait_for_function("() => document.querySelectorAll('.node').length === 21")
