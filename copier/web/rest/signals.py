"""Inbound signals: programs tell an account what it holds. Who may is asked by the account, not by a key."""

from typing import Final

import trio

from adapters.base import SessionLost, SignalConflict, SignalFault, SignInRefused
from copier.web.attempts import Attempts
from copier.web.dto.signals import Signal, SignalTaken
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.pace import Paces
from copier.web.rest.params import Param, Text
from copier.web.rest.refusals import Refused, bad_field
from copier.web.surface import Surface
from rules.model.values import AccountId

PER_S: Final = 10.0
BURST: Final = 100.0
"""Of one account: a strategy over dozens of symbols fires all of them at once, and each signal is a sync to disk."""

HEADERS: Final = tuple(
    Param(name, Text(), "Of a signature by Standard Webhooks.")
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
)


def endpoints(surface: Surface) -> tuple[Endpoint, ...]:
    """Return what takes the signals of a service."""
    paces, attempts = Paces(surface.utc_now, per_s=PER_S, burst=BURST), Attempts()

    async def receive(call: Call) -> SignalTaken:
        name = AccountId(call.path["account"])
        account = surface.receiver(name)
        if account is None or not account.is_signed(call.raw_body, call.headers):
            now = trio.current_time()
            wait_s = attempts.wait_s(call.client, now)
            if wait_s:  # of wrong ones alone: senders such as TradingView share their addresses with strangers
                raise Refused(
                    429, "too many unsigned signals from this address", headers={"retry-after": str(int(wait_s) + 1)}
                )
            # Who cannot send to an account does not learn whether there is one.
            attempts.failed(call.client, now)
            raise Refused(401, "expected a signal that shows an account's secret, or that is signed for it")
        paces.take(name)
        try:
            receipt = await account.receive(call.raw_body, call.headers)
        except SignalFault as fault:
            raise bad_field("body", fault.key, fault.expected, fault.found) from None
        except SignalConflict as conflict:
            raise Refused(409, str(conflict)) from None
        except (SessionLost, SignInRefused):
            raise Refused(503, "the signal cannot be kept now; send it again with the same id") from None
        return SignalTaken(receipt.says, receipt.repeated)

    return (
        Endpoint(
            "POST",
            "/signals/{account}",
            "Tell an account of signals what it holds",
            receive,
            SignalTaken,
            headers=HEADERS,
            body=Signal,
            open=True,
            refusals=(409,),
        ),
    )
