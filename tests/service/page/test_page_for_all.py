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
    page.get_by_role("combobox").first.fill("formula")
    options(page).first.wait_for()
    page.keyboard.press("ArrowDown")
    check()
    page.keyboard.press("Enter")
    add(page, "midnight")
    page.get_by_role("button", name="Not ").first.click()
    page.get_by_text("Excluded (1)").click()
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
