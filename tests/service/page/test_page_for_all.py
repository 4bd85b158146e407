"""The page for everyone: accessible by axe, in light and dark, at every width."""

from __future__ import annotations

import pytest
from on_page import add, options, settled

pytestmark = pytest.mark.browser


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
    page.get_by_role("button", name="My music").click()
    pasted = ("Trakc 41\nNobody - Nothing qqqq\nArtist 3 - Track 3", "segue:track:60")
    for number, lines in enumerate(pasted):
        page.get_by_label("Or paste songs").fill(lines)
        page.get_by_role("button", name="Read the text").click()
        page.locator(".matched").nth(number).wait_for()
    check()
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("combobox").first.fill("formula")
    options(page).first.wait_for()
    page.keyboard.press("ArrowDown")
    check()
    page.keyboard.press("Enter")
    add(page, "midnight")
    page.get_by_role("button", name="Not this: ").first.click()
    page.get_by_text("Excluded (1)").click()
    settled(page)
    check()
    page.locator("#results .why").first.click()
    check()
    page.locator("#results a.by").first.click()
    page.locator("#about-near a").first.wait_for()
    check()
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("tab", name="Tidy").click()
    page.locator("#tidied > *").first.wait_for()
    check()
    page.get_by_role("tab", name="Sort").click()
    page.get_by_role("button", name="Sort", exact=True).click()
    page.locator("#sorted > li").first.wait_for()
    check()
    page.get_by_role("tab", name="Nearby").click()
    page.locator(".node.start").click()
    page.locator("#looked-at button").first.wait_for()
    check()
    page.get_by_role("button", name="Export").click()
    check()


def test_nothing_is_wider_than_the_screen(opened):
    page = opened
    add(page, "onerror")
    page.get_by_role("button", name="Not this: ").first.click()
    for width in (320, 390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        for tab in ("Tidy", "Sort", "Nearby", "Songs"):
            page.get_by_role("tab", name=tab).click()
            if tab == "Nearby":
                page.locator(".node.start").wait_for(state="attached")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_first_song_is_in_sight_and_twenty_are_no_long_way(opened):
    page = opened
    for text in ("midnight", "formula one", "formula two", "formula three"):
        add(page, text)
    page.set_viewport_size({"width": 390, "height": 844})
    first = page.locator("#results > li").first.bounding_box()
    assert first["y"] + first["height"] < 500
    assert page.locator("#results > li").count() == 20
    assert page.evaluate("document.documentElement.scrollHeight") < 2400
    assert page.locator("#playlist").is_hidden()
    page.get_by_role("button", name="Show songs").click()
    assert page.locator("#playlist").is_visible()
    page.get_by_role("button", name="Hide songs").click()
    page.get_by_role("button", name="Options").click()
    assert page.get_by_role("slider", name="Popularity").is_visible()


def test_two_columns_on_a_tablet(opened):
    page = opened
    page.set_viewport_size({"width": 820, "height": 1180})
    add(page, "midnight")
    mine, found = (page.locator(f".{name}").bounding_box() for name in ("playlist", "found"))
    assert found["x"] > mine["x"] + mine["width"]
    assert abs(found["y"] - mine["y"]) < 1


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_a_message_covers_no_song(opened, width):
    page = opened
    add(page, "midnight")
    page.set_viewport_size({"width": width, "height": 844})
    page.locator("#results").get_by_role("button", name="Add ").first.click()
    toast = page.locator("#toast")
    toast.get_by_text("Added").wait_for()
    settled(page)
    bar, message = page.locator(".top").bounding_box(), toast.bounding_box()
    assert message["y"] >= bar["y"]
    assert message["y"] + message["height"] <= bar["y"] + bar["height"]
    toast.get_by_role("button", name="Close this message").click()
    assert toast.inner_text() == ""
