"""`copier` itself."""

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.copier.commands.shell import copier


@pytest.mark.slow  # starts a process
def test_the_version_is_that_of_the_distribution(tmp_path: Path) -> None:
    assert copier("--version", folder=tmp_path).stdout.strip() == version("trade-copier")
