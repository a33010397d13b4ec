"""The pages of the docs that are made from the code: run `python -m copier.docs_pages` after a change of it."""

from itertools import takewhile
from pathlib import Path

import tomli

from copier.web.metrics.table import METRICS
from rules.alerts.kinds import AlertKind
from rules.model.reasons import Reason

_DOCS = Path(__file__).parent.parent / "docs"
DENIALS_PAGE = _DOCS / "denials.md"
ALERTS_PAGE = _DOCS / "alerts.md"
RUNBOOK_PAGE = _DOCS / "runbook.md"
METRICS_PAGE = _DOCS / "metrics.md"
COOKBOOK_PAGE = _DOCS / "cookbook.md"

RECIPES = _DOCS.parent / "examples" / "cookbook"
"""One config a recipe; what its head says is its section of the page."""

_DENIALS_HEAD = """\
# Denial codes

<!-- Made by `python -m copier.docs_pages` from rules/model/reasons.py; do not edit. -->

Every copy that was not made has one of these codes, in the ledger and wherever decisions are shown, together with the
rule that said no and its numbers. A code is never renamed or used again for something else.

A denial that **waits** is looked at again whenever something changes, until the guard's `max_age` (without one:
`wait_default`) has passed. All others are final for that source position. Closing is never denied.

| code | meaning | waits |
|---|---|---|
"""


_ALERTS_HEAD = """\
# Alerts

<!-- Made by `python -m copier.docs_pages` from rules/alerts/kinds.py and copier/docs_pages.py; do not edit. -->

Each `[[alerts]]` row of the config is a route: which alerts, how severe at least, about which accounts, and where
they go. `copier alerts test` sends a test message to every destination and says which of them took it, and why not.

```toml
[[alerts]]
name = "phone"
to = ["tgram://${env:TELEGRAM_TOKEN}/${env:TELEGRAM_CHAT}"]
when = ["mismatch", "limit", "session.lost", "order", "service"]
min_severity = "warning"

[[alerts]]
name = "desk"
webhook = { url = "https://desk.example.com/hook", secret = "${env:HOOK_SECRET}" }
min_severity = "info"
```

**Groups.** The first alert waits `group` for others; all of them are one message, the most severe first. **Repeats.**
The same cause again is told after `repeat`, with its number. What lasts (a lost session, a mismatch, a limit) is told
again after `repeat`, then after twice that, four times that, at last once a day, and once more when it is over. What
gets more severe is told at once. **Rates.** No more than `per_hour` messages leave in any hour; more wait and go
together. Critical ones never wait for that. Nothing that came in is forgotten before it was told; what is too much is
told as a number.

**Delivery.** Each destination has its own queue and is tried again after 1, 2, 4 ... seconds, at most every minute,
for 15 minutes. What could not be delivered by then is in the log, at level error, and in the ledger anyway. Alerts
run beside the trading and are never waited for. A message may arrive twice where an answer was lost. `copier run
--dry-run` tells nobody.

**Texts of brokers** (symbols, comments, refusals) are cut, lose their control characters, and cannot mention people
or make links: an `@` is followed by an invisible space, `://` becomes `:/ /`.

## Acknowledging

What was noted about an account (a lost session, an orphan, a refused stop-loss, a limit that somebody lifted ...) stays
in the list of alerts until a person says that they have seen it: with `copier alerts acknowledge`, on the dashboard's
page of alerts, which counts the open ones, or by `POST /api/v1/alerts/acknowledge` ([REST](api.md)).

    copier alerts list --open                        # those that nobody has acknowledged; also --json, --watch, --url
    copier alerts acknowledge 41,44 --note "closed it by hand"
    copier alerts acknowledge all

Who it was, when, and the note are in the ledger, and in the table `alerts` of `copier ledger export`. The first one
counts; to acknowledge again changes nothing. What tells that something is over needs nobody. A lost session that
somebody has seen is not told again while it lasts; its end is, and so is the next one. Nothing else comes of it: what
stands stays shown where it belongs, and trading goes on as it does. Limits, mismatches, denials, orders and approvals
are not in this list: they have pages of their own, and reminders of what lasts there end when it does.

## Checking a signed webhook

Messages are POSTed as JSON with the headers of the Standard Webhooks specification, for which libraries exist:
`Webhook-Id` (the same when a message is sent again), `Webhook-Timestamp` (seconds since 1970 of this try) and
`Webhook-Signature`: `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`. The key is the secret's text, or
what its base64 holds where it begins with `whsec_`. By hand:

```python
import base64, hashlib, hmac, time


def is_genuine(headers, body: bytes, key: bytes) -> bool:
    if abs(time.time() - int(headers["Webhook-Timestamp"])) > 300:
        return False  # somebody plays an old message again
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return hmac.compare_digest(wanted, headers["Webhook-Signature"])
```

A status of 200 to 299 takes the message; anything else is tried again. Redirects are not followed. The body has `at`,
`severity`, `title`, `body`, `alerts` (each with `kind`, `topic`, `severity`, `over`, `lasts`, `at`, `since`, `times`,
`title`, `lines`, `accounts`) and `more` (numbers of alerts by kind that were too many).

## Kinds

| kind | severity | what happened |
|---|---|---|
"""

