"""Orders of one account: each sent once, what its answer means, and how one is found again after no answer."""

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeVar

import trio
from attrs import define, field

from adapters.base import SessionLost, SignInRefused, Throttled, UtcNow
from adapters.metaapi import orders, translate, wire
from adapters.metaapi.config import Config
from adapters.metaapi.failures import retry_after_s
from adapters.metaapi.looks import REFUSALS, SAYS_NO, Looks
from adapters.metaapi.netting import Netting, Part
from adapters.metaapi.outcomes import Outcome, is_partial, outcome_of, outcome_of_result, text_of_result
from adapters.metaapi.requests import Failed, Requests
from adapters.metaapi.tickets import Tickets
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.reports import (
    Accepted,
    Canceled,
    Filled,
    NotFound,
    NotSent,
    Placed,
    Rejected,
    Replaced,
    Report,
    StopsReplaced,
)
from rules.model.values import ClOrdId, OmsType, VenueOrderId

_RESULT_S_MAX: Final = 2.0
"""What we spend, after an order was done, on learning its price and lots; after that `find` does."""

_SENT_MAX: Final = 1000
"""Orders of a kind that are remembered; one without an answer is asked for within the next minutes."""

_BUSY_S: Final = 5.0
"""Our pause where the broker's own limit refuses an order; it does not say when to come again."""

# The terminal is not ready and has looked at nothing.
_NOT_READY = frozenset({"NotSynchronizedError", "NotAuthenticatedError"})


_Sent = TypeVar("_Sent", OpenPosition, ClosePosition | ReducePosition)


