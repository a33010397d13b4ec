"""The committed pages are the ones that the code makes."""

import base64
import hashlib
import re

from adapters.secret import Secret
from copier.alerts.by_webhook import signed_headers, signing_key
from copier.docs_pages import (
    ALERTS_PAGE,
    DENIALS_PAGE,
    METRICS_PAGE,
    RUNBOOK_PAGE,
    alerts_page,
    denials_page,
    metrics_page,
    runbook_page,
)
from copier.web.metrics.table import METRICS
from rules.alerts.kinds import AlertKind
from rules.model.reasons import Reason


def test_page_of_denial_codes_is_not_stale():
    assert DENIALS_PAGE.read_text(encoding="utf-8") == denials_page(), "run: python -m copier.docs_pages"


def test_every_denial_code_has_one_row_with_its_meaning():
    rows = [line.split(" | ") for line in denials_page().splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `{reason.value}`" for reason in Reason]
    assert all(row[1].endswith(".") for row in rows)


def test_only_denials_that_wait_are_marked():
    marked = [line.split("`")[1] for line in denials_page().splitlines() if line.endswith("| yes |")]
    assert marked == [reason.value for reason in Reason if reason.waits]


def test_page_of_metrics_is_not_stale():
    assert METRICS_PAGE.read_text(encoding="utf-8") == metrics_page(), "run: python -m copier.docs_pages"


def test_every_metric_has_one_row():
    rows = [line.split("`")[1] for line in metrics_page().splitlines() if line.startswith("| `")]
    assert rows == [metric.name for metric in METRICS]


def test_page_of_alerts_is_not_stale():
    assert ALERTS_PAGE.read_text(encoding="utf-8") == alerts_page(), "run: python -m copier.docs_pages"


def test_every_kind_of_alert_says_what_happened_and_what_to_do():
    rows = [line.split(" | ") for line in alerts_page().splitlines() if line.startswith("| [`")]
    assert [row[0].split("`")[1] for row in rows] == [kind.value for kind in AlertKind]
    assert all(row[2].endswith(". |") for row in rows)
    parts = runbook_page().split("\n## ")[1:]
    assert [part.partition("\n")[0] for part in parts] == [kind.value for kind in AlertKind]
    for kind, part in zip(AlertKind, parts, strict=True):
        assert kind.meaning in part
        for text, word in ((kind.look, "Look at"), (kind.do, "Do")):
            assert text[-1] in ".?", kind
            assert f"**{word}:** {text}\n" in part


def test_the_runbook_is_not_stale():
    assert RUNBOOK_PAGE.read_text(encoding="utf-8") == runbook_page(), "run: python -m copier.docs_pages"


def test_the_pages_way_to_check_a_webhook_takes_ours_and_refuses_others():
    [code] = re.findall(r"```python\n(.*?)```", alerts_page(), re.DOTALL)
    names: dict[str, object] = {}
    exec(code.replace("time.time()", "1000.0"), names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    key = signing_key(Secret("a secret of some length"))
    headers = signed_headers(key, "msg_1", 1000, b"{}")
    assert is_genuine(headers, b"{}", key)
    assert not is_genuine(headers, b"{ }", key)
    assert not is_genuine(headers, b"{}", b"another key")
    assert not is_genuine(signed_headers(key, "msg_1", 600, b"{}"), b"{}", key), "an old one"


def test_a_secret_of_a_library_is_its_base64():
    text = "whsec_" + base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert signing_key(Secret(text)) == hashlib.sha256(b"x").digest()
