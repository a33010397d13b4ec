"""Who is let in, what they may do, and that what brokers write does nothing."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import only_broken_lines, sign_in
from tests.browser.desk import Desk, open_desk
from tests.browser.looking import keep, settled

pytestmark = [
    pytest.mark.slow,  # a browser, and a copier with its venue in processes of their own
    pytest.mark.peer,
]

SMALL_LINK = "links/master-%3Esmall"


def test_nobody_sees_anything_without_a_key_and_a_revoked_one_is_shown_the_door(
    context: BrowserContext, desk: Desk, complaints: list[str]
) -> None:
    page = context.new_page()
    page.goto(f"{desk.url}/#/accounts")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Key").fill("not-a-key")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    keep(page, "sign-in-refused")
    page.get_by_label("Key").fill(desk.guest_key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("table[aria-label=Accounts]")).to_be_visible()
    page.goto(f"{desk.url}/#/accounts/small")
    expect(page.get_by_text("Reading only.")).to_be_visible()
    expect(page.get_by_role("button", name="Flatten…")).to_have_count(0)
    keep(page, "reading-only")
    desk.revoke_key("guest")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    only_broken_lines(complaints)


def test_signing_out_ends_it(page: Page, desk: Desk, complaints: list[str]) -> None:
    page.goto(f"{desk.url}/#/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("[document.cookie, sessionStorage.length]") == ["", 0]
    assert desk.key not in page.evaluate("JSON.stringify(localStorage)")
    only_broken_lines(complaints)


def test_what_brokers_name_their_symbols_stays_text(browser: Browser, tmp_path: Path, context: BrowserContext) -> None:
    with open_desk(tmp_path, suffix="\u202e<img src=x onerror=alert(1)>") as desk:
        desk.make_key()
        desk.start()
        page = context.new_page()
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        sign_in(page, desk)
        symbol = next(each for each in desk.venue.symbols() if each.startswith("EURUSD"))
        assert "<img" in symbol
        position = desk.venue.open(symbol, "buy", "1")
        for path in (SMALL_LINK, "decisions", f"decisions/{position}", "accounts/small", ""):
            page.goto(f"{desk.url}/#/{path}")
            expect(page.locator("main")).to_contain_text("<img src=x onerror=alert(1)>")
            expect(page.locator("main .unseen").first).to_have_text("U+202E")
            assert page.locator("main img").count() == 0
        page.goto(f"{desk.url}/#/{SMALL_LINK}")
        settled(page)
        keep(page, "hostile-names")
        page.close()
