"""A person's own music: files and pasted text in, matches, sorting, tidying, files out."""

from __future__ import annotations

import pytest
from on_page import add, options, picks, saved, settled, songs

from segue.recommend.writers import WRITERS

pytestmark = pytest.mark.browser
NOTHING = "<img src=y onerror=\"document.title='taken'\">qqqq"


def paste(page, text):
    page.get_by_role("button", name="My music").click()
    page.get_by_label("Or paste songs").fill(text)
    page.get_by_role("button", name="Read the text").click()
    page.locator(".matched").first.wait_for()


def close(page):
    page.get_by_role("button", name="Close", exact=True).click()


def test_pasted_songs_are_matched_and_started_from(opened):
    page = opened
    paste(page, f"Artist 6 - Track 41\nNobody - {NOTHING}\nspotify:track:4uLU6hMCjMI75M1A2tKUQC")
    card = page.locator(".matched")
    assert card.locator("p").first.inner_text() == "2 found, 1 missing"
    card.get_by_text("Missing here (1)").click()
    assert NOTHING in card.locator(".missing li").inner_text()
    card.get_by_role("button", name="Start from it").click()
    settled(page)
    assert picks(page).all_inner_texts() == ["Track 41", "Midnight Road"]
    assert page.get_by_label("Name of the playlist").input_value() == "Pasted list"
    assert page.get_by_role("button", name="My music (1)").is_visible()
    assert page.locator("img").count() == 1


def test_what_is_unsure_is_chosen(opened):
    page = opened
    paste(page, "Trakc 41")
    card = page.locator(".matched")
    choice = card.get_by_label("Trakc 41")
    assert choice.input_value() == ""
    assert card.get_by_role("button", name="Start from it").is_disabled()
    choice.select_option(label=choice.locator("option", has_text="Track 41 ").inner_text())
    card.get_by_role("button", name="Add to playlist").click()
    settled(page)
    assert picks(page).all_inner_texts() == ["Track 41"]


def test_several_pasted_lines_go_to_my_music(opened):
    page = opened
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('Artist 3 - Track 3\\nArtist 4 - Track 4')")
    page.get_by_role("combobox").first.focus()
    page.keyboard.press("ControlOrMeta+v")
    text = page.get_by_label("Or paste songs")
    assert text.input_value() == "Artist 3 - Track 3\nArtist 4 - Track 4"


def test_a_file_that_cannot_be_read_says_why(troubled, service, tmp_path):
    troubled.goto(service)
    songs(troubled).first.wait_for()
    (tmp_path / "nothing.m3u8").write_text("")
    troubled.get_by_role("button", name="My music").click()
    troubled.locator("#bring-files").set_input_files(tmp_path / "nothing.m3u8")
    troubled.locator("#bring-said").get_by_text("nothing.m3u8: ").wait_for()
    assert troubled.locator(".matched").count() == 0


@pytest.mark.parametrize("form", WRITERS)
def test_what_was_exported_comes_back_when_dropped(opened, tmp_path, form):
    page = opened
    for text in ("midnight", "formula one", "formula five", "宇多田", "formula two"):
        add(page, text)
    names = picks(page).all_inner_texts()
    page.get_by_label("Name of the playlist").fill("Ours & yours")
    page.get_by_role("button", name="Export").click()
    file = saved(page, page.locator(f"[data-format={form}]"))
    said = page.locator("#export-said").inner_text()
    assert ("It names the songs, not your files" in said) == (form in ("m3u8", "xspf"))
    assert file.suggested_filename == f"ours-yours{WRITERS[form].endings[0]}"
    path = tmp_path / file.suggested_filename
    file.save_as(path)
    close(page)
    page.get_by_role("button", name="Clear").click()
    drop(page, path)
    card = page.locator(".matched")
    assert card.get_by_text("5 found", exact=True).is_visible()
    card.get_by_role("button", name="Start from it").click()
    settled(page)
    assert picks(page).all_inner_texts() == names


def drop(page, path):
    """Drop a file from the disk on the page."""
    content = list(path.read_bytes())
    transfer = page.evaluate_handle(
        """([name, content]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(content)], name));
          return transfer;
        }""",
        [path.name, content],
    )
    for event in ("dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": transfer})
    page.locator(".matched").first.wait_for()


@pytest.fixture
def music(tmp_path):
    """A music folder with three playlists at different depths, and much else."""
    folder = tmp_path / "Music"
    (folder / "Lists" / "old").mkdir(parents=True)
    (folder / "Queen").mkdir()
    for place, rows in {
        "kitchen.m3u8": (3, 4), "Lists/party.m3u": (5, 6, 10), "Lists/old/first.txt": (11, 12),
        ".hidden.m3u8": (13, 14), "Lists/._party.m3u": (15, 16),
    }.items():  # fmt: skip
        (folder / place).write_text("".join(f"segue:track:{row}\n" for row in rows))
    for place in ("Queen/01 One.mp3", "Queen/cover.jpg"):
        (folder / place).write_bytes(b"\0")
    return folder


