"""Keys of the full design that this version does not have: refused by name, never silently ignored."""

from copier.config.positions import KeyPath

_ANY = "*"

_KEYS: dict[KeyPath, str | None] = {
    ("prop",): None,
    ("presets",): None,
    ("service", "tls"): "set `tls_certificate` and `tls_key`",
    ("service", "api_keys"): "keys are made by `copier keys add`",
    ("schedules", _ANY, "news"): "write [news.NAME] and a policy's `news`",
    ("policies", _ANY, "stops", "copy"): 'set `stop_loss` and `take_profit`, or mode = "none"',
    ("policies", _ANY, "stops", "remove"): "set `stop_loss` or `take_profit` to false",
}


def is_unbuilt_key(path: KeyPath) -> bool:
    """Tell whether a key belongs to the design and not to this version."""
    return _pattern_of(path) in _KEYS


def way_around(path: KeyPath) -> str | None:
    """Return what a person can write instead of an unbuilt key, or None."""
    return _KEYS.get(_pattern_of(path))


def _pattern_of(path: KeyPath) -> KeyPath:
    """Return the path with the names that people give replaced; overrides and rows of symbols read as policies."""
    if path[:1] == ("links",) and path[2:3] == ("override",):
        path = ("policies", _ANY, *path[3:])
    while path[:1] == ("policies",) and path[2:3] == ("per_symbol",) and len(path) > 4:
        path = ("policies", _ANY, *path[4:])
    if path[:1] in {("accounts",), ("schedules",), ("policies",)} and len(path) > 2:
        return (path[0], _ANY, *path[2:])
    return path
