"""Reads [[links]]: who copies whom, by which policy; refuses copies that would come back to where they began."""

from collections.abc import Mapping
from typing import Any

from attrs import field

from copier.config.errors import Fault, nearest, one_of
from copier.config.groups import AccountNames
from copier.config.policy_book import DEFAULT, PolicyBook, PolicySum
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.structure import make_converter
from rules.model.frozen import frozen
from rules.model.values import AccountId, LinkId
from rules.policy.links import CopyLink, LinkState


def _read_override(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Fault("a table of a policy's keys", "no table")
    return value


@frozen
class LinkKeys:
    """One source copied to one or more targets."""

    source: str = field(metadata={"doc": "Name of the account whose trades are copied."})
    targets: tuple[str, ...] = field(
        metadata={"doc": "Names of the accounts that receive the copies, or `group:NAME`."}
    )
    policy: str = field(default=DEFAULT, metadata={"doc": "Name of the policy that the link obeys."})
    state: LinkState = field(
        default=LinkState.ACTIVE,
        metadata={"doc": "What the link may do. A paused link still closes what it holds with its source."},
    )
    override: Mapping[str, Any] = field(
        factory=dict,
        metadata={"doc": "Keys of a policy that replace those of `policy` for this link.", "read": _read_override},
    )


class LinkBook:
    """The links of one file while they are read, row by row."""

    def __init__(
        self, reader: Reader, accounts: AccountNames, policies: PolicyBook, same: Mapping[AccountId, AccountId]
    ) -> None:
        self._reader = reader
        self._accounts = accounts
        self._policies = policies
        self._converter = make_converter()
        self._same = same
        """By name, another name of the same account: a copy between the two would come back."""
        self._targets: dict[str, set[str]] = {}
        self._ways: dict[str, set[str]] = {}
        """The same by one name for each account."""
        self.links: list[CopyLink] = []
        self.sums: dict[LinkId, PolicySum] = {}
        """What each link obeys, and where it was written."""
        self.target_paths: dict[LinkId, KeyPath] = {}
        """Where each link's target stands."""

    @property
    def ids(self) -> list[LinkId]:
        """All links that were written, those whose policy has faults included."""
        return [
            LinkId(f"{source}->{target}") for source, targets in self._targets.items() for target in sorted(targets)
        ]

    def read_all(self, rows: list[Any]) -> None:
        """Read every row; faults go to the reader."""
        for index, raw in enumerate(rows):
            path: KeyPath = ("links", index)
            keys = self._reader.structure(self._converter, LinkKeys, raw, path)
            if keys is not None:
                self._read(keys, path)

    def _read(self, keys: LinkKeys, path: KeyPath) -> None:
        policy = self._policy(keys, path)
        has_source = self._accounts.is_account(keys.source, (*path, "source"))
        if not keys.targets:
            self._reader.fault((*path, "targets"), Fault("at least one target", "an empty array"))
        for number, name in enumerate(keys.targets):
            at = (*path, "targets", number)
            for target in self._accounts.resolve(name, at):
                if has_source and self._is_new_and_ends(keys.source, target, at):
                    self._add(keys, target, policy, at)

    def _add(self, keys: LinkKeys, target: str, policy: PolicySum | None, at: KeyPath) -> None:
        self._targets.setdefault(keys.source, set()).add(target)
        self._ways.setdefault(self._one_name(keys.source), set()).add(self._one_name(target))
        if policy is None:  # its faults are told where they stand
            return
        link_id = LinkId(f"{keys.source}->{target}")
        self.target_paths[link_id] = at
        self.sums[link_id] = policy
        self.links.append(CopyLink(link_id, AccountId(keys.source), AccountId(target), policy.policy, keys.state))

    def _policy(self, keys: LinkKeys, path: KeyPath) -> PolicySum | None:
        self._policies.used["policies"].add(keys.policy)
        if keys.policy not in self._policies.names:
            names = self._policies.names
            fault = Fault(one_of(names), f'the unknown policy "{keys.policy[:60]}"', nearest(keys.policy, names))
            self._reader.fault((*path, "policy"), fault)
            return None
        if not keys.override:
            return self._policies.sums.get(keys.policy)
        label = f"{keys.policy}, overridden by {keys.source}"
        return self._policies.overridden(keys.policy, keys.override, label, (*path, "override"))

    def _is_new_and_ends(self, source: str, target: str, path: KeyPath) -> bool:
        if target in self._targets.get(source, ()):
            self._reader.fault(path, Fault("one link for each pair", f"a second link {source}->{target}"))
            return False
        begin, end = self._one_name(source), self._one_name(target)
        back = self._way(end, begin)
        if back is not None:
            expected = "links that end somewhere" if begin != end else "another account than the source"
            names = [source, *back] if begin != end else [source, target]
            same = [f"`{each}` is the same account as `{self._one_name(each)}`" for each in (source, target)
                    if self._one_name(each) != each]  # fmt: skip
            self._reader.fault(path, Fault(expected, f"a loop {' -> '.join(names)}", ", ".join(same) or None))
            return False
        return True

    def _one_name(self, account: str) -> str:
        return self._same.get(AccountId(account), account)

    def _way(self, start: str, end: str) -> list[str] | None:
        """Return the accounts from `start` to `end` along the links so far, or None."""
        came_from: dict[str, str | None] = {start: None}
        queue = [start]
        for account in queue:
            for following in sorted(self._ways.get(account, ())):
                if following not in came_from:
                    came_from[following] = account
                    queue.append(following)
        if end not in came_from:
            return None
        way, step = [], came_from[end]
        while step is not None:
            way.append(step)
            step = came_from[step]
        return [*reversed(way), end]
