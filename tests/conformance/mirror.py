"""What a reader of a stream believes, from events alone, and how that compares with the books."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import trio
from attrs import define, field

from adapters.base import SessionLost, SignInRefused
from rules.model.events import AccountReported, Event, PositionClosed, PositionReported, SnapshotReceived
from rules.model.observed import AccountStatus, Position
from rules.model.values import PositionId
from tests.conformance.venues import World

T = TypeVar("T")

PATIENCE_S = 300
"""Of trio's virtual clock: longer than any silence that a venue may keep."""


@define
class Mirror:
    """Applies events as they come, and holds each against all that was ever true."""

    world: World
    events: list[Event] = field(factory=list)
    positions: dict[PositionId, Position] = field(factory=dict)
    status: AccountStatus | None = None
    lost: Exception | None = None
    pause_s: float = 0.0
    _closed: dict[PositionId, Position] = field(factory=dict)
    _changed: trio.Event = field(factory=trio.Event)

    async def emit(self, event: Event) -> None:
        """Take an event, slowly if so asked."""
        await trio.sleep(self.pause_s)
        self.events.append(event)
        match event:
            case SnapshotReceived():
                for position in event.positions:
                    self._check(position)
                self.positions = {position.position_id: position for position in event.positions}
            case PositionReported():
                self._check(event.position)
                self._check_not_back(event.position)
                self.positions[event.position.position_id] = event.position
            case PositionClosed():
                self._check_close(event)
                gone = self.positions.pop(event.position_id, None)
                if gone is not None:
                    self._closed[event.position_id] = gone
            case AccountReported():
                self.status = event.status
        self._tell()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the events have made `condition` true."""
        with trio.fail_after(PATIENCE_S):
            while not condition():
                if self.lost is not None:  # it was the condition's turn to see that
                    raise AssertionError(f"the stream was lost: {self.lost!r}") from self.lost
                self._changed = trio.Event()
                await self._changed.wait()

    async def until_true(self) -> None:
        """Wait until the mirror shows what the books hold."""
        await self.until(lambda: self.synchronized and same_positions(self.positions.values(), self.world))

    async def until_lost(self) -> Exception:
        """Wait for the stream's end and return its reason."""
        with trio.fail_after(PATIENCE_S):
            while self.lost is None:
                self._changed = trio.Event()
                await self._changed.wait()
        return self.lost

    @property
    def synchronized(self) -> bool:
        """Whether a snapshot came that the venue vouches for."""
        return any(event.certain for event in self.of(SnapshotReceived))

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    async def run(self) -> None:
        """Run one session and keep what ended it; anything but weather and refusal is a bug and is raised."""
        try:
            await self.world.account.stream(self.emit)
        except (SessionLost, SignInRefused) as error:
            self.lost = error
            self._tell()
        else:
            raise AssertionError("a stream never returns normally")

    def _tell(self) -> None:
        self._changed.set()

    def _check(self, position: Position) -> None:
        """Everything that an event says of a position must have been true once; each field by itself."""
        ever = self.world.told.ever.get(position.position_id)
        assert ever is not None, f"there never was a position {position.position_id[:40]!r}"
        for name in ("symbol", "side", "volume", "open_price"):
            assert getattr(position, name) in {getattr(was, name) for was in ever}, (name, position)
        for name in ("stop_loss", "take_profit"):  # a stream may tell a position before its stops
            assert getattr(position, name) in {None, *(getattr(was, name) for was in ever)}, (name, position)
        assert any(_same_instant(position.opened_at, was.opened_at) for was in ever)
        for name in ("contract_size", "magic", "comment", "tag"):
            assert getattr(position, name) in {None, *(getattr(was, name) for was in ever)}, (name, position)

    def _check_not_back(self, position: Position) -> None:
        """What was told closed does not come back; only a rest of it may, where a venue closes and reports anew."""
        closed = self._closed.get(position.position_id)
        if closed is not None and self.world.ids_again:  # then it is the next life of that id
            lives = [each for each in self.world.book.closed if each.position.position_id == position.position_id]
            closed = None if any(each.closed_at <= position.opened_at for each in lives) else closed
        assert closed is None or position.volume < closed.volume, f"{position} was told closed, and came back"

    def _check_close(self, event: PositionClosed) -> None:
        closed = [each for each in self.world.book.closed if each.position.position_id == event.position_id]
        assert closed, f"position {event.position_id} is open in the books, and an event said that it was closed"
        assert event.close_price in (None, *(each.close_price for each in closed))
        assert event.closed_at is None or any(_same_instant(event.closed_at, each.closed_at) for each in closed)


@contextlib.asynccontextmanager
async def streaming(world: World, pause_s: float = 0.0) -> AsyncIterator[Mirror]:
    """Run one stream session beside the block; the session may be lost, which the mirror then shows."""
    mirror = Mirror(world, pause_s=pause_s)
    assert world.book.positions is not None  # the books are watched before anything is told
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mirror.run)
        yield mirror
        nursery.cancel_scope.cancel()


def same_positions(shown: object, world: World) -> bool:
    """Tell whether positions are those of the books, in every field that all venues must give."""
    found = {position.position_id: position for position in shown}  # type: ignore[attr-defined]
    held = world.book.positions
    return found.keys() == held.keys() and all(_same(found[key], held[key]) for key in held)


def _same(shown: Position, held: Position) -> bool:
    names = ("symbol", "side", "volume", "open_price", "stop_loss", "take_profit")
    same = all(getattr(shown, name) == getattr(held, name) for name in names)
    optional = all(
        getattr(shown, name) in (None, getattr(held, name)) for name in ("contract_size", "magic", "comment", "tag")
    )
    return same and optional and _same_instant(shown.opened_at, held.opened_at)


def _same_instant(one: datetime, other: datetime) -> bool:
    """Venues tell times to the millisecond at least."""
    return abs(one - other) <= timedelta(milliseconds=1)
