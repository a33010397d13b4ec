"""The demo's config: a file as a person would write it, pointed at the simulated venues."""

from copier.demo.venues import ChildVenue
from copier.simulated import account_name

TRADELOCKER_SOURCE, TRADELOCKER_TARGET = (account_name("tradelocker", index) for index in range(2))
METACOPIER_SOURCE, METACOPIER_TARGET = (account_name("metacopier", index) for index in range(2))
SUFFIX = ".m"
"""The MetaCopier broker's names end so; the map turns one kind of name into the other."""

_CONFIG = """\
[service]
ledger = "sqlite:demo.db"
reconcile_every = "2s"
listen = "127.0.0.1:0"

[accounts.tl-source]
{tl_source}

[accounts.mc-source]
{mc_source}

[accounts.paper-target]
venue = "paper"
balance = 50000
state = "paper-target.db"

[accounts.tl-target]
{tl_target}

[accounts.mc-target]
{mc_target}

[symbols.plain]
map = [
  {{ match = 'BTC.*', deny = true }},
  {{ match = '([A-Z0-9]+?)(\\.m)?', to = '\\1' }},
]

[symbols.suffixed]
map = [
  {{ match = 'BTC.*', deny = true }},
  {{ match = '([A-Z0-9]+?)(\\.m)?', to = '\\1.m' }},
]

[schedules.breaks]
timezone = "Europe/London"
closed = [{{ cron = "* * * * *", for = "8s", why = "the first seconds of each minute" }}]

[policies.base]
size = {{ mode = "multiplier", multiplier = 0.5, ignore_contract_size = true }}
volume = {{ min = "raise", max = 2, round = "down" }}
schedule = "breaks"
filter = {{ volume = [0.02, 50] }}
guard = {{ max_age = "10s" }}
stops = {{ mode = "price" }}
limits = {{ max_positions = 12, max_total_volume = 20 }}
on_start = {{ open = "copy" }}

[policies.to-plain]
extends = "base"
symbols = "plain"

[policies.to-suffixed]
extends = "base"
symbols = "suffixed"

[[links]]
source = "tl-source"
targets = ["paper-target", "tl-target"]
policy = "to-plain"

[[links]]
source = "mc-source"
targets = ["paper-target", "tl-target"]
policy = "to-plain"

[[links]]
source = "tl-source"
targets = ["mc-target"]
policy = "to-suffixed"

[[links]]
source = "mc-source"
targets = ["mc-target"]
policy = "to-suffixed"

[[limits]]
account = "tl-target"
kind = "daily_loss"
amount = "4 %"
reset = "17:00 America/New_York"

[[limits]]
account = "mc-target"
kind = "max_loss"
amount = "8 %"
initial_balance = 100000
"""


def demo_config(tradelocker: ChildVenue, metacopier: ChildVenue) -> str:
    """Return the demo's config file as text."""
    return _CONFIG.format(
        tl_source=tradelocker.tables[TRADELOCKER_SOURCE],
        tl_target=tradelocker.tables[TRADELOCKER_TARGET],
        mc_source=metacopier.tables[METACOPIER_SOURCE],
        mc_target=metacopier.tables[METACOPIER_TARGET],
    )
