"""Wrong credentials are refused for good, everywhere alike, and no secret is ever shown: right ones neither."""

import logging
import traceback
from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from adapters.base import Account, SessionLost, SignInRefused
from adapters.secret import Secret
from rules.model.reports import Rejected
from tests.conformance.actions import by_hand, opening, tag
from tests.conformance.mirror import Mirror, streaming
from tests.conformance.venues import WRONG, World, states


def secrets_of(settings: Any) -> list[str]:
    """Return the texts of all secrets in an account's settings."""
    values = [getattr(settings, each.name) for each in attrs.fields(type(settings))]
    return [value.reveal() for value in values if isinstance(value, Secret)]


def check_silent(world: World, error: BaseException) -> None:
    """No secret is in an error, nor in anything that is printed with it."""
    shown = "".join(traceback.format_exception(error)) + repr(error)
    for secret in (WRONG, *secrets_of(world.settings)):
        assert secret not in shown


async def test_a_stream_with_wrong_credentials_is_refused_for_good(
    world: World, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for what, account in (await _refused(world)).items():
        with pytest.raises(SignInRefused) as refused:
            await account.stream(Mirror(world).emit)
        assert str(refused.value), what
        check_silent(world, refused.value)
        await account.aclose()
    assert WRONG not in caplog.text


async def test_whatever_is_asked_with_wrong_credentials_is_refused_for_good(
    trading: World, autojump_clock: MockClock
) -> None:
    for what, account in (await _refused(trading)).items():
        if what == "developer key":
            states(trading.venue, "Developer key, environment and account must belong together")
            continue
        for ask in (
            account.snapshot,
            lambda account=account: account.history(trading.now()),
            lambda account=account: account.find(tag(), trading.now()),
            lambda account=account: account.submit(opening()),
        ):
            try:
                report = await ask()
            except SignInRefused as error:
                check_silent(trading, error)
            else:
                # An account that the credentials do not show is no sign-in: the venue's answer then is its word.
                assert isinstance(report, Rejected), (what, report)
                assert what == "account"
        await account.aclose()
    assert len(trading.book.orders) == 1  # the hand's


async def test_a_sign_in_that_the_venue_refuses_ends_the_stream_for_good(
    streamed: World, autojump_clock: MockClock
) -> None:
    assert streamed.faults is not None
    streamed.faults.refuse_sign_in = True
    async with streaming(streamed) as mirror:
        error = await mirror.until_lost()
        assert isinstance(error, SignInRefused)
        check_silent(streamed, error)
        assert not mirror.events


async def test_errors_of_bad_weather_show_no_secret(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.faults is not None
    streamed.faults.maintenance = True
    with pytest.raises(SessionLost) as lost:
        await streamed.account.snapshot()
    check_silent(streamed, lost.value)
    async with streaming(streamed) as mirror:
        check_silent(streamed, await mirror.until_lost())


async def test_settings_and_accounts_show_no_secret(world: World, autojump_clock: MockClock) -> None:
    for shown in (repr(world.settings), str(world.settings), repr(world.account), f"{world.settings}"):
        assert not [secret for secret in secrets_of(world.settings) if secret in shown]
    if not secrets_of(world.settings):
        states(world.venue, "there are no credentials")


async def _refused(world: World) -> dict[str, Account]:
    """Return the accounts that must be refused, once there is something in the right one and nobody has it open."""
    by_hand(world)
    await world.account.aclose()
    return world.wrong()
