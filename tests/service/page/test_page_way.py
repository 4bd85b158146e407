"""The whole way on the page, from search to export, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from on_page import focused, options, picks, saved, settled, songs

from segue.data.reading import read

pytestmark = pytest.mark.browser


def test_from_search_to_export_by_mouse(opened, tmp_path, bundle):
    page = opened
    assert page.get_by_role("heading", name="Popular songs").is_visible()
    page.get_by_role("combobox", name="Search songs, artists and playlists").type(
        "midnight", delay=20
    )
    option = options(page).filter(has_text="Midnight Road")
    option.wait_for()
    assert page.get_by_role("listbox", name="Suggestions").is_visible()
    option.click()
    assert page.get_by_role("listbox").is_hidden()
    page.get_by_role("heading", name="Goes with your playlist").wait_for()
    assert picks(page).all_inner_texts() == ["Midnight Road"]
    assert songs(page).count() == 20
    row = page.locator("#results > li").first
    assert row.locator(".part-name").count() == 0, "one line"
    assert row.locator(".why-line").inner_text().startswith("Same artist as “Midnight Road” · in ")
    row.locator(".why").click()
    assert row.locator(".part-name").first.inner_text() == "Midnight Road"
    assert row.get_by_text("Together with “Midnight Road” in").is_visible()
    assert row.locator(".tie .title").count() >= 1
    assert row.locator(".tie", has_text="Same artist as “Midnight Road”").is_visible()

    wanted = songs(page).filter(has_text="Track").nth(2).inner_text()
    page.get_by_role("button", name=f"Add {wanted}", exact=True).click()
    page.locator("#playlist").get_by_text(wanted, exact=True).wait_for()
    settled(page)
    assert wanted not in songs(page).all_inner_texts()
    assert page.locator("#playlist-count").inner_text() == "2 songs"
    page.get_by_label("Name of the playlist").fill("Night drive")

    page.get_by_role("button", name="Export").click()
    file = saved(page, page.get_by_role("button", name="MPD JSON"))
    assert file.suggested_filename == "night-drive.mpd.json"
    file.save_as(tmp_path / "mine" / file.suggested_filename)
    mine = read(tmp_path / "mine")
    playlists, catalog = mine.playlists, mine.catalog
    assert mine.report.playlists == 1
    assert playlists.titles.to_pylist() == ["Night drive"]
    first, second = (catalog.track_ids[int(row)].as_py() for row in playlists.tracks[0])
    assert first == "spotify:track:4uLU6hMCjMI75M1A2tKUQC"
    of = bundle.catalog
    rows = [of.tracks.index_of[first], of.tracks.index_of[second]]
    artists = [of.artists.ids[int(of.main_artist[row])].as_py() for row in rows]
    assert catalog.artists.ids.to_pylist() == list(dict.fromkeys(artists))
    page.wait_for_function("document.querySelector('#export-uris').value")
    uris = page.get_by_label("Links, one per line").input_value()
    assert uris.splitlines() == [first, second]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == uris
    page.get_by_role("button", name="Close", exact=True).click()
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
    page.locator("#results").get_by_role("button", name="Add ").first.focus()
    added = songs(page).first.inner_text()
    page.keyboard.press("Enter")
    picks(page).nth(1).wait_for()
    settled(page)
    assert picks(page).all_inner_texts() == ["Midnight Road", added]
    assert focused(page) == f"Add {songs(page).first.inner_text()}", "the place is kept"
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    assert focused(page).startswith(f"Listen to {songs(page).first.inner_text()} on ")
    page.get_by_role("button", name=f"Remove {added}", exact=True).focus()
    page.keyboard.press("Space")
    assert focused(page) == "Remove Midnight Road"
    page.get_by_role("tab", name="Songs").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Nearby").get_attribute("aria-selected") == "true"
    page.locator(".node").first.wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Export").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog", name="Export playlist").is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").is_hidden()
    assert focused(page) == "export"
