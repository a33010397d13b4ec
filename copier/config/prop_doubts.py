"""Warns of links whose sizes grow after losses onto accounts that a firm's rules hold for."""

from collections.abc import Iterable, Mapping

from copier.config.positions import KeyPath
from copier.config.prop import PropKeys
from copier.config.reader import Reader
from rules.model.values import AccountId, LinkId
from rules.policy.links import CopyLink
from rules.policy.series import AfterLosses, Progression
from rules.sizes.series import words_of


def warn_of_growth(
    reader: Reader,
    links: Iterable[CopyLink],
    props: Mapping[AccountId, PropKeys],
    places: Mapping[LinkId, KeyPath],
) -> None:
    """Warn of each link onto a firm's account whose policy, or a row of it, raises risk after losses.

    Args:
        places: where each link's target stands.
    """
    for link in links:
        if link.target not in props:
            continue
        for policy in (link.policy, *(row.policy for row in link.policy.per_symbol)):
            if policy.progression is not None and _grows(policy.progression):
                found = f"`{link.target}` gets {words_of(policy.progression)}"
                hint = "most firms forbid it, and end the account for it"
                reader.warn(places[link.link_id], "no more risk after losses on a firm's account", found, hint)
                break


def _grows(progression: Progression) -> bool:
    return not isinstance(progression, AfterLosses) or progression.multiplier > 1
