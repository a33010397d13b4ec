"""A real browser over a real copier. Where there is no browser, these tests say that they were skipped."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.desk import LARGE, SMALL, SOURCE, START_S_MAX, Desk, open_desk, until
from tests.browser.looking import ARGUMENTS, SCREENS_WAIT_MS
from tests.browser.missing import NO_BROWSER

expect.set_options(timeout=SCREENS_WAIT_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A copier that runs, with a key that may operate and one that may read.

    `browser` is asked for first: without one nothing is started.
    """
    with open_desk(tmp_path_factory.mktemp("desk")) as opened:
        opened.make_key()
        opened.guest_key = opened.make_key("guest", "read")
        opened.remember_equity("small")
        opened.start()
        yield opened


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of, a breach of the content security policy above all; empty at the end.

    That a request without a key is refused is no complaint: the sign-in page comes of it.
    """
    return []


@pytest.fixture
def context(browser: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id="Europe/Prague")
    opened.set_default_timeout(SCREENS_WAIT_MS)

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 401" not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    opened.on("console", heard)
    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    yield opened
    opened.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext, desk: Desk) -> Page:
    """A page of somebody who is signed in and may operate."""
    opened = context.new_page()
    sign_in(opened, desk)
    return opened


def sign_in(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/#/sign-in")
    page.get_by_label("Key").fill(desk.key)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for(state="attached")


@pytest.fixture
def opened(desk: Desk) -> Iterator[Any]:
    """Open positions at the source; they are closed after the test, and their copies with them."""
    ids: list[str] = []

    def open_(symbol: str, side: str = "buy", volume: str = "1", **keys: str) -> str:
        ids.append(desk.venue.open(symbol, side, volume, **keys))
        return ids[-1]

    yield open_
    held = {each["position_id"] for each in desk.venue.positions(SOURCE)}
    for each in held & set(ids):
        desk.venue.close(each)
    until(lambda: not desk.venue.positions(SMALL) and not desk.venue.positions(LARGE), START_S_MAX)


@pytest.fixture
def resumed(desk: Desk) -> Iterator[None]:
    """Lift what a test set on the small account by hand: one that fails leaves the others their copies."""
    yield
    desk.command("resume", "small", str(desk.file), "--why", "the test is over")


def only_broken_lines(complaints: list[str]) -> None:
    """Forget that the browser told of connections which the service ended, where it was to end them."""
    assert [each for each in complaints if "net::ERR_" not in each] == []
    complaints.clear()
