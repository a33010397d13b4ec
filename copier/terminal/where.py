"""Which service a command is for, and the key that it shows there."""

import ipaddress
import os
import stat
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from cyclopts import Parameter

from adapters.secret import Secret
from adapters.transport.network import Connect, connect_tcp
from copier.telling.logs import keep_secrets
from copier.terminal.remote import Remote
from rules.model.frozen import frozen

KEY_VARIABLE: Final = "COPIER_KEY"

_KEY_CHARACTERS_MAX: Final = 200
"""Ours have 50."""


class WrongWhere(Exception):
    """The address or the key cannot be used."""


@frozen
class Where:
    """The options that turn a command to a running service."""

    url: Annotated[
        str | None,
        Parameter(help="Ask the service at this address, such as https://copier.example:8377, over its REST API."),
    ] = None
    key_file: Annotated[
        Path | None, Parameter(help=f"A file that holds your API key; without one, {KEY_VARIABLE} of the environment.")
    ] = None

    def remote(self, connect: Connect = connect_tcp) -> Remote | None:
        """Return the service to ask; None where the ledger and the socket of this machine are meant.

        Raises:
            WrongWhere: the address is none, the key cannot be read, or it would be sent for all to read.
        """
        if self.url is None:
            if self.key_file is not None:
                raise WrongWhere("--key-file is for a service: expected --url URL beside it, found none")
            return None
        key = self._key()
        parts = urlsplit(self.url)
        if key is not None and parts.scheme == "http" and not _is_here(parts.hostname):
            raise WrongWhere(f"expected https, found http: the key would go to {parts.hostname} for all to read")
        try:
            return Remote(self.url, key, connect=connect)
        except ValueError as error:
            raise WrongWhere(f"--url: expected http(s)://host[:port]: {error}") from None

    def _key(self) -> Secret | None:
        text = os.environ.get(KEY_VARIABLE, "") if self.key_file is None else _read(self.key_file)
        text = text.strip()
        if not text:
            return None
        if len(text) > _KEY_CHARACTERS_MAX or not (text.isascii() and text.isprintable()) or " " in text:
            raise WrongWhere("expected one API key, as `copier keys add` shows it; found something else")
        key = Secret(text)
        keep_secrets([key])
        return key


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise WrongWhere(f"others may read the key in {file}: run `chmod 600 {file}`")
            text = opened.read(_KEY_CHARACTERS_MAX + 2).decode("utf-8", "replace")
    except OSError as error:
        raise WrongWhere(f"cannot read the key in {file}: {error.strerror}") from None
    if not text.strip():
        raise WrongWhere(f"expected a key in {file}, found nothing")
    return text


def _is_here(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
