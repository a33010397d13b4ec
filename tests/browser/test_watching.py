"""What a person sees while the copier works: positions, denials, limits, curves, and a service that is gone."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import only_broken_lines
from tests.browser.desk import ROOT, SMALL, START_S_MAX, Desk, until
from tests.browser.looking import keep

pytestmark = [
    pytest.mark.slow,  # a browser, and a copier with its venue in processes of their own
    pytest.mark.peer,
]

SMALL_LINK = "links/master-%3Esmall"


def test_a_position_appears_beside_its_copy_while_one_looks_and_goes_with_it(
    page: Page, desk: Desk, opened: Any
) -> None:
    page.goto(f"{desk.url}/#/{SMALL_LINK}")
    expect(page.get_by_text("The source holds nothing, and neither does this link.")).to_be_visible()
    position = opened("EURUSD", volume="1")
    pair = page.locator(".pair", has_text="EURUSD")
    expect(pair.locator(".pair-side").first).to_contain_text("buy EURUSD 1")
    expect(pair.locator(".pair-side").last).to_contain_text("buy EURUSD 0.5")
    keep(page, "side-by-side")
    desk.venue.close(position)
    expect(pair).to_have_count(0)


def test_a_position_that_comes_and_goes_in_a_moment_leaves_no_row_behind(page: Page, desk: Desk, opened: Any) -> None:
    page.goto(f"{desk.url}/#/accounts/small")
    positions = page.get_by_role("table", name="Positions")
    expect(page.get_by_text("No open position.")).to_be_visible()
    for volume in ("1", "1.2", "1.4"):
        position = opened("EURUSD", volume=volume)
        until(lambda: len(desk.venue.positions(SMALL)) == 1, START_S_MAX)
        page.goto(f"{desk.url}/#/accounts")
        page.goto(f"{desk.url}/#/accounts/small")
        expect(positions.get_by_text("EURUSD")).to_be_visible()
        desk.venue.close(position)
        expect(page.get_by_text("No open position.")).to_be_visible()


def test_what_was_won_and_denied_lately_is_on_the_pages_of_account_and_link(
    page: Page, desk: Desk, opened: Any
) -> None:
    position = opened("EURUSD", volume="1")
    opened("BTCUSD", volume="0.1")
    until(lambda: len(desk.venue.positions(SMALL)) == 1, START_S_MAX)
    desk.venue.close(position)
    until(lambda: not desk.venue.positions(SMALL), START_S_MAX)
    for place in ("accounts/small", SMALL_LINK):
        page.goto(f"{desk.url}/#/{place}")
        figures = page.locator(".performance")
        expect(figures.get_by_text("Win rate")).to_be_visible()
        expect(figures.get_by_role("table", name="Not copied")).to_contain_text("SYMBOL_DENIED")
        page.get_by_label("Time").select_option("Last 7 days")
        expect(figures.get_by_text("Orders answered")).to_be_visible()
    keep(page, "performance", whole=True)


def test_a_denial_is_explained_from_the_overview_on(page: Page, desk: Desk, opened: Any) -> None:
    page.goto(f"{desk.url}/#/")
    position = opened("BTCUSD", volume="0.1")
    denied = page.locator(".last-denied")
    expect(denied).to_contain_text("BTCUSD")
    expect(denied).to_contain_text("A row of the symbol map denies this symbol.")
    expect(denied).to_contain_text("match BTC.*", use_inner_text=True)
    keep(page, "denied")
    denied.get_by_role("link", name="The whole trace").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"#{position}")
    step = page.locator(".step.no")
    expect(step).to_contain_text("SYMBOL_DENIED")
    expect(step).to_contain_text("BTC.*")
    expect(page.locator(".outcomes")).to_contain_text("master->small: denied, SYMBOL_DENIED")
    keep(page, "denied-trace", whole=True)


def test_decisions_are_filtered_and_the_address_keeps_the_filter(page: Page, desk: Desk, opened: Any) -> None:
    opened("BTCUSD", volume="0.1")
    opened("GBPUSD", volume="0.2")
    page.goto(f"{desk.url}/#/decisions")
    expect(page.locator(".line", has_text="GBPUSD").first).to_be_visible()
    page.get_by_label("Kind").select_option("denied")
    expect(page.locator(".line", has_text="GBPUSD")).to_have_count(0)
    expect(page.locator(".line", has_text="BTCUSD").first).to_be_visible()
    assert page.url.endswith("#/decisions?kind=denied")
    page.reload()
    expect(page.get_by_label("Kind")).to_have_value("denied")
    expect(page.locator(".line", has_text="GBPUSD")).to_have_count(0)


def test_a_limit_meter_turns_with_the_market(page: Page, desk: Desk, opened: Any) -> None:
    desk.venue.quote("EURUSD", "1.16", "1.1601")
    opened("EURUSD", volume="5")
    until(lambda: len(desk.venue.positions(SMALL)) == 1, START_S_MAX)
    page.goto(f"{desk.url}/#/")
    meter = page.locator(".nearest [data-limit='small/daily_loss']")
    bar = meter.get_by_role("meter")
    expect(bar).to_have_attribute("aria-valuetext", re.compile("within"))
    before = float(bar.get_attribute("aria-valuenow") or 0)
    # 2.5 lots at the small account: 130 pips are 3,250 of the day's 4,000 USD, beyond three quarters.
    desk.venue.quote("EURUSD", "1.147", "1.1471")
    expect(meter.locator(".badge")).to_have_text("warning")
    expect(page.locator(".verdict h2")).to_have_text("Look at this")
    assert before < 10 < 75 < float(bar.get_attribute("aria-valuenow") or 0) < 100
    keep(page, "limit-warning", whole=True)
    desk.venue.quote("EURUSD", "1.16", "1.1601")
    expect(meter.locator(".badge")).to_have_text("within")
    expect(page.locator(".verdict h2")).to_have_text("All is well")


def test_the_equity_curve_is_drawn_and_told_in_words(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/#/accounts/small")
    curve = page.get_by_role("img", name="Equity of small")
    expect(curve).to_have_attribute("aria-label", re.compile("lowest 90,010.00, highest 100,010.00 USD"))
    expect(curve.locator("canvas")).to_have_count(1)
    drawn = "each => new Set(each.getContext('2d').getImageData(0, 0, each.width, each.height).data).size"
    until(lambda: curve.locator("canvas").evaluate(drawn) > 10, START_S_MAX)
    page.get_by_role("button", name="Colours").click()
    expect(curve.locator("canvas")).to_have_count(1)
    keep(page, "equity", whole=True)


def test_what_is_not_there_says_so_and_leads_back(page: Page, desk: Desk, complaints: list[str]) -> None:
    for path in ("accounts/nobody", "links/no-one"):
        page.goto(f"{desk.url}/#/{path}")
        expect(page.get_by_role("heading", name="Not there")).to_be_visible()
        expect(page.get_by_role("link", name="Back to")).to_be_visible()
    page.goto(f"{desk.url}/#/decisions/12345678")
    expect(page.get_by_role("alert")).to_contain_text("there is no such position or order in the ledger")
    page.goto(f"{desk.url}/#/nowhere")
    expect(page.get_by_text("There is no page nowhere.")).to_be_visible()
    assert [each for each in complaints if "status of 404" not in each] == []
    complaints.clear()


def test_a_service_that_cannot_tell_is_told_and_tried_again(page: Page, desk: Desk, complaints: list[str]) -> None:
    page.route("**/api/v1/status", lambda route: route.fulfill(status=503, body="out of order"))
    page.goto(f"{desk.url}/#/accounts")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The service answered 503.")
    expect(page.locator("table")).to_have_count(0)
    keep(page, "failed")
    page.unroute("**/api/v1/status")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("table[aria-label=Accounts]")).to_be_visible()
    assert [each for each in complaints if "status of 503" not in each] == []
    complaints.clear()


def test_the_page_outlives_a_restart_of_the_service(page: Page, desk: Desk, opened: Any, complaints: list[str]) -> None:
    page.goto(f"{desk.url}/#/{SMALL_LINK}")
    opened("EURUSD", volume="1")
    expect(page.locator(".pair", has_text="EURUSD")).to_be_visible()
    desk.end()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
    expect(page.locator(".pair", has_text="EURUSD")).to_be_visible()  # as it was
    keep(page, "offline")
    opened("GBPUSD", volume="2")
    desk.start()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".connection")).to_have_text("Live")
    expect(page.locator(".pair", has_text="GBPUSD").locator(".pair-side").last).to_contain_text("buy GBPUSD 1")
    keep(page, "online-again")
    only_broken_lines(complaints)


def test_the_demo_shows_its_copies_as_they_are_made(context: BrowserContext, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copier", "demo", "--duration", "300", "--keep", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            url = next(line for line in demo.stdout if line.startswith("dashboard: ")).split()[1]
            page = context.new_page()
            page.goto(url)
            expect(page.locator(".verdict")).to_contain_text("5 of 5 accounts in sight")
            expect(page.locator(".verdict")).to_contain_text(re.compile(r"[1-9]\d* copies held"))
            expect(page.locator(".last-denied .code")).to_be_visible()
            keep(page, "demo", whole=True)
            page.goto(f"{url}#/links")
            expect(page.locator(".row-figures", has_text=re.compile("[1-9]"))).not_to_have_count(0)
            page.close()
        finally:
            demo.kill()
