"""Where MySQL is and as whom to ask it: the ``[client]`` section of an option file, which holds a password.

No value of the file gets into a message: what stands in the wrong place may be the password.
"""

from __future__ import annotations

import configparser
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymysql.optionfile import Parser

from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECTION = "client"
_WITH_VALUE = frozenset({"user", "password", "host", "port", "socket"})
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Client:
    """What an option file says.

    Attributes:
        is_local: it names a unix socket, over which TLS would protect nothing.
        where: the server for people: a socket, or host and port.
        owner: user id of the file's owner.
    """

    is_local: bool
    where: str
    owner: int


def read_option_file(path: str) -> Client:
    """Check that a file can be used, as far as it can be told without the server.

    Raises:
        AgentError: it is missing, closed to us, open to others, or has no ``[client]``; the hint says what to do.
    """
    text, owner = _read(path)
    parser = Parser()
    try:
        parser.read_string(text)
    except configparser.Error as exc:
        line = _line(exc)
        what = f"line {line} of {path} is no option" if line else f"{path} is no option file"
        hint = "sections in [brackets], then name = value; each section and option once"
        # Not chained: the parser's own message quotes the line.
        raise AgentError(what, hint=hint) from None
    if not parser.has_section(_SECTION):
        raise AgentError(f"{path} has no section [{_SECTION}]", hint="add it, with user, password and socket or host")
    # Not by the parser's own way, which takes no option without a value, such as `compress`.
    given = {name: configparser.RawConfigParser.get(parser, _SECTION, name) for name in parser.options(_SECTION)}
    if any(value is None and (name in _WITH_VALUE or len(name.split()) > 1) for name, value in given.items()):
        # The line is not quoted: what stands there without its sign may be the password.
        raise AgentError(f"a line of [{_SECTION}] in {path} has no =", hint='name = value, such as: user = "vawsum"')
    options = {name: parser.get(_SECTION, name) for name, value in given.items() if value is not None}
    return _client(path, options, owner)


def _read(path: str) -> tuple[str, int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            # Asked of the open file: whoever may replace it can't get in between.
            status = os.fstat(descriptor)
            _check_mode(path, status.st_mode)
            with open(descriptor, encoding="utf-8", closefd=False) as file:
                return file.read(), status.st_uid
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        hint = "create it, mode 0600, with a section [client]: user, password and socket or host"
        raise AgentError(f"{path} does not exist", hint=hint) from None
    except OSError as exc:
        hint = "give it to the user the agent runs as, mode 0600"
        raise AgentError(f"{path} can't be read: {exc.strerror}", hint=hint) from exc
    except UnicodeDecodeError:
        raise AgentError(f"{path} is not text in UTF-8", hint="write it anew") from None


def _check_mode(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise AgentError(f"{path} is no file", hint="name an option file, with a section [client]")
    if mode & _OTHERS:
        raise AgentError(f"{path} is open to others (mode {stat.S_IMODE(mode):04o})", hint=f"chmod 600 {path}")


def _client(path: str, options: Mapping[str, str], owner: int) -> Client:
    socket, host, port = (options.get(name, "") for name in ("socket", "host", "port"))
    if port and not (port.isascii() and port.isdigit()):
        raise AgentError(f"port in {path} is no number", hint="port = 3306")
    has_tls = any(name.startswith("ssl-") for name in options)
    return Client(
        is_local=bool(socket) and not has_tls, where=socket or f"{host or 'localhost'}:{port or 3306}", owner=owner
    )


def _line(error: configparser.Error) -> int:
    if isinstance(error, configparser.MissingSectionHeaderError):
        return error.lineno
    if isinstance(error, configparser.ParsingError):
        return error.errors[0][0] if error.errors else 0
    if isinstance(error, configparser.DuplicateOptionError | configparser.DuplicateSectionError):
        return error.lineno or 0
    return 0
