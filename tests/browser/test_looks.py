"""How it looks and is reached: on a phone, in both themes, by keyboard, and without jumping."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.desk import START_S_MAX, Desk
from tests.browser.looking import DESKTOP, PAGES, PHONE, keep, settled, too_wide, violations

pytestmark = [
    pytest.mark.slow,  # a browser, and a copier with its venue in processes of their own
    pytest.mark.peer,
]


def test_what_moves_in_a_row_is_one_text_and_not_the_row(page: Page, desk: Desk, opened: Any) -> None:
    desk.venue.quote("EURUSD", "1.16", "1.1601")
    opened("EURUSD", volume="1")
    page.goto(f"{desk.url}/#/accounts")
    equity = page.locator("tr", has_text="small").locator("[data-label=Equity] .num .num")
    for account in ("small", "large"):  # what an opening brings by itself has come before anything moves
        row = page.locator("tr", has_text=account)
        expect(row.locator("[data-label=Positions]")).to_have_text("1", timeout=START_S_MAX * 1000)
        expect(row.locator("[data-label=Latency]")).to_contain_text("ms")
    page.evaluate(
        """() => {
          window.changed = new Set();
          new MutationObserver((all) => all.forEach((each) => window.changed.add(each.type)))
            .observe(document.querySelector('main'), { childList: true, characterData: true, subtree: true });
        }"""
    )
    before = equity.inner_text()
    desk.venue.quote("EURUSD", "1.159", "1.1591")
    expect(equity).not_to_have_text(before)
    assert page.evaluate("[...window.changed]") == ["characterData"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_a_phone(browser: Browser, desk: Desk, opened: Any, theme: Any) -> None:
    opened("EURUSD", volume="1")
    opened("BTCUSD", volume="0.1")
    context = browser.new_context(viewport=PHONE, color_scheme=theme, is_mobile=True, has_touch=True)
    page = context.new_page()
    sign_in(page, desk)
    for name, path in PAGES.items():
        page.goto(f"{desk.url}/#/{path}")
        settled(page)
        keep(page, f"{name}-{theme}-phone", whole=True)
        assert too_wide(page) == [], name
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("link", name="Mismatches")).to_be_visible()
    keep(page, f"more-{theme}-phone")
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(browser: Browser, desk: Desk, opened: Any, theme: Any) -> None:
    opened("EURUSD", volume="1")
    denied = opened("BTCUSD", volume="0.1")
    context = browser.new_context(viewport=DESKTOP, color_scheme=theme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{desk.url}/#/sign-in")
    page.get_by_label("Key").wait_for()
    assert violations(page) == [], "sign-in"
    sign_in(page, desk)
    for name, path in {**PAGES, "trace": f"decisions/{denied}"}.items():
        page.goto(f"{desk.url}/#/{path}")
        settled(page)
        keep(page, f"{name}-{theme}", whole=True)
        assert violations(page) == [], name
    page.goto(f"{desk.url}/#/accounts/small")
    page.get_by_role("button", name="Flatten…").click()
    page.get_by_role("dialog").wait_for()
    assert violations(page) == [], "dialog"
    context.close()


def test_everything_is_reached_by_the_keyboard(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/#/links")
    page.reload()  # so that the keyboard begins at the top, not where the mouse clicked last
    page.get_by_role("heading", name="Links").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    pause = page.locator("[data-link='master->small']").get_by_role("button", name="Pause")
    expect(pause).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if pause.evaluate("each => each === document.activeElement"):
            break
    expect(pause).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Why?")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(pause).to_be_focused()


def test_the_colours_and_the_zone_are_the_readers_choice_and_stay(page: Page, desk: Desk, opened: Any) -> None:
    opened("EURUSD", volume="1")
    page.goto(f"{desk.url}/#/accounts/small")
    since = page.locator("[data-label=Since] time").first
    local = since.inner_text()
    assert re.search(r"\d\d:\d\d:\d\d\.\d+ UTC$", since.get_attribute("title") or "")
    page.get_by_role("button", name="Local").click()
    expect(since).not_to_have_text(local)
    page.get_by_role("button", name="Colours").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Colours").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="UTC")).to_be_visible()
