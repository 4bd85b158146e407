"""The page when something is missing: ids, the service, the network, a find."""

from __future__ import annotations

import json
from urllib.parse import quote, urlsplit

import pytest
from on_page import HOSTILE, options, picks, settled, songs

pytestmark = pytest.mark.browser


def test_unknown_ids_of_an_address_are_named_and_skipped(troubled, service):
    known = "track=segue:track:12"
    troubled.goto(f"{service}#track=no:such:song&{known}&artist={quote(HOSTILE)}")
    troubled.get_by_text("2 entries are unknown here and left out:").wait_for()
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
    assert troubled.get_by_text("The playlist could not be loaded.").is_visible()
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
    troubled.get_by_label("Songs per artist").select_option("0")
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
    # Playlists may still be called so.
    troubled.get_by_role("listbox").get_by_text("No matches for “zzzzqqqq”.").wait_for()
    assert options(troubled).count() == 1
    troubled.route("**/find?*", lambda route: route.fulfill(status=500, body="no JSON"))
    troubled.get_by_role("combobox").first.fill("midnight")
    troubled.locator("#search-note").get_by_text("answered with status 500").wait_for()


def test_without_playlists_there_is_no_picture(troubled, service):
    error = {"error": "this bundle was made without playlists (--no-playlists)"}
    troubled.route("**/subgraph?*", lambda route: route.fulfill(status=400, json=error))
    troubled.goto(f"{service}#track=segue:track:12")
    settled(troubled)
    troubled.get_by_role("tab", name="Nearby").click()
    troubled.locator(".node.start").wait_for()
    troubled.get_by_label("Show", exact=True).select_option("Playlists around")
    troubled.get_by_text("There is no neighbourhood to show").wait_for()
    assert troubled.locator("#graph").is_hidden()
    assert troubled.get_by_role("alert").count() == 0
    troubled.unroute("**/subgraph?*")  # a bundle with playlists took over
    troubled.get_by_role("tab", name="Songs").click()
    troubled.get_by_role("tab", name="Nearby").click()
    troubled.locator(".node.start").wait_for()
    assert troubled.get_by_text("There is no neighbourhood to show").count() == 0


def test_storage_that_is_full_of_something_else_is_passed_over(opened):
    page = opened
    for kept in ("no JSON", '{"picks": 3}', "null", '{"picks": [], "excluded": [], "name": 4}'):
        page.evaluate("(kept) => localStorage.setItem('segue.playlist', kept)", kept)
        page.reload()
        songs(page).first.wait_for()
