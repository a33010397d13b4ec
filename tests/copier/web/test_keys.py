"""Keys in the running service: whom they stand for, what is cut, and who is made to wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from copier.clock import VirtualClock
from copier.web.attempts import EVERY_S, FREE
from copier.web.key_file import Key, KeysRefused, change_keys, hash_of, read_keys, with_key, without_key
from copier.web.keys import SIGN_IN_LASTS, KeyRing, TooManyAttempts
from copier.web.principal import LOCAL_READER, KeyScope, Principal
from copier.web.sessions import Sessions, SessionsMax, TooManySessions
from rules.model.values import AccountId
from tests.rules.playbook import T0

LOCAL, FAR, FARTHER = "127.0.0.1", "10.0.0.1", "10.0.0.2"
BOTH = (KeyScope.READ, KeyScope.OPERATE)


def add(path: Path, name: str, *, accounts: tuple[str, ...] | None = None) -> str:
    """Make a key and return its text."""
    seen = None if accounts is None else tuple(map(AccountId, accounts))
    change_keys(path, partial(with_key, key=Key(name, hash_of(f"text of {name}"), BOTH, seen, T0)))
    return f"text of {name}"


def revoke(path: Path, name: str) -> None:
    change_keys(path, partial(without_key, name=name, now=T0))


@asynccontextmanager
async def ring_of(path: Path, *, anonymous: bool = True) -> AsyncIterator[KeyRing]:
    clock = VirtualClock.starting(T0)
    ring = KeyRing(path, utc_now=clock.utc_now, anonymous=anonymous, threads=False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ring.watch)
        yield ring
        nursery.cancel_scope.cancel()


async def test_a_key_stands_for_its_name_scopes_and_accounts(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    text = add(path, "phone", accounts=("small",))
    async with ring_of(path) as ring:
        principal = ring.by_key(text, FAR)
        assert principal == Principal("phone", frozenset(BOTH), frozenset({AccountId("small")}))
        assert principal is not None
        assert principal.sees("small")
        assert not principal.sees("master")
        for wrong in ("", "text of phon", "text of phone ", hash_of(text), "ä" * 1000):
            assert ring.by_key(wrong, FAR) is None


async def test_without_any_key_this_machine_may_read_and_nobody_else(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    async with ring_of(path) as ring:
        assert [ring.stranger(ip) for ip in (LOCAL, "::1", FAR)] == [LOCAL_READER, LOCAL_READER, None]
        add(path, "phone")
        await trio.sleep(1)
        assert ring.stranger(LOCAL) is None
        revoke(path, "phone")
        await trio.sleep(1)
        assert ring.stranger(LOCAL) is None, "revoking the last key opens no door"
    async with ring_of(tmp_path / "other", anonymous=False) as ring:
        assert ring.stranger(LOCAL) is None, "behind a proxy everybody comes from this machine"


async def test_whoever_holds_a_revoked_key_is_cut_within_a_second_and_no_other(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    texts = {name: add(path, name) for name in ("phone", "desk")}
    cut_at: dict[str, float] = {}
    async with ring_of(path) as ring, trio.open_nursery() as nursery:

        async def hold(name: str) -> None:
            principal = ring.by_key(texts[name], FAR)
            assert principal is not None
            with ring.lease(principal) as lease:
                await trio.sleep_forever()
            assert lease.cancelled_caught
            cut_at[name] = trio.current_time()

        for name in texts:
            nursery.start_soon(hold, name)
        await trio.sleep(5)
        revoke(path, "phone")
        revoked_at = trio.current_time()
        await trio.sleep(5)
        assert set(cut_at) == {"phone"}
        assert cut_at["phone"] - revoked_at < 1
        assert ring.by_key(texts["phone"], FAR) is None
        nursery.cancel_scope.cancel()


async def test_local_readers_are_cut_when_the_first_key_is_made(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    async with ring_of(path) as ring:
        with trio.fail_after(5), ring.lease(LOCAL_READER) as lease:
            await trio.sleep(1)
            add(path, "phone")
            await trio.sleep_forever()
        assert lease.cancelled_caught


@pytest.mark.parametrize("harm", ["chmod", "garbage", "gone"])
async def test_keys_that_cannot_be_trusted_any_more_let_nobody_in(
    autojump_clock: MockClock, tmp_path: Path, harm: str
) -> None:
    path = tmp_path / "keys"
    text = add(path, "phone")
    async with ring_of(path) as ring:
        principal = ring.by_key(text, FAR)
        assert principal is not None
        with trio.fail_after(5), ring.lease(principal) as lease:
            match harm:
                case "chmod":
                    path.chmod(0o644)
                case "garbage":
                    path.write_text("{}")
                case "gone":
                    path.unlink()
            await trio.sleep_forever()
        assert lease.cancelled_caught
        assert ring.by_key(text, FAR) is None
    if harm != "gone":
        with pytest.raises(KeysRefused):
            KeyRing(path, utc_now=lambda: T0)


async def test_a_browser_is_signed_in_for_a_day_survives_a_restart_and_is_signed_out(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    text = add(path, "phone")
    async with ring_of(path) as ring:
        principal = ring.by_key(text, FAR)
        assert principal is not None
        value, until = await ring.sign_in(principal)
        assert until == T0 + SIGN_IN_LASTS
        browser = ring.by_cookie(value.reveal())
        assert browser is not None
        assert (browser.name, browser.scopes) == ("phone", frozenset(BOTH))
        assert value.reveal() not in path.read_text()
        assert ring.by_key(value.reveal(), FAR) is None, "a cookie is no key"
        assert ring.by_cookie(text) is None, "a key is no cookie"
    async with ring_of(path) as ring:
        assert ring.by_cookie(value.reveal()) == browser
        with trio.fail_after(5), ring.lease(browser) as lease:
            await ring.forget(browser)
            await trio.sleep_forever()
        assert lease.cancelled_caught
        assert ring.by_cookie(value.reveal()) is None


async def test_a_browsers_stream_ends_with_its_day(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    text = add(path, "phone")
    async with ring_of(path) as ring:
        principal = ring.by_key(text, FAR)
        assert principal is not None
        value, _ = await ring.sign_in(principal)
        browser = ring.by_cookie(value.reveal())
        assert browser is not None
        with ring.lease(browser) as lease:
            await trio.sleep(SIGN_IN_LASTS.total_seconds() + 1)
        assert lease.cancelled_caught
        assert ring.by_cookie(value.reveal()) is None


async def test_when_a_key_was_used_is_noted(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    text = add(path, "phone")
    async with ring_of(path) as ring:
        ring.by_key(text, FAR)
        await trio.sleep(61)
        assert read_keys(path).keys[0].last_used_at == T0
        ring.by_key(text, FAR)
    noted = read_keys(path).keys[0].last_used_at
    assert noted is not None
    assert noted > T0, "what was not noted yet is at the end"


async def test_who_shows_wrong_keys_is_made_to_wait_and_others_are_not(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    text, other = add(path, "phone"), add(path, "desk")
    async with ring_of(path) as ring:
        assert ring.by_key(text, FAR) is not None
        tried = 0
        begun = trio.current_time()
        for number in range(10_000):
            with suppress(TooManyAttempts):
                assert ring.by_key(f"wrong {number}", FAR) is None
                tried += 1
            if number % 100 == 0:
                await trio.sleep(1)
        assert tried <= FREE + (trio.current_time() - begun) / EVERY_S + 1
        assert ring.by_key(text, FAR) is not None, "a key that worked from here goes on working"
        with pytest.raises(TooManyAttempts) as refused:
            ring.by_key(other, FAR)
        assert 0 < refused.value.wait_s <= EVERY_S
        assert ring.by_key(other, FARTHER) is not None, "another address may"
        await trio.sleep(EVERY_S)
        assert ring.by_key(other, FAR) is not None


def test_sessions_are_bounded_by_key_and_by_address_but_not_on_this_machine() -> None:
    sessions = Sessions(SessionsMax(per_key=3, per_ip=2))
    one, two = (Principal(name, frozenset(BOTH)) for name in ("one", "two"))
    with sessions.open(one, FAR), sessions.open(one, FAR):
        with pytest.raises(TooManySessions, match="your address has 2"), sessions.open(two, FAR):
            pass
        with sessions.open(one, LOCAL):
            with pytest.raises(TooManySessions, match="the key one has 3"), sessions.open(one, LOCAL):
                pass
            with sessions.open(two, LOCAL), sessions.open(two, LOCAL), sessions.open(two, LOCAL):
                pass
    with sessions.open(one, FAR):
        pass
