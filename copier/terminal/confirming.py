"""Asks a person whether money shall move: the name is typed again, or `--yes` was given."""

import sys

from copier.telling.wording import printable


def confirmed(what: str, subject: str, *, yes: bool) -> bool:
    """Return whether to do `what`; where it is not to be done, that has been said.

    Args:
        what: one sentence, without its end.
        subject: what is typed to confirm: the account, position or limit.
    """
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(f"{what}: add --yes", file=sys.stderr)
        return False
    print(f"{what}.\nType {printable(subject)} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() == subject:
        return True
    print("that is another name: nothing was done", file=sys.stderr)
    return False
