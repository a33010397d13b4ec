"""A short campaign of schemathesis; `make api CASES=5000` is the long one."""

from pathlib import Path

import pytest

from tests.api.campaign import LEFT_OUT, NOT_CHECKED, run_campaign


@pytest.mark.slow  # a service on a port, and hundreds of requests of a program of its own
@pytest.mark.peer
async def test_no_answer_is_a_servers_error_or_other_than_the_document_says(tmp_path: Path) -> None:
    done = await run_campaign(tmp_path, examples=1, seed=7)
    assert not done.failed, done.output
    assert done.errors == []
    assert done.server_errors == 0
    assert done.cases >= 500
    assert done.statuses[200] >= 50, "what exists was asked for, too"


def test_what_is_left_out_says_why() -> None:
    assert all(len(why) > 20 for why in (LEFT_OUT | NOT_CHECKED).values())
