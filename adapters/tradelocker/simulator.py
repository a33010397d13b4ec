"""A TradeLocker server over the shared simulated broker: REST, Streams and the control API on one port.

Accounts are the broker's books whose names look like the venue's ids ("L#706984"); other books are not shown.
"""

from collections.abc import Mapping
from typing import Final

from adapters.base import UtcNow
from adapters.secret import Secret
from adapters.simulation.broker import Broker
from adapters.simulation.control import with_control
from adapters.simulation.faults import Faults
from adapters.tradelocker.config import Config
from adapters.tradelocker.simulator_auth import SignInVenue, TokenDesk
from adapters.tradelocker.simulator_desk import Desk, is_account
from adapters.tradelocker.simulator_rest import RATE_LIMITS, RestVenue
from adapters.tradelocker.simulator_streams import StreamsVenue
from adapters.tradelocker.wire import PATH
from adapters.transport.serving import HttpService

EMAIL: Final = "trader@simulated.example"
SERVER: Final = "SIMULATED"
SIGN_IN_WORD: Final = "simulated-password"
DEVELOPER_KEY: Final = "simulated-developer-key"


class Simulator:
    """The simulated venue. All accounts belong to one sign-in."""

    def __init__(
        self,
        broker: Broker,
        *,
        now: UtcNow,
        faults: Faults | None = None,
        email: str = EMAIL,
        password: str = SIGN_IN_WORD,
        server: str = SERVER,
        developer_api_key: str = DEVELOPER_KEY,
        rate_limits: Mapping[str, tuple[int, int]] = RATE_LIMITS,
        sync_end_names_account: bool = False,
        answers_by_event: bool = False,
    ) -> None:
        """Make the venue; see `StreamsVenue` for the last two, which choose between undocumented shapes.

        Args:
            rate_limits: (requests, seconds) by kind of request, per account.
        """
        self.broker = broker
        self.faults = Faults() if faults is None else faults
        self._now = now
        self._email, self._password, self._server, self._key = email, password, server, developer_api_key
        self._desks: dict[str, Desk] = {}
        tokens = TokenDesk(now)
        self.faults.on_expire_tokens(tokens.expire)
        sign_in = SignInVenue(self.desks, tokens, self.faults, (email, password, server))
        rest = RestVenue(self.desks, broker.market, tokens, self.faults, now, sign_in, rate_limits)
        streams = StreamsVenue(
            self.desks,
            tokens,
            self.faults,
            developer_api_key,
            sync_end_names_account=sync_end_names_account,
            answers_by_event=answers_by_event,
        )
        self.service = HttpService(
            http=with_control(broker, self.faults, rest.answer),
            websockets={PATH: streams.serve, PATH + "/": streams.serve},
        )
        self.desks()

    def desks(self) -> Mapping[str, Desk]:
        """Return the venue's accounts by streamed id, those that the control API added included."""
        if len(self._desks) != len(self.broker.books):
            for name, book in self.broker.books.items():
                if name not in self._desks and is_account(name):
                    self._desks[name] = Desk(book, len(self._desks) + 1, self._server, self._now)
        return self._desks

    def config(self, account_id: str, origin: str) -> Config:
        """Return the config with which an account of this simulator, served at `origin`, is reached."""
        return Config(
            server=self._server,
            account_id=account_id,
            email=self._email,
            password=Secret(self._password),
            developer_api_key=Secret(self._key),
            environment="demo" if account_id.startswith("D") else "live",
            rest_url=origin,
            streams_url=origin,
        )
