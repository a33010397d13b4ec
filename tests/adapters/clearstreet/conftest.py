"""What the tests of this venue share."""

import pytest

from adapters.clearstreet.simulator_auth import Tokens


@pytest.fixture
def tokens(monkeypatch):
    """Every token that the venue gives out."""
    given, issue = [], Tokens.issue

    def counted(self, subject):
        given.append(issue(self, subject))
        return given[-1]

    monkeypatch.setattr(Tokens, "issue", counted)
    return given