_RUNBOOK_HEAD = """\
# Runbook

<!-- Made by `python -m copier.docs_pages` from rules/alerts/kinds.py and copier/docs_pages.py; do not edit. -->

One part for each kind of [alert](alerts.md): what it means, what to look at, what to do. What is not about trading but
about the machine (disk, clock, memory, a service that does not answer) is in [Operations](operations.md#when-it-calls).

Before anything else: closes are never denied, nothing is sent twice, and a start takes up where the last run ended.
So a restart risks nothing, and deleting the ledger does. To stop new risk at once: `copier halt ACCOUNT --why ...`; to
close everything there: `copier flatten ACCOUNT --why ... --yes`. Where the service itself is gone, close at the broker:
the next start sees it and leaves it closed.
"""

_METRICS_HEAD = """\
# Metrics

<!-- Made by `python -m copier.docs_pages` from copier/web/metrics/table.py and copier/docs_pages.py; do not edit. -->

`/metrics`, on the address of `[service] listen`, shows the running service in the text format of Prometheus. Nothing is
done for it before somebody asks: it is read from what the service holds and counts anyway.

**Who may ask.** Whoever may ask anything here: on this machine everybody as long as there is no key, else a key with
the scope `read` ([Security](security.md)). A key that is limited to some accounts sees these, the state of the service,
and no sums over all accounts. Each key may ask once a second.

    copier keys add prometheus --scope read

What scrapes it, draws it and calls you is in [examples/operations](../examples/operations/README.md): a config of
Prometheus, its alert rules, a dashboard of Grafana. Each rule names the part of the [runbook](runbook.md) that helps.

Counters begin at zero with the service, as Prometheus expects. Durations are in seconds. Labels come from the config or
are codes of ours, so that their number is bounded; no text of a broker is among them.

| metric | kind | labels | meaning |
|---|---|---|---|
"""

_COOKBOOK_HEAD = """\
# Cookbook

<!-- Made by `python -m copier.docs_pages` from examples/cookbook/*.toml; do not edit. -->

Whole configs to start from: copy one, change what its head names, and let it show that it still does what you want:

    copier check my.toml            # every mistake, each with its line
    copier test my.toml             # its own cases
    copier run my.toml --dry-run    # decide and print everything, send nothing

Secrets stand in the environment. Each recipe's tests are part of the file: change them with it. What the keys mean is
in [the reference](config.md), what a denial's code means in [its table](denials.md).
"""


def cookbook_page() -> str:
    """Return the page of recipes, in Markdown: what the head of each file says, and what its cases are called."""
    recipes = {path: _head_of(path) for path in sorted(RECIPES.glob("*.toml"))}
    contents = "".join(f"- [{title}](#{_anchor(title)})\n" for title, *_ in recipes.values())
    return "\n".join([_COOKBOOK_HEAD, contents, *(_recipe(path, *head) for path, head in recipes.items())])


def _head_of(path: Path) -> list[str]:
    """Return the paragraphs of the comment that a recipe begins with; the first is its title."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = takewhile(lambda line: line.startswith("#"), lines)
    return "\n".join(line[1:].strip() for line in comment).split("\n\n")


def _anchor(title: str) -> str:
    """Return what code hosts call a heading in addresses."""
    return "".join(each for each in title.lower() if each.isalnum() or each in "- _").replace(" ", "-")


def _recipe(path: Path, title: str, *paragraphs: str) -> str:
    text = path.read_text(encoding="utf-8")
    about = "\n\n".join(paragraphs).replace("To change:", "**To change:**")
    cases = "\n".join(f"- {case['name']}" for case in tomli.loads(text).get("tests", ()))
    shown = f"Its tests show:\n\n{cases}" if cases else "It has no cases: nothing is copied."
    link = f"[examples/cookbook/{path.name}](../examples/cookbook/{path.name})"
    return f"## {title}\n\n{link}\n\n{about}\n\n{shown}\n"


def alerts_page() -> str:
    """Return the page of alerts, in Markdown; what to do is in the runbook."""
    rows = (
        f"| [`{kind.value}`](runbook.md#{_anchor(kind.value)}) | {kind.severity.value} | {_cell(kind.meaning)} |"
        for kind in AlertKind
    )
    return _ALERTS_HEAD + "\n".join(rows) + "\n"


def runbook_page() -> str:
    """Return the runbook: a part for each kind of alert, in Markdown."""
    parts = (
        f"## {kind.value}\n\nUsually {kind.severity.value}. {kind.meaning}\n\n**Look at:** {kind.look}\n\n"
        f"**Do:** {kind.do}\n"
        for kind in AlertKind
    )
    return "\n".join([_RUNBOOK_HEAD, *parts])


def metrics_page() -> str:
    """Return the page of metrics, in Markdown."""
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels)} | {_cell(metric.help)} |" for metric in METRICS
    )
    return _METRICS_HEAD + "\n".join(rows) + "\n"


def denials_page() -> str:
    """Return the page of denial codes, in Markdown."""
    rows = (f"| `{reason.value}` | {_cell(reason.meaning)} | {'yes' if reason.waits else ''} |" for reason in Reason)
    return _DENIALS_HEAD + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DENIALS_PAGE.write_text(denials_page(), encoding="utf-8")
    ALERTS_PAGE.write_text(alerts_page(), encoding="utf-8")
    RUNBOOK_PAGE.write_text(runbook_page(), encoding="utf-8")
    METRICS_PAGE.write_text(metrics_page(), encoding="utf-8")
    COOKBOOK_PAGE.write_text(cookbook_page(), encoding="utf-8")
