"""`[service] listen` and the names and pages that are let in."""

from pathlib import Path

import pytest

from copier.config.listen import Listen
from tests.copier.config.files import ACCOUNTS, load


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:8377", Listen("127.0.0.1", 8377)),
        ("localhost:0", Listen("127.0.0.1", 0)),
        ("[::1]:8377", Listen("::1", 8377)),
        ("off", None),
    ],
)
def test_an_address_is_read(tmp_path: Path, text: str, listen: Listen | None):
    assert load(tmp_path, f'[service]\nlisten = "{text}"\n{ACCOUNTS}').service.listen == listen


def test_nothing_is_served_unless_asked_for(tmp_path: Path):
    assert load(tmp_path, ACCOUNTS).service.listen is None


def test_names_and_origins_are_kept_in_small_letters(tmp_path: Path):
    lines = 'allowed_hosts = ["Copier.LAN", "[FE80::1]"]\nallowed_origins = ["https://Panel.LAN:8443"]'
    service = load(tmp_path, f"[service]\n{lines}\n{ACCOUNTS}").service
    assert service.allowed_hosts == ("copier.lan", "[fe80::1]")
    assert service.allowed_origins == ("https://panel.lan:8443",)