def check_walked(page):
    page.locator(".matched").nth(2).wait_for()
    titles = page.locator(".matched h3").all_inner_texts()
    assert sorted(titles) == ["first", "kitchen", "party"]
    said = page.locator("#bring-said")
    said.get_by_text("2 other files in the folder left out.").wait_for()
    said.get_by_text("party.m3u: 1 playlist, 3 songs.").wait_for()


def test_a_dropped_folder_is_walked(opened, music):
    """The browser itself drops it: a script cannot make up a folder."""
    data = {"items": [], "files": [str(music)], "dragOperationsMask": 1}
    drag = opened.context.new_cdp_session(opened)
    for event in ("dragEnter", "dragOver", "drop"):
        at = {"type": event, "x": 300, "y": 300, "data": data}
        drag.send("Input.dispatchDragEvent", at)
    check_walked(opened)


def test_a_folder_is_chosen(opened, music):
    opened.get_by_role("button", name="My music").click()
    with opened.expect_file_chooser() as chooser:
        opened.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(music)
    check_walked(opened)


def test_songs_are_sorted_into_playlists(opened):
    page = opened
    first = "\n".join(f"segue:track:{row}" for row in range(2, 20))
    second = "\n".join(f"segue:track:{row}" for row in range(42, 60))
    paste(page, first)
    page.get_by_label("Or paste songs").fill(second)
    page.get_by_role("button", name="Read the text").click()
    page.locator(".matched").nth(1).wait_for()
    close(page)
    for row in (25, 65):
        page.get_by_role("combobox").first.fill(f"track {row}")
        options(page).first.wait_for()
        page.keyboard.press("Enter")
        page.locator("#playlist").get_by_text(f"Track {row}", exact=True).wait_for()
    page.get_by_role("tab", name="Sort").click()
    page.get_by_role("button", name="Sort", exact=True).click()
    rows = page.locator("#sorted > li")
    rows.nth(1).wait_for()
    likeliest = [row.locator("option").first.inner_text() for row in rows.all()]
    assert likeliest[0].startswith("Pasted list, ")
    assert likeliest[1].startswith("Pasted list (2), ")
    assert all("None fits, " in row.locator("option").last.inner_text() for row in rows.all())
    for row in range(2):
        rows.nth(row).locator("select").select_option(index=0)
    rows.first.get_by_role("button", name="Put ").click()
    assert rows.first.get_by_text("In Pasted list", exact=True).is_visible()
    page.get_by_role("button", name="My music (2)").click()
    assert page.locator(".matched").last.get_by_text("18 found").is_visible()
    close(page)
    rows.first.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Put all there").click()
    assert page.locator("#sort-note").inner_text().startswith("0 songs to put somewhere")


def test_songs_are_not_sorted_into_the_list_that_they_are(opened):
    """A list that the playlist had been started from was among its targets."""
    page = opened
    for rows in ((2, 3, 4), (42, 43)):
        paste(page, "\n".join(f"segue:track:{row}" for row in rows))
        page.locator(".matched").nth(0 if len(rows) == 3 else 1).wait_for()
        close(page)
    page.get_by_role("button", name="My music (2)").click()
    page.locator(".matched").last.get_by_role("button", name="Start from it").click()
    settled(page)
    page.get_by_role("tab", name="Sort").click()
    targets = page.locator("#sort-into label")
    assert targets.all_inner_texts() == ["Pasted list (2) (2)"]
    page.get_by_label("Songs of").select_option(label="Pasted list (2) (2 songs)")
    assert targets.all_inner_texts() == ["Pasted list (3)"]


def test_a_playlist_is_tidied_on_a_tap(opened, service):
    page = opened
    outlier = "segue:track:150"
    rows = [*(f"segue:track:{row}" for row in range(10, 30)), outlier]
    page.goto(f"{service}#{'&'.join(f'track={row}' for row in rows)}")
    picks(page).nth(20).wait_for()
    page.get_by_role("tab", name="Tidy").click()
    misfits = page.locator(".proposal", has_text="May not fit")
    misfits.wait_for()
    assert "Track 150" in misfits.locator(".name").all_inner_texts()
    assert picks(page).count() == 21, "nothing changes by itself"
    misfits.get_by_role("button", name="Remove Track 150").click()
    settled(page)
    assert "Track 150" not in picks(page).all_inner_texts()
    before = picks(page).all_inner_texts()
    page.get_by_role("button", name="Use this order").click()
    after = picks(page).all_inner_texts()
    assert sorted(after) == sorted(before)
    assert after != before
    page.get_by_role("button", name="Undo").click()
    assert picks(page).all_inner_texts() == before
