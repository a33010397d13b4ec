"""The page of `copier report` in a browser: its one style is applied, nothing else is, and it fits phone and paper."""

from pathlib import Path

import pytest
import trio
from attrs import evolve
from playwright.sync_api import Browser, ConsoleMessage

from copier.report.model import Report
from copier.report.page import page as page_of
from tests.browser.looking import DESKTOP, PHONE, keep
from tests.copier.report.test_page import HOSTILE, day

pytestmark = [
    pytest.mark.slow,  # a browser
    pytest.mark.peer,
]


def long_day() -> Report:
    """Return a day with several sheets of trades, whose symbols are hostile and long."""
    report = trio.run(day)
    [trade] = report.trades
    return evolve(report, trades=[trade] * 60 + [evolve(trade, symbol=HOSTILE * 3)])


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(("theme", "ground"), [("light", "rgb(244, 246, 248)"), ("dark", "rgb(12, 17, 23)")])
def test_its_one_style_is_applied_in_both_themes_and_nothing_reaches_out_of_the_window(
    browser: Browser, tmp_path: Path, size: dict[str, int], theme: str, ground: str
) -> None:
    file = tmp_path / "day.html"
    file.write_text(page_of(long_day()), encoding="utf-8")
    page = browser.new_page(viewport=size, color_scheme=theme)  # type: ignore[arg-type]  # both are what it takes
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    page.on("console", heard)
    page.goto(file.as_uri())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.locator("main img, main script").count() == 0
    assert complaints == []
    keep(page, f"report-{theme}-{size['width']}", whole=True)
    page.close()


def test_what_gets_into_the_page_by_a_hole_neither_runs_nor_is_fetched(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "day.html"
    hole = '<script>document.title="ran"</script><img src="https://example.com/x"><style>body{color:red}</style></main>'
    file.write_text(page_of(long_day()).replace("</main>", hole), encoding="utf-8")
    page = browser.new_page()
    blocked: list[tuple[str, str | None]] = []
    page.on("requestfailed", lambda request: blocked.append((request.url, request.failure)))
    page.goto(file.as_uri())
    assert page.title() != "ran"
    assert blocked == [("https://example.com/x", "csp")], "it was never sent"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 27, 34)"
    page.close()


def test_on_paper_it_is_light_and_takes_the_sheets_that_it_needs(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "day.html"
    file.write_text(page_of(long_day()), encoding="utf-8")
    page = browser.new_page(viewport={"width": 703, "height": 1028}, color_scheme="dark")
    page.emulate_media(media="print")
    page.goto(file.as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(22, 27, 34)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    sheets = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    assert 2 <= sheets <= 5
    page.close()
