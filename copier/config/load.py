"""Reads a config file whole: every mistake in one run, each with its line."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tomli
from attrs import evolve

from adapters.base import Capabilities
from copier.config.accounts import RECONCILE_EVERY, read_accounts, same_accounts
from copier.config.alerts import read_alerts
from copier.config.caps import read_caps
from copier.config.cases import read_cases
from copier.config.checks import duration_within
from copier.config.conduct import read_conduct
from copier.config.errors import ConfigError, ConfigProblem, Fault, UnknownKey, nearest, one_of, shown_value
from copier.config.groups import AccountNames
from copier.config.lacks import warn_of_lacks
from copier.config.limits import read_limits
from copier.config.links import LinkBook
from copier.config.maintenance import read_maintenance
from copier.config.model import AccountConfig, Configuration, ServiceConfig
from copier.config.news import CalendarSource, read_news
from copier.config.policy_book import DEFAULT, PolicyBook
from copier.config.positions import DEPTH_MAX, NestedTooDeep, find_positions
from copier.config.prop import PropReader
from copier.config.prop_doubts import warn_of_growth
from copier.config.reader import Reader
from copier.config.results import read_results
from copier.config.schedules import read_schedules
from copier.config.secrets import Outside
from copier.config.structure import make_converter
from copier.config.symbol_maps import read_symbols
from copier.config.unbuilt import is_unbuilt_key, way_around
from rules.model.values import AccountId
from rules.times.news import NewsPolicy

FILE_BYTES_MAX = 1024 * 1024
"""A thousand accounts with their links need a third of this."""

SECTIONS = (
    "service",
    "accounts",
    "groups",
    "symbols",
    "schedules",
    "news",
    "maintenance",
    "policies",
    "links",
    "limits",
    "alerts",
    "tests",
)

# int() takes no longer text, and says so without a line.
_LONG_DIGITS = re.compile(r"[0-9][0-9_]{4000}")


def load_config(
    path: Path | str,
    env: Mapping[str, str],
    venues: Mapping[str, type[Any]],
    *,
    able: Callable[[AccountConfig], Capabilities] | None = None,
    today: date | None = None,
) -> Configuration:
    """Return the configuration that a file describes.

    Args:
        path: the TOML file. Relative paths in it start from its folder.
        env: what `${env:NAME}` refers to.
        venues: each venue's Config class by the venue's name.
        able: tells what an account's venue can: one that takes no orders can be no target, and what a policy or a limit
            needs and it never gives is warned of. None asks for nothing.
        today: what the age of presets is counted to; None asks for none.
    Raises:
        ConfigError: the file cannot be read or holds mistakes; it has all of them. No text in it shows a secret.
    """
    file = Path(path)
    text = _read_text(file)
    document = _parse(file, text)
    try:
        reader = Reader(file, find_positions(text))
    except NestedTooDeep as deep:
        raise _one_problem(file, deep.line, f"at most {DEPTH_MAX} levels of keys and brackets", "more") from None
    configuration = _read_sections(reader, document, file, env, venues, able, today)
    if reader.problems or configuration is None:
        raise ConfigError(reader.problems)
    return evolve(configuration, warnings=tuple(sorted(reader.warnings, key=lambda problem: problem.line or 0)))


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _one_problem(file, None, "a readable file", error.strerror or "none") from None
    if len(data) > FILE_BYTES_MAX:
        raise _one_problem(file, None, f"a file of at most {FILE_BYTES_MAX} bytes", "a larger one")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _one_problem(file, line, "UTF-8 text", f"the byte 0x{data[error.start]:02x}") from None


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        # Decimal text stays exact; what `exact` would refuse (nan, 400 digits) becomes a fault where it is read.
        return tomli.loads(text, parse_float=_number)
    except tomli.TOMLDecodeError as error:
        hint = "the rest of the file cannot be read before this is mended"
        raise _one_problem(file, error.lineno, "TOML", f"{error.msg} in column {error.colno}", hint) from None
    except RecursionError:
        raise _one_problem(file, None, f"at most {DEPTH_MAX} levels of keys and brackets", "many more") from None
    except ValueError:
        digits = _LONG_DIGITS.search(text)
        line = None if digits is None else text.count("\n", 0, digits.start()) + 1
        raise _one_problem(file, line, "numbers of at most 20 digits", "thousands of digits") from None


def _number(text: str) -> Decimal | float:
    """Return a TOML float exactly; nan, inf and absurd exponents as a float, which no key takes for a number."""
    try:
        number = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return float(text)
    return number if number.is_finite() else float(text)


def _one_problem(file: Path, line: int | None, expected: str, found: str, hint: str | None = None) -> ConfigError:
    return ConfigError([ConfigProblem(file, line, "", expected, found, hint)])


def _read_sections(
    reader: Reader,
    document: Mapping[str, Any],
    file: Path,
    env: Mapping[str, str],
    venues: Mapping[str, type[Any]],
    able: Callable[[AccountConfig], Capabilities] | None,
    today: date | None,
) -> Configuration | None:
    folder = file.absolute().parent
    _refuse_unknown_sections(reader, document)
    good_service = _service(reader, document.get("service", {}), folder)
    service = good_service or ServiceConfig()
    named = ("accounts", "symbols", "schedules", "news", "maintenance", "policies")
    tables = {name: reader.tables(document, name) for name in named}
    accounts = read_accounts(reader, tables["accounts"], venues, Outside(env, folder), service.reconcile_every)
    news = read_news(reader, tables["news"], Outside(env, folder), service.timezone)
    policies = _policies(reader, tables, news, service.timezone, today)
    names = document["accounts"].keys() if isinstance(document.get("accounts"), dict) else ()
    maintenance = read_maintenance(reader, tables["maintenance"], accounts, venues, service.timezone)
    account_names = AccountNames(reader, names, document.get("groups", {}))
    same = same_accounts(accounts)
    for name, other in same.items():
        reader.warn(("accounts", name), "each account once", f"the same as `{other}`")
    links = LinkBook(reader, account_names, policies, same)
    links.read_all(reader.rows(document, "links"))
    known = {} if able is None else {name: able(account) for name, account in accounts.items()}
    _refuse_idle_targets(reader, links, accounts, known)
    rows = account_names.spread(reader.rows(document, "limits"), "limits")
    limits = read_limits(reader, rows, names, service.timezone)
    caps = read_caps(reader, rows, names)
    conduct = read_conduct(reader, rows, names, service.timezone)
    results = read_results(reader, rows, names, service.timezone)
    cases = read_cases(reader, reader.rows(document, "tests"), links.ids, service.timezone)
    alerts = read_alerts(reader, reader.rows(document, "alerts"), account_names, Outside(env, folder))
    props = {name: account.prop for name, account in accounts.items() if account.prop is not None}
    own, targets = tuple(limit for limit, _ in limits), {link.target for link in links.links}
    firms = PropReader(reader, folder, service.timezone, today).read(props, own, targets)
    warn_of_growth(reader, links.links, props, links.target_paths)
    if not names:
        reader.fault((), Fault("at least one account, such as [accounts.source]", "none"))
    _warn_of_unused(reader, tables, policies)
    warn_of_lacks(reader, links, rows, {limit.account for limit in firms.limits}, known)
    account_names.warn_of_unused()
    if good_service is None:
        return None
    return Configuration(
        file=file,
        service=service,
        accounts=accounts,
        policies={name: total.policy for name, total in policies.sums.items()},
        links=tuple(links.links),
        sums=links.sums,
        limits=(*own, *firms.limits),
        caps=(*caps, *firms.caps),
        conduct=(*conduct, *firms.conduct),
        results=(*results, *firms.results),
        cases=cases,
        alerts=alerts,
        maintenance=maintenance,
        calendars={name: each[1] for name, each in news.items() if each is not None and name in policies.used["news"]},
    )


def _policies(
    reader: Reader,
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]],
    news: Mapping[str, tuple[NewsPolicy, CalendarSource] | None],
    timezone: ZoneInfo,
    today: date | None,
) -> PolicyBook:
    """Return the policies, with what they name beside themselves."""
    named: dict[str, Mapping[str, object]] = {
        "symbols": read_symbols(reader, tables["symbols"], timezone, today),
        "schedules": read_schedules(reader, tables["schedules"], timezone),
        "news": {name: None if each is None else each[0] for name, each in news.items()},
    }
    return PolicyBook(reader, tables["policies"], named)


def _refuse_idle_targets(
    reader: Reader,
    links: LinkBook,
    accounts: Mapping[AccountId, AccountConfig],
    known: Mapping[AccountId, Capabilities],
) -> None:
    for link in links.links:
        target = known.get(link.target)
        if target is not None and not target.trades:
            found = f"`{link.target}` at {accounts[link.target].venue}"
            reader.fault(links.target_paths[link.link_id], Fault("a target whose venue takes orders", found))


def _refuse_unknown_sections(reader: Reader, document: Mapping[str, Any]) -> None:
    for name in document:
        if name in SECTIONS:
            continue
        if is_unbuilt_key((name,)):
            found = f"`{name}`, which is not supported in this version"
            reader.fault((name,), Fault("what this version supports", found, way_around((name,))))
        else:
            fault = UnknownKey(one_of(SECTIONS), f"the unknown section `{name[:60]}`", nearest(name, SECTIONS))
            reader.fault((name,), fault)


def _service(reader: Reader, raw: object, folder: Path) -> ServiceConfig | None:
    def read_ledger(value: object) -> Path:
        if isinstance(value, str) and value.startswith("postgresql:"):
            raise Fault('"sqlite:FILE"', "PostgreSQL, which is not supported in this version")
        if not isinstance(value, str) or not value.startswith("sqlite:") or "\0" in value or not value[7:].strip():
            raise Fault('"sqlite:FILE"', shown_value(value))
        return folder / value.removeprefix("sqlite:")

    def read_path(value: object) -> Path:
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise Fault("the name of a file", shown_value(value))
        return folder / value

    readings = {
        "ledger": read_ledger,
        "tls_certificate": read_path,
        "tls_key": read_path,
        "reconcile_every": RECONCILE_EVERY,
        "drain": duration_within(timedelta(0), timedelta(minutes=10)),
    }
    service = reader.structure(make_converter(readings={ServiceConfig: readings}), ServiceConfig, raw, ("service",))
    if service is None:
        return None
    _check_listening(reader, service)
    return evolve(service, ledger=folder / service.ledger)


def _check_listening(reader: Reader, service: ServiceConfig) -> None:
    """Refuse to be reached by others without TLS."""
    for key, other in (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")):
        if getattr(service, key) is not None and getattr(service, other) is None:
            reader.fault(("service", key), Fault(f"`{other}` beside it", "none"))
    if service.listen is None or service.listen.is_loopback:
        return
    if service.tls_certificate is None and not service.behind_proxy:
        hint = "set `tls_certificate` and `tls_key`, or put a proxy before it and set `behind_proxy`"
        reader.fault(
            ("service", "listen"), Fault("an address that only this machine reaches", str(service.listen), hint)
        )
    if not service.allowed_hosts:
        reader.warn(("service", "listen"), "the service's name in `allowed_hosts`", "none: only its address is a name")


def _warn_of_unused(reader: Reader, tables: Mapping[str, Mapping[str, Any]], policies: PolicyBook) -> None:
    for section, used in policies.used.items():
        user = "a link" if section == "policies" else "a policy"
        for name in tables[section]:
            if name not in used and (section, name) != ("policies", DEFAULT):
                reader.warn((section, name), f"{user} that uses it", "none: it has no effect")
