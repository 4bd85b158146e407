"""Titles on the page: asked with, alone and with songs, and suggested."""

from __future__ import annotations

import pytest
from on_page import add, options, picks, settled, songs

pytestmark = pytest.mark.browser


def ask_by_title(page, text):
    page.get_by_role("combobox").first.fill(text)
    options(page).first.wait_for()
    page.get_by_role("group", name="Playlists called").get_by_role("option").click()
    settled(page)


def test_a_title_is_asked_with(opened):
    page = opened
    ask_by_title(page, "night zzkq")
    assert picks(page).all_inner_texts() == ["night zzkq"]
    assert page.locator("#playlist-count").inner_text() == "1 title"
    assert page.locator("#found-note").inner_text() == "“zzkq”: in no title here, so left out."
    assert "#title=night%20zzkq" in page.url
    row = page.locator("#results > li").first
    assert row.locator(".why-line").inner_text() == "In playlists called “night”"
    row.locator(".why").click()
    assert row.locator(".part-name").first.inner_text() == "“night”"
    night = songs(page).all_inner_texts()
    page.reload()
    settled(page)
    assert songs(page).all_inner_texts() == night
    ask_by_title(page, "drive")
    assert picks(page).all_inner_texts() == ["drive"], "there is one title"
    assert not set(songs(page).all_inner_texts()[:5]) & set(night[:5])
    add(page, "midnight")
    assert page.locator("#playlist-count").inner_text() == "1 song, 1 title"


def test_a_name_is_suggested_until_there_is_one(opened):
    page = opened
    add(page, "midnight")
    name = page.get_by_role("button", name="Name it night")
    name.click()
    assert page.get_by_label("Name of the playlist").input_value() == "night"
    page.wait_for_url("**#name=night&**")
    page.locator("#names").wait_for(state="hidden")
