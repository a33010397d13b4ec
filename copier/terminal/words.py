"""The colours that stages, states and severities share. Each is beside its word: nothing is said by colour alone."""

from typing import Final

STAGES: Final = {
    "ok": "green",
    "warn": "yellow",
    "unknown": "yellow",
    "block": "red",
    "halt": "bold red",
    "flatten": "bold red",
    "breached": "bold red",
}
STATES: Final = {
    "active": "green",
    "ready": "green",
    "starting": "yellow",
    "close_only": "yellow",
    "paused": "yellow",
    "halted": "yellow",
    "flat": "bold red",
    "lost": "bold red",
    "refused": "bold red",
}
SEVERITIES: Final = {"ok": "green", "info": "cyan", "warning": "yellow", "critical": "bold red"}
SIDES: Final = {"buy": "green", "sell": "red"}


def spoken(state: str | None) -> str:
    """Return a state's word as a person writes it."""
    return "" if state is None else state.replace("_", " ")
