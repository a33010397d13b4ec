"""Delivery: in order, tried again while it makes sense, bounded, and never silently given up."""

from datetime import UTC

import pytest
import structlog
import trio
from attrs import define, field
from trio.testing import MockClock

from copier.alerts.alerting import FINISH_S, Alerter, Channel
from copier.alerts.delivery import GIVE_UP_S, QUEUE_MAX, Delivery, DeliveryFailed
from copier.clock import VirtualClock
from rules.alerts.kinds import Alert, AlertKind
from rules.alerts.routes import AlertRoute, Batch
from rules.alerts.text import Message
from rules.model.severity import Severity
from tests.rules.playbook import T0


@define
class Phone:
    """A destination that fails as often as told; None: for ever."""

    fails: int | None = 0
    hangs: bool = False
    name: str = "phone"
    tries: list[float] = field(factory=list)
    got: list[str] = field(factory=list)

    async def send(self, message: Message, batch: Batch) -> None:
        self.tries.append(trio.current_time())
        if self.hangs:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        if self.fails is None or self.fails > 0:
            self.fails = None if self.fails is None else self.fails - 1
            raise DeliveryFailed("connection refused")
        self.got.append(message.title)


def saying(title: str) -> tuple[Message, Batch]:
    return Message(T0, Severity.WARNING, title, "body"), Batch(T0, ())


def lost(number: int = 0) -> Alert:
    title = f"session {number} lost"
    return Alert(AlertKind.SESSION_LOST, str(number), title, T0, Severity.WARNING, lasts=True)


async def test_messages_arrive_in_order_whatever_fails(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    phone = Phone(fails=3)
    delivery = Delivery(phone)
    nursery.start_soon(delivery.run)
    for title in ("one", "two", "three"):
        delivery.put(*saying(title))
    await delivery.empty()
    assert phone.got == ["one", "two", "three"]
    pauses = [after - before for before, after in zip(phone.tries, phone.tries[1:], strict=False)]
    assert pauses[:3] == [1, 2, 4]
    assert (delivery.delivered, delivery.failed_tries, delivery.lost) == (3, 3, 0)
    nursery.cancel_scope.cancel()


async def test_what_never_arrives_is_given_up_in_time_and_said_in_the_log(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    phone = Phone(fails=None)
    delivery = Delivery(phone)
    nursery.start_soon(delivery.run)
    with structlog.testing.capture_logs() as lines:
        delivery.put(*saying("one"))
        await delivery.empty()
    assert (delivery.delivered, delivery.failed_tries, delivery.lost) == (0, len(phone.tries), 1)
    assert GIVE_UP_S - 60 <= phone.tries[-1] - phone.tries[0] <= GIVE_UP_S
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("alert not delivered, tried again", "warning"),
        ("alert not delivered", "error"),
    ]
    assert (lines[-1]["title"], lines[-1]["reason"], lines[-1]["to"]) == ("one", "connection refused", "phone")
    nursery.cancel_scope.cancel()


async def test_a_full_queue_says_what_it_drops() -> None:
    delivery = Delivery(Phone(hangs=True))
    with structlog.testing.capture_logs() as lines:
        for number in range(QUEUE_MAX + 2):
            delivery.put(*saying(str(number)))
    assert delivery.waiting == QUEUE_MAX
    assert [line["title"] for line in lines] == [str(QUEUE_MAX), str(QUEUE_MAX + 1)]


def alerter(*phones: Phone, clock: VirtualClock, **route: object) -> Alerter:
    return Alerter([Channel(AlertRoute("r", **route), phones)], now=clock.utc_now, zone=UTC)  # type: ignore[arg-type]


async def test_alerts_reach_every_destination_of_their_route(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    one, two = Phone(), Phone(fails=1)
    tells = alerter(one, two, clock=VirtualClock.starting(T0))
    nursery.start_soon(tells.run)
    await trio.sleep(0.1)
    tells.take(lost())
    await trio.sleep(10)
    assert one.got == two.got == ["session 0 lost"]
    assert tells.raised == {AlertKind.SESSION_LOST: 1}
    nursery.cancel_scope.cancel()


async def test_what_lasts_is_told_again_without_anything_new(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    phone = Phone()
    tells = alerter(phone, clock=VirtualClock.starting(T0))
    nursery.start_soon(tells.run)
    await trio.sleep(0.1)
    tells.take(lost())
    await trio.sleep(1000)
    assert phone.got == ["session 0 lost", "still: session 0 lost"]
    nursery.cancel_scope.cancel()


async def test_a_destination_that_hangs_holds_up_no_other(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    good, bad = Phone(), Phone(hangs=True)
    tells = alerter(bad, good, clock=VirtualClock.starting(T0))
    nursery.start_soon(tells.run)
    await trio.sleep(0.1)
    for number in range(3):
        tells.take(lost(number))
        await trio.sleep(60)
    assert len(good.got) == 3
    nursery.cancel_scope.cancel()


async def test_the_end_waits_for_the_last_message_only_so_long(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    good, bad = Phone(), Phone(hangs=True)
    tells = alerter(bad, good, clock=VirtualClock.starting(T0))
    nursery.start_soon(tells.run)
    await trio.sleep(0.1)
    tells.take(lost())
    began = trio.current_time()
    with structlog.testing.capture_logs() as lines:
        await tells.finish()
    assert good.got == ["session 0 lost"], "it did not wait for its group any more"
    assert trio.current_time() - began == pytest.approx(FINISH_S)
    assert [line["reason"] for line in lines] == ["the service ended first"]
    assert tells.waiting == 0
    nursery.cancel_scope.cancel()


async def test_an_end_with_nothing_to_tell_waits_for_nothing(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    tells = alerter(Phone(), clock=VirtualClock.starting(T0))
    nursery.start_soon(tells.run)
    began = trio.current_time()
    await tells.finish()
    assert trio.current_time() == began
    nursery.cancel_scope.cancel()
