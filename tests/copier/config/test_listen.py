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


@pytest.mark.parametrize("more", ['tls_certificate = "c.pem"\ntls_key = "/k.pem"', "behind_proxy = true"])
def test_other_machines_may_reach_it_over_tls_or_a_proxy(tmp_path: Path, more: str):
    lines = f'listen = "0.0.0.0:8377"\nallowed_hosts = ["copier.lan"]\n{more}'
    config = load(tmp_path, f"[service]\n{lines}\n{ACCOUNTS}")
    assert config.service.listen == Listen("0.0.0.0", 8377)
    if config.service.tls_certificate is not None:
        assert config.service.tls_certificate == tmp_path / "c.pem"
        assert config.service.tls_key == Path("/k.pem")


def test_a_service_that_others_reach_is_warned_of_when_it_has_no_name(tmp_path: Path):
    text = f'[service]\nlisten = "0.0.0.0:8377"\nbehind_proxy = true\n{ACCOUNTS}'
    assert "service.listen" in [warning.key for warning in load(tmp_path, text).warnings]
