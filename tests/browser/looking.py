"""How pages are looked at: the browser's options, screenshots that are kept, widths, and what axe finds."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.peers.programs import PEERS

ARGUMENTS = [
    "--no-sandbox",  # continuous integration runs as root, which Chromium's sandbox refuses
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What a page has to show is there in a second; other tests share the machine.
SCREENS_WAIT_MS = 20_000

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}

PAGES = {
    "overview": "",
    "accounts": "accounts",
    "account": "accounts/small",
    "links": "links",
    "link": "links/master-%3Esmall",
    "decisions": "decisions",
    "limits": "limits",
    "mismatches": "mismatches",
    "approvals": "approvals",
    "alerts": "alerts",
}


def keep(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep what the page looks like, for people."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)


def settled(page: Page) -> None:
    """Wait until nothing on the page is still being read."""
    expect(page.locator("main h1").first).to_be_attached()
    expect(page.locator("main .loading")).to_have_count(0)


def too_wide(page: Page) -> list[str]:
    """Return the elements that reach out of the window sideways."""
    found: list[str] = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          const out = [...document.querySelectorAll('main *, nav *, header *')].filter((each) => {
            const box = each.getBoundingClientRect();
            return box.width > 1 && box.height > 1 && (box.right > width + 1 || box.left < -1);
          });
          const told = out.map((each) => `${each.tagName}.${each.className} ${each.textContent.slice(0, 40)}`);
          const whole = document.documentElement.scrollWidth;
          if (whole > width) told.unshift(`the page is ${whole} wide`);
          return told;
        }"""
    )
    return found


def violations(page: Page) -> list[str]:
    """Return what axe finds that is serious or worse: the rule, and where."""
    axe = (PEERS / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(axe)
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found: Any = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    assert len(found["passes"]) > 10, "axe looked at nothing"
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:160]} {node['failureSummary'][:240]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
