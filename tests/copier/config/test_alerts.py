"""[[alerts]]: what reaches the route, and what is refused with its line and without its secret."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.secret import Secret
from rules.alerts.kinds import AlertKind
from rules.model.severity import Severity
from tests.copier.config.files import ACCOUNTS, load, one_problem, problems_of

# The first address loads apprise and its plugins: a quarter of a second, once.
slow = pytest.mark.slow

HOOK = 'webhook = { url = "https://example.com/hook?a=1", secret = "${env:TOKEN}${env:TOKEN}${env:TOKEN}" }'


def row(folder: Path, text: str):
    [alerts] = load(folder, f"{ACCOUNTS}\n[[alerts]]\n{text}\n").alerts
    return alerts


@slow
def test_every_key_reaches_the_route(tmp_path: Path):
    alerts = row(
        tmp_path,
        f"""
        name = "phone"
        to = ["json://127.0.0.1:8080/x", "tgram://123456789:${{env:TOKEN}}abcdefghijklmnop/12345"]
        {HOOK}
        when = ["mismatch", "limit"]
        accounts = ["small"]
        min_severity = "critical"
        repeat = "1h"
        group = "30s"
        per_hour = 5
        """,
    )
    route = alerts.route
    assert (route.name, route.accounts, route.min_severity) == ("phone", {"small"}, Severity.CRITICAL)
    assert route.kinds == {
        AlertKind.MISMATCH,
        AlertKind.LIMIT_WARNING,
        AlertKind.LIMIT_BREACH,
        AlertKind.LIMIT_RESET,
    }
    assert (route.repeat, route.group, route.per_hour) == (timedelta(hours=1), timedelta(seconds=30), 5)
    assert [each.name for each in alerts.addresses] == ["phone.to[0] (json)", "phone.to[1] (tgram)"]
    assert alerts.webhook is not None
    assert alerts.webhook.url == Secret("https://example.com/hook?a=1")
    assert len(alerts.secrets()) == 4


def test_a_row_with_a_destination_alone_tells_everything_that_is_a_warning(tmp_path: Path):
    route = row(tmp_path, HOOK).route
    assert (route.name, route.kinds, route.accounts) == ("alerts[0]", frozenset(), frozenset())
    assert (route.min_severity, route.repeat) == (Severity.WARNING, timedelta(minutes=15))


def test_accounts_may_be_a_group(tmp_path: Path):
    text = f'{ACCOUNTS}\n[groups]\nboth = ["master", "small"]\n[[alerts]]\n{HOOK}\naccounts = ["group:both"]\n'
    [alerts] = load(tmp_path, text).alerts
    assert alerts.route.accounts == {"master", "small"}


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("", "alerts[0]", "a row that tells nobody"),
        (f'{HOOK}\nwhen = ["mismatches"]', "alerts[0].when[0]", '"mismatches"'),
        (f"{HOOK}\nwhen = []", "alerts[0].when", "an array"),
        (f'{HOOK}\nwhen = ["test"]', "alerts[0].when[0]", '"test"'),
        (f'{HOOK}\naccounts = ["smal"]', "alerts[0].accounts[0]", 'the unknown account "smal"'),
        (f'{HOOK}\nmin_severity = "bad"', "alerts[0].min_severity", '"bad"'),
        (f'{HOOK}\nrepeat = "1s"', "alerts[0].repeat", '"1s"'),
        (f'{HOOK}\ngroup = "1h"', "alerts[0].group", '"1h"'),
        (f"{HOOK}\nper_hour = 0", "alerts[0].per_hour", "0"),
        (f"{HOOK}\ncolour = 3", "alerts[0].colour", "the unknown key `colour`"),
        (
            'webhook = { url = "ftp://x/secret-path", secret = "${file:long}" }',
            "alerts[0].webhook.url",
            "no such address",
        ),
        ('webhook = { url = "https://x", secret = "${env:TOKEN}" }', "alerts[0].webhook.secret", "a shorter one"),
        (
            'webhook = { url = "https://x", secret = "whsec_!${env:TOKEN}" }',
            "alerts[0].webhook.secret",
            "something else",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_key(tmp_path: Path, text: str, key: str, found: str):
    (tmp_path / "long").write_text("0123456789abcdef")
    problem = one_problem(tmp_path, f"{ACCOUNTS}\n[[alerts]]\n{text}\n")
    assert (problem.key, problem.found) == (key, found)


@slow
@pytest.mark.parametrize("address", ["nosuch://hush-hush", "tgram://hush-hush", "hush-hush"])
def test_an_address_that_apprise_does_not_take_is_told_with_its_line_and_without_itself(tmp_path: Path, address: str):
    problem = one_problem(tmp_path, f'{ACCOUNTS}\n[[alerts]]\nto = [\n  "json://127.0.0.1:1",\n  "{address}",\n]\n')
    assert problem.key == "alerts[0].to[1]"
    assert problem.line == ACCOUNTS.count("\n") + 5
    assert "hush" not in str(problem)


@slow
def test_secrets_in_the_file_draw_warnings(tmp_path: Path):
    config = load(
        tmp_path,
        f"""{ACCOUNTS}
        [[alerts]]
        to = ["tgram://123456789:abcdefg_hijklmnop/12345", "json://127.0.0.1:1/"]
        webhook = {{ url = "https://x", secret = "0123456789abcdef" }}
        """,
    )
    assert [(each.key, each.found) for each in config.warnings] == [
        ("alerts[0].to[0]", "a secret written into the file"),
        ("alerts[0].webhook.secret", "a secret written into the file"),
    ]


def test_no_secret_is_in_any_problem(tmp_path: Path):
    rows = ('to = "tgram://hush"\nwebhook = { url = 3, secret = 4 }', 'webhook = "https://x/hush"')
    problems = problems_of(tmp_path, ACCOUNTS + "".join(f"\n[[alerts]]\n{row}\n" for row in rows))
    assert len(problems) == 4
    assert not any("hush" in str(each) for each in problems)


def test_the_summary_says_who_is_told_and_shows_no_secret(tmp_path: Path):
    lines = load(tmp_path, f'{ACCOUNTS}\n[[alerts]]\n{HOOK}\nwhen = ["order"]\naccounts = ["small"]\n').summary()
    [line] = [line for line in lines if line.startswith("alerts")]
    assert line == (
        "alerts[0] to a signed webhook: [order.rejected, order.unknown] about [small] from warning on, again after 15m"
    )