@define(eq=False)
class Trading:
    """Sends actions as trades over the request connection."""

    config: Config
    requests: Requests
    looks: Looks
    tickets: Tickets
    now: UtcNow
    _sent: dict[ClOrdId, OpenPosition] = field(factory=dict, init=False)
    """The latest openings, for when their client ids are lost on the way."""
    _offsetting: dict[ClOrdId, ClosePosition | ReducePosition] = field(factory=dict, init=False)
    """The latest closes by an opposite order, for when the answer does not come: they may have been overtaken."""
    _netting: Netting = field(init=False)
    _loses_client_ids: bool = field(default=False, init=False)
    """Whether an order that we know by its number showed no client id: the broker writes over comments."""

    def __attrs_post_init__(self) -> None:
        self._netting = Netting(self.looks, self.tickets, self.now, self.config.books_late)

    async def submit(self, action: Action) -> Report:
        """Send one action, once; see `adapters.base.Account.submit`."""
        magic = self.config.magic
        match action:
            case OpenPosition():
                _remember(self._sent, action)
                await self._netting.wait_for_closes(action.symbol)
                return await self._trade(action, orders.open_trade(action, magic))
            case ReplaceStops():
                return await self._trade(action, orders.stops_trade(action, self.tickets.now(action.position_id)))
            case ClosePosition() | ReducePosition() if self.config.oms is OmsType.NETTING:
                with self._netting.closing(action.symbol):
                    return await self._close_netted(action)
            case ClosePosition():
                ticket = self.tickets.now(action.position_id)
                return await self._trade(action, orders.close_trade(action, ticket, magic))
            case ReducePosition():
                ticket = self.tickets.now(action.position_id)
                return await self._trade(action, orders.partial_trade(action, ticket, action.volume, magic))
            case PlaceOrder():
                return await self._trade(action, orders.place_trade(action, magic))
            case ReplaceOrder():
                return await self._trade(action, orders.replace_trade(action))
            case CancelOrder():
                return await self._trade(action, orders.cancel_trade(action))

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        """Look for an order by our tag; closes are found as openings are. See `adapters.base.Account.find`."""
        # In the order in which an order wanders, so that it cannot slip through between two questions.
        for order in await self.looks.working_orders():
            if translate.tag_of(order) == cl_ord_id:
                return orders.report_of_order(cl_ord_id, order, self.tickets)
        deals = await self.looks.deals(submitted_at)
        filled = orders.filled_by_deals(cl_ord_id, orders.deals_with_tag(deals, cl_ord_id), self.tickets)
        if filled is not None:
            return await self._settled(filled)
        for order in await self.looks.done_orders(submitted_at):
            if translate.tag_of(order) == cl_ord_id:
                return orders.report_of_order(cl_ord_id, order, self.tickets)
        if self.config.oms is OmsType.HEDGING:  # elsewhere a position's volume is not one order's
            for row in await self.looks.positions():
                if translate.tag_of(row) == cl_ord_id:
                    position = translate.position(row, self.tickets)
                    return Filled(cl_ord_id, position.position_id, position.volume, position.open_price)
        return self._untagged(cl_ord_id, deals, submitted_at)

    def _untagged(self, cl_ord_id: ClOrdId, deals: list[wire.Deal], submitted_at: datetime) -> Report:
        """Return what to make of it that no book shows our client id, once they have had the time to.

        Where the broker is known to lose them, a deal that may be ours is not opened again. It is ours where it has the
        magic that only we use, and is alone.
        """
        action = self._sent.get(cl_ord_id) if self._loses_client_ids else None
        if action is None or self.now() - submitted_at < self.config.books_late:
            return NotFound(cl_ord_id)
        alike = orders.deals_like(deals, action, self.config.magic, submitted_at)
        if not alike:
            return NotFound(cl_ord_id)
        filled = orders.filled_by_deals(cl_ord_id, alike[:1], self.tickets)
        if filled is not None and self.config.magic is not None and len(alike) == 1:
            return filled
        return Rejected(cl_ord_id, f"deal {str(alike[0].id)[:40]} may be this order's and has no client id: see to it")

    async def _settled(self, filled: Filled) -> Filled:
        """Return what an order did, also where it was to close and came too late."""
        action = self._offsetting.get(filled.cl_ord_id)
        return filled if action is None else await self._netting.settled(action, filled)

    async def _close_netted(self, action: ClosePosition | ReducePosition) -> Report:
        """Close our part of the symbol's one position."""
        part, magic = await self._netting.part(action), self.config.magic
        if not isinstance(part, Part):
            return part
        if part.position_id is None:
            _remember(self._offsetting, action)
            report = await self._trade(action, orders.offsetting_trade(action, part.volume, magic))
            if not isinstance(report, Filled):
                return report
            try:
                return await self._settled(report)
            except SessionLost:
                return Accepted(action.cl_ord_id, report.venue_order_id)  # it is done; `find` asks what it did
        # By its volume even where that is all: an order of another copy may be adding to the position just now.
        return await self._trade(action, orders.partial_trade(action, part.position_id, part.volume, magic))

    async def _trade(self, action: Action, trade: Mapping[str, object]) -> Report:
        """Send one trade, and say what its answer means; doubt is SessionLost, which sends the caller to the books."""
        try:
            answer = await self.requests.ask("trade", {"trade": trade}, application="MetaApi")
        except Failed as failed:
            return self._not_traded(action, failed)
        result = wire.converted(answer.get("response"), wire.TradeResult, "answer to a trade")
        outcome = outcome_of_result(result)
        if outcome not in (Outcome.DONE, Outcome.PLACED):
            return _refused(action, outcome, text_of_result(result))
        order_id = None if result.order_id is None else VenueOrderId(str(result.order_id)[:40])
        match action:
            case ReplaceStops():
                return StopsReplaced(action.cl_ord_id)
            case PlaceOrder() if order_id is not None:
                return Placed(action.cl_ord_id, order_id)
            case ReplaceOrder() if outcome is Outcome.DONE:
                return Replaced(action.cl_ord_id)
            case CancelOrder() if outcome is Outcome.DONE:
                return Canceled(action.cl_ord_id)
            case PlaceOrder() | ReplaceOrder() | CancelOrder():
                return Accepted(action.cl_ord_id, order_id)
        report = await self._executed(action, result)
        if report is not None:
            return report
        whole = outcome is Outcome.DONE and not is_partial(result)
        if whole and isinstance(action, ClosePosition | ReducePosition) and self.config.oms is OmsType.HEDGING:
            return Filled(action.cl_ord_id, action.position_id, action.volume, venue_order_id=order_id)
        return Accepted(action.cl_ord_id, order_id)

    async def _executed(self, action: Action, result: wire.TradeResult) -> Filled | None:
        """Look once for the deals of an order that was done; None where there are none yet."""
        if result.order_id is None or result.position_id is None:
            return None
        filled: Filled | None = None
        with trio.move_on_after(_RESULT_S_MAX), contextlib.suppress(SessionLost, SignInRefused):
            # The order is done; if one of these looks fails, only what it would have told is missing.
            deals = await self.looks.deals_of_position(str(result.position_id))
            ours = [deal for deal in deals if str(deal.order_id) == str(result.order_id)]
            filled = orders.filled_by_deals(action.cl_ord_id, ours, self.tickets)
            self._loses_client_ids |= any(translate.tag_of(deal) is None for deal in ours)
            if isinstance(action, ReducePosition) and any(deal.platform == "mt4" for deal in ours):
                self.tickets.learn(await self.looks.positions(), "mt4")  # what is left has another ticket now
        return filled

    def _not_traded(self, action: Action, failed: Failed) -> Report:
        """Return, or raise, what an error in place of a trade's result means."""
        error = failed.error
        if error.error in REFUSALS:
            raise SignInRefused(f"MetaApi refuses the account: {failed.text}") from None
        if error.error == "TooManyRequestsError":
            raise Throttled(failed.text, retry_after_s(error, self.now())) from None
        if error.error == "TradeError":
            return _refused(action, outcome_of(error.numeric_code, error.string_code), failed.text)
        if error.error in SAYS_NO:
            return Rejected(action.cl_ord_id, failed.text)
        if error.error in _NOT_READY:
            return NotSent(action.cl_ord_id, failed.text)
        raise SessionLost(f"trade: {failed.text}") from None


def _remember(sent: dict[ClOrdId, _Sent], action: _Sent) -> None:
    sent[action.cl_ord_id] = action
    if len(sent) > _SENT_MAX:
        del sent[next(iter(sent))]


def _refused(action: Action, outcome: Outcome, text: str) -> Report:
    """Return, or raise, what a code that is no plain success means."""
    match outcome:
        case Outcome.REFUSED | Outcome.GONE:
            return Rejected(action.cl_ord_id, text)
        case Outcome.NOT_DELIVERED:
            return NotSent(action.cl_ord_id, text)
        case Outcome.BUSY:
            raise Throttled(text, _BUSY_S)
    # Also a success within an error: whoever says both is not to be believed in either.
    raise SessionLost(f"the outcome of the trade is unknown: {text}")
