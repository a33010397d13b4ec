"""The server half of the Socket API, sans-IO: sign-in by an api-key, the filter, and who is to hear what."""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec
from attrs import define, field

from adapters.base import RemoteProtocolError
from adapters.metacopier.session import QUEUE, SUBSCRIBE_TO
from adapters.transport import stomp_server
from adapters.transport.stomp import Frame, Pace, encode
from adapters.transport.stomp_server import Goodbye, StompServer
from rules.model.frozen import frozen

_ACCOUNTS_MAX = 1000


@frozen
class SignIn:
    """CONNECT came; the server answers with `accept` or `error`."""

    api_key: str | None


@frozen
class SubscriptionChanged:
    """There is a new filter or a new subscription: everything is to be shown anew, where both exist."""


Received: TypeAlias = SignIn | SubscriptionChanged | Goodbye


class _Filter(msgspec.Struct, rename="camel"):
    account_ids: list[str]


@define
class ServerSession:
    """One client's session. `account_ids` is its filter: None before the first one came, empty for all accounts."""

    account_ids: frozenset[str] | None = field(default=None, init=False)
    _messages: int = field(default=0, init=False)
    # Other user queues may be subscribed (an older page allowed it) and stay silent.
    _stomp: StompServer = field(factory=lambda: StompServer(requests=(SUBSCRIBE_TO,)), init=False)

    def receive(self, data: bytes | str) -> Iterator[Received]:
        """Take in one WebSocket message and yield what it asks for.

        Raises:
            RemoteProtocolError: the client broke the protocol; the server answers with `error` and closes.
        """
        for received in self._stomp.receive(data):
            match received:
                case stomp_server.SignIn():
                    yield SignIn(received.headers.get("api-key"))
                case stomp_server.Request():
                    self._filter(received.body)
                    yield SubscriptionChanged()
                case stomp_server.Subscribed():
                    yield SubscriptionChanged()
                case Goodbye():
                    yield received
                case stomp_server.Unsubscribed():
                    pass

    @property
    def pace(self) -> Pace:
        return self._stomp.pace

    @property
    def silence_s_max(self) -> float:
        return self._stomp.silence_s_max

    def take_outgoing(self) -> list[str]:
        """Return the frames that must be sent now, each once."""
        return self._stomp.take_outgoing()

    def accept(self, session_id: str) -> None:
        """Answer SignIn with CONNECTED."""
        self._stomp.accept(session_id)

    def error(self, reason: str, detail: str) -> None:
        """Say ERROR; the server closes next. `reason` is short and one line, `detail` a sentence for a person."""
        self._stomp.error(reason, detail)

    def wants(self, account_id: str) -> bool:
        """Tell whether the client is to hear about an account: only once it has both subscribed and sent a filter."""
        if self.account_ids is None or QUEUE not in self._stomp.subscriptions.values():
            return False
        return not self.account_ids or account_id in self.account_ids

    def messages(self, body: bytes) -> list[str]:
        """Return the MESSAGE frames that carry `body`, one for each subscription."""
        frames = []
        for subscription, destination in self._stomp.subscriptions.items():
            if destination != QUEUE:
                continue
            self._messages += 1
            headers = {
                "destination": QUEUE,
                "content-type": "application/json",
                "subscription": subscription,
                "message-id": f"message-{self._messages}",
            }
            frames.append(encode(Frame("MESSAGE", headers, body), self._stomp.version))
        return frames

    def _filter(self, body: bytes) -> None:
        try:
            wanted = msgspec.json.decode(body, type=_Filter).account_ids
        except (ValueError, RecursionError):
            raise RemoteProtocolError("expected a JSON object with accountIds, a list of texts") from None
        if len(wanted) > _ACCOUNTS_MAX:
            raise RemoteProtocolError(f"expected at most {_ACCOUNTS_MAX} accountIds, found {len(wanted)}")
        self.account_ids = frozenset(account_id.lower() for account_id in wanted)
