"""The address and the key of a service: what is refused before anything is sent, and that no key is shown."""

from pathlib import Path

import pytest

from copier.commands.exits import WRONG_INPUT
from copier.terminal.where import KEY_VARIABLE, Where, WrongWhere
from tests.copier.commands.test_read import copier

KEY = "copier_a-key-of-the-tests-that-nobody-sees"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "key"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def test_without_an_address_the_ledger_is_meant() -> None:
    assert Where().remote() is None


def test_key_file_without_an_address_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(WrongWhere, match="--url"):
        Where(key_file=key_file(tmp_path, KEY)).remote()


@pytest.mark.parametrize("url", ["copier.example", "ftp://copier.example", "https://a:b@copier.example", "https://c/x"])
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(WrongWhere, match="--url"):
        Where(url).remote()


def test_key_is_never_sent_in_the_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with pytest.raises(WrongWhere, match="expected https") as refused:
        Where("http://copier.example:8377").remote()
    assert KEY not in str(refused.value)
    for url in ("https://copier.example", "http://127.0.0.1:8377", "http://localhost:8377", "http://[::1]:8377"):
        assert Where(url).remote() is not None


def test_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongWhere, match="chmod 600"):
        Where("https://copier.example", key_file(tmp_path, KEY, 0o640)).remote()


@pytest.mark.parametrize("text", ["", "\n", "two keys", "a\nb", "\x1b[31m", "k" * 300])
def test_file_that_holds_no_single_key_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongWhere, match="expected") as refused:
        Where("https://copier.example", key_file(tmp_path, text)).remote()
    assert not text.strip() or text.strip() not in str(refused.value)


def test_missing_key_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongWhere, match="No such file"):
        Where("https://copier.example", tmp_path / "none").remote()


def test_wrong_options_end_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("links", "--url", "nonsense") == WRONG_INPUT
    assert copier("links", "--url", "http://127.0.0.1:1", "--ledger", tmp_path / "l.db") == WRONG_INPUT
    assert copier("mismatches", "--past", "--url", "http://127.0.0.1:1") == WRONG_INPUT
    assert "Traceback" not in capsys.readouterr().err


def test_money_moves_only_with_a_yes_where_nobody_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("flatten", "approve", "reset-limit"):
        assert copier(command, "prop", "--why", "x", "--url", "http://127.0.0.1:1") == WRONG_INPUT
        assert "add --yes" in capsys.readouterr().err


def test_service_that_is_not_there_ends_with_1_and_says_that_nothing_was_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert copier("flatten", "prop", "--why", "x", "--yes", "--url", "http://127.0.0.1:1") == 1
    assert "nothing was sent" in capsys.readouterr().err
