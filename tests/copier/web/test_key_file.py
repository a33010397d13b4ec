"""The file of keys: what is in it, who may read it, and what happens when two change it."""

import re
import stat
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from copier.web.key_file import (
    KEYS_MAX,
    SIGN_INS_MAX,
    Key,
    KeyBook,
    KeysRefused,
    SignIn,
    change_keys,
    hash_of,
    keys_path,
    new_secret,
    read_keys,
    with_key,
    with_sign_in,
    with_uses,
    without_key,
)
from copier.web.principal import KeyScope
from rules.model.values import AccountId
from tests.rules.playbook import T0


def key(name: str = "phone", text: str = "k") -> Key:
    return Key(name, hash_of(text), (KeyScope.READ,), (AccountId("small"),), T0)


def test_what_was_written_is_read_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = keys_path(tmp_path / "copier.db")
    assert read_keys(path) == KeyBook()
    book = change_keys(path, partial(with_key, key=key()))
    assert read_keys(path) == book == KeyBook((key(),))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_key_is_in_the_file_and_each_is_another(tmp_path: Path) -> None:
    secrets = {new_secret().reveal() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"copier_[A-Za-z0-9_-]{43}", each) for each in secrets), "256 bits"
    path = tmp_path / "keys"
    for number, each in enumerate(secrets):
        change_keys(path, partial(with_key, key=key(str(number), each)))
    written = path.read_text()
    assert not any(each in written or each[7:] in written for each in secrets)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    change_keys(path, partial(with_key, key=key()))
    path.chmod(mode)
    with pytest.raises(KeysRefused, match="chmod 600"):
        read_keys(path)


@pytest.mark.parametrize("text", ["", "{}", "null", '{"@kind": "Key"}', "\x00"])
def test_a_file_that_holds_something_else_is_refused_and_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(KeysRefused, match="does not hold keys"):
        change_keys(path, partial(with_key, key=key()))
    assert path.read_text() == text


def test_a_name_is_given_once_also_after_it_was_revoked() -> None:
    book = without_key(with_key(KeyBook(), key()), "phone", T0)
    with pytest.raises(KeysRefused, match="is, or was, a key of the name phone"):
        with_key(book, key())
    assert book.principal("phone") is None
    with pytest.raises(KeysRefused, match="no key of the name tablet"):
        without_key(book, "tablet", T0)


def test_revoking_again_keeps_the_first_instant() -> None:
    book = without_key(with_key(KeyBook(), key()), "phone", T0)
    assert without_key(book, "phone", T0 + timedelta(days=1)) == book


def test_revoking_signs_its_browsers_out_and_no_others() -> None:
    book = with_key(with_key(KeyBook(), key()), key("desk", "d"))
    for name in ("phone", "desk"):
        book = with_sign_in(book, SignIn(name, name, T0 + timedelta(hours=1)), T0)
    assert [each.key_name for each in without_key(book, "phone", T0).sign_ins] == ["desk"]


def test_keys_and_sign_ins_are_bounded() -> None:
    full = KeyBook(tuple(key(str(number)) for number in range(KEYS_MAX)))
    with pytest.raises(KeysRefused, match="already"):
        with_key(full, key())
    book = KeyBook()
    for number in range(SIGN_INS_MAX + 1):
        book = with_sign_in(book, SignIn(str(number), "phone", T0 + timedelta(hours=1)), T0)
    assert len(book.sign_ins) == SIGN_INS_MAX
    assert book.sign_ins[0].hash == "1", "the oldest is signed out"
    assert with_sign_in(book, SignIn("x", "phone", T0), T0 + timedelta(hours=2)).sign_ins == (
        SignIn("x", "phone", T0),
    ), "whose time is over are forgotten"


def test_last_used_is_noted_for_those_that_were() -> None:
    book = with_uses(with_key(with_key(KeyBook(), key()), key("desk")), {"desk": T0})
    assert [each.last_used_at for each in book.keys] == [None, T0]


def test_changes_of_several_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    adding = [
        threading.Thread(target=change_keys, args=(path, partial(with_key, key=key(str(number)))))
        for number in range(20)
    ]
    for each in adding:
        each.start()
    for each in adding:
        each.join()
    assert len(read_keys(path).keys) == 20
