"""Reads [[alerts]]: who is told of what, where, and how often."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from attrs import field

from adapters.secret import Secret
from copier.alerts.by_webhook import Webhook, signing_key
from copier.config.checks import count_above_zero, duration_within
from copier.config.errors import Fault, nearest, one_of, shown_value
from copier.config.groups import AccountNames
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.secrets import Outside, is_reference
from copier.config.structure import make_converter
from rules.alerts.kinds import KINDS, AlertKind
from rules.alerts.routes import AlertRoute
from rules.model.frozen import frozen
from rules.model.severity import Severity
from rules.model.values import AccountId

_FAMILIES = {code.partition(".")[0] for code in KINDS}
_WORDS = sorted({*KINDS, *_FAMILIES} - {AlertKind.TEST.value})

_ADDRESS = "an address that apprise takes, such as `tgram://${env:TELEGRAM_TOKEN}/12345`"
_URL = "an address such as `https://example.com/hook`"


def _read_when(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise Fault("an array of kinds of alerts", shown_value(value), None if value == [] else "put it into brackets")
    for index, word in enumerate(value):
        if word not in _WORDS:
            hint = nearest(word, _WORDS) if isinstance(word, str) else None
            raise Fault(one_of(_WORDS), shown_value(word), hint, below=(index,))
    return tuple(value)


@frozen
class WebhookKeys:
    """A receiver of our own: each message is POSTed to it as JSON, signed with HMAC-SHA256 and a timestamp."""

    url: Secret = field(metadata={"doc": "Where to; `https://`, or `http://` within a network that you trust."})
    secret: Secret = field(
        metadata={"doc": "What signs: at least 16 characters, or `whsec_` and base64 as receivers' libraries make it."}
    )


@frozen
class AlertKeys:
    """Who is told of what. Each row is a route of its own: what several rows want is told by each of them."""

    to: tuple[Secret, ...] = field(
        default=(),
        metadata={"doc": "Addresses of the library apprise: `tgram://`, `slack://`, `mailtos://`, `json://`, ..."},
    )
    webhook: WebhookKeys | None = field(default=None, metadata={"doc": "A signed webhook, beside or instead of `to`."})
    when: tuple[str, ...] | None = field(
        default=None,
        metadata={
            "doc": "Kinds of alerts, see alerts.md; `limit` stands for every `limit.` kind. By default all.",
            "read": _read_when,
        },
    )
    accounts: tuple[str, ...] = field(
        default=(),
        metadata={"doc": "Only alerts about these accounts (or `group:NAME`), and about the service as a whole."},
    )
    min_severity: Severity = field(default=Severity.WARNING, metadata={"doc": "What matters less is not told."})
    repeat: timedelta = field(
        default=timedelta(minutes=15),
        metadata={
            "doc": "The same cause again is told after this, with its number. What lasts is told again after this, then"
            " after twice that, and so on, at last once a day; from 1 min to 1 d.",
            "read": duration_within(timedelta(minutes=1), timedelta(days=1)),
        },
    )
    group: timedelta = field(
        default=timedelta(seconds=5),
        metadata={
            "doc": "How long the first alert waits for others to go into one message with it; up to 10 min.",
            "read": duration_within(timedelta(0), timedelta(minutes=10)),
        },
    )
    per_hour: int = field(
        default=30,
        metadata={
            "doc": "Messages in any hour, critical ones not counted; more wait and go together.",
            "read": count_above_zero,
        },
    )
    name: str | None = field(default=None, metadata={"doc": "What the log and `copier alerts test` call it."})


@frozen
class Address:
    """One apprise address, and what people call it."""

    name: str
    url: Secret


@frozen
class AlertConfig:
    """One row: its route, and where that leads."""

    route: AlertRoute
    addresses: tuple[Address, ...]
    webhook: Webhook | None

    def secrets(self) -> tuple[Secret, ...]:
        """Return what must never be seen."""
        own = () if self.webhook is None else (self.webhook.url, self.webhook.secret)
        return (*(each.url for each in self.addresses), *own)


def read_alerts(reader: Reader, rows: list[Any], accounts: AccountNames, outside: Outside) -> tuple[AlertConfig, ...]:
    """Return the alert routes without faults."""
    converter = make_converter(outside)
    found = []
    for index, raw in enumerate(rows):
        path: KeyPath = ("alerts", index)
        keys = reader.structure(converter, AlertKeys, raw, path, outside.hide)
        if keys is None:
            continue
        named = [accounts.resolve(name, (*path, "accounts", n)) for n, name in enumerate(keys.accounts)]
        if _fits(reader, keys, raw, path) and all(named):
            found.append(_config(keys, index, frozenset(AccountId(name) for names in named for name in names)))
    return tuple(found)


def _config(keys: AlertKeys, index: int, accounts: frozenset[AccountId]) -> AlertConfig:
    name = keys.name or f"alerts[{index}]"
    wanted = keys.when or ()
    kinds = frozenset(kind for code, kind in KINDS.items() if code in wanted or code.partition(".")[0] in wanted)
    route = AlertRoute(
        name,
        kinds,
        accounts,
        keys.min_severity,
        keys.repeat,
        keys.group,
        keys.per_hour,
    )
    addresses = tuple(
        Address(f"{name}.to[{number}] ({each.reveal().partition('://')[0][:20]})", each)
        for number, each in enumerate(keys.to)
    )
    webhook = None if keys.webhook is None else Webhook(keys.webhook.url, keys.webhook.secret)
    return AlertConfig(route, addresses, webhook)


def _fits(reader: Reader, keys: AlertKeys, raw: Any, path: KeyPath) -> bool:
    before = len(reader.problems)
    if not keys.to and keys.webhook is None:
        reader.fault(path, Fault("`to` or `webhook`", "a row that tells nobody"))
    for index, address in enumerate(keys.to):
        _judge_address(reader, address, raw["to"][index], (*path, "to", index))
    if keys.webhook is not None:
        _judge_webhook(reader, keys.webhook, raw["webhook"], (*path, "webhook"))
    return len(reader.problems) == before


def _judge_address(reader: Reader, address: Secret, written: str, path: KeyPath) -> None:
    # Apprise loads its plugins, a quarter of a second: only who has an address pays for them.
    from copier.alerts.by_apprise import AddressRefused, holds_secret

    try:
        secret = holds_secret(address)
    except AddressRefused as error:
        reader.fault(path, Fault(_ADDRESS, str(error)))
        return
    if secret and "${" not in written:
        reader.warn(path, "`${env:NAME}` or `${file:/path}` in it", "a secret written into the file")


def _judge_webhook(reader: Reader, webhook: WebhookKeys, raw: Any, path: KeyPath) -> None:
    try:
        parts = urlsplit(webhook.url.reveal())
        good = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.port != 0
    except ValueError:
        good = False
    if not good:
        reader.fault((*path, "url"), Fault(_URL, "no such address"))
    try:
        if len(signing_key(webhook.secret)) < 16:
            reader.fault((*path, "secret"), Fault("a secret of at least 16 characters", "a shorter one"))
    except ValueError:
        reader.fault((*path, "secret"), Fault("base64 after `whsec_`", "something else"))
    if not is_reference(raw["secret"]):
        reader.warn((*path, "secret"), "`${env:NAME}` or `${file:/path}`", "a secret written into the file")
