"""A page in a real Chromium: prints what it says on its console, one line each, until it is killed.

Usage: python stomp_browser.py CHROMIUM PAGE_URL PAGE_FILE LIBRARY_FILE [KEY=VALUE ...]

The page is served as PAGE_URL without any server, and whatever else it loads is LIBRARY_FILE: nothing leaves this
machine. Each KEY=VALUE is set on its `window` before it runs.
"""

import json
import sys
from pathlib import Path

from playwright.sync_api import Route, sync_playwright

# The tests run as root in containers, where Chromium's own sandbox cannot be made; and it is to call nobody.
# PAGE_URL looks like one of the public network, whose pages it would ask a person about before they reach us.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=LocalNetworkAccessChecks",
]

chromium, url, page_file, library, *settings = sys.argv[1:]


def serve(route: Route) -> None:
    if route.request.url == url:
        route.fulfill(path=page_file, content_type="text/html")
    elif route.request.resource_type == "script":
        route.fulfill(body=Path(library).read_bytes(), content_type="text/javascript")
    else:
        route.fulfill(status=404)


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
    page = browser.new_page()
    page.on("console", lambda message: print(message.text, flush=True))
    page.on("pageerror", lambda error: print(json.dumps({"event": "failed", "text": str(error)}), flush=True))
    page.route("**/*", serve)
    page.add_init_script(f"Object.assign(window, {json.dumps(dict(each.split('=', 1) for each in settings))})")
    page.goto(url)
    while True:
        page.wait_for_timeout(1000)
