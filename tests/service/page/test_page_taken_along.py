"""What leaves the page: addresses, files, links."""

from __future__ import annotations

import pytest
from on_page import add, picks, settled, songs

pytestmark = pytest.mark.browser


def test_an_address_is_shared_and_restored(opened, chromium, service):
    page = opened
    for text in ("midnight", "宇多田", "formula two"):
        add(page, text)
    page.get_by_label("Name of the playlist").fill("Ours & yours = #1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied.").wait_for()
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
        other.get_by_text("Your own is saved.").wait_for()
        other.get_by_role("button", name="Back to mine").click()
        other.locator("#playlist").get_by_text("-formula three").wait_for()
        assert picks(other).count() == 1
        other.goto(service)
        picks(other).first.wait_for()
        assert picks(other).all_inner_texts() == ["-formula three"], "kept in the browser"
        assert not failures


def test_what_was_changed_right_before_the_page_is_left_is_kept(opened):
    page = opened
    add(page, "midnight")
    name, dial = page.get_by_label("Name of the playlist"), page.get_by_role("slider")
    name.fill("In a hurry")
    page.reload()
    picks(page).first.wait_for()
    assert name.input_value() == "In a hurry"
    settled(page)
    dial.focus()
    page.keyboard.press("ArrowRight")
    page.reload()
    settled(page)
    assert dial.input_value() == "0.1"
    # Another address says something else, and is believed.
    page.goto(page.url.split("#")[0] + "#track=segue:track:12&name=Theirs")
    page.locator("#playlist").get_by_text("Track 12", exact=True).wait_for()
    assert name.input_value() == "Theirs"


def test_links_to_listen(opened):
    page = opened
    add(page, "midnight")
    link = page.locator("#playlist").get_by_role("link", name="Listen to ")
    assert link.get_attribute("href") == "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"
    assert link.get_attribute("rel") == "noopener noreferrer"
    add(page, "formula two")
    assert link.count() == 2
    assert link.last.get_attribute("href") == (
        "https://www.youtube.com/results?search_query=%2Bformula+two+Artist+3"
    )
    pages = page.evaluate(
        """async () => {
          const { listenPage } = await import("/static/links.js");
          const ids = ["spotify:track:a/../b", "javascript:alert(1)", "spotify:album:a"];
          return ids.map((id) => listenPage({ type: "track", id, name: "&x=1" }).href);
        }"""
    )
    assert pages == ["https://www.youtube.com/results?search_query=%26x%3D1"] * 3
