"""The one TOML file that a person writes: read whole, and told where it is wrong.

It must never show a secret, sign in anywhere, or let a key pass that has no effect.
"""

from copier.config.errors import ConfigError, ConfigProblem, format_problem
from copier.config.load import load_config
from copier.config.model import AccountConfig, Configuration, ServiceConfig

__all__ = [
    "AccountConfig",
    "ConfigError",
    "ConfigProblem",
    "Configuration",
    "ServiceConfig",
    "format_problem",
    "load_config",
]
