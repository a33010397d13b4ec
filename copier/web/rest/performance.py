"""Performance over REST: what was copied within some time and what became of it, read beside the engine.

A row of the ledger takes tens of microseconds to decode. The reading thread lets the engine's go on after each of them:
else every round of the engine would wait for the interpreter's switch interval.
"""

from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Final

from copier.ledger.ledger import Ledger
from copier.performance.curves import accounts_of, samples_of
from copier.performance.figures import performance_of
from copier.performance.gathering import gather
from copier.performance.reading import TooManyRows
from copier.performance.scope import Scope
from copier.web.dto.performance import Performance
from copier.web.rest import accounts, links
from copier.web.rest.decisions import reading
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.params import Instant, Param
from copier.web.rest.refusals import Refused, bad_field
from rules.model.values import AccountId, LinkId

ROWS_MAX: Final = 50_000
"""Some seconds of a thread: weeks of a person's accounts, hours of a desk's busiest."""

DEFAULT: Final = timedelta(days=1)

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No ledger is older; a day before the first of all days there is none."""


async def _of_account(call: Call) -> Performance:
    return await _performance(call, account=accounts.visible(call).account)


async def _of_link(call: Call) -> Performance:
    return await _performance(call, link=links.visible(call).link_id)


async def _performance(call: Call, *, account: AccountId | None = None, link: LinkId | None = None) -> Performance:
    """Return the figures of a request's time.

    Raises:
        Refused: the time ends before it begins, more rows tell of it than are read, or the ledger cannot be read.
    """
    surface, now = call.surface, call.surface.utc_now()
    until = call.query["until"]
    since = call.query["since"] or max(until or now, _EARLIEST) - DEFAULT
    if until is not None and until <= since:
        raise bad_field("query", "until", f"an instant after {since.isoformat()}", until.isoformat())
    scope = Scope(since, until, account, link, call.principal.sees)
    limits = [limit for limit in surface.config.limits if scope.has_account(limit.account)]
    known = [link_id for link_id in surface.links if scope.has_link(link_id)]
    targets = {surface.links[link_id].target for link_id in known}
    instruments = {
        (target, symbol): instrument
        for target in targets
        for symbol, instrument in surface.views[target].instruments.items()
        if instrument is not None
    }

    # The ledger keeps a limit's figures once in some minutes; how it stands now is known.
    is_now = until is None or until > now
    standing = [
        (limit.account, judgement.state, judgement.stage.value)
        for account in dict.fromkeys(limit.account for limit in limits if is_now)
        for limit, judgement in surface.limits.judgements(account)
    ]

    def read(ledger: Ledger) -> Performance:
        found = gather(
            ledger,
            scope,
            limits,
            links=known,
            instruments=instruments,
            rows_max=ROWS_MAX,
            between=lambda _: sleep(0),
        )
        for limit in standing:
            found.judged(*limit, now)
        end = now if until is None else min(until, now)
        samples = {name: samples_of(surface.store, name, since, end) for name in accounts_of(found)}
        return performance_of(found, samples, now)

    try:
        return await reading(call, read)
    except TooManyRows:
        raise _too_much(call) from None


def _too_much(call: Call) -> Refused:
    expected = f"a time of which at most {ROWS_MAX} rows of the ledger tell"
    return bad_field("query", "since", expected, f"more since {(call.query['since'] or 'the day before')!s}")


_TIME: Final = (
    Param("since", Instant(), "From then on; the last day where nothing is said."),
    Param("until", Instant(), "Before then; now where nothing is said."),
)

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/accounts/{account}/performance",
        "What was copied from and to it, won, lost and denied, and how near its limits came",
        _of_account,
        Performance,
        dear=True,
        query=_TIME,
    ),
    Endpoint(
        "GET",
        "/links/{link}/performance",
        "What it copied, won, lost and denied",
        _of_link,
        Performance,
        dear=True,
        query=_TIME,
    ),
)
