"""What a person does from the dashboard, each with its reason, and with its confirm step where money moves."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import LARGE, SMALL, START_S_MAX, Desk, until
from tests.browser.looking import keep

pytestmark = [
    pytest.mark.slow,  # a browser, and a copier with its venue in processes of their own
    pytest.mark.peer,
]


def test_a_link_is_paused_and_resumed_each_with_its_reason(page: Page, desk: Desk, opened: Any) -> None:
    page.goto(f"{desk.url}/#/links")
    row = page.locator("[data-link='master->large']")
    expect(row.locator(".badge.ok")).to_have_text("active")
    row.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Pause master->large")
    expect(dialog.get_by_role("button", name="Pause")).to_be_disabled()
    dialog.get_by_label("Why?").fill("payrolls in ten minutes")
    keep(page, "pause")
    dialog.get_by_role("button", name="Pause").click()
    expect(dialog).to_have_count(0)
    expect(row.locator(".badge.warning")).to_have_text("paused")
    opened("DE40", volume="0.2")
    page.goto(f"{desk.url}/#/links/master-%3Elarge")
    expect(page.locator(".pair", has_text="DE40")).to_contain_text("The link is paused.")
    expect(page.locator(".notice")).to_contain_text("payrolls in ten minutes")
    keep(page, "paused")
    page.get_by_role("button", name="Resume").click()
    dialog.get_by_label("Why?").fill("over")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.locator(".page-head .badge.ok")).to_have_text("active")


@pytest.mark.usefixtures("resumed")
def test_an_account_is_flattened_only_after_its_name_is_typed(page: Page, desk: Desk, opened: Any) -> None:
    opened("USDJPY", volume="1")
    until(lambda: len(desk.venue.positions(SMALL)) == 1, START_S_MAX)
    page.goto(f"{desk.url}/#/accounts/small")
    page.get_by_role("button", name="Flatten…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("the broker calls")
    flatten = dialog.get_by_role("button", name="Flatten now")
    for wrong in ("", "smal", "Small", "large", "small "):
        dialog.get_by_label("Type the account's name").fill(wrong)
        expect(flatten).to_be_disabled()
    assert len(desk.venue.positions(SMALL)) == 1
    dialog.get_by_label("Type the account's name").fill("small")
    keep(page, "flatten")
    flatten.click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".page-head .badges")).to_contain_text("flattened")
    until(lambda: not desk.venue.positions(SMALL), START_S_MAX)
    expect(page.get_by_text("No open position.")).to_be_visible()
    assert len(desk.venue.positions(LARGE)) == 1, "the other account keeps its copy"
    keep(page, "flattened", whole=True)
    page.get_by_role("button", name="Resume").click()
    dialog.get_by_label("Why?").fill("all clear")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.locator(".page-head .badges")).to_have_text("in sight")


def test_a_copy_that_waits_for_an_approval_is_opened_by_hand(page: Page, desk: Desk, opened: Any) -> None:
    page.goto(f"{desk.url}/#/approvals")
    expect(page.get_by_text("Nothing waits for an approval.")).to_be_visible()
    position = opened("XAUUSD", volume="0.2")
    row = page.locator(".row", has_text="XAUUSD")
    expect(row.first).to_be_visible()
    keep(page, "approvals-waiting")
    row.first.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("looks right")
    dialog.get_by_label("Type the position's id").fill(position)
    dialog.get_by_role("button", name="Approve").click()
    expect(row).to_have_count(0)
    until(lambda: len(desk.venue.positions(SMALL)) == 1, START_S_MAX)
