"""What nobody has acknowledged yet, counted, and acknowledged by keyboard and by mouse, one and all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import sign_in
from tests.browser.desk import Desk, open_desk
from tests.browser.looking import PHONE, keep, settled, too_wide, violations

pytestmark = [
    pytest.mark.slow,  # a browser, and a copier with its venue in processes of their own
    pytest.mark.peer,
]

HOSTILE = "position <img src=x onerror=alert(1)>\u202e is nobody's"
TEXTS = (
    "position 7000123 EURUSD buy 0.5 carries our tag and no copy accounts for it",
    "position 7000124 XAUUSD sell 0.1 carries our tag and no copy accounts for it",
    HOSTILE,
)


@pytest.fixture
def alerted(browser: Browser, tmp_path: Path) -> Iterator[Desk]:
    """A copier of its own, whose ledger holds alerts that nobody has seen; `browser` is asked for first."""
    with open_desk(tmp_path) as desk:
        desk.make_key()
        desk.guest_key = desk.make_key("guest", "read")
        desk.remember_alerts(*TEXTS)
        desk.start()
        yield desk


def test_alerts_are_acknowledged_one_by_keyboard_and_all_that_are_left(
    browser: Browser, alerted: Desk, context: BrowserContext
) -> None:
    page = context.new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    sign_in(page, alerted)
    page.goto(f"{alerted.url}/#/alerts")
    settled(page)
    count = page.get_by_role("navigation").get_by_role("link", name="Alerts").locator(".count")
    open_ = page.locator(".open-alerts .line")
    expect(count).to_have_text("3")
    expect(open_).to_have_count(3)
    assert page.locator("main img").count() == 0
    keep(page, "alerts-open", whole=True)
    assert too_wide(page) == []
    assert violations(page) == []

    button = open_.filter(has_text="7000124").get_by_role("button", name="Acknowledge")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    note = dialog.get_by_label("A note")
    expect(note).to_be_focused()
    assert violations(page) == [], "dialog"
    page.keyboard.type("closed it <b>by hand</b>")
    keep(page, "acknowledge")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(open_).to_have_count(2)
    expect(count).to_have_text("2")
    expect(page.locator("main")).to_be_focused()
    seen = page.locator(".line", has_text="7000124")
    expect(seen).to_contain_text("Acknowledged by desk")
    expect(seen).to_contain_text("closed it <b>by hand</b>")

    phone = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    other = phone.new_page()
    sign_in(other, alerted)
    other.goto(f"{alerted.url}/#/alerts")
    settled(other)
    expect(other.locator(".open-alerts .line")).to_have_count(2)
    keep(other, "alerts-open-phone", whole=True)
    assert too_wide(other) == []

    page.get_by_role("button", name="Acknowledge all").click()
    expect(dialog).to_contain_text("Acknowledge 2 alerts")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Every alert is acknowledged.")).to_be_visible()
    expect(count).to_have_count(0)
    expect(other.get_by_text("Every alert is acknowledged.")).to_be_visible()
    keep(page, "alerts-seen", whole=True)
    phone.close()
    page.reload()
    expect(page.get_by_text("Every alert is acknowledged.")).to_be_visible()


def test_who_may_only_read_sees_what_is_open_and_no_button(alerted: Desk, context: BrowserContext) -> None:
    page = context.new_page()
    alerted.key = alerted.guest_key
    sign_in(page, alerted)
    page.goto(f"{alerted.url}/#/alerts")
    expect(page.locator(".open-alerts .line")).to_have_count(3)
    expect(page.get_by_text("Reading only.")).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
