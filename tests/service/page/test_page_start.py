"""Ways to begin and go on: spellings, links, playlists, artists, many songs at once."""

from __future__ import annotations

import pytest
from on_page import add, options, picks, settled, songs

pytestmark = pytest.mark.browser


def search(page, text):
    page.get_by_role("combobox").first.fill(text)


def test_a_misspelt_name_is_found(opened):
    page = opened
    search(page, "midnihgt raod")
    options(page).first.wait_for()
    note = page.get_by_role("listbox").get_by_text("No matches for “midnihgt raod”. Did you mean:")
    assert note.is_visible()
    page.keyboard.press("Enter")
    picks(page).first.wait_for()
    assert picks(page).all_inner_texts() == ["Midnight Road"]


@pytest.mark.parametrize(
    "link",
    [
        "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC?si=0123456789abcdef",
        "https://open.spotify.com/intl-de/track/4uLU6hMCjMI75M1A2tKUQC",
        " spotify:track:4uLU6hMCjMI75M1A2tKUQC ",
    ],
)
def test_a_link_to_a_song_adds_it(opened, link):
    search(opened, link)
    options(opened).first.wait_for()
    assert options(opened).count() == 1
    opened.keyboard.press("Enter")
    picks(opened).first.wait_for()
    assert picks(opened).all_inner_texts() == ["Midnight Road"]


def test_a_link_that_leads_nowhere_says_why(troubled, service):
    troubled.goto(service)
    songs(troubled).first.wait_for()
    note = troubled.locator("#search-note")
    search(troubled, "https://open.spotify.com/track/0000000000000000000000")
    note.get_by_text("The song of this link is not in the music here.").wait_for()
    search(troubled, "https://open.spotify.com/playlist/37i9dQZF1DXcBWIGoYBM5M")
    note.get_by_text("select the songs of the playlist, copy them and paste").wait_for()
    search(troubled, "https://open.spotify.com/episode/0000000000000000000000")
    note.get_by_text("A link to a song or an artist is needed.").wait_for()


def test_a_playlist_is_found_by_its_title_and_started_from(opened):
    page = opened
    add(page, "midnight")
    search(page, "community 2")
    options(page).first.wait_for()
    page.get_by_role("group", name="Playlists").get_by_role("option").first.click()
    window = page.get_by_role("dialog", name="community 2")
    window.locator("#about-songs li").first.wait_for()
    names = window.locator("#about-songs .name").all_inner_texts()
    window.get_by_role("button", name="Start from it: community 2").click()
    settled(page)
    assert window.is_hidden()
    assert picks(page).all_inner_texts() == names
    assert page.get_by_label("Name of the playlist").input_value() == "community 2"
    page.get_by_role("button", name="Undo").click()
    assert picks(page).all_inner_texts() == ["Midnight Road"]


def test_an_address_names_a_playlist_or_an_artist(opened, service, bundle):
    page = opened
    row = 5
    page.goto(f"{service}#playlist={bundle.playlists.ids[row]}")
    picks(page).first.wait_for()
    wanted = [bundle.catalog.track_names[int(at)].as_py() for at in bundle.playlists.tracks[row]]
    assert picks(page).all_inner_texts() == [name or "(no name)" for name in wanted]
    link = page.locator("#results a.by").first
    artist = link.inner_text()
    with page.context.expect_page() as opening:
        link.click(modifiers=["ControlOrMeta"])
    other = opening.value
    other.locator("#playlist").get_by_text("Artist", exact=True).wait_for()
    assert picks(other).all_inner_texts() == [artist]


def test_an_artist_shows_songs_and_neighbours(opened):
    page = opened
    add(page, "midnight")
    link = page.locator("#results a.by").last
    name = link.inner_text()
    link.click()
    window = page.get_by_role("dialog", name=name)
    near = window.locator("#about-near a")
    near.first.wait_for()
    assert near.count() == 8
    song = window.locator("#about-songs li").first
    added = song.locator(".name").inner_text()
    song.get_by_role("button", name="Add ").click()
    assert song.get_by_role("button", name="Add ").is_disabled()
    other = near.first.inner_text()
    near.first.click()
    page.get_by_role("heading", name=other).wait_for()
    page.get_by_role("button", name=f"Add to playlist: {other}").click()
    assert picks(page).all_inner_texts() == ["Midnight Road", added, other]


def test_not_this_artist(opened):
    page = opened
    add(page, "midnight")
    row = page.locator("#results > li").first
    artist = row.locator("a.by").inner_text()
    row.locator(".why").click()
    with page.expect_response("**/vibe") as answer:
        row.get_by_role("button", name=f"Not this artist: {artist}", exact=True).click()
    assert answer.value.request.post_data_json["filters"]["exclude_artists"]
    settled(page)
    assert artist not in page.locator("#results .by").all_inner_texts()
    page.reload()
    settled(page)
    assert artist not in page.locator("#results .by").all_inner_texts(), "kept in the browser"
    page.get_by_text("Excluded (1)").click()
    with page.expect_response("**/vibe"):
        page.get_by_role("button", name=f"Allow {artist} again", exact=True).click()
    settled(page)
    assert artist in page.locator("#results .by").all_inner_texts()


def test_add_all_and_back(opened):
    page = opened
    add(page, "midnight")
    names = songs(page).all_inner_texts()
    page.get_by_role("button", name="Add all").click()
    page.get_by_text("Added 20 songs.").wait_for()
    assert picks(page).all_inner_texts() == ["Midnight Road", *names]
    page.get_by_role("button", name="Undo").click()
    assert picks(page).all_inner_texts() == ["Midnight Road"]
