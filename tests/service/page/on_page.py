"""What the tests of the page look at and do on it."""

from __future__ import annotations

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


def songs(page):
    return page.locator("#results .song .name")


def options(page):
    return page.get_by_role("listbox").get_by_role("option")


def picks(page):
    return page.locator("#playlist .song .name")


def add(page, text):
    """Search and take the first suggestion."""
    before = picks(page).count()
    add_without_waiting(page, text)
    picks(page).nth(before).wait_for()
    settled(page)


def add_without_waiting(page, text):
    page.get_by_role("combobox").first.fill(text)
    options(page).first.wait_for()
    page.keyboard.press("Enter")


def settled(page):
    page.wait_for_function(
        "() => !document.querySelector('#results').hasAttribute('aria-busy') &&"
        " document.querySelector('#results button')"
    )


def focused(page):
    return page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.id")


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value
