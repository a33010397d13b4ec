"""`copier alerts`: send a test message, and the alerts of a running service."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from cyclopts import App

from adapters.transport.network import connect_tcp
from copier.alerts.alerting import Alerter, Channel
from copier.alerts.by_apprise import AppriseDestination
from copier.alerts.by_webhook import Webhook, WebhookDestination
from copier.alerts.delivery import DeliveryFailed, Destination
from copier.alerts.own_words import service_ended, trial_alert
from copier.clock import utc_now
from copier.commands.configs import read_config
from copier.commands.exits import FAILED, FINE, WRONG_INPUT, explained, leaves
from copier.commands.read import Json
from copier.config.model import Configuration
from copier.telling.logs import redact
from rules.alerts.routes import Batch, News
from rules.alerts.text import message

alerts_app = App(name="alerts", help="Look after the alerts.")


def channels(config: Configuration) -> tuple[Channel, ...]:
    """Return the routes of a config with their destinations."""
    return tuple(
        Channel(
            each.route,
            (
                *(AppriseDestination(address.name, address.url) for address in each.addresses),
                *_webhooks(each.route.name, each.webhook),
            ),
        )
        for each in config.alerts
    )


def _webhooks(name: str, webhook: Webhook | None) -> Iterator[Destination]:
    if webhook is not None:
        yield WebhookDestination(f"{name}.webhook", webhook, connect_tcp, utc_now)


@asynccontextmanager
async def alerting(config: Configuration, *, quiet: bool) -> AsyncIterator[Alerter]:
    """Tell people while the block runs, and in the end that and why it ended.

    Args:
        quiet: tell nobody: nothing is meant.
    """
    alerter = Alerter(() if quiet else channels(config), now=utc_now, zone=config.service.timezone)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(alerter.run)
        try:
            yield alerter
        except Exception as error:
            alerter.take(service_ended(utc_now(), redact(_reason(error)), 0))
            with trio.CancelScope(shield=True):
                await alerter.finish()
            raise
        await alerter.finish()
        nursery.cancel_scope.cancel()


def _reason(error: Exception) -> str:
    """Return the first error of a group of groups, in one line."""
    first = leaves(error)[0] if isinstance(error, BaseExceptionGroup) else error
    return f"{type(first).__name__}: {first}"


@alerts_app.command(name="test")
def send_test(file: Path = Path("copier.toml"), /, *, json_: Json = False) -> int:
    """Send a test message to every destination of FILE, and say which of them took it."""
    with explained():
        config = read_config(file)
        if not config.alerts:
            print(f"{file} has no [[alerts]]")
            return WRONG_INPUT
        outcomes = trio.run(_test, config)
    if json_:
        print(json.dumps([{"to": name, "failed": reason} for name, reason in outcomes.items()]))
    else:
        for name, reason in outcomes.items():
            print(f"{name}: {'taken' if reason is None else f'failed: {reason}'}")
    return FINE if all(reason is None for reason in outcomes.values()) else FAILED


async def _test(config: Configuration) -> dict[str, str | None]:
    outcomes: dict[str, str | None] = {}
    alert = trial_alert(utc_now())
    batch = Batch(alert.at, (News(alert, alert.at, 1, told_before=False),))

    async def send(destination: Destination) -> None:
        try:
            await destination.send(message(batch, config.service.timezone), batch)
        except DeliveryFailed as error:
            outcomes[destination.name] = str(error)

    async with trio.open_nursery() as nursery:
        for channel in channels(config):
            for destination in channel.destinations:
                outcomes[destination.name] = None
                nursery.start_soon(send, destination)
    return outcomes
