"""The reference page says what the classes say."""

import re
from pathlib import Path

from copier.config.reference import reference_page


def test_the_page_is_as_the_classes_make_it():
    page = Path("docs/config.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run: python -m copier.config.reference > docs/config.md"


def test_every_key_has_a_meaning():
    rows = [line for line in reference_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 90
    assert [row for row in rows if re.search(r"\|\s*\|$", row)] == []


def test_defaults_are_written_as_the_file_wants_them():
    page = reference_page()
    assert "| `max_amplification` | number | `2` |" in page
    assert '| `wait_default` | duration | `"5s"` |' in page
    assert '| `sides` | array of `"buy"`, `"sell"` | `["buy", "sell"]` |' in page
