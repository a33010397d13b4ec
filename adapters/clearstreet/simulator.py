"""A simulated Clear Street Studio: sign-in, REST, the activity stream and the control API on one port.

Accounts are the broker's netting books; a book's name is the account's id. Other books are not shown.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from adapters.base import UtcNow
from adapters.clearstreet.config import SOCKET_PATH, Config
from adapters.clearstreet.simulator_auth import TOKEN_LIFETIME, SignIn, Tokens
from adapters.clearstreet.simulator_desk import Desk
from adapters.clearstreet.simulator_limits import RATE_LIMITS, RateLimits
from adapters.clearstreet.simulator_rest import RestVenue
from adapters.clearstreet.simulator_stream import HEARTBEAT_S, SUBSCRIBE_S_MAX, StreamVenue
from adapters.clearstreet.simulator_universe import HARD_TO_BORROW
from adapters.clearstreet.simulator_words import problem
from adapters.clearstreet.simulator_working import QuoteWatch
from adapters.secret import Secret
from adapters.simulation.broker import Book, Broker
from adapters.simulation.control import with_control
from adapters.simulation.faults import Faults
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest, HttpService
from rules.model.values import OmsType

CLIENT_ID: Final = "simulated-client"
CLIENT_WORD: Final = "simulated-client-secret"
TIME_ZONE: Final = "America/New_York"
"""Where the venue's trading day is taken to begin, at midnight; no document says it."""


class Simulator:
    """The simulated venue. All accounts belong to one client."""

    def __init__(
        self,
        broker: Broker,
        *,
        now: UtcNow,
        faults: Faults | None = None,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_WORD,
        rate_limits: Mapping[str, tuple[int, int]] = RATE_LIMITS,
        hard_to_borrow: Iterable[str] = HARD_TO_BORROW,
        token_lifetime: timedelta = TOKEN_LIFETIME,
        heartbeat_s: float = HEARTBEAT_S,
        subscribe_s_max: float = SUBSCRIBE_S_MAX,
        time_zone: str = TIME_ZONE,
        ack_names_account: bool = True,
    ) -> None:
        """Make the venue.

        Args:
            rate_limits: (requests, seconds) by resource ("orders", "bulk-orders", ...), per account.
            hard_to_borrow: symbols that need a locate to be sold short; `hard_to_borrow` may be changed later, as the
                venue does every day.
            heartbeat_s: between two heartbeats of a stream; infinite for none.
            subscribe_s_max: for a connection to subscribe.
            time_zone: of the midnight at which the trading day begins.
            ack_names_account: see `StreamVenue`.
        """
        self.broker = broker
        self.faults = Faults() if faults is None else faults
        self.hard_to_borrow = set(hard_to_borrow)
        self._now = now
        self._credentials = (client_id, client_secret)
        self._time_zone = time_zone
        self._desks: dict[str, Desk] = {}
        self._books_seen = 0
        self._watch = QuoteWatch(broker)
        tokens = Tokens(now, token_lifetime)
        self.faults.on_expire_tokens(tokens.expire)
        rest = RestVenue(
            self.desks,
            broker.market,
            tokens,
            SignIn(tokens, self.faults, client_id, client_secret),
            self.faults,
            now,
            RateLimits(rate_limits, now),
            self.hard_to_borrow,
        )
        stream = StreamVenue(self.desks, tokens, self.faults, now, heartbeat_s, subscribe_s_max, ack_names_account)
        control = with_control(broker, self.faults, rest.answer)

        async def answer(request: HttpRequest) -> HttpResponse:
            self.desks()  # before a trade by hand on a new account, which its desk must see
            return await control(request)

        self.service = HttpService(http=answer, websockets={SOCKET_PATH: stream.serve}, admit=self._admit)
        self.desks()

    def desks(self) -> Mapping[str, Desk]:
        """Return the venue's accounts by id, those that were added to the broker since included."""
        if self._books_seen != len(self.broker.books):
            self._books_seen = len(self.broker.books)
            zone = ZoneInfo(self._time_zone)
            for name, book in self.broker.books.items():
                if name not in self._desks and _is_account(book):
                    number = f"SIM{len(self._desks) + 1:06}"
                    self._desks[name] = Desk(book, number, self._now, zone, self.hard_to_borrow, self._watch)
        return self._desks

    def config(self, account_id: str, origin: str) -> Config:
        """Return the config with which an account of this simulator, served at `origin`, is reached."""
        client_id, client_secret = self._credentials
        return Config(
            account_id=account_id,
            client_id=client_id,
            client_secret=Secret(client_secret),
            time_zone=self._time_zone,
            rest_url=origin,
            socket_url=origin.replace("http", "ws", 1) + SOCKET_PATH,
            auth_url=origin,
        )

    def _admit(self, request: HttpRequest) -> HttpResponse | None:
        return problem(503, "maintenance", request.path) if self.faults.maintenance else None


def _is_account(book: Book) -> bool:
    return book.oms is OmsType.NETTING and "/" not in book.name  # which no path could name
