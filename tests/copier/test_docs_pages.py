"""The committed pages are the ones that the code makes."""

from copier.docs_pages import DENIALS_PAGE, denials_page
from rules.reasons import Reason


def test_page_of_denial_codes_is_not_stale():
    assert DENIALS_PAGE.read_text(encoding="utf-8") == denials_page(), "run: python -m copier.docs_pages"


def test_every_denial_code_has_one_row_with_its_meaning():
    rows = [line.split(" | ") for line in denials_page().splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `{reason.value}`" for reason in Reason]
    assert all(row[1].endswith(".") for row in rows)


def test_only_denials_that_wait_are_marked():
    marked = [line.split("`")[1] for line in denials_page().splitlines() if line.endswith("| yes |")]
    assert marked == [reason.value for reason in Reason if reason.waits]
