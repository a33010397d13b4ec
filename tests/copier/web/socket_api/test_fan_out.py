"""Who hears what: made once, in order, only for those who asked and may, and never waiting for any of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from copier.web.socket_api import fan_out as fan_out_module
from copier.web.socket_api.fan_out import FanOut, Listener, Notice
from copier.web.socket_api.session import CHANGES, DECISIONS
from rules.model.values import AccountId
from tests.copier.web.socket_api.listeners import FakeOutbox, FakeSource

A, B, C = AccountId("a"), AccountId("b"), AccountId("c")
ALL: frozenset[AccountId] = frozenset()
HEAD = b"MESSAGE\ndestination:/user/queue/accounts/changes\nsubscription:sub-0\nmessage-id:sub-0-"
OTHER_HEAD = HEAD.replace(b"sub-0", b"sub-1")
REPEAT_EVERY_S = 60.0


@asynccontextmanager
async def running(source: FakeSource) -> AsyncIterator[FanOut]:
    fan_out = FanOut(source, repeat="info", repeat_every_s=REPEAT_EVERY_S)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fan_out.run)
        await wait_all_tasks_blocked()
        yield fan_out
        nursery.cancel_scope.cancel()


def listener(
    wanted: frozenset[AccountId] | None = ALL, may_see: frozenset[AccountId] | None = None, *heads: bytes
) -> tuple[Listener, FakeOutbox]:
    outbox = FakeOutbox()
    return Listener(outbox, may_see, wanted, {CHANGES: heads or (HEAD,)}), outbox


async def told(fan_out: FanOut, *accounts: AccountId) -> None:
    for account in accounts:
        fan_out.changed(account)
    await trio.sleep(0.1)


async def test_a_listener_is_told_everything_at_once_and_then_what_changes(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1, "positions": []}})
    async with running(source) as fan_out:
        one, outbox = listener()
        await fan_out.show(one)
        assert outbox.bodies() == [["a", "info", 1], ["a", "positions", []]]
        source.told[A]["positions"] = ["p1"]
        await told(fan_out, A)
        assert outbox.bodies() == [["a", "positions", ["p1"]]]
        await told(fan_out, A)
        assert outbox.bodies() == [], "nothing is another than before"


async def test_a_frame_is_whole_and_its_id_is_used_once(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1, "positions": "é"}})
    async with running(source) as fan_out:
        one, outbox = listener(ALL, None, HEAD, OTHER_HEAD)
        await fan_out.show(one)
        assert outbox.sent[0] == HEAD + b'1\ncontent-length:14\n\n["a","info",1]\0'
        frames = outbox.frames()
        assert [frame.headers["subscription"] for frame in frames] == ["sub-0", "sub-1", "sub-0", "sub-1"]
        assert len({frame.headers["message-id"] for frame in frames}) == 4


async def test_a_message_is_made_once_for_all_who_listen(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        ends = [listener() for _ in range(100)]
        for one, _ in ends:
            await fan_out.show(one)
        assert source.shows == 1
        source.told[A]["info"] = 2
        await told(fan_out, A)
        assert source.shows == 2
        sent = [outbox.sent for _, outbox in ends]
        assert all(len(each) == 2 for each in sent)
        assert len({id(each[1]) for each in sent}) == 1, "the very same bytes"


async def test_nobody_hears_of_an_account_that_he_did_not_ask_for_or_may_not_see(
    autojump_clock: trio.abc.Clock,
) -> None:
    source = FakeSource({A: {"info": 1}, B: {"info": 1}, C: {"info": 1}})
    async with running(source) as fan_out:
        asks_b, of_b = listener(frozenset({B}))
        sees_c, of_c = listener(ALL, frozenset({C}))
        asks_a_sees_c, of_none = listener(frozenset({A}), frozenset({C}))
        asks_nothing, of_nothing = listener(None)
        for one in (asks_b, sees_c, asks_a_sees_c, asks_nothing):
            await fan_out.show(one)
        for account in source.told:
            source.told[account]["info"] = 2
        fan_out.notice(Notice(A, CHANGES, b'["notice"]'))
        await told(fan_out, A, B, C)
        assert of_b.bodies() == [["b", "info", 1], ["b", "info", 2]]
        assert of_c.bodies() == [["c", "info", 1], ["c", "info", 2]]
        assert of_none.bodies() == of_nothing.bodies() == []
        assert not fan_out.is_listened_to(A)


async def test_another_filter_takes_the_place_of_the_first(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1}, B: {"info": 1}})
    async with running(source) as fan_out:
        one, outbox = listener(frozenset({A}))
        await fan_out.show(one)
        one.wanted = frozenset({B})
        await fan_out.show(one)
        assert outbox.bodies() == [["a", "info", 1], ["b", "info", 1]]
        source.told[A]["info"] = source.told[B]["info"] = 2
        await told(fan_out, A, B)
        assert outbox.bodies() == [["b", "info", 2]]


async def test_an_account_that_is_added_later_joins_by_itself(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        everything, of_all = listener()
        only_a, of_a = listener(frozenset({A}))
        await fan_out.show(everything)
        await fan_out.show(only_a)
        of_all.sent.clear()
        of_a.sent.clear()
        source.told[B] = {"info": 1}
        await trio.sleep(REPEAT_EVERY_S + 1)
        assert ["b", "info", 1] in of_all.bodies()
        assert ["b", "info", 1] not in of_a.bodies()


async def test_an_account_that_joins_while_another_listener_comes_is_told_to_all(
    autojump_clock: trio.abc.Clock,
) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        first, outbox = listener()
        await fan_out.show(first)
        source.told[B] = {"info": 1}
        await fan_out.show(listener()[0])
        await trio.sleep(0.1)
        assert outbox.bodies()[1:] == [["b", "info", 1]]


async def test_an_account_that_is_gone_is_forgotten(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1}, B: {"info": 1}})
    async with running(source) as fan_out:
        one, outbox = listener()
        await fan_out.show(one)
        del source.told[B]
        await trio.sleep(REPEAT_EVERY_S * 2)
        outbox.sent.clear()
        await told(fan_out, A, B)
        assert ["b", "info", 1] not in outbox.bodies()
        assert not fan_out.is_listened_to(B)


async def test_the_information_comes_again_each_minute_and_nothing_else_does(
    autojump_clock: trio.abc.Clock,
) -> None:
    source = FakeSource({A: {"info": 1, "positions": []}})
    async with running(source) as fan_out:
        one, outbox = listener()
        await fan_out.show(one)
        outbox.sent.clear()
        await trio.sleep(REPEAT_EVERY_S * 3 + 1)
        assert outbox.bodies() == [["a", "info", 1]] * 3


async def test_who_has_left_hears_nothing(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        one, outbox = listener()
        await fan_out.show(one)
        outbox.sent.clear()
        fan_out.leave(one)
        source.told[A]["info"] = 2
        await told(fan_out, A)
        assert outbox.sent == []
        assert not fan_out.is_listened_to(A)


async def test_only_the_queues_that_were_asked_for_are_shown(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        one, outbox = listener()
        await fan_out.show(one, queues=(DECISIONS,))
        assert outbox.bodies() == []
        source.told[A]["info"] = 2
        await told(fan_out, A)
        assert outbox.bodies() == [["a", "info", 2]]


async def test_changes_of_a_moment_are_one_message_and_notices_are_each_their_own(
    autojump_clock: trio.abc.Clock,
) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        one, outbox = listener()
        await fan_out.show(one)
        outbox.sent.clear()
        for number in (2, 3, 4):
            source.told[A]["info"] = number
            fan_out.changed(A)
            fan_out.notice(Notice(A, CHANGES, b"%d" % number))
        await trio.sleep(0.1)
        assert outbox.bodies() == [2, 3, 4, ["a", "info", 4]]


@define(eq=False)
class SlowOutbox(FakeOutbox):
    """Each message takes a second to give away; `then` happens meanwhile."""

    clock: MockClock = field(factory=MockClock)
    then: Callable[[], None] = lambda: None

    def put(self, payload: bytes) -> bool:
        self.clock.jump(1)
        self.then()
        return super().put(payload)


async def test_after_a_burst_the_next_news_waits_no_longer_than_the_longest_rest(autojump_clock: MockClock) -> None:
    source = FakeSource({A: {}})
    async with running(source) as fan_out:
        outbox = SlowOutbox(clock=autojump_clock)
        await fan_out.show(Listener(outbox, None, ALL, {CHANGES: (HEAD,)}))
        for number in range(60):
            fan_out.notice(Notice(A, CHANGES, b"%d" % number))
        while len(outbox.sent) < 60:  # noqa: ASYNC110 - an outbox tells nobody what it holds
            await trio.sleep(0.001)
        await wait_all_tasks_blocked()
        fan_out.notice(Notice(A, CHANGES, b"60"))
        await trio.sleep(fan_out_module.REST_S_MAX + 2 * fan_out_module.GATHER_S)
        assert len(outbox.sent) == 61


async def test_notices_that_never_end_leave_changes_their_turn(autojump_clock: MockClock) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        outbox = SlowOutbox(clock=autojump_clock)
        await fan_out.show(Listener(outbox, None, ALL, {CHANGES: (HEAD,)}))
        outbox.sent.clear()
        more = iter(range(50))

        def go_on() -> None:
            if next(more, None) is not None:
                fan_out.notice(Notice(A, CHANGES, b"0"))

        outbox.then = go_on
        source.told[A]["info"] = 2
        fan_out.changed(A)
        go_on()
        await trio.sleep(200)
        told = outbox.bodies()
        assert told.count(0) == 50
        assert told.index(["a", "info", 2]) < 3


async def test_notices_that_nobody_can_be_told_in_time_are_bounded(
    autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out_module, "NOTICES_MAX", 2)
    source = FakeSource({A: {}})
    async with running(source) as fan_out:
        one, outbox = listener()
        await fan_out.show(one)
        for number in (1, 2, 3):
            fan_out.notice(Notice(A, CHANGES, b"%d" % number))
        await trio.sleep(0.1)
        assert outbox.bodies() == [2, 3]


async def test_the_first_state_of_many_accounts_waits_for_a_slow_reader(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({AccountId(f"a{number}"): {"info": 1} for number in range(10)})
    async with running(source) as fan_out:
        one, outbox = listener()
        outbox.waiting_bytes = fan_out_module.STATE_WAITING_MAX + 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fan_out.show, one)
            await trio.sleep(1)
            assert len(outbox.sent) == 1
            outbox.taken.set()
        assert len(outbox.sent) == 10


async def test_others_run_while_a_message_goes_to_many(autojump_clock: trio.abc.Clock) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        ends = [listener() for _ in range(100)]
        for one, _ in ends:
            await fan_out.show(one)
        source.told[A]["info"] = 2
        fan_out.changed(A)
        seen: set[int] = set()
        await trio.sleep(fan_out_module.GATHER_S)
        for _ in range(1000):
            seen.add(sum(len(outbox.sent) == 2 for _, outbox in ends))
            await trio.lowlevel.checkpoint()
        assert 100 in seen
        assert len(seen) > 100 / (fan_out_module.SENDS_AT_ONCE * 4), "the others were let in between"


async def test_a_listener_that_joins_while_a_message_goes_out_ends_with_the_newest(
    autojump_clock: trio.abc.Clock,
) -> None:
    source = FakeSource({A: {"info": 1}})
    async with running(source) as fan_out:
        ends = [listener() for _ in range(50)]
        for one, _ in ends:
            await fan_out.show(one)
        late: list[FakeOutbox] = []
        source.told[A]["info"] = 2
        fan_out.changed(A)
        for _ in range(200):
            if len(ends[-1][1].sent) == 2 and late:
                break
            one, outbox = listener()
            await fan_out.show(one)
            late.append(outbox)
        await trio.sleep(1)
        assert all(outbox.bodies()[-1] == ["a", "info", 2] for outbox in late)
