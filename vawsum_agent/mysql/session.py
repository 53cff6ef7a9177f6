"""One connection to MySQL or MariaDB, kept between looks; no look takes longer than its limit.

Asks, and changes nothing: the session itself is read only.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pymysql import err
from pymysql.connections import Connection
from pymysql.constants import CR, ER
from pymysql.cursors import DictCursor

from vawsum_agent.core.errors import AgentError
from vawsum_agent.mysql.option_file import read_option_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Row = dict[str, object]
    Query = Callable[[str], list[Row]]

_T = TypeVar("_T")

_CONNECT_LIMIT_S = 3.0
_CUT_AGAIN_S = 0.2

_LOGIN_REFUSED = frozenset({ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, 1698})  # 1698: the plug-in's refusal
_SILENT = frozenset({CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR})
_NOT_MYSQL = (
    *(err.Error, OSError, ValueError, LookupError, TypeError),
    *(AttributeError, AssertionError, EOFError, RuntimeError, struct.error),
)
"""What PyMySQL raises on an answer that is none of MySQL's."""


class Refused(Exception):
    """The server understood a statement and does not carry it out; the connection goes on.

    Attributes:
        code: the server's error number.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Link(Connection):
    """A connection that another thread can cut."""

    _sock: socket.socket | None  # PyMySQL's; None while there is no connection

    def cut(self) -> None:
        """End whatever is waited for; with TLS too, past which the socket's own method has to go."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def rows(self, sql: str) -> list[Row]:
        """Run a statement.

        Raises:
            Refused: the server does not carry it out.
            err.Error: the connection is gone.
        """
        try:
            with self.cursor(DictCursor) as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        except err.MySQLError as exc:
            code = _code(exc)
            if code and self.open and code not in _SILENT:
                raise Refused(code, _message(exc)) from exc
            raise


class Session:
    """Looks at the server that an option file names. One thread at a time."""

    def __init__(self, option_file: str) -> None:
        self._option_file = option_file
        self._link: _Link | None = None
        self._where = ""
        self._is_cut = False

    def run(self, look: Callable[[Query], _T], limit_s: float) -> _T:
        """Look, over the kept connection or a new one; a kept one that turns out closed is replaced.

        Args:
            look: runs statements, and may run again from its beginning.
            limit_s: for all of it. The server that says nothing is hung up on then.

        Raises:
            AgentError: it is down, does not let us in, or does not answer; the hint says what to do.
        """
        with self._cutting(limit_s):
            if self._link is not None:
                try:
                    return look(self._link.rows)
                except (*_NOT_MYSQL, Refused) as exc:
                    self.close()
                    if self._is_cut:
                        raise self._mapped(exc, limit_s) from exc
            try:
                return look(self._connected().rows)
            except (*_NOT_MYSQL, Refused) as exc:
                self.close()
                raise self._mapped(exc, limit_s) from exc

    def close(self) -> None:
        """Hang up; the next look connects anew. Never raises."""
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(*_NOT_MYSQL):
                link.close()

    def _connected(self) -> _Link:
        client = read_option_file(self._option_file)
        self._where = client.where
        settings: dict[str, Any] = {"ssl_disabled": True} if client.is_local else {}
        self._link = _Link(
            read_default_file=self._option_file,
            defer_connect=True,
            connect_timeout=_CONNECT_LIMIT_S,
            autocommit=True,
            init_command="SET SESSION TRANSACTION READ ONLY",
            program_name="vawsum-agent",
            **settings,
        )
        self._link.connect()
        return self._link

    @contextlib.contextmanager
    def _cutting(self, limit_s: float) -> Iterator[None]:
        """Cut the connection when the time is over. PyMySQL's own limits hold for each read, and a server may drip."""
        is_done = threading.Event()
        self._is_cut = False

        def watch() -> None:
            is_over = not is_done.wait(limit_s)
            while is_over:  # again, until it is noticed: the first may come just before the socket is there
                self._is_cut = True
                if (link := self._link) is not None:
                    link.cut()
                is_over = not is_done.wait(_CUT_AGAIN_S)

        watcher = threading.Thread(target=watch, name="mysql-limit", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            is_done.set()
            watcher.join()

    def _mapped(self, error: Exception, limit_s: float) -> AgentError:
        server = f"MySQL at {self._where}"
        if self._is_cut:
            hint = "it hangs or is overloaded: SHOW PROCESSLIST tells what it does"
            return AgentError(f"{server} did not answer within {limit_s:g} s", hint=hint)
        code = error.code if isinstance(error, Refused) else _code(error)
        if code:
            return AgentError(f"{server}: {_message(error)}", hint=self._hint(code))
        if isinstance(error, RuntimeError):
            hint = f"name its socket, or ssl-ca, in {self._option_file}: without either it wants RSA"
            return AgentError(f"{server} asks for a password that can't be sent in the clear", hint=hint)
        # Neither text nor cause: where values of the option file are refused, either may quote the password.
        hint = f"does {self._option_file} name the server, and are its values right?"
        return AgentError(f"{server} does not speak MySQL's protocol ({type(error).__name__})", hint=hint)

    def _hint(self, code: int) -> str:
        if code in _LOGIN_REFUSED:
            return f"make user and password in {self._option_file} those of an account"
        if code == ER.CON_COUNT_ERROR:
            return "see who holds the connections (SHOW PROCESSLIST), or raise max_connections"
        if code == CR.CR_CONN_HOST_ERROR:
            return f"is MySQL running? {self._option_file} says where"
        if code in _SILENT:
            return "was it restarted? It is asked again in the next round"
        return "vawsum-agent doctor tells more"


def _code(error: BaseException) -> int:
    """The number of an error as MySQL counts them; 0 where it has none."""
    code = error.args[0] if isinstance(error, err.MySQLError) and error.args else 0
    return code if isinstance(code, int) else 0


def _message(error: BaseException) -> str:
    """What the server or the system said; PyMySQL puts it behind the number."""
    text = str(error.args[-1]) if error.args else type(error).__name__
    return " ".join(text.split())[:300]
