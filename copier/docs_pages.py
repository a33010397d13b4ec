"""The pages of the docs that are made from the code: run `python -m copier.docs_pages` after a change of it."""

from pathlib import Path

from rules.reasons import Reason

DENIALS_PAGE = Path(__file__).parent.parent / "docs" / "denials.md"

_DENIALS_HEAD = """\
# Denial codes

<!-- Made by `python -m copier.docs_pages` from rules/reasons.py; do not edit. -->

Every copy that was not made has one of these codes, in the ledger and wherever decisions are shown, together with the
rule that said no and its numbers. A code is never renamed or used again for something else.

A denial that **waits** is looked at again whenever something changes, until the guard's `max_age` (without one:
`wait_default`) has passed. All others are final for that source position. Closing is never denied.

| code | meaning | waits |
|---|---|---|
"""


def denials_page() -> str:
    """Return the page of denial codes, in Markdown."""
    rows = (f"| `{reason.value}` | {_cell(reason.meaning)} | {'yes' if reason.waits else ''} |" for reason in Reason)
    return _DENIALS_HEAD + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DENIALS_PAGE.write_text(denials_page(), encoding="utf-8")
