"""What a person sees: one line for each thing, with who, what and why; and the counts behind the summary."""

import io
import re
from datetime import timedelta

from attrs import evolve

from copier.telling.console import Narrator
from rules.limits.policy import Limit
from rules.limits.terms import LimitKind, Percent
from rules.model.observed import AccountStatus
from rules.model.reports import NotFound, Rejected
from rules.model.values import Symbol, Volume
from rules.policy.links import LinkState
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position


class Told:
    """A desk whose records are narrated."""

    def __init__(self, **options: object) -> None:
        self.out = io.StringIO()
        self.narrator = Narrator(self.out)
        self.desk = Desk(listeners=[self.narrator], **options)  # type: ignore[arg-type]

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()


async def test_a_copy_is_told_from_its_order_to_its_close() -> None:
    told = Told()
    await told.desk.ready()
    [order] = await told.desk.sees(source_position())
    await told.desk.fills([order])
    await told.desk.fills(await told.desk.closes())
    assert [line.split(maxsplit=1)[1] for line in told.lines] == [
        "intent target               open buy 1 EURUSD",
        f"report target               filled 1 at 1.1, position t-{order.cl_ord_id}",
        "intent target               close 1 EURUSD",
        f"report target               filled 1 at 1.1, position t-{order.cl_ord_id}",
    ]
    assert all(re.match(r"12:00:00\.\d{3} ", line) for line in told.lines)
    assert told.narrator.opens == 1


async def test_an_order_that_goes_out_again_is_told_and_not_counted_again() -> None:
    told = Told()
    await told.desk.ready()
    [order] = await told.desk.sees(source_position())
    await told.desk.reports(NotFound(order.cl_ord_id))
    assert told.lines[-1].endswith("open buy 1 EURUSD again")
    assert told.narrator.opens == 1


async def test_a_denial_is_told_with_its_code_and_counted_once() -> None:
    told = Told(links=[evolve(LINK, state=LinkState.PAUSED)])
    await told.desk.ready()
    await told.desk.sees(source_position())
    await told.desk.polls(SOURCE, source_position())
    await told.desk.closes()
    [line] = told.lines
    assert "denied" in line
    assert "buy EURUSD #p1: link: LINK_PAUSED" in line
    assert told.narrator.denials == {"LINK_PAUSED": 1}


async def test_a_rejection_and_the_end_that_follows_are_told() -> None:
    told = Told()
    await told.desk.ready()
    [order] = await told.desk.sees(source_position())
    await told.desk.reports(Rejected(order.cl_ord_id, "no\x1b[2Jmoney"))
    assert any("rejected: no\N{REPLACEMENT CHARACTER}[2Jmoney" in line for line in told.lines)
    assert any("ended" in line and "rejected" in line for line in told.lines)


async def test_an_alert_names_its_account_and_its_code() -> None:
    told = Told()
    await told.desk.ready()
    for _ in range(2):
        await told.desk.polls(TARGET, source_position("t1", tag="cp" + "a" * 20))
    [line] = [line for line in told.lines if "alert" in line]
    assert re.search(r"alert +target +orphan: position t1 EURUSD", line)


async def test_a_limit_that_leaves_ok_is_told() -> None:
    limit = Limit("daily-5", TARGET, LimitKind.MAX_LOSS, Percent(Volume("0.05")))
    told = Told(limits=[limit])
    await told.desk.ready()
    await told.desk.polls(TARGET, status=AccountStatus(Volume(100_000), Volume(90_000), "USD"))
    assert told.lines[-1].endswith("limit daily-5: breached")


async def test_a_name_from_a_venue_cannot_start_a_line_of_its_own() -> None:
    told = Told(links=[evolve(LINK, state=LinkState.PAUSED)])
    await told.desk.ready()
    await told.desk.sees(source_position("p1\n12:00:00.000 report", symbol=Symbol("EUR\nUSD")))
    assert len(told.lines) == 1


async def test_a_quiet_narrator_counts_all_the_same() -> None:
    narrator = Narrator(None)
    desk = await Desk(listeners=[narrator]).ready()
    await desk.sees(source_position())
    assert narrator.opens == 1


class ClosedPipe(io.StringIO):
    """An output whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


async def test_copying_goes_on_when_nobody_reads_the_output() -> None:
    narrator = Narrator(ClosedPipe())
    desk = await Desk(listeners=[narrator]).ready()
    [order] = await desk.sees(source_position())
    await desk.fills([order])
    assert len(await desk.closes()) == 1
    assert narrator.opens == 1


async def test_a_mismatch_is_told_when_it_begins_and_when_it_is_over() -> None:
    told = Told()
    await told.desk.ready()
    [order] = await told.desk.sees(source_position())
    await told.desk.reports(Rejected(order.cl_ord_id, "no money"))
    for _ in range(2):
        told.desk.now += timedelta(seconds=10)
        await told.desk.polls(TARGET)
    await told.desk.closes()
    await told.desk.polls(TARGET)
    assert [line.split(maxsplit=2)[2] for line in told.lines if " differssource" in line] == [
        "missing: EURUSD should be long 1 and is not there (the venue rejected the order)",
        "over: EURUSD should be long 1 and is not there (the venue rejected the order)",
    ]
