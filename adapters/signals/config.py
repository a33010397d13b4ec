"""The keys of an account of signals in the config."""

from datetime import timedelta

from attrs import Attribute, field
from attrs.validators import optional

from adapters.secret import Secret
from adapters.signals.signature import signing_key
from rules.model.frozen import frozen

# What somebody can guess at the pace that we allow (ten a minute and address) must be out of reach for ever.
SECRET_CHARS_MIN = 16

WINDOW_MIN, WINDOW_MAX = timedelta(seconds=5), timedelta(hours=1)


def _is_long_enough(_: object, attribute: "Attribute[Secret]", value: Secret) -> None:
    if len(value.reveal()) < SECRET_CHARS_MIN:
        raise ValueError(f"{attribute.name} must have {SECRET_CHARS_MIN} characters or more")


def _is_sane(_: object, attribute: "Attribute[timedelta]", value: timedelta) -> None:
    if not WINDOW_MIN <= value <= WINDOW_MAX:
        raise ValueError(f"{attribute.name} must be from 5 s to 1 h, was {value}")


def _check_text(_: object, attribute: "Attribute[str]", value: str) -> None:
    if not value:
        raise ValueError(f"{attribute.name} must be a text of one character or more, was empty")


@frozen
class Config:
    """One account whose positions come as signals to `/api/v1/signals/NAME`. It can be a source only."""

    state: str = field(
        validator=_check_text,
        metadata={
            "doc": "File of what is open and which signals were taken, made when missing; one file an account. "
            "A relative one lies beside the config file. "
            '":memory:" keeps nothing: after a restart nothing is open, and copies are closed.',
            "path": True,
            "identity": True,
        },
    )
    secret: Secret | None = field(
        default=None,
        validator=optional(_is_long_enough),
        metadata={
            "doc": "What a signal's `secret` must be, 16 characters or more: for senders that cannot sign, such as "
            "TradingView."
        },
    )
    signing_key: Secret | None = field(
        default=None,
        validator=optional(_is_long_enough),
        metadata={
            "doc": "Signals may be signed with it, in the headers of Standard Webhooks: text of 16 characters or "
            "more, or `whsec_` with base64."
        },
    )
    window: timedelta = field(
        default=timedelta(seconds=60),
        validator=_is_sane,
        metadata={"doc": "How far a signal's time may be from ours, 5 s to 1 h: one that is older is refused."},
    )

    def __attrs_post_init__(self) -> None:
        if self.secret is None and self.signing_key is None:
            raise ValueError("secret or signing_key is required: a signal that nobody signed is not taken")
        if self.signing_key is not None:
            signing_key(self.signing_key)
